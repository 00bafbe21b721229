"""Channels and radiated power that the law of Great Britain allows, and who shares a channel."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from estate.radio.regdb import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estate.radio.fabric import Floats, Ints

_TABLE = Path(__file__).with_name("data") / "regulatory_gb.csv"
_STEP_MHZ = 20


class Band(StrEnum):
    """A band of Wi-Fi, by the name people give it."""

    GHZ_2_4 = "2.4"
    GHZ_5 = "5"
    GHZ_6 = "6"


# Numbers of the 20 MHz channels in runs that may be bonded, and where number 0 would be: IEEE
# 802.11. At 2.4 GHz nothing is bonded: three or four channels are few enough.
_RUNS = {
    Band.GHZ_2_4: tuple((number,) for number in range(1, 14)),
    Band.GHZ_5: (tuple(range(36, 65, 4)), tuple(range(100, 145, 4)), tuple(range(149, 178, 4))),
    Band.GHZ_6: (tuple(range(1, 234, 4)),),
}
_ZERO_MHZ = {Band.GHZ_2_4: 2407, Band.GHZ_5: 5000, Band.GHZ_6: 5950}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel and the most that may be radiated in it, antenna gain included.

    `radar_detection` means that the access point must leave when it hears a radar (DFS).
    """

    band: Band
    number: int
    centre_mhz: float
    width_mhz: int
    eirp_dbm_max: float
    radar_detection: bool
    indoor_only: bool

    def overlaps(self, other: Channel) -> bool:
        """Return whether the two share any frequency; one that ends where the other begins not."""
        apart_mhz = abs(self.centre_mhz - other.centre_mhz)
        return apart_mhz < (self.width_mhz + other.width_mhz) / 2


@lru_cache(maxsize=1)
def read_rules() -> tuple[Rule, ...]:
    """Return the shipped rules, each with the database and the date it was made from."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(_rule(row) for row in csv.DictReader(file))


def channels(band: Band, *, width_mhz: int, rules: Sequence[Rule] = ()) -> tuple[Channel, ...]:
    """Return the channels of a band at a width (20, 40, 80 or 160 MHz), the lowest first.

    A channel that would need two rules, such as 160 MHz across 5250 MHz, is left out.
    """
    size = width_mhz // _STEP_MHZ
    found = []
    for run in _RUNS[band]:
        for first in range(0, len(run) - size + 1, size):
            bonded = run[first : first + size]
            number = sum(bonded) // size
            centre_mhz = _ZERO_MHZ[band] + 5.0 * sum(bonded) / size
            rule = _rule_for(rules or read_rules(), centre_mhz, width_mhz)
            if rule:
                found.append(_channel(band, number, centre_mhz, width_mhz, rule))
    return tuple(found)


def interference_dbm(
    signal_dbm: Floats, *, serving: Ints, used: Sequence[Channel], duty: Floats
) -> Floats:
    """Return what each of n receivers hears from other access points on its channel, (n,).

    `signal_dbm` (m, n) is what arrives from each access point, `serving` (n,) which of them
    serves the receiver, `used` the channel of each, and `duty` (m,) the share of time for which
    each sends. Powers add up; where nobody else is on the channel it is -300 dBm.
    """
    shares = np.array([[one.overlaps(other) for other in used] for one in used], dtype=bool)
    heard = shares[serving].T & (np.arange(len(used))[:, None] != serving[None, :])
    powers_mw = np.where(heard, 10 ** (signal_dbm / 10) * duty[:, None], 0.0)
    decibels: Floats = 10 * np.log10(np.maximum(powers_mw.sum(axis=0), 1e-30))
    return decibels


def _rule_for(rules: Sequence[Rule], centre_mhz: float, width_mhz: int) -> Rule | None:
    """Return the rule that allows a channel, the one of more power where two do."""
    low_mhz, high_mhz = centre_mhz - width_mhz / 2, centre_mhz + width_mhz / 2
    allowing = [
        rule
        for rule in rules
        if rule.start_mhz <= low_mhz
        and high_mhz <= rule.end_mhz
        and width_mhz <= rule.width_mhz_max
    ]
    return max(allowing, key=lambda rule: rule.eirp_dbm_max, default=None)


def _channel(band: Band, number: int, centre_mhz: float, width_mhz: int, rule: Rule) -> Channel:
    return Channel(
        band=band,
        number=number,
        centre_mhz=centre_mhz,
        width_mhz=width_mhz,
        eirp_dbm_max=rule.eirp_dbm_max,
        radar_detection=rule.radar_detection,
        indoor_only=rule.indoor_only,
    )


def _rule(row: Mapping[str, str]) -> Rule:
    return Rule(
        start_mhz=float(row["start_mhz"]),
        end_mhz=float(row["end_mhz"]),
        width_mhz_max=float(row["width_mhz_max"]),
        eirp_dbm_max=float(row["eirp_dbm_max"]),
        radar_detection=row["radar_detection"] == "yes",
        indoor_only=row["indoor_only"] == "yes",
        source=row["source"],
    )

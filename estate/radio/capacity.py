"""Signal to noise → the rate that a radio can hold → the airtime that a cell's demand takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log10
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from estate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estate.radio.fabric import Floats, Ints

THERMAL_DBM_PER_HZ = -174.0

NO_RATE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A modulation and coding scheme: bits per symbol, share of them that is data, SNR it needs.

    The floors are those of hostap for 20 MHz (there +3 dB for each doubling of the width, here
    in the noise, which grows with it).
    """

    bits: int
    code_rate: float
    snr_db_min: float


SCHEMES = tuple(
    Scheme(bits=bits, code_rate=code_rate, snr_db_min=snr_db_min)
    for bits, code_rate, snr_db_min in (
        (1, 1 / 2, 2),
        (2, 1 / 2, 5),
        (2, 3 / 4, 9),
        (4, 1 / 2, 11),
        (4, 3 / 4, 15),
        (6, 2 / 3, 18),
        (6, 3 / 4, 20),
        (6, 5 / 6, 25),
        (8, 3 / 4, 29),
        (8, 5 / 6, 31),
        (10, 3 / 4, 34),
        (10, 5 / 6, 36),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """A generation of Wi-Fi: data subcarriers by width in MHz, and the length of a symbol."""

    name: str
    subcarriers: Mapping[int, int]
    symbol_us: float
    guard_us: float
    schemes: int

    def rate_mbps(self, scheme: int, *, width_mhz: int, streams: int = 1) -> float:
        """Return the rate on the air: Nsd * bits * R * Nss / (Tdft + GI).

        0 where IEEE 802.11 has no such rate: 802.11ac scheme 9 at 20 MHz on one or two streams.

        Raises
        ------
        InputError
            When the generation has no such width.
        """
        if width_mhz not in self.subcarriers:
            widths = ", ".join(map(str, self.subcarriers))
            what = f"{self.name} has no channel of {width_mhz} MHz here"
            raise InputError(what, hint=f"use one of {widths}")
        chosen = SCHEMES[scheme]
        per_symbol = self.subcarriers[width_mhz] * chosen.bits * streams
        # The encoder needs whole bits: 312 * 5 / 6 divides, 416 * 5 / 6 on one stream does not.
        if self is AC and width_mhz == 20 and scheme == 9 and streams % 3:  # noqa: PLR2004 - names of the standard
            return 0.0
        return per_symbol * chosen.code_rate / (self.symbol_us + self.guard_us)

    def schemes_at(self, snr_db: Floats, *, streams: int = 1) -> Ints:
        """Return the best scheme that each SNR holds, `NO_RATE` below the first.

        Streams share the power, so n of them need 10 log10(n) dB more: unverified.
        """
        floors_db = np.array([scheme.snr_db_min for scheme in SCHEMES[: self.schemes]])
        needed_db = floors_db + 10 * log10(streams)
        found: Ints = np.searchsorted(needed_db, snr_db, side="right") - 1
        return found

    def rates_mbps(self, snr_db: Floats, *, width_mhz: int, streams: int = 1) -> Floats:
        """Return the rate on the air that each SNR holds; 0 where it holds none."""
        known = [
            self.rate_mbps(scheme, width_mhz=width_mhz, streams=streams)
            for scheme in range(self.schemes)
        ]
        # A scheme that does not exist leaves the one below it; NO_RATE finds the last entry.
        rates = np.array([*np.maximum.accumulate(known), 0.0])
        held: Floats = rates[self.schemes_at(snr_db, streams=streams)]
        return held


AC = Waveform(
    name="802.11ac",
    subcarriers=MappingProxyType({20: 52, 40: 108, 80: 234}),
    symbol_us=3.2,
    guard_us=0.8,
    schemes=10,
)
AX = Waveform(
    name="802.11ax",
    subcarriers=MappingProxyType({20: 234, 40: 468, 80: 980}),
    symbol_us=12.8,
    guard_us=0.8,
    schemes=12,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something people do online: what one cell takes of it, and the share at the same moment."""

    name: str
    down_mbps: float
    up_mbps: float
    concurrency: float


def demand_mbps(services: Iterable[Service]) -> float:
    """Return what a cell takes at the busiest moment, down and up together: they share the air."""
    return sum(service.concurrency * (service.down_mbps + service.up_mbps) for service in services)


def noise_dbm(*, width_mhz: float, noise_figure_db: float) -> float:
    """Return the noise floor -174 + 10 log10(B) + NF."""
    return THERMAL_DBM_PER_HZ + 10 * log10(width_mhz * 1e6) + noise_figure_db


def airtime_shares(
    rate_mbps: Floats, *, demand_mbps: Floats | float, throughput_share: float
) -> Floats:
    """Return the share of an access point's time that each cell's demand takes.

    Demand / (share * rate on the air); infinite where a cell holds no rate. The share is what is
    left of a rate after contention, acknowledgements and headers.
    """
    shares = np.full(np.shape(rate_mbps), np.inf)
    np.divide(demand_mbps, throughput_share * rate_mbps, out=shares, where=rate_mbps > 0)
    return shares

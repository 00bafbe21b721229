"""What an update may take of a network, and how carefully it goes: data, each with its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.topology import Topology

SHIPPED = Path(__file__).with_name("rules.toml")
OVERLAY = "updates.toml"
CENTRE = "centre"
_OTHER = "other"
_SECTIONS = ("share", "capacity", "setting")
_NUMBERS = ("low", "likely", "high")
_KEYS = (*_NUMBERS, "source", "dated")
_WHOLE = ("at_once", "waves_side_by_side", "wave_devices_max", "first_wave_devices")
_PRINCIPALS_MAX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """A number that is likely, between what it may be, and where that comes from."""

    likely: float
    low: float
    high: float
    source: str
    dated: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that is assumed of updates, by name.

    `shares` and `capacities` are by kind of element; "centre" is the line that everything leaves
    by. Shares lie above 0 and up to 1, capacities are in Mbit/s.
    """

    shares: Mapping[str, Assumption]
    capacities: Mapping[str, Assumption]
    settings: Mapping[str, Assumption]

    def __getitem__(self, setting: str) -> float:
        """Return the likely value of a setting."""
        return self.settings[setting].likely

    def count(self, setting: str) -> int:
        """Return a setting that counts something."""
        return int(self.settings[setting].likely)

    def share_max(self, kind: str) -> float:
        """Return what an update may take of an element of a kind."""
        return self.shares.get(kind, self.shares[_OTHER]).likely

    def capacity_mbps(self, element: str, topology: Topology | None) -> float:
        """Return what an element carries, as the topology states or else as is assumed."""
        kind = CENTRE
        if topology is not None and element in topology.by_id:
            stated = topology.capacity_mbps(element)
            if stated is not None:
                return stated
            kind = topology.by_id[element].kind
        return self.capacities.get(kind, self.capacities[_OTHER]).likely


def read_rules(folder: Path) -> Rules:
    """Return the shipped rules with those of a workspace's folder of inputs laid over them.

    Raises
    ------
    InputError
        When the file cannot be read or says what cannot be; every fault is listed.
    """
    shipped, overlay = _toml(SHIPPED), _toml(folder / OVERLAY)
    problems = [
        Problem(OVERLAY, place, what, cure) for place, what, cure in _faults(overlay, shipped)
    ]
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{count} in {folder / OVERLAY}", problems=problems)
    shares, capacities, settings = (
        {
            name: Assumption(**table)
            for name, table in (shipped[section] | overlay.get(section, {})).items()
        }
        for section in _SECTIONS
    )
    return Rules(shares=shares, capacities=capacities, settings=settings)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # Not to be read, not UTF-8, or not TOML.
        problem = Problem(path.name, "", str(error), "write it as TOML in UTF-8")
        raise InputError(f"cannot read {path}", problems=[problem]) from error


def _faults(
    overlay: Mapping[str, Any], shipped: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with an overlay: place, what, cure."""
    for section, tables in overlay.items():
        if section not in _SECTIONS or not isinstance(tables, dict):
            cure = f"use one of {', '.join(f'[{name}.…]' for name in _SECTIONS)}"
            yield section, "there is no such section", cure
            continue
        for name, table in tables.items():
            place = f"[{section}.{name}]"
            # Kinds of elements are the topology's, so any may have a share and a capacity.
            if section == "setting" and name not in shipped[section]:
                close = get_close_matches(name, shipped[section], n=1)
                cure = f"did you mean {close[0]}?" if close else "look at the shipped rules.toml"
                yield place, "there is no such setting", cure
            elif not isinstance(table, dict) or set(table) != set(_KEYS):
                yield place, "it does not have all of its lines", f"write {', '.join(_KEYS)}"
            else:
                yield from _entry_faults(place, section, name, table)


def _entry_faults(
    place: str, section: str, name: str, table: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    wrong = [key for key in _NUMBERS if not _is_number(table[key])]
    for key in wrong:
        yield f"{place} {key}", f"{table[key]!r} is no number from 0 on", "write a number"
    if not isinstance(table["source"], str) or not table["source"].strip():
        yield f"{place} source", "it says nothing", "say where the number comes from"
    dated = table["dated"]
    if not isinstance(dated, date) or isinstance(dated, datetime):
        yield f"{place} dated", f"{dated!r} is not a day", "write dated = 2026-11-25"
    if wrong:
        return
    low, likely, high = (table[key] for key in _NUMBERS)
    if not low <= likely <= high:
        yield place, "low, likely and high are not in their order", "write low ≤ likely ≤ high"
    yield from _range_faults(f"{place} likely", section, name, likely)


def _range_faults(
    place: str, section: str, name: str, likely: float
) -> Iterator[tuple[str, str, str]]:
    may_be_zero = ("soak_s", "battery_percent_min", "start_s", "connect_s", "apply_s")
    if section == "share" and not 0 < likely <= 1:
        yield place, f"{likely:g} is no share", "write a number above 0 and up to 1"
    elif name.endswith("percent_max") or name in may_be_zero:
        return
    elif likely <= 0:
        yield place, f"{likely:g} lets nothing through", "write a number above 0"
    elif name in _WHOLE and not (float(likely).is_integer() and likely <= _PRINCIPALS_MAX):
        yield place, f"{likely:g} is no count", f"write a whole number up to {_PRINCIPALS_MAX}"


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isfinite(value) and value >= 0

"""The shipped table of typologies: every dimension with its range, source and meaning."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from estate.estimate import Estimate
from estate.typology.shares import in_proportion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TABLE = Path(__file__).resolve().parents[1] / "data" / "typologies.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypologyFact:
    """One row of the table, its value as written.

    `low` and `high` bound a value that is a single number. `source` begins with "assumed" where
    no source was found; `verified` is "yes", "partly" or "no".
    """

    typology: str
    name: str
    value: str
    low: float | None
    high: float | None
    unit: str
    source: str
    verified: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typology:
    """A kind of wing: how its cells stand round a hub, what they measure, what they are made of.

    `cells_per_spur` counts both sides of each spur on one landing. Angles run anticlockwise from
    the x axis, and an angle that comes again is a spur in line behind the first. The landing is
    as wide as the clear distance between facing front walls; `atrium_width_m` of it is void above
    the lowest landing, and 0 means a corridor. `facts` holds the rows that all this came from.
    """

    name: str
    label: str
    cells_per_spur: tuple[int, ...]
    spur_angles_deg: tuple[float, ...]
    landings: int
    cell_width_m: float
    cell_length_m: float
    storey_height_m: float
    landing_width_m: float
    atrium_width_m: float
    hub_radius_m: float
    comms_room_width_m: float
    comms_room_length_m: float
    containment_height_m: float
    outlet_height_m: float
    material: str
    thickness_mm: int
    cells_per_place: Estimate
    facts: tuple[TypologyFact, ...]

    @property
    def spurs(self) -> int:
        """Return the number of spurs of a typical landing."""
        return len(self.cells_per_spur)

    @property
    def typical_cells(self) -> int:
        """Return the cells of a typical wing, all landings together."""
        return self.landings * sum(self.cells_per_spur)

    def landings_for(self, cells: int) -> tuple[int, ...]:
        """Return the cells of each landing of a wing of that many, the lowest landing first."""
        return in_proportion(cells, (1,) * min(self.landings, cells))


@lru_cache(maxsize=1)
def read_typologies() -> Mapping[str, Typology]:
    """Return the shipped typologies by name, in the order of the table."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        facts = [_fact(row) for row in csv.DictReader(file)]
    groups = groupby(facts, key=lambda fact: fact.typology)
    return MappingProxyType({name: _typology(name, group) for name, group in groups})


def _fact(row: Mapping[str, str]) -> TypologyFact:
    return TypologyFact(
        typology=row["typology"],
        name=row["name"],
        value=row["value"],
        low=float(row["low"]) if row["low"] else None,
        high=float(row["high"]) if row["high"] else None,
        unit=row["unit"],
        source=row["source"],
        verified=row["verified"],
        meaning=row["meaning"],
    )


def _typology(name: str, group: Iterable[TypologyFact]) -> Typology:
    facts = tuple(group)
    values = {fact.name: fact.value for fact in facts}
    return Typology(
        name=name,
        label=values["label"],
        cells_per_spur=tuple(int(cells) for cells in values["cells_per_spur"].split(";")),
        spur_angles_deg=tuple(float(angle) for angle in values["spur_angles_deg"].split(";")),
        landings=int(values["landings"]),
        cell_width_m=float(values["cell_width_m"]),
        cell_length_m=float(values["cell_length_m"]),
        storey_height_m=float(values["storey_height_m"]),
        landing_width_m=float(values["landing_width_m"]),
        atrium_width_m=float(values["atrium_width_m"]),
        hub_radius_m=float(values["hub_radius_m"]),
        comms_room_width_m=float(values["comms_room_width_m"]),
        comms_room_length_m=float(values["comms_room_length_m"]),
        containment_height_m=float(values["containment_height_m"]),
        outlet_height_m=float(values["outlet_height_m"]),
        material=values["material"],
        thickness_mm=int(values["thickness_mm"]),
        cells_per_place=_estimate(facts, "cells_per_place"),
        facts=facts,
    )


def _estimate(facts: Iterable[TypologyFact], name: str) -> Estimate:
    fact = next(fact for fact in facts if fact.name == name)
    likely = float(fact.value)
    low = likely if fact.low is None else fact.low
    high = likely if fact.high is None else fact.high
    return Estimate(low, likely, high)

"""How many cells a prison has and in which wings, from the best facts we hold.

Places are not cells. A wing schedule gives cells; baseline CNA gives places, which an assumption
turns into cells; operational capacity stands in where CNA is blank. Each step is written down.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING

from estate.catalogue import Assumptions
from estate.model import Establishment, Grade, Wing, WingRecord, WingShape
from estate.typology import Typology, spread, wings_for
from estate.typology.shares import in_proportion

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from estate.estimate import Estimate

# The facts that a wing without a schedule takes from its typology.
_TYPICAL = ("cells", "layout", "dimensions", "construction", "distance_to_comms_m")
_ASBESTOS_BANNED = 1999  # The Asbestos (Prohibitions) (Amendment) Regulations 1999.
_RULES = Path(__file__).resolve().parent / "data" / "default_typologies.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """The wings of one prison, how they were arrived at, or why there are none.

    `excluded` is empty for a prison that was sized; otherwise it is the reason.
    """

    wings: tuple[Wing, ...] = ()
    basis: str = ""
    notes: tuple[str, ...] = ()
    excluded: str = ""

    @property
    def cells(self) -> int:
        """Return the number of cells in all wings."""
        return sum(wing.cells for wing in self.wings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The places of a prison and which figure they come from."""

    count: int
    source: str


@dataclass(frozen=True, slots=True)
class _Rule:
    category: str
    function: str
    opened_from: int
    opened_to: int
    typology: str
    why: str

    def matches(self, prison: Establishment) -> bool:
        dated = bool(self.opened_from or self.opened_to)
        year = prison.year_opened
        in_years = not dated or (
            year is not None and self.opened_from <= year <= (self.opened_to or year)
        )
        return (
            self.category in {"", prison.category}
            and self.function in {"", prison.function}
            and in_years
        )


@lru_cache(maxsize=1)
def _rules() -> tuple[_Rule, ...]:
    with _RULES.open(encoding="utf-8", newline="") as file:
        return tuple(
            _Rule(
                row["category"],
                row["function"],
                int(row["opened_from"] or 0),
                int(row["opened_to"] or 0),
                row["typology"],
                row["why"],
            )
            for row in csv.DictReader(file)
        )


def default_typology(prison: Establishment) -> tuple[str, str]:
    """Return the typology assumed for a prison by function and age, and why.

    The first rule of data/default_typologies.csv that matches; the last matches everything.
    """
    rule = next(rule for rule in _rules() if rule.matches(prison))
    return rule.typology, rule.why


def places_of(prison: Establishment) -> Places | None:
    """Return baseline CNA, else operational capacity, else nothing."""
    if prison.baseline_cna:
        return Places(count=prison.baseline_cna, source="baseline CNA")
    if prison.operational_capacity:
        cna = "blank" if prison.baseline_cna is None else prison.baseline_cna
        source = f"operational capacity (CNA {cna})"
        return Places(count=prison.operational_capacity, source=source)
    return None


def size(
    prison: Establishment,
    records: Sequence[WingRecord],
    *,
    typologies: Mapping[str, Typology],
    assumptions: Assumptions,
) -> Sizing:
    """Return the wings of a prison, or the reason why it has none.

    The generated cells of a prison without a wing schedule sum exactly to its places times the
    likely cells per place, rounded half up.
    """
    if prison.counted_in:
        return Sizing(excluded=f"its capacity is reported inside {prison.counted_in}'s")
    places = places_of(prison)
    if places is None and not records:
        return Sizing(excluded="no source gives its capacity, CNA or wings")
    job = _Job(prison, places, typologies, assumptions)
    return job.from_schedule(records) if records else job.from_places()


@dataclass(frozen=True, slots=True)
class _Job:
    """One prison being sized."""

    prison: Establishment
    places: Places | None
    typologies: Mapping[str, Typology]
    assumptions: Assumptions

    def from_places(self) -> Sizing:
        if self.places is None:
            raise ValueError(f"{self.prison.prison_id} has no places to size from")
        typology, why = self._default()
        share = typology.cells_per_place
        cells = _expected(self.places, share)
        wings = self._assumed(cells, typology, taken=())
        basis = (
            f"{self.places.count:,} places of {self.places.source} "
            f"({self.prison.capacity_dated}) x {share.likely:g} cells a place = {cells:,} cells"
        )
        return Sizing(wings=wings, basis=basis, notes=(f"{typology.label} assumed: {why}.",))

    def from_schedule(self, records: Sequence[WingRecord]) -> Sizing:
        typology, why = self._default()
        counted = {r.wing: _stated_cells(r) for r in records}
        stated = sum(cells for cells in counted.values() if cells)
        expected = _expected(self.places, typology.cells_per_place) if self.places else None
        open_records = [r for r in records if not counted[r.wing]]
        shares = self._shared_out(open_records, None if expected is None else expected - stated)
        wings = [
            self._scheduled(r, counted[r.wing] or shares[r.wing], stated=bool(counted[r.wing]))
            for r in records
        ]
        notes = []
        if open_records:
            codes = ", ".join(r.wing for r in open_records)
            notes.append(f"Cells not stated for {codes}: shared out by landings (grade D).")
        total = sum(wing.cells for wing in wings)
        whole = self.assumptions["schedule_is_whole"].likely
        basis = f"{total:,} cells in {len(wings)} wings of the wing schedule"
        complete = all(r.whole_prison == "yes" for r in records)
        if expected is not None and total < whole * expected and not complete:
            balance = expected - total
            wings += self._assumed(balance, typology, taken=[r.wing for r in records])
            basis += f" and {balance:,} assumed to make up the {expected:,} expected"
            notes.append(
                f"The schedule holds {total:,} of the {expected:,} cells expected from "
                f"{self.places.source if self.places else ''}; the balance is assumed "
                f"({typology.label}: {why})."
            )
        return Sizing(wings=tuple(wings), basis=basis, notes=tuple(notes))

    def _default(self) -> tuple[Typology, str]:
        name, why = default_typology(self.prison)
        return self.typologies[name], why

    def _assumed(
        self, cells: int, typology: Typology, *, taken: Collection[str]
    ) -> tuple[Wing, ...]:
        share = typology.cells_per_place
        layouts = wings_for(cells, typology)
        stated = {code.casefold() for code in taken}
        numbers = (number for number in count(1) if f"t{number}" not in stated)
        return tuple(
            Wing(
                prison_id=self.prison.prison_id,
                wing=f"T{number}",
                name=f"Typical wing {number}",
                shape=self._shape(typology, layout),
                cells_low=round(sum(map(sum, layout)) * share.low / share.likely, 3),
                cells_high=round(sum(map(sum, layout)) * share.high / share.likely, 3),
                grade=Grade.ASSUMED,
                assumed=(*_TYPICAL, *self._undated("")),
                power="unknown",
                asbestos=self._asbestos(""),
                listed="unknown",
                decant_possible="unknown",
                surveyed_on="",
                source="typology",
                basis=f"{typology.label}, typical, not this prison",
            )
            for number, layout in zip(numbers, layouts, strict=False)
        )

    def _asbestos(self, stated: str) -> str:
        """Return what is stated, else "no" for a prison opened after the ban of 1999."""
        if stated in {"yes", "no"}:
            return stated
        return "no" if (self.prison.year_opened or 0) > _ASBESTOS_BANNED else "unknown"

    def _undated(self, stated: str) -> tuple[str, ...]:
        """Return the mark of an asbestos state that only the year of opening gives."""
        return ("asbestos",) if self._asbestos(stated) not in {stated, "unknown"} else ()

    def _shape(self, typology: Typology, layout: tuple[tuple[int, ...], ...]) -> WingShape:
        return WingShape(
            typology=typology.name,
            layout=layout,
            material=typology.material,
            thickness_mm=typology.thickness_mm,
            distance_to_comms_m=self.assumptions["distance_to_comms_m"].likely,
            cabling="unknown",
        )

    def _scheduled(self, record: WingRecord, cells: int, *, stated: bool) -> Wing:
        typology = self._typology_of(record)
        shape, assumed = self._record_shape(record, typology, cells)
        low, high = float(cells), float(cells)
        if not stated:
            share = typology.cells_per_place
            low = round(cells * share.low / share.likely, 3)
            high = round(cells * share.high / share.likely, 3)
            if record.cells_max:
                high = max(float(cells), min(high, float(record.cells_max)))
            assumed = ("cells", *assumed)
        return Wing(
            prison_id=record.prison_id,
            wing=record.wing,
            name=record.name or f"Wing {record.wing}",
            shape=shape,
            cells_low=low,
            cells_high=high,
            grade=record.grade if stated else Grade.ASSUMED,
            assumed=(*assumed, *self._undated(record.asbestos)),
            power=record.power,
            asbestos=self._asbestos(record.asbestos),
            listed=record.listed,
            decant_possible=record.decant_possible,
            surveyed_on=record.surveyed_on,
            source=record.source,
            cell_keys=record.cell_keys,
            basis=_scheduled_basis(record, stated=stated),
        )

    def _typology_of(self, record: WingRecord) -> Typology:
        if record.typology:
            return self.typologies[record.typology]
        return self._default()[0]

    def _record_shape(
        self, record: WingRecord, typology: Typology, cells: int
    ) -> tuple[WingShape, tuple[str, ...]]:
        """Return the shape, and which of its facts the record does not state."""
        landings = record.landings or len(typology.landings_for(cells))
        spurs = record.spurs or None
        exact = record.layout
        if exact is None and spurs and record.landings and sum(spurs) * record.landings == cells:
            exact = (spurs,) * landings
        layout = exact or spread(
            cells, typology=typology, landings=landings, spurs=len(spurs or ()) or None
        )
        shape = self._shape(typology, layout)
        # No schedule states dimensions: until a survey does, they are the typology's.
        assumed = ["dimensions"] if exact else ["layout", "dimensions"]
        if record.material and record.thickness_mm:
            shape = replace(shape, material=record.material, thickness_mm=record.thickness_mm)
        else:
            assumed.append("construction")
        if record.distance_to_comms_m is not None:
            shape = replace(shape, distance_to_comms_m=record.distance_to_comms_m)
        else:
            assumed.append("distance_to_comms_m")
            if record.comms_rooms:
                near_m = self.assumptions["distance_to_comms_in_wing_m"].likely
                shape = replace(shape, distance_to_comms_m=near_m)
        containment = record.containment if record.containment in {"partial", "full"} else "none"
        cabling = record.cabling or "unknown"
        return replace(shape, containment=containment, cabling=cabling), tuple(assumed)

    def _shared_out(self, records: Sequence[WingRecord], cells: int | None) -> dict[str, int]:
        """Share the cells that no row states among the rows, in proportion to their landings."""
        typical = {r.wing: self._typology_of(r).typical_cells for r in records}
        landings = {r.wing: r.landings or 1 for r in records}
        if cells is None or cells < sum(landings.values()):
            return {
                wing: min(typical[wing], _bound(r)) for wing, r in ((r.wing, r) for r in records)
            }
        shares = in_proportion(cells, [landings[r.wing] for r in records])
        return {r.wing: min(share, _bound(r)) for r, share in zip(records, shares, strict=True)}


def _scheduled_basis(record: WingRecord, *, stated: bool) -> str:
    """Return who counted the cells of a wing; an import of HMPPS's export is a count, no survey."""
    if not stated:
        return "wing schedule; cells shared out by landings"
    counter, _, remark = record.source.partition("; ")
    if not counter.startswith("HMPPS "):
        return "wing schedule"
    words = f"cells counted by the {counter}"
    return f"{words}; their {remark}" if remark else words


def _bound(record: WingRecord) -> int:
    return record.cells_max or 10**6


def _stated_cells(record: WingRecord) -> int:
    """Return the cells that a row states, directly or as a product; 0 where it does not."""
    if record.layout:
        return sum(map(sum, record.layout))
    if record.cells:
        return record.cells
    each = record.cells_per_landing or (sum(record.spurs) if record.spurs else 0)
    return each * (record.landings or 0)


def _expected(places: Places, share: Estimate) -> int:
    return max(1, floor(places.count * share.likely + 0.5))

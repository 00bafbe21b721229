"""What the ranking weighs: the measure behind each term, its range, and its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estate.costing import BillLine
from estate.estimate import Estimate, Money
from estate.model import Establishment, Grade, Wing
from estate.readiness import LABELS, Readiness, Rung

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from estate.catalogue import Assumptions

    Array = NDArray[np.float64]

TERMS = (
    "people_per_pound",
    "staff_hours_per_pound",
    "crowding",
    "unserved",
    "readiness",
    "deliverability",
)

# Years of opening that part the ease of works: our judgement, as are the scores beside them.
_VICTORIAN_TO = 1901
_MID_CENTURY_TO = 1985


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the ranking needs to know of one priced prison."""

    prison: Establishment
    readiness: Readiness
    cells: int
    grade: Grade
    capital_gbp: Money
    whole_life_gbp: Money
    bill: tuple[BillLine, ...]
    wings: tuple[Wing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Unit, grade and source of one term for one prison."""

    unit: str
    grade: Grade
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The doubtful quantities of one prison that its terms are made of.

    `people` are those it holds, `left` the share of the benefit still to be had, `places` its
    uncrowded capacity.
    """

    people: Estimate
    left: Estimate
    places: float
    readiness: Estimate
    deliverability: Estimate
    evidence: Mapping[str, Evidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The same quantities of all prisons as arrays; prisons are the last axis, draws before it."""

    cost_gbp: Array
    people: Array
    left: Array
    places: Array
    readiness: Array
    deliverability: Array

    def terms(self, *, hours_a_week: float) -> dict[str, Array]:
        """Return the measured value of each term, in the units of its evidence."""
        millions = self.cost_gbp / 1e6
        mean = self.people.mean(axis=-1, keepdims=True)
        released = hours_a_week * self.people / mean * self.left
        return {
            "people_per_pound": self.people / millions,
            "staff_hours_per_pound": released / millions,
            "crowding": self.people / self.places,
            "unserved": self.left,
            "readiness": self.readiness,
            "deliverability": self.deliverability,
        }


def measures_of(case: Case, assumptions: Assumptions) -> Measures:
    """Return what is weighed of one prison."""
    prison, readiness = case.prison, case.readiness
    people, grade, source = _people(prison, assumptions)
    counted = bool(prison.baseline_cna and prison.population)
    places = float(prison.baseline_cna or 0) if counted else people.mean
    deliverability, why = _deliverability(case, assumptions)
    evidence = {
        "people_per_pound": Evidence(
            unit="people per £1m of expected whole-life cost",
            grade=max(grade, case.grade),
            source=f"{source}; whole-life cost of this plan",
        ),
        "staff_hours_per_pound": Evidence(
            unit="officer-hours a week on paper forms, per £1m of expected whole-life cost",
            grade=Grade.ASSUMED,
            source=f"{source}; 91 h a week for each prison studied (Reform 2020), scaled by "
            "population: our assumption, so it follows people served but for live devices",
        ),
        "crowding": Evidence(
            unit="population over baseline CNA",
            grade=grade if counted else Grade.ASSUMED,
            source=source
            if counted
            else "population or CNA blank: taken as neither crowded nor slack",
        ),
        "unserved": Evidence(
            unit="share of the benefit still to be had",
            grade=Grade.ASSUMED,
            source=prison.devices.source
            if readiness.rung == Rung.DEVICES
            else "no source names live devices here",
        ),
        "readiness": Evidence(
            unit=f"ladder: {LABELS[readiness.rung]}",
            grade=readiness.grade,
            source=f"{readiness.source} {readiness.dated}".strip() or "no source speaks",
        ),
        "deliverability": Evidence(
            unit="mean of ease of works and ease of access", grade=Grade.ASSUMED, source=why
        ),
    }
    return Measures(
        people=people,
        left=_left(readiness.rung, assumptions),
        places=places,
        readiness=assumptions[f"readiness.{readiness.rung}"],
        deliverability=deliverability,
        evidence=evidence,
    )


def access_class(prison: Establishment) -> str:
    """Return how freely contractors move: open, closed or high_security."""
    if "open" in prison.category:
        return "open"
    return "high_security" if prison.function == "High Security" else "closed"


def _people(prison: Establishment, assumptions: Assumptions) -> tuple[Estimate, Grade, str]:
    """Return the people a prison holds, else those it would hold, with grade and source."""
    if prison.population:
        grade = prison.capacity_grade
        people = assumptions[f"capacity_spread.{grade}"].scaled(prison.population)
        source = f"population, {prison.capacity_source} {prison.capacity_dated}"
        return people, grade, source.strip()
    capacity = prison.operational_capacity or prison.baseline_cna or 1
    people = assumptions["occupancy"].scaled(capacity)
    source = f"population blank: occupancy of {capacity:,} places taken ({prison.capacity_dated})"
    return people, Grade.ASSUMED, source


def _left(rung: Rung, assumptions: Assumptions) -> Estimate:
    if rung not in (Rung.DEVICES, Rung.UNKNOWN):
        return Estimate.exactly(1)
    served = assumptions[f"already_served.{rung}"]
    return Estimate(1 - served.high, 1 - served.likely, 1 - served.low)


def _deliverability(case: Case, assumptions: Assumptions) -> tuple[Estimate, str]:
    prison = case.prison
    hindered, known = _hindrance(case.wings)
    works = assumptions[f"deliverability.age_{_age_class(prison.year_opened)}"].scaled(1 - hindered)
    works += assumptions["deliverability.hindered"].scaled(hindered)
    access = assumptions[f"deliverability.{access_class(prison)}"]
    conditions = (
        f"listing, asbestos and decant known for {known:.0%} of cells, {hindered:.0%} hindered"
        if known
        else "listing, asbestos and decant unknown"
    )
    source = (
        f"opened {prison.year_opened or 'unknown'} (year of the site, not of each wing); "
        f"category {prison.category or 'unknown'}; {conditions}"
    )
    return (works + access).scaled(0.5), source


def _hindrance(wings: tuple[Wing, ...]) -> tuple[float, float]:
    """Return the share of cells where works are known to be hindered, and where that is known."""
    cells = sum(wing.cells for wing in wings)
    hindered = known = 0
    for wing in wings:
        hard = wing.listed == "yes" or wing.asbestos == "yes" or wing.decant_possible == "no"
        states = (wing.listed, wing.asbestos, wing.decant_possible)
        hindered += wing.cells if hard else 0
        known += wing.cells if hard or "unknown" not in states else 0
    return (hindered / cells, known / cells) if cells else (0.0, 0.0)


def _age_class(year: int | None) -> str:
    if year is None:
        return "unknown"
    if year <= _VICTORIAN_TO:
        return "before_1902"
    return "1902_1985" if year <= _MID_CENTURY_TO else "after_1985"

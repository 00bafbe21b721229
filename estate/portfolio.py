"""The order of the prisons: benefit per pound, readiness, deliverability and need.

Each term is scaled over the ranked prisons to 0 (worst) … 1 (best), so a term that is equal for
all of them is 0 for all and is reported as not affecting the order. The contributions, value
times weight, add up to the score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from estate.costing import VAT, BillLine, is_local
from estate.estimate import Estimate, Money
from estate.model import Establishment, Grade
from estate.readiness import LABELS, Readiness, Rung

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from estate.catalogue import Assumptions

    Array = NDArray[np.float64]

_ROUND = 6
_VICTORIAN_TO = 1901
_ASBESTOS_TO = 1985


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One reason for a rank: `value` is 0 … 1, `measured` the quantity behind it, in `unit`."""

    term: str
    value: float
    weight: float
    contribution: float
    measured: float
    unit: str
    grade: Grade
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A change that would move a prison up, and the rank it would then have."""

    change: str
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A prison in its place; `rank_range` is P5–P95 over the seeded draws."""

    rank: int
    prison_id: str
    name: str
    score: float
    rank_range: tuple[int, int]
    readiness: Rung
    cells: int
    capital_gbp: Money
    grade: Grade
    terms: tuple[Term, ...]
    moves_up: tuple[Move, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """A term before scaling: its likely value, its bounds where it is drawn, its evidence."""

    value: float
    bounds: Estimate | None
    unit: str
    grade: Grade
    source: str


def rank(
    cases: Sequence[Case],
    *,
    weights: Mapping[str, float],
    assumptions: Assumptions,
    seed: int,
    draws: int,
) -> tuple[Ranked, ...]:
    """Return the prisons from the best score down; equal scores follow the prison id.

    National quantities (rates, shares of the fleet) are drawn once for all prisons in each
    draw, quantities of a site for each prison; all from triangular distributions.
    """
    ordered = sorted(cases, key=lambda case: case.prison.prison_id)
    if not ordered:
        return ()
    measures = _measures(ordered, assumptions)
    likely = {term: np.array([m.value for m in row]) for term, row in measures.items()}
    scores, values = _scores(likely, weights)
    places = _ranks(scores)
    drawn = _drawn_ranks(ordered, measures, weights, np.random.default_rng(seed), draws)
    low = np.quantile(drawn, 0.05, axis=0, method="inverted_cdf").astype(int)
    high = np.quantile(drawn, 0.95, axis=0, method="inverted_cdf").astype(int)
    ranked = []
    for index, case in enumerate(ordered):
        terms = tuple(
            _term(term, measures[term][index], float(values[term][index]), weights[term])
            for term in weights
        )
        ranked.append(
            Ranked(
                rank=int(places[index]),
                prison_id=case.prison.prison_id,
                name=case.prison.name,
                score=float(scores[index]),
                rank_range=(int(low[index]), int(high[index])),
                readiness=case.readiness.rung,
                cells=case.cells,
                capital_gbp=case.capital_gbp,
                grade=case.grade,
                terms=terms,
                moves_up=_moves(index, case, likely, weights, assumptions),
            )
        )
    return tuple(sorted(ranked, key=lambda r: r.rank))


def without_effect(ranking: Sequence[Ranked]) -> tuple[str, ...]:
    """Return the terms that are equal for all prisons and so do not affect the order."""
    if not ranking:
        return ()
    terms = [term.term for term in ranking[0].terms]
    return tuple(
        name
        for position, name in enumerate(terms)
        if len({r.terms[position].measured for r in ranking}) == 1
    )


def _term(name: str, measure: _Measure, value: float, weight: float) -> Term:
    return Term(
        term=name,
        value=round(value, _ROUND),
        weight=round(weight, _ROUND),
        contribution=float(np.round(value * weight, _ROUND)),
        measured=round(measure.value, _ROUND),
        unit=measure.unit,
        grade=measure.grade,
        source=measure.source,
    )


def _measures(cases: Sequence[Case], assumptions: Assumptions) -> dict[str, list[_Measure]]:
    people = [_people(case.prison) for case in cases]
    mean = sum(count for count, _, _ in people) / len(people)
    hours = assumptions["paper_form_hours_week"].likely
    rows: dict[str, list[_Measure]] = {name: [] for name in TERMS}
    for case, (count, grade, source) in zip(cases, people, strict=True):
        millions = float(case.whole_life_gbp.likely) / 1e6
        worst = max(grade, case.grade)
        served = (
            assumptions["already_served.devices"]
            if case.readiness.rung == Rung.DEVICES
            else Estimate.exactly(0)
        )
        left = Estimate(1 - served.high, 1 - served.likely, 1 - served.low)
        released = hours * count / mean * left.likely
        rows["people_per_pound"].append(
            _Measure(
                value=count / millions,
                bounds=None,
                unit="people per £1m of whole-life cost",
                grade=worst,
                source=f"{source}; whole-life cost of this plan",
            )
        )
        rows["staff_hours_per_pound"].append(
            _Measure(
                value=released / millions,
                bounds=None,
                unit="officer-hours a week on paper forms, per £1m of whole-life cost",
                grade=Grade.ASSUMED,
                source=f"{source}; 91 h a week for each prison studied (Reform 2020), scaled "
                "by population and by the service it already has: our assumption",
            )
        )
        rows["crowding"].append(_crowding(case.prison, count))
        rows["unserved"].append(
            _Measure(
                value=left.likely,
                bounds=left,
                unit="share of the benefit still to be had",
                grade=Grade.ASSUMED,
                source=case.readiness.source or "no source names live devices here",
            )
        )
        rows["readiness"].append(_readiness(case.readiness, assumptions))
        rows["deliverability"].append(_deliverability(case.prison, assumptions))
    return rows


TERMS = (
    "people_per_pound",
    "staff_hours_per_pound",
    "crowding",
    "unserved",
    "readiness",
    "deliverability",
)


def _people(prison: Establishment) -> tuple[int, Grade, str]:
    """Return the people a prison holds, else can hold, with the grade and source of that."""
    if prison.population:
        source = f"population, {prison.capacity_source} {prison.capacity_dated}"
        return prison.population, prison.capacity_grade, source.strip()
    stand_in = prison.operational_capacity or prison.baseline_cna or 1
    return stand_in, Grade.ASSUMED, f"population blank: capacity taken ({prison.capacity_dated})"


def _crowding(prison: Establishment, people: int) -> _Measure:
    known = bool(prison.baseline_cna and prison.population)
    return _Measure(
        value=people / prison.baseline_cna if known and prison.baseline_cna else 1.0,
        bounds=None,
        unit="population over baseline CNA",
        grade=prison.capacity_grade if known else Grade.ASSUMED,
        source=f"{prison.capacity_source} {prison.capacity_dated}".strip()
        if known
        else "population or CNA blank: taken as neither crowded nor slack",
    )


def _readiness(readiness: Readiness, assumptions: Assumptions) -> _Measure:
    bounds = assumptions[f"readiness.{readiness.rung}"]
    evidence = f"{readiness.source} {readiness.dated}".strip()
    return _Measure(
        value=bounds.likely,
        bounds=bounds,
        unit=f"ladder: {LABELS[readiness.rung]}",
        grade=readiness.grade,
        source=evidence or "no source speaks",
    )


def _deliverability(prison: Establishment, assumptions: Assumptions) -> _Measure:
    age, access = _age_class(prison.year_opened), _access_class(prison)
    parts = (assumptions[f"deliverability.age_{age}"], assumptions[f"deliverability.{access}"])
    bounds = (parts[0] + parts[1]).scaled(0.5)
    return _Measure(
        value=bounds.likely,
        bounds=bounds,
        unit="mean of ease of works and ease of access",
        grade=Grade.ASSUMED,
        source=f"opened {prison.year_opened or 'unknown'} (year of the site, not of each wing); "
        f"category {prison.category or 'unknown'}; listing, asbestos and decant unknown",
    )


def _age_class(year: int | None) -> str:
    if year is None:
        return "unknown"
    if year <= _VICTORIAN_TO:
        return "before_1902"
    return "1902_1985" if year <= _ASBESTOS_TO else "after_1985"


def _access_class(prison: Establishment) -> str:
    if "open" in prison.category:
        return "open"
    return "high_security" if prison.function == "High Security" else "closed"


def _scores(
    raw: Mapping[str, Array], weights: Mapping[str, float]
) -> tuple[Array, dict[str, Array]]:
    """Return scores and scaled values; prisons are the last axis, draws may come before.

    A score is the sum of its contributions as they are shown, so that the order never rests on
    a digit that no reader sees.
    """
    values: dict[str, Array] = {}
    for term in weights:
        low = raw[term].min(axis=-1, keepdims=True)
        spread = raw[term].max(axis=-1, keepdims=True) - low
        flat = spread <= 1e-12 * np.maximum(1.0, np.abs(low))
        values[term] = np.where(flat, 0.0, (raw[term] - low) / np.where(flat, 1.0, spread))
    shown = (np.round(values[term] * weight, _ROUND) for term, weight in weights.items())
    return np.asarray(np.round(sum(shown, np.float64(0)), _ROUND)), values


def _ranks(scores: Array) -> NDArray[np.int64]:
    """Return ranks from 1 down the last axis; ties fall to the earlier prison."""
    order = np.argsort(-scores, axis=-1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(
        ranks, order, np.broadcast_to(np.arange(1, scores.shape[-1] + 1), order.shape), axis=-1
    )
    return ranks


def _drawn_ranks(
    cases: Sequence[Case],
    measures: Mapping[str, list[_Measure]],
    weights: Mapping[str, float],
    generator: np.random.Generator,
    draws: int,
) -> NDArray[np.int64]:
    cost = _drawn_costs(cases, generator, draws)
    likely = np.array([float(case.whole_life_gbp.likely) for case in cases])
    raw: dict[str, Array] = {}
    for term, row in measures.items():
        value = np.array([m.value for m in row])
        if term.endswith("_per_pound"):
            raw[term] = value * likely / cost
        elif any(m.bounds for m in row):
            bounds = [m.bounds or Estimate.exactly(m.value) for m in row]
            uniform = generator.random((draws, len(cases)))
            raw[term] = _triangular(np.array([b.as_tuple() for b in bounds]).T, uniform)
        else:
            raw[term] = np.broadcast_to(value, (draws, len(cases)))
    return _ranks(_scores(raw, weights)[0])


def _drawn_costs(cases: Sequence[Case], generator: np.random.Generator, draws: int) -> Array:
    """Return whole-life cost in pounds, VAT excluded, shape (draws, prisons)."""
    rates: dict[str, tuple[Estimate, bool]] = {}
    quantity: dict[str, Array] = {}
    for index, case in enumerate(cases):
        for line in case.bill:
            if line.package == VAT:
                continue
            rates.setdefault(line.item, (line.rate_gbp, is_local(line)))
            held = quantity.setdefault(line.item, np.zeros((3, len(cases))))
            held[:, index] += line.quantity.as_tuple()
    site = generator.random((draws, len(cases)))
    cost = np.zeros((draws, len(cases)))
    for item in sorted(quantity):
        rate, local = rates[item]
        drawn_rate = _triangular(np.array(rate.as_tuple()), generator.random((draws, 1)))
        uniform = site if local else generator.random((draws, 1))
        cost += _triangular(quantity[item], uniform) * drawn_rate
    return cost


def _triangular(bounds: Array, uniform: Array) -> Array:
    """Return the triangular distribution's inverse at uniform; bounds are (low, mode, high)."""
    low, mode, high = bounds
    width = high - low
    safe = np.where(width > 0, width, 1.0)
    turn = (mode - low) / safe
    rising = low + np.sqrt(uniform * width * np.maximum(mode - low, 0))
    falling = high - np.sqrt((1 - uniform) * width * np.maximum(high - mode, 0))
    return np.asarray(np.where(width > 0, np.where(uniform < turn, rising, falling), mode))


def _moves(
    index: int,
    case: Case,
    likely: Mapping[str, Array],
    weights: Mapping[str, float],
    assumptions: Assumptions,
) -> tuple[Move, ...]:
    now = int(_ranks(_scores(likely, weights)[0])[index])
    found: list[Move] = []

    def tried(change: str, terms: Mapping[str, float]) -> int:
        changed = {name: column.copy() for name, column in likely.items()}
        for name, value in terms.items():
            changed[name][index] = value
        place = int(_ranks(_scores(changed, weights)[0])[index])
        if place < now:
            found.append(Move(change=change, rank=place))
        return place

    cabled = assumptions["readiness.data_cabling"].likely
    if likely["readiness"][index] < cabled:
        tried("a survey that finds in-cell data cabling", {"readiness": cabled})
    if case.prison.year_opened is None:
        easy = assumptions["deliverability.age_after_1985"].likely
        access = assumptions[f"deliverability.{_access_class(case.prison)}"].likely
        tried("a survey that finds modern fabric", {"deliverability": (easy + access) / 2})
    for percent in (1, 2, 5, 10, 20, 30, 40, 50):
        factor = 1 / (1 - percent / 100)
        cheaper = {
            name: float(likely[name][index]) * factor
            for name in weights
            if name.endswith("_per_pound")
        }
        if tried(f"a whole-life cost {percent} % lower", cheaper) < now:
            break
    return tuple(found)

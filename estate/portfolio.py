"""The order of the prisons: benefit per pound, readiness, deliverability and need.

Each term is scaled over the ranked prisons to 0 (worst) … 1 (best), so a term that is equal for
all of them is 0 for all and is reported as not affecting the order. The contributions, value
times weight, add up to the score. A doubtful quantity counts with the mean of its triangular
distribution and not with its likeliest value, so that a lopsided range does not flatter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from estate.catalogue import Assumptions
from estate.costing import VAT, is_local
from estate.estimate import Estimate, Money
from estate.model import DATA_CABLING, Grade
from estate.readiness import Rung
from estate.terms import TERMS, Case, Columns, Evidence, Measures, access_class, measures_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["TERMS", "Case", "Move", "Ranked", "Term", "rank", "without_effect"]

_ROUND = 6
_DRAWN = ("people", "left", "readiness", "deliverability")


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
    """A prison in its place; `rank_median` and `rank_range`, P5–P95, are of the seeded draws."""

    rank: int
    prison_id: str
    name: str
    score: float
    rank_median: int
    rank_range: tuple[int, int]
    readiness: Rung
    cells: int
    capital_gbp: Money
    grade: Grade
    terms: tuple[Term, ...]
    moves_up: tuple[Move, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contest:
    """All prisons with their expected quantities, ready to be scored."""

    cases: Sequence[Case]
    measures: Sequence[Measures]
    expected: Columns
    weights: Mapping[str, float]
    assumptions: Assumptions

    @property
    def hours_a_week(self) -> float:
        return self.assumptions["paper_form_hours_week"].mean

    def scored(self, columns: Columns) -> tuple[Array, dict[str, Array]]:
        """Return scores and scaled values."""
        return _scores(columns.terms(hours_a_week=self.hours_a_week), self.weights)


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
    measures = [measures_of(case, assumptions) for case in ordered]
    contest = _Contest(
        cases=ordered,
        measures=measures,
        expected=_expected(ordered, measures),
        weights=weights,
        assumptions=assumptions,
    )
    scores, values = contest.scored(contest.expected)
    measured = contest.expected.terms(hours_a_week=contest.hours_a_week)
    places = _ranks(scores)
    drawn = _drawn_ranks(contest, np.random.default_rng(seed), draws)
    low, median, high = (
        np.quantile(drawn, share, axis=0, method="inverted_cdf").astype(int)
        for share in (0.05, 0.5, 0.95)
    )
    ranked = [
        Ranked(
            rank=int(places[index]),
            prison_id=case.prison.prison_id,
            name=case.prison.name,
            score=float(scores[index]),
            rank_median=int(median[index]),
            rank_range=(int(low[index]), int(high[index])),
            readiness=case.readiness.rung,
            cells=case.cells,
            capital_gbp=case.capital_gbp,
            grade=case.grade,
            terms=tuple(
                _term(
                    term,
                    measures[index].evidence[term],
                    value=float(values[term][index]),
                    weight=weight,
                    measured=float(measured[term][index]),
                )
                for term, weight in weights.items()
            ),
            moves_up=_moves(contest, index),
        )
        for index, case in enumerate(ordered)
    ]
    return tuple(sorted(ranked, key=lambda r: r.rank))


def without_effect(ranking: Sequence[Ranked]) -> tuple[str, ...]:
    """Return the terms that do not affect the order: equal for all prisons, or without weight."""
    if not ranking:
        return ()
    return tuple(
        term.term
        for position, term in enumerate(ranking[0].terms)
        if not term.weight or len({r.terms[position].measured for r in ranking}) == 1
    )


def _term(name: str, evidence: Evidence, *, value: float, weight: float, measured: float) -> Term:
    return Term(
        term=name,
        value=round(value, _ROUND),
        weight=round(weight, _ROUND),
        contribution=float(np.round(value * weight, _ROUND)),
        measured=round(measured, _ROUND),
        unit=evidence.unit,
        grade=evidence.grade,
        source=evidence.source,
    )


def _expected(cases: Sequence[Case], measures: Sequence[Measures]) -> Columns:
    """Return the mean of each doubtful quantity; a cost is the sum of mean quantity x rate."""
    cost_gbp = [
        sum(x.quantity.mean * x.rate_gbp.mean for x in case.bill if x.package != VAT)
        for case in cases
    ]
    means = {name: np.array([getattr(m, name).mean for m in measures]) for name in _DRAWN}
    places = np.array([m.places for m in measures])
    return Columns(cost_gbp=np.array(cost_gbp), places=places, **means)


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
    contest: _Contest, generator: np.random.Generator, draws: int
) -> NDArray[np.int64]:
    shape = (draws, len(contest.cases))
    drawn = {"cost_gbp": _drawn_costs(contest.cases, generator, draws)}
    for name in _DRAWN:
        bounds = np.array([getattr(m, name).as_tuple() for m in contest.measures]).T
        drawn[name] = _triangular(bounds, generator.random(shape))
    columns = Columns(places=np.broadcast_to(contest.expected.places, shape), **drawn)
    return _ranks(contest.scored(columns)[0])


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


def _moves(contest: _Contest, index: int) -> tuple[Move, ...]:
    """Return the changes, of those tried, that would move a prison up."""
    now = int(_ranks(contest.scored(contest.expected)[0])[index])
    found: list[Move] = []

    def tried(change: str, column: str, value: float) -> int:
        changed = getattr(contest.expected, column).copy()
        changed[index] = value
        columns = replace(contest.expected, **{column: changed})
        place = int(_ranks(contest.scored(columns)[0])[index])
        if place < now:
            found.append(Move(change=change, rank=place))
        return place

    case, assumptions = contest.cases[index], contest.assumptions
    unknown = [w for w in case.wings if w.shape.cabling not in (*DATA_CABLING, "none")]
    if case.readiness.rung not in (Rung.DEVICES, Rung.DATA_CABLING) and unknown:
        cabled = assumptions["readiness.data_cabling"].mean
        tried("a survey that finds in-cell data cabling", "readiness", cabled)
    if case.prison.year_opened is None:
        easy = assumptions["deliverability.age_after_1985"].mean
        access = assumptions[f"deliverability.{access_class(case.prison)}"].mean
        tried("a survey that finds modern fabric", "deliverability", (easy + access) / 2)
    cost_gbp = float(contest.expected.cost_gbp[index])
    for percent in (1, 2, 5, 10, 20, 30, 40, 50):
        cheaper = cost_gbp * (1 - percent / 100)
        if tried(f"a whole-life cost {percent} % lower", "cost_gbp", cheaper) < now:
            break
    return tuple(found)

"""A better bound from settling the modes of families, the hubs, and how many modules there are.

A fractional answer mixes the modes of a family so that they just fill the modules, and takes parts
of a module and of several hubs. Settled one after the other, the part with the least bound first,
there are few such; and what is left of a part with one hub is a small problem.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import floor, inf
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.arrays import Floats
from estate.optimise.connected.components import Components, Relaxation
from estate.optimise.connected.cuts import Cuts
from estate.optimise.programme import Programme
from estate.optimise.relaxation import relaxed, with_rows

if TYPE_CHECKING:
    from estate.optimise.connected.formulation import Formulation
    from estate.optimise.effort import Budget

# Variables that are not whole, up to which a relaxation is nearly an answer.
FRACTIONAL = 150

_WHOLE = 1e-6

# How often a problem is split before it is searched, and the steps of the engine for that.
_SPLITS = 600
_STEPS = 800_000

# Rounds of cuts for a part; those that raised its bound by less than this share are the last.
_ROUNDS = 5
_STALE = 1e-4


@dataclass(frozen=True, eq=False)
class Part:
    """The answers with some modes, hubs and modules: what each costs at least.

    `tops` are the most that each variable may be in it. `fractional` variables were not whole in
    the best answer of its relaxation.
    """

    bound: float
    tops: Floats
    fractional: int


@dataclass(frozen=True, eq=False)
class Split:
    """The programme with further rows, and all parts of it, those that promise most first.

    `answer` is the best that was found on the way, None where none cost less than the ceiling.
    `drawn` states of diagrams were drawn on the way; where that were many and they left something
    open, branch and bound does not close it: what `is_hopeless` is not searched.
    """

    programme: Programme
    parts: list[Part]
    answer: Floats | None
    drawn: int
    is_hopeless: bool

    @property
    def bound(self) -> float:
        """Return what every answer costs at least."""
        return min((part.bound for part in self.parts), default=inf)

    def rejoined(self, formulation: Formulation, *, below: float) -> Split:
        """Return the split with the parts of a bound below some as one that differ in hubs alone.

        Hubs are told apart for their bounds. To search them together is less than one by one.
        """
        hubs = list(formulation.opened.values())
        hubs += [variable for total, spare, _ in formulation.counts for variable in (total, spare)]
        joined: dict[bytes, Part] = {}
        for part in self.parts:
            others = part.tops.copy()
            others[hubs] = 0
            key = others.tobytes() if part.bound < below else part.tops.tobytes()
            same = joined.get(key, part)
            joined[key] = Part(
                min(same.bound, part.bound),
                np.maximum(same.tops, part.tops),
                max(same.fractional, part.fractional),
            )
        return replace(self, parts=list(joined.values()))


def split(  # noqa: PLR0913 - what is split, and how far
    formulation: Formulation,
    programme: Programme,
    budget: Budget,
    *,
    width: int,
    ceiling: float = inf,
    gap: float = 0.0,
) -> Split:
    """Return the parts of a programme, as far as settlements and steps of the engine go.

    Large components are drawn as diagrams of so many states' width.

    The most promising part is settled next; one of which every answer costs more than the ceiling
    less the gap is not settled further.
    """
    heap: list[tuple[float, int, Floats]] = [(-inf, 0, programme.tops)]
    parts: list[Part] = []
    components = Components(formulation, budget, width=width)
    cuts, answer, steps, limit = Cuts(formulation), None, _STEPS, inf
    for number in range(1, _SPLITS + 1):
        enough = min(limit, ceiling * (1 - gap))
        if not heap or steps <= 0 or budget.seconds_left <= 0 or heap[0][0] >= enough:
            break
        bound, _, tops = heappop(heap)
        settlement = _Settlement(tops, bound, enough)
        programme, found = _settled(programme, cuts, budget, settlement)
        steps -= found.steps
        settled = _settlements(formulation, found, tops)
        apart = None
        if found.values is not None and found.prices is not None and found.bound < enough:
            part = Relaxation(
                programme, tops, found.values, found.prices, found.bound, ceiling, gap
            )
            apart = components.settled(part, is_last=not settled)
        if apart is not None:
            programme = with_rows(programme, apart.rows, apart.ceiling)
            settlement = replace(settlement, bound=found.bound)
            programme, found = _settled(programme, cuts, budget, settlement)
            steps -= found.steps
            settled = _settlements(formulation, found, tops)
            if apart.answer is not None:
                answer, ceiling = apart.answer, float(programme.costs @ apart.answer)
        bound, values = found.bound, found.values
        if not settled:
            parts.append(Part(bound, tops, _fractional(values)))
            if components.is_hopeless:  # No bound of another part helps beyond this one.
                limit = min(limit, bound)
        for each, fewer in enumerate(settled):
            heappush(heap, (bound, -number * len(tops) - each, fewer))
    parts += [Part(bound, tops, tops.size) for bound, _, tops in heap]
    parts.sort(key=lambda part: part.bound)
    return Split(programme, parts, answer, components.drawn, components.is_hopeless)


def _fractional(values: Floats | None) -> int:
    return 0 if values is None else int((np.abs(values - np.rint(values)) > _WHOLE).sum())


@dataclass(frozen=True, slots=True)
class _Best:
    """The best fractional answer of a part, None where there is none, its prices and bound."""

    values: Floats | None
    prices: Floats | None
    bound: float
    steps: int


@dataclass(frozen=True, slots=True)
class _Settlement:
    """The most that each variable may be in a part, a bound that is known, and what is enough."""

    tops: Floats
    bound: float
    enough: float


def _settled(
    programme: Programme, cuts: Cuts, budget: Budget, settlement: _Settlement
) -> tuple[Programme, _Best]:
    """Return the programme with the rows broken under a settlement, and the best of that.

    No more rows are sought where the bound is enough, nor after those that hardly raised it.
    """
    values, prices, bound, steps = None, None, settlement.bound, 0
    for number in range(_ROUNDS):
        found = relaxed(replace(programme, most=settlement.tops), seconds=budget.seconds_left)
        if found is None:
            break
        is_stale = number > 0 and found.bound - bound <= _STALE * abs(bound)
        bound, steps = max(bound, found.bound), steps + found.steps
        if bound == inf:
            return programme, _Best(None, None, inf, steps)
        values, prices = found.values, found.prices
        if bound >= settlement.enough or is_stale:
            break
        rows = cuts.broken(values)
        if not rows.shape[0]:
            break
        programme = with_rows(programme, rows)
    return programme, _Best(values, prices, bound, steps)


def _settlements(formulation: Formulation, found: _Best, tops: Floats) -> list[Floats]:
    """Return the parts that an answer's mixture leads to; none where nothing is mixed.

    The family that mixes its modes most gets one of them in each part; where the answer is far
    from whole, one that has several left as well. Where all have one, fewer hubs or modules than
    the answer's fraction in all are one part, and more the other. Where one hub is enough and the
    answer is far from whole, each part has another one.
    """
    values = found.values
    if values is None:
        return []
    families: dict[int, list[int]] = {}
    for (family, _), variable in sorted(formulation.mode.items()):
        if tops[variable]:
            families.setdefault(family, []).append(variable)
    mixed = {family: 1 - float(values[modes].max()) for family, modes in families.items()}
    worst = max(mixed, key=lambda family: (mixed[family], len(families[family])))
    modes = families[worst]
    far = _fractional(values) > FRACTIONAL
    if mixed[worst] > _WHOLE or (far and len(modes) > 1):
        return [_with(tops, [each for each in modes if each != mode]) for mode in modes]
    for total, spare, most in formulation.counts:
        fewer = floor(values[total] + _WHOLE)
        if values[total] - fewer > _WHOLE:
            return [_with(tops, [total], most=fewer), _with(tops, [spare], most=most - fewer - 1)]
    hubs = [hub for hub in formulation.opened.values() if tops[hub]]
    divided = len(hubs) > 1 and values[hubs].sum() <= 1 + _WHOLE
    if divided and (values[hubs].max() < 1 - _WHOLE or far):
        total, spare, most = formulation.counts[0]
        more = _with(tops, [spare], most=min(tops[spare], most - 2))
        return [more, *(_with(tops, [h for h in hubs if h != hub]) for hub in hubs)]
    return []


def _with(tops: Floats, variables: list[int], *, most: float = 0.0) -> Floats:
    changed = tops.copy()
    changed[variables] = most
    return changed

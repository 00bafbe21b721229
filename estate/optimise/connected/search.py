"""From a formulation to an answer and a bound: cuts and splits first, then HiGHS, then CP-SAT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, inf, log10
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.connected.components import SEARCHED
from estate.optimise.connected.cuts import Cuts
from estate.optimise.connected.splitting import FRACTIONAL, Split, split
from estate.optimise.constraint import minimise_whole
from estate.optimise.effort import Budget
from estate.optimise.programme import Found, Programme, minimise, or_nothing
from estate.optimise.relaxation import relaxed, with_rows

if TYPE_CHECKING:
    from estate.optimise.arrays import Floats
    from estate.optimise.connected.formulation import Formulation
    from estate.optimise.relaxation import Start

# Rounds of cuts, the share of the time for them, and when they are no longer worth it: after so
# many rounds that raised the bound by less than this share.
_ROUNDS = 40
_RELAXING = 0.5
_PATIENCE = 4
_STALE = 1e-4

# For an effort of 1: the nodes of branch and bound in all parts together, in one, in one that is
# nearly whole, and in a large one with the rows of diagrams.
_NODES = 200_000
_NODES_OF_PART = 10_000
_NODES_NEAR = 40
_NODES_DRAWN = 600

# For an effort of 1: the states of a layer of a diagram.
_WIDTH = 3_000_000

# Where nothing was found in time: the seconds and the gap of a last try.
_LAST_SECONDS = 30.0
_LAST_GAP = 0.3

# What is closer to the bound than this, as a share of the cost, is not searched further.
CLOSE = 1e-3

# What is more open than this CP-SAT is asked first: often it closes in seconds, all but a little,
# what branch and bound does not in minutes.
_WIDE = 0.05
_NEARLY = 0.01

# CP-SAT counts the costs in units of this share of the bound.
_COUNTED = 1e-6


@dataclass(frozen=True, eq=False)
class Effort:
    """How far to go: the multiple of the usual, what is left of it, the draw, and when to stop.

    So many threads solve at once; they change no answer.
    """

    factor: float
    budget: Budget
    seed: int
    gap: float
    threads: int = 1

    @property
    def nodes(self) -> int:
        """Return the nodes of branch and bound to search in all parts together."""
        return max(1, round(self.factor * _NODES))

    @property
    def nodes_of_part(self) -> int:
        """Return the nodes of branch and bound to search in one part."""
        return max(1, round(self.factor * _NODES_OF_PART))

    @property
    def width(self) -> int:
        """Return the states of a diagram to go on with at once."""
        return max(1, round(self.factor * _WIDTH))

    @property
    def nodes_drawn(self) -> int:
        """Return the nodes of branch and bound to search in one with the rows of diagrams."""
        return max(1, round(self.factor * _NODES_DRAWN))

    @property
    def nodes_near(self) -> int:
        """Return the nodes of branch and bound to search in one that is nearly whole."""
        return max(1, round(self.factor * _NODES_NEAR))


def searched(formulation: Formulation, effort: Effort, *, ceiling: float = inf) -> Found:
    """Return the best answer found and a bound; answers that cost more than the ceiling are none.

    The problem is split, and HiGHS searches the parts, those that promise most first. What it
    leaves open CP-SAT takes up, which does better where loads fill the points.
    """
    plain, budget = formulation.draft.programme(), effort.budget
    programme, bound, start = tightened(formulation, budget)
    if bound == inf:
        return Found(values=None, bound=inf)
    parts = split(
        formulation,
        programme,
        budget,
        width=effort.width,
        start=start,
        ceiling=ceiling,
        gap=effort.gap,
        threads=effort.threads,
    )
    if parts.answer is not None:
        ceiling = float(plain.costs @ parts.answer)
    if formulation.loaded and parts.bound < ceiling * (1 - _WIDE):
        first = _counted(programme, Found(values=parts.answer, bound=bound), effort)
        bound = first.bound
        if first.values is not None:
            parts = replace(parts, answer=first.values)
            ceiling = min(ceiling, float(plain.costs @ first.values))
        if bound >= ceiling * (1 - max(effort.gap, _NEARLY)):
            return first  # Parts begin far below: branching on them takes minutes to catch up.
    parts = parts.rejoined(formulation, below=ceiling * (1 - effort.gap))
    found = searched_parts(plain, parts, effort, ceiling=ceiling)
    found = replace(found, bound=max(bound, found.bound))
    is_open = found.bound < ceiling * (1 - effort.gap)
    if (
        is_open
        and (formulation.loaded or found.values is None)
        and not _is_close(plain, found, effort.gap)
    ):
        found = _counted(programme, found, effort)
    if found.values is None and found.bound < ceiling == inf:
        # Better a dear answer with its bound, somewhat late, than none.
        last = minimise(programme, nodes=1, seconds=_LAST_SECONDS, gap=_LAST_GAP)
        found = Found(values=last.values, bound=max(found.bound, last.bound))
    return found


def searched_parts(plain: Programme, parts: Split, effort: Effort, *, ceiling: float) -> Found:
    """Return the best answer that HiGHS finds in the parts, and the bound of them all.

    The rows that fractional answers broke make a nearly whole answer whole, and branching slow:
    a part that is far from whole is searched without them. Of a large programme of which diagrams
    were drawn it is searched with them first, for their rows leave little to branch on.
    """
    best, bound, nodes = Found(values=parts.answer, bound=-inf), inf, effort.nodes
    if parts.is_hopeless:
        nodes = 0
    for part in parts.parts:
        least, near = part.bound, part.fractional <= FRACTIONAL
        with_rows = near * effort.nodes_near
        if parts.drawn > effort.width and plain.costs.size > SEARCHED:
            with_rows = effort.nodes_drawn
        for rows, most in [(parts.programme, with_rows)] * (with_rows > 0) + [(plain, nodes)]:
            enough = ceiling * (1 - effort.gap)
            if least >= enough or nodes <= 0 or effort.budget.seconds_left <= 0:
                break
            found = _cheaper_than(
                replace(rows, most=part.tops),
                ceiling,
                nodes=min(nodes, most, effort.nodes_of_part),
                effort=effort,
            )
            nodes -= found.nodes
            least = max(least, min(found.bound, enough))
            if found.values is not None:
                best, ceiling = found, float(plain.costs @ found.values)
        bound = min(bound, least)
        if parts.drawn and least < ceiling * (1 - effort.gap) - 1e-6 * abs(least):
            nodes = 0  # The diagrams found the answers; no bound of another part helps now.
    return Found(values=best.values, bound=min(bound, ceiling))


def _cheaper_than(programme: Programme, ceiling: float, *, nodes: int, effort: Effort) -> Found:
    """Return the best answer that HiGHS finds among those that cost less, and a bound of all."""
    is_open = ceiling == inf
    found = minimise(
        programme if is_open else or_nothing(programme, ceiling),
        nodes=nodes,
        seconds=effort.budget.seconds_left,
        gap=effort.gap,
    )
    if is_open or found.values is None:
        return found
    return replace(found, values=None if found.values[-1] else found.values[:-1])


def bounded(formulation: Formulation, effort: Effort) -> float:
    """Return a bound on every answer."""
    programme, bound, start = tightened(formulation, effort.budget)
    if bound == inf:
        return inf
    parts = split(
        formulation,
        programme,
        effort.budget,
        width=effort.width,
        start=start,
        threads=effort.threads,
    )
    return max(bound, parts.bound)


def tightened(formulation: Formulation, budget: Budget) -> tuple[Programme, float, Start | None]:
    """Return the programme with the rows that fractional answers broke, its bound, and a start."""
    programme = formulation.draft.programme()
    cuts = Cuts(formulation)
    bounds, start = [-inf], None
    stop = budget.seconds_left * (1 - _RELAXING)
    while len(bounds) <= _ROUNDS and budget.seconds_left > stop:
        found = relaxed(programme, seconds=budget.seconds_left - stop, start=start)
        if found is None:
            break
        start = found.start
        bounds.append(max(bounds[-1], found.bound))
        stale = bounds[-1] - bounds[-_PATIENCE - 1 :][0] <= _STALE * abs(bounds[-1])
        rows = cuts.broken(found.values)
        if found.bound == inf or not rows.shape[0] or (stale and len(bounds) > _PATIENCE + 1):
            break
        programme = with_rows(programme, rows)
    return programme, bounds[-1], start


def _counted(programme: Programme, start: Found, effort: Effort) -> Found:
    """Return the better of a start and of what CP-SAT finds."""
    if effort.budget.over:
        return start
    unit = 10.0 ** floor(log10(max(abs(start.bound), 1e-3) * _COUNTED))
    multiples = np.floor(programme.costs / unit * (1 + 1e-12))
    costs = multiples / round(1 / unit) if unit < 1 else multiples * unit
    whole = replace(programme, costs=costs)
    found = minimise_whole(whole, start, effort.budget, seed=effort.seed)
    bound = max(start.bound, found.bound)
    return Found(values=_cheaper(programme, start, found), bound=bound)


def _is_close(programme: Programme, found: Found, gap: float) -> bool:
    if found.values is None:
        return False
    cost = float(programme.costs @ found.values)
    return cost - found.bound <= gap * abs(cost)


def _cheaper(programme: Programme, *found: Found) -> Floats | None:
    values = [each.values for each in found if each.values is not None]
    return min(values, key=lambda each: float(programme.costs @ each), default=None)

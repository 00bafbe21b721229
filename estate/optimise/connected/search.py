"""From a formulation to an answer and a bound: cuts first, then HiGHS, then CP-SAT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, inf, log10
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.connected.cuts import Cuts
from estate.optimise.connected.splitting import split
from estate.optimise.constraint import minimise_whole
from estate.optimise.effort import Budget
from estate.optimise.programme import Found, Programme, minimise
from estate.optimise.relaxation import relaxed, with_rows

if TYPE_CHECKING:
    from estate.optimise.arrays import Floats
    from estate.optimise.connected.formulation import Formulation

# Rounds of cuts, the share of the time for them, and when they are no longer worth it: after so
# many rounds that raised the bound by less than this share.
_ROUNDS = 40
_RELAXING = 0.5
_PATIENCE = 4
_STALE = 1e-4

# Variables that are not whole, up to which HiGHS goes first.
FRACTIONAL = 150
_WHOLE = 1e-6

# For an effort of 1: nodes of branch and bound, and parts to split the problem into before.
_NODES = 40
_SPLITS = 40

# Where nothing was found in time: the seconds and the gap of a last try.
_LAST_SECONDS = 30.0
_LAST_GAP = 0.3

# What is closer to the bound than this, as a share of the cost, is not searched further.
CLOSE = 1e-3

# CP-SAT counts the costs in units of this share of the bound.
_COUNTED = 1e-6


@dataclass(frozen=True, eq=False)
class Effort:
    """How far to go: the multiple of the usual, what is left of it, and the draw."""

    factor: float
    budget: Budget
    seed: int

    @property
    def nodes(self) -> int:
        """Return the nodes of branch and bound to search."""
        return max(1, round(self.factor * _NODES))

    @property
    def splits(self) -> int:
        """Return how often to split the problem by modes and modules."""
        return max(1, round(self.factor * _SPLITS))


def searched(formulation: Formulation, effort: Effort) -> Found:
    """Return the best answer found and a bound.

    The part that promises most after splitting is searched first. Where the relaxation is nearly
    whole HiGHS is done at once; where it is not, CP-SAT closes in a few seconds what HiGHS does not
    in minutes. What the first leaves open, or in other parts, the other one takes up.
    """
    programme, bound, fractional = tightened(formulation, effort.budget)
    if bound == inf:
        return Found(values=None, bound=inf)
    parts = split(formulation, programme, Cuts(formulation), effort.budget, times=effort.splits)
    programme, bound = parts.programme, max(bound, parts.bound)
    engines = (_branched, _counted) if fractional <= FRACTIONAL else (_counted, _branched)
    settled = replace(programme, most=parts.tops)
    first = engines[0](settled, Found(values=None, bound=bound), effort)
    found = Found(values=first.values, bound=max(bound, min(first.bound, parts.others)))
    if found.bound < inf and not _is_close(programme, found):
        found = engines[1](programme, found, effort)
    if found.values is None and found.bound < inf:
        # Better a dear answer with its bound, somewhat late, than none.
        last = minimise(programme, nodes=1, seconds=_LAST_SECONDS, gap=_LAST_GAP)
        found = Found(values=last.values, bound=max(found.bound, last.bound))
    return found


def bounded(formulation: Formulation, effort: Effort) -> float:
    """Return a bound on every answer."""
    return bounded_and_fractional(formulation, effort)[0]


def bounded_and_fractional(formulation: Formulation, effort: Effort) -> tuple[float, int]:
    """Return a bound on every answer, and how many variables the relaxation leaves not whole."""
    programme, bound, fractional = tightened(formulation, effort.budget)
    if bound == inf:
        return inf, fractional
    cuts = Cuts(formulation)
    parts = split(formulation, programme, cuts, effort.budget, times=effort.splits)
    return max(bound, parts.bound), fractional


def tightened(formulation: Formulation, budget: Budget) -> tuple[Programme, float, int]:
    """Return the programme with the rows that fractional answers broke.

    With it come its bound and how many variables are not whole in the last such answer.
    """
    programme = formulation.draft.programme()
    cuts = Cuts(formulation)
    bounds = [-inf]
    fractional = programme.costs.size
    stop = budget.seconds_left * (1 - _RELAXING)
    while len(bounds) <= _ROUNDS and budget.seconds_left > stop:
        found = relaxed(programme, seconds=budget.seconds_left - stop)
        if found is None:
            break
        bounds.append(max(bounds[-1], found.bound))
        fractional = int((np.abs(found.values - np.rint(found.values)) > _WHOLE).sum())
        stale = bounds[-1] - bounds[-_PATIENCE - 1 :][0] <= _STALE * abs(bounds[-1])
        rows = cuts.broken(found.values)
        if found.bound == inf or not rows.shape[0] or (stale and len(bounds) > _PATIENCE + 1):
            break
        programme = with_rows(programme, rows)
    return programme, bounds[-1], fractional


def _branched(programme: Programme, start: Found, effort: Effort) -> Found:
    """Return the better of a start and of what HiGHS finds."""
    if start.bound == inf or effort.budget.seconds_left <= 0:
        return start
    found = minimise(programme, nodes=effort.nodes, seconds=effort.budget.seconds_left)
    bound = max(start.bound, found.bound)
    return Found(values=_cheaper(programme, start, found), bound=bound)


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


def _is_close(programme: Programme, found: Found) -> bool:
    if found.values is None:
        return False
    cost = float(programme.costs @ found.values)
    return cost - found.bound <= CLOSE * abs(cost)


def _cheaper(programme: Programme, *found: Found) -> Floats | None:
    values = [each.values for each in found if each.values is not None]
    return min(values, key=lambda each: float(programme.costs @ each), default=None)

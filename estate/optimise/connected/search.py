"""From a formulation to an answer and a bound: cuts first, then HiGHS, then CP-SAT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, inf, log10
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.connected.cuts import Cuts
from estate.optimise.constraint import minimise_whole
from estate.optimise.effort import Budget
from estate.optimise.programme import Found, Programme, minimise
from estate.optimise.relaxation import relaxed, with_rows

if TYPE_CHECKING:
    from estate.optimise.connected.formulation import Formulation

_ROUNDS = 30

# For an effort of 1: nodes of branch and bound.
_NODES = 40

# What is closer to the bound than this, as a share of the cost, is not searched by CP-SAT too.
_CLOSE = 1e-3

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


def searched(formulation: Formulation, effort: Effort) -> Found:
    """Return the best answer found and a bound."""
    programme, bound = tightened(formulation, effort.budget)
    if bound == inf:
        return Found(values=None, bound=inf)
    found = minimise(programme, nodes=effort.nodes, seconds=effort.budget.seconds_left)
    found = replace(found, bound=max(found.bound, bound))
    if found.bound == inf or effort.budget.over or _is_close(programme, found):
        return found
    counted = minimise_whole(_counted(programme, bound), found, effort.budget, seed=effort.seed)
    if counted.values is None:
        return counted
    return Found(values=_cheaper(programme, found, counted), bound=max(found.bound, counted.bound))


def bounded(formulation: Formulation, effort: Effort) -> float:
    """Return a bound on every answer."""
    programme, bound = tightened(formulation, effort.budget)
    if bound == inf:
        return inf
    found = minimise(programme, nodes=effort.nodes, seconds=effort.budget.seconds_left)
    return max(bound, found.bound)


def tightened(formulation: Formulation, budget: Budget) -> tuple[Programme, float]:
    """Return the programme with the rows that fractional answers broke, and its bound."""
    programme = formulation.draft.programme()
    cuts = Cuts(formulation)
    bound = -inf
    for _ in range(_ROUNDS):
        found = relaxed(programme, seconds=budget.seconds_left)
        if found is None:
            break
        bound = max(bound, found.bound)
        if bound == inf:
            break
        rows = cuts.broken(found.values)
        if not rows.shape[0]:
            break
        programme = with_rows(programme, rows)
    return programme, bound


def _is_close(programme: Programme, found: Found) -> bool:
    if found.values is None:
        return False
    cost = float(programme.costs @ found.values)
    return cost - found.bound <= _CLOSE * abs(cost)


def _counted(programme: Programme, bound: float) -> Programme:
    """Return the programme with its costs rounded down to a common unit."""
    unit = 10.0 ** floor(log10(max(bound, 1e-3) * _COUNTED))
    multiples = np.floor(programme.costs / unit * (1 + 1e-12))
    return replace(programme, costs=multiples / round(1 / unit) if unit < 1 else multiples * unit)


def _cheaper(programme: Programme, *found: Found) -> np.ndarray:
    values = [each.values for each in found if each.values is not None]
    return min(values, key=lambda each: float(programme.costs @ each))

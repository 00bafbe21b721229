"""The linear relaxation of a programme, with prices that prove its bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from estate.optimise.arrays import Floats, Ints
from estate.optimise.simplex import Basis, Simplex

if TYPE_CHECKING:
    from estate.optimise.programme import Programme

# What a row may be above its ceiling, or below its floor, before it is counted as broken.
_TOLERANCE = 1e-6


# How many pivots a step of the interior point method is worth, and one of the crossover after
# it. Those beyond a few hundred come from one that stalls, and are short.
_INTERIOR, _CROSSOVER = 150, 3
_STALLED = 200

# The room that rows leave for the least prices.
_ROOM = 1e-4

_INFEASIBLE = 2


@dataclass(frozen=True, eq=False)
class Start:
    """Where to begin: the rows of a programme that held its best answer, and how they held it."""

    rows: Ints
    basis: Basis

    def with_all(self, count: int) -> Start:
        """Return the start with all of so many rows: none waits until it is broken."""
        return Start(np.arange(count), self.basis.among(self.rows, count=count))


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The best fractional answer, the bound it proves, and what each variable adds to that.

    An answer in which variable i is above 0 costs at least `bound + reduced[i]` for every unit
    of it. The bound is infinite where there is no answer at all. `prices` say what each row is
    worth: by how much the bound rises with its floor or ceiling. It took so many `steps`, in pivots
    of the simplex. From `start` a programme that is nearly the same takes few of them.
    """

    values: Floats
    bound: float
    reduced: Floats
    prices: Floats
    steps: int
    start: Start | None


def relaxed(
    programme: Programme,
    *,
    seconds: float,
    start: Start | None = None,
    enough: float = inf,
    pivots: int | None = None,
) -> Relaxed | None:
    """Return the best fractional answer; None where the time runs out before one is found.

    Where a bound is enough no better one is sought, and the values are no answer. From a start,
    rows are looked at once they are broken: most hold nothing. What takes the simplex more
    pivots than it is allowed is left to the interior point method, which knows no start.
    """
    until = monotonic() + seconds
    found = _sought(programme, start, enough, until, pivots) if pivots != 0 else None
    if found is not None:
        return found
    return _anew(programme, max(until - monotonic(), 0.01), by_pivots=pivots is None)


def _sought(
    programme: Programme,
    start: Start | None,
    enough: float,
    until: float,
    pivots: int | None,
) -> Relaxed | None:
    """Return the best answer by the rows of a start and those that answers break.

    None where the time or the pivots run out, or rounding leads the engine astray.
    """
    used = np.arange(programme.floor.size) if start is None else start.rows
    basis = None if start is None else start.basis
    is_same = programme.floor == programme.ceiling
    engine = Simplex(_by(programme, used))
    steps = 0
    while True:
        left = None if pivots is None else pivots - steps
        end = engine.solved(start=basis, enough=enough, seconds=until - monotonic(), pivots=left)
        if end is None:
            return None
        steps += end.steps
        if end.vertex is None:
            return _nothing(programme, steps)
        vertex = end.vertex
        prices = np.zeros(programme.floor.size)
        prices[used] = vertex.prices
        kept = is_same[used] | ~vertex.basis.slack
        held = Start(used[kept], vertex.basis.of(kept))
        best = _proven(programme, vertex.values, prices, steps, held)
        if not end.is_best:
            return best if best.bound >= enough else None
        broken = _broken(programme, best.values, used)
        if not broken.size:
            return best
        used = np.append(used, broken)
        basis = vertex.basis.among(np.arange(vertex.basis.rows.size), count=used.size)
        engine.add(_by(programme, broken))


def _by(programme: Programme, rows: Ints) -> Programme:
    """Return a programme by some of its rows alone."""
    floor, ceiling = programme.floor[rows], programme.ceiling[rows]
    return replace(programme, rows=csr_array(programme.rows[rows]), floor=floor, ceiling=ceiling)


def _broken(programme: Programme, values: Floats, used: Ints) -> Ints:
    """Return the rows that values break, but for those that are used: what is left is rounding."""
    worth = programme.rows @ values
    broken = np.maximum(worth - programme.ceiling, programme.floor - worth) > _TOLERANCE
    broken[used] = False
    return np.flatnonzero(broken)


def _anew(programme: Programme, seconds: float, *, by_pivots: bool) -> Relaxed | None:
    """Return the best answer by all rows that another engine finds in time: slower and steady."""
    rows, floor, ceiling = programme.rows, programme.floor, programme.ceiling
    same = floor == ceiling
    below = np.isfinite(ceiling) & ~same
    above = np.isfinite(floor) & ~same
    found = linprog(  # type: ignore[call-overload]  # the stubs know no sparse rows
        programme.costs,
        A_ub=csr_array(vstack((rows[below], -rows[above]))),
        b_ub=np.concatenate((ceiling[below], -floor[above])),
        A_eq=rows[same],
        b_eq=floor[same],
        bounds=np.column_stack((np.zeros(programme.costs.size), programme.tops)),
        method="highs-ds" if by_pivots else "highs-ipm",
        options={"time_limit": seconds},
    )
    steps = int(found.nit)
    if not by_pivots:
        steps = _INTERIOR * min(steps, _STALLED) + _CROSSOVER * int(found.crossover_nit)
    if found.status == _INFEASIBLE:
        return _nothing(programme, steps)
    if found.status != 0:
        return None
    by_limit = np.split(found.ineqlin.marginals, [below.sum()])
    prices = np.zeros(floor.size)
    prices[below] = np.minimum(by_limit[0], 0)
    prices[above] -= np.minimum(by_limit[1], 0)
    prices[same] = found.eqlin.marginals
    return _proven(programme, found.x, prices, steps, None)


def _proven(
    programme: Programme, values: Floats, prices: Floats, steps: int, start: Start | None
) -> Relaxed:
    """Return what prices prove. Any of the right sign do: rounding cannot make a bound too high."""
    limits = np.where(prices > 0, programme.floor, programme.ceiling)
    prices = np.where(np.isfinite(limits), prices, 0)
    reduced = programme.costs - programme.rows.T @ prices
    taken = prices != 0
    bound = float(prices[taken] @ limits[taken])
    bound += float(np.minimum(reduced, 0) @ programme.tops)
    return Relaxed(values, bound, np.maximum(reduced, 0), prices, steps, start)


def _nothing(programme: Programme, steps: int) -> Relaxed:
    nothing, prices = np.zeros(programme.costs.size), np.zeros(programme.floor.size)
    return Relaxed(nothing, inf, nothing, prices, steps, None)


def least_prices(programme: Programme, start: Start | None, *, seconds: float) -> Relaxed | None:
    """Return a best answer whose prices are small in all, among those that prove nearly the bound.

    Every row leaves a little room: what its price is multiplied with is saved then.
    """
    same = programme.floor == programme.ceiling
    found = relaxed(
        replace(
            programme,
            floor=np.where(same, programme.floor, programme.floor - _ROOM),
            ceiling=np.where(same, programme.ceiling, programme.ceiling + _ROOM),
        ),
        seconds=seconds,
        start=start,
    )
    if found is None or found.bound == inf:
        return None
    return _proven(programme, found.values, found.prices, found.steps, found.start)


def with_rows(programme: Programme, rows: csr_array, ceiling: Floats | None = None) -> Programme:
    """Return the programme with more rows, each at most its ceiling; 0 where none is given."""
    count = rows.shape[0]
    return replace(
        programme,
        rows=csr_array(vstack((programme.rows, rows))),
        floor=np.append(programme.floor, np.full(count, -np.inf)),
        ceiling=np.append(programme.ceiling, np.zeros(count) if ceiling is None else ceiling),
    )

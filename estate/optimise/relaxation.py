"""The linear relaxation of a programme, with prices that prove its bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from estate.optimise.arrays import Floats

if TYPE_CHECKING:
    from estate.optimise.programme import Programme

_INFEASIBLE = 2


@dataclass(frozen=True, eq=False)
class Relaxed:
    """The best fractional answer, the bound it proves, and what each variable adds to that.

    An answer in which variable i is above 0 costs at least `bound + reduced[i]` for every unit
    of it. The bound is infinite where there is no answer at all. `prices` say what each row is
    worth: by how much the bound rises with its floor or ceiling. `steps` of the engine were made.
    """

    values: Floats
    bound: float
    reduced: Floats
    prices: Floats
    steps: int


def relaxed(programme: Programme, *, seconds: float) -> Relaxed | None:
    """Return the best fractional answer; None where the time runs out before one is found."""
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
        method="highs-ds",
        options={"time_limit": max(seconds, 0.01)},
    )
    nothing = np.zeros(programme.costs.size)
    if found.status == _INFEASIBLE:
        return Relaxed(nothing, np.inf, nothing, np.zeros(floor.size), int(found.nit))
    if found.status != 0:
        return None
    # Any prices of the right sign prove a bound: rounding cannot make it too high.
    prices = np.minimum(found.ineqlin.marginals, 0)
    price = np.zeros(floor.size)
    price[below] = prices[: below.sum()]
    price[above] -= prices[below.sum() :]
    price[same] = found.eqlin.marginals
    reduced = programme.costs - rows.T @ price
    limits = np.where(price > 0, floor, ceiling)
    worth = float(price[price != 0] @ limits[price != 0])
    bound = worth + float(np.minimum(reduced, 0) @ programme.tops)
    return Relaxed(found.x, bound, np.maximum(reduced, 0), price, int(found.nit))


def with_rows(programme: Programme, rows: csr_array, ceiling: Floats | None = None) -> Programme:
    """Return the programme with more rows, each at most its ceiling; 0 where none is given."""
    count = rows.shape[0]
    return replace(
        programme,
        rows=csr_array(vstack((programme.rows, rows))),
        floor=np.append(programme.floor, np.full(count, -np.inf)),
        ceiling=np.append(programme.ceiling, np.zeros(count) if ceiling is None else ceiling),
    )

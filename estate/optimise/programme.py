"""A mixed integer programme in arrays, and HiGHS to solve it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack, vstack

from estate.optimise.arrays import Bools, Floats
from estate.optimise.silence import silent_stdout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_INFEASIBLE = 2


@dataclass(frozen=True, eq=False)
class Programme:
    """Minimise the costs of variables from 0 to `most`, some of them whole, within rows.

    Row i keeps `rows[i] @ x` between `floor[i]` and `ceiling[i]`. Without `most` all variables
    are at most 1.
    """

    costs: Floats
    whole: Bools
    rows: csr_array
    floor: Floats
    ceiling: Floats
    most: Floats | None = None

    @property
    def tops(self) -> Floats:
        """Return the most that each variable may be."""
        return np.ones(self.costs.size) if self.most is None else self.most


@dataclass(frozen=True, eq=False)
class Found:
    """What an engine found: the variables or None, and a bound on every answer.

    The bound is infinite where there is no answer. `nodes` were searched.
    """

    values: Floats | None
    bound: float
    nodes: int = 0


def minimise(programme: Programme, *, nodes: int, seconds: float, gap: float = 0.0) -> Found:
    """Return the best answer that HiGHS finds before nodes or time end, or the gap is closed."""
    with silent_stdout():
        found = milp(
            programme.costs,
            integrality=programme.whole.astype(np.int64),
            bounds=Bounds(0, programme.tops),
            constraints=LinearConstraint(programme.rows, programme.floor, programme.ceiling),
            options={"node_limit": nodes, "time_limit": max(seconds, 0.01), "mip_rel_gap": gap},
        )
    if found.status == _INFEASIBLE:
        return Found(values=None, bound=np.inf)
    bound = -np.inf if found.mip_dual_bound is None else float(found.mip_dual_bound)
    if found.x is None:
        return Found(values=None, bound=bound, nodes=found.mip_node_count or 0)
    values = np.where(programme.whole, np.rint(found.x), np.clip(found.x, 0, programme.tops))
    return Found(values=values, bound=bound, nodes=found.mip_node_count or 0)


def no_dearer_than(programme: Programme, ceiling: float) -> Programme:
    """Return the programme without its answers that cost more."""
    return replace(
        programme,
        rows=csr_array(vstack((programme.rows, csr_array(programme.costs[np.newaxis])))),
        floor=np.append(programme.floor, -np.inf),
        ceiling=np.append(programme.ceiling, ceiling),
    )


def or_nothing(programme: Programme, price: float) -> Programme:
    """Return the programme with a last variable that stands for no answer at all, at a price.

    With it everything else may be 0. So an engine that ends early still says what it proved, and
    how far it came, where no answer costs less than the price.
    """
    owed = np.where(programme.floor > 0, programme.floor, np.minimum(programme.ceiling, 0))
    return Programme(
        costs=np.append(programme.costs, price),
        whole=np.append(programme.whole, True),
        rows=csr_array(hstack((programme.rows, csr_array(owed[:, np.newaxis])))),
        floor=programme.floor,
        ceiling=programme.ceiling,
        most=np.append(programme.tops, 1.0),
    )


def as_lp(programme: Programme, names: Sequence[str]) -> str:
    """Return a programme in the LP format that solvers read, to look at it and to compare it."""
    lines = ["Minimize", f" cost: {_terms(programme.costs, range(len(names)), names)}"]
    lines.append("Subject To")
    lines += [f" {row}" for row in _rows(programme, names)]
    tops = zip(names, programme.tops, strict=True)
    lines += ["Bounds", *(f" 0 <= {name} <= {most:g}" for name, most in tops)]
    whole = [name for name, is_whole in zip(names, programme.whole, strict=True) if is_whole]
    lines += ["General", *(f" {name}" for name in whole), "End", ""]
    return "\n".join(lines)


def _rows(programme: Programme, names: Sequence[str]) -> Iterator[str]:
    rows = programme.rows
    columns = rows.indices.tolist()
    for index in range(rows.shape[0]):
        span = slice(rows.indptr[index], rows.indptr[index + 1])
        terms = _terms(rows.data[span], columns[span], names)
        floor, ceiling = programme.floor[index], programme.ceiling[index]
        if floor == ceiling:
            yield f"{terms} = {floor:g}"
            continue
        if np.isfinite(floor):
            yield f"{terms} >= {floor:g}"
        if np.isfinite(ceiling):
            yield f"{terms} <= {ceiling:g}"


def _terms(factors: Floats, columns: Sequence[int], names: Sequence[str]) -> str:
    terms = sorted(zip(columns, factors, strict=True))
    return " ".join(f"{factor:+g} {names[column]}" for column, factor in terms if factor)

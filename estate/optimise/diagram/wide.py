"""Lines that are too wide for layers: branch and bound, the fewest first.

What little more a cover costs that takes one variable more, a relaxation cannot see: it takes
parts of many. How many are taken at the least is a problem of its own, and easier. With that
known, what the others imply is decided before they are: a bound with them alone whole holds for
all covers, and takes few nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from estate.optimise.arrays import Bools, Floats
from estate.optimise.constraint import minimise_whole
from estate.optimise.effort import Budget
from estate.optimise.programme import Found, Programme, minimise

if TYPE_CHECKING:
    from estate.optimise.diagram.line import Line

# How often the line is halved for groups of neighbours, of which whole numbers are taken. Engines
# branch on these first: of one variable those beside it do as well.
_HALVINGS = 6

_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Fewest:
    """How many variables of the rows every cover takes at least, and a cover if one was found."""

    number: int
    values: Floats | None


def fewest(line: Line, *, units: float) -> Fewest:
    """Return the fewest variables that rows take, as far as CP-SAT's units prove it."""
    plain = replace(line, costs=_covers(line).astype(np.float64))
    programme = _programme(plain, 0, whole=np.ones(line.size, dtype=np.bool_))
    nothing = Found(values=None, bound=-inf)
    found = minimise_whole(programme, nothing, Budget(units, seconds=inf), seed=0)
    values = None if found.values is None else found.values[: line.size]
    return Fewest(ceil(max(0.0, found.bound) - _ROUNDING), values)


def bounded(line: Line, least: int, *, nodes: int, enough: float) -> Found:
    """Return a bound on covers that take so many variables at least, and one that was found.

    First what is implied is whole alone, then all; where that is enough, or took all nodes, the
    second is left out.
    """
    covering, best, searched = _covers(line), Found(None, -inf), 0
    for whole in (~covering, np.ones(line.size, dtype=np.bool_)):
        programme = _programme(line, least, whole=whole)
        found = minimise(programme, nodes=nodes - searched, seconds=inf)
        searched += found.nodes
        values = found.values[: line.size] if found.values is not None and whole.all() else None
        best = Found(values, max(best.bound, found.bound), searched)
        if searched >= nodes or best.bound >= enough:
            break
    return best


def _covers(line: Line) -> Bools:
    """Return which variables are in rows, and not only implied by such."""
    found: Bools = np.asarray(line.rows[: line.hard].sum(axis=0)).ravel() > 0
    return found


def _programme(line: Line, least: int, *, whole: Bools) -> Programme:
    """Return a line's programme, after its variables with how many of each group are taken."""
    groups = _groups(_covers(line))
    count, pairs = groups.shape[0], np.zeros((len(line.pairs), line.size))
    np.put_along_axis(pairs, line.pairs[:, :1], -1.0, axis=1)
    np.put_along_axis(pairs, line.pairs[:, 1:], 1.0, axis=1)
    kept = csr_array(vstack((line.rows, csr_array(pairs), groups[:1])))
    floor = np.concatenate((np.ones(line.rows.shape[0]), np.zeros(len(pairs)), [least]))
    if not whole.all():
        return Programme(
            costs=line.costs, whole=whole, rows=kept, floor=floor, ceiling=np.full(floor.size, inf)
        )
    sums = hstack((groups, -eye_array(count)))
    return Programme(
        costs=np.append(line.costs, np.zeros(count)),
        whole=np.append(whole, np.ones(count, dtype=np.bool_)),
        rows=csr_array(vstack((hstack((kept, csr_array((floor.size, count)))), sums))),
        floor=np.append(floor, np.zeros(count)),
        ceiling=np.append(np.full(floor.size, inf), np.zeros(count)),
        most=np.append(np.ones(line.size), groups.sum(axis=1)),
    )


def _groups(covering: Bools) -> csr_array:
    """Return a row for each group: all variables of the line's rows, its halves, and theirs."""
    parts, rows = [np.flatnonzero(covering)], []
    for _ in range(_HALVINGS):
        rows += parts
        parts = [half for part in parts if part.size > 1 for half in np.array_split(part, 2)]
    groups = np.zeros((len(rows), covering.size))
    for row, part in zip(groups, rows, strict=True):
        row[part] = 1
    return csr_array(groups)

"""Lines that are too wide for layers: branch and bound, the fewest first.

What little more a cover costs that takes one variable more, a relaxation cannot see: it takes
parts of many. How many are taken at the least is a problem of its own, and easier. With that
known, what the others imply is decided before they are: a bound with them alone whole holds for
all covers, and takes few nodes.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from estate.optimise.constraint import minimise_whole
from estate.optimise.diagram.covering import Covering
from estate.optimise.diagram.layers import Layers
from estate.optimise.diagram.line import Line
from estate.optimise.effort import Budget
from estate.optimise.programme import Found, Programme, minimise

if TYPE_CHECKING:
    from estate.optimise.arrays import Bools

# Lines that may have more states are too wide for layers.
WIDE = 1e9

# CP-SAT's deterministic seconds for the fewest that a cover takes, for each state of a layer, where
# its rows alone are too wide.
_UNITS = 2e-4

# How often the line is halved for groups of neighbours, of which whole numbers are taken. Engines
# branch on these first: of one variable those beside it do as well.
_HALVINGS = 6

_ROUNDING = 1e-6

# The share of nodes for a first look.
_LOOK = 0.1


def fewest(line: Line, *, width: int) -> int:
    """Return the fewest variables that rows take, as far as diagrams of a width prove it."""
    columns = np.flatnonzero(_covers(line))
    covers = csr_array(line.rows[: line.hard][:, columns])
    plain = Line.of(Covering.plain(covers))
    start = Layers.of(plain)
    if start is None:
        return 0
    if not plain.fits or plain.states > WIDE:
        programme = _programme(plain, 0, whole=np.ones(plain.size, dtype=np.bool_))
        nothing = Found(values=None, bound=start.bound)
        found = minimise_whole(programme, nothing, Budget(width * _UNITS, seconds=inf), seed=0)
        return ceil(found.bound - _ROUNDING)
    number = ceil(start.bound - _ROUNDING)
    while start.drawn(width, number + _ROUNDING, is_priced=True).bound > number:
        number += 1
    return number


def bounded(line: Line, least: int, *, nodes: int, enough: float) -> Found:
    """Return a bound on covers that take so many variables at least, and one that was found.

    First what is implied is whole alone: at a look that may be enough, and then as far as nodes
    go. Where a look was all that took, all are whole.
    """
    covering, look = _covers(line), max(1, round(nodes * _LOOK))
    first = minimise(_programme(line, least, whole=~covering), nodes=look, seconds=inf)
    if first.bound >= enough:
        return replace(first, values=None)
    is_easy = first.nodes < look
    whole = np.ones_like(covering) if is_easy else ~covering
    second = minimise(_programme(line, least, whole=whole), nodes=nodes, seconds=inf)
    return Found(
        values=None if second.values is None or not is_easy else second.values[: line.size],
        bound=max(first.bound, second.bound),
        nodes=first.nodes + second.nodes,
    )


def _covers(line: Line) -> Bools:
    """Return which variables are in rows, and not only implied by such."""
    found: Bools = np.asarray(line.rows[: line.hard].sum(axis=0)).ravel() > 0
    return found


def _programme(line: Line, least: int, *, whole: Bools) -> Programme:
    """Return a line's programme, after its variables with how many of each group are taken."""
    groups = _groups(_covers(line))
    count, plain = groups.shape[0], line.programme
    kept = csr_array(vstack((plain.rows, groups[:1])))
    floor = np.append(plain.floor, least)
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

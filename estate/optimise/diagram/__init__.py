"""Covers whose rows lie along a line: all answers at once, one variable after another.

After so many variables, answers that leave the same rows open go on alike: they are one state, and
the cheapest of them stands for all. That is a decision diagram (Bergman, Cire, van Hoeve and
Hooker, Decision Diagrams for Optimization, 2016). How many states there are depends on how many
rows are open at once and not on how many there are: it proves what branch and bound cannot where
a long row of things is covered by what lies beside them.

What a state costs at least is known from prices of the rows, by linear duality. Prices that suit
one state suit its neighbours: they are found for the most promising states again and again, and
each state is valued by those that say most.
"""

from __future__ import annotations

from math import inf

import numpy as np

from estate.optimise.diagram.covering import Covering
from estate.optimise.diagram.layers import Drawn, Layers
from estate.optimise.diagram.line import Line, in_line
from estate.optimise.diagram.wide import WIDE, bounded, fewest
from estate.optimise.diagram.windows import cheap, improved

__all__ = ["Covering", "Drawn", "improved", "in_line", "least"]

# The width of a first diagram, for an answer alone, as a share of that for a bound; and of one that
# may be enough where the line is too wide.
_NARROW = 0.1
_GLANCE = 0.03

# Branch and bound searches so many nodes of a line that is too wide for each state of a layer; a
# node takes as long as so many states.
_NODES = 0.01
_STATES_OF_NODE = 5000

# The width of a diagram for how many variables every cover takes, as a share of that for a bound.
_COUNTED = 0.3


def least(covering: Covering, *, width: int, ceiling: float = inf, enough: float = inf) -> Drawn:
    """Return the cheapest cover found below the ceiling, and a bound on all as far as is enough.

    A layer keeps as many states as the width says, those that promise most; what is lost with
    others limits the bound. Where the line is too wide for layers, it is first found how many
    variables every cover takes, and then a bound by branch and bound.
    """
    if not covering.covers.sum(axis=1).all():
        return Drawn(None, inf, 0)
    if not covering.covers.shape[0]:
        return Drawn(None, float(np.minimum(covering.costs, 0).sum()), 0)
    line = Line.of(covering)
    if not line.fits:
        return _searched(line, width, enough)
    start = Layers.of(line)
    if start is None:
        return Drawn(None, inf, 0)
    if line.states > WIDE:
        most = min(enough, ceiling)
        glance = start.drawn(max(1, round(width * _GLANCE)), most, is_priced=True)
        return glance if glance.bound >= most else _searched(line, width, enough)
    bound, values, states = start.bound, None, 0
    narrow = max(1, round(width * _NARROW))
    for each, limit, is_priced in ((narrow, inf, False), (width, enough, True)):
        most = min(limit, ceiling)
        if bound >= most:
            break
        found = start.drawn(each, most, is_priced=is_priced)
        states += found.states
        bound = max(bound, found.bound)
        if found.values is not None:
            values, ceiling = found.values, float(line.costs @ found.values)
    return Drawn(None if values is None else line.unordered(values), bound, states)


def _searched(line: Line, width: int, enough: float) -> Drawn:
    """Return what branch and bound finds of a line that is too wide for layers."""
    number = fewest(line, width=max(1, round(width * _COUNTED)))
    found = bounded(line, number, nodes=max(1, round(width * _NODES)), enough=enough)
    values = cheap(line, found.values) if found.bound < enough else None
    answer = None if values is None else line.unordered(values)
    return Drawn(answer, found.bound, found.nodes * _STATES_OF_NODE, number)

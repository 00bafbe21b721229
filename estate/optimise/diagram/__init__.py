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

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.diagram.covering import Covering
from estate.optimise.diagram.layers import Drawn, Layers
from estate.optimise.diagram.line import Line
from estate.optimise.diagram.wide import WIDE, bounded, fewest
from estate.optimise.diagram.windows import cheap

if TYPE_CHECKING:
    from estate.optimise.arrays import Floats

__all__ = ["Covering", "Diagram", "Drawn"]

# The width of a diagram for an answer, as a share of that for a bound.
_NARROW = 0.03

# Branch and bound searches so many nodes of a line that is too wide for each state of a layer; a
# node takes as long as so many states.
_NODES = 0.01
_STATES_OF_NODE = 5000

# The width of a diagram that tells from which end of a line to begin, as a share likewise.
_TRIED = 0.03

# The width of a diagram for how many variables every cover takes, as a share of that for a bound.
_COUNTED = 0.3


class Diagram:
    """The covers of a covering, drawn as widely as is asked for.

    A layer keeps as many states as the width says, those that promise most; what is lost with
    others limits the bound. `along` says where variables lie along the line of another covering,
    if any: not a number for those that are not in it.
    """

    def __init__(self, covering: Covering, along: Floats | None = None) -> None:
        self._line, self._start = None, None
        self._is_drawn = False
        self._none = self._known = inf
        if not covering.covers.shape[0]:
            self._none = float(np.minimum(covering.costs, 0).sum())
        elif covering.covers.sum(axis=1).all():
            self._line = Line.of(covering, along)
            self._is_drawn = self._line.fits and self._line.states <= WIDE
            self._start = Layers.of(self._line) if self._is_drawn else None

    @property
    def along(self) -> Floats | None:
        """Return where each variable lies along the line, not a number for those not needed."""
        return None if self._line is None else self._line.along

    def answer(self, *, width: int, ceiling: float = inf) -> Drawn:
        """Return a cheap cover below the ceiling, and what bound comes with it.

        It is the cheapest that a narrow diagram holds; where that is not all of them, one that no
        window of the line makes cheaper.
        """
        line, start = self._line, self._start
        if line is None or (self._is_drawn and start is None):
            return Drawn(None, self._none, 0)
        found = Drawn(None, -inf, 0)
        if start is not None:
            found = start.drawn(max(1, round(width * _NARROW)), ceiling, is_priced=False)
        is_all = found.is_exact or found.bound >= ceiling
        values = found.values if is_all else cheap(line, found.values)
        if values is not None:
            self._known = min(self._known, float(line.costs @ values))
        return replace(found, values=None if values is None else line.unordered(values))

    def bound(self, *, width: int, enough: float = inf) -> Drawn:
        """Return a bound on all covers, as far as is enough: the best answer's cost always is.

        Where the line is too wide for layers, it is first found how many variables every cover
        takes, and then a bound by branch and bound.
        """
        line, start = self._line, self._start
        if line is None or (self._is_drawn and start is None):
            return Drawn(None, self._none, 0)
        enough = min(enough, self._known)
        if start is not None:
            if start.bound >= enough:
                return Drawn(None, start.bound, 0)
            return self._drawn(line, start, width, enough)
        number = fewest(line, width=max(1, round(width * _COUNTED)))
        found = bounded(line, number, nodes=max(1, round(width * _NODES)), enough=enough)
        return Drawn(None, found.bound, found.nodes * _STATES_OF_NODE, number)

    def _drawn(self, line: Line, start: Layers, width: int, enough: float) -> Drawn:
        """Return a bound from the end of the line that promises more, as narrow diagrams tell.

        Where what costs most is met first, states are dear early on and few are kept.
        """
        narrow = max(1, round(width * _TRIED))
        found = start.drawn(narrow, enough, is_priced=True)
        states = found.states
        if not found.is_all(enough):
            back = line.reversed()
            other = Layers.of(back) or start
            tried = other.drawn(narrow, enough, is_priced=True)
            states += tried.states
            if tried.bound > found.bound:
                self._line, self._start = back, other
                start, found = other, tried
        if not found.is_all(enough):
            found = start.drawn(width, enough, is_priced=True)
            states += found.states
        return replace(found, states=states)

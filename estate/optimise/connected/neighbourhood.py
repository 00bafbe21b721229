"""Answers near one that is known: some points are free, the others are taken as they are or less.

What connects them follows as a whole, so a window of points is a small programme, and says what a
component alone cannot: what its points cost in the core.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.arrays import Bools, Floats, Ints
from estate.optimise.diagram import improved, in_line
from estate.optimise.programme import Programme, minimise, no_dearer_than

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estate.optimise.effort import Budget

# How wide windows are, nodes of branch and bound for one, and what may be left open there.
_WINDOW = 0.4
_NODES = 10
_GAP = 1e-3


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """A programme with the most that each variable may be near an answer, and which are points."""

    programme: Programme
    tops: Floats
    points: Bools

    def polished(self, answer: Floats, parts: Iterable[Ints], budget: Budget) -> Floats:
        """Return an answer that no window of a part makes cheaper, while there is time.

        Windows of each part's points are drawn along a line on which those that share customers
        lie side by side.
        """
        for columns in parts:
            points = columns[self.points[columns]]
            rows = np.abs(np.sign(self.programme.rows[:, points].toarray()))
            shared = rows[rows.sum(axis=1) > 1]
            line = points[in_line(shared)] if shared.shape[0] else points

            def within(values: Floats, window: slice, line: Ints = line) -> Floats:
                return self._best(values, line[window], budget)

            answer = improved(self.programme.costs, answer, line.size, within, share=_WINDOW)
        return answer

    def _best(self, values: Floats, free: Ints, budget: Budget) -> Floats:
        """Return the best answer found with some points free, and others as in an answer or not."""
        held = self.points.copy()
        held[free] = False
        near = replace(
            self.programme, most=np.where(held, np.minimum(self.tops, values), self.tops)
        )
        cost = float(self.programme.costs @ values)
        found = minimise(
            no_dearer_than(near, cost), nodes=_NODES, seconds=budget.seconds_left, gap=_GAP
        )
        return values if found.values is None else found.values

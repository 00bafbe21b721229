"""A lower bound by dual ascent: every terminal pays for the cuts that keep the root out."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.arrays import Floats, Ints

if TYPE_CHECKING:
    from estate.optimise.effort import Budget
    from estate.optimise.steiner.core import Core


@dataclass(frozen=True, eq=False)
class Ascent:
    """What every tree costs at least, and what that leaves of each arc's weight.

    `cuts` are the sets of arcs of which every tree that leaves the root uses one.
    """

    root: int
    bound: float
    slack: Floats
    cuts: tuple[Ints, ...]


def dual_ascent(core: Core, root: int, budget: Budget) -> Ascent:
    """Return the bound of Wong's dual ascent (Mathematical Programming 28, 1984).

    The terminal whose cut has the fewest arcs goes first, the smaller number among equals. It
    raises the price of its cut until an arc is paid in full.
    """
    slack = [weight for weight in core.lengths for _ in range(2)]
    cuts = {terminal: _Cut(core, terminal) for terminal in core.terminals if terminal != root}
    queue = [(len(cut.arcs), terminal) for terminal, cut in cuts.items()]
    heapify(queue)
    bound = 0.0
    paid = []
    while queue:
        _, terminal = heappop(queue)
        cut = cuts[terminal]
        budget.spend(cut.grow(slack))
        if cut.inside[root]:
            del cuts[terminal]
            continue
        size = len(cut.arcs)
        if not queue or size <= queue[0][0]:
            rise = min(map(slack.__getitem__, cut.arcs))
            for arc in cut.arcs:
                slack[arc] -= rise
            bound += rise
            paid.append(np.array(cut.arcs, dtype=np.int64))
        heappush(queue, (size, terminal))
    return Ascent(root=root, bound=bound, slack=np.array(slack), cuts=tuple(paid))


class _Cut:
    """The nodes that reach a terminal for nothing, and the arcs that lead in."""

    def __init__(self, core: Core, terminal: int) -> None:
        self._tails = core.tail_of
        self._into = core.into
        self.inside = bytearray(core.node_count)
        self.inside[terminal] = 1
        self.arcs = core.into[terminal]

    def grow(self, slack: list[float]) -> float:
        """Take in every node from which a paid arc leads in, and return the work it took."""
        tails, into, inside = self._tails, self._into, self.inside
        stack = [tails[arc] for arc in self.arcs if not slack[arc]]
        if not stack:
            return len(self.arcs) / 8
        arcs = list(self.arcs)
        while stack:
            node = stack.pop()
            if not inside[node]:
                inside[node] = 1
                arcs += into[node]
                stack += [tails[arc] for arc in into[node] if not slack[arc]]
        self.arcs = [arc for arc in arcs if not inside[tails[arc]]]
        return len(arcs) / 3

"""Edges that no better tree can use, by what a lower bound leaves of their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

if TYPE_CHECKING:
    from estate.optimise.arrays import Bools, Floats
    from estate.optimise.steiner.core import Core


def useless(core: Core, slack: Floats, *, root: int, bound: float, ceiling: float) -> Bools:
    """Return for each arc whether every tree with it costs more than the ceiling.

    A tree that leaves the root and uses an arc pays, beyond the bound, the slack on the way
    from the root to the arc, that of the arc, and that on to the nearest other terminal.
    """
    shape = (core.node_count, core.node_count)
    out = csr_array((slack, (core.arc_tails, core.arc_heads)), shape=shape)
    back = csr_array((slack, (core.arc_heads, core.arc_tails)), shape=shape)
    others = [terminal for terminal in core.terminals if terminal != root]
    to_tail = dijkstra(out, indices=[root])[0]
    from_head = dijkstra(back, indices=others, min_only=True)
    through = bound + to_tail[core.arc_tails] + slack + from_head[core.arc_heads]
    found: Bools = through > ceiling
    return found

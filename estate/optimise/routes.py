"""Shortest routes from several places, as far as a limit allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from estate.optimise.arrays import Floats
from estate.optimise.ordering import ordered, weights_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import networkx as nx

N = TypeVar("N")


@dataclass(frozen=True, eq=False)
class Routes(Generic[N]):
    """The shortest routes from each source to every node within the limit.

    `length[i, j]` is from `sources[i]` to `nodes[j]`, infinite beyond the limit;
    `before[i, j]` is the place in `nodes` of the last node but one, negative where there is
    none.
    """

    sources: tuple[N, ...]
    nodes: tuple[N, ...]
    length: Floats
    before: NDArray[np.int32]
    _place: Mapping[N, int]

    def length_to(self, source: N, target: N) -> float:
        """Return the length of a route, infinite beyond the limit."""
        return float(self.length[self.sources.index(source), self._place[target]])

    def route(self, source: N, target: N) -> tuple[N, ...]:
        """Return the nodes of a route from the source to the target; none beyond the limit."""
        row, at = self.sources.index(source), self._place[target]
        if not np.isfinite(self.length[row, at]):
            return ()
        found = [self.nodes[at]]
        while (at := int(self.before[row, at])) >= 0:
            found.append(self.nodes[at])
        return tuple(reversed(found))


def routes_within(
    graph: nx.Graph[N], sources: Iterable[N], *, limit: float, weight: str = "weight"
) -> Routes[N]:
    """Return the shortest routes from each source that are no longer than the limit.

    Equals are settled by the order of the nodes, whatever the order in which they were added.

    Raises
    ------
    ValueError
        When a source is not in the graph, or a weight is absent, negative or not a number.
    """
    nodes = ordered(graph)
    place = {node: index for index, node in enumerate(nodes)}
    starts = tuple(sources)
    if absent := [node for node in starts if node not in place]:
        raise ValueError(f"{absent[0]!r} is not in the graph")
    tails, heads, weights = weights_of(graph, place, weight=weight)
    matrix = csr_array((weights, (tails, heads)), shape=(len(nodes), len(nodes)))
    length, before = dijkstra(
        matrix,
        directed=graph.is_directed(),
        indices=[place[node] for node in starts],
        limit=limit,
        return_predecessors=True,
    )
    return Routes(starts, nodes, length, before, place)

"""Containment that no design can do without, and the way of fibre along it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from estate.cabling.wing import WingProblem


def certain_ways(problem: WingProblem, anchors: Sequence[Collection[int]]) -> frozenset[int]:
    """Return the new ways that every design builds.

    `anchors` has for each cell the nodes from which it could be served. A way that alone joins
    some part to the comms rooms is certain if a cell can be served from within that part only:
    either its cables leave by this way, or the fibre of a cabinet in there does.
    """
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    graph.add_nodes_from(range(len(problem.containment.names)))
    for number, way in enumerate(problem.containment.ways):
        graph.add_edge(way.tail, way.head, number)
    below = _parts(graph, problem.rooms)
    return frozenset(
        number
        for number, part in below.items()
        if problem.containment.ways[number].is_new
        and any(nodes and part.issuperset(nodes) for nodes in anchors)
    )


def _parts(graph: nx.MultiGraph[int], rooms: Sequence[int]) -> dict[int, frozenset[int]]:
    """Return for each way that is a bridge the nodes that it alone joins to a comms room."""
    simple: nx.Graph[int] = nx.Graph(graph)
    root = -1
    simple.add_edges_from((root, room) for room in rooms)
    bridges: set[frozenset[int]] = set(map(frozenset, nx.bridges(simple)))  # type: ignore[arg-type]
    tree: nx.DiGraph[int] = nx.bfs_tree(simple, root)
    below: defaultdict[int, set[int]] = defaultdict(set)
    for node in reversed(list(tree)):
        below[node].add(node)
        for parent in tree.predecessors(node):
            below[parent] |= below[node]
    parts: dict[int, frozenset[int]] = {}
    for parent, child in tree.edges:
        ways = [int(way) for way in graph[parent][child]] if parent != root else []
        if frozenset((parent, child)) in bridges and len(ways) == 1:
            parts[ways[0]] = frozenset(below[child])
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class FibreWay:
    """The way of a fibre from a comms room: its length, and the ways that must be built for it."""

    length_m: float
    ways: tuple[int, ...]
    built: tuple[int, ...]


class Fibres:
    """The cheapest ways of fibre from the comms rooms to every node.

    Where it is not certain that cables build a way, fibre has containment of its own there.
    """

    def __init__(self, problem: WingProblem, certain: frozenset[int]) -> None:
        self._problem = problem
        metre = problem.catalogue.unit_gbp("fibre_internal")
        ways = problem.containment.ways
        self._costs = [
            way.span.length_m * metre
            + (0.0 if number in certain else problem.way_costs_gbp[number])
            for number, way in enumerate(ways)
        ]
        self._built = frozenset(
            number for number, way in enumerate(ways) if way.is_new and number not in certain
        )
        self._distances, self._before = problem.containment.shortest(problem.rooms, self._costs)

    def to(self, node: int) -> FibreWay | None:
        """Return the cheapest way from a comms room to a node, None where there is none."""
        room = int(np.argmin(self._distances[:, node]))
        if not np.isfinite(self._distances[room, node]):
            return None
        ways = walked(self._problem, self._before[room], node, self._costs)
        length_m = round(sum(self._problem.containment.ways[w].span.length_m for w in ways), 3)
        return FibreWay(
            length_m=length_m, ways=ways, built=tuple(w for w in ways if w in self._built)
        )


def walked(
    problem: WingProblem, before: NDArray[np.int64], node: int, weights: Sequence[float]
) -> tuple[int, ...]:
    """Return the ways from a node back to the source of a tree of shortest routes."""
    ways = []
    while (previous := int(before[node])) >= 0:
        joined = problem.containment.ways_between(previous, node)
        ways.append(min(joined, key=lambda way: (weights[way], way)))
        node = previous
    return tuple(ways)

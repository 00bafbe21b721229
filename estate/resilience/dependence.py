"""What depends on what: a graph from a super-root to the cells, and what every way to them needs.

An element that lies on every way from the root to a cell dominates it: the cell is lost when the
element fails. A cable needs its switch and each span that it runs through, and spans carry cables
of several switches; a node for each span would let a cell be reached by one cable half of the way
and by another for the rest. So each cable has nodes of its own, labelled with the element, and
dominators are found for labels: what is shared by two cables is one label on both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import networkx as nx

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = "outside world"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that can fail: `kind` is what it is, `wing` its wing's code or ""."""

    id: str
    kind: str
    wing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What fails with parts that take the same cells with them.

    `parts` are of one kind and one wing, such as the spans of a route without a branch; any one
    of them is enough.
    """

    kind: str
    wing: str
    parts: tuple[str, ...]
    cells: int


class Dependencies:
    """A directed graph without cycles from `ROOT` to the cells.

    Each node but the root stands below at least one other; all of those above it serve it as
    well as each other.
    """

    def __init__(self) -> None:
        self.graph: nx.DiGraph[str] = nx.DiGraph()
        self.graph.add_node(ROOT)
        self.parts: dict[str, Part] = {}
        self.cells: dict[str, int] = {}
        self._part_of: dict[str, str] = {}

    def led(self, start: str, parts: Iterable[Part]) -> str:
        """Add a way through parts in turn, and return its end; ways that begin alike share nodes.

        Raises
        ------
        KeyError
            When nothing leads to the start.
        """
        if start not in self.graph:
            raise KeyError(start)
        for part in parts:
            node = f"{start} > {part.id}"
            self.graph.add_edge(start, node)
            self._part_of[node] = part.id
            self.parts[part.id] = part
            start = node
        return start

    def meet(self, name: str, ends: Iterable[str]) -> str:
        """Add a place where ways end, each as good as the others, and return it."""
        self.graph.add_edges_from((end, name) for end in ends)
        return name

    def serve(self, node: str, cells: int) -> None:
        """Hang cells on a node."""
        self.cells[node] = self.cells.get(node, 0) + cells

    def cells_lost(self) -> dict[str, int]:
        """Return the cells that are lost with each part; 0 where others stand in for it."""
        return {part: sum(ends.values()) for part, ends in self._lost().items()}

    def losses(self, *, cells_min: int = 2) -> list[Loss]:
        """Return what one failure takes away, the most cells first."""
        alike: defaultdict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
        lost = self._lost()
        for part_id, ends in lost.items():
            part = self.parts[part_id]
            alike[part.kind, part.wing, tuple(sorted(ends))].append(part_id)
        found = [
            Loss(kind=kind, wing=wing, parts=tuple(ids), cells=sum(lost[ids[0]].values()))
            for (kind, wing, _), ids in alike.items()
        ]
        return sorted(
            (loss for loss in found if loss.cells >= cells_min),
            key=lambda loss: (-loss.cells, loss.wing, loss.kind, loss.parts),
        )

    def _lost(self) -> dict[str, dict[str, int]]:
        """Return for each part the nodes that are lost with it, and their cells."""
        lost: dict[str, dict[str, int]] = {part: {} for part in self.parts}
        needs = needed(self.graph, self._part_of)
        for node, cells in self.cells.items():
            for part in needs[node]:
                lost[part][node] = cells
        return lost


def needed(graph: nx.DiGraph[str], labels: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Return for each node the labels that every way to it passes, its own included.

    A label is on every way to a node if it is on every way to each node above it. That is the
    definition of dominators, for labels in the place of nodes.

    Raises
    ------
    networkx.NetworkXUnfeasible
        When something depends on itself.
    """
    found: dict[str, frozenset[str]] = {}
    for node in nx.topological_sort(graph):
        above = [found[each] for each in graph.predecessors(node)]
        shared = frozenset.intersection(*above) if above else frozenset()
        found[node] = shared | {labels[node]} if node in labels else shared
    return found

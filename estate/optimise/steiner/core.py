"""A Steiner problem in arrays, and one that shrinks without losing its best tree."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.arrays import Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Tree = frozenset[int]  # The edges of a core that make it.


@dataclass(frozen=True, eq=False)
class Core:
    """An undirected graph without loops or parallel edges, and the nodes to connect.

    Nodes are 0 to `node_count` - 1. Edge e joins `tails[e]` and `heads[e]`; as arcs it is 2e,
    from its tail to its head, and 2e + 1, the way back. `names[e]` is its name in the
    `Reduction` that it came from.
    """

    node_count: int
    tails: Ints
    heads: Ints
    weights: Floats
    terminals: tuple[int, ...]
    names: tuple[int, ...]

    @cached_property
    def links(self) -> list[list[tuple[int, int]]]:
        """Return each node's neighbours with the edges that lead there, in order of edges."""
        links: list[list[tuple[int, int]]] = [[] for _ in range(self.node_count)]
        ends = zip(self.tails.tolist(), self.heads.tolist(), strict=True)
        for edge, (tail, head) in enumerate(ends):
            links[tail].append((head, edge))
            links[head].append((tail, edge))
        return links

    @cached_property
    def ends(self) -> list[tuple[int, int]]:
        """Return the two ends of each edge."""
        return list(zip(self.tails.tolist(), self.heads.tolist(), strict=True))

    @cached_property
    def arc_tails(self) -> Ints:
        """Return where each arc starts."""
        return np.column_stack((self.tails, self.heads)).ravel()

    @cached_property
    def arc_heads(self) -> Ints:
        """Return where each arc ends."""
        return np.column_stack((self.heads, self.tails)).ravel()

    @cached_property
    def tail_of(self) -> list[int]:
        """Return where each arc starts, as a list, in which Python looks up faster."""
        return [int(node) for node in self.arc_tails]

    @cached_property
    def into(self) -> list[list[int]]:
        """Return the arcs that end in each node."""
        into: list[list[int]] = [[] for _ in range(self.node_count)]
        for arc, head in enumerate(self.arc_heads.tolist()):
            into[head].append(arc)
        return into

    @cached_property
    def is_terminal(self) -> frozenset[int]:
        """Return the terminals, to look up."""
        return frozenset(self.terminals)

    @cached_property
    def lengths(self) -> list[float]:
        """Return the edges' weights as plain numbers, which Python adds up faster."""
        return [float(weight) for weight in self.weights]

    @cached_property
    def rank(self) -> list[int]:
        """Return each edge's place in the order of weights, the first edge among equals."""
        rank = np.empty(self.weights.size, dtype=np.int64)
        rank[np.argsort(self.weights, kind="stable")] = np.arange(self.weights.size)
        return [int(place) for place in rank]

    def cost(self, edges: Iterable[int]) -> float:
        """Return the sum of the edges' weights."""
        return sum(self.lengths[edge] for edge in sorted(edges))


class Reduction:
    """A Steiner problem that is made smaller, step by step.

    Every step keeps at least one best tree of those that were left. An edge that stands for a
    path knows the two edges that it is made of, so that a tree is written in the first edges
    again. `forced` are edges that belong to the answer already.
    """

    def __init__(
        self,
        ends: Sequence[tuple[int, int]],
        weights: Sequence[float],
        terminals: Iterable[int],
        *,
        node_count: int,
    ) -> None:
        self.weights = list(weights)
        self.terminals = set(terminals)
        self.forced: list[int] = []
        self._parts: list[tuple[int, int] | None] = [None] * len(self.weights)
        self._links: list[dict[int, int]] = [{} for _ in range(node_count)]
        for edge, (one, other) in enumerate(ends):
            self._join(one, other, edge)
        self._contract_free_edges()
        self.shave(range(node_count))

    @property
    def forced_cost(self) -> float:
        """Return the weight of what belongs to the answer already."""
        return sum(self.weights[edge] for edge in self.forced)

    def first_edges(self, names: Iterable[int]) -> set[int]:
        """Return the first edges that these edges and the forced ones stand for."""
        found = set()
        stack = [*names, *self.forced]
        while stack:
            edge = stack.pop()
            parts = self._parts[edge]
            if parts is None:
                found.add(edge)
            else:
                stack.extend(parts)
        return found

    def core(self) -> Core:
        """Return what is left, renumbered: the terminals' component in arrays."""
        kept = self._reached()
        number = {node: index for index, node in enumerate(kept)}
        rows = [
            (number[node], number[other], edge)
            for node in kept
            for other, edge in sorted(self._links[node].items())
            if node < other
        ]
        tails, heads, names = zip(*rows, strict=True) if rows else ((), (), ())
        return Core(
            node_count=len(kept),
            tails=np.array(tails, dtype=np.int64),
            heads=np.array(heads, dtype=np.int64),
            weights=np.array([self.weights[name] for name in names], dtype=np.float64),
            terminals=tuple(number[t] for t in sorted(self.terminals) if t in number),
            names=names,
        )

    def remove(self, names: Iterable[int]) -> None:
        """Take edges out, and whatever that makes superfluous."""
        gone = set(names)
        touched = set()
        for node, links in enumerate(self._links):
            for other in [other for other, edge in links.items() if edge in gone]:
                del links[other]
                touched.add(node)
        self.shave(sorted(touched))

    def shave(self, nodes: Iterable[int]) -> None:
        """Apply the rules about nodes of degree one and two until none applies.

        A leaf that is no terminal goes. A terminal with one edge needs it. A node of degree two
        that is no terminal becomes one edge. A terminal whose cheapest edge leads to another
        terminal takes that edge.
        """
        queue = deque(nodes)
        queued = set(queue)
        while queue:
            node = queue.popleft()
            queued.discard(node)
            for other in self._shaved(node):
                if other not in queued:
                    queued.add(other)
                    queue.append(other)

    def _shaved(self, node: int) -> list[int]:
        """Apply the first rule that fits a node, and return the nodes to look at again."""
        links = self._links[node]
        if node in self.terminals:
            return self._shaved_terminal(node)
        if len(links) == 1:
            (other,) = links
            self._cut(node, other)
            return [other]
        if len(links) == 2:  # noqa: PLR2004 - a path goes in and out
            (one, first), (other, second) = links.items()
            self._cut(node, one)
            self._cut(node, other)
            self._join(one, other, self._series(first, second))
            return [one, other]
        return []

    def _shaved_terminal(self, node: int) -> list[int]:
        links = self._links[node]
        if not links or len(self.terminals) == 1:
            return []
        _, other = min((self.weights[edge], other) for other, edge in links.items())
        if len(links) > 1 and other not in self.terminals:
            return []
        self.forced.append(links[other])
        return self._contract(node, into=other)

    def _contract(self, node: int, *, into: int) -> list[int]:
        """Merge a node into a neighbour, and return the nodes whose links changed."""
        self._cut(node, into)
        moved = list(self._links[node].items())
        for other, edge in moved:
            self._cut(node, other)
            self._join(into, other, edge)
        if node in self.terminals:
            self.terminals.discard(node)
            self.terminals.add(into)
        return [into, *self._links[into]]

    def _contract_free_edges(self) -> None:
        """Take every edge that costs nothing; those that prove useless are pruned at the end."""
        for node, links in enumerate(self._links):
            while (
                free := min((o for o, e in links.items() if not self.weights[e]), default=None)
            ) is not None:
                self.forced.append(links[free])
                self._contract(free, into=node)

    def _series(self, first: int, second: int) -> int:
        self.weights.append(self.weights[first] + self.weights[second])
        self._parts.append((first, second))
        return len(self.weights) - 1

    def _join(self, one: int, other: int, edge: int) -> None:
        """Put an edge in, unless it is a loop or no cheaper than what is there."""
        rival = self._links[one].get(other)
        if one != other and (rival is None or self.weights[edge] < self.weights[rival]):
            self._links[one][other] = self._links[other][one] = edge

    def _cut(self, one: int, other: int) -> None:
        del self._links[one][other]
        del self._links[other][one]

    def _reached(self) -> list[int]:
        """Return the nodes that the first terminal reaches, in order."""
        start = min(self.terminals)
        seen = {start}
        stack = [start]
        while stack:
            for other in self._links[stack.pop()]:
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
        return sorted(seen)

"""A tree hung up by one of its nodes, to ask for ways and branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estate.optimise.effort import Budget
    from estate.optimise.steiner.core import Core, Tree


# What passes through a node takes two edges.
_PASSED = 2


class HungTree:
    """A tree with the way up from each of its nodes, in an order that keeps branches together."""

    def __init__(self, core: Core, tree: Tree) -> None:
        self._core = core
        self.links: dict[int, list[tuple[int, int]]] = {}
        for edge in sorted(tree):
            one, other = core.ends[edge]
            self.links.setdefault(one, []).append((other, edge))
            self.links.setdefault(other, []).append((one, edge))
        self.nodes: list[int] = []
        self.depth = {min(core.is_terminal.intersection(self.links)): 0}
        self._up: dict[int, tuple[int, int]] = {}
        stack = list(self.depth)
        while stack:
            node = stack.pop()
            self.nodes.append(node)
            for other, edge in self.links[node]:
                if other not in self.depth:
                    self.depth[other] = self.depth[node] + 1
                    self._up[other] = (node, edge)
                    stack.append(other)
        self._start = {node: place for place, node in enumerate(self.nodes)}
        self._end = dict.fromkeys(self.nodes, 0)
        for node in reversed(self.nodes):
            end = max(self._end[node], self._start[node] + 1)
            self._end[node] = end
            if node in self._up:
                above = self._up[node][0]
                self._end[above] = max(self._end[above], end)

    def matters(self, node: int) -> bool:
        """Return whether a node is a terminal or a fork of the tree."""
        links = self.links.get(node, ())
        return bool(links) and (len(links) != _PASSED or node in self._core.is_terminal)

    def is_fork(self, node: int) -> bool:
        """Return whether three or more edges meet in a node that is no terminal."""
        return len(self.links.get(node, ())) > _PASSED and node not in self._core.is_terminal

    def path_up(self, node: int) -> tuple[list[int], set[int]]:
        """Return the edges up to the next node that matters, and the nodes passed."""
        path: list[int] = []
        passed: set[int] = set()
        while node in self._up:
            node, edge = self._up[node]
            path.append(edge)
            if self.matters(node):
                break
            passed.add(node)
        return path, passed

    def without(self, fork: int) -> tuple[list[int], list[Sequence[int]]]:
        """Return the edges of the paths that meet in a fork, and the pieces left without them.

        The pieces are lists of nodes, the smallest first.
        """
        gone, _ = self.path_up(fork)
        pieces: list[Sequence[int]] = []
        for first in self.links[fork]:
            node, edge = first
            if self.depth[node] < self.depth[fork]:
                continue
            gone.append(edge)
            while not self.matters(node):
                node, edge = next(step for step in self.links[node] if step[1] != edge)
                gone.append(edge)
            pieces.append(self.branch(node))
        top = fork
        while not self.matters(self._up[top][0]):
            top = self._up[top][0]
        pieces.append(self.nodes[: self._start[top]] + self.nodes[self._end[top] :])
        return gone, sorted(pieces, key=lambda piece: (len(piece), piece[0]))

    def branch(self, node: int) -> Sequence[int]:
        """Return a node and all that hang from it."""
        return self.nodes[self._start[node] : self._end[node]]

    def longest_between(self, one: int, other: int, budget: Budget) -> tuple[float, frozenset[int]]:
        """Return the longest part of the way between two nodes, and the nodes it passes.

        Parts end where a node matters, and in the two nodes themselves.
        """
        rising, falling = [one], [other]
        while rising[-1] != falling[-1]:
            side = rising if self.depth[rising[-1]] > self.depth[falling[-1]] else falling
            side.append(self._up[side[-1]][0])
        way = rising + falling[-2::-1]
        budget.spend(len(way) / 2)
        longest, passed = 0.0, frozenset[int]()
        length, since = 0.0, 0
        for place in range(1, len(way)):
            near, far = way[place - 1], way[place]
            lower = near if self.depth[near] > self.depth[far] else far
            length += self._core.lengths[self._up[lower][1]]
            if place == len(way) - 1 or self.matters(far):
                if length > longest:
                    longest, passed = length, frozenset(way[since + 1 : place])
                length, since = 0.0, place
        return longest, passed

"""The graph as links of one or more lanes; trees that hang from its core, and the core's chains."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estate.optimise.connected.problem import ConnectedCover


@dataclass(frozen=True, slots=True)
class Lane:
    """An edge of the problem: what it costs once used, and how many cables it holds."""

    edge: int
    cost: float
    capacity: float


@dataclass(frozen=True, slots=True)
class Link:
    """Edges of the same length between two nodes, cheapest lane first."""

    one: int
    other: int
    length: float
    lanes: tuple[Lane, ...]

    def far(self, node: int) -> int:
        """Return the end that is not this one."""
        return self.other if node == self.one else self.one

    @property
    def is_costly(self) -> bool:
        """Return whether the first cable has to pay."""
        return self.lanes[0].cost > 0

    @property
    def is_capped(self) -> bool:
        """Return whether the first lane may be full."""
        return self.lanes[0].capacity < inf


class Network:
    """Links between nodes, and the trees that hang from the core.

    The core is what is left when nodes with a single link are taken away one after the other,
    unless they hold a hub. A node of a tree has one way to the core: over `parent_link` to
    `parent`. `stripped` lists the nodes of trees, outermost first. `alike` are the hubs by the
    first of those that are the same in all but their number: only that one has ways.
    """

    def __init__(self, problem: ConnectedCover) -> None:
        self.hubs = problem.hub_nodes.tolist()
        self.alike = _alike(problem)
        self.links = _links(problem)
        self._at: defaultdict[int, set[int]] = defaultdict(set)
        for index, link in enumerate(self.links):
            self._at[link.one].add(index)
            self._at[link.other].add(index)
        self.parent: dict[int, int] = {}
        self.parent_link: dict[int, int] = {}
        self.stripped: list[int] = []
        self._strip()

    def _strip(self) -> None:
        hubs = set(self.hubs)
        stack = sorted((n for n, links in self._at.items() if len(links) == 1), reverse=True)
        while stack:
            node = stack.pop()
            if node in hubs or len(self._at[node]) != 1:
                continue
            (index,) = self._at.pop(node)
            parent = self.links[index].far(node)
            self.parent[node] = parent
            self.parent_link[node] = index
            self.stripped.append(node)
            self._at[parent].discard(index)
            if len(self._at[parent]) == 1:
                stack.append(parent)

    def links_at(self, node: int) -> list[int]:
        """Return the links of the core at a node."""
        return sorted(self._at.get(node, ()))

    def way_to_core(self, node: int) -> tuple[list[int], int]:
        """Return the links from a node to the core, and the node where they reach it."""
        links = []
        while node in self.parent:
            links.append(self.parent_link[node])
            node = self.parent[node]
        return links, node

    @cached_property
    def keys(self) -> frozenset[int]:
        """Return the nodes of the core where chains end: hubs, forks and dead ends."""
        forks = {node for node, links in self._at.items() if len(links) not in {0, 2}}
        return frozenset(forks.union(self.hubs))

    @cached_property
    def chain_of(self) -> dict[int, tuple[int, int]]:
        """Return the chain of each link of the core, and the link's place in it."""
        return {
            link: (number, place)
            for number, chain in enumerate(self.chains)
            for place, link in enumerate(chain)
        }

    @cached_property
    def chains(self) -> list[list[int]]:
        """Return the core's links from one key node to the next, in order."""
        chains = []
        seen: set[int] = set()
        for key in sorted(self.keys):
            for first in self.links_at(key):
                if first in seen:
                    continue
                chain, node, link = [first], self.links[first].far(key), first
                while node not in self.keys:
                    (link,) = (each for each in self._at[node] if each != link)
                    chain.append(link)
                    node = self.links[link].far(node)
                seen.update(chain)
                chains.append(chain)
        return chains


def _alike(problem: ConnectedCover) -> dict[int, list[int]]:
    """Return hubs by the first one at the same node, as dear, as large, and without free ports."""
    tables = (problem.hub_nodes, problem.hub_costs, problem.module_costs, problem.module_limits)
    first: dict[tuple[float, ...], int] = {}
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for hub, free in enumerate(problem.free_ports.tolist()):
        kind = (*(float(table[hub]) for table in tables), float(hub) if free else -1.0)
        alike[first.setdefault(kind, hub)].append(hub)
    return dict(alike)


def _links(problem: ConnectedCover) -> list[Link]:
    """Return the links that a cable may use, in the order of their ends and lengths."""
    lanes: defaultdict[tuple[int, int, float], list[Lane]] = defaultdict(list)
    rows = zip(
        problem.tails.tolist(),
        problem.heads.tolist(),
        problem.lengths.tolist(),
        problem.build_costs.tolist(),
        problem.capacities.tolist(),
        strict=True,
    )
    for edge, (tail, head, length, cost, capacity) in enumerate(rows):
        if tail != head and capacity >= 1 and length <= problem.length_limit:
            ends = (min(tail, head), max(tail, head), length)
            lanes[ends].append(Lane(edge, cost, capacity))
    return [Link(*ends, _useful(lanes[ends])) for ends in sorted(lanes)]


def _useful(lanes: list[Lane]) -> tuple[Lane, ...]:
    """Return the lanes that a best answer may need: none dearer than one without a limit."""
    found = []
    for lane in sorted(lanes, key=lambda lane: (lane.cost, -lane.capacity, lane.edge)):
        found.append(lane)
        if lane.capacity == inf:
            break
    return tuple(found)

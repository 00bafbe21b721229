"""The ways from every node of the core to every hub that a best answer may need."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from estate.optimise.connected.network import Network
    from estate.optimise.connected.problem import ConnectedCover

# Ways kept in all, at least and at most for one node and hub. Beyond them one stands for all
# others, and only for a bound.
_WAYS = 15_000
_WAYS_LEAST, _WAYS_MOST = 3, 24


@dataclass(frozen=True, slots=True)
class Way:
    """A way over the core from a node to a hub.

    `used` has a bit for each link that costs something or may be full. A way that is `vague`
    stands for others: each of them uses at least these links and is at least so long.
    """

    hub: int
    length: float
    used: int
    last: int  # The link at the node; -1 at the hub itself, and where a vague way begins.
    before: Way | None
    vague: bool = False

    def links(self) -> Iterator[int]:
        """Yield the links from the node to the hub, those of a vague way as far as known."""
        way: Way | None = self
        while way is not None and way.last >= 0:
            yield way.last
            way = way.before


class Ways:
    """Ways by node of the core, for every hub in turn, the shortest first."""

    def __init__(self, network: Network, problem: ConnectedCover) -> None:
        self._network = network
        self._cable_cost = problem.cable_cost
        self._limit = problem.length_limit * (1 + 1e-12)
        share = _WAYS // max(1, problem.point_nodes.size * len(network.alike))
        self._most = min(max(share, _WAYS_LEAST), _WAYS_MOST)
        self._costs: dict[int, float] = {}
        self._capped = 0
        for index, link in enumerate(network.links):
            if link.is_costly:
                self._costs[index] = link.lanes[0].cost
            if link.is_capped:
                self._capped |= 1 << index
        self._counts = self._capped | sum(1 << index for index in self._costs)
        self.complete = True
        found: defaultdict[int, list[Way]] = defaultdict(list)
        for hub in network.alike:
            for node, ways in self._from(hub).items():
                found[node] += ways
        self.at: Mapping[int, list[Way]] = found

    def _from(self, hub: int) -> Mapping[int, list[Way]]:
        network = self._network
        start = network.hubs[hub]
        kept: defaultdict[int, list[Way]] = defaultdict(list)
        heap = [(0.0, 0, start, Way(hub, 0.0, 0, -1, None))]
        count = 1
        while heap:
            _, _, node, way = heappop(heap)
            if self._is_superfluous(way, kept[node]):
                continue
            if len(kept[node]) >= self._most and not way.vague:
                self.complete = False
                way = Way(hub, way.length, 0, -1, None, vague=True)
                if self._is_superfluous(way, kept[node]):
                    continue
            kept[node].append(way)
            for index in network.links_at(node):
                link = network.links[index]
                length = way.length + link.length
                if index == way.last or length > self._limit:
                    continue
                used = way.used | (1 << index & self._counts)
                heappush(
                    heap,
                    (length, count, link.far(node), Way(hub, length, used, index, way, way.vague)),
                )
                count += 1
        return kept

    def _is_superfluous(self, way: Way, shorter: list[Way]) -> bool:
        """Return whether a cable does as well on one of the ways that are no longer.

        It does if building what that needs and this does not, where nothing is ever full, costs
        no more than the cable that it saves.
        """
        for other in shorter:
            more = other.used & ~way.used
            if not more:
                if not other.vague or way.vague:
                    return True
                continue
            if other.vague or more & self._capped:
                continue
            if self._cost(more) <= self._cable_cost * (way.length - other.length):
                return True
        return False

    def _cost(self, links: int) -> float:
        cost = 0.0
        while links:
            index = links.bit_length() - 1
            cost += self._costs[index]
            links ^= 1 << index
        return cost

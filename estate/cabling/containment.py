"""What may carry cables: the spans of a network as a graph with costs and room."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import hypot, inf, isfinite
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from estate.cabling.rules import cables_that_fit
from estate.model import Network, Point, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from estate.cabling.rules import Rules

_DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One span as an edge, between two nodes by number.

    `is_new` says that it has to be built before a cable can use it; an existing span that may
    fill up has a second, new way beside it. `capacity` is the most cables that it takes, and
    `drills` the walls and floors through which it has to be led.
    """

    span: Span
    tail: int
    head: int
    is_new: bool
    capacity: float
    drills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """Where a point is joined to the containment: a node, and the drop from there to it."""

    node: int
    length_m: float
    drills: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Containment:
    """The graph that carries the cables of a network.

    Nodes are numbered by floor and place, so that two networks that differ in their names alone
    are the same problem. Drops of one outlet are no part of the graph: `taps` has where each
    outlet hangs on it. `storeys` has the storey of each floor where several wings are one
    network, whose landings are floors of their own; () where each floor is a storey.
    """

    names: tuple[str, ...]
    floors: tuple[int, ...]
    places: tuple[Point, ...]
    ways: tuple[Way, ...]
    taps: Mapping[str, Tap]
    storeys: tuple[int, ...] = ()

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Return the number of each node by its name."""
        return {name: number for number, name in enumerate(self.names)}

    def nearest(self, floor: int, at: Point) -> tuple[int, float]:
        """Return the node on a floor that is nearest to a place, and how far it is in metres.

        Where the floor has none of its own, it is that of another wing on the same storey.
        """
        east_m, north_m = at
        here = [number for number, of in enumerate(self.floors) if of == floor] or [
            number
            for number, of in enumerate(self.floors)
            if storey_of(of, self.storeys) == storey_of(floor, self.storeys)
        ]
        found = [
            (round(hypot(self.places[n][0] - east_m, self.places[n][1] - north_m), 3), n)
            for n in here
        ]
        if not found:
            raise ValueError(f"no containment on floor {floor}")
        distance_m, node = min(found)
        return node, distance_m

    def shortest(
        self, sources: Sequence[int], weights: Sequence[float]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the distance from each source to each node, and the node before it (-9999).

        `weights` has one number for each way; of parallel ways the lightest counts.
        """
        lightest: dict[tuple[int, int], float] = {}
        for way, weight in zip(self.ways, weights, strict=True):
            pair = (min(way.tail, way.head), max(way.tail, way.head))
            lightest[pair] = min(lightest.get(pair, inf), max(weight, 1e-9))
        size = len(self.names)
        ends = np.array(list(lightest), dtype=np.int64).reshape(-1, 2)
        graph = csr_array(
            (np.array(list(lightest.values())), (ends[:, 0], ends[:, 1])), shape=(size, size)
        )
        distances, before = dijkstra(
            graph, directed=False, indices=list(sources), return_predecessors=True
        )
        return distances, before.astype(np.int64)

    def ways_between(self, one: int, other: int) -> list[int]:
        """Return the ways that join two nodes, by number."""
        return self._joined.get((min(one, other), max(one, other)), [])

    @cached_property
    def roomy(self) -> tuple[int, ...]:
        """Return for each way one beside it, or itself, that has room for any cables."""
        return tuple(map(self._roomy, range(len(self.ways))))

    def _roomy(self, number: int) -> int:
        way = self.ways[number]
        if way.is_new or isfinite(way.capacity):
            beside = self.ways_between(way.tail, way.head)
            return next((other for other in beside if self.ways[other].is_new), number)
        return number

    @cached_property
    def standing_beside(self) -> Mapping[int, tuple[int, ...]]:
        """Return the ways that stand beside new ones, for those that have such."""
        found = {
            number: tuple(
                other
                for other in self.ways_between(way.tail, way.head)
                if not self.ways[other].is_new
            )
            for number, way in enumerate(self.ways)
            if way.is_new
        }
        return {number: beside for number, beside in found.items() if beside}

    @cached_property
    def _joined(self) -> dict[tuple[int, int], list[int]]:
        joined: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for number, way in enumerate(self.ways):
            joined[min(way.tail, way.head), max(way.tail, way.head)].append(number)
        return dict(joined)


def storey_of(floor: int, storeys: Sequence[int]) -> int:
    """Return the storey of a floor: itself, where none is given."""
    return storeys[floor] if storeys else floor


def containment_of(network: Network, rules: Rules, storeys: tuple[int, ...] = ()) -> Containment:
    """Return the graph of a network's containment; `storeys` as it has them.

    An existing span takes as many cables as its free section does; where a survey does not say
    how full it is, as many as come. New containment is made as large as it must be.
    """
    places = _places(network)
    leaves = _leaves(network)
    kept = [span for span in network.spans if not {span.start, span.end} & leaves.keys()]
    used = {end for span in kept for end in (span.start, span.end)}
    used |= {span.start if span.end in leaves else span.end for span in leaves.values()}
    used |= {d.distributor_id for d in network.distributors if d.distributor_id in places} & used
    names = _in_order(used, places)
    numbers = {name: number for number, name in enumerate(names)}
    drills = _crossings(network, places, storeys)
    ways: list[Way] = []
    for span in sorted(
        kept, key=lambda s: (*sorted((numbers[s.start], numbers[s.end])), s.length_m)
    ):
        ways += _ways(span, numbers, drills[span.span_id], rules)
    taps = {
        outlet_id: Tap(
            node=numbers[span.start if span.end == outlet_id else span.end],
            length_m=span.length_m,
            drills=0 if span.state == "existing" else max(1, drills[span.span_id]),
        )
        for outlet_id, span in leaves.items()
    }
    taps |= {
        outlet.outlet_id: Tap(node=numbers[outlet.outlet_id], length_m=0.0, drills=0)
        for outlet in network.outlets
        if outlet.outlet_id in numbers
    }
    return Containment(
        names=names,
        floors=tuple(places[name][0] for name in names),
        places=tuple(places[name][1] for name in names),
        ways=tuple(ways),
        taps=taps,
        storeys=storeys,
    )


def _places(network: Network) -> dict[str, tuple[int, Point]]:
    places = {o.outlet_id: (o.floor, o.at) for o in network.outlets}
    places |= {j.junction_id: (j.floor, j.at) for j in network.junctions}
    return places | {d.distributor_id: (d.floor, d.at) for d in network.distributors}


def _leaves(network: Network) -> dict[str, Span]:
    """Return the one span of each outlet that has one only, and it a drop."""
    met = Counter(end for span in network.spans for end in (span.start, span.end))
    outlets = {outlet.outlet_id for outlet in network.outlets}
    return {
        end: span
        for span in network.spans
        if span.containment == _DROP
        for end in (span.start, span.end)
        if end in outlets and met[end] == 1
    }


def _in_order(names: Iterable[str], places: Mapping[str, tuple[int, Point]]) -> tuple[str, ...]:
    """Return nodes by floor and place, measured from the south-west to the centimetre."""
    known = [name for name in names if name in places]
    west = min((places[name][1][0] for name in known), default=0.0)
    south = min((places[name][1][1] for name in known), default=0.0)

    def order(name: str) -> tuple[int, float, float, str]:
        floor, (east_m, north_m) = places[name]
        return floor, round(east_m - west, 2), round(north_m - south, 2), name

    return tuple(sorted(known, key=order))


def _ways(span: Span, numbers: Mapping[str, int], drills: int, rules: Rules) -> Iterable[Way]:
    tail, head = sorted((numbers[span.start], numbers[span.end]))
    new = Way(span=span, tail=tail, head=head, is_new=True, capacity=inf, drills=drills)
    if span.state != "existing":
        yield new
        return
    room = inf
    if span.fill_percent is not None:
        room = cables_that_fit(
            span.fill_percent, cross_section_mm2=span.cross_section_mm2, rules=rules
        )
    if room:
        yield Way(span=span, tail=tail, head=head, is_new=False, capacity=room, drills=0)
    if room != inf:
        yield new


def _crossings(
    network: Network, places: Mapping[str, tuple[int, Point]], storeys: Sequence[int]
) -> Counter[str]:
    """Return how many walls each span goes through; a riser goes through one floor.

    Walls that a surveyor drew in several pieces count once for each piece that is crossed.
    """
    found: Counter[str] = Counter(
        {span.span_id: 1 for span in network.spans if span.containment == "riser"}
    )
    for storey in sorted({storey_of(wall.floor, storeys) for wall in network.walls}):
        walls = shapely.linestrings(
            [(w.start, w.end) for w in network.walls if storey_of(w.floor, storeys) == storey]
        )
        spans = [
            span
            for span in network.spans
            if storey_of(span.floor, storeys) == storey
            and span.containment not in {"riser", "duct"}
            and span.start in places
            and span.end in places
        ]
        if not spans:
            continue
        lines = shapely.linestrings([(places[s.start][1], places[s.end][1]) for s in spans])
        crossing, _ = shapely.STRtree(walls).query(lines, predicate="crosses")
        found.update(spans[number].span_id for number in crossing.tolist())
    return found

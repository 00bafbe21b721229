"""The routes of a surveyed wing, read off the map: what meets what, and what reaches a rack.

A surveyor draws lines and types no names of joints. Ends that lie within the snap of each other
on one floor are one joint; a line that passes a joint, an outlet or a distributor within the snap
is joined to it there. Where a line bends it is drawn round the corner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import networkx as nx
import shapely

from estate.model import Junction, Span
from estate.sources.survey import Feature

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from estate.sources.survey import Survey

SNAP_M = 0.1


class _Spot(NamedTuple):
    """A point on a floor: the end of a span, or an outlet or distributor of that name."""

    floor: int
    at: Any
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Junctions and spans of one wing; `loops` are spans that lead back to where they start.

    `joints` gives the node in which each outlet and distributor stands: its own name, or that
    of another at the same place. `reached` holds the nodes with a way to a distributor.
    """

    junctions: tuple[Junction, ...]
    spans: tuple[Span, ...]
    origins: Mapping[str, Feature]
    loops: tuple[Feature, ...]
    joints: Mapping[str, str]
    reached: frozenset[str]

    @property
    def stray(self) -> tuple[Feature, ...]:
        """Return the spans from which no distributor can be reached, in the survey's order."""
        strays = {
            s.span_id: self.origins[s.span_id] for s in self.spans if s.start not in self.reached
        }
        return tuple({feature.name: feature for feature in strays.values()}.values())


def rises_to(span: Feature) -> int:
    """Return the floor of a riser's upper end."""
    upper = span.integer("to_floor")
    return span.floor + 1 if upper is None else upper


def trace(wing: Survey) -> Routes:
    """Return the routes of a wing's survey; features without geometry or name are left out."""
    lines = [span for span in wing.layers["spans"] if span.geometry is not None and span.name]
    points = [
        point
        for layer in ("outlets", "distributors")
        for point in wing.layers[layer]
        if point.geometry is not None and point.name
    ]
    joints = _Joints(lines, points)
    spans: list[Span] = []
    bends: list[Junction] = []
    origins: dict[str, Feature] = {}
    loops = []
    for number, line in enumerate(lines):
        stops = joints.along(number)
        corners = list(_bends(line, stops))
        pieces = list(_pieces(line, stops, corners))
        spans += pieces
        bends += (bend.junction for bend in corners if pieces)
        origins |= dict.fromkeys((piece.span_id for piece in pieces), line)
        if not pieces:
            loops.append(line)
    return Routes(
        junctions=(*joints.junctions(), *bends),
        spans=tuple(spans),
        origins=origins,
        loops=tuple(loops),
        joints={point.name: joints.of(point) for point in points},
        reached=_reached(spans, (joints.of(d) for d in points if d.layer == "distributors")),
    )


def _reached(spans: Iterable[Span], distributors: Iterable[str]) -> frozenset[str]:
    graph: nx.Graph[str] = nx.Graph((span.start, span.end) for span in spans)
    graph.add_nodes_from(starts := list(distributors))
    return frozenset().union(*(nx.node_connected_component(graph, start) for start in starts))


class _Bend(NamedTuple):
    """A corner of a line that meets nothing else, so many metres along it."""

    along_m: float
    junction: Junction


def _bends(line: Feature, stops: Sequence[tuple[float, str]]) -> Iterator[_Bend]:
    """Yield the corners that a line is drawn with, away from what it meets.

    They join nothing: two trays may turn side by side.
    """
    if line.text("containment") == "riser":
        return
    taken_m = [along_m for along_m, _ in stops]
    corners = shapely.simplify(line.geometry, SNAP_M).coords[1:-1]
    for number, corner in enumerate(corners, start=1):
        along_m = float(line.geometry.project(shapely.Point(corner)))
        if min(abs(along_m - other_m) for other_m in taken_m) > SNAP_M:
            name = f"{line.name}/bend-{number}"
            yield _Bend(
                along_m, Junction(junction_id=name, floor=line.floor, at=corner, space_id="")
            )


def _pieces(
    line: Feature, stops: list[tuple[float, str]], bends: Sequence[_Bend]
) -> Iterator[Span]:
    """Yield the span from each joint or bend to the next, its length shared as it is drawn.

    A line that meets one joint alone, from which it starts and to which it returns, has none.
    """
    if len({node for _, node in stops}) == 1:
        return
    drawn_m = float(line.geometry.length)
    length_m = line.number_of("length_m") or drawn_m
    ways = sorted([*stops, *((bend.along_m, bend.junction.junction_id) for bend in bends)])
    legs = [(a, b) for a, b in pairwise(ways) if a[1] != b[1]]
    for number, ((start_m, start), (end_m, end)) in enumerate(legs, start=1):
        share = 1.0 if len(legs) == 1 else (end_m - start_m) / drawn_m
        yield Span(
            span_id=line.name if len(legs) == 1 else f"{line.name}#{number}",
            floor=line.floor,
            start=start,
            end=end,
            length_m=length_m * share,
            containment=line.text("containment"),
            state=line.text("state"),
            fill_percent=line.number_of("fill_percent"),
            width_mm=line.number_of("width_mm"),
            depth_mm=line.number_of("depth_mm"),
            grade=line.grade,
            source=line.text("source"),
        )


class _Joints:
    """Where spans meet each other, outlets and distributors."""

    def __init__(self, lines: Iterable[Feature], points: Iterable[Feature]) -> None:
        self._spots: list[_Spot] = []
        self._same: nx.Graph[int] = nx.Graph()
        self._points = {p.name: self._add(p.floor, p.geometry, p.name) for p in points}
        self._lines = [(line, *self._add_ends(line)) for line in lines]
        self._floors: defaultdict[int, list[int]] = defaultdict(list)
        for index, spot in enumerate(self._spots):
            self._floors[spot.floor].append(index)
        self._trees = {
            floor: shapely.STRtree([self._spots[index].at for index in indices])
            for floor, indices in self._floors.items()
        }
        self._nodes = self._named()

    def of(self, point: Feature) -> str:
        """Return the node of an outlet or distributor."""
        return self._nodes[self._points[point.name]]

    def along(self, number: int) -> list[tuple[float, str]]:
        """Return (metres along, node) of each joint on a line, from its start to its end."""
        line, *ends = self._lines[number]
        first, last = (self._nodes[index] for index in ends)
        passed: dict[str, float] = {}
        if line.text("containment") != "riser":
            for index in self._near(line.floor, line.geometry):
                if self._nodes[index] not in {first, last}:
                    along_m = float(line.geometry.project(self._spots[index].at))
                    passed.setdefault(self._nodes[index], along_m)
        stops = sorted((along_m, node) for node, along_m in passed.items())
        return [(0.0, first), *stops, (float(line.geometry.length), last)]

    def junctions(self) -> tuple[Junction, ...]:
        """Return a junction for each joint at which no outlet or distributor stands."""
        firsts = {node: index for index, node in reversed([*enumerate(self._nodes)])}
        spots = {node: self._spots[firsts[node]] for node in dict.fromkeys(self._nodes)}
        return tuple(
            Junction(junction_id=node, floor=s.floor, at=(s.at.x, s.at.y), space_id="")
            for node, s in spots.items()
            if node not in self._points
        )

    def _add(self, floor: int, at: Any, name: str = "") -> int:
        self._spots.append(_Spot(floor, at, name))
        return len(self._spots) - 1

    def _add_ends(self, line: Feature) -> tuple[int, int]:
        """Add both ends of a span; those of a riser's stroke are one place on either floor."""
        start, end = (shapely.Point(line.geometry.coords[at]) for at in (0, -1))
        if line.text("containment") != "riser":
            return self._add(line.floor, start), self._add(line.floor, end)
        lower, upper = (
            (self._add(floor, start), self._add(floor, end))
            for floor in (line.floor, rises_to(line))
        )
        self._same.add_edges_from((lower, upper))
        return lower[0], upper[0]

    def _near(self, floor: int, geometry: Any) -> list[int]:
        """Return the spots within the snap of a geometry, in order."""
        found = self._trees[floor].query(geometry, predicate="dwithin", distance=SNAP_M)
        return sorted(self._floors[floor][position] for position in found.tolist())

    def _named(self) -> list[str]:
        """Return the node of each spot: the first name that stands there, or a number."""
        for index, spot in enumerate(self._spots):
            self._same.add_edges_from((index, other) for other in self._near(spot.floor, spot.at))
        nodes = [""] * len(self._spots)
        joints = sorted(map(sorted, nx.connected_components(self._same)))
        for number, joint in enumerate(joints, start=1):
            names = (self._spots[index].name for index in joint)
            node = next(filter(None, names), f"junction-{number}")
            for index in joint:
                nodes[index] = node
        return nodes

"""Where a path may bend into or out of a room: points along its edges, and its doors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from math import hypot
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from estate.model import Point
from estate.radio.barriers import Barriers, Legs, crossings
from estate.radio.fabric import Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from estate.model import Door, Space

_ALONG = (1 / 6, 1 / 2, 5 / 6)
_HEIGHT_SHARES = (0.3, 0.7)  # Of the storey.
_DOOR_HEIGHT_M = 1.0
_INSIDE_M = 0.1  # From a room's edge to where its portal ends inside.
_OUTSIDE_M = 0.75  # And outside: beyond the thickest wall, short of the far side of a landing.
_EDGE_M_MIN = 0.3  # A shorter edge is a nib or a splay.


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Portals:
    """Points where a path may bend into or out of a room, one row each.

    `room` is the position of the room among the scene's rooms. A leg ends at `outer_m` (e, 3),
    passes the wall with normal `outward` (e, 2) and fabric `fabric`, and goes on from `inner_m`
    (e, 3). `external` marks those whose outer end is in the open air.
    """

    room: Ints
    inner_m: Floats
    outer_m: Floats
    outward: Floats
    fabric: Ints
    external: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A point on the edge of a room, the direction out of it, and its height."""

    room: int
    floor: int
    edge: Point
    outward: Point
    height_m: float


def portals_of(
    rooms: Sequence[Space],
    open_spaces: Sequence[Space],
    *,
    doors: Sequence[Door],
    barriers: Barriers,
    storey_height_m: float,
) -> Portals:
    """Return the portals of every room, those towards another room left out.

    A portal is a point of the room's edge beyond which a landing or the open air begins. Where no
    barrier stands between, the fabric is the scene's first: an opening.
    """
    candidates = [
        candidate
        for index, room in enumerate(rooms)
        for candidate in _candidates(index, room, doors, storey_height_m)
    ]
    outer = _points_m(candidates, offset_m=_OUTSIDE_M)
    inner = _points_m(candidates, offset_m=-_INSIDE_M)
    floors = np.array([candidate.floor for candidate in candidates], dtype=np.int64)
    on_landing = _within(open_spaces, outer, floors)
    external = ~(on_landing | _within(rooms, outer, floors))
    kept = np.flatnonzero(on_landing | external)
    return Portals(
        room=np.array([candidates[at].room for at in kept], dtype=np.int64),
        inner_m=inner[kept],
        outer_m=outer[kept],
        outward=np.array([candidates[at].outward for at in kept], dtype=float).reshape(-1, 2),
        fabric=_first_fabrics(barriers, from_m=inner[kept], to_m=outer[kept]),
        external=external[kept],
    )


def _candidates(
    index: int, room: Space, doors: Sequence[Door], storey_height_m: float
) -> Iterator[_Candidate]:
    floor_m = room.floor * storey_height_m
    edges = list(_edges(room.outline))
    for start, end, outward in edges:
        for share, height_share in product(_ALONG, _HEIGHT_SHARES):
            at = (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
            height_m = floor_m + height_share * storey_height_m
            yield _Candidate(index, room.floor, at, outward, height_m)
    for door in doors:
        if room.space_id in {door.from_space, door.to_space} and edges:
            start, end, outward = min(edges, key=lambda edge: _off_m(edge[0], edge[1], door.at))
            at = _nearest(start, end, door.at)
            yield _Candidate(index, room.floor, at, outward, floor_m + _DOOR_HEIGHT_M)


def _edges(outline: Sequence[Point]) -> Iterator[tuple[Point, Point, Point]]:
    """Yield the start, end and outward normal of each edge that is long enough."""
    anticlockwise = shapely.LinearRing(outline).is_ccw
    for start, end in pairwise([*outline, outline[0]]):
        run = (end[0] - start[0], end[1] - start[1])
        length_m = hypot(*run)
        if length_m >= _EDGE_M_MIN:
            outward = (run[1] / length_m, -run[0] / length_m)
            yield start, end, outward if anticlockwise else (-outward[0], -outward[1])


def _nearest(start: Point, end: Point, point: Point) -> Point:
    """Return the point of an edge nearest to another."""
    line = shapely.LineString([start, end])
    near = line.interpolate(line.project(shapely.Point(point)))
    return (near.x, near.y)


def _off_m(start: Point, end: Point, point: Point) -> float:
    return float(shapely.LineString([start, end]).distance(shapely.Point(point)))


def _points_m(candidates: Sequence[_Candidate], *, offset_m: float) -> Floats:
    return np.array(
        [
            (
                candidate.edge[0] + offset_m * candidate.outward[0],
                candidate.edge[1] + offset_m * candidate.outward[1],
                candidate.height_m,
            )
            for candidate in candidates
        ],
        dtype=float,
    ).reshape(-1, 3)


def _first_fabrics(barriers: Barriers, *, from_m: Floats, to_m: Floats) -> Ints:
    """Return the fabric that stands between each pair of points, the first in the scene's order."""
    each = np.arange(len(from_m))
    between = crossings(
        barriers, (), Legs(origins_m=from_m, targets_m=to_m, origin=each, target=each)
    )
    fabrics = np.zeros(len(from_m), dtype=np.int64)
    legs, firsts = np.unique(between.leg, return_index=True)
    fabrics[legs] = between.fabric[firsts]
    return fabrics


def _within(spaces: Sequence[Space], points_m: Floats, floors: Ints) -> NDArray[np.bool_]:
    """Return whether each point lies in one of the spaces of its floor."""
    found = np.zeros(len(points_m), dtype=bool)
    outlines: dict[int, list[shapely.Geometry]] = {}
    for space in spaces:
        outlines.setdefault(space.floor, []).append(shapely.Polygon(space.outline))
    for floor, polygons in outlines.items():
        here = floors == floor
        area = shapely.union_all(polygons)
        shapely.prepare(area)
        found[here] = shapely.contains_xy(area, points_m[here, 0], points_m[here, 1])
    return found

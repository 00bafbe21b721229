"""The network of a wing → what radio meets there: barriers, floors, rooms and ways into them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import shapely

from estate.model import Point, Space
from estate.radio.barriers import Barriers, Level
from estate.radio.fabric import DOOR, OPENING, Fabric, Floats
from estate.radio.portals import Portals, portals_of
from estate.radio.walls import barriers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from estate.model import Network

# Spaces that a signal runs along; every other kind is a room with walls of its own.
OPEN_KINDS = frozenset({"atrium", "corridor", "hub", "landing"})

DEFAULT_FLOOR = Fabric("concrete", 200.0)  # Assumed until a survey says what the slabs are.

_WAYPOINT_EVERY_M = 2.5
_WAYPOINT_HEIGHT_SHARE = 0.6  # Of the storey: about as high as doors and heads are.
_WALL_JOINT_M = 0.5  # Floors run under walls, which the clear outlines of spaces leave out.


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What radio meets in a wing. Positions are (x, y, z) in metres, z from the lowest floor.

    `fabrics` are what barriers, levels and portals refer to by position, an opening first;
    `rooms` are all spaces with walls of their own, `open_spaces` the others.
    """

    storey_height_m: float
    fabrics: tuple[Fabric, ...]
    barriers: Barriers
    levels: tuple[Level, ...]
    rooms: tuple[Space, ...]
    open_spaces: tuple[Space, ...]
    waypoints_m: Floats
    portals: Portals

    def middle_of(self, space: Space, *, height_m: float) -> tuple[float, float, float]:
        """Return the middle of a space, so high above its floor."""
        return (*middle_of(space), space.floor * self.storey_height_m + height_m)


def scene_of(
    network: Network, *, storey_height_m: float, floor_fabric: Fabric = DEFAULT_FLOOR
) -> Scene:
    """Return the scene of a network.

    Ground and roof are left out: no path within a wing crosses them. A wall without a door in it
    is closed; a room without a wall towards a landing is open to it.
    """
    walls = {Fabric(wall.material, float(wall.thickness_mm)) for wall in network.walls}
    fabrics = (Fabric(OPENING), Fabric(DOOR), *sorted(walls | {floor_fabric}))
    index = {fabric: position for position, fabric in enumerate(fabrics)}
    barriers = barriers_of(network, storey_height_m=storey_height_m, index=index)
    rooms = tuple(space for space in network.spaces if space.kind not in OPEN_KINDS)
    open_spaces = tuple(space for space in network.spaces if space.kind in OPEN_KINDS)
    return Scene(
        storey_height_m=storey_height_m,
        fabrics=fabrics,
        barriers=barriers,
        levels=_levels(network.spaces, storey_height_m, fabric=index[floor_fabric]),
        rooms=rooms,
        open_spaces=open_spaces,
        waypoints_m=_waypoints_m(open_spaces, storey_height_m),
        portals=portals_of(
            rooms,
            open_spaces,
            doors=network.doors,
            barriers=barriers,
            storey_height_m=storey_height_m,
        ),
    )


def _levels(spaces: Sequence[Space], storey_height_m: float, *, fabric: int) -> tuple[Level, ...]:
    """Return the slab under every floor but the lowest: all of its spaces except the voids."""
    floors = sorted({space.floor for space in spaces})[1:]
    return tuple(
        Level(height_m=floor * storey_height_m, area=_slab_area(spaces, floor), fabric=fabric)
        for floor in floors
    )


def _slab_area(spaces: Sequence[Space], floor: int) -> shapely.Geometry:
    built, void = (
        shapely.union_all(
            [
                shapely.Polygon(space.outline)
                for space in spaces
                if space.floor == floor and (space.kind == "atrium") is is_void
            ]
        )
        for is_void in (False, True)
    )
    area = shapely.difference(shapely.buffer(built, _WALL_JOINT_M, join_style="mitre"), void)
    shapely.prepare(area)
    return area


def middle_of(space: Space) -> Point:
    """Return the centre of a space, or a point within where the centre is not."""
    polygon = shapely.Polygon(space.outline)
    middle = polygon.centroid
    if not polygon.contains(middle):
        middle = polygon.representative_point()
    return (middle.x, middle.y)


def _waypoints_m(open_spaces: Sequence[Space], storey_height_m: float) -> Floats:
    points_m = [
        (x, y, (space.floor + _WAYPOINT_HEIGHT_SHARE) * storey_height_m)
        for space in open_spaces
        for x, y in points_along(space, every_m=_WAYPOINT_EVERY_M)
    ]
    return np.array(points_m, dtype=float).reshape(-1, 3)


def points_along(space: Space, *, every_m: float) -> Iterator[Point]:
    """Yield points that follow a space lengthwise: in the middle of each strip it has across.

    A landing of two galleries round a void has two strips, a wide one more than one point.
    """
    polygon = shapely.Polygon(space.outline)
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(polygon))[:4]
    sides = (corners[1] - corners[0], corners[3] - corners[0])
    long, short = sorted(sides, key=np.linalg.norm, reverse=True)
    steps = max(1, ceil(float(np.linalg.norm(long)) / every_m))
    for step in range(steps):
        foot = corners[0] + long * (step + 0.5) / steps
        strips = shapely.intersection(polygon, shapely.LineString([foot, foot + short]))
        for strip in shapely.get_parts(strips):
            count = max(1, ceil(strip.length / (2 * every_m)))
            for part in range(count):
                point = shapely.line_interpolate_point(strip, (part + 0.5) / count, normalized=True)
                yield point.x, point.y

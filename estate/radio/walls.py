"""The walls and doors of a network → barriers: a door replaces its part of the wall."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

import numpy as np

from estate.model import Point
from estate.radio.barriers import Barriers
from estate.radio.fabric import DOOR, Fabric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from estate.model import Door, Network, Wall

DOOR_WIDTH_M = 0.8  # Assumed.
DOOR_HEAD_M = 2.0  # Assumed.

# A door is drawn on its wall; a surveyor's is a little beside it.
_DOOR_TO_WALL_M_MAX = 0.35


@dataclass(frozen=True, slots=True)
class _Piece:
    start: Point
    end: Point
    bottom_m: float
    top_m: float
    fabric: Fabric


def barriers_of(
    network: Network, *, storey_height_m: float, index: Mapping[Fabric, int]
) -> Barriers:
    """Return the walls of a network as upright rectangles, cut where there are doors.

    `index` gives the position of each fabric in the scene. A wall of no length is left out.
    """
    doors_by_floor: dict[int, list[Door]] = {}
    for door in network.doors:
        doors_by_floor.setdefault(door.floor, []).append(door)
    pieces = [
        piece
        for wall in network.walls
        for piece in _cut(wall, doors_by_floor.get(wall.floor, ()), storey_height_m)
    ]
    return Barriers(
        start_m=np.array([piece.start for piece in pieces], dtype=float).reshape(-1, 2),
        end_m=np.array([piece.end for piece in pieces], dtype=float).reshape(-1, 2),
        bottom_m=np.array([piece.bottom_m for piece in pieces], dtype=float),
        top_m=np.array([piece.top_m for piece in pieces], dtype=float),
        fabric=np.array([index[piece.fabric] for piece in pieces], dtype=np.int64),
    )


def _cut(wall: Wall, doors: Sequence[Door], storey_height_m: float) -> Iterator[_Piece]:
    length_m = hypot(wall.end[0] - wall.start[0], wall.end[1] - wall.start[1])
    if length_m == 0:
        return
    floor_m = wall.floor * storey_height_m
    ceiling_m = floor_m + storey_height_m
    head_m = min(floor_m + DOOR_HEAD_M, ceiling_m)
    fabric = Fabric(wall.material, float(wall.thickness_mm))
    spans = sorted(_doorways(wall, doors, length_m))
    solid_from_m = 0.0
    for near_m, far_m in [*spans, (length_m, length_m)]:
        if near_m > solid_from_m:
            ends = (_at(wall, solid_from_m, length_m), _at(wall, near_m, length_m))
            yield _Piece(*ends, floor_m, ceiling_m, fabric)
        start_m = max(near_m, solid_from_m)
        if far_m > start_m:
            ends = (_at(wall, start_m, length_m), _at(wall, far_m, length_m))
            yield _Piece(*ends, floor_m, head_m, Fabric(DOOR))
            if ceiling_m > head_m:
                yield _Piece(*ends, head_m, ceiling_m, fabric)
        solid_from_m = max(solid_from_m, far_m)


def _doorways(wall: Wall, doors: Sequence[Door], length_m: float) -> Iterator[tuple[float, float]]:
    """Yield from where to where along the wall each of its doors runs."""
    along = ((wall.end[0] - wall.start[0]) / length_m, (wall.end[1] - wall.start[1]) / length_m)
    for door in doors:
        x_m, y_m = door.at[0] - wall.start[0], door.at[1] - wall.start[1]
        middle_m = x_m * along[0] + y_m * along[1]
        beside_m = abs(x_m * along[1] - y_m * along[0])
        if beside_m <= _DOOR_TO_WALL_M_MAX and 0 <= middle_m <= length_m:
            half_m = DOOR_WIDTH_M / 2
            yield max(middle_m - half_m, 0.0), min(middle_m + half_m, length_m)


def _at(wall: Wall, along_m: float, length_m: float) -> Point:
    """Return the point so far along the wall; its own ends exactly, so that walls still meet."""
    if along_m == length_m:
        return wall.end
    share = along_m / length_m
    return (
        wall.start[0] + share * (wall.end[0] - wall.start[0]),
        wall.start[1] + share * (wall.end[1] - wall.start[1]),
    )

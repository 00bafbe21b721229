"""The spaces that walls enclose, and the doors between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOM_M2 = 1.0  # Less is a shaft, or the inside of a wall.
_SLIVER_M = 0.2  # No room is narrower.
_CORNER_M = 0.02


def rooms_between(bodies: Iterable[Any]) -> list[Any]:
    """Return the areas that walls enclose, in metres, what stands free in them included.

    Outermost first and from west to east; a room within a room is one of its own, and is cut out
    of the other only where the two share a wall.
    """
    solid = shapely.union_all(list(bodies), grid_size=0.001)
    holes = [shapely.Polygon(ring) for part in shapely.get_parts(solid) for ring in part.interiors]
    rooms = []
    for hole in holes:
        free = shapely.buffer(
            shapely.buffer(hole, -_SLIVER_M / 2, join_style="mitre"),
            _SLIVER_M / 2,
            join_style="mitre",
        )
        for part in shapely.get_parts(free):
            outline = shapely.simplify(shapely.Polygon(part.exterior), _CORNER_M)
            if outline.area >= ROOM_M2:
                rooms.append(outline)
    return sorted(rooms, key=lambda room: tuple(round(bound, 2) for bound in room.bounds))


def labelled(rooms: Sequence[Any], words: Sequence[tuple[Any, str]]) -> list[str]:
    """Return the words that stand in each room, from top to bottom, "" for none.

    Of rooms within each other, words are in the smallest.
    """
    inside: list[list[tuple[float, str]]] = [[] for _ in rooms]
    tree = shapely.STRtree(rooms)
    for at, text in words:
        found = tree.query(at, predicate="intersects").tolist()
        if found:
            smallest = min(found, key=lambda index: (rooms[index].area, index))
            inside[smallest].append((-float(at.y), text))
    return [" ".join(text for _, text in sorted(each)) for each in inside]


def door_at(opening: Any, walls: Sequence[Any], *, solid: Any, reach_m: float) -> Any:
    """Return the middle of a door in the centre line of its wall, None where no wall is near.

    `opening` is what the door takes up on the plan, its leaf and swing included; `solid` is what
    the walls were drawn as. The wall is that which is broken there, or else runs there longest.
    """
    box = shapely.envelope(opening)
    near = [wall for wall in walls if wall.distance(box) <= reach_m]
    if not near:
        return None
    parts = [shapely.intersection(wall, shapely.buffer(box, reach_m)) for wall in near]
    inner = [shapely.intersection(wall, box) for wall in near]
    gaps_m = [round(float(shapely.difference(part, solid).length), 1) for part in inner]
    best = max(range(len(near)), key=lambda i: (gaps_m[i], inner[i].length, parts[i].length, -i))
    part = inner[best] if inner[best].length else parts[best]
    along = shapely.line_locate_point(near[best], part.centroid)
    return shapely.line_interpolate_point(near[best], along)

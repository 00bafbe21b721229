"""Plant that a drawing does not show: an outlet in each cell, and containment to a distributor.

Trays follow the walls of the spaces that cell doors lead to; a surveyor corrects them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import shapely
from shapely.ops import substring

from estate.survey.places import DOOR_REACH_M
from estate.survey.routes import SNAP_M

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from estate.column import Value

_TO_WALL_M = 0.15  # From the middle of a tray, or the back of an outlet, to the face of the wall.
_BESIDE_DOOR_M = 0.8  # From the middle of the door, clear of its frame.
_APART_M = 0.5  # The rack from the tray, where no comms room is drawn.
_RISER_STROKE_M = 0.3
_DISTRIBUTOR = "floor_distributor"

Drawn = tuple[str, dict[str, "Value"], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """What plant follows on one floor: (outline, door) of cells, and the other spaces."""

    floor: int
    cells: tuple[tuple[Any, Any], ...]
    others: tuple[Any, ...]
    comms_rooms: tuple[Any, ...]


def assumed_plant(
    floors: Iterable[Routed], *, prefix: str, storey_height_m: float, drop_m: float
) -> Iterator[Drawn]:
    """Yield outlets, spans and a distributor for the cells of a drawing, lowest floor first.

    Parameters
    ----------
    drop_m
        How far a drop goes down from the tray to an outlet.
    """
    plant = _Plant(prefix, storey_height_m, drop_m)
    for floor in floors:
        if floor.cells and floor.others:
            yield from plant.floor(floor)


class _Plant:
    """Plant as it is laid, floor upon floor, with the features of each kind numbered."""

    def __init__(self, prefix: str, storey_height_m: float, drop_m: float) -> None:
        self._prefix = prefix
        self._storey_height_m = storey_height_m
        self._drop_m = drop_m
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._joint: tuple[int, Any] = (0, None)  # The floor, and where its trays meet the riser.

    def floor(self, floor: Routed) -> Iterator[Drawn]:
        """Yield the plant of a floor: outlets and drops, trays round each landing, a riser."""
        landings: defaultdict[int, list[Any]] = defaultdict(list)
        tree = shapely.STRtree(floor.others)
        for outline, door in floor.cells:
            outlet = _beside(outline, door)
            yield "outlets", self._facts("outlet", floor.floor, kind="outlet"), outlet
            near = tree.query_nearest(door, max_distance=DOOR_REACH_M).tolist()
            if near:
                landings[min(near)].append(outlet)
        for index, outlets in sorted(landings.items()):
            ring = _inside(floor.others[index])
            if ring is not None:
                yield from self._landing(floor, ring, outlets)

    def _landing(self, floor: Routed, ring: Any, outlets: Sequence[Any]) -> Iterator[Drawn]:
        along_m = [float(ring.project(outlet)) for outlet in outlets]
        for outlet, at_m in zip(outlets, along_m, strict=True):
            drop = shapely.LineString([outlet, ring.interpolate(at_m)])
            length_m = round(float(drop.length) + self._drop_m, 3)
            yield "spans", self._span("drop", floor.floor, length_m), drop
        yield from self._foot(floor, ring, min(along_m))
        foot = self._joint[1]
        foot_m = float(ring.project(foot))
        link = shapely.LineString([foot, ring.interpolate(foot_m)])
        for part in (link, *_arcs(ring, sorted({*along_m, foot_m}))):
            # Ends that are this near are one joint, and need no tray between them.
            if _ends_m(part) > SNAP_M:
                yield "spans", self._span("tray", floor.floor), part

    def _foot(self, floor: Routed, ring: Any, start_m: float) -> Iterator[Drawn]:
        """Yield what leads a floor's trays to the rack: the rack itself, or a riser from below."""
        lower, at = self._joint
        if at is None:
            rooms = floor.comms_rooms
            start = ring.interpolate(start_m)
            at = rooms[0].representative_point() if rooms else _away_from(ring, start)
            yield "distributors", self._facts("distributor", floor.floor, kind=_DISTRIBUTOR), at
        elif lower != floor.floor:
            stroke = shapely.LineString([at, shapely.Point(at.x + _RISER_STROKE_M, at.y)])
            facts = self._span("riser", lower, self._storey_height_m * (floor.floor - lower))
            yield "spans", {**facts, "to_floor": floor.floor}, stroke
        self._joint = (floor.floor, at)

    def _span(
        self, containment: str, floor: int, length_m: float | None = None
    ) -> dict[str, Value]:
        facts = self._facts("span", floor)
        return {**facts, "containment": containment, "length_m": length_m}

    def _facts(self, name: str, floor: int, **facts: Value) -> dict[str, Value]:
        self._counts[name] += 1
        known: dict[str, Value] = {"floor": floor, "source": "assumed"}
        return {f"{name}_id": f"{self._prefix}/{name}-{self._counts[name]}", **known, **facts}


def _inside(outline: Any) -> Any:
    """Return the line that a tray follows round a space; the middle of one that is narrow."""
    inner = shapely.buffer(outline, -_TO_WALL_M, join_style="mitre")
    parts = [part for part in shapely.get_parts(inner) if not part.is_empty]
    if not parts:
        return None
    return shapely.LineString(max(parts, key=lambda part: part.area).exterior.coords)


def _beside(cell: Any, door: Any) -> Any:
    """Return where an outlet stands: inside a cell, beside its door."""
    ring = _inside(cell)
    if ring is None:
        return cell.representative_point()
    along_m = (float(ring.project(door)) + _BESIDE_DOOR_M) % ring.length
    return ring.interpolate(along_m)


def _away_from(ring: Any, start: Any) -> Any:
    """Return where a rack stands that no comms room is drawn for: a step into the landing."""
    middle = shapely.Polygon(ring).representative_point()
    line = shapely.LineString([start, middle])
    return line.interpolate(min(_APART_M, line.length / 2))


def _ends_m(line: Any) -> float:
    """Return how far the ends of a line are from each other."""
    start, end = (shapely.Point(line.coords[at]) for at in (0, -1))
    return float(start.distance(end))


def _arcs(ring: Any, stops_m: Sequence[float]) -> Iterator[Any]:
    """Yield the stretches of a ring from stop to stop, all but the longest."""
    if len(stops_m) < 2:  # noqa: PLR2004 - a stretch has two ends
        return
    pairs = [*pairwise(stops_m), (stops_m[-1], stops_m[0] + ring.length)]
    pairs.remove(max(pairs, key=lambda pair: pair[1] - pair[0]))
    for low, high in pairs:
        if high <= ring.length:
            yield substring(ring, low, high)
        else:
            ends = (substring(ring, low, ring.length), substring(ring, 0, high - ring.length))
            points = [point for end in ends if end.length > 0 for point in end.coords]
            yield shapely.LineString(points)

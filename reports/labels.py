"""Where the labels of a drawing stand, so that none hides a symbol, a line or another label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely

from reports.document import Kind2D, Point

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LABEL_SIZE = 10.5
"""Height of a label's letters, in drawing units."""

_LETTER_WIDTH = 7.0  # A generous mean for bold system fonts at that size.
_GAP = 1.5
_SHIFTS = (0.0, -0.22, 0.22, -0.33, 0.33)  # Of a polygon's extent, from its middle.

# What a label costs where it stands: each unit of a line that it lies over, of its own distance
# from the best place. Over a symbol or another label it does not stand at all.
_ON_LINE, _AWAY = 1.0, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A shape of a drawing in drawing units, y downwards, with its label or ""."""

    kind: Kind2D
    points: tuple[Point, ...]
    radius: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The middle of a label that found room; `shape` is the number of its shape."""

    shape: int
    at: Point


def placed_labels(shapes: Sequence[Labelled], *, canvas: Point) -> tuple[Standing, ...]:
    """Return where labels stand; one that finds no room is left out, and its tooltip tells.

    `canvas` is the width and height within which they stand.

    Labels of polygons stand within them and are set first, then those of points and lines
    beside these. What stands is never moved.
    """
    symbols = [
        shapely.Point(shape.points[0]).buffer(shape.radius)
        for shape in shapes
        if shape.kind == "point"
    ]
    lines = shapely.STRtree(
        [shapely.LineString(s.points) for s in shapes if s.kind == "line" and len(s.points) > 1]
    )
    taken, within = list(symbols), shapely.box(0, 0, *canvas)
    standing = []
    order = sorted(range(len(shapes)), key=lambda number: shapes[number].kind != "polygon")
    for number in order:
        shape = shapes[number]
        places = sorted(_priced(shape, lines)) if shape.label else []
        tree = shapely.STRtree(taken)
        for _, at in places:
            box = _box(shape.label, at)
            if within.contains(box) and not len(tree.query(box, predicate="intersects")):
                taken.append(box)
                standing.append(Standing(shape=number, at=at))
                break
    return tuple(standing)


def _priced(shape: Labelled, lines: shapely.STRtree) -> Iterator[tuple[float, Point]]:
    """Yield places for a label, each with what speaks against it."""
    for rank, at in enumerate(_places(shape)):
        box = _box(shape.label, at)
        over = lines.geometries[lines.query(box, predicate="intersects")]
        yield (
            _ON_LINE * float(shapely.length(shapely.intersection(over, box)).sum()) + _AWAY * rank,
            at,
        )


def _places(shape: Labelled) -> Iterator[Point]:
    if shape.kind == "polygon":
        yield from _inside(shape)
        return
    (first_x, first_y), (last_x, last_y) = shape.points[0], shape.points[-1]
    x, y = (first_x + last_x) / 2, (first_y + last_y) / 2
    away_x = shape.radius + _GAP + len(shape.label) * _LETTER_WIDTH / 2
    away_y = shape.radius + _GAP + LABEL_SIZE / 2
    for east, south in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1)):
        yield x + east * away_x, y + south * away_y


def _inside(shape: Labelled) -> Iterator[Point]:
    """Yield places at which the label lies within its polygon, the middle first."""
    polygon = shapely.Polygon(shape.points)
    x, y = polygon.centroid.x, polygon.centroid.y
    west, north, east, south = polygon.bounds
    offsets = sorted(
        ((dx * (east - west), dy * (south - north)) for dx in _SHIFTS for dy in _SHIFTS),
        key=lambda offset: (round(abs(offset[0]) + abs(offset[1]), 3), offset),
    )
    for dx, dy in offsets:
        if polygon.contains(_box(shape.label, (x + dx, y + dy))):
            yield x + dx, y + dy


def _box(label: str, at: Point) -> shapely.Polygon:
    half = len(label) * _LETTER_WIDTH / 2
    return shapely.box(at[0] - half, at[1] - LABEL_SIZE / 2, at[0] + half, at[1] + LABEL_SIZE / 2)

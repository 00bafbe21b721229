"""Where the labels of a drawing stand, so that none hides a symbol, a line or another label."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
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
_ALONG = (0.5, 0.35, 0.65, 0.2, 0.8)  # Of a line's length, from its start.

# What a label costs where it stands: each unit of a line that it lies over, of its own distance
# from the best place. Over a symbol or another label it does not stand at all.
_ON_LINE, _AWAY = 1.0, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A shape of a drawing in drawing units, y downwards, with its label or "".

    `beside` is whether the label of a polygon that is too small for it may stand next to it.
    """

    kind: Kind2D
    points: tuple[Point, ...]
    radius: float
    label: str
    beside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The middle of a label that found room; `shape` is the number of its shape.

    `inside` is whether it lies within the polygon that it is of.
    """

    shape: int
    at: Point
    inside: bool


def placed_labels(shapes: Sequence[Labelled], *, canvas: Point) -> tuple[Standing, ...]:
    """Return where labels stand; one that finds no room is left out, and its tooltip tells.

    `canvas` is the width and height within which they stand.

    Labels of polygons stand within them and are set first, then those of points and lines
    beside these, of a line at its middle or else further along. What stands is never moved.
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
                standing.append(Standing(shape=number, at=at, inside=_is_inside(shape, box)))
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


def _is_inside(shape: Labelled, box: shapely.Polygon) -> bool:
    return shape.kind == "polygon" and shapely.Polygon(shape.points).contains(box)


def _places(shape: Labelled) -> Iterator[Point]:
    if shape.kind == "polygon":
        yield from _inside(shape)
        if shape.beside:
            west, north, east, south = shapely.Polygon(shape.points).bounds
            middle = ((west + east) / 2, (north + south) / 2)
            yield from _around(shape, middle, (east - west) / 2, (south - north) / 2)
    elif len(shape.points) > 1:
        yield from _along(shape)
    else:
        yield from _around(shape, shape.points[0], shape.radius, shape.radius)


def _along(shape: Labelled) -> Iterator[Point]:
    """Yield places on either side of a line, clear of it, its middle first."""
    line = shapely.LineString(shape.points)
    half = len(shape.label) * _LETTER_WIDTH / 2
    for share in _ALONG:
        at = line.interpolate(share, normalized=True)
        before, after = (line.interpolate(share + step, normalized=True) for step in (-0.02, 0.02))
        run, drop = after.x - before.x, after.y - before.y
        length = hypot(run, drop) or 1.0
        across = (drop / length, -run / length)
        away = shape.radius + _GAP + abs(across[0]) * half + abs(across[1]) * LABEL_SIZE / 2
        for side in (1, -1) if across >= (0, 0) else (-1, 1):
            yield at.x + side * across[0] * away, at.y + side * across[1] * away


def _around(shape: Labelled, at: Point, width: float, height: float) -> Iterator[Point]:
    """Yield places beside what is twice so wide and high, the one to its right first."""
    away_x = width + _GAP + len(shape.label) * _LETTER_WIDTH / 2
    away_y = height + _GAP + LABEL_SIZE / 2
    for east, south in ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1)):
        yield at[0] + east * away_x, at[1] + south * away_y


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

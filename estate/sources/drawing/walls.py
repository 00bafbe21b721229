"""Linework of walls → straight walls along their centre lines: opposite faces, paired."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

THICKNESS_M = (0.03, 1.0)  # A partition of one board; a Victorian outer wall.
_PARALLEL = np.sin(np.radians(1.0))
_THIN_M = 0.1  # As thick as a wall of one line is taken to be where walls meet.
_PIECE_M = 0.1  # A shorter overlap of two faces is a corner.
_JOINT_M = 0.5  # A wall goes on where another no thicker than this meets it.
_OPENING_M = 4.0  # The widest opening that a door or window closes.
_SINGLE_M = 0.6  # A face without an opposite one this long is a wall drawn as one line.
_OFFSET_M = 0.12  # Two pieces this far out of line are one wall: one has a pilaster.
_STOUTER_M = 0.25  # Or this much thicker.
_COLUMN = 1.5  # So many times as long as thick, a wall that stands alone may be a column.
_WITHIN = 0.8  # Of a piece: where so much lies in a longer wall, it is part of that.


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of wall: its centre line as two points, its thickness, None for a single line."""

    start: tuple[float, float]
    end: tuple[float, float]
    thickness_m: float | None
    layer: str

    @property
    def line(self) -> Any:
        """Return the centre line."""
        return shapely.LineString([self.start, self.end])


@dataclass(frozen=True, slots=True)
class Face:
    """A straight piece of linework in metres; `closed` where it bounds a drawn outline."""

    start: tuple[float, float]
    end: tuple[float, float]
    closed: bool
    layer: str


def faces_of(line: Any, *, layer: str) -> Iterator[Face]:
    """Yield the straight parts of a line; one that returns to its start bounds an outline."""
    points = [tuple(point) for point in shapely.get_coordinates(line).tolist()]
    closed = len(points) > 3 and points[0] == points[-1]  # noqa: PLR2004 - a triangle at least
    for start, end in pairwise(points):
        if start != end:
            yield Face(start, end, closed, layer)


def paired(faces: Sequence[Face], *, bodies: Any) -> tuple[list[Piece], list[Face]]:
    """Return the walls between opposite faces, with long faces left over as walls of one line.

    Beside them are the open faces that are part of no wall: shorter ones without an opposite. The
    nearest faces are paired first. Between the faces of two drawn outlines there is wall only
    within an outline: `bodies` is what all of them cover.
    """
    pairs = _Pairs(faces)
    shapely.prepare(bodies)
    pieces = [piece for pair in pairs.by_distance() for piece in pairs.take(*pair, bodies=bodies)]
    return pieces + list(pairs.left_over()), list(pairs.unpaired())


class _Pairs:
    """Faces, and the stretches of each that no wall has taken yet, in metres from its start."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self.faces = faces
        ends = np.array([(face.start, face.end) for face in faces], dtype=float).reshape(-1, 2, 2)
        self.starts: Floats = ends[:, 0]
        vectors = ends[:, 1] - ends[:, 0]
        self.lengths: Floats = np.hypot(*vectors.T)
        self.units: Floats = vectors / self.lengths[:, None]
        self.free = [[(0.0, float(length))] for length in self.lengths]

    def by_distance(self) -> list[tuple[int, int, float]]:
        """Return (face, face, metres apart) of all that may be the two sides of a wall."""
        lines = shapely.linestrings(
            np.stack([self.starts, self.starts + self.units * self.lengths[:, None]], axis=1)
        )
        tree = shapely.STRtree(lines)
        a, b = tree.query(lines, predicate="dwithin", distance=THICKNESS_M[1])
        a, b = a[a < b], b[a < b]
        crossed = _cross(self.units[a], self.units[b])
        a, b = a[np.abs(crossed) < _PARALLEL], b[np.abs(crossed) < _PARALLEL]
        middles = self.starts[b] + self.units[b] * self.lengths[b, None] / 2
        apart_m = np.abs(_cross(self.units[a], middles - self.starts[a]))
        fits = (apart_m >= THICKNESS_M[0]) & (apart_m <= THICKNESS_M[1])
        order = np.lexsort((b[fits], a[fits], np.round(apart_m[fits], 4)))
        found = zip(a[fits], b[fits], apart_m[fits], strict=True)
        listed = [(int(i), int(j), float(m)) for i, j, m in found]
        return [listed[index] for index in order]

    def take(self, a: int, b: int, apart_m: float, *, bodies: Any) -> Iterator[Piece]:
        """Yield the walls where both faces are free and opposite, which they then no longer are."""
        unit, across = self.units[a], self.starts[b] - self.starts[a]
        turned = 1.0 if float(unit @ self.units[b]) > 0 else -1.0
        shift = float(across @ unit)
        # Half of the way to the other face, at right angles.
        aside = (across - shift * unit) / 2
        both_closed = self.faces[a].closed and self.faces[b].closed
        for low, high in self._common(a, b, shift=shift, turned=turned):
            start, end = (self.starts[a] + unit * along + aside for along in (low, high))
            if both_closed and not bodies.intersects(shapely.Point((start + end) / 2)):
                continue
            self.free[a] = _without(self.free[a], (low, high))
            there = sorted(((low - shift) * turned, (high - shift) * turned))
            self.free[b] = _without(self.free[b], (there[0], there[1]))
            layer = self.faces[a].layer
            yield Piece(_point(start), _point(end), round(apart_m, 3), layer)

    def _common(self, a: int, b: int, *, shift: float, turned: float) -> list[tuple[float, float]]:
        """Return the stretches along a that both have free."""
        there = [
            sorted((shift + turned * low, shift + turned * high)) for low, high in self.free[b]
        ]
        overlaps = [
            (max(low, other[0]), min(high, other[1]))
            for low, high in self.free[a]
            for other in there
        ]
        return [(low, high) for low, high in overlaps if high - low >= _PIECE_M]

    def left_over(self) -> Iterator[Piece]:
        """Yield long open faces without an opposite one: walls drawn as one line."""
        for index, face in enumerate(self.faces):
            for low, high in self.free[index]:
                if not face.closed and high - low >= _SINGLE_M:
                    start, end = (
                        self.starts[index] + self.units[index] * along for along in (low, high)
                    )
                    yield Piece(_point(start), _point(end), None, face.layer)

    def unpaired(self) -> Iterator[Face]:
        """Yield open faces too short for a wall of which no part has an opposite."""
        for face, length_m, free in zip(self.faces, self.lengths, self.free, strict=True):
            if not face.closed and length_m < _SINGLE_M and free == [(0.0, float(length_m))]:
                yield face


def _without(
    free: list[tuple[float, float]], taken: tuple[float, float]
) -> list[tuple[float, float]]:
    low, high = taken
    parts = [part for a, b in free for part in ((a, min(b, low)), (max(a, high), b))]
    return [(a, b) for a, b in parts if b - a > _PIECE_M / 10]


def joined(pieces: Sequence[Piece], *, openings: Sequence[Any]) -> list[Piece]:
    """Return the walls with stretches in line made one: across joints, doors and windows.

    What stands alone and is hardly longer than thick is a column, and no wall. `openings` are
    the areas that doors and windows take up on the plan.
    """
    tree = shapely.STRtree(openings)
    walls: list[Piece] = []
    for row in _rows(pieces):
        current = row[0]
        for piece in row[1:]:
            if _goes_on(current, piece, openings, tree):
                current = _spanning(current, piece)
            else:
                walls.append(current)
                current = piece
        walls.append(current)
    return met(list(_apart(walls)))


def _apart(walls: Sequence[Piece]) -> Iterator[Piece]:
    """Yield the walls that are not part of another: a pier has two pairs of faces."""
    longest_first = sorted(walls, key=lambda wall: (-wall.line.length, wall.start))
    areas = [body(wall) for wall in longest_first]
    tree = shapely.STRtree(areas)
    for index, wall in enumerate(longest_first):
        if wall.line.length < (wall.thickness_m or _SINGLE_M):
            continue
        flat = shapely.buffer(wall.line, (wall.thickness_m or _THIN_M) / 2, cap_style="flat")
        beside = tree.query(flat, predicate="intersects").tolist()
        if beside == [index] and wall.line.length < _COLUMN * (wall.thickness_m or 0.0):
            continue
        longer = [i for i in beside if i < index]
        within = shapely.intersection(flat, shapely.union_all([areas[i] for i in sorted(longer)]))
        if within.area < _WITHIN * flat.area:
            yield wall


def _rows(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Return the pieces that lie in one line and are as thick, from one end to the other."""
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda p: (-p.line.length, p.start)):
        row = next((r for r in rows if _in_line(r[0], piece)), None)
        if row is None:
            rows.append([piece])
        else:
            row.append(piece)
    return [sorted(row, key=partial(_along, row[0])) for row in rows]


def _in_line(one: Piece, other: Piece) -> bool:
    if (one.thickness_m is None) != (other.thickness_m is None):
        return False
    if abs((one.thickness_m or 0) - (other.thickness_m or 0)) > _STOUTER_M:
        return False
    unit = _unit(one)
    if abs(_cross(unit, _unit(other))) > _PARALLEL:
        return False
    middle = (np.array(other.start) + np.array(other.end)) / 2
    return bool(abs(_cross(unit, middle - np.array(one.start))) <= _OFFSET_M)


def _along(first: Piece, piece: Piece) -> tuple[float, float]:
    ends = [float((np.array(p) - np.array(first.start)) @ _unit(first)) for p in _ends(piece)]
    return min(ends), max(ends)


def _goes_on(one: Piece, other: Piece, openings: Sequence[Any], tree: Any) -> bool:
    gap_m = float(one.line.distance(other.line))
    if gap_m <= _JOINT_M:
        return True
    if gap_m > _OPENING_M:
        return False
    gap = shapely.shortest_line(one.line, other.line)
    half_m = (one.thickness_m or _THIN_M) / 2
    near = gap.buffer(half_m, cap_style="flat")
    across = [openings[index] for index in tree.query(near, predicate="intersects").tolist()]
    # A window may stand in the outer half of its wall.
    boxes = shapely.buffer(shapely.envelope(across), half_m, join_style="mitre")
    return bool(shapely.intersection(shapely.union_all(boxes), gap).length >= gap.length / 2)


def _spanning(one: Piece, other: Piece) -> Piece:
    main = max(one, other, key=lambda piece: piece.line.length)
    reaches = (_along(main, one), _along(main, other))
    low, high = min(reach[0] for reach in reaches), max(reach[1] for reach in reaches)
    start, unit = np.array(main.start), _unit(main)
    return replace(main, start=_point(start + unit * low), end=_point(start + unit * high))


def met(walls: Sequence[Piece]) -> list[Piece]:
    """Return the walls with each end drawn to the centre line of the wall that it runs into."""
    lines = [wall.line for wall in walls]
    tree = shapely.STRtree(lines)
    drawn = (_met(index, walls, lines, tree) for index in range(len(walls)))
    return [wall for wall in drawn if wall.line.length >= _PIECE_M]


def _met(index: int, walls: Sequence[Piece], lines: Sequence[Any], tree: Any) -> Piece:
    wall = walls[index]
    ends = []
    for end, other_end in ((wall.start, wall.end), (wall.end, wall.start)):
        reach_m = (wall.thickness_m or 0.0) / 2 + THICKNESS_M[1] / 2
        best, best_m = end, reach_m
        for near in sorted(tree.query(shapely.Point(end), "dwithin", reach_m).tolist()):
            if near == index:
                continue
            other = walls[near]
            limit_m = ((wall.thickness_m or 0.0) + (other.thickness_m or 0.0)) / 2 + _JOINT_M / 10
            at = _crossing(wall, other)
            if at is None or lines[near].distance(shapely.Point(at)) > limit_m:
                continue
            away_m = float(np.hypot(at[0] - end[0], at[1] - end[1]))
            if away_m <= min(limit_m, best_m) and at != other_end:
                best, best_m = at, away_m
        ends.append(best)
    return Piece(ends[0], ends[1], wall.thickness_m, wall.layer)


def _crossing(one: Piece, other: Piece) -> tuple[float, float] | None:
    """Return where two centre lines, run on, cross; None where they are parallel."""
    unit, aside = _unit(one), _unit(other)
    sine = _cross(unit, aside)
    if abs(sine) < np.sin(np.radians(15)):
        return None
    along = _cross(np.array(other.start) - np.array(one.start), aside) / sine
    return _point(np.array(one.start) + unit * along)


def body(wall: Piece) -> Any:
    """Return the area of a wall, half its thickness beyond either end."""
    half_m = (wall.thickness_m or _THIN_M) / 2
    return shapely.buffer(wall.line, half_m, cap_style="square", join_style="mitre")


def _ends(piece: Piece) -> tuple[tuple[float, float], tuple[float, float]]:
    return piece.start, piece.end


def _unit(piece: Piece) -> Floats:
    vector = np.array(piece.end) - np.array(piece.start)
    unit: Floats = vector / np.hypot(*vector)
    return unit


def _cross(a: Floats, b: Floats) -> Any:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _point(at: Floats) -> tuple[float, float]:
    return (round(float(at[0]), 4), round(float(at[1]), 4))

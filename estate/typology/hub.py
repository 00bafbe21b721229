"""Where the spurs of a wing meet: directions, the hub's outline, the comms room beside it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, radians, sin, tan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estate.model import Point
    from estate.typology.table import Typology

    Outline = tuple[Point, ...]

_FULL_TURN_DEG = 360.0


@dataclass(frozen=True, slots=True)
class Axis:
    """A direction from the hub's centre, along which a spur or a room is set out."""

    cosine: float
    sine: float

    @classmethod
    def towards(cls, angle_deg: float) -> Axis:
        """Return the axis at an angle anticlockwise from x."""
        return cls(cos(radians(angle_deg)), sin(radians(angle_deg)))

    def at(self, along_m: float, across_m: float) -> Point:
        """Return the point so far along the axis and to its left, to the millimetre."""
        return (
            rounded_m(along_m * self.cosine - across_m * self.sine),
            rounded_m(along_m * self.sine + across_m * self.cosine),
        )

    def rectangle(self, *, along_m: tuple[float, float], across_m: tuple[float, float]) -> Outline:
        """Return the corners of a rectangle between two distances along and two across."""
        (near, far), (right, left) = along_m, across_m
        return (self.at(near, right), self.at(far, right), self.at(far, left), self.at(near, left))


@dataclass(frozen=True, slots=True)
class Hub:
    """A convex hub with a face as wide as a spur in each direction.

    Angles are distinct and ascending. There are at least two: behind a single spur the hub has
    an outer face of the same width.
    """

    angles_deg: tuple[float, ...]
    radius_m: float
    half_width_m: float

    @property
    def outline(self) -> Outline:
        """Return the corners, anticlockwise."""
        corners = [
            Axis.towards(angle).at(self.radius_m, across)
            for angle in self.angles_deg
            for across in (-self.half_width_m, self.half_width_m)
        ]
        # Where spurs touch, the corners of neighbouring faces are the same point.
        return tuple(dict.fromkeys(corners))

    def comms_room(self, typology: Typology, *, wall_m: float) -> tuple[Outline, Point]:
        """Return the outline and centre of a comms room beyond a wall, in the widest gap."""
        start_deg, gap_deg = _widest_gap(self.angles_deg)
        half_gap = radians(gap_deg / 2)
        wall_at_m = self.radius_m * cos(half_gap) + self.half_width_m * sin(half_gap)
        near_m = wall_at_m + wall_m
        far_m = near_m + typology.comms_room_length_m
        half_m = typology.comms_room_width_m / 2
        axis = Axis.towards(start_deg + gap_deg / 2)
        outline = axis.rectangle(along_m=(near_m, far_m), across_m=(-half_m, half_m))
        return outline, axis.at((near_m + far_m) / 2, 0)


def spur_angles_deg(typology: Typology, *, spurs: int) -> tuple[float, ...]:
    """Return the typology's angles, or evenly spaced ones for another number of spurs."""
    if spurs == len(typology.spur_angles_deg):
        return typology.spur_angles_deg
    first = typology.spur_angles_deg[0]
    return tuple((first + _FULL_TURN_DEG * spur / spurs) % _FULL_TURN_DEG for spur in range(spurs))


def hub_between(angles_deg: tuple[float, ...], typology: Typology, *, half_width_m: float) -> Hub:
    """Return the smallest hub that keeps spurs apart and has room for a comms room.

    Two spurs of half width w at an angle g touch where their axes are w / tan(g / 2) from the
    centre. The hub's side between them is 2 (r sin(g / 2) - w cos(g / 2)) long, and the widest
    takes the comms room; both solved for the radius r.
    """
    faces = sorted({angle % _FULL_TURN_DEG for angle in angles_deg})
    if len(faces) == 1:
        faces = sorted([faces[0], (faces[0] + _FULL_TURN_DEG / 2) % _FULL_TURN_DEG])
    narrow = radians(min(gap for _, gap in _gaps(faces)) / 2)
    wide = radians(_widest_gap(faces)[1] / 2)
    room_m = (typology.comms_room_width_m / 2 + half_width_m * cos(wide)) / sin(wide)
    radius_m = max(typology.hub_radius_m, half_width_m / tan(narrow), room_m)
    # Up to the next millimetre, or rounding could make spurs overlap by half of one.
    return Hub(tuple(faces), ceil(round(radius_m * 1000, 6)) / 1000, half_width_m)


def rounded_m(value_m: float) -> float:
    """Return metres to the millimetre, never minus zero."""
    return round(value_m, 3) + 0.0


def _gaps(angles_deg: Sequence[float]) -> list[tuple[float, float]]:
    """Return for each angle itself and how far it is to the next, anticlockwise."""
    following = [*angles_deg[1:], angles_deg[0] + _FULL_TURN_DEG]
    return [(angle, after - angle) for angle, after in zip(angles_deg, following, strict=True)]


def _widest_gap(angles_deg: Sequence[float]) -> tuple[float, float]:
    """Return the angle at which the widest gap starts, and its width; the first if several."""
    return max(_gaps(angles_deg), key=lambda gap: gap[1])

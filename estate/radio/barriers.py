"""Walls, doors and floors as arrays, and what straight legs cross of them.

Positions are in metres: x and y as the network draws them, z up from the lowest floor. A wall
is one upright rectangle on its centre line, as tall as the storey; a door replaces its part of
the wall up to its head.

A leg crosses what lies between its ends. One that ends in the plane of a wall or floor, within a
millimetre, is on both of its sides: it does not cross it, wherever it comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from estate.radio.fabric import Floats, Ints, LossTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Bytes = NDArray[np.uint8]

# Outcodes: on which side of the rectangle's plane, and beyond which of its four edges.
_LEFT, _RIGHT, _BEFORE, _BEYOND, _BELOW, _ABOVE = (1 << bit for bit in range(6))
_SIDES = _LEFT | _RIGHT

_IN_PLANE_M = 1e-3  # As far as coordinates are kept.

_TESTS_AT_ONCE = 1 << 22  # Bytes of outcodes in hand: about what a processor's cache holds.


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Barriers:
    """Upright rectangles, one row each: `start_m` and `end_m` (b, 2), the rest (b,).

    `fabric` is the position of what the rectangle is made of among the scene's fabrics.
    """

    start_m: Floats
    end_m: Floats
    bottom_m: Floats
    top_m: Floats
    fabric: Ints

    def __len__(self) -> int:
        return len(self.fabric)

    @property
    def length_m(self) -> Floats:
        """Return the length of each rectangle."""
        lengths: Floats = np.linalg.norm(self.end_m - self.start_m, axis=1)
        return lengths


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A floor slab: at which height, over which area, and of which fabric."""

    height_m: float
    area: shapely.Geometry
    fabric: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Legs:
    """k straight legs: from `origins_m[origin]` to `targets_m[target]`, both (…, 3)."""

    origins_m: Floats
    targets_m: Floats
    origin: Ints
    target: Ints

    @classmethod
    def between_all(cls, origins_m: Floats, targets_m: Floats) -> Legs:
        """Return the legs from each origin to each target, origin by origin."""
        origin, target = np.indices((len(origins_m), len(targets_m))).reshape(2, -1)
        return cls(origins_m=origins_m, targets_m=targets_m, origin=origin, target=target)

    def __len__(self) -> int:
        return len(self.origin)

    def lengths_m(self, chosen: Ints) -> Floats:
        """Return the lengths of some of the legs, by position."""
        run_m = self.targets_m[self.target[chosen]] - self.origins_m[self.origin[chosen]]
        return norm(run_m)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossings:
    """What each of k legs crosses: one row per crossing.

    `leg` is the position of the leg, `cosine` that of the angle from the normal of what is
    crossed. Geometry alone: the same crossings serve every band.
    """

    legs: int
    leg: Ints
    fabric: Ints
    cosine: Floats

    def losses_db(self, table: LossTable) -> Floats:
        """Return the loss of everything each leg crosses, (k,); free space not included."""
        each_db = table.losses_db(self.fabric, cosine=self.cosine)
        return np.bincount(self.leg, weights=each_db, minlength=self.legs).astype(np.float64)

    def counts(self) -> Ints:
        """Return how many walls and floors each leg crosses, (k,)."""
        return np.bincount(self.leg, minlength=self.legs)


def crossings(barriers: Barriers, levels: Sequence[Level], legs: Legs) -> Crossings:
    """Return everything that the legs cross, in no order that means anything."""
    found = [
        *_through_walls(barriers, legs),
        *(_through_level(level, legs) for level in levels),
    ]
    return Crossings(
        legs=len(legs),
        leg=np.concatenate([np.empty(0, np.int64), *(leg for leg, _, _ in found)]),
        fabric=np.concatenate([np.empty(0, np.int64), *(fabric for _, fabric, _ in found)]),
        cosine=np.concatenate([np.empty(0), *(cosine for _, _, cosine in found)]),
    )


def norm(vectors: Floats) -> Floats:
    """Return the lengths of vectors (…, 3)."""
    norms: Floats = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))
    return norms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """Points as each barrier sees them: across its plane, along it, and as outcodes; (n, b)."""

    across_m: Floats
    along_m: Floats
    height_m: Floats
    code: Bytes

    @classmethod
    def of(cls, points_m: Floats, barriers: Barriers) -> _Seen:
        length_m = barriers.length_m
        along = (barriers.end_m - barriers.start_m) / length_m[:, None]
        across = np.column_stack([-along[:, 1], along[:, 0]])
        along_m = points_m[:, :2] @ along.T - (barriers.start_m * along).sum(axis=1)
        across_m = points_m[:, :2] @ across.T - (barriers.start_m * across).sum(axis=1)
        height_m = points_m[:, 2]
        code = (
            np.where(across_m > _IN_PLANE_M, _LEFT, 0)
            | np.where(across_m < -_IN_PLANE_M, _RIGHT, 0)
            | np.where(along_m < 0, _BEFORE, 0)
            | np.where(along_m >= length_m, _BEYOND, 0)
            | np.where(height_m[:, None] < barriers.bottom_m, _BELOW, 0)
            | np.where(height_m[:, None] >= barriers.top_m, _ABOVE, 0)
        ).astype(np.uint8)
        return cls(across_m=across_m, along_m=along_m, height_m=height_m, code=code)


def _through_walls(barriers: Barriers, legs: Legs) -> Iterator[tuple[Ints, Ints, Floats]]:
    if not (len(barriers) and len(legs)):
        return
    near, far = _Seen.of(legs.origins_m, barriers), _Seen.of(legs.targets_m, barriers)
    length_m = barriers.length_m
    step = max(1, _TESTS_AT_ONCE // len(barriers))
    for first in range(0, len(legs), step):
        near_code = near.code[legs.origin[first : first + step]]
        far_code = far.code[legs.target[first : first + step]]
        # A leg may cross where its ends lie on two sides, and not both beyond one edge.
        may_cross = (((near_code | far_code) & _SIDES) == _SIDES) & ((near_code & far_code) == 0)
        leg, wall = np.divmod(np.flatnonzero(may_cross), len(barriers))
        leg += first
        origin, target = legs.origin[leg], legs.target[leg]
        near_m, far_m = near.across_m[origin, wall], far.across_m[target, wall]
        share = near_m / (near_m - far_m)
        along_m = _between(near.along_m[origin, wall], far.along_m[target, wall], share)
        height_m = _between(near.height_m[origin], far.height_m[target], share)
        # Half-open, so that a leg through the joint of two pieces of wall crosses one of them.
        hit = (along_m >= 0) & (along_m < length_m[wall])
        hit &= (height_m >= barriers.bottom_m[wall]) & (height_m < barriers.top_m[wall])
        leg, wall = leg[hit], wall[hit]
        yield leg, barriers.fabric[wall], np.abs(near_m - far_m)[hit] / legs.lengths_m(leg)


def _through_level(level: Level, legs: Legs) -> tuple[Ints, Ints, Floats]:
    above_m, below_m = (
        points_m[:, 2] - level.height_m for points_m in (legs.origins_m, legs.targets_m)
    )
    sides = [np.where(np.abs(m) > _IN_PLANE_M, np.sign(m), 0) for m in (above_m, below_m)]
    leg = np.flatnonzero(sides[0][legs.origin] * sides[1][legs.target] < 0)
    near_m, far_m = above_m[legs.origin[leg]], below_m[legs.target[leg]]
    share = (near_m / (near_m - far_m))[:, None]
    origins_m, targets_m = legs.origins_m[legs.origin[leg]], legs.targets_m[legs.target[leg]]
    at_m = _between(origins_m[:, :2], targets_m[:, :2], share)
    hit = shapely.contains_xy(level.area, at_m[:, 0], at_m[:, 1])
    leg = leg[hit]
    cosine = np.abs(near_m - far_m)[hit] / legs.lengths_m(leg)
    return leg, np.full(len(leg), level.fabric, dtype=np.int64), cosine


def _between(near: Floats, far: Floats, share: Floats) -> Floats:
    return near + share * (far - near)

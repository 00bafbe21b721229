"""Walls, doors and floors as arrays, and what straight legs cross of them.

Positions are in metres: x and y as the network draws them, z up from the lowest floor. A wall
is one upright rectangle on its centre line, as tall as the storey; a door replaces its part of
the wall up to its head.

A leg crosses what lies between its ends. One that ends in the plane of a wall or floor, within a
millimetre, is on both of its sides: it does not cross it, wherever it comes from.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from estate.radio.fabric import Floats, Ints, LossTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Bytes = NDArray[np.uint8]

# Outcodes: on which side of a wall's line, and beyond which of its two ends.
_LEFT, _RIGHT, _BEFORE, _BEYOND = (1 << bit for bit in range(4))
_SIDES = _LEFT | _RIGHT

_IN_PLANE_M = 1e-3  # As far as coordinates are kept.

_NOTHING = -1  # In the place of a fabric.

_TESTS_AT_ONCE = 1 << 22  # Bytes of outcodes in hand: about what a processor's cache holds.


@dataclass(frozen=True, kw_only=True, eq=False)
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

    @cached_property
    def plan(self) -> Plan:
        """Return the barriers from above: those over one another are one line."""
        edges_m = np.unique(np.concatenate([self.bottom_m, self.top_m]))
        lows, highs = (np.searchsorted(edges_m, m, "right") for m in (self.bottom_m, self.top_m))
        rows: list[Ints] = []
        first: list[int] = []
        of_line: defaultdict[bytes, list[Ints]] = defaultdict(list)
        ends_m = np.column_stack([self.start_m, self.end_m])
        for number, (low, high) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
            layers = slice(low, high)
            known = of_line[ends_m[number].tobytes()]
            row = next((row for row in known if (row[layers] == _NOTHING).all()), None)
            if row is None:  # The first on its line, or one that stands in another.
                row = np.full(len(edges_m) + 1, _NOTHING)
                known.append(row)
                rows.append(row)
                first.append(number)
            row[layers] = self.fabric[number]
        return Plan(
            start_m=self.start_m[first],
            end_m=self.end_m[first],
            edges_m=edges_m,
            fabric=np.array(rows, dtype=np.int64).reshape(len(rows), len(edges_m) + 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Lines on which barriers stand, and what stands there in each layer of heights.

    `start_m` and `end_m` are (s, 2). Layer k reaches from `edges_m[k - 1]` up to `edges_m[k]`;
    `fabric` (s, layers) is -1 where nothing stands.
    """

    start_m: Floats
    end_m: Floats
    edges_m: Floats
    fabric: Ints

    def __len__(self) -> int:
        return len(self.fabric)

    def at(self, line: Ints, height_m: Floats) -> Ints:
        """Return the fabric on lines at heights, -1 for none. A lower edge belongs to it."""
        layer = np.searchsorted(self.edges_m, height_m, "right")
        found: Ints = self.fabric[line, layer]
        return found


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

    def lengths_m(self, chosen: Ints | slice = slice(None)) -> Floats:
        """Return the lengths of the legs, or of some of them by position."""
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
    """Points as each line sees them: across it, along it, and as outcodes; (n, s)."""

    across_m: Floats
    along_m: Floats
    code: Bytes

    @classmethod
    def of(cls, points_m: Floats, plan: Plan) -> _Seen:
        run_m = plan.end_m - plan.start_m
        length_m = norm(run_m)
        along = run_m / length_m[:, None]
        across = np.column_stack([-along[:, 1], along[:, 0]])
        along_m = points_m @ along.T - (plan.start_m * along).sum(axis=1)
        across_m = points_m @ across.T - (plan.start_m * across).sum(axis=1)
        code = (
            np.where(across_m > _IN_PLANE_M, _LEFT, 0)
            | np.where(across_m < -_IN_PLANE_M, _RIGHT, 0)
            | np.where(along_m < 0, _BEFORE, 0)
            | np.where(along_m >= length_m, _BEYOND, 0)
        ).astype(np.uint8)
        return cls(across_m=across_m, along_m=along_m, code=code)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tracks:
    """Legs from above: those over one another run along one track.

    Track k runs from `origins_m[origin[k]]` to `targets_m[target[k]]`, both (…, 2). Its legs are
    `leg[begin[k] : begin[k] + count[k]]`.
    """

    origins_m: Floats
    targets_m: Floats
    origin: Ints
    target: Ints
    leg: Ints
    begin: Ints
    count: Ints

    @classmethod
    def of(cls, legs: Legs) -> _Tracks:
        origins_m, origin = np.unique(legs.origins_m[:, :2], axis=0, return_inverse=True)
        targets_m, target = np.unique(legs.targets_m[:, :2], axis=0, return_inverse=True)
        pair = origin[legs.origin] * len(targets_m) + target[legs.target]
        leg = np.argsort(pair, kind="stable")
        pairs, begin, count = np.unique(pair[leg], return_index=True, return_counts=True)
        return cls(
            origins_m=origins_m,
            targets_m=targets_m,
            origin=pairs // len(targets_m),
            target=pairs % len(targets_m),
            leg=leg,
            begin=begin,
            count=count,
        )

    def __len__(self) -> int:
        return len(self.origin)

    def legs_over(self, track: Ints) -> tuple[Ints, Ints]:
        """Return the legs of each of some tracks, and for each leg the place of its track."""
        count = self.count[track]
        place = np.repeat(np.arange(len(track)), count)
        within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        return self.leg[self.begin[track][place] + within], place


def _through_walls(barriers: Barriers, legs: Legs) -> Iterator[tuple[Ints, Ints, Floats]]:
    """Yield leg, fabric and cosine of what is crossed: from above first, then at which height.

    What stands alike on several floors, and points over one another, are so met once.
    """
    if not (len(barriers) and len(legs)):
        return
    plan, tracks = barriers.plan, _Tracks.of(legs)
    near, far = _Seen.of(tracks.origins_m, plan), _Seen.of(tracks.targets_m, plan)
    line_m, leg_m = norm(plan.end_m - plan.start_m), legs.lengths_m()
    from_m, to_m = legs.origins_m[legs.origin, 2], legs.targets_m[legs.target, 2]
    step = max(1, _TESTS_AT_ONCE * len(tracks) // (len(plan) * len(legs)))
    for first in range(0, len(tracks), step):
        near_code = near.code[tracks.origin[first : first + step]]
        far_code = far.code[tracks.target[first : first + step]]
        # A leg may cross where its ends lie on two sides, and not both beyond one end.
        may_cross = (((near_code | far_code) & _SIDES) == _SIDES) & ((near_code & far_code) == 0)
        track, line = np.divmod(np.flatnonzero(may_cross), len(plan))
        track += first
        origin, target = tracks.origin[track], tracks.target[track]
        near_m, far_m = near.across_m[origin, line], far.across_m[target, line]
        share = near_m / (near_m - far_m)
        along_m = _between(near.along_m[origin, line], far.along_m[target, line], share)
        # Half-open, so that a leg through the joint of two pieces of wall crosses one of them.
        hit = np.flatnonzero((along_m >= 0) & (along_m < line_m[line]))
        leg, place = tracks.legs_over(track[hit])
        at = hit[place]
        fabric = plan.at(line[at], _between(from_m[leg], to_m[leg], share[at]))
        met = np.flatnonzero(fabric != _NOTHING)
        leg, across_m = leg[met], np.abs(near_m - far_m)[at[met]]
        yield leg, fabric[met], across_m / leg_m[leg]


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

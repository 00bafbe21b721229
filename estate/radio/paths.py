"""Every path a signal may take in a scene: geometry alone, so that one trace serves every band.

Two kinds of path count. The direct one runs straight through whatever stands in its way. A bent
one runs along landings and atria and enters at a portal (a door, or a point of the front wall);
it bends at most twice, at a waypoint and at the portal, as in the dominant-path models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from estate.radio.barriers import Crossings, Legs, crossings, norm
from estate.radio.fabric import Floats, Ints
from estate.radio.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator


Singles = NDArray[np.float32]

_INDOORS_OPEN, _OUTDOORS = -1, -2
_NEAR_M = 0.1  # Nearer than this the far field has not begun; closer pairs count as this far.


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BentPaths:
    """Paths from each of m access points: a lead to one of h hinges, then a way onwards.

    `lead` is what the legs from each access point to each hinge cross and `lead_m` (m, h) their
    lengths. There are p ways onwards, in the order of the receivers: `hinge` and `receiver` say
    where each begins and ends, `onward_m` how long it is, all (p,). `waypoint_bend_deg` and
    `portal_bend_deg` are how far a path turns, `fabric` (p,) and `cosine` what the portal's wall
    is and at what angle it is met; of these an array of one row holds for every access point.
    """

    lead: Crossings
    lead_m: Floats
    hinge: Ints
    receiver: Ints
    onward_m: Floats
    waypoint_bend_deg: Singles
    portal_bend_deg: Singles
    fabric: Ints
    cosine: Singles


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paths:
    """Every path from m access points to n receivers, ready to be priced in any band.

    `distance_m` is (m, n), and the legs of `direct` run access point by access point. `in_a_room`
    (m,) marks the access points that have a wall of their own to leave through.
    """

    scene: Scene
    access_points_m: Floats
    receivers_m: Floats
    direct: Crossings
    distance_m: Floats
    in_a_room: NDArray[np.bool_]
    bent: tuple[BentPaths, ...]


def trace(scene: Scene, *, access_points_m: Floats, receivers_m: Floats) -> Paths:
    """Return the paths from access points (m, 3) to receivers (n, 3).

    This is the slow part, and it does not depend on the band or on any parameter: keep the
    result and price it with `path_loss_db` as often as needed.
    """
    families = _Families(
        scene=scene,
        access_points_m=access_points_m,
        receivers_m=receivers_m,
        place=_places(scene, receivers_m),
    )
    distance_m = norm(receivers_m[None, :, :] - access_points_m[:, None, :])
    return Paths(
        scene=scene,
        access_points_m=access_points_m,
        receivers_m=receivers_m,
        direct=families.crossings(access_points_m, receivers_m),
        distance_m=np.maximum(distance_m, _NEAR_M),
        in_a_room=_places(scene, access_points_m) >= 0,
        bent=tuple(family for family in families.traced() if family.hinge.size),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Families:
    """The four kinds of bent path.

    `place` says where each receiver is: a room's position, `_INDOORS_OPEN` or `_OUTDOORS`.
    """

    scene: Scene
    access_points_m: Floats
    receivers_m: Floats
    place: Ints

    def traced(self) -> Iterator[BentPaths]:
        """Yield every family, also one without a single way."""
        into = self._into_rooms()
        yield self._straight_to_portal(*into, ends_m=self.scene.portals.outer_m)
        yield self._by_waypoint(*into)
        yield self._round_a_corner()
        yield self._straight_to_portal(*self._outdoors(), ends_m=self.scene.portals.inner_m)

    def crossings(self, origins_m: Floats, targets_m: Floats) -> Crossings:
        """Return what the legs from each origin to each target cross."""
        legs = Legs.between_all(origins_m, targets_m)
        return crossings(self.scene.barriers, self.scene.levels, legs)

    def _into_rooms(self) -> tuple[Ints, Ints]:
        """Return (portal, receiver) for each portal of the room that each receiver is in."""
        portals = self.scene.portals
        into = portals.room[:, None] == self.place[None, :]
        return _by_column(into & ~portals.external[:, None])

    def _outdoors(self) -> tuple[Ints, Ints]:
        """Return (portal, receiver) where a receiver outdoors sees the outside of a wall."""
        outdoors = np.flatnonzero(self.place == _OUTDOORS)
        external = np.flatnonzero(self.scene.portals.external)
        outer_m = self.scene.portals.outer_m[external]
        portal, receiver = _by_column(self._seen(outer_m, self.receivers_m[outdoors]))
        return external[portal], outdoors[receiver]

    def _straight_to_portal(self, portal: Ints, receiver: Ints, *, ends_m: Floats) -> BentPaths:
        """Return the paths that bend only at a portal, after a leg that ends at its near side."""
        portals = self.scene.portals
        starts_m = portals.inner_m + portals.outer_m - ends_m
        used, hinge = np.unique(portal, return_inverse=True)
        lead_m = ends_m[used][None, :, :] - self.access_points_m[:, None, :]
        tail_m = self.receivers_m[receiver] - starts_m[portal]
        cosine = _cosine(lead_m, portals.outward[used])
        return BentPaths(
            lead=self.crossings(self.access_points_m, ends_m[used]),
            lead_m=norm(lead_m),
            hinge=hinge,
            receiver=receiver,
            onward_m=norm(starts_m - ends_m)[portal] + norm(tail_m),
            waypoint_bend_deg=np.zeros((1, len(portal)), dtype=np.float32),
            portal_bend_deg=_bends_deg(lead_m, tail_m, hinge=hinge),
            fabric=portals.fabric[portal],
            cosine=cosine[:, hinge],
        )

    def _by_waypoint(self, portal: Ints, receiver: Ints) -> BentPaths:
        """Return the paths that bend at a waypoint and at a portal that it sees."""
        portals, waypoints_m = self.scene.portals, self.scene.waypoints_m
        used, position = np.unique(portal, return_inverse=True)
        seen = self._seen(waypoints_m, portals.outer_m[used])
        way, column = _by_column(seen[:, position])
        portal, receiver = portal[column], receiver[column]
        hop_m = portals.outer_m[portal] - waypoints_m[way]
        tail_m = self.receivers_m[receiver] - portals.inner_m[portal]
        through_m = norm(portals.inner_m - portals.outer_m)[portal]
        lead_m = waypoints_m[None, :, :] - self.access_points_m[:, None, :]
        return BentPaths(
            lead=self.crossings(self.access_points_m, waypoints_m),
            lead_m=norm(lead_m),
            hinge=way,
            receiver=receiver,
            onward_m=norm(hop_m) + through_m + norm(tail_m),
            waypoint_bend_deg=_bends_deg(lead_m, hop_m, hinge=way),
            portal_bend_deg=_bends_deg(hop_m[None, :, :], tail_m, hinge=np.arange(len(way))),
            fabric=portals.fabric[portal],
            cosine=_cosine(hop_m[None, :, :], portals.outward[portal]),
        )

    def _round_a_corner(self) -> BentPaths:
        """Return the paths that bend at a waypoint to a receiver on a landing that it sees."""
        waypoints_m = self.scene.waypoints_m
        in_the_open = np.flatnonzero(self.place == _INDOORS_OPEN)
        seen = self._seen(waypoints_m, self.receivers_m[in_the_open])
        way, column = _by_column(seen)
        hop_m = self.receivers_m[in_the_open[column]] - waypoints_m[way]
        lead_m = waypoints_m[None, :, :] - self.access_points_m[:, None, :]
        return BentPaths(
            lead=self.crossings(self.access_points_m, waypoints_m),
            lead_m=norm(lead_m),
            hinge=way,
            receiver=in_the_open[column],
            onward_m=norm(hop_m),
            waypoint_bend_deg=_bends_deg(lead_m, hop_m, hinge=way),
            portal_bend_deg=np.zeros((1, len(way)), dtype=np.float32),
            fabric=np.zeros(len(way), dtype=np.int64),
            cosine=np.ones((1, len(way)), dtype=np.float32),
        )

    def _seen(self, origins_m: Floats, targets_m: Floats) -> NDArray[np.bool_]:
        """Return whether nothing stands between each origin and each target, (m, n)."""
        counts = self.crossings(origins_m, targets_m).counts()
        seen: NDArray[np.bool_] = counts.reshape(len(origins_m), len(targets_m)) == 0
        return seen


def _places(scene: Scene, receivers_m: Floats) -> Ints:
    """Return for each receiver its room, or that it is on a landing or outdoors.

    One within a wall, where no space is, counts into the nearest space; of equals into a landing.
    """
    places = np.full(len(receivers_m), _OUTDOORS, dtype=np.int64)
    floor = np.floor(receivers_m[:, 2] / scene.storey_height_m).astype(np.int64)
    points = shapely.points(receivers_m[:, :2])
    nearest_m = np.full(len(receivers_m), _half_wall_m(scene))
    spaces = [
        *((space, _INDOORS_OPEN) for space in scene.open_spaces),
        *((room, index) for index, room in enumerate(scene.rooms)),
    ]
    for space, place in spaces:
        here = np.flatnonzero(floor == space.floor)
        distance_m = shapely.distance(shapely.Polygon(space.outline), points[here])
        nearer = here[distance_m < nearest_m[here]]
        places[nearer] = place
        nearest_m[nearer] = distance_m[distance_m < nearest_m[here]]
    return places


def _half_wall_m(scene: Scene) -> float:
    """Return half of the thickest wall, and a millimetre for rounding."""
    return max((fabric.thickness_mm for fabric in scene.fabrics), default=0.0) / 2000 + 1e-3


def _by_column(allowed: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return (row, column) of every true cell, column by column."""
    column, row = np.nonzero(allowed.T)
    return row, column


def _bends_deg(leads_m: Floats, onwards_m: Floats, *, hinge: Ints) -> Singles:
    """Return how far each lead (m, h, 3) turns into each way onwards (p, 3), (m, p).

    A leg of no length turns nothing.
    """
    # Single precision turns by no more than 0.03 degrees, and there are millions of turns.
    before, after = (_directions(legs_m).astype(np.float32) for legs_m in (leads_m, onwards_m))
    bends_deg = np.empty((len(leads_m), len(onwards_m)), dtype=np.float32)
    moving = np.any(after, axis=1)
    for row, directions in enumerate(before):
        cosine = np.clip(np.einsum("pi,pi->p", directions[hinge], after), -1.0, 1.0)
        bends_deg[row] = np.degrees(np.arccos(cosine))
        bends_deg[row, ~(np.any(directions, axis=1)[hinge] & moving)] = 0.0
    return bends_deg


def _directions(vectors: Floats) -> Floats:
    """Return the vectors (…, 3) at unit length; one of no length stays nought."""
    lengths = norm(vectors)[..., None]
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def _cosine(legs_m: Floats, outward: Floats) -> Singles:
    """Return the cosine between legs (m, p, 3) and the normals (p, 2) of upright walls."""
    cosine: Floats = np.abs(np.einsum("mpi,pi->mp", _directions(legs_m)[..., :2], outward))
    return cosine.astype(np.float32)

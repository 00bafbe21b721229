"""Every path a signal may take in a scene: geometry alone, so that one trace serves every band.

Two kinds of path count. The direct one runs straight through whatever stands in its way. A bent
one runs along landings and atria and enters at a portal (a door, or a point of the front wall);
it bends at most twice, at a waypoint and at the portal, as in the dominant-path models.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from estate.radio.barriers import Crossings, Legs, crossings, norm
from estate.radio.fabric import Floats, Ints
from estate.radio.scene import Scene

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
    return Ways(scene=scene, receivers_m=receivers_m).trace(access_points_m)


@dataclass(frozen=True, kw_only=True, eq=False)
class Ways:
    """The ways to receivers (n, 3), whatever access point they are taken from.

    Where access points are traced some at a time, these are found once.
    """

    scene: Scene
    receivers_m: Floats

    def trace(self, access_points_m: Floats) -> Paths:
        """Return the paths from access points (m, 3)."""
        distance_m = norm(self.receivers_m[None, :, :] - access_points_m[:, None, :])
        families = (family.taken_from(access_points_m, self.scene) for family in self._families)
        return Paths(
            scene=self.scene,
            access_points_m=access_points_m,
            receivers_m=self.receivers_m,
            direct=_crossings(self.scene, access_points_m, self.receivers_m),
            distance_m=np.maximum(distance_m, _NEAR_M),
            in_a_room=_places(self.scene, access_points_m) >= 0,
            bent=tuple(families),
        )

    @cached_property
    def _families(self) -> tuple[_Family, ...]:
        """Return the kinds of bent path that there are any of."""
        portals = self.scene.portals
        into = self._into_rooms()
        families = (
            self._straight_to_portal(*into, ends_m=portals.outer_m),
            self._by_waypoint(*into),
            self._round_a_corner(),
            self._straight_to_portal(*self._outdoors(), ends_m=portals.inner_m),
        )
        return tuple(family for family in families if family.hinge.size)

    @cached_property
    def _place(self) -> Ints:
        """Return where each receiver is: a room's position, in the open or outdoors."""
        return _places(self.scene, self.receivers_m)

    def _into_rooms(self) -> tuple[Ints, Ints]:
        """Return (portal, receiver) for each portal of the room that each receiver is in."""
        portals = self.scene.portals
        into = portals.room[:, None] == self._place[None, :]
        return _by_column(into & ~portals.external[:, None])

    def _outdoors(self) -> tuple[Ints, Ints]:
        """Return (portal, receiver) where a receiver outdoors sees the outside of a wall."""
        outdoors = np.flatnonzero(self._place == _OUTDOORS)
        external = np.flatnonzero(self.scene.portals.external)
        outer_m = self.scene.portals.outer_m[external]
        portal, receiver = _by_column(self._seen(outer_m, self.receivers_m[outdoors]))
        return external[portal], outdoors[receiver]

    def _straight_to_portal(self, portal: Ints, receiver: Ints, *, ends_m: Floats) -> _AtPortals:
        """Return the paths that bend only at a portal, after a leg that ends at its near side."""
        portals = self.scene.portals
        starts_m = portals.inner_m + portals.outer_m - ends_m
        used, hinge = np.unique(portal, return_inverse=True)
        tail_m = self.receivers_m[receiver] - starts_m[portal]
        return _AtPortals(
            hinges_m=ends_m[used],
            hinge=hinge,
            receiver=receiver,
            onward_m=norm(starts_m - ends_m)[portal] + norm(tail_m),
            next_m=tail_m,
            outward=portals.outward[used],
            fabric=portals.fabric[portal],
        )

    def _by_waypoint(self, portal: Ints, receiver: Ints) -> _AtWaypoints:
        """Return the paths that bend at a waypoint and at a portal that it sees."""
        portals, waypoints_m = self.scene.portals, self.scene.waypoints_m
        used, position = np.unique(portal, return_inverse=True)
        seen = self._seen(waypoints_m, portals.outer_m[used])
        way, column = _by_column(seen[:, position])
        portal, receiver = portal[column], receiver[column]
        hop_m = portals.outer_m[portal] - waypoints_m[way]
        tail_m = self.receivers_m[receiver] - portals.inner_m[portal]
        through_m = norm(portals.inner_m - portals.outer_m)[portal]
        return _AtWaypoints(
            hinges_m=waypoints_m,
            hinge=way,
            receiver=receiver,
            onward_m=norm(hop_m) + through_m + norm(tail_m),
            next_m=hop_m,
            portal_bend_deg=_bends_deg(hop_m[None, :, :], tail_m, hinge=np.arange(len(way))),
            fabric=portals.fabric[portal],
            cosine=_cosine(hop_m[None, :, :], portals.outward[portal]),
        )

    def _round_a_corner(self) -> _AtWaypoints:
        """Return the paths that bend at a waypoint to a receiver on a landing that it sees."""
        waypoints_m = self.scene.waypoints_m
        in_the_open = np.flatnonzero(self._place == _INDOORS_OPEN)
        seen = self._seen(waypoints_m, self.receivers_m[in_the_open])
        way, column = _by_column(seen)
        hop_m = self.receivers_m[in_the_open[column]] - waypoints_m[way]
        return _AtWaypoints(
            hinges_m=waypoints_m,
            hinge=way,
            receiver=in_the_open[column],
            onward_m=norm(hop_m),
            next_m=hop_m,
            portal_bend_deg=np.zeros((1, len(way)), dtype=np.float32),
            fabric=np.zeros(len(way), dtype=np.int64),
            cosine=np.ones((1, len(way)), dtype=np.float32),
        )

    def _seen(self, origins_m: Floats, targets_m: Floats) -> NDArray[np.bool_]:
        """Return whether nothing stands between each origin and each target, (m, n)."""
        counts = _crossings(self.scene, origins_m, targets_m).counts()
        seen: NDArray[np.bool_] = counts.reshape(len(origins_m), len(targets_m)) == 0
        return seen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Family(ABC):
    """Ways onwards from hinges (h, 3), at which every lead from an access point bends.

    `next_m` (p, 3) is the leg after that bend; the rest is as in `BentPaths`.
    """

    hinges_m: Floats
    hinge: Ints
    receiver: Ints
    onward_m: Floats
    next_m: Floats
    fabric: Ints

    def taken_from(self, access_points_m: Floats, scene: Scene) -> BentPaths:
        """Return the paths from access points (m, 3)."""
        lead_m = self.hinges_m[None, :, :] - access_points_m[:, None, :]
        bend_deg = _bends_deg(lead_m, self.next_m, hinge=self.hinge)
        waypoint_bend_deg, portal_bend_deg, cosine = self._turns(lead_m, bend_deg)
        return BentPaths(
            lead=_crossings(scene, access_points_m, self.hinges_m),
            lead_m=norm(lead_m),
            hinge=self.hinge,
            receiver=self.receiver,
            onward_m=self.onward_m,
            waypoint_bend_deg=waypoint_bend_deg,
            portal_bend_deg=portal_bend_deg,
            fabric=self.fabric,
            cosine=cosine,
        )

    @abstractmethod
    def _turns(self, lead_m: Floats, bend_deg: Singles) -> tuple[Singles, Singles, Singles]:
        """Return the bends at waypoints and at portals, and the cosines at the portals' walls."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _AtPortals(_Family):
    """Ways that bend only at the portals where they begin, in walls with normals (h, 2)."""

    outward: Floats

    def _turns(self, lead_m: Floats, bend_deg: Singles) -> tuple[Singles, Singles, Singles]:
        straight = np.zeros((1, len(self.hinge)), dtype=np.float32)
        return straight, bend_deg, _cosine(lead_m, self.outward)[:, self.hinge]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _AtWaypoints(_Family):
    """Ways that begin with a bend at waypoints; what portals beyond do is the same for all."""

    portal_bend_deg: Singles
    cosine: Singles

    def _turns(self, lead_m: Floats, bend_deg: Singles) -> tuple[Singles, Singles, Singles]:  # noqa: ARG002 - the family's signature
        return bend_deg, self.portal_bend_deg, self.cosine


def _crossings(scene: Scene, origins_m: Floats, targets_m: Floats) -> Crossings:
    """Return what the legs from each origin to each target cross."""
    return crossings(scene.barriers, scene.levels, Legs.between_all(origins_m, targets_m))


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

"""What the access points of a wing let out: the signal that a person hears along the perimeter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import shapely

from estate.model import Grade, Perimeter, Point
from estate.radio.cases import band_use, cases_of
from estate.radio.fabric import Fabric
from estate.radio.paths import trace
from estate.radio.propagation import path_loss_db
from estate.radio.scene import scene_of
from estate.radio.serving import positions_m

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estate.catalogue import Assumptions
    from estate.model import Network
    from estate.radio.candidates import Candidate
    from estate.radio.fabric import Floats
    from estate.radio.scene import Scene

# Below this a telephone finds no network to ask for; its own noise floor is near -95 dBm.
AUDIBLE_DBM = -85.0

LEAKAGE_RULE = (
    "What is heard outside of a wing is of its own access points alone, and that of a prison the "
    "sum of the power of all its wings, where a survey draws its perimeter; without one it is not "
    "known. Nothing stands between a wing and the perimeter, not even another wing, and there is "
    "no shadowing. Windows are not drawn: the cautious figure gives the outer wall of every cell "
    "some, and takes the kind end of every range."
)

_WINDOW = Fabric("glass", 6.0)

_EVERY_M = 5.0
_HAND_HEIGHT_M = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Leakage:
    """What is heard along a perimeter of the access points of one wing or more, 5 m apart.

    `likely_dbm` and `cautious_dbm` go with `at_m`. `audible_m` is how much of the perimeter, in
    metres, hears more than -85 dBm in the likely case.
    """

    perimeter: Perimeter
    at_m: tuple[Point, ...]
    likely_dbm: tuple[float, ...]
    cautious_dbm: tuple[float, ...]

    @property
    def strongest_dbm(self) -> float:
        """Return the most that is heard anywhere, in the likely case."""
        return max(self.likely_dbm)

    @property
    def audible_m(self) -> float:
        """Return how much of the perimeter hears a network, in the likely case."""
        length_m = float(shapely.LinearRing(self.perimeter.line).length)
        heard = sum(level > AUDIBLE_DBM for level in self.likely_dbm)
        return length_m * heard / len(self.likely_dbm)


def assumed_perimeter(network: Network, *, distance_m: float) -> Perimeter:
    """Return a line so far outside the outermost spaces of a wing: nobody has drawn the real one.

    Raises
    ------
    ValueError
        When the network has no space.
    """
    if not network.spaces:
        raise ValueError("a network without spaces has no outside")
    corners = [point for space in network.spaces for point in space.outline]
    hull = shapely.MultiPoint(corners).convex_hull
    ring = shapely.buffer(hull, distance_m, quad_segs=4).exterior
    return Perimeter(
        line=tuple((round(x, 3), round(y, 3)) for x, y in ring.coords[:-1]),
        grade=Grade.ASSUMED,
        source=f"assumed: {distance_m:g} m round the wing",
    )


def leakage_of(
    network: Network,
    places: Sequence[Candidate],
    *,
    storey_height_m: float,
    assumptions: Assumptions,
) -> Leakage:
    """Return what is heard of one wing's access points along the perimeter, drawn or assumed.

    Paths go straight out, or out through a wall and round it. Other wings add to it: `together`.
    """
    line = network.perimeter or assumed_perimeter(
        network, distance_m=assumptions["radio_perimeter_m"].likely
    )
    at_m = _walked(line.line)
    scene = scene_of(network, storey_height_m=storey_height_m)
    use = band_use(assumptions)
    cases = cases_of(assumptions, use)
    likely_dbm, cautious_dbm = (
        _together_dbm(
            min(case.radio.access_point.eirp_dbm, use.eirp_dbm_max)
            - path_loss_db(
                trace(
                    built,
                    access_points_m=positions_m(places, storey_height_m),
                    receivers_m=np.column_stack([at_m, np.full(len(at_m), _HAND_HEIGHT_M)]),
                ),
                frequency_ghz=use.frequency_ghz,
                propagation=case.propagation,
            ).total_db
        )
        for built, case in ((scene, cases["likely"]), (_with_windows(scene), cases["best"]))
    )
    return Leakage(
        perimeter=line,
        at_m=tuple((round(x, 3), round(y, 3)) for x, y in at_m.tolist()),
        likely_dbm=likely_dbm,
        cautious_dbm=cautious_dbm,
    )


def together(found: Sequence[Leakage]) -> Leakage:
    """Return what is heard of several wings along one perimeter: the sum of their power.

    Raises
    ------
    ValueError
        When there is none, or they were not computed at the same points.
    """
    if len({each.at_m for each in found}) != 1:
        raise ValueError("only what is heard at the same points adds up")
    return replace(
        found[0],
        likely_dbm=_together_dbm(np.array([each.likely_dbm for each in found])),
        cautious_dbm=_together_dbm(np.array([each.cautious_dbm for each in found])),
    )


def _with_windows(scene: Scene) -> Scene:
    """Return the scene with glass wherever a bent path leaves a cell through an outer wall."""
    portals = scene.portals
    of_a_cell = np.array([room.kind == "cell" for room in scene.rooms], dtype=bool)
    outwards = portals.external & of_a_cell[portals.room]
    fabric = np.where(outwards, len(scene.fabrics), portals.fabric)
    return replace(
        scene, fabrics=(*scene.fabrics, _WINDOW), portals=replace(portals, fabric=fabric)
    )


def _together_dbm(signal_dbm: Floats) -> tuple[float, ...]:
    """Return what arrives at each place (n,) from all senders (m, n), to a tenth of a decibel."""
    powers_mw = (10 ** (signal_dbm / 10)).sum(axis=0)
    decibels = 10 * np.log10(np.maximum(powers_mw, 1e-30))
    return tuple(np.round(decibels, 1).tolist())


def _walked(line: Sequence[Point]) -> Floats:
    """Return points along a closed line, at most 5 m apart."""
    ring = shapely.LinearRing(line)
    steps = max(1, ceil(ring.length / _EVERY_M))
    shares = np.arange(steps) / steps
    points = shapely.line_interpolate_point(ring, shares, normalized=True)
    at_m: Floats = shapely.get_coordinates(points)
    return at_m

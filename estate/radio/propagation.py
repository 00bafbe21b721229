"""The loss from each access point to each receiver: direct and dominant path, their powers added.

The direct path alone is right behind one wall and far too pessimistic behind three; energy goes
along the landing and in through the front wall. The dominant path finds that way. Diffraction,
furniture, ducts and rebar are left out: what they do is the business of calibration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING, Any

import numpy as np

from estate.estimate import Estimate
from estate.radio.fabric import Floats, LossTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from estate.radio.paths import BentPaths, Paths

_LIGHT_M_PER_S = 299_792_458.0

# Published figures for steel doors: 6-12, 12 and 25-30 dB, all secondary. The middle is assumed.
DOOR_LOSS_DB = Estimate(6, 15, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Propagation:
    """What geometry does not settle.

    `waypoint_bend_db` and `portal_bend_db` are the loss of a turn of 90 degrees, in proportion
    for others; 2 and 45 were chosen with five ray-traced scenes of one wing in sight, and judged
    on six others (benchmarks/radio.py). `wall_extra_db` is what measurement adds to (or takes from)
    every wall of a material.
    """

    door_loss_db: float = DOOR_LOSS_DB.likely
    waypoint_bend_db: float = 2.0
    portal_bend_db: float = 45.0
    wall_extra_db: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathLoss:
    """The loss from each of m access points to each of n receivers, (m, n).

    `dominant_db` is infinite where no way leads round: `total_db` is then the direct path's.
    """

    direct_db: Floats
    dominant_db: Floats

    @property
    def total_db(self) -> Floats:
        """Return the loss of both paths together: their powers add up."""
        return -_power_db(10 ** (-self.direct_db / 10) + 10 ** (-self.dominant_db / 10))


def path_loss_db(
    paths: Paths, *, frequency_ghz: float, propagation: Propagation | None = None
) -> PathLoss:
    """Return the losses of traced paths in one band.

    Raises
    ------
    InputError
        When a wall is of a material without radio constants.
    """
    chosen = propagation or Propagation()
    table = LossTable.of(
        paths.scene.fabrics,
        frequency_ghz=frequency_ghz,
        door_loss_db=chosen.door_loss_db,
        extra_db=chosen.wall_extra_db or {},
    )
    direct_db = free_space_losses_db(paths.distance_m, frequency_ghz=frequency_ghz)
    direct_db += paths.direct.losses_db(table).reshape(direct_db.shape)
    dominant_db = np.full(paths.distance_m.shape, np.inf)
    # What turns just outside its own room turns at a portal: reciprocity.
    turn_db = np.where(paths.in_a_room, chosen.portal_bend_db, chosen.waypoint_bend_db)
    pricing = _Pricing(
        table=table, frequency_ghz=frequency_ghz, portal_db=chosen.portal_bend_db, turn_db=turn_db
    )
    for family in paths.bent:
        pricing.lower(dominant_db, family)
    return PathLoss(direct_db=direct_db, dominant_db=dominant_db)


def free_space_losses_db(distance_m: Floats, *, frequency_ghz: float) -> Floats:
    """Return the free-space loss 20 log10(4 pi d f / c) at each distance."""
    losses_db: Floats = 20 * np.log10(4 * pi * distance_m * frequency_ghz * 1e9 / _LIGHT_M_PER_S)
    return losses_db


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pricing:
    """What bent paths cost in one band: turns in dB per 90 degrees, `turn_db` (m,) at waypoints."""

    table: LossTable
    frequency_ghz: float
    portal_db: float
    turn_db: Floats

    def lower(self, dominant_db: Floats, family: BentPaths) -> None:
        """Lower the dominant loss of each receiver to the best way of a family."""
        receivers, starts = np.unique(family.receiver, return_index=True)
        lead_db = family.lead.losses_db(self.table).reshape(family.lead_m.shape)
        portal_db = self._at_portal_db(family)
        # Row by row: one access point's ways stay in the cache.
        for row, lead_m in enumerate(family.lead_m):
            length_m = lead_m[family.hinge] + family.onward_m
            loss_db = free_space_losses_db(length_m, frequency_ghz=self.frequency_ghz)
            loss_db += lead_db[row, family.hinge]
            loss_db += _row(portal_db, row)
            loss_db += self.turn_db[row] / 90 * _row(family.waypoint_bend_deg, row)
            best_db = np.minimum.reduceat(loss_db, starts)
            dominant_db[row, receivers] = np.minimum(dominant_db[row, receivers], best_db)

    def _at_portal_db(self, family: BentPaths) -> Floats:
        """Return what passing and turning at the portal costs, (m, p) or one row for all."""
        fabric = np.broadcast_to(family.fabric, family.cosine.shape)
        wall_db = self.table.losses_db(fabric, cosine=family.cosine)
        return wall_db + self.portal_db / 90 * family.portal_bend_deg


def _row(table: NDArray[np.floating[Any]], row: int) -> NDArray[np.floating[Any]]:
    """Return a row of a table, whose only row holds for all."""
    chosen: NDArray[np.floating[Any]] = table[row if len(table) > 1 else 0]
    return chosen


def _power_db(power: Floats) -> Floats:
    # Where nothing arrives at all the loss is 3,000 dB rather than infinite.
    decibels: Floats = 10 * np.log10(np.maximum(power, 1e-300))
    return decibels

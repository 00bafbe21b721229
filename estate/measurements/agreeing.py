"""Whether measured signal bears out what a plan rests on, and where it is not enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from estate.measurements.placing import band
from estate.radio.calibration import Offset
from estate.radio.cases import band_use, cases_of
from estate.radio.coverage import coverage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estate.catalogue import Assumptions
    from estate.measurements.buildings import Building
    from estate.measurements.placing import Placed
    from estate.radio.calibration import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was measured of access points whose power is stated, beside what a plan predicts.

    `offset` is from what the next plan assumes, the fit in it where it is used. `cells` were
    measured in the plan's band, and `below` of them have less than `target_dbm` in the weaker
    direction at the plan's powers, from the best access point that was read there.
    """

    access_points: int
    offset: Offset
    margin_db: float
    cells: int
    below: int
    target_dbm: float

    @property
    def disagrees(self) -> bool:
        """Return whether signal is further off throughout than the margin of a design allows."""
        return abs(self.offset.mean_db) > self.margin_db

    @property
    def below_words(self) -> str:
        """Return how many cells are below their target, "" where none was measured in the band."""
        if not self.cells:
            return ""
        verb = "is" if self.below == 1 else "are"
        return (
            f"{self.below:,} of {self.cells:,} measured cells {verb} below their target of "
            f"{self.target_dbm:g} dBm"
        )


def agreement_of(
    placed: Placed,
    buildings: Mapping[str, Building],
    offset: Offset | None,
    *,
    assumptions: Assumptions,
) -> Agreement | None:
    """Return how readings agree with a plan, None where no access point's power is stated.

    What a level is where nobody states the power says nothing: it may be the power's own.
    """
    if offset is None:
        return None
    known = [
        reading
        for reading in placed.measurements
        if placed.senders[reading.access_point].eirp_dbm is not None
        and placed.senders[reading.access_point].building == reading.building
    ]
    best_dbm = _best_dbm(known, placed, buildings, assumptions)
    target_dbm = assumptions["radio_target_dbm"].likely
    return Agreement(
        access_points=len({reading.access_point for reading in known}),
        offset=offset,
        margin_db=assumptions["radio_margin_db"].likely,
        cells=len(best_dbm),
        below=sum(signal_dbm < target_dbm for signal_dbm in best_dbm.values()),
        target_dbm=target_dbm,
    )


def _best_dbm(
    known: list[Measurement],
    placed: Placed,
    buildings: Mapping[str, Building],
    assumptions: Assumptions,
) -> dict[str, float]:
    """Return the best signal of each measured cell, weaker direction, at the plan's powers.

    The measured loss is what was radiated less what arrived. It holds what shadowing there is, so
    the margin that a prediction keeps for that is not taken off.
    """
    use = band_use(assumptions)
    radio = cases_of(assumptions, use)["likely"].radio
    best_dbm: dict[str, float] = {}
    for reading in known:
        power_dbm = placed.senders[reading.access_point].eirp_dbm
        cell = _cell_at(buildings[reading.building], reading)
        if not cell or power_dbm is None or band(reading.frequency_ghz) != band(use.frequency_ghz):
            continue
        loss_db = np.array([[power_dbm - reading.signal_dbm]])
        signal_dbm = float(coverage(loss_db, radio).signal_dbm[0, 0])
        best_dbm[cell] = max(signal_dbm, best_dbm.get(cell, signal_dbm))
    return best_dbm


def _cell_at(building: Building, reading: Measurement) -> str:
    """Return the key of the cell in which a reading was taken, "" for elsewhere."""
    x_m, y_m, z_m = reading.at_m
    floor, at = int(z_m // building.storey_height_m), shapely.Point(x_m, y_m)
    return next(
        (
            key
            for key, cell in building.cells.items()
            if cell.floor == floor and shapely.Polygon(cell.outline).covers(at)
        ),
        "",
    )

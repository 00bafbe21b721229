"""Measured signal → door, wall and bend losses that fit the site, or a path exponent.

Half of the positions are fitted; the other half says what the fit is worth. Where the geometry
is known the parameters are those of propagation; where only distance and line of sight are, they
are the exponents of the distance. The result is an assumption with a date, like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from estate.errors import InputError
from estate.estimate import Estimate
from estate.radio.fabric import DOOR, OPENING, Floats
from estate.radio.fitting import Fitted, Parameter, fit, rmse
from estate.radio.paths import trace
from estate.radio.propagation import (
    DOOR_LOSS_DB,
    Propagation,
    free_space_losses_db,
    path_loss_db,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from estate.radio.fitting import Model
    from estate.radio.scene import Scene

Place = tuple[float, float, float]

# What the device reads off, and what is not known of the access point's power: a telephone's
# reading is commonly 5 to 10 dB low, and few data sets say what was radiated.
OFFSET = Parameter(name="offset_db", unit="dB", prior=Estimate(-35, 0, 10))

# Concrete of 200 mm is reported at 16 to 55 dB where the slab formula has 26.5; others likewise.
WALL_EXTRA_DB = Estimate(-10, 0, 25)

_DOOR = Parameter(name="door_loss_db", unit="dB", prior=DOOR_LOSS_DB)
_BENDS = (
    Parameter(name="waypoint_bend_db", unit="dB per 90 degrees", prior=Estimate(0, 2, 20)),
    Parameter(name="portal_bend_db", unit="dB per 90 degrees", prior=Estimate(10, 45, 60)),
)
_WALL = "wall_extra_db."
_EXPONENTS = (
    Parameter(name="exponent_in_sight", unit="", prior=Estimate(1.2, 2.0, 3.0)),
    Parameter(name="exponent_out_of_sight", unit="", prior=Estimate(1.5, 2.5, 5.0)),
    Parameter(name="out_of_sight_db", unit="dB", prior=Estimate(-5, 5, 20)),
    OFFSET,
)
_DISTANCE_M_MIN = 0.5  # Nearer, a person's own arm decides.
_POSITIONS_MIN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One reading: which access point, where in metres, and what arrived.

    `in_sight` is None where nobody noted it; it is needed only where the geometry is not known.
    """

    access_point: str
    at_m: Place
    frequency_ghz: float
    signal_dbm: float
    in_sight: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """An access point as it was when the readings were taken."""

    at_m: Place
    eirp_dbm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A fit with its date: an assumption that readings support.

    The errors are those of the half of the positions that the fit never saw, with the priors and
    with the fitted values; each position counts once per access point, by the mean in dBm.
    """

    dated: str
    source: str
    positions: int
    fitted: tuple[Fitted, ...]
    rmse_db_before: float
    rmse_db_after: float

    def __getitem__(self, name: str) -> float:
        return next(each.value for each in self.fitted if each.parameter.name == name)

    @property
    def unsettled(self) -> tuple[str, ...]:
        """Return the parameters that the readings do not settle: they stand at their priors."""
        return tuple(each.parameter.name for each in self.fitted if each.standard_error is None)

    @property
    def propagation(self) -> Propagation:
        """Return the fitted propagation, for a fit that knew the geometry."""
        return _propagation({each.parameter.name: each.value for each in self.fitted})


def calibrate(
    measurements: Iterable[Measurement],
    senders: Mapping[str, Sender],
    *,
    scene: Scene | None = None,
    dated: str,
    source: str,
) -> Calibration:
    """Return the parameters that fit half of the positions, judged on the other half.

    Positions are taken in the order of their coordinates, every second one for the fit.

    Raises
    ------
    InputError
        When a reading names an unknown access point, fewer than 8 positions were measured, or
        neither the geometry nor the line of sight is known.
    """
    readings = _averaged(measurements, senders, sight_needed=scene is None)
    positions = sorted({reading.at_m for reading in readings})
    if len(positions) < _POSITIONS_MIN:
        raise InputError(
            f"there are readings at {len(positions)} positions",
            hint=f"measure at {_POSITIONS_MIN} or more, so that half of them can judge the fit",
        )
    fitting = set(positions[::2])
    seen = [reading for reading in readings if reading.at_m in fitting]
    held_out = [reading for reading in readings if reading.at_m not in fitting]
    parameters = _EXPONENTS if scene is None else _parameters(scene)
    fitted = fit(_model(seen, senders, scene), _signals_dbm(seen), parameters)
    judge, measured_dbm = _model(held_out, senders, scene), _signals_dbm(held_out)
    priors = np.array([parameter.prior.likely for parameter in parameters])
    values = np.array([each.value for each in fitted])
    return Calibration(
        dated=dated,
        source=source,
        positions=len(positions),
        fitted=fitted,
        rmse_db_before=rmse(judge(priors), measured_dbm),
        rmse_db_after=rmse(judge(values), measured_dbm),
    )


def _averaged(
    measurements: Iterable[Measurement],
    senders: Mapping[str, Sender],
    *,
    sight_needed: bool,
) -> list[Measurement]:
    """Return one reading per access point, position and frequency, in that order."""
    groups: dict[tuple[str, Place, float], list[Measurement]] = {}
    for reading in measurements:
        if reading.access_point not in senders:
            what = f"a reading names the access point {reading.access_point!r}"
            raise InputError(what, hint=f"known are {', '.join(sorted(senders))}")
        if sight_needed and reading.in_sight is None:
            what = f"a reading at {reading.at_m} does not say whether it was in line of sight"
            raise InputError(what, hint="give the line of sight, or survey the walls")
        key = (reading.access_point, reading.at_m, reading.frequency_ghz)
        groups.setdefault(key, []).append(reading)
    return [
        Measurement(
            access_point=name,
            at_m=at_m,
            frequency_ghz=frequency_ghz,
            signal_dbm=float(np.mean([reading.signal_dbm for reading in group])),
            in_sight=group[0].in_sight,
        )
        for (name, at_m, frequency_ghz), group in sorted(groups.items())
    ]


def _parameters(scene: Scene) -> tuple[Parameter, ...]:
    materials = sorted({fabric.material for fabric in scene.fabrics} - {DOOR, OPENING})
    walls = (
        Parameter(name=f"{_WALL}{material}", unit="dB", prior=WALL_EXTRA_DB)
        for material in materials
    )
    return (_DOOR, *walls, *_BENDS, OFFSET)


def _propagation(values: Mapping[str, float]) -> Propagation:
    return Propagation(
        door_loss_db=values[_DOOR.name],
        waypoint_bend_db=values["waypoint_bend_db"],
        portal_bend_db=values["portal_bend_db"],
        wall_extra_db={
            name.removeprefix(_WALL): value
            for name, value in values.items()
            if name.startswith(_WALL)
        },
    )


def _model(
    readings: Sequence[Measurement], senders: Mapping[str, Sender], scene: Scene | None
) -> Model:
    """Return the function from parameter values to the signal of each reading."""
    if scene is None:
        return _distance_model(readings, senders)
    return _scene_model(readings, senders, scene)


def _distance_model(readings: Sequence[Measurement], senders: Mapping[str, Sender]) -> Model:
    """Return EIRP - (free space at 1 m + 10 n log10 d), n and a step by line of sight."""
    distance_m = np.array(
        [np.linalg.norm(np.subtract(r.at_m, senders[r.access_point].at_m)) for r in readings]
    )
    decades_db = 10 * np.log10(np.maximum(distance_m, _DISTANCE_M_MIN))
    at_1_m_dbm = _eirps_dbm(readings, senders) - np.array(
        [free_space_losses_db(np.ones(1), frequency_ghz=r.frequency_ghz)[0] for r in readings]
    )
    in_sight = np.array([bool(reading.in_sight) for reading in readings])

    def predicted_dbm(values: Floats) -> Floats:
        exponent_in_sight, exponent_out_of_sight, out_of_sight_db, offset_db = values
        exponent = np.where(in_sight, exponent_in_sight, exponent_out_of_sight)
        step_db = np.where(in_sight, 0.0, out_of_sight_db)
        signal_dbm: Floats = at_1_m_dbm + offset_db - exponent * decades_db - step_db
        return signal_dbm

    return predicted_dbm


def _scene_model(
    readings: Sequence[Measurement], senders: Mapping[str, Sender], scene: Scene
) -> Model:
    """Return EIRP - path loss through the scene, traced once."""
    names = sorted({reading.access_point for reading in readings})
    places = sorted({reading.at_m for reading in readings})
    paths = trace(
        scene,
        access_points_m=np.array([senders[name].at_m for name in names], dtype=float),
        receivers_m=np.array(places, dtype=float),
    )
    name_at = {name: index for index, name in enumerate(names)}
    place_at = {place: index for index, place in enumerate(places)}
    row = np.array([name_at[reading.access_point] for reading in readings])
    column = np.array([place_at[reading.at_m] for reading in readings])
    frequency_ghz = np.array([reading.frequency_ghz for reading in readings])
    eirp_dbm = _eirps_dbm(readings, senders)
    parameters = [parameter.name for parameter in _parameters(scene)]

    def predicted_dbm(values: Floats) -> Floats:
        named = dict(zip(parameters, map(float, values), strict=True))
        propagation = _propagation(named)
        signal_dbm = eirp_dbm + named[OFFSET.name]
        for band_ghz in np.unique(frequency_ghz):
            losses = path_loss_db(paths, frequency_ghz=float(band_ghz), propagation=propagation)
            here = frequency_ghz == band_ghz
            signal_dbm[here] -= losses.total_db[row[here], column[here]]
        return signal_dbm

    return predicted_dbm


def _eirps_dbm(readings: Sequence[Measurement], senders: Mapping[str, Sender]) -> Floats:
    return np.array([senders[reading.access_point].eirp_dbm for reading in readings])


def _signals_dbm(readings: Sequence[Measurement]) -> Floats:
    return np.array([reading.signal_dbm for reading in readings])

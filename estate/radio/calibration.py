"""Measured signal → door, wall and bend losses that fit the site, or a path exponent.

Half of the positions are fitted; the other half says what the fit is worth. Where the geometry
is known the parameters are those of propagation, by the names of the assumptions that they take
the place of; where only distance and line of sight are, they are the exponents of the distance.

What an access point radiates is rarely known, and a device reads some decibels low: the level of
each access point of unknown power is fitted with the rest, and one level for all whose power is
known. A level says nothing of walls and is used by no plan. Where the power is known, it is also
how far signal falls short of what is predicted: that is told as an offset, which knows no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from estate.errors import InputError
from estate.estimate import Estimate
from estate.radio.fabric import DOOR, OPENING, Floats, Ints
from estate.radio.fitting import Fitted, Model, Parameter, fit, rmse
from estate.radio.paths import Paths, trace
from estate.radio.propagation import Propagation, free_space_losses_db, path_loss_db

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estate.radio.scene import Scene

Place = tuple[float, float, float]

DOOR_KEY = "radio_door_loss_db"
WALL_KEY = "radio_wall_extra_db."
WAYPOINT_KEY, PORTAL_KEY = "radio_waypoint_bend_db", "radio_portal_bend_db"

# What is radiated where nobody says it: a level makes good what this is wrong by.
UNKNOWN_EIRP_DBM = 20.0

# How far a level may be from what is stated or assumed of the power. A telephone's reading is
# commonly 5 to 10 dB low.
_KNOWN_LEVEL_DB, _UNKNOWN_LEVEL_DB = (-15.0, 5.0), (-40.0, 15.0)
_KNOWN = ""  # Name of the level that access points of known power share.

# A material without a range of its own, such as glass.
_WALL_DB = Estimate(-10, 0, 25)
_BEND_UNITS = "dB per 90 degrees"
_EXPONENTS = (
    Parameter(name="exponent_in_sight", unit="", prior=Estimate(1.2, 2.0, 3.0)),
    Parameter(name="exponent_out_of_sight", unit="", prior=Estimate(1.5, 2.5, 5.0)),
    Parameter(name="exponent_sight_unknown", unit="", prior=Estimate(1.2, 2.3, 5.0)),
    Parameter(name="out_of_sight_db", unit="dB", prior=Estimate(-5, 5, 20)),
)
_DISTANCE_M_MIN = 0.5  # Nearer, a person's own arm decides.
_POSITIONS_MIN = 8
_STANDARD_ERRORS = 2  # About 95 % of what the readings allow.
_HELP_DB_MIN = 0.1  # Less is luck: devices read whole decibels.


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One reading: which access point, where in metres, and what arrived.

    `in_sight` is None where nobody noted it, and is used only where the geometry is not known.
    `building` names the scene whose metres these are.
    """

    access_point: str
    at_m: Place
    frequency_ghz: float
    signal_dbm: float
    in_sight: bool | None = None
    building: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """An access point as it was when the readings were taken; `eirp_dbm` None is not known."""

    at_m: Place
    eirp_dbm: float | None
    building: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """How much more signal was measured than is predicted, where the power is known.

    `mean_db` is below 0 where less arrives; `spread_db` is the standard deviation about it.
    """

    readings: int
    mean_db: float
    spread_db: float

    @classmethod
    def of(cls, *lacking_db: Floats) -> Offset | None:
        """Return the offset of what was measured less what is predicted, None without any."""
        all_db = np.concatenate(lacking_db)
        if not len(all_db):
            return None
        return cls(
            readings=len(all_db), mean_db=float(all_db.mean()), spread_db=float(all_db.std())
        )

    @property
    def range_db(self) -> tuple[float, float, float]:
        """Return low, likely and high of the mean: two standard errors, to the hundredth."""
        off_db = _STANDARD_ERRORS * self.spread_db / sqrt(self.readings)
        low, likely, high = (round(self.mean_db + step, 2) for step in (-off_db, 0.0, off_db))
        return low, likely, high


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A fit, and what it is worth.

    The errors are those of the half of the positions that the fit never saw: with the priors as
    they are, with the priors and fitted levels, and with all that was fitted. Each position
    counts once per access point, by the mean in dBm. `levels_db` are by access point; "" is that
    of all whose power is known. The offsets, of all positions, are from what the priors and the
    fitted losses predict without a level, None where no power is known.
    """

    positions: int
    readings: int
    fitted: tuple[Fitted, ...]
    levels_db: Mapping[str, float]
    rmse_db_before: float
    rmse_db_levelled: float
    rmse_db_after: float
    offset_before: Offset | None
    offset_after: Offset | None

    def __getitem__(self, name: str) -> float:
        return next(each.value for each in self.fitted if each.parameter.name == name)

    def range_of(self, name: str) -> tuple[float, float, float]:
        """Return low, likely and high of a settled parameter: two standard errors, in its range.

        To the hundredth, so that the three are in order as they are written.
        """
        each = next(each for each in self.settled if each.parameter.name == name)
        prior, off = each.parameter.prior, _STANDARD_ERRORS * (each.standard_error or 0.0)
        likely = round(each.value, 2)
        low, high = max(prior.low, each.value - off), min(prior.high, each.value + off)
        return (min(round(low, 2), likely), likely, max(round(high, 2), likely))

    @property
    def settled(self) -> tuple[Fitted, ...]:
        """Return the parameters that the readings settle."""
        return tuple(each for each in self.fitted if each.standard_error is not None)

    @property
    def unsettled(self) -> tuple[str, ...]:
        """Return the parameters that the readings do not settle: they stand at their priors."""
        return tuple(each.parameter.name for each in self.fitted if each.standard_error is None)

    @property
    def levels_at_limit(self) -> tuple[str, ...]:
        """Return whose level the range ended, and not the readings."""
        return tuple(
            name for name, level_db in self.levels_db.items() if level_db in level_range_db(name)
        )

    @property
    def helps(self) -> bool:
        """Return whether the fitted losses predict unseen positions better than the priors do."""
        return self.rmse_db_after < self.rmse_db_levelled - _HELP_DB_MIN

    @property
    def propagation(self) -> Propagation:
        """Return the fitted propagation, for a fit that knew the geometry."""
        return _propagation({each.parameter.name: each.value for each in self.fitted})


def level_range_db(name: str) -> tuple[float, float]:
    """Return how far a level may be from the power that is stated ("") or assumed."""
    return _KNOWN_LEVEL_DB if name == _KNOWN else _UNKNOWN_LEVEL_DB


def calibrate(
    measurements: Iterable[Measurement],
    senders: Mapping[str, Sender],
    *,
    scenes: Mapping[str, Scene],
    priors: Mapping[str, Estimate],
) -> Calibration:
    """Return the parameters that fit half of the positions, judged on the other half.

    Positions are taken in the order of their coordinates, every second one for the fit. `scenes`
    are the buildings by name, and `priors` the assumptions by key; without any scene it is the
    exponents of distance that are fitted. An access point and a reading in two buildings say
    nothing and are left out.

    Raises
    ------
    InputError
        When a reading names an unknown access point, or fewer than 8 positions were measured.
    """
    readings = _averaged(measurements, senders)
    positions = sorted({(reading.building, reading.at_m) for reading in readings})
    if len(positions) < _POSITIONS_MIN:
        raise InputError(
            f"there are readings at {len(positions)} positions",
            hint=f"measure at {_POSITIONS_MIN} or more, so that half of them can judge the fit",
        )
    fitting = set(positions[::2])
    is_seen = [(reading.building, reading.at_m) in fitting for reading in readings]
    seen = _Half.of([r for r, s in zip(readings, is_seen, strict=True) if s], senders)
    unseen = _Half.of([r for r, s in zip(readings, is_seen, strict=True) if not s], senders)
    parameters = _parameters(scenes, priors) if scenes else _exponents(readings)
    names = [parameter.name for parameter in parameters]
    fitted = fit(
        seen.levelled(seen.model(names, senders, scenes)),
        seen.measured_dbm,
        parameters,
        absorbed=len(set(seen.group)),
    )
    predicted_dbm, judged_dbm = (half.model(names, senders, scenes) for half in (seen, unseen))
    prior = np.array([parameter.prior.likely for parameter in parameters])
    best = np.array([each.value for each in fitted])
    levels_db = seen.levels_db(predicted_dbm(best))
    before, after = (
        Offset.of(seen.known_off_db(predicted_dbm(at)), unseen.known_off_db(judged_dbm(at)))
        for at in (prior, best)
    )
    return Calibration(
        positions=len(positions),
        readings=len(readings),
        fitted=fitted,
        levels_db=levels_db,
        rmse_db_before=rmse(judged_dbm(prior), unseen.measured_dbm),
        rmse_db_levelled=unseen.error_db(judged_dbm(prior), seen.levels_db(predicted_dbm(prior))),
        rmse_db_after=unseen.error_db(judged_dbm(best), levels_db),
        offset_before=before,
        offset_after=after,
    )


def _averaged(
    measurements: Iterable[Measurement], senders: Mapping[str, Sender]
) -> list[Measurement]:
    """Return one reading per access point, position and frequency, in that order."""
    groups: dict[tuple[str, str, Place, float], list[Measurement]] = {}
    for reading in measurements:
        if reading.access_point not in senders:
            what = f"a reading names the access point {reading.access_point!r}"
            raise InputError(what, hint=f"known are {', '.join(sorted(senders))}")
        if senders[reading.access_point].building != reading.building:
            continue
        key = (reading.access_point, reading.building, reading.at_m, reading.frequency_ghz)
        groups.setdefault(key, []).append(reading)
    return [
        Measurement(
            access_point=name,
            at_m=at_m,
            frequency_ghz=frequency_ghz,
            signal_dbm=float(np.mean([reading.signal_dbm for reading in group])),
            in_sight=group[0].in_sight,
            building=building,
        )
        for (name, building, at_m, frequency_ghz), group in sorted(groups.items())
    ]


def _parameters(
    scenes: Mapping[str, Scene], priors: Mapping[str, Estimate]
) -> tuple[Parameter, ...]:
    fabrics = {fabric.material for scene in scenes.values() for fabric in scene.fabrics}
    walls = tuple(f"{WALL_KEY}{material}" for material in sorted(fabrics - {DOOR, OPENING}))
    units = {WAYPOINT_KEY: _BEND_UNITS, PORTAL_KEY: _BEND_UNITS}
    return tuple(
        Parameter(name=key, unit=units.get(key, "dB"), prior=priors.get(key, _WALL_DB))
        for key in (DOOR_KEY, *walls, WAYPOINT_KEY, PORTAL_KEY)
    )


def _exponents(readings: Sequence[Measurement]) -> tuple[Parameter, ...]:
    """Return the exponents of distance; that of unknown sight only where some sight is unknown."""
    unknown = any(reading.in_sight is None for reading in readings)
    return tuple(p for p in _EXPONENTS if unknown or p.name != "exponent_sight_unknown")


def _propagation(values: Mapping[str, float]) -> Propagation:
    return Propagation(
        door_loss_db=values[DOOR_KEY],
        waypoint_bend_db=values[WAYPOINT_KEY],
        portal_bend_db=values[PORTAL_KEY],
        wall_extra_db={
            name.removeprefix(WALL_KEY): value
            for name, value in values.items()
            if name.startswith(WALL_KEY)
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Half:
    """Half of the readings: what was measured, what was radiated, and whose level counts."""

    readings: tuple[Measurement, ...]
    measured_dbm: Floats
    eirp_dbm: Floats
    group: tuple[str, ...]

    @classmethod
    def of(cls, readings: Sequence[Measurement], senders: Mapping[str, Sender]) -> _Half:
        powers_dbm = [senders[reading.access_point].eirp_dbm for reading in readings]
        return cls(
            readings=tuple(readings),
            measured_dbm=np.array([reading.signal_dbm for reading in readings]),
            eirp_dbm=np.array([UNKNOWN_EIRP_DBM if p is None else p for p in powers_dbm]),
            group=tuple(
                reading.access_point if power is None else _KNOWN
                for reading, power in zip(readings, powers_dbm, strict=True)
            ),
        )

    def model(
        self, names: Sequence[str], senders: Mapping[str, Sender], scenes: Mapping[str, Scene]
    ) -> Model:
        """Return the function from the named parameters to the signal of each reading."""
        losses_db = (
            _SceneLosses.of(self.readings, senders, scenes)
            if scenes
            else _DistanceLosses.of(self.readings, senders)
        )

        def predicted_dbm(values: Floats) -> Floats:
            named = dict(zip(names, map(float, values), strict=True))
            return self.eirp_dbm - losses_db(named)

        return predicted_dbm

    def levelled(self, predicted_dbm: Model) -> Model:
        """Return a model with the levels that fit best whatever its parameters."""

        def with_levels_dbm(values: Floats) -> Floats:
            plain_dbm = predicted_dbm(values)
            return plain_dbm + self._each(self.levels_db(plain_dbm))

        return with_levels_dbm

    def levels_db(self, predicted_dbm: Floats) -> dict[str, float]:
        """Return for each level the mean of what the prediction lacks, within its range."""
        lacking_db = self.measured_dbm - predicted_dbm
        names = np.array(self.group)
        found = {}
        for name in sorted(set(self.group)):
            low, high = level_range_db(name)
            found[name] = float(np.clip(lacking_db[names == name].mean(), low, high))
        return found

    def known_off_db(self, predicted_dbm: Floats) -> Floats:
        """Return what was measured less what is predicted, of access points of known power."""
        known = np.array([name == _KNOWN for name in self.group], dtype=bool)
        off_db: Floats = (self.measured_dbm - predicted_dbm)[known]
        return off_db

    def error_db(self, predicted_dbm: Floats, levels_db: Mapping[str, float]) -> float:
        """Return the error of a prediction with levels that another half gave."""
        return rmse(predicted_dbm + self._each(levels_db), self.measured_dbm)

    def _each(self, levels_db: Mapping[str, float]) -> Floats:
        """Return the level of each reading; one never heard in the other half has the mean."""
        mean_db = float(np.mean(list(levels_db.values()))) if levels_db else 0.0
        return np.array([levels_db.get(name, mean_db) for name in self.group])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _DistanceLosses:
    """Free space at 1 m + 10 n log10 d, with n and a step by line of sight."""

    decades_db: Floats
    at_1_m_db: Floats
    sight: tuple[bool | None, ...]

    @classmethod
    def of(cls, readings: Sequence[Measurement], senders: Mapping[str, Sender]) -> _DistanceLosses:
        distance_m = np.array(
            [np.linalg.norm(np.subtract(r.at_m, senders[r.access_point].at_m)) for r in readings]
        )
        return cls(
            decades_db=10 * np.log10(np.maximum(distance_m, _DISTANCE_M_MIN)),
            at_1_m_db=np.array(
                [
                    free_space_losses_db(np.ones(1), frequency_ghz=r.frequency_ghz)[0]
                    for r in readings
                ]
            ),
            sight=tuple(reading.in_sight for reading in readings),
        )

    def __call__(self, named: Mapping[str, float]) -> Floats:
        exponents = {
            True: named["exponent_in_sight"],
            False: named["exponent_out_of_sight"],
            None: named.get("exponent_sight_unknown", inf),
        }
        exponent = np.array([exponents[sight] for sight in self.sight])
        step_db = np.array([named["out_of_sight_db"] if s is False else 0.0 for s in self.sight])
        losses_db: Floats = self.at_1_m_db + exponent * self.decades_db + step_db
        return losses_db


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Traced:
    """The readings of one building at one frequency: their places among the traced paths."""

    paths: Paths
    frequency_ghz: float
    reading: Ints
    row: Ints
    column: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _SceneLosses:
    """The loss through the scene of each reading, its paths traced once."""

    count: int
    parts: tuple[_Traced, ...] = field(default=())

    @classmethod
    def of(
        cls,
        readings: Sequence[Measurement],
        senders: Mapping[str, Sender],
        scenes: Mapping[str, Scene],
    ) -> _SceneLosses:
        parts: list[_Traced] = []
        for building in sorted({reading.building for reading in readings}):
            chosen = [n for n, reading in enumerate(readings) if reading.building == building]
            parts += _traced(readings, np.array(chosen), senders, scenes[building])
        return cls(count=len(readings), parts=tuple(parts))

    def __call__(self, named: Mapping[str, float]) -> Floats:
        losses_db = np.zeros(self.count)
        propagation = _propagation(named)
        for part in self.parts:
            found = path_loss_db(
                part.paths, frequency_ghz=part.frequency_ghz, propagation=propagation
            )
            losses_db[part.reading] = found.total_db[part.row, part.column]
        return losses_db


def _traced(
    readings: Sequence[Measurement],
    chosen: Ints,
    senders: Mapping[str, Sender],
    scene: Scene,
) -> list[_Traced]:
    names = sorted({readings[n].access_point for n in chosen})
    places = sorted({readings[n].at_m for n in chosen})
    paths = trace(
        scene,
        access_points_m=np.array([senders[name].at_m for name in names], dtype=float),
        receivers_m=np.array(places, dtype=float),
    )
    name_at = {name: index for index, name in enumerate(names)}
    place_at = {place: index for index, place in enumerate(places)}
    frequency_ghz = np.array([readings[n].frequency_ghz for n in chosen])
    parts = []
    for band_ghz in np.unique(frequency_ghz):
        here = chosen[frequency_ghz == band_ghz]
        parts.append(
            _Traced(
                paths=paths,
                frequency_ghz=float(band_ghz),
                reading=here,
                row=np.array([name_at[readings[n].access_point] for n in here]),
                column=np.array([place_at[readings[n].at_m] for n in here]),
            )
        )
    return parts

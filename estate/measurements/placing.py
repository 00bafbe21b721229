"""Where each reading was taken and each access point hangs, or what is wrong with saying so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from estate.catalogue import Assumptions
from estate.errors import Problem
from estate.measurements.buildings import Building
from estate.model import Point
from estate.radio.calibration import Measurement, Place, Sender
from estate.radio.scene import middle_of
from estate.sources.measurements import SignalReading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estate.model import AccessPoint
    from estate.sources.measurements import Position

_BESIDE_M = 5.0  # A reading further from every space of a wing was not taken in it.
_STOREY_M = 3.0  # Of a building without a survey; assumed.
_BAND_STARTS_GHZ = (("6", 5.925), ("5", 3.0), ("2.4", 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Readings and access points in the metres of their building, and what is wrong with some.

    `elsewhere` readings are of an access point in another wing, which says nothing here.
    """

    measurements: tuple[Measurement, ...]
    senders: Mapping[str, Sender]
    elsewhere: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPoint:
    """Where a plan puts an access point: the key of its wing, and where on which landing."""

    building: str
    at: Point
    landing: int
    height_m: float


def placed_readings(
    readings: Iterable[SignalReading],
    buildings: Mapping[str, Building],
    *,
    assumptions: Assumptions,
    planned: Mapping[str, PlannedPoint] | None = None,
) -> Placed:
    """Return the readings where they were taken; without any building, as the file places them.

    What states no height is as high above its floor as is assumed of its kind. `planned` is where
    a plan puts the access points that neither the file nor a survey places.
    """
    placing = _Placing(
        buildings=buildings,
        readings=tuple(readings),
        planned=planned or {},
        assumptions=assumptions,
    )
    return placing.placed()


@dataclass(slots=True, kw_only=True)
class _Somewhere:
    """A place in a building, and the fault that keeps it from being one."""

    building: str = ""
    at_m: Place = (0.0, 0.0, 0.0)
    fault: Problem | None = None


@dataclass(slots=True, kw_only=True)
class _Placing:
    """Gathers what is wrong while it places one reading after the other."""

    buildings: Mapping[str, Building]
    readings: tuple[SignalReading, ...]
    planned: Mapping[str, PlannedPoint]
    assumptions: Assumptions
    problems: list[Problem] = field(default_factory=list)

    def placed(self) -> Placed:
        places = self._access_points()
        banded = self._names()
        device_m = self.assumptions["radio_device_height_m"].likely
        senders, measurements, elsewhere = self._senders(places, banded), [], 0
        for reading, name in zip(self.readings, banded, strict=True):
            here = self._where(reading, reading.position, prefix="", height_m=device_m)
            if here.fault:
                self.problems.append(here.fault)
            if here.fault or name not in senders:
                continue
            elsewhere += here.building != senders[name].building
            measurements.append(
                Measurement(
                    access_point=name,
                    at_m=here.at_m,
                    frequency_ghz=round(reading.frequency_ghz, 1),
                    signal_dbm=reading.signal_dbm,
                    in_sight=reading.in_sight,
                    building=here.building,
                )
            )
        return Placed(
            measurements=tuple(measurements),
            senders=senders,
            elsewhere=elsewhere,
            problems=tuple(self.problems),
        )

    def _names(self) -> list[str]:
        """Return for each reading its access point, told apart by band where one has several."""
        bands: dict[str, set[str]] = {}
        for reading in self.readings:
            bands.setdefault(reading.access_point, set()).add(band(reading.frequency_ghz))
        return [
            r.access_point
            if len(bands[r.access_point]) == 1
            else f"{r.access_point} at {band(r.frequency_ghz)} GHz"
            for r in self.readings
        ]

    def _senders(self, places: Mapping[str, _Somewhere], names: Iterable[str]) -> dict[str, Sender]:
        powers: dict[str, SignalReading] = {}
        senders = {}
        for reading, name in zip(self.readings, names, strict=True):
            if reading.eirp_dbm is not None:
                first = powers.setdefault(name, reading)
                if first.eirp_dbm != reading.eirp_dbm:
                    what = f"{name} radiates {reading.eirp_dbm:g} dBm here and "
                    what += f"{first.eirp_dbm:g} in row {first.row.number}"
                    cure = "correct either, or import what was read at each power apart"
                    self.problems.append(reading.row.problem(what, cure, column="eirp_dbm"))
            place = places[reading.access_point]
            if not place.fault:
                stated = powers.get(name)
                senders[name] = Sender(
                    at_m=place.at_m,
                    eirp_dbm=stated.eirp_dbm if stated else None,
                    building=place.building,
                )
        return senders

    def _access_points(self) -> dict[str, _Somewhere]:
        """Return where each access point is: as the file says, or else as a survey does."""
        surveyed = {
            point.access_point_id: (point, building)
            for building in self.buildings.values()
            for point in building.network.access_points
        }
        places: dict[str, _Somewhere] = {}
        firsts: dict[str, SignalReading] = {}
        for reading in self.readings:
            name, position = reading.access_point, reading.ap_position
            if not position.is_stated:
                continue
            first = firsts.setdefault(name, reading)
            if first.ap_position != position:
                what = f"{name} is at another place than in row {first.row.number}"
                self.problems.append(reading.row.problem(what, "correct either"))
            elif first is reading:
                places[name] = self._where(
                    reading, position, prefix="ap_", height_m=self._mounting_height_m
                )
        for reading in self.readings:
            name = reading.access_point
            if name not in places:
                places[name] = self._from_survey(reading, surveyed)
        self.problems += [place.fault for place in places.values() if place.fault]
        return places

    @property
    def _mounting_height_m(self) -> float:
        return self.assumptions["radio_access_point_height_m"].likely

    def _from_survey(
        self, reading: SignalReading, surveyed: Mapping[str, tuple[AccessPoint, Building]]
    ) -> _Somewhere:
        name = reading.access_point
        if name in surveyed:
            point, building = surveyed[name]
            z_m = point.floor * building.storey_height_m + self._mounting_height_m
            return _Somewhere(building=building.key, at_m=(*point.at, z_m))
        if name in self.planned and self.planned[name].building in self.buildings:
            place = self.planned[name]
            building = self.buildings[place.building]
            z_m = (place.landing - 1) * building.storey_height_m + place.height_m
            return _Somewhere(building=place.building, at_m=(*place.at, z_m))
        near = get_close_matches(name, [*surveyed, *self.planned], n=1)
        cure = f"did you mean {near[0]}?" if near else "give ap_x_m and ap_y_m, or ap_cell"
        what = f"nothing says where {name} is"
        return _Somewhere(fault=reading.row.problem(what, cure, column="access_point"))

    def _where(
        self, reading: SignalReading, position: Position, *, prefix: str, height_m: float
    ) -> _Somewhere:
        row = reading.row
        height_m = height_m if position.height_m is None else position.height_m
        if not position.is_stated:
            cure = "give the cell, or x_m and y_m"
            return _Somewhere(fault=row.problem("nothing says where it was read", cure))
        if not self.buildings:
            if position.at is None:
                what = f"the cell {position.cell} is in no building that is known"
                cure = f"give {prefix}x_m and {prefix}y_m"
                return _Somewhere(fault=row.problem(what, cure, column=f"{prefix}cell"))
            storey = (position.landing or 1) - 1
            return _Somewhere(at_m=(*position.at, storey * _STOREY_M + height_m))
        if position.at is not None:
            return self._at_point(reading, position, prefix=prefix, height_m=height_m)
        for building in self.buildings.values():
            if position.cell in building.cells:
                cell = building.cells[position.cell]
                z_m = cell.floor * building.storey_height_m + height_m
                return _Somewhere(building=building.key, at_m=(*middle_of(cell), z_m))
        known = [key for building in self.buildings.values() for key in building.cells]
        near = get_close_matches(position.cell, known, n=1)
        what = f"there is no cell {position.cell}"
        cure = f"did you mean {near[0]}?" if near else "give a location key such as LEI-A-1-001"
        return _Somewhere(fault=row.problem(what, cure, column=f"{prefix}cell"))

    def _at_point(
        self, reading: SignalReading, position: Position, *, prefix: str, height_m: float
    ) -> _Somewhere:
        row, at = reading.row, position.at
        if at is None:
            raise ValueError("a position without a point is placed by its cell")
        drawn = [b for b in self.buildings.values() if b.is_surveyed]
        if not drawn:
            what = "no wing of the prison is surveyed, so a point means nothing"
            cure = f"give the {prefix}cell, or import a survey first"
            return _Somewhere(fault=row.problem(what, cure, column=f"{prefix}x_m"))
        building = min(drawn, key=lambda b: (b.off_m(at), b.key))
        off_m = building.off_m(at)
        if off_m > _BESIDE_M:
            what = f"the point is {off_m:,.0f} m from the nearest surveyed wing, {building.key}"
            cure = "give metres of EPSG:27700"
            return _Somewhere(fault=row.problem(what, cure, column=f"{prefix}x_m"))
        cell = building.cells.get(position.cell)
        landing = position.landing or (cell.floor + 1 if cell else None)
        if landing is None and building.landings > 1:
            what = f"{building.key} has {building.landings} landings, and none is named"
            cure = f"give {prefix}landing, 1 for the lowest"
            return _Somewhere(fault=row.problem(what, cure))
        z_m = ((landing or 1) - 1) * building.storey_height_m + height_m
        return _Somewhere(building=building.key, at_m=(*at, z_m))


def band(frequency_ghz: float) -> str:
    """Return the name of the band that a frequency is in: 2.4, 5 or 6."""
    return next(name for name, start_ghz in _BAND_STARTS_GHZ if frequency_ghz >= start_ghz)

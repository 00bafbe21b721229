"""Bringing readings into a workspace: fitted, kept, and their fit in place of assumptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from estate.catalogue import Assumptions
from estate.errors import InputError, Problem
from estate.measurements.agreeing import Agreement, agreement_of
from estate.measurements.buildings import Building
from estate.measurements.placing import PlannedPoint, placed_readings
from estate.model import Grade
from estate.radio.calibration import Calibration, calibrate
from estate.sources.calibrations import LEVEL_KEY, put_calibrations
from estate.sources.measurements import Readings, scan_measurements, written
from estate.sources.table import require_sound, this_day, write_rows
from estate.tables import MEASUREMENTS
from reports.files import written_aside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from estate.measurements.placing import Placed

FOLDER, CALIBRATIONS_FILE = "measurements", "calibrations.csv"

# Indoors, signals scatter by 3 to 8 dB about a prediction. A fit that is further off at positions
# that it never saw is of other walls, or of other places, than the file says.
ERROR_DB_MAX = 10.0

_SITE = r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where readings go: the folder of inputs, its prisons, their wings, and what is assumed.

    `planned` says where a plan puts a prison's access points, by their names in its topology.
    `prison_id` names the prison of a file without cells, and `site` a building that is no prison
    of the register: its readings are kept and fitted, and no plan uses them.
    """

    inputs: Path
    prisons: Collection[str]
    buildings: Callable[[str], Mapping[str, Building]]
    assumptions: Assumptions
    planned: Callable[[str], Mapping[str, PlannedPoint]] = lambda _prison_id: {}
    prison_id: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedReadings:
    """What an import did. `geometry` is surveyed, assumed or none; `grade` that of the fit.

    `used` says whether the fit took the place of assumptions, which it does only where it
    predicts positions that it never saw better than the assumptions do, and within 10 dB.
    `agreement` is with what the next plan assumes, None where no power is stated or no wall known.
    """

    place: str
    file: str
    kept: Path
    replaced: bool
    readings: int
    not_heard: int
    elsewhere: int
    access_points: int
    geometry: str
    grade: Grade
    dated: str
    used: bool
    calibration: Calibration
    agreement: Agreement | None


def import_measurements(
    path: Path, target: Target, *, today: date | None = None
) -> ImportedReadings:
    """Keep the readings of a file and let their fit take the place of a prison's assumptions.

    Earlier readings of the same place go, and so does what was fitted to them.

    Raises
    ------
    InputError
        When the file has any fault, or too few readings to fit and judge; nothing is written.
    """
    today = today or this_day()
    readings = scan_measurements(path, today=today)
    place, faults = _place_of(readings, target)
    problems = [*readings.problems, *faults]
    buildings: Mapping[str, Building] = {}
    if place and not target.site:
        buildings = target.buildings(place)
    if not place:
        require_sound(path.name, problems)
    placed = placed_readings(
        readings.heard,
        buildings,
        assumptions=target.assumptions,
        planned=target.planned(place) if buildings else None,
    )
    problems += placed.problems
    if not readings.heard and not problems:
        what = "nothing was heard in any row"
        problems.append(Problem(path.name, "", what, "give signal_dbm where something was"))
    require_sound(path.name, problems)
    met = {key for key in buildings if _is_met(key, placed)}
    calibration = _fitted(path, placed, {key: buildings[key] for key in met}, target)
    grade = max((buildings[key].grade for key in met), default=Grade.ASSUMED)
    near = calibration.rmse_db_after <= ERROR_DB_MAX
    used = bool(buildings) and calibration.helps and bool(calibration.settled) and near
    kept = target.inputs / FOLDER / f"{place}.csv"
    outcome = ImportedReadings(
        place=place,
        file=path.name,
        kept=kept,
        replaced=kept.exists(),
        readings=len(readings.heard),
        not_heard=readings.not_heard,
        elsewhere=placed.elsewhere,
        access_points=len(placed.senders),
        geometry=_geometry({key: buildings[key] for key in met}),
        grade=grade,
        dated=today.isoformat(),
        used=used,
        calibration=calibration,
        agreement=agreement_of(
            placed,
            buildings,
            calibration.offset_after if used else calibration.offset_before,
            assumptions=target.assumptions,
        )
        if buildings
        else None,
    )
    _write(readings, outcome, target)
    return outcome


def _place_of(readings: Readings, target: Target) -> tuple[str, list[Problem]]:
    """Return the prison or site of the readings, "" where it cannot be told, and the faults."""
    if target.site:
        faults = list(_site_faults(target))
        return "" if faults else target.site, faults
    if target.prison_id and target.prison_id not in target.prisons:
        near = get_close_matches(target.prison_id.upper(), sorted(target.prisons), n=1)
        cure = f"did you mean {near[0]}?" if near else "give an id of the register"
        return "", [Problem("--prison", "", f"the prison {target.prison_id!r} is unknown", cure)]
    # A row that is faulty elsewhere still says of which prison it is.
    cells = [row.text("cell") for row in readings.rows if row.is_sound("cell")]
    named = {_prison_of(cell, target.prisons) for cell in cells}
    prisons = sorted({*named, target.prison_id} - {""})
    if len(prisons) == 1 or not readings.rows:
        return next(iter(prisons), ""), []
    what = "no row names a cell of a prison of the register"
    cure = "give --prison ID, or --site NAME for a building that is none"
    if prisons:
        what = f"it holds readings of several prisons: {', '.join(prisons)}"
        cure = "import those of each prison apart"
    return "", [Problem(readings.file, "", what, cure)]


def _site_faults(target: Target) -> Iterator[Problem]:
    if not re.fullmatch(_SITE, target.site, re.ASCII):
        cure = "use up to 40 letters, digits, - and _"
        yield Problem("--site", "", f"{target.site!r} names no file", cure)
    elif target.site in target.prisons:
        what = f"{target.site} is a prison of the register"
        yield Problem("--site", "", what, f"give --prison {target.site}")


def _prison_of(key: str, prisons: Collection[str]) -> str:
    """Return the prison that a location key begins with; an id may hold a hyphen."""
    fitting = [prison for prison in prisons if key.startswith(f"{prison}-")]
    return max(fitting, key=len, default="")


def _is_met(key: str, placed: Placed) -> bool:
    return any(
        reading.building == key and placed.senders[reading.access_point].building == key
        for reading in placed.measurements
    )


def _fitted(
    path: Path, placed: Placed, buildings: Mapping[str, Building], target: Target
) -> Calibration:
    priors = {assumption.key: assumption.value for assumption in target.assumptions}
    try:
        return calibrate(
            placed.measurements,
            placed.senders,
            scenes={key: building.scene for key, building in buildings.items()},
            priors=priors,
        )
    except InputError as error:
        problem = Problem(path.name, "", str(error), error.hint or "measure at more positions")
        raise InputError(f"1 problem in {path.name}", problems=[problem]) from None


def _geometry(buildings: Mapping[str, Building]) -> str:
    if not buildings:
        return "none"
    return "surveyed" if all(b.is_surveyed for b in buildings.values()) else "assumed"


def _write(readings: Readings, outcome: ImportedReadings, target: Target) -> None:
    """Write the readings and the fit aside, then let one after the other take its place."""
    rows = written(readings)
    headings = list(dict.fromkeys([*MEASUREMENTS.names, *rows[0]]))
    calibrations = target.inputs / CALIBRATIONS_FILE
    with ExitStack() as places:  # What was entered last takes its place first.
        if not target.site:
            aside = places.enter_context(written_aside(calibrations))
            put_calibrations(
                [*_fits(outcome), *_levels(outcome)],
                standing=calibrations,
                into=aside,
                prison_id=outcome.place,
            )
        kept = places.enter_context(written_aside(outcome.kept))
        write_rows(kept, headings, rows)


def _fits(outcome: ImportedReadings) -> Iterator[dict[str, str]]:
    calibration = outcome.calibration
    source = (
        f"{calibration.readings:,} readings at {calibration.positions:,} positions in "
        f"{outcome.geometry} walls ({outcome.file}); positions not fitted: "
        f"{calibration.rmse_db_levelled:.1f} dB before, {calibration.rmse_db_after:.1f} dB after"
    )
    for each in calibration.settled if outcome.used else ():
        key = each.parameter.name
        yield _row(outcome, key, calibration.range_of(key), source, outcome.grade)


def _levels(outcome: ImportedReadings) -> Iterator[dict[str, str]]:
    """Yield how far off measured signal is, which no design uses and a plan has to say."""
    found = outcome.agreement
    if found is None:
        return
    source = (
        f"{found.offset.readings:,} readings of access points of stated power in "
        f"{outcome.geometry} walls ({outcome.file})"
    )
    source = "; ".join(filter(None, (source, found.below_words)))
    # Readings of other places than the file says may lie right on average.
    near = outcome.calibration.rmse_db_after <= ERROR_DB_MAX
    grade = outcome.grade if near else Grade.ASSUMED
    yield _row(outcome, LEVEL_KEY, found.offset.range_db, source, grade)


def _row(
    outcome: ImportedReadings,
    key: str,
    bounds: tuple[float, float, float],
    source: str,
    grade: Grade,
) -> dict[str, str]:
    low, likely, high = bounds
    return {
        "prison_id": outcome.place,
        "key": key,
        "low": f"{low:g}",
        "likely": f"{likely:g}",
        "high": f"{high:g}",
        "source": source,
        "dated": outcome.dated,
        "grade": str(grade),
    }

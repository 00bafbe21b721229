"""Readings of signal from a table (CSV, XLSX, ODS) or, as a fleet sends them, from JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from estate.errors import Problem
from estate.model import Point
from estate.sources.sheet import SIZE_MB_MAX, Sheet, as_text, open_sheet, refusal
from estate.sources.table import Reading, Row, scan_sheet
from estate.tables import MEASUREMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

SCHEMA = 1
_SHAPE = 'write {"schema": 1, "readings": [{"access_point": …, "signal_dbm": …, …}]}'
_SIGHT = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where something is: in a cell by its location key, or at a point; what is not said is None.

    `landing` counts from 1, the lowest; `height_m` is above its floor.
    """

    cell: str = ""
    at: Point | None = None
    landing: int | None = None
    height_m: float | None = None

    @property
    def is_stated(self) -> bool:
        """Return whether this says where something is."""
        return bool(self.cell) or self.at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReading:
    """One row: who was heard where, how strongly, on which frequency; `row` knows its place."""

    access_point: str
    signal_dbm: float
    frequency_ghz: float
    position: Position
    ap_position: Position
    eirp_dbm: float | None
    in_sight: bool | None
    read_on: str
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a file holds: readings, rows in which nothing was heard, and all that is wrong."""

    file: str
    heard: tuple[SignalReading, ...]
    not_heard: int
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


def scan_measurements(path: Path, *, today: date | None = None) -> Readings:
    """Return the readings of a file together with the faults of its rows one by one.

    Raises
    ------
    InputError
        When the file cannot be read at all.
    """
    sheet = _json_sheet(path) if path.suffix.lower() == ".json" else open_sheet(path)
    scanned = scan_sheet(sheet, MEASUREMENTS, today=today)
    halves = dict(_halves(scanned))
    sound = [row for row in scanned.rows if not row.faulty and row.number not in halves]
    found = [row for row in sound if row.number_of("signal_dbm") is not None]
    return Readings(
        file=path.name,
        heard=tuple(map(_reading, found)),
        not_heard=len(sound) - len(found),
        rows=scanned.rows,
        problems=(*scanned.problems, *halves.values()),
    )


def _halves(scanned: Reading) -> Iterator[tuple[int, Problem]]:
    """Yield the row and the fault of each point that has one of its two coordinates."""
    for row, prefix in ((row, prefix) for row in scanned.rows for prefix in ("", "ap_")):
        names = (f"{prefix}x_m", f"{prefix}y_m")
        stated = [row.number_of(name) is not None for name in names if row.is_sound(*names)]
        if any(stated) and not all(stated):
            there, missing = names if stated[0] else names[::-1]
            what = f"there is {there} without {missing}"
            yield row.number, row.problem(what, "give both", column=there)


def _reading(row: Row) -> SignalReading:
    return SignalReading(
        access_point=row.text("access_point"),
        signal_dbm=row.number_of("signal_dbm") or 0.0,
        frequency_ghz=(row.number_of("frequency_mhz") or 0.0) / 1000,
        position=_position(row, ""),
        ap_position=_position(row, "ap_"),
        eirp_dbm=row.number_of("eirp_dbm"),
        in_sight=_SIGHT.get(row.text("in_sight")),
        read_on=row.text("read_on"),
        row=row,
    )


def _position(row: Row, prefix: str) -> Position:
    x_m, y_m = row.number_of(f"{prefix}x_m"), row.number_of(f"{prefix}y_m")
    return Position(
        cell=row.text(f"{prefix}cell"),
        at=None if x_m is None or y_m is None else (x_m, y_m),
        landing=row.integer(f"{prefix}landing"),
        height_m=row.number_of(f"{prefix}height_m"),
    )


class _JsonSheet(Sheet):
    """Readings of a JSON file as a sheet; row 2 is reading 1."""

    __slots__ = ()

    def place(self, row: int, column: int | None = None) -> str:
        """Return the place of a reading or one of its fields."""
        place = f"reading {row - 1}" if row > 1 else "readings"
        return place if column is None else f"{place}, {self.text(1, column)}"


def _json_sheet(path: Path) -> Sheet:
    try:
        if path.stat().st_size > SIZE_MB_MAX * 1e6:
            raise refusal(path, f"it is larger than {SIZE_MB_MAX:g} MB", "send it in parts")
        held: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise refusal(path, "there is no such file", "check the name and the folder") from error
    except OSError as error:
        raise refusal(path, "it cannot be read", "name a file that you may read") from error
    except (ValueError, RecursionError) as error:  # Not UTF-8, not JSON, or nested without end.
        raise refusal(path, "it is not JSON", _SHAPE) from error
    return _JsonSheet(file=path.name, name="", cells=dict(_cells(path, held)))


def _cells(path: Path, held: Any) -> Iterator[tuple[tuple[int, int], str]]:
    if not isinstance(held, dict) or held.get("schema") != SCHEMA:
        raise refusal(path, f"it is not of schema {SCHEMA}", _SHAPE)
    readings = held.get("readings")
    if not isinstance(readings, list) or not readings:
        raise refusal(path, "it holds no readings", _SHAPE)
    for number, reading in enumerate(readings, start=1):
        if not _is_flat(reading):
            what = "it is not an object of texts and numbers"
            raise refusal(path, what, _SHAPE, place=f"reading {number}")
    names = list(dict.fromkeys(chain.from_iterable(readings)))
    yield from (((1, column), name) for column, name in enumerate(names, start=1))
    for row, reading in enumerate(readings, start=2):
        for column, name in enumerate(names, start=1):
            if text := as_text(reading.get(name)):
                yield (row, column), text


def _is_flat(reading: Any) -> bool:
    kinds = (str, int, float, type(None))
    return isinstance(reading, dict) and all(isinstance(v, kinds) for v in reading.values())


def written(readings: Readings) -> list[Mapping[str, str]]:
    """Return every row as it was written, to be kept."""
    return [row.as_written() for row in readings.rows]

"""The cells of wings by their HMPPS location keys, in a table beside the wing schedule.

A wing schedule counts cells; an export of HMPPS's locations service names them. The names are kept
apart from the counts, since a person may correct a schedule by hand but types no list of keys.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from estate.sources.table import require_sound, scan_table, write_rows
from estate.tables import CELLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from estate.errors import Problem
    from estate.model import WingRecord
    from estate.sources.table import Row

CELLS_FILE = "cells.csv"

_CODES_MAX = 3  # Below a wing: spur, landing, cell.
_AGAIN = "import the prison's cell certificate again"

CellKeys = tuple[tuple[str, ...], ...]  # Of each landing, through its spurs in order.
Places = tuple[str, str]  # A prison and a wing.


def is_key_of(key: str, *, wing_key: str) -> bool:
    """Return whether a location key is that of a cell below a wing: cell, landing, spur at most."""
    codes = key.removeprefix(f"{wing_key}-").split("-")
    below = key.startswith(f"{wing_key}-") and len(codes) <= _CODES_MAX
    return below and key.isprintable() and all(code and code == code.strip() for code in codes)


def read_cells(
    path: Path, *, wings: Sequence[WingRecord], today: date | None = None
) -> Mapping[Places, CellKeys]:
    """Return the location keys of each wing that the table names; none where there is no file.

    Raises
    ------
    InputError
        When the file cannot be read, breaks a rule of the table, names a wing that the schedule
        has not, a key that is not of its wing, or other numbers of cells than the wing's layout.
        Every fault is listed.
    """
    if not path.exists():
        return {}
    reading = scan_table(path, CELLS, today=today)
    problems = [*reading.problems]
    records = {(wing.prison_id, wing.wing): wing for wing in wings}
    groups = _by_wing(row for row in reading.rows if row.is_sound(*CELLS.names))
    problems += [problem for rows in groups.values() for problem in _key_problems(rows)]
    if not problems:  # A row with a fault of its own would spoil the count, a fault twice.
        for place, rows in groups.items():
            problems += _fit_problems(rows, records.get(place))
    require_sound(path.name, problems)
    return {place: _keys_of(rows) for place, rows in groups.items()}


def put_cells(
    rows: Iterable[Mapping[str, str]],
    *,
    path: Path,
    into: Path,
    replaces: Callable[[Places, CellKeys], bool],
) -> None:
    """Write rows, each a text by column, after those of the table that they do not replace.

    Nothing is written where there is no table yet and no row for one.

    Parameters
    ----------
    path
        The table as it stands.
    into
        Where to write the new one.
    replaces
        Whether the rows of a wing go, by the wing and its keys.

    Raises
    ------
    InputError
        When the table as it stands has a fault.
    """
    kept: list[Mapping[str, str]] = []
    if path.exists():
        reading = scan_table(path, CELLS)
        require_sound(path.name, reading.problems)
        for place, standing in _by_wing(reading.rows).items():
            if not replaces(place, _keys_of(standing)):
                kept += [row.as_written() for row in standing]
    every = [*kept, *rows]
    if every or path.exists():
        write_rows(into, CELLS.names, [{n: row[n] for n in CELLS.names} for row in every])


def fits(keys: CellKeys, wing: WingRecord | None) -> bool:
    """Return whether a wing's layout has as many cells on each landing as there are keys.

    By landing, not by spur: the cells of a landing are numbered through its spurs.
    """
    layout = wing.layout if wing else None
    return layout is not None and [*map(len, keys)] == [*map(sum, layout)]


def _by_wing(rows: Iterable[Row]) -> dict[Places, list[Row]]:
    groups: defaultdict[Places, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.text("prison_id"), row.text("wing")].append(row)
    return dict(groups)


def _keys_of(rows: Sequence[Row]) -> CellKeys:
    found: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for row in rows:
        found[_spot(row)].append(row.text("location_key"))
    landings: defaultdict[int, list[str]] = defaultdict(list)
    for (landing, _), keys in sorted(found.items()):
        landings[landing] += keys
    return tuple(tuple(landings[landing]) for landing in sorted(landings))


def _spot(row: Row) -> tuple[int, int]:
    return row.integer("landing") or 0, row.integer("spur") or 0


def _key_problems(rows: Iterable[Row]) -> Iterator[Problem]:
    for row in rows:
        key, wing_key = row.text("location_key"), f"{row.text('prison_id')}-{row.text('wing')}"
        if not is_key_of(key, wing_key=wing_key):
            what = f"{key} is not a landing and cell below {wing_key}"
            yield row.problem(what, f"write it as {wing_key}-1-001", column="location_key")


def _fit_problems(rows: Sequence[Row], wing: WingRecord | None) -> Iterator[Problem]:
    """Yield where the cells of a wing are not those that the wing schedule counts."""
    first = rows[0]
    name = f"{first.text('prison_id')}-{first.text('wing')}"
    if wing is None:
        what = f"the wing schedule has no wing {name}"
        yield first.problem(what, f"remove its rows, or {_AGAIN}", column="wing")
        return
    counts = Counter(row.integer("landing") for row in rows)
    stated = dict(enumerate(map(sum, wing.layout or ()), start=1))
    for landing in sorted({number for number in counts if number} | stated.keys()):
        here, there = counts[landing], stated.get(landing, 0)
        if here != there:
            what = f"landing {landing} of {name} has {_cells(here)} here and {there} in the layout"
            yield first.problem(f"{what} of the wing schedule", f"correct either, or {_AGAIN}")


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"

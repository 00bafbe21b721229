"""Reading a declared table from a sheet: typed rows that keep their place, and every fault."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from estate.column import Table, UnfitValueError, Value
from estate.errors import InputError, Problem
from estate.sources.sheet import Sheet, open_sheet
from reports.files import written_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from estate.column import Column

V = TypeVar("V", bound=Value)

_NEAR = 0.75  # Two names at least so alike are taken for one, misspelt.


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the columns of a table stand on a sheet; `headings` are all of the sheet's."""

    sheet: Sheet
    table: Table
    columns: Mapping[str, int]
    headings: Mapping[str, int]
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of typed values that knows its place in the file.

    `faulty` names the columns whose value is unknown because a problem was found in it: a
    check of several columns passes over them, so that one fault is reported once.
    """

    layout: Layout
    number: int
    values: Mapping[str, Value]
    faulty: frozenset[str]

    def text(self, column: str) -> str:
        """Return a text, "" or the column's default where it is blank."""
        return self._typed(column, str) or ""

    def integer(self, column: str) -> int | None:
        """Return a whole number, None where it is blank."""
        return self._typed(column, int)

    def number_of(self, column: str) -> float | None:
        """Return a number, None where it is blank."""
        value = self.values[column]
        return float(value) if isinstance(value, int) else self._typed(column, float)

    def counts(self, column: str) -> tuple[int, ...] | None:
        """Return whole numbers that were joined by +, None where it is blank."""
        return self._typed(column, tuple)

    def landings(self, column: str) -> tuple[tuple[int, ...], ...] | None:
        """Return the counts of each landing, None where it is blank."""
        return self._typed(column, tuple)

    def _typed(self, column: str, kind: type[V]) -> V | None:
        value = self.values[column]
        if value is not None and not isinstance(value, kind):
            raise TypeError(f"{column} is declared as another kind than {kind.__name__}")
        return value

    def is_sound(self, *columns: str) -> bool:
        """Return whether no problem was found in these columns."""
        return self.faulty.isdisjoint(columns)

    def as_written(self) -> dict[str, str]:
        """Return the text of every column of the sheet, of undeclared ones too."""
        sheet, number = self.layout.sheet, self.number
        return {name: sheet.text(number, at) for name, at in self.layout.headings.items()}

    def problem(self, what: str, cure: str, *, column: str = "") -> Problem:
        """Return a problem at this row, or at its cell in a column."""
        sheet, at = self.layout.sheet, self.layout.columns.get(column)
        place = sheet.place(self.number, at)
        return Problem(file=sheet.file, place=place, what=what, cure=cure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file holds, and all that is wrong with it."""

    layout: Layout
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


def read_table(
    path: Path, table: Table, *, sheet: str = "", today: date | None = None
) -> tuple[Row, ...]:
    """Return the rows of a table that has no fault.

    Parameters
    ----------
    sheet
        Sheet of a workbook that holds the table; by default the one with the table's name,
        or the only one.
    today
        Day after which a date lies in the future; by default the computer's.

    Raises
    ------
    InputError
        When the file cannot be read or breaks a rule of the table; it lists every fault.
    """
    reading = scan_table(path, table, sheet=sheet, today=today)
    require_sound(path.name, reading.problems)
    return reading.rows


def scan_table(path: Path, table: Table, *, sheet: str = "", today: date | None = None) -> Reading:
    """Return the rows of a table together with the faults found, for a reader that checks more.

    Raises
    ------
    InputError
        When the file cannot be read at all.
    """
    return scan_sheet(open_sheet(path, sheet=sheet or table.name), table, today=today)


def scan_sheet(page: Sheet, table: Table, *, today: date | None = None) -> Reading:
    """Return the rows of a table on a sheet together with the faults found."""
    heading, *numbers = page.filled_rows()
    layout, problems = find_columns(page, heading, table, today=today or this_day())
    problems += _unheaded(layout, heading)
    rows = []
    for number in numbers:
        row, faults = parse_row(layout, number)
        rows.append(row)
        problems += faults
    if not rows and not table.may_be_empty:
        what = "there is a heading but no row"
        problems.append(Problem(page.file, page.place(heading), what, "give at least one row"))
    problems += merge_faults(layout, [heading, *numbers])
    problems += _repeats(rows, table.unique)
    problems += _descents(rows, table.ascending)
    return Reading(layout=layout, rows=tuple(rows), problems=tuple(problems))


def require_sound(file: str, problems: Iterable[Problem]) -> None:
    """Raise if there is any problem, listing each once in the order of the file.

    Raises
    ------
    InputError
        When there is a problem.
    """
    found = sorted(set(problems), key=_by_place)
    if found:
        count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
        raise InputError(f"{count} in {file}", problems=found)


def _by_place(problem: Problem) -> tuple[str, list[tuple[int, str]], str, str]:
    """Return a key that sorts row 9 before row 10, and column Z before column AA."""
    words, *numbered = re.split(r"([0-9]+)", problem.place)
    parts = [(len(words), words)]
    for number, after in zip(numbered[::2], numbered[1::2], strict=True):
        parts += [(int(number), ""), (len(after), after)]
    return problem.file, parts, problem.what, problem.cure


def this_day() -> date:
    """Return today's date where the computer stands."""
    return datetime.now().astimezone().date()


def folded(heading: str) -> str:
    """Return a heading as declared columns are written, whatever its case."""
    return heading.casefold()


def find_columns(
    sheet: Sheet,
    row: int,
    table: Table,
    *,
    today: date,
    spelling: Callable[[str], str] = folded,
) -> tuple[Layout, list[Problem]]:
    """Return where the columns stand by the headings in a row, and what is wrong with those.

    `spelling` turns a heading into the form in which columns are declared. A column that the
    table does not declare is let be, unless its name looks like that of an absent one.
    """
    headings: dict[str, int] = {}
    problems = []
    for at in sheet.filled_columns(row):
        name = spelling(sheet.text(row, at))
        if name in headings:
            what, cure = f"the column {name} is there twice", "keep one of them"
            problems.append(Problem(sheet.file, sheet.place(row, at), what, cure))
        headings.setdefault(name, at)
    columns = {name: at for name, at in headings.items() if name in table.names}
    layout = Layout(sheet=sheet, table=table, columns=columns, headings=headings, today=today)
    problems += _misspelt_or_missing(layout, row)
    return layout, problems


def _misspelt_or_missing(layout: Layout, row: int) -> Iterator[Problem]:
    sheet, strangers = layout.sheet, [n for n in layout.headings if n not in layout.columns]
    for column in layout.table.columns:
        if column.name in layout.columns:
            continue
        near = get_close_matches(column.name, strangers, n=1, cutoff=_NEAR)
        if near:
            strangers.remove(near[0])
            place = sheet.place(row, layout.headings[near[0]])
            what = f"there is no column {near[0]!r}"
            yield Problem(sheet.file, place, what, f"did you mean {column.name}?")
        elif column.is_required:
            what = f"the column {column.name} is missing"
            cure = f"add it: {column.meaning[0].lower()}{column.meaning[1:]}"
            yield Problem(sheet.file, sheet.place(row), what, cure)


def _unheaded(layout: Layout, heading: int) -> Iterator[Problem]:
    """Yield the first cell below each place in the heading that is blank."""
    sheet, known = layout.sheet, set(layout.sheet.filled_columns(heading))
    seen = set()
    for row, column in sorted(sheet.cells):
        if row > heading and column not in known and column not in seen:
            seen.add(column)
            what = f"{sheet.text(row, column)!r} stands in a column without a heading"
            cure = "give the column a heading, or put quotation marks round a text with commas"
            yield Problem(sheet.file, sheet.place(row, column), what, cure)


def parse_row(layout: Layout, number: int) -> tuple[Row, list[Problem]]:
    """Return a row and the faults of its cells; a column that the sheet lacks reads as blank."""
    values: dict[str, Value] = {}
    faults: dict[str, UnfitValueError] = {}
    for column in layout.table.columns:
        values[column.name] = None
        try:
            values[column.name] = _value(layout, number, column)
        except UnfitValueError as fault:
            faults[column.name] = fault
    row = Row(layout=layout, number=number, values=values, faulty=frozenset(faults))
    problems = [
        row.problem(fault.what, fault.cure, column=name)
        for name, fault in faults.items()
        if name in layout.columns
    ]
    return row, problems


def _value(layout: Layout, number: int, column: Column) -> Value:
    at = layout.columns.get(column.name)
    if at is None:
        if column.is_required:
            raise UnfitValueError(f"the column {column.name} is missing", "add it")
        return column.parse("", today=layout.today)
    if (number, at) in layout.sheet.formulas:
        raise UnfitValueError(f"{column.name} is a formula", "paste its value in its place")
    return column.parse(layout.sheet.text(number, at), today=layout.today)


def merge_faults(layout: Layout, rows: Sequence[int]) -> Iterator[Problem]:
    """Yield merged cells that touch a declared column in one of the rows."""
    sheet, columns = layout.sheet, layout.columns.values()
    for merge in sheet.merges:
        across = any(merge.first_column <= column <= merge.last_column for column in columns)
        if across and any(merge.first_row <= row <= merge.last_row for row in rows):
            what = f"the cells {merge.label} are merged"
            place = sheet.place(merge.first_row, merge.first_column)
            cure = "split them and fill each cell"
            yield Problem(sheet.file, place, what, cure)


def _repeats(rows: Sequence[Row], unique: tuple[str, ...]) -> Iterator[Problem]:
    first: dict[tuple[Value, ...], Row] = {}
    for row in rows:
        if not unique or not row.is_sound(*unique):
            continue
        key = tuple(row.values[name] for name in unique)
        earlier = first.setdefault(key, row)
        if earlier is not row:
            named = ", ".join(f"{name} {value}" for name, value in zip(unique, key, strict=True))
            what = f"{named} stands in row {earlier.number} already"
            yield row.problem(what, "keep one row for each", column=unique[-1])


def _descents(rows: Sequence[Row], ascending: tuple[str, ...]) -> Iterator[Problem]:
    for row in rows:
        for left, right in pairwise(ascending):
            low, high = row.number_of(left), row.number_of(right)
            if low is not None and high is not None and low > high:
                what = f"{left} is {low:g} and {right} is {high:g}"
                cure = f"give {', '.join(ascending)} in ascending order"
                yield row.problem(what, cure, column=right)


def write_rows(path: Path, headings: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write a CSV file aside, then rename; a row without some column leaves its cell blank.

    Raises
    ------
    OSError
        When the file cannot be written; the earlier one then stands as it was.
    """
    with written_aside(path) as aside, aside.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, headings, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

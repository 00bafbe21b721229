"""The layout of the population bulletin: title rows, heading, prisons, totals, footnotes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from estate.errors import Problem
from estate.sources.register import crowding_problem
from estate.sources.table import Layout, Row, find_columns, merge_faults, parse_row
from estate.tables import BULLETIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from estate.sources.sheet import Sheet

FIGURES = ("baseline_cna", "in_use_cna", "operational_capacity", "population")

# The Total row gives the useable operational capacity: the sum less an operating margin, as the
# bulletin's footnotes say. How large it may be is our assumption; a lost row exceeds it.
_MARGIN_MAX = 0.05

_TITLE_ROWS_MAX = 30
_HEADINGS_MIN = 2  # So many headings of the table in one row make it the heading.


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a bulletin says, row by row; `date_place` is where the report date stands."""

    report_date: date | None
    date_place: str
    prisons: tuple[Row, ...] = ()
    total: Row | None = None


def read_body(sheet: Sheet, *, today: date) -> tuple[Body, list[Problem]]:
    """Return the rows of a bulletin up to its Total row, and every fault in them.

    Rows without any figure are headings of sections, or blank. What follows the Total row is
    footnotes and is not read.
    """
    report_date, place, problems = _report_date(sheet, today)
    body = Body(report_date=report_date, date_place=place)
    heading = _heading_row(sheet)
    if heading is None:
        what = f"there is no heading with {', '.join(BULLETIN.names)}"
        return body, [*problems, Problem(sheet.file, "", what, "give the bulletin as published")]
    layout, faults = find_columns(sheet, heading, BULLETIN, today=today, spelling=_column_name)
    problems += faults
    if "prison_name" not in layout.columns:
        return body, problems
    rows, faults = _rows(layout, heading)
    problems += faults
    prisons = tuple(row for row in rows if not _is_total(row) and not _is_subtotal(row))
    total = rows[-1] if rows and _is_total(rows[-1]) else None
    problems += _missing(layout, prisons, total)
    problems += merge_faults(layout, [row.number for row in rows])
    problems += filter(None, map(crowding_problem, prisons))
    if total is not None and all(row.is_sound(*FIGURES) for row in rows):
        problems += _sum_problems(rows)
    body = Body(report_date=report_date, date_place=place, prisons=prisons, total=total)
    return body, problems


def _report_date(sheet: Sheet, today: date) -> tuple[date | None, str, list[Problem]]:
    """Return the date beside or after the label "Report Date:", and its place."""
    cure = "give a row above the heading such as Report Date: 30/10/2026"
    for (row, column), text in sorted(sheet.cells.items()):
        label = re.match(r"report date\s*:?\s*", text, re.IGNORECASE)
        if row > _TITLE_ROWS_MAX or label is None:
            continue
        beside = [sheet.text(row, at) for at in sheet.filled_columns(row) if at > column]
        written = text[label.end() :] or next(iter(beside), "")
        place = sheet.place(row, column)
        try:
            report_date = _calendar_day(written)
        except ValueError:
            what = f"the report date is {written!r}"
            return None, place, [Problem(sheet.file, place, what, cure)]
        if report_date > today:
            what = f"the report date is {written!r}, which is in the future"
            cure = f"give a date not after {today:%d/%m/%Y}"
            return report_date, place, [Problem(sheet.file, place, what, cure)]
        return report_date, place, []
    return None, "", [Problem(sheet.file, "", "there is no report date", cure)]


def _calendar_day(text: str) -> date:
    found = re.fullmatch(r"(\d\d?)/(\d\d?)/(\d{4})", text, re.ASCII)
    if found is None:
        return date.fromisoformat(text)  # A cell with a date, not a text.
    day, month, year = map(int, found.groups())
    return date(year, month, day)


def _heading_row(sheet: Sheet) -> int | None:
    for row in sheet.filled_rows():
        names = {_column_name(sheet.text(row, at)) for at in sheet.filled_columns(row)}
        if row <= _TITLE_ROWS_MAX and len(names.intersection(BULLETIN.names)) >= _HEADINGS_MIN:
            return row
    return None


def _column_name(heading: str) -> str:
    """Return a heading without case, line breaks and footnote marks."""
    return "_".join(re.findall(r"[a-z]+", heading.casefold()))


def _rows(layout: Layout, heading: int) -> tuple[list[Row], list[Problem]]:
    """Return every row with a figure, up to and with the Total row."""
    sheet, columns = layout.sheet, layout.columns
    rows: list[Row] = []
    problems: list[Problem] = []
    for number in sheet.filled_rows():
        figures = [sheet.text(number, columns[name]) for name in FIGURES if name in columns]
        if number <= heading or not any(figures):
            continue
        row, faults = parse_row(layout, number)
        rows.append(row)
        problems += faults
        if not row.text("prison_name"):
            what = "there are figures without a name"
            problems.append(row.problem(what, "give the prison's name", column="prison_name"))
        if _is_total(row):
            break
    return rows, problems


def _is_total(row: Row) -> bool:
    return re.match(r"(grand\s+)?total\b", row.text("prison_name"), re.IGNORECASE) is not None


def _is_subtotal(row: Row) -> bool:
    return re.match(r"sub[\s-]*total\b", row.text("prison_name"), re.IGNORECASE) is not None


def _missing(layout: Layout, prisons: Sequence[Row], total: Row | None) -> Iterator[Problem]:
    if not prisons:
        yield Problem(layout.sheet.file, "", "there is no prison in it", "give at least one row")
    if total is None:
        cure = "give the bulletin as published, with its Total row"
        yield Problem(layout.sheet.file, "", "there is no Total row", cure)


def _sum_problems(rows: Sequence[Row]) -> Iterator[Problem]:
    """Yield each total that is not the sum of its rows.

    A sub-total may stand for the rows since the last one, or for all rows so far.
    """
    prisons: list[Row] = []
    since: list[Row] = []
    for row in rows:
        if _is_total(row):
            yield from _disagreements(row, prisons)
        elif _is_subtotal(row):
            of_section = list(_disagreements(row, since))
            if of_section and any(_disagreements(row, prisons)):
                yield from of_section
            since = []
        else:
            prisons.append(row)
            since.append(row)


def _disagreements(total: Row, prisons: Sequence[Row]) -> Iterator[Problem]:
    for column in FIGURES:
        stated = total.integer(column)
        added = sum(row.integer(column) or 0 for row in prisons)
        least = added * (1 - _MARGIN_MAX) if column == "operational_capacity" else added
        if stated is not None and least <= stated <= added:
            continue
        shown = "blank" if stated is None else f"{stated:,}"
        what = f"{column} of {total.text('prison_name')!r} is {shown}, the rows add up to {added:,}"
        cure = "give the bulletin as published, with every row"
        yield total.problem(what, cure, column=column)

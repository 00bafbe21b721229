"""Writing a workbook: a sheet of contents, then a sheet for each table, with live formulas."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from xlsxwriter import Workbook as Book
from xlsxwriter.exceptions import XlsxInputError
from xlsxwriter.utility import cell_autofit_width, xl_col_to_name

from reports.document import Column, Sheet, Table
from reports.files import written_aside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from reports.document import Kind, Scalar, Workbook

CONTENTS = "Contents"

# Limits of the file format. The library cuts what is over them without a word; we refuse it.
_ROWS_MAX = 1_048_576
_TEXT_LENGTH_MAX = 32_767
_PRINTED_LENGTH_MAX = 255

# A clock would make two equal workbooks differ.
_CREATED = datetime(2000, 1, 1, tzinfo=UTC)

_TOTAL_LABEL = "Total shown"  # Rows that a filter hides are not in it.
_SUM_OF_SHOWN = 109  # The function number of SUBTOTAL that sums the rows a filter leaves.

# The library measures another font than ours, and never bold; a number that does not fit its
# column shows as "###".
_WIDTH_MARGIN = 1.1
_FILTER_BUTTON_PX = 18
_HEADING_WIDTH_PX = 110
_WIDTH_PX_MIN = 60
_WIDTH_PX_MAX = 340
_INDENT_PX = 14
_LINE_PX = 17

_FONT = {"font_name": "Arial", "font_size": 10}
_INK, _PAPER, _RULE, _LINK = "#1B2A41", "#FFFFFF", "#D5DAE1", "#1D4F91"
_FORMULA_STARTS = ("=", "+", "-", "@")

_TEXT = {"align": "left", "indent": 1, "text_wrap": True}
_KINDS: Mapping[Kind, Mapping[str, Any]] = {
    "text": _TEXT,
    "integer": {"num_format": "#,##0"},
    "number": {"num_format": "#,##0.0??"},  # A "?" keeps the points in one line.
    "exact": {"num_format": "General"},
    "money": {"num_format": '"£"#,##0.00;[Red]-"£"#,##0.00'},
    "share": {"num_format": "0.0%"},
    "grade": {"align": "center"},
}
_DISPLAYS: Mapping[Kind, str] = {
    "integer": "{:,.0f}",
    "number": "{:,.3f}",
    "exact": "{:,.10g}",
    "money": "-£{:,.2f}",  # The longest that the column shows, so with the sign.
    "share": "{:.1%}",
}
_CELL = {"valign": "top", "bottom": 1, "bottom_color": _RULE}
_TOTAL = {"bold": True, "top": 2, "top_color": _INK, "text_wrap": False}
_LOOKS: Mapping[str, Mapping[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "font_color": _INK},
    "marking": {"bold": True, "font_size": 11, "font_color": _INK},
    "note": {"text_wrap": True, "valign": "top", "font_color": "#44505F"},
    "header": {
        "bold": True,
        "text_wrap": True,
        "align": "left",
        "indent": 1,
        "valign": "top",
        "font_color": _PAPER,
        "bg_color": _INK,
        "border": 1,
        "border_color": _PAPER,
    },
    "link": {**_CELL, **_TEXT, "font_color": _LINK, "underline": 1},
    # Without the quote, a text such as "=A1" becomes a formula when a person edits the cell.
    "quoted": {**_CELL, **_TEXT, "quote_prefix": True},
}


class _Page(NamedTuple):
    """A sheet on its way into the book: what to write, where, and in which formats."""

    sheet: Sheet
    worksheet: Any
    formats: Mapping[str, Any]
    widths_px: tuple[int, ...]

    @property
    def header_row(self) -> int:
        """Return the index of the header row: below title, marking, notes and a thin gap."""
        return len(_notes(self.sheet)) + 3

    @property
    def last_row(self) -> int:
        """Return the index of the table's last row; the header's own if there is none."""
        return self.header_row + len(self.sheet.table.rows)

    @property
    def last_column(self) -> int:
        """Return the index of the table's last column."""
        return len(self.sheet.table.columns) - 1


def write_workbook(workbook: Workbook, path: Path) -> None:
    """Write an XLSX file whose first sheet lists the others; equal workbooks give equal bytes.

    A table starts in column A, so that a formula of `Sheet.formulas` finds the table's first
    column there. A cell without a value stays empty, in a column of formulas too. Text is
    written as text, whatever it looks like. The row of totals follows the filter; the table's
    own `footer` is written only where no column is summed.

    Raises
    ------
    ValueError
        When Excel would refuse or cut something: the name of a sheet, a text, the number of
        rows, a marking too long for a printed header.
    OSError
        When the file cannot be written.
    """
    buffer = BytesIO()  # So that a full disk is an OSError, and the library needs no files.
    book = Book(
        buffer,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "default_format_properties": dict(_FONT),
        },
    )
    printed = _printed(workbook.marking)
    book.set_properties(
        {
            "title": workbook.title,
            "category": workbook.marking,
            "keywords": workbook.marking,
            "created": _CREATED,
        }
    )
    formats = _formats(book)
    pages = []
    for sheet in (_contents(workbook), *workbook.sheets):
        _check(sheet)
        widths_px = tuple(_widths_px(sheet))
        page = _Page(sheet, _worksheet(book, sheet.name), formats, widths_px)
        _write_top(page, workbook.marking)
        _write_header(page)
        _write_table(page)
        _write_bottom(page)
        _set_up_print(page, printed)
        pages.append(page)
    _link(pages[0], workbook.sheets)
    book.close()
    with written_aside(path) as aside:
        aside.write_bytes(buffer.getvalue())


def _contents(workbook: Workbook) -> Sheet:
    rows = tuple((sheet.name, sheet.title, len(sheet.table.rows)) for sheet in workbook.sheets)
    columns = (Column(heading="Sheet"), Column(heading="What it holds"))
    table = Table(columns=(*columns, Column(heading="Rows", kind="integer")), rows=rows)
    return Sheet(name=CONTENTS, title=workbook.title, table=table)


def _link(contents: _Page, sheets: Iterable[Sheet]) -> None:
    for row, sheet in enumerate(sheets, start=contents.header_row + 1):
        place = sheet.name.replace("'", "''")
        look = contents.formats["link"]
        contents.worksheet.write_url(row, 0, f"internal:'{place}'!A1", look, sheet.name)


def _formats(book: Any) -> dict[str, Any]:
    looks: dict[str, Mapping[str, Any]] = dict(_LOOKS)
    for kind, look in _KINDS.items():
        looks[kind] = {**_CELL, **look}
        looks[f"total {kind}"] = {**look, **_TOTAL}
    return {name: book.add_format({**_FONT, **look}) for name, look in looks.items()}


def _worksheet(book: Any, name: str) -> Any:
    # The format has no empty name and keeps one for itself; the library checks the rest.
    if not name.strip() or name.casefold() == "history":
        raise ValueError(f"a sheet cannot be named '{name}'")
    try:
        return book.add_worksheet(name)
    except XlsxInputError as error:
        raise ValueError(f"a sheet cannot be named '{name}'") from error


def _check(sheet: Sheet) -> None:
    rows = sheet.table.rows
    if len(rows) > _ROWS_MAX - len(sheet.notes) - 10:
        raise ValueError(f"sheet '{sheet.name}' has {len(rows):,} rows, more than Excel can hold")
    for row in rows:
        for value in row:
            if isinstance(value, str) and len(value) > _TEXT_LENGTH_MAX // 2:
                _check_length(value, _TEXT_LENGTH_MAX, f"a cell of sheet '{sheet.name}'")


def _check_length(text: str, limit: int, place: str) -> None:
    length = len(text.encode("utf-16-le")) // 2  # As Excel counts: an emoji is two.
    if length > limit:
        raise ValueError(f"{place} holds at most {limit:,} characters, not {length:,}")


def _printed(marking: str) -> str:
    """Return the marking, centred and bold, in the codes of a printed header."""
    printed = f"&C&B{marking.replace('&', '&&')}"
    _check_length(_footer(printed), _PRINTED_LENGTH_MAX, "a printed footer with the marking")
    return printed


def _footer(printed: str) -> str:
    return f"&L&A{printed}&RPage &P of &N"


def _notes(sheet: Sheet) -> tuple[str, ...]:
    """Return the sheet's notes and the table's own, none of them empty."""
    return tuple(note for note in (*sheet.notes, sheet.table.note) if note)


def _write_top(page: _Page, marking: str) -> None:
    """Write title, marking and notes; a note spans the table, so that it prints whole."""
    worksheet, look = page.worksheet, page.formats["note"]
    worksheet.set_row_pixels(0, 28)
    worksheet.write_string(0, 0, page.sheet.title, page.formats["title"])
    worksheet.write_string(1, 0, marking, page.formats["marking"])
    for row, note in enumerate(_notes(page.sheet), start=2):
        _set_lines(worksheet, row, _lines(note, width_px=sum(page.widths_px)))
        if page.last_column > 0:
            worksheet.merge_range(row, 0, row, page.last_column, note, look)
        else:
            worksheet.write_string(row, 0, note, look)
    worksheet.set_row_pixels(page.header_row - 1, 8)


def _write_header(page: _Page) -> None:
    """Write the headings with unit and explanation, keep them in view and let them filter."""
    worksheet, row, lines = page.worksheet, page.header_row, 1
    for index, column in enumerate(page.sheet.table.columns):
        width_px = page.widths_px[index]
        heading = f"{column.heading}\n{column.unit}" if column.unit else column.heading
        lines = max(lines, _lines(heading, width_px=width_px - _FILTER_BUTTON_PX))
        worksheet.set_column_pixels(index, index, width_px)
        worksheet.write_string(row, index, heading, page.formats["header"])
        if column.help:
            height_px = _LINE_PX * (_lines(column.help, width_px=240) + 1)
            worksheet.write_comment(row, index, column.help, {"width": 260, "height": height_px})
    _set_lines(worksheet, row, lines)
    worksheet.freeze_panes(row + 1, 1)
    worksheet.autofilter(row, 0, page.last_row, page.last_column)
    worksheet.hide_gridlines(2)


def _write_table(page: _Page) -> None:
    """Write the rows, each as high as its longest text needs."""
    kinds = [column.kind for column in page.sheet.table.columns]
    formulas = page.sheet.formulas or {}
    for row, values in enumerate(page.sheet.table.rows, start=page.header_row + 1):
        for index, value in enumerate(values):
            if index in formulas and value is not None:
                formula = formulas[index].replace("{row}", str(row + 1))
                look = page.formats[kinds[index]]
                page.worksheet.write_formula(row, index, formula, look, value)
            else:
                _write_value(page, row, index, value)
        wrapped = (
            _lines(value, width_px=width_px)
            for value, width_px in zip(values, page.widths_px, strict=True)
            if isinstance(value, str) and width_px == _WIDTH_PX_MAX
        )
        _set_lines(page.worksheet, row, max(wrapped, default=1))


def _write_value(page: _Page, row: int, index: int, value: Scalar) -> None:
    """Write a value as what it is; a text in a column of numbers stays a text."""
    look = page.formats[page.sheet.table.columns[index].kind]
    if value is None or value == "":
        page.worksheet.write_blank(row, index, None, look)
    elif isinstance(value, str):
        risky = value.startswith(_FORMULA_STARTS)
        page.worksheet.write_string(row, index, value, page.formats["quoted"] if risky else look)
    else:
        page.worksheet.write_number(row, index, value, look)


def _write_bottom(page: _Page) -> None:
    """Write the row of totals, or the table's own footer where nothing is summed."""
    sheet, row = page.sheet, page.last_row + 1
    if not sheet.table.rows:
        return
    bottom = list(_bottom(sheet))
    for index, value in enumerate(bottom):
        look = page.formats[f"total {sheet.table.columns[index].kind}"]
        if index in sheet.sums:
            name = xl_col_to_name(index)
            cells = f"{name}{page.header_row + 2}:{name}{page.last_row + 1}"
            formula = f"=SUBTOTAL({_SUM_OF_SHOWN},{cells})"
            page.worksheet.write_formula(row, index, formula, look, value)
        else:
            page.worksheet.write(row, index, value, look)


def _bottom(sheet: Sheet) -> Iterator[Scalar]:
    """Yield the values below the table: totals with their label, or the footer, or nothing."""
    if not sheet.sums:
        yield from sheet.table.footer
        return
    label = next((i for i in range(len(sheet.table.columns)) if i not in sheet.sums), None)
    for index, column in enumerate(sheet.table.columns):
        if index in sheet.sums:
            values = (row[index] for row in sheet.table.rows)
            total = math.fsum(value for value in values if isinstance(value, int | float))
            yield round(total, 2) if column.kind == "money" else total
        else:
            yield _TOTAL_LABEL if index == label else None


def _set_up_print(page: _Page, printed: str) -> None:
    """Set A4 landscape, one page wide, with the header row and the marking on every page."""
    worksheet = page.worksheet
    worksheet.set_landscape()
    worksheet.set_paper(9)
    worksheet.fit_to_pages(1, 0)
    worksheet.repeat_rows(page.header_row)
    worksheet.set_header(printed)
    worksheet.set_footer(_footer(printed))


def _widths_px(sheet: Sheet) -> Iterator[int]:
    """Yield for each column a width that fits its cells, and its heading on a few lines."""
    bottom = tuple(_bottom(sheet))
    for index, column in enumerate(sheet.table.columns):
        values = (row[index] for row in (*sheet.table.rows, bottom) if row)
        longest = max((_shown(value, column.kind) for value in values), key=len, default="")
        words = max((_text_px(word) for word in column.heading.split()), default=0)
        heading = min(_text_px(column.heading), max(words, _HEADING_WIDTH_PX))
        heading = max(heading, _text_px(column.unit)) + _FILTER_BUTTON_PX
        width = max(_text_px(longest), heading) + _INDENT_PX
        yield min(max(width, _WIDTH_PX_MIN), _WIDTH_PX_MAX)


def _shown(value: Scalar, kind: Kind) -> str:
    """Return a value about as a cell shows it, to measure it."""
    if value is None:
        return ""
    if isinstance(value, str) or kind not in _DISPLAYS:
        return str(value)
    return _DISPLAYS[kind].format(abs(value))


def _text_px(text: str) -> int:
    """Return the width of a line of text in pixels."""
    width_px: int = cell_autofit_width(text)
    return math.ceil(_WIDTH_MARGIN * width_px)


def _lines(text: str, *, width_px: int) -> int:
    """Return how many lines a text takes in a width, rather one too many than one too few."""
    width_px = max(width_px - _INDENT_PX, 1)
    return sum(max(math.ceil(_text_px(line) / width_px), 1) for line in text.split("\n"))


def _set_lines(worksheet: Any, row: int, lines: int) -> None:
    """Set the height of a row; not every program does it by itself when it opens a file."""
    if lines > 1:
        worksheet.set_row_pixels(row, _LINE_PX * lines + 2)

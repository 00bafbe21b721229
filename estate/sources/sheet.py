"""CSV, XLSX and ODS files as plain text cells that know where they stand."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import odfdo
import openpyxl
from openpyxl.utils import get_column_letter

from estate.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from openpyxl.worksheet.worksheet import Worksheet

SIZE_MB_MAX = 50.0  # Of a file, packed or unpacked; a year of bulletins is below 1 MB.
CELLS_MAX = 2_000_000  # Of a worksheet; a schedule of 10,000 wings has 250,000.

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # Begins XLS files, and XLSX files with a password.
_SAVE_AS = "save it as XLSX, ODS or UTF-8 CSV"

# A part that every file of the kind has.
_PARTS = {".xlsx": "xl/workbook.xml", ".ods": "content.xml"}

_WHOLE_MAX = 2**53  # A float holds every whole number up to here.

E = TypeVar("E", bound=odfdo.Element)


class Merge(NamedTuple):
    """A block of merged cells; rows and columns count from 1 and include the last."""

    label: str
    first_row: int
    last_row: int
    first_column: int
    last_column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet of a file; rows and columns count from 1, as a spreadsheet counts them.

    `cells` holds the text of each cell that has any: numbers in plain digits, dates as
    yyyy-mm-dd, no blanks around. `name` is "" for a CSV file, which has no sheets.
    """

    file: str
    name: str
    cells: Mapping[tuple[int, int], str]
    formulas: frozenset[tuple[int, int]] = frozenset()
    merges: tuple[Merge, ...] = ()

    def text(self, row: int, column: int) -> str:
        """Return the text of a cell, "" if it is empty."""
        return self.cells.get((row, column), "")

    def filled_rows(self) -> list[int]:
        """Return the rows that hold anything, from the top."""
        return sorted({row for row, _ in self.cells})

    def filled_columns(self, row: int) -> list[int]:
        """Return the columns that hold anything in a row, from the left."""
        return sorted(column for filled, column in self.cells if filled == row)

    def place(self, row: int, column: int | None = None) -> str:
        """Return the place of a row or a cell as a spreadsheet shows it."""
        parts = [f"sheet {self.name}"] if self.name else []
        parts.append(f"row {row}")
        if column is not None:
            parts.append(f"column {get_column_letter(column)}")
        return ", ".join(parts)


def open_sheet(path: Path, *, sheet: str = "", size_mb_max: float = SIZE_MB_MAX) -> Sheet:
    """Return the sheet of that name (in any case), or the only one that holds anything.

    Raises
    ------
    InputError
        When the file is missing, empty, too large, not what its name says or not readable, or
        when it cannot be told which of several sheets is meant.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        raise refusal(path, "it is a folder", "name a file in it")
    if suffix not in {".csv", *_PARTS}:
        raise refusal(path, f"its name ends in {path.suffix!r}", _SAVE_AS)
    try:
        _check_size(path, path.stat().st_size, size_mb_max)
        if suffix == ".csv":
            return _csv_sheet(path)
        with _readable(path):
            _check_archive(path, size_mb_max=size_mb_max)
            sheets = _xlsx_sheets(path) if suffix == ".xlsx" else _ods_sheets(path)
            return _chosen(path, sheets, wanted=sheet)
    except FileNotFoundError as error:
        raise refusal(path, "there is no such file", "check the name and the folder") from error
    except OSError as error:
        what = f"it cannot be opened ({error.strerror or error})"
        raise refusal(path, what, "check that it is a file that you may read") from error


def refusal(path: Path, what: str, cure: str, *, place: str = "") -> InputError:
    """Return the error for a file of which nothing can be read."""
    problem = Problem(file=path.name or str(path), place=place, what=what, cure=cure)
    return InputError(f"cannot read {path}", problems=[problem])


def _check_size(path: Path, size: int, size_mb_max: float, *, state: str = "") -> None:
    if size == 0:
        raise refusal(path, "the file is empty", "give a file with a heading and rows")
    if size > size_mb_max * 1e6:
        what = f"the file is {size / 1e6:,.1f} MB{state}, more than {size_mb_max:g} MB"
        raise refusal(path, what, "remove what is not part of the table")


def _check_archive(path: Path, *, size_mb_max: float) -> None:
    """Check the declared sizes before anything is unpacked, then that they are true."""
    kind = path.suffix[1:].upper()
    if not zipfile.is_zipfile(path):
        with path.open("rb") as stream:
            old = stream.read(len(_OLE)) == _OLE
        what = "an old XLS file or has a password" if old else f"not an {kind} file"
        raise refusal(path, f"the file is {what}", _SAVE_AS)
    with zipfile.ZipFile(path) as archive:
        expanded = sum(member.file_size for member in archive.infolist())
        _check_size(path, expanded, size_mb_max, state=" when unpacked")
        damaged = archive.testzip()  # Unpacks piece by piece and stops at the declared size.
        found = _PARTS[path.suffix.lower()] in archive.namelist()
    if damaged is not None:
        raise refusal(path, f"its part {damaged} is damaged", _SAVE_AS)
    if not found:
        raise refusal(path, f"the file is a ZIP, but not an {kind} file", _SAVE_AS)


def _chosen(path: Path, sheets: Mapping[str, Callable[[], Sheet]], *, wanted: str) -> Sheet:
    for name, read in sheets.items():
        if name.casefold() == wanted.casefold():
            return read()
    filled = [sheet for sheet in (read() for read in sheets.values()) if sheet.cells]
    if not filled:
        raise refusal(path, "every sheet is empty", "give a sheet with a heading and rows")
    if len(filled) > 1:
        names = ", ".join(sheet.name for sheet in filled)
        cure = f"name the one that counts {wanted}" if wanted else "keep only the one that counts"
        raise refusal(path, f"it has several sheets ({names})", cure)
    return filled[0]


def _csv_sheet(path: Path) -> Sheet:
    rows = csv.reader(io.StringIO(_decoded(path), newline=""), strict=True)
    cells: dict[tuple[int, int], str] = {}
    try:
        for number, row in enumerate(rows, start=1):
            texts = ((column, as_text(value)) for column, value in enumerate(row, start=1))
            cells |= {(number, column): text for column, text in texts if text}
    except csv.Error as error:
        what = f"its quotation marks do not match ({error})"
        raise refusal(path, what, "save it as CSV again", place=f"line {rows.line_num}") from error
    if not cells:
        raise refusal(path, "the file is empty", "give a file with a heading and rows")
    formulas = frozenset(place for place, text in cells.items() if text.startswith("="))
    return Sheet(file=path.name, name="", cells=cells, formulas=formulas)


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(b"PK\x03\x04"):
        cure = "name it .xlsx or .ods if that is what it is"
        raise refusal(path, "the file is a ZIP, not a CSV file", cure)
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"byte {error.start + 1} of the file (0x{content[error.start]:02x}) is not UTF-8"
        raise refusal(path, what, "save it as UTF-8 CSV", place=f"line {line}") from error
    first = text.lstrip().partition("\n")[0]
    if "," not in first and (";" in first or "\t" in first):
        raise refusal(path, "its columns are not separated by commas", "save it as CSV with commas")
    return text


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Refuse the file if reading it fails: a broken one can fail anywhere inside a library."""
    try:
        yield
    except (InputError, PermissionError, IsADirectoryError):
        raise  # These say better what is wrong.
    except Exception as error:
        what = f"the file is not a readable {path.suffix[1:].upper()} file"
        raise refusal(path, what, _SAVE_AS) from error


def _xlsx_sheets(path: Path) -> dict[str, Callable[[], Sheet]]:
    # openpyxl warns of styles and extensions, which we do not read.
    with path.open("rb") as stream, warnings.catch_warnings(action="ignore"):
        book = openpyxl.load_workbook(stream, keep_links=False)
    shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    return {sheet.title: partial(_xlsx_sheet, path, sheet) for sheet in shown}


def _xlsx_sheet(path: Path, page: Worksheet) -> Sheet:
    _check_cells(path, page.title, page.max_row * page.max_column)
    cells: dict[tuple[int, int], str] = {}
    formulas = set()
    for row, line in enumerate(page.iter_rows(), start=page.min_row):
        for column, cell in enumerate(line, start=page.min_column):
            value = getattr(cell.value, "text", cell.value)  # An array formula keeps its text.
            if text := as_text(value):
                cells[row, column] = text
                if cell.data_type == "f":
                    formulas.add((row, column))
    merges = tuple(
        Merge(block.coord, block.min_row, block.max_row, block.min_col, block.max_col)
        for block in page.merged_cells.ranges
    )
    return Sheet(
        file=path.name,
        name=page.title,
        cells=cells,
        formulas=frozenset(formulas),
        merges=tuple(sorted(merges, key=lambda merge: merge[1:])),
    )


def _ods_sheets(path: Path) -> dict[str, Callable[[], Sheet]]:
    body = odfdo.Document(path).body
    if not isinstance(body, odfdo.Spreadsheet):
        raise refusal(path, "the file is an OpenDocument, but not a spreadsheet", _SAVE_AS)
    # A table named after a file is a copy of what another workbook held.
    own = [table for table in body.tables if not str(table.name).startswith("'file:")]
    return {str(table.name): partial(_ods_sheet, path, table) for table in own}


def _ods_sheet(path: Path, table: odfdo.Table) -> Sheet:
    name = str(table.name)
    cells: dict[tuple[int, int], str] = {}
    formulas, merges = set(), []
    for rows, columns, cell in _ods_blocks(table):
        _check_cells(path, name, len(cells) + len(rows) * len(columns))
        text, (across, down) = as_text(cell.value), cell.span_area()
        for place in product(rows, columns):
            if text:
                cells[place] = text
            if cell.formula:
                formulas.add(place)
            if across > 1 or down > 1:
                merges.append(_merge(*place, across=max(across, 1), down=max(down, 1)))
    return Sheet(
        file=path.name,
        name=name,
        cells=cells,
        formulas=frozenset(formulas),
        merges=tuple(merges),
    )


def _ods_blocks(table: odfdo.Table) -> Iterator[tuple[range, range, odfdo.Cell]]:
    """Yield the rows and columns for which each cell stands that is filled or spans others.

    A cell or row that is repeated is kept once in the file; empty ones often stand for a million.
    """
    top = 1
    for row in _elements(table, "descendant::table:table-row", odfdo.Row):
        rows = range(top, top + (row.repeated or 1))
        top, left = rows.stop, 1
        for cell in _elements(row, "table:table-cell|table:covered-table-cell", odfdo.Cell):
            columns = range(left, left + (cell.repeated or 1))
            left = columns.stop
            if as_text(cell.value) or cell.is_spanned(covered=False):
                yield rows, columns, cell


def _elements(parent: odfdo.Element, path: str, kind: type[E]) -> Iterator[E]:
    return (found for found in parent.get_elements(path) if isinstance(found, kind))


def _check_cells(path: Path, name: str, count: int) -> None:
    if count > CELLS_MAX:
        what = f"the sheet spans more than {CELLS_MAX:,} cells"
        cure = "delete the empty rows and columns around the table"
        raise refusal(path, what, cure, place=f"sheet {name}")


def _merge(row: int, column: int, *, across: int, down: int) -> Merge:
    last_row, last_column = row + down - 1, column + across - 1
    first, last = (
        f"{get_column_letter(at)}{number}"
        for number, at in ((row, column), (last_row, last_column))
    )
    return Merge(f"{first}:{last}", row, last_row, column, last_column)


def as_text(value: object) -> str:
    """Return a cell's value as it would stand in a CSV file."""
    match value:
        case None:
            return ""
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case float() if value.is_integer() and abs(value) <= _WHOLE_MAX:
            return str(int(value))
        case _:
            return str(value).strip()

"""Files as people keep them, and the faults found in them."""

import csv

import odfdo
import openpyxl
import pytest

from estate.errors import InputError
from estate.tables import REGISTER, WINGS


@pytest.fixture
def write_csv(tmp_path):
    """Return a function that writes rows of texts as CSV."""

    def write(name, rows):
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows(rows)
        return path

    return write


@pytest.fixture
def write_xlsx(tmp_path):
    """Return a function that writes sheets of rows as XLSX."""

    def write(name, merged=(), **sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            page = book.create_sheet(title)
            for row in rows:
                page.append(row)
            for block in merged:
                page.merge_cells(block)
        book.save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def write_ods(tmp_path):
    """Return a function that writes sheets of rows as ODS."""

    def write(name, merged=(), **sheets):
        document = odfdo.Document("spreadsheet")
        document.body.clear()
        for title, rows in sheets.items():
            table = odfdo.Table(title)
            table.set_values(rows)
            for block in merged:
                table.set_span(block)
            document.body.append(table)
        document.save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def write_table(write_csv):
    """Return a function that writes rows, each a mapping, under the headings of a table."""

    def write(name, table, *rows):
        return write_csv(
            name, [table.names, *([row.get(n, "") for n in table.names] for row in rows)]
        )

    return write


@pytest.fixture
def write_register(write_table):
    """Return a function that writes a register; what a row leaves out is as in Leeds."""

    def write(*rows):
        leeds = {
            "prison_id": "LEI",
            "name": "Leeds (HMP)",
            "latitude": "53.795744",
            "longitude": "-1.576174",
            "category": "B (local)",
            "gender": "male",
            "operator": "HMPPS (public)",
            "baseline_cna": "669",
            "operational_capacity": "1212",
            "population": "1138",
            "capacity_dated": "2016-05-27",
            "capacity_source": "bulletin 2016-05-27",
        }
        return write_table("register.csv", REGISTER, *(leeds | row for row in rows))

    return write


@pytest.fixture
def write_wings(write_table):
    """Return a function that writes a wing schedule; a row is at least wing A of Leeds."""

    def write(*rows, name="wings.csv"):
        wing = {"prison_id": "LEI", "wing": "A", "landings": "4"}
        return write_table(name, WINGS, *(wing | row for row in rows))

    return write


@pytest.fixture
def faults():
    """Return a function that returns the problems for which a call is refused, as texts."""

    def collect(call, *arguments, **options):
        with pytest.raises(InputError) as caught:
            call(*arguments, **options)
        return [str(problem) for problem in caught.value.problems]

    return collect

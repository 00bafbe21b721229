import zipfile
from contextlib import suppress
from datetime import date

import odfdo
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import InputError
from estate.sources.sheet import as_text, open_sheet

ROWS = [["wing", "cells", "surveyed_on"], ["A", 38, "2026-09-14"], ["B", 51.5, ""]]
FILLED = {
    (1, 1): "wing",
    (1, 2): "cells",
    (1, 3): "surveyed_on",
    (2, 1): "A",
    (2, 2): "38",
    (2, 3): "2026-09-14",
    (3, 1): "B",
    (3, 2): "51.5",
}


@pytest.fixture(params=["xlsx", "ods"])
def write_book(request, write_xlsx, write_ods):
    """Return a function that writes a workbook, once of either kind."""
    suffix = request.param
    write = {"xlsx": write_xlsx, "ods": write_ods}[suffix]
    return lambda merged=(), **sheets: write(f"book.{suffix}", merged=merged, **sheets)


@pytest.fixture(scope="module", params=["xlsx", "ods"])
def damaged(request, tmp_path_factory):
    """Return a path, and the content of a sound workbook of either kind for it."""
    path = tmp_path_factory.mktemp("damaged") / f"book.{request.param}"
    if request.param == "xlsx":
        openpyxl.Workbook().save(path)
    else:
        odfdo.Document("spreadsheet").save(path)
    return path, path.read_bytes()


def test_the_three_kinds_of_file_hold_the_same_cells(write_csv, write_xlsx, write_ods):
    files = [
        write_csv("book.csv", ROWS),
        write_xlsx("book.xlsx", Wings=ROWS),
        write_ods("book.ods", Wings=ROWS),
    ]

    assert [open_sheet(path).cells for path in files] == [FILLED] * 3


def test_a_csv_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "wings.csv"
    path.write_text("wing\nA\n", encoding="utf-8-sig")

    assert open_sheet(path).text(1, 1) == "wing"


def test_rows_count_as_a_spreadsheet_shows_them(tmp_path):
    path = tmp_path / "wings.csv"
    path.write_text('wing,notes\nA,"two\nlines"\n\nB,\n', encoding="utf-8")

    assert open_sheet(path).filled_rows() == [1, 2, 4]


def test_a_place_names_sheet_row_and_column(write_xlsx, write_csv):
    assert open_sheet(write_xlsx("b.xlsx", Wings=ROWS)).place(3, 28) == (
        "sheet Wings, row 3, column AB"
    )
    assert open_sheet(write_csv("b.csv", ROWS)).place(3) == "row 3"


def test_dates_of_a_workbook_become_iso_dates(write_book):
    assert open_sheet(write_book(S=[[date(2026, 9, 14)]])).text(1, 1) == "2026-09-14"


def test_the_sheet_of_the_wanted_name_is_taken(write_book):
    path = write_book(Notes=[["x"]], WINGS=[["wing"]])

    assert open_sheet(path, sheet="wings").text(1, 1) == "wing"


def test_an_empty_sheet_beside_the_only_filled_one_does_not_matter(write_book):
    path = write_book(Notes=[], Sheet2=[["wing"]])

    assert open_sheet(path, sheet="wings").text(1, 1) == "wing"


def test_several_sheets_without_the_wanted_one_are_refused_naming_them(write_book, faults):
    path = write_book(One=[["x"]], Two=[["y"]])

    assert faults(open_sheet, path, sheet="wings") == [
        f"{path.name}: it has several sheets (One, Two); name the one that counts wings"
    ]


def test_formulas_are_known_by_their_cell(write_xlsx, tmp_path):
    document = odfdo.Document("spreadsheet")
    document.body.clear()
    table = odfdo.Table("S")
    table.set_values([[1, 2]])
    cell = table.get_cell("B1")
    cell.formula = "of:=[.A1]*2"
    table.set_cell("B1", cell)
    document.body.append(table)
    document.save(tmp_path / "book.ods")

    assert open_sheet(write_xlsx("book.xlsx", S=[[1, "=A1*2"]])).formulas == {(1, 2)}
    assert open_sheet(tmp_path / "book.ods").formulas == {(1, 2)}
    (tmp_path / "book.csv").write_text("1,=A1*2\n", encoding="utf-8")
    assert open_sheet(tmp_path / "book.csv").formulas == {(1, 2)}


def test_merged_cells_are_known_by_their_block(write_book):
    (merge,) = open_sheet(write_book(S=[["a", "b"], ["c", "d"]], merged=["A1:B2"])).merges

    assert merge == ("A1:B2", 1, 2, 1, 2)


def test_a_missing_file_is_refused(tmp_path, faults):
    assert faults(open_sheet, tmp_path / "wings.csv") == [
        "wings.csv: there is no such file; check the name and the folder"
    ]


@pytest.mark.parametrize("content", ["", "\n\n", ",,\n"])
def test_an_empty_csv_file_is_refused(tmp_path, faults, content):
    (tmp_path / "wings.csv").write_text(content, encoding="utf-8")

    assert faults(open_sheet, tmp_path / "wings.csv") == [
        "wings.csv: the file is empty; give a file with a heading and rows"
    ]


def test_an_empty_workbook_is_refused(write_book, faults):
    (fault,) = faults(open_sheet, write_book(Sheet1=[]))

    assert "every sheet is empty" in fault


def test_a_file_in_another_encoding_is_refused_at_its_byte_and_line(tmp_path, faults):
    (tmp_path / "wings.csv").write_bytes("wing\nA\nCaf\u00e9\n".encode("cp1252"))

    assert faults(open_sheet, tmp_path / "wings.csv") == [
        "wings.csv line 3: byte 11 of the file (0xe9) is not UTF-8; save it as UTF-8 CSV"
    ]


def test_a_file_with_semicolons_is_refused(tmp_path, faults):
    (tmp_path / "wings.csv").write_text("prison_id;wing\nLEI;A\n", encoding="utf-8")

    assert faults(open_sheet, tmp_path / "wings.csv") == [
        "wings.csv: its columns are not separated by commas; save it as CSV with commas"
    ]


def test_an_open_quotation_mark_is_refused(tmp_path, faults):
    (tmp_path / "wings.csv").write_text('wing,notes\nA,"no end\n', encoding="utf-8")

    (fault,) = faults(open_sheet, tmp_path / "wings.csv")

    assert "its quotation marks do not match" in fault


def test_an_unknown_extension_is_refused(tmp_path, faults):
    assert faults(open_sheet, tmp_path / "wings.pdf") == [
        "wings.pdf: its name ends in '.pdf'; save it as XLSX, ODS or UTF-8 CSV"
    ]


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_text_under_the_name_of_a_workbook_is_refused(tmp_path, faults, suffix):
    (tmp_path / f"wings.{suffix}").write_text("prison_id,wing\n", encoding="utf-8")

    (fault,) = faults(open_sheet, tmp_path / f"wings.{suffix}")

    assert f"the file is not an {suffix.upper()} file" in fault


def test_a_workbook_with_a_password_is_recognised(tmp_path, faults):
    (tmp_path / "wings.xlsx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512))

    (fault,) = faults(open_sheet, tmp_path / "wings.xlsx")

    assert "is an old XLS file or has a password" in fault


def test_a_workbook_under_the_name_of_a_csv_file_is_refused(write_xlsx, tmp_path, faults):
    path = write_xlsx("book.xlsx", S=ROWS).rename(tmp_path / "book.csv")

    (fault,) = faults(open_sheet, path)

    assert "the file is a ZIP, not a CSV file" in fault


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_a_zip_that_is_no_workbook_is_refused(tmp_path, faults, suffix):
    path = tmp_path / f"wings.{suffix}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("wings.csv", "prison_id,wing\n")

    (fault,) = faults(open_sheet, path)

    assert f"the file is a ZIP, but not an {suffix.upper()} file" in fault


@pytest.mark.parametrize(("suffix", "part"), [("xlsx", "xl/workbook.xml"), ("ods", "content.xml")])
def test_a_workbook_with_a_broken_part_is_refused(tmp_path, faults, suffix, part):
    path = tmp_path / f"wings.{suffix}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(part, "<not xml")

    (fault,) = faults(open_sheet, path)

    assert f"the file is not a readable {suffix.upper()} file" in fault


def test_a_text_document_under_the_name_of_a_spreadsheet_is_refused(tmp_path, faults):
    odfdo.Document("text").save(tmp_path / "letter.odt")
    path = (tmp_path / "letter.odt").rename(tmp_path / "letter.ods")

    (fault,) = faults(open_sheet, path)

    assert "an OpenDocument, but not a spreadsheet" in fault


def test_a_file_over_the_stated_size_is_refused(write_csv, faults):
    path = write_csv("wings.csv", [["x" * 1_600_000]])

    assert faults(open_sheet, path, size_mb_max=1.5) == [
        "wings.csv: the file is 1.6 MB, more than 1.5 MB; remove what is not part of the table"
    ]


def bomb(path, *, size):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(size))
    return path


def test_a_file_that_unpacks_beyond_the_size_is_refused_before_it_is_parsed(tmp_path, faults):
    path = bomb(tmp_path / "wings.xlsx", size=60_000_000)

    assert path.stat().st_size < 100_000
    (fault,) = faults(open_sheet, path)

    assert "the file is 60.0 MB when unpacked, more than 50 MB" in fault


def test_a_file_that_lies_about_its_unpacked_size_is_refused(tmp_path, faults):
    path = bomb(tmp_path / "wings.xlsx", size=3_000_000)
    content = path.read_bytes()
    # Both headers of the part declare its size in four bytes, lowest first.
    path.write_bytes(content.replace((3_000_000).to_bytes(4, "little"), (9).to_bytes(4, "little")))

    assert faults(open_sheet, path) == [
        "wings.xlsx: its part xl/workbook.xml is damaged; save it as XLSX, ODS or UTF-8 CSV"
    ]


def test_a_sheet_with_a_cell_at_the_far_corner_is_refused(tmp_path, faults):
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "wing", "x"
    book.save(tmp_path / "wings.xlsx")

    (fault,) = faults(open_sheet, tmp_path / "wings.xlsx")

    assert "the sheet spans more than 2,000,000 cells" in fault


def repeated(path, *, rows, filled):
    document = odfdo.Document("spreadsheet")
    document.body.clear()
    table = odfdo.Table("S")
    table.set_values([["wing"], ["A" if filled else None]])
    document.body.append(table)
    last = table.get_elements("table:table-row")[-1]
    last.set_attribute("table:number-rows-repeated", str(rows))
    document.save(path)
    return path


def test_a_million_empty_rows_below_the_table_do_not_matter(tmp_path):
    path = repeated(tmp_path / "book.ods", rows=1_000_000, filled=False)

    assert open_sheet(path).cells == {(1, 1): "wing"}


def test_a_row_that_is_repeated_counts_as_often(tmp_path):
    path = repeated(tmp_path / "book.ods", rows=3, filled=True)

    assert open_sheet(path).filled_rows() == [1, 2, 3, 4]


def test_a_row_repeated_beyond_all_measure_is_refused(tmp_path, faults):
    path = repeated(tmp_path / "book.ods", rows=2_000_001, filled=True)

    (fault,) = faults(open_sheet, path)

    assert "sheet S: the sheet spans more than 2,000,000 cells" in fault


@given(at=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_workbook_is_read_or_refused_and_never_breaks_us(damaged, at, byte, cut):
    path, content = damaged
    place = int(at * len(content))
    path.write_bytes(content[:place] + bytes([byte]) + (b"" if cut else content[place + 1 :]))

    with suppress(InputError):
        open_sheet(path)


def test_a_workbook_with_a_value_that_cannot_be_read_is_refused(tmp_path, faults):
    path = repeated(tmp_path / "book.ods", rows="many", filled=True)

    (fault,) = faults(open_sheet, path)

    assert "the file is not a readable ODS file" in fault


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (38, "38"), (38.0, "38"), (51.5, "51.5"), ("\u00a0 A ", "A"), (True, "True")],
)
def test_a_value_reads_as_it_would_stand_in_a_csv_file(value, text):
    assert as_text(value) == text


@pytest.mark.parametrize("name", ["wings", "wings.csv"])
def test_a_folder_is_met_with_the_advice_to_name_a_file_in_it(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()

    with pytest.raises(InputError) as error:
        open_sheet(folder)

    assert [str(p) for p in error.value.problems] == [f"{name}: it is a folder; name a file in it"]

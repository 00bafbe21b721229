import resource
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from reports.document import Column, Sheet, Table, Workbook
from reports.workbook import write_workbook

MARKING = "OFFICIAL – handle locally"

# Header in row 5 of the sheet: title, marking, one note, a gap; so the bill is in rows 6 to 8.
BILL = Sheet(
    name="Bill of quantities",
    title="Bill of quantities, likely case",
    notes=("Prices of 2026, without VAT.",),
    table=Table(
        columns=(
            Column(heading="Line"),
            Column(heading="Quantity", kind="number", unit="m", help="Along the route."),
            Column(heading="Rate", kind="money", unit="£/m"),
            Column(heading="Cost", kind="money"),
            Column(heading="Share", kind="share"),
            Column(heading="Cells", kind="integer"),
            Column(heading="Grade", kind="grade"),
        ),
        rows=(
            ("Cat 6A permanent link", 100.5, 4.2, 422.1, 0.75, 1200, "A"),
            ("Tray", 12.0, 11.5, 138.0, 0.25, 34, "D"),
            ("Not sized", None, 9.99, None, None, None, ""),
        ),
    ),
    formulas={3: "=ROUND(B{row}*C{row},2)"},
    sums=(3, 5),
)


def book(*sheets, marking=MARKING):
    return Workbook(title="Wingspan plan", marking=marking, sheets=sheets)


def one_column(*values, kind="money", **more):
    table = Table(
        columns=(Column(heading="Line"), Column(heading="Cost", kind=kind)),
        rows=tuple(("a line", value) for value in values),
    )
    return Sheet(name="Costs", title="Costs", table=table, **more)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "plan.xlsx"


@pytest.fixture
def bill(path):
    """Return the sheet of the bill with its formulas, as a reader opens it."""
    write_workbook(book(BILL), path)
    return load_workbook(path)["Bill of quantities"]


@contextmanager
def file_size_limited(size):
    """Let no file grow beyond a size, as on a disk that is full; needs no root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_sheet_is_title_marking_notes_header_and_rows(bill):
    first = [row[0].value for row in bill.iter_rows()]

    assert first == [
        "Bill of quantities, likely case",
        MARKING,
        "Prices of 2026, without VAT.",
        None,
        "Line",
        "Cat 6A permanent link",
        "Tray",
        "Not sized",
        "Total shown",
    ]


def test_the_table_s_own_note_follows_the_sheet_s(path):
    table = replace(BILL.table, note="Rates are of the catalogue.")
    write_workbook(book(replace(BILL, table=table)), path)

    assert load_workbook(path)["Bill of quantities"]["A4"].value == "Rates are of the catalogue."


def test_a_heading_has_its_unit_below_and_its_meaning_as_a_note(bill):
    assert bill["B5"].value == "Quantity\nm"
    assert bill["B5"].comment.text == "Along the route."
    assert bill["A5"].comment is None


def test_each_kind_of_column_has_its_number_format(bill):
    formats = [cell.number_format for cell in bill[6]]

    money = '"£"#,##0.00;[Red]-"£"#,##0.00'
    assert formats == ["General", "#,##0.0??", money, money, "0.0%", "#,##0", "General"]


def test_a_cell_without_a_value_stays_empty_even_where_others_are_formulas(bill):
    assert [cell.value for cell in bill[8]] == ["Not sized", None, 9.99, None, None, None, None]


def test_a_formula_stands_in_every_row_with_its_row_s_number(bill):
    assert [bill["D6"].value, bill["D7"].value] == ["=ROUND(B6*C6,2)", "=ROUND(B7*C7,2)"]


def test_the_totals_follow_the_filter(bill):
    assert bill["D9"].value == "=SUBTOTAL(109,D6:D8)"
    assert bill["F9"].value == "=SUBTOTAL(109,F6:F8)"


def test_formulas_and_totals_have_their_values_before_any_recalculation(path):
    write_workbook(book(BILL), path)

    values = load_workbook(path, data_only=True)["Bill of quantities"]
    assert [values["D6"].value, values["D9"].value, values["F9"].value] == [422.1, 560.1, 1234]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=30))
def test_a_total_is_the_sum_of_its_lines_to_the_penny(pennies):
    sheet = one_column(*(number / 100 for number in pennies), sums=(1,))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "costs.xlsx"
        write_workbook(book(sheet), path)
        values = load_workbook(BytesIO(path.read_bytes()), data_only=True)["Costs"]

    total = values.cell(5 + len(pennies), 2).value
    assert Decimal(str(total)) == sum(pennies) / Decimal(100)


def test_a_footer_is_written_where_nothing_is_summed(path):
    sheet = one_column(1.0, 3.0)
    table = replace(sheet.table, footer=("Mean", 2.0))
    write_workbook(book(replace(sheet, table=table)), path)

    assert [cell.value for cell in load_workbook(path)["Costs"][7]] == ["Mean", 2]


def test_a_table_without_rows_is_a_header_alone(path):
    write_workbook(book(one_column(sums=(1,))), path)

    assert [cell.value for cell in load_workbook(path)["Costs"][4]] == ["Line", "Cost"]
    assert load_workbook(path)["Costs"].max_row == 4


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "=1+1", "+44", "-", "@SUM(A1)", "{=1}", "https://example.org"]
)
def test_text_is_never_a_formula_nor_a_link(path, text):
    columns = (Column(heading=text), Column(heading="Cost", unit=text))
    table = Table(columns=columns, rows=((text, text),), footer=(text, text))
    sheet = Sheet(name="Costs", title=text, notes=(text,), table=table)
    write_workbook(Workbook(title=text, marking=text, sheets=(sheet,)), path)

    cells = [cell for row in load_workbook(path)["Costs"].iter_rows() for cell in row if cell.value]
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(cell.hyperlink for cell in cells)


def test_text_that_looks_like_a_formula_stays_text_when_a_person_edits_it(path):
    write_workbook(book(one_column("=1+1", "about £5")), path)

    sheet = load_workbook(path)["Costs"]
    assert [sheet["B5"].quotePrefix, sheet["B6"].quotePrefix] == [True, False]


def test_the_header_stays_in_view_filters_and_heads_each_printed_page(bill):
    assert bill.freeze_panes == "B6"
    assert bill.auto_filter.ref == "A5:G8"
    assert bill.print_title_rows == "$5:$5"


def test_a_sheet_prints_landscape_and_one_page_wide(bill):
    assert bill.page_setup.orientation == "landscape"
    assert bill.sheet_properties.pageSetUpPr.fitToPage
    assert bill.page_setup.fitToWidth in (None, 1)  # One is what the format takes for unsaid.
    assert bill.page_setup.fitToHeight == 0  # As many as it takes.


def test_a_column_is_as_wide_as_its_content_within_reason(path):
    columns = (Column(heading="Line"), Column(heading="Why"))
    rows = (("a", "A long reason. " * 50),)
    table = Table(columns=columns, rows=rows)
    write_workbook(book(Sheet(name="s", title="t", table=table)), path)

    sheet = load_workbook(path)["s"]
    assert sheet.column_dimensions["A"].width < 12
    assert 40 < sheet.column_dimensions["B"].width < 60
    assert sheet.row_dimensions[5].height > 150  # 750 characters at about 45 a line of 13 points.


def test_every_sheet_bears_the_marking_on_screen_and_on_paper(path):
    write_workbook(book(BILL, one_column(1.0)), path)

    for sheet in load_workbook(path):
        assert sheet["A2"].value == MARKING
        assert sheet.oddHeader.center.text == f"&B{MARKING}"
        assert sheet.oddFooter.center.text == f"&B{MARKING}"


def test_an_ampersand_in_the_marking_is_not_a_code_of_the_printer(path):
    write_workbook(book(BILL, marking="R&D"), path)

    assert load_workbook(path)["Contents"].oddHeader.center.text == "&BR&&D"


def test_the_file_s_properties_name_title_and_marking(path):
    write_workbook(book(BILL), path)

    properties = load_workbook(path).properties
    assert properties.title == "Wingspan plan"
    assert [properties.category, properties.keywords] == [MARKING, MARKING]
    assert properties.created == datetime(2000, 1, 1)  # noqa: DTZ001 - openpyxl gives it bare


def test_the_contents_link_to_every_sheet(path):
    write_workbook(book(BILL, replace(one_column(1.0), name="O'Brien & co")), path)

    contents = load_workbook(path).worksheets[0]
    rows = [[cell.value for cell in row] for row in contents["A5:C6"]]
    assert contents.title == "Contents"
    assert rows == [["Bill of quantities", BILL.title, 3], ["O'Brien & co", "Costs", 1]]
    links = [contents[place].hyperlink.location for place in ("A5", "A6")]
    assert links == ["'Bill of quantities'!A1", "'O''Brien & co'!A1"]


def test_equal_workbooks_give_equal_bytes(tmp_path):
    paths = [tmp_path / "one.xlsx", tmp_path / "two.xlsx"]

    for path in paths:
        write_workbook(book(BILL), path)

    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("name", ["a/b", "[a]", "n" * 32, "", " ", "'a", "History", "contents"])
def test_a_name_that_a_sheet_cannot_have_is_refused(path, name):
    with pytest.raises(ValueError, match="a sheet cannot be named") as refusal:
        write_workbook(book(replace(BILL, name=name)), path)

    assert f"'{name}'" in str(refusal.value)
    assert not path.exists()


def test_two_sheets_of_one_name_are_refused_whatever_the_case(path):
    with pytest.raises(ValueError, match="a sheet cannot be named 'costs'"):
        write_workbook(book(one_column(1.0), replace(one_column(1.0), name="costs")), path)


@pytest.mark.parametrize("text", ["n" * 32_768, "🔒" * 16_384])
def test_a_text_that_excel_would_cut_is_refused(path, text):
    with pytest.raises(ValueError, match=r"sheet 'Costs' holds at most 32,767 .*, not 32,768"):
        write_workbook(book(one_column(text)), path)


def test_more_rows_than_excel_holds_are_refused(path):
    table = replace(one_column().table, rows=(("a", 1.0),) * 1_048_576)

    with pytest.raises(ValueError, match="sheet 'Costs' has 1,048,576 rows"):
        write_workbook(book(replace(one_column(), table=table)), path)


def test_a_marking_that_a_printed_page_would_drop_is_refused(path):
    with pytest.raises(ValueError, match="marking holds at most 255 characters"):
        write_workbook(book(BILL, marking="m" * 250), path)


def test_a_full_disk_leaves_the_old_file_whole(path):
    path.write_text("the old file")

    with file_size_limited(2_000), pytest.raises(OSError, match="File too large"):
        write_workbook(book(BILL), path)

    assert path.read_text() == "the old file"
    assert list(path.parent.iterdir()) == [path]


ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
  <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
    <prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
  </item>
</oor:items>
"""


def recalculated(path, folder):
    """Return the values of a workbook as LibreOffice calculates them from its formulas."""
    program = shutil.which("soffice")
    if program is None:
        pytest.fail("this test needs LibreOffice: apt-get install libreoffice-calc")
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(ALWAYS_RECALCULATE)
    command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless"]
    command += ["--convert-to", "xlsx", "--outdir", str(folder / "recalculated"), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return load_workbook(folder / "recalculated" / path.name, data_only=True)


def priced(number):
    """Return a line of quantity, rate and cost, many of whose costs end in half a penny."""
    quantity, rate = Decimal(number) / 8, Decimal(number) * Decimal("1.37")
    cost = (quantity * rate).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    return (f"line {number}", float(quantity), float(rate), float(cost))


def test_libreoffice_calculates_the_same_to_the_penny(path, tmp_path):
    # A value that is wrong on purpose shows that LibreOffice did calculate, and not copy.
    wrong = replace(one_column(3.0), name="Wrong", formulas={1: "=1+1"})
    table = Table(columns=BILL.table.columns[:4], rows=tuple(map(priced, range(200))))
    long = replace(BILL, name="Long", table=table, sums=(3,))
    write_workbook(book(BILL, long, wrong), path)

    ours, theirs = load_workbook(path, data_only=True), recalculated(path, tmp_path)

    assert theirs["Wrong"]["B5"].value == 2
    assert theirs["Bill of quantities"]["D9"].value == pytest.approx(422.10 + 138.00, abs=0.005)
    assert theirs["Bill of quantities"]["F9"].value == 1234
    for row in range(6, 207):
        expected = ours["Long"].cell(row, 4).value
        assert theirs["Long"].cell(row, 4).value == pytest.approx(expected, abs=0.005), row

import csv
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.column import Column, Table
from estate.errors import InputError, Problem
from estate.sources.table import read_table, require_sound, scan_table, write_rows

TODAY = date(2026, 11, 23)
CABINETS = Table(
    name="cabinets",
    meaning="One row for each cabinet",
    unique=("site", "cabinet"),
    ascending=("low", "high"),
    columns=(
        Column("site", "Site", "LEI", blank=False),
        Column("cabinet", "Name", "A1", blank=False),
        Column("low", "At least", "1", kind="integer", required=True, low=0),
        Column("high", "At most", "2", kind="integer", required=True, low=0),
        Column("checked_on", "Day of the check", "2026-09-14", kind="day"),
        Column("spurs", "Ports of each spur", "12+14", kind="counts"),
        Column("height_m", "Height", "1.9", kind="number", unit="m"),
    ),
)
HEADING = ["site", "cabinet", "low", "high"]


@pytest.fixture
def cabinet_faults(write_csv, faults):
    """Return a function that returns the faults of a table of cabinets."""
    return lambda *rows: faults(read_table, write_csv("c.csv", rows), CABINETS, today=TODAY)


def test_rows_hold_typed_values(write_csv):
    heading = [*HEADING, "checked_on", "spurs", "height_m"]
    path = write_csv("c.csv", [heading, ["LEI", "A1", "1", "2", "2026-09-14", "12+14", "1.9"]])

    (row,) = read_table(path, CABINETS, today=TODAY)

    assert row.text("site") == "LEI"
    assert row.integer("low") == 1
    assert row.text("checked_on") == "2026-09-14"
    assert row.counts("spurs") == (12, 14)
    assert row.number_of("height_m") == 1.9


def test_a_value_is_not_handed_out_as_another_kind(write_csv):
    (row,) = read_table(write_csv("c.csv", [HEADING, ["LEI", "A1", "1", "2"]]), CABINETS)

    with pytest.raises(TypeError, match="low is declared as another kind"):
        row.text("low")


def test_columns_may_stand_in_any_order_and_case_and_others_beside_them(write_csv):
    rows = [["mine", "High", "low", "CABINET", "site"], ["x", "2", "1", "A1", "LEI"]]

    (row,) = read_table(write_csv("c.csv", rows), CABINETS, today=TODAY)

    assert row.integer("high") == 2
    assert row.as_written()["mine"] == "x"


def test_blank_rows_are_passed_over(write_csv):
    path = write_csv("c.csv", [HEADING, [], ["LEI", "A1", "1", "2"], ["", "", "", ""]])

    assert [row.number for row in read_table(path, CABINETS, today=TODAY)] == [3]


def test_a_missing_column_is_named_with_its_meaning(cabinet_faults):
    assert cabinet_faults(["site", "cabinet", "low"], ["LEI", "A1", "1"]) == [
        "c.csv row 1: the column high is missing; add it: at most"
    ]


def test_a_misspelt_column_is_offered_the_nearest_name(cabinet_faults):
    assert cabinet_faults(["site", "cabinett", "low", "high"], ["LEI", "A1", "1", "2"]) == [
        "c.csv row 1, column B: there is no column 'cabinett'; did you mean cabinet?"
    ]


def test_a_misspelt_column_that_may_be_absent_is_a_problem_too(cabinet_faults):
    assert cabinet_faults([*HEADING, "cheked_on"], ["LEI", "A1", "1", "2", ""]) == [
        "c.csv row 1, column E: there is no column 'cheked_on'; did you mean checked_on?"
    ]


def test_a_column_that_is_there_twice_is_refused(cabinet_faults):
    assert cabinet_faults([*HEADING, "low"], ["LEI", "A1", "1", "2", "1"]) == [
        "c.csv row 1, column E: the column low is there twice; keep one of them"
    ]


def test_a_value_without_a_heading_is_refused(cabinet_faults):
    (fault,) = cabinet_faults(HEADING, ["LEI", "A1", "1", "2", "stray"])

    assert "row 2, column E: 'stray' stands in a column without a heading" in fault


def test_a_heading_without_rows_is_refused(cabinet_faults):
    assert cabinet_faults(HEADING) == [
        "c.csv row 1: there is a heading but no row; give at least one row"
    ]


def test_text_in_a_number_is_named_by_row_and_column(cabinet_faults):
    assert cabinet_faults(HEADING, ["LEI", "A1", "one", "2"]) == [
        "c.csv row 2, column C: low is 'one'; give a whole number from 0, such as 1"
    ]


def test_a_row_that_repeats_another_is_refused(cabinet_faults):
    row = ["LEI", "A1", "1", "2"]

    assert cabinet_faults(HEADING, row, row) == [
        "c.csv row 3, column B: site LEI, cabinet A1 stands in row 2 already; keep one row for each"
    ]


def test_rows_whose_key_is_faulty_are_not_taken_for_repeats(cabinet_faults):
    found = cabinet_faults(HEADING, ["LEI", "", "1", "2"], ["LEI", "", "1", "2"])

    assert [fault.partition(": ")[2] for fault in found] == [
        "cabinet is blank; give text, such as A1",
        "cabinet is blank; give text, such as A1",
    ]


def test_bounds_must_ascend(cabinet_faults):
    assert cabinet_faults(HEADING, ["LEI", "A1", "3", "2"]) == [
        "c.csv row 2, column D: low is 3 and high is 2; give low, high in ascending order"
    ]


def test_all_faults_are_found_in_one_run_in_the_order_of_the_rows(cabinet_faults):
    bad = [["LEI", f"A{n}", "x", "2"] for n in range(12)]

    found = cabinet_faults([*HEADING, "chekced_on"], *bad, ["", "B", "1", "2", "2027-01-01"])

    assert len(found) == 14
    assert [fault.split(",")[0] for fault in found] == [f"c.csv row {n}" for n in range(1, 15)]


def test_a_formula_is_refused_by_its_cell(write_xlsx, faults):
    path = write_xlsx("c.xlsx", cabinets=[HEADING, ["LEI", "A1", "=1+1", 2]])

    assert faults(read_table, path, CABINETS, today=TODAY) == [
        "c.xlsx sheet cabinets, row 2, column C: low is a formula; paste its value in its place"
    ]


def test_a_formula_in_a_column_that_is_not_read_does_not_matter(write_xlsx):
    path = write_xlsx("c.xlsx", cabinets=[[*HEADING, "mine"], ["LEI", "A1", 1, 2, "=C2*2"]])

    assert len(read_table(path, CABINETS, today=TODAY)) == 1


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_merged_cells_in_the_table_are_refused(write_xlsx, write_ods, faults, suffix):
    write = {"xlsx": write_xlsx, "ods": write_ods}[suffix]
    rows = [HEADING, ["LEI", "A1", 1, 2], ["LEI", "A2", 1, 2]]
    path = write(f"c.{suffix}", merged=["C2:C3"], cabinets=rows)

    found = faults(read_table, path, CABINETS, today=TODAY)

    what = f"c.{suffix} sheet cabinets, row 2, column C: the cells C2:C3 are merged"
    assert f"{what}; split them and fill each cell" in found


def test_merged_cells_beside_the_table_do_not_matter(write_xlsx):
    rows = [[*HEADING, "x", "y"], ["LEI", "A1", 1, 2, "wide"]]
    path = write_xlsx("c.xlsx", merged=["E2:F2"], cabinets=rows)

    assert len(read_table(path, CABINETS, today=TODAY)) == 1


def test_a_faulty_cell_is_reported_once_and_known_to_be_faulty(write_csv):
    path = write_csv("c.csv", [HEADING, ["LEI", "A1", "x", "2"]])

    reading = scan_table(path, CABINETS, today=TODAY)

    assert len(reading.problems) == 1
    assert not reading.rows[0].is_sound("high", "low")
    assert reading.rows[0].is_sound("high")


def test_the_number_of_problems_is_counted_in_words():
    one, two = Problem("c.csv", "row 2", "a", "b"), Problem("c.csv", "row 10", "a", "b")

    with pytest.raises(InputError, match="1 problem in"):
        require_sound("c.csv", [one, one])
    with pytest.raises(InputError, match="2 problems in") as refused:
        require_sound("c.csv", [two, one])
    assert refused.value.problems == (one, two)


_cell = st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(str.strip)


@given(rows=st.lists(st.tuples(_cell, _cell), min_size=1))
def test_what_is_written_reads_back_the_same(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("written") / "t.csv"

    write_rows(path, ["a", "b"], [{"a": a, "b": b} for a, b in rows])

    with path.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [["a", "b"], *map(list, rows)]


def test_a_writing_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("old\n", encoding="utf-8")

    with pytest.raises(ValueError, match="not in fieldnames"):
        write_rows(path, ["a"], [{"a": "1"}, {"b": "2"}])

    assert path.read_text(encoding="utf-8") == "old\n"
    assert list(tmp_path.iterdir()) == [path]

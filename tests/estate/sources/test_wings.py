import csv
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import InputError
from estate.model import Grade
from estate.sources.register import read_register
from estate.sources.wings import import_wings, read_wings
from estate.tables import WINGS

TODAY = date(2026, 11, 23)
KNOWN = ("EYI", "LEI", "MDI")
DATA = Path(__file__).parents[3] / "estate" / "data"
ELMLEY = {"spurs": "12+14+12", "landings": "3", "cells_per_landing": "38", "cells": "114"}


@pytest.fixture
def wing_faults(write_wings, faults):
    """Return a function that returns the faults of a schedule, without the name of the file."""

    def collect(*rows):
        found = faults(read_wings, write_wings(*rows), known=KNOWN, today=TODAY)
        return [fault.removeprefix("wings.csv ") for fault in found]

    return collect


def test_a_row_becomes_a_wing(write_wings):
    row = ELMLEY | {
        "prison_id": "EYI",
        "wing": "HB1",
        "typology": "three_spur_houseblock",
        "thickness_mm": "215",
        "distance_to_comms_m": "45.5",
        "cabling": "Cat5e",
        "asbestos": "no",
        "surveyed_on": "2026-09-14",
        "grade": "A",
    }

    (wing,) = read_wings(write_wings(row), known=KNOWN, today=TODAY)

    assert (wing.prison_id, wing.wing, wing.typology) == ("EYI", "HB1", "three_spur_houseblock")
    assert (wing.spurs, wing.landings, wing.cells_per_landing) == ((12, 14, 12), 3, 38)
    assert (wing.cells, wing.thickness_mm, wing.distance_to_comms_m) == (114, 215, 45.5)
    assert (wing.cabling, wing.asbestos, wing.surveyed_on) == ("cat5e", "no", "2026-09-14")
    assert wing.grade is Grade.SURVEYED


def test_what_a_schedule_leaves_out_is_unknown_and_of_the_grade_of_a_schedule(write_wings):
    (wing,) = read_wings(write_wings({}), known=KNOWN, today=TODAY)

    assert (wing.containment, wing.cabling, wing.asbestos) == ("unknown",) * 3
    assert (wing.spurs, wing.cells, wing.typology) == (None, None, "")
    assert wing.grade is Grade.SCHEDULED


def test_the_shipped_schedule_has_no_fault():
    known = {prison.prison_id for prison in read_register(DATA / "register.csv", today=TODAY)}

    assert read_wings(DATA / "wings.csv", known=known, today=TODAY)


def test_a_schedule_may_have_no_row_yet(write_wings):
    assert read_wings(write_wings(), known=KNOWN, today=TODAY) == ()


def test_an_unknown_prison_is_refused_and_the_nearest_offered(wing_faults):
    assert wing_faults({"prison_id": "LEX"}) == [
        "row 2, column A: the prison 'LEX' is unknown; did you mean LEI?"
    ]


def test_a_second_row_for_a_wing_is_refused(wing_faults):
    assert wing_faults({}, {"name": "A again"}) == [
        "row 3, column B: prison_id LEI, wing A stands in row 2 already; keep one row for each"
    ]


def test_a_wing_needs_a_typology_or_a_number_of_landings(wing_faults, write_wings):
    (fault,) = wing_faults({"landings": ""})

    assert "row 2: neither the typology nor the number of landings is given" in fault
    assert read_wings(
        write_wings({"landings": "", "typology": "dormitory"}), known=KNOWN, today=TODAY
    )


def test_spurs_that_do_not_add_up_to_the_landing_are_refused(wing_faults):
    assert wing_faults(ELMLEY | {"spurs": "12+12+12"}) == [
        "row 2, column E: the spurs add up to 36, not to 38 cells per landing; correct either"
    ]


@pytest.mark.parametrize("given", [{"spurs": ""}, {"cells_per_landing": ""}])
def test_landings_that_do_not_add_up_to_the_stated_cells_are_refused(wing_faults, given):
    assert wing_faults(ELMLEY | given | {"cells": "120"}) == [
        "row 2, column H: 3 landings of 38 cells are 114, not 120; correct any of the three"
    ]


@pytest.mark.parametrize(
    "row", [{"cells": "114"}, {"cells_per_landing": "38", "landings": "3"}], ids=str
)
def test_more_cells_than_their_bound_are_refused(wing_faults, row):
    assert wing_faults(row | {"cells_max": "113"}) == [
        "row 2, column I: there are 114 cells, more than the bound of 113; correct either"
    ]


def test_a_layout_states_landings_and_cells_by_itself(write_wings):
    row = {"landings": "", "layout": "12+14+12/12+0+12/9"}

    (wing,) = read_wings(write_wings(row), known=KNOWN, today=TODAY)

    assert wing.layout == ((12, 14, 12), (12, 0, 12), (9,))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"landings": "2"}, "the layout has 3 landings, not 2"),
        ({"spurs": "12+14+12"}, "landing 1 of the layout is 12+13+13, not the spurs 12+14+12"),
        ({"cells_per_landing": "37"}, "landing 1 of the layout has 38 cells of 37"),
        ({"cells": "113"}, "the layout adds up to 114 cells, not 113"),
        ({"cells_max": "113"}, "the layout adds up to 114 cells, more than the bound of 113"),
    ],
    ids=str,
)
def test_a_layout_agrees_with_what_is_stated_beside_it(wing_faults, given, fault):
    found = wing_faults({"landings": "", "layout": "12+13+13/12+14+12/12+14+12"} | given)

    assert found[0] == f"row 2, column J: {fault}; correct either"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("distance_to_comms_m", "-5"),
        ("distance_to_comms_m", "0"),
        ("distance_to_comms_m", "2001"),
        ("distance_to_comms_m", "near"),
        ("thickness_mm", "19"),
        ("thickness_mm", "2001"),
        ("landings", "0"),
        ("landings", "9"),
        ("floors", "0"),
        ("floors", "13"),
        ("cells", "many"),
        ("layout", "12+12/0"),
        ("layout", "12+201"),
        ("typology", "gallery"),
        ("material", "straw"),
        ("containment", "some"),
        ("grade", "E"),
        ("asbestos", "perhaps"),
        ("surveyed_on", "2026-11-24"),
        ("surveyed_on", "14/09/2026"),
        ("wing", "A-1"),
    ],
)
def test_a_value_that_its_column_does_not_allow_is_refused_once(wing_faults, column, value):
    (fault,) = wing_faults({column: value})

    assert f"{column} is {value!r}" in fault


@given(spurs=st.lists(st.integers(1, 30), min_size=1, max_size=4), landings=st.integers(1, 8))
def test_a_schedule_that_adds_up_is_never_refused(tmp_path_factory, spurs, landings):
    cells = {
        "prison_id": "LEI",
        "wing": "A",
        "spurs": "+".join(map(str, spurs)),
        "landings": str(landings),
        "cells_per_landing": str(sum(spurs)),
        "cells": str(landings * sum(spurs)),
    }
    path = tmp_path_factory.mktemp("wings") / "wings.csv"
    lines = [WINGS.names, [cells.get(name, "") for name in WINGS.names]]
    path.write_text("\n".join(",".join(line) for line in lines), encoding="utf-8")

    (wing,) = read_wings(path, known=KNOWN, today=TODAY)

    assert wing.spurs == tuple(spurs)


def wings_of(path):
    return [(w.prison_id, w.wing) for w in read_wings(path, known=KNOWN, today=TODAY)]


def test_an_import_replaces_all_rows_of_its_prisons_and_no_others(write_wings):
    standing = write_wings({}, {"prison_id": "MDI"}, {"wing": "B"})
    arriving = write_wings({"wing": "C"}, {"prison_id": "EYI"}, name="new.csv")

    outcome = import_wings(arriving, into=standing, known=KNOWN, today=TODAY)

    assert wings_of(standing) == [("LEI", "C"), ("MDI", "A"), ("EYI", "A")]
    assert [(o.prison_id, o.wings, o.replaced) for o in outcome] == [("LEI", 1, 2), ("EYI", 1, 0)]


def test_an_import_makes_the_schedule_where_there_is_none(write_wings, tmp_path):
    arriving = write_wings({}, name="new.csv")

    import_wings(arriving, into=tmp_path / "inputs" / "wings.csv", known=KNOWN, today=TODAY)

    assert wings_of(tmp_path / "inputs" / "wings.csv") == [("LEI", "A")]


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_a_workbook_is_imported_as_a_csv_file_is(write_xlsx, write_ods, tmp_path, suffix):
    write = {"xlsx": write_xlsx, "ods": write_ods}[suffix]
    rows = [["prison_id", "wing", "landings", "surveyed_on"], ["LEI", "A", 4, date(2026, 9, 14)]]

    import_wings(
        write(f"new.{suffix}", wings=rows), into=tmp_path / "wings.csv", known=KNOWN, today=TODAY
    )

    (wing,) = read_wings(tmp_path / "wings.csv", known=KNOWN, today=TODAY)
    assert (wing.landings, wing.surveyed_on) == (4, "2026-09-14")


def test_an_import_keeps_columns_that_are_not_ours(write_csv):
    standing = write_csv(
        "wings.csv", [["prison_id", "wing", "landings", "mine"], ["LEI", "A", 4, "x"]]
    )
    arriving = write_csv(
        "new.csv", [["prison_id", "wing", "landings", "yours"], ["MDI", "A", 4, "y"]]
    )

    import_wings(arriving, into=standing, known=KNOWN, today=TODAY)

    heading, leeds, moorland = standing.read_text(encoding="utf-8").splitlines()
    assert heading.endswith(",notes,mine,yours")
    assert leeds.endswith(",x,")
    assert moorland.endswith(",,y")


def test_an_import_with_a_fault_changes_nothing(write_wings, faults):
    standing = write_wings({})
    before = standing.read_bytes()
    arriving = write_wings({}, {"prison_id": "LEX"}, {"wing": "B", "cells": "x"}, name="new.csv")

    found = faults(import_wings, arriving, into=standing, known=KNOWN, today=TODAY)

    assert len(found) == 2
    assert standing.read_bytes() == before


def test_an_import_into_a_schedule_with_a_fault_is_refused(write_wings, faults):
    standing = write_wings({"prison_id": "MDI", "landings": "x"})
    arriving = write_wings({}, name="new.csv")

    (fault,) = faults(import_wings, arriving, into=standing, known=KNOWN, today=TODAY)

    assert fault.startswith("wings.csv row 2, column F: landings is 'x'")


def test_an_import_without_a_wing_is_refused(write_wings, faults):
    assert faults(import_wings, write_wings(name="new.csv"), into=write_wings({}), known=KNOWN) == [
        "new.csv: there is no wing in it; give at least one row"
    ]


@given(rows=st.lists(st.lists(st.text(max_size=6), max_size=4), max_size=4))
def test_any_text_under_the_heading_is_read_or_refused(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("wings") / "wings.csv"
    with path.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        csv.writer(stream).writerows([["prison_id", "wing", "landings", "spurs"], *rows])

    with suppress(InputError):
        read_wings(path, known=KNOWN, today=TODAY)


def test_two_wings_of_a_prison_do_not_differ_in_case_alone(wing_faults):
    assert wing_faults({"wing": "A"}, {"wing": "a"}) == [
        "row 3, column B: wing a is wing A of row 2 but for case; keep one, or name them apart"
    ]


@pytest.mark.parametrize(
    ("stated", "fault"),
    [
        ({"landings": "6", "floors": "3"}, "6 landings do not fit on 3 floors; correct either"),
        ({"landings": "4", "cells": "2"}, "2 cells cannot fill 4 landings; correct either"),
    ],
)
def test_landings_fit_the_storeys_and_the_cells(wing_faults, stated, fault):
    (found,) = wing_faults(stated)

    assert found.endswith(fault)

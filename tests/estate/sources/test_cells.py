from dataclasses import replace

import pytest

from estate.errors import InputError
from estate.sources.cells import is_key_of, put_cells, read_cells
from estate.sources.wings import import_wings, read_wings

HEADING = "prison_id,wing,landing,spur,location_key,source\n"
ROWS = (
    "LEI,A,1,1,LEI-A-2-001,certificate\n"
    "LEI,A,1,2,LEI-A-2-010,certificate\n"
    "LEI,A,2,1,LEI-A-3-A05,certificate\n"
)
KEYS = (("LEI-A-2-001", "LEI-A-2-010"), ("LEI-A-3-A05",))
LAYOUT = {"prison_id": "LEI", "wing": "A", "landings": "2", "layout": "1+1/1+0"}


@pytest.fixture
def schedule(write_wings):
    """Return a schedule with a wing of three cells, and its table of cells."""
    path = write_wings(LAYOUT)
    path.with_name("cells.csv").write_text(HEADING + ROWS, encoding="utf-8")
    return path


def test_the_wings_of_a_schedule_have_the_keys_of_the_table_beside_it(schedule):
    (wing,) = read_wings(schedule, known=["LEI"])

    assert wing.cell_keys == KEYS


def test_cells_are_in_the_order_of_landings_and_spurs_whatever_that_of_the_rows(schedule):
    cells = schedule.with_name("cells.csv")
    cells.write_text(HEADING + "".join(reversed(ROWS.splitlines(keepends=True))), encoding="utf-8")

    (wing,) = read_wings(schedule, known=["LEI"])

    assert wing.cell_keys == KEYS


def test_without_a_table_no_wing_has_keys(schedule):
    schedule.with_name("cells.csv").unlink()

    (wing,) = read_wings(schedule, known=["LEI"])

    assert wing.cell_keys == ()


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("LEI,A,1,1,LEI-B-2-001,\n", "LEI-B-2-001 is not a landing and cell below LEI-A"),
        ("LEI,Z,1,1,LEI-Z-2-001,\n", "the wing schedule has no wing LEI-Z"),
        ("LEI,A,1,1,LEI-A-2-002,\n", "landing 1 of LEI-A has 3 cells here and 2 in the layout"),
        ("LEI,A,3,1,LEI-A-4-001,\n", "landing 3 of LEI-A has 1 cell here and 0 in the layout"),
        ("LEI,A,1,1,LEI-A-2-001,\n", "location_key LEI-A-2-001 stands in row 2 already"),
        ("LEI,A,one,1,LEI-A-2-002,\n", "landing is 'one'"),
    ],
)
def test_what_contradicts_the_schedule_is_a_fault_with_its_cure(schedule, rows, fault):
    with schedule.with_name("cells.csv").open("a", encoding="utf-8") as file:
        file.write(rows)

    with pytest.raises(InputError) as caught:
        read_wings(schedule, known=["LEI"])

    (problem,) = caught.value.problems
    assert problem.what.startswith(fault)
    assert problem.cure


@pytest.mark.parametrize(
    ("key", "fits"),
    [
        ("MDI-A-001", True),
        ("MDI-A-2-001", True),
        ("MDI-A-S-2-001", True),
        ("MDI-A-S-2-X-001", False),
        ("MDI-AB-2-001", False),
        ("MDI-A--001", False),
        ("MDI-A", False),
    ],
)
def test_a_key_names_at_most_spur_landing_and_cell_below_its_wing(key, fits):
    assert is_key_of(key, wing_key="MDI-A") == fits


def test_keys_stay_with_a_wing_whose_schedule_is_corrected_but_not_its_cells(schedule, tmp_path):
    arriving = tmp_path / "corrected.csv"
    arriving.write_text("prison_id,wing,layout,material\nLEI,A,1+1/0+1,brick\n", encoding="utf-8")

    import_wings(arriving, into=schedule, known=["LEI"])

    (wing,) = read_wings(schedule, known=["LEI"])
    assert (wing.material, wing.cell_keys) == ("brick", KEYS)


def test_keys_go_with_the_cells_that_a_new_schedule_does_not_count(schedule, tmp_path):
    arriving = tmp_path / "corrected.csv"
    arriving.write_text("prison_id,wing,layout\nLEI,A,2+1/1+0\n", encoding="utf-8")

    import_wings(arriving, into=schedule, known=["LEI"])

    (wing,) = read_wings(schedule, known=["LEI"])
    assert wing.cell_keys == ()


def test_rows_of_other_wings_stay_as_they_are_written(schedule, tmp_path):
    cells, into = schedule.with_name("cells.csv"), tmp_path / "after.csv"
    row = {"prison_id": "LEI", "wing": "B", "landing": "1", "spur": "1", "source": ""}

    put_cells(
        [{**row, "location_key": "LEI-B-1-001"}],
        path=cells,
        into=into,
        replaces=lambda place, _: place == ("LEI", "B"),
    )

    assert into.read_text(encoding="utf-8") == HEADING + ROWS + "LEI,B,1,1,LEI-B-1-001,\n"


def test_a_wing_whose_layout_is_not_stated_has_no_place_for_keys(schedule):
    (wing,) = read_wings(schedule, known=["LEI"])

    with pytest.raises(InputError, match="2 problems"):
        read_cells(schedule.with_name("cells.csv"), wings=[replace(wing, layout=None)])

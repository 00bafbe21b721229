import pytest
from shapely.affinity import translate
from shapely.ops import unary_union

CELL, NEXT = "LEI-A/cell-1-001", "LEI-A/cell-1-002"


def test_a_cell_drawn_over_its_neighbour_is_found(sheet):
    cell, beside = sheet.geometry("spaces", CELL), sheet.geometry("spaces", NEXT)
    away = beside.centroid.x - cell.centroid.x, beside.centroid.y - cell.centroid.y

    # All but half a metre of the way to the next cell: 1.7 m of 2.2 m by 3.4 m are common.
    length = (away[0] ** 2 + away[1] ** 2) ** 0.5
    share = 1 - 0.5 / length
    sheet.change("spaces", CELL, geometry=translate(cell, away[0] * share, away[1] * share))

    found = sheet.problems()
    assert ("layer spaces, " + CELL, f"the cell {NEXT} is drawn over 5.8 m2 of it") in found


@pytest.mark.parametrize(("spread_m", "is_found"), [(0.15, False), (0.4, True)])
def test_an_outline_to_the_middle_of_its_walls_is_no_overlap(sheet, spread_m, is_found):
    # The wall between two cells is 0.2 m thick.
    cell = sheet.geometry("spaces", CELL).buffer(spread_m, join_style="mitre")
    beside = sheet.geometry("spaces", NEXT).buffer(spread_m, join_style="mitre")
    sheet.change("spaces", CELL, geometry=cell)
    sheet.change("spaces", NEXT, geometry=beside)

    whats = [what for place, what in sheet.problems() if "drawn over" in what]

    assert any(f"the cell {NEXT}" in what for what in whats) == is_found


def test_cells_above_one_another_do_not_overlap(sheet):
    above = sheet.geometry("spaces", "LEI-A/cell-2-001")

    assert above.equals(sheet.geometry("spaces", CELL))
    assert sheet.problems() == []


def test_a_cell_on_the_floor_of_another_lies_over_it(sheet):
    sheet.change("spaces", "LEI-A/cell-2-001", floor=0)

    place, what = next(p for p in sheet.problems() if "drawn over" in p[1])

    # 2.2 m by 3.4 m.
    assert (place, what) == (
        "layer spaces, " + CELL,
        "the cell LEI-A/cell-2-001 is drawn over 7.5 m2 of it",
    )


def test_a_landing_drawn_over_a_cell_is_found(sheet):
    landings = sheet.read("spaces").query("kind == 'landing' and wing == 'A' and floor == 0")
    name = landings["space_id"].iloc[0]
    both = unary_union([sheet.geometry("spaces", name), sheet.geometry("spaces", CELL)])
    sheet.change("spaces", name, geometry=both.convex_hull)

    found = sheet.problems()

    what = f"the landing {name} is drawn over 7.5 m2 of it"
    assert ("layer spaces, " + CELL, what) in found


def test_a_cell_whose_outline_is_at_fault_is_not_said_to_overlap(sheet):
    cell = sheet.geometry("spaces", CELL)
    sheet.change("spaces", CELL, geometry=cell.buffer(30))

    assert [what for _, what in sheet.problems() if "drawn over" in what] == []

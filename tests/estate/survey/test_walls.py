import pytest
from shapely import LineString
from shapely.affinity import translate

from estate.model import WingShape
from estate.sizing import Sizing
from estate.survey import draft
from estate.survey.check import survey_problems
from estate.typology import read_typologies

CENTRE = (430_000.0, 433_000.0)
CELL = "LEI-A/cell-1-001"
IN_THE_OPEN = "it stands in the open: 0% of its outline is beside a wall"


def of_wing(sheet, wing, floor=None):
    """Return the names of the walls of a wing, or of one of its floors."""
    walls = sheet.read("walls")
    on_floor = True if floor is None else walls["floor"] == floor
    return walls[(walls["wing"] == wing) & on_floor]["wall_id"].tolist()


@pytest.mark.parametrize("name", read_typologies())
def test_no_cell_of_a_typology_stands_in_the_open_or_is_drawn_over_another(wing, name):
    shape = WingShape(
        typology=name,
        layout=((3, 2), (2, 2)) if "two" in name else ((4,), (3,)),
        material="brick",
        thickness_mm=340,
        distance_to_comms_m=45.0,
        cabling="unknown",
    )
    survey = draft(Sizing(wings=(wing("A", shape=shape),)), at=CENTRE)

    assert list(survey_problems(survey, known=["LEI"])) == []


def test_each_cell_of_a_wing_without_walls_stands_in_the_open(sheet):
    sheet.delete("walls", *of_wing(sheet, "A"))

    found = sheet.problems()

    # Nine cells on two landings; wing B keeps its walls.
    assert len(found) == 9
    assert {what for _, what in found} == {IN_THE_OPEN}
    assert all(place.startswith("layer spaces, LEI-A/cell-") for place, _ in found)


def test_the_walls_of_another_floor_are_not_round_a_cell(sheet):
    sheet.delete("walls", *of_wing(sheet, "A", floor=1))

    assert {place for place, _ in sheet.problems()} == {
        f"layer spaces, LEI-A/cell-2-00{number}" for number in (1, 2, 3, 4)
    }


def test_a_cell_that_is_open_on_one_side_is_a_cell(sheet):
    sheet.delete("walls", "LEI-A/party-1-001")

    assert sheet.problems() == []


def test_a_wall_may_be_drawn_a_hand_away_from_the_face_of_its_cell(sheet):
    cell = sheet.geometry("spaces", CELL)
    sheet.change("spaces", CELL, geometry=cell.buffer(-0.2, join_style="mitre"))
    assert sheet.problems() == []

    sheet.change("spaces", CELL, geometry=cell.buffer(-0.3, join_style="mitre"))
    assert sheet.problems() == [("layer spaces, " + CELL, IN_THE_OPEN)]


def test_a_wall_whose_floor_nobody_knows_leaves_no_cell_in_the_open(sheet):
    frame = sheet.read("walls")
    frame["floor"] = None
    sheet.write("walls", frame)

    assert {what for _, what in sheet.problems()} == {"floor is blank"}


def test_a_wall_drawn_again_under_another_name_is_found_in_either_direction(sheet):
    wall = sheet.geometry("walls", "LEI-A/party-1-001")
    facts = {"floor": 0, "material": "concrete", "thickness_mm": 200}
    sheet.add("walls", wall_id="again", **facts, geometry=translate(wall, xoff=0.0001))
    sheet.add("walls", wall_id="back", **facts, geometry=LineString(wall.coords[::-1]))

    what = "it is the same line as LEI-A/party-1-001"
    assert sheet.problems() == [("layer walls, again", what), ("layer walls, back", what)]


def test_walls_above_one_another_are_two(sheet):
    walls = sheet.read("walls").query("wing == 'A'")
    lines = walls.geometry.normalize().to_wkb()

    assert lines.duplicated().any()
    assert sheet.problems() == []

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, box

from estate.model import Grade
from estate.sources.drawing import Layers, read_dxf, read_ifc
from estate.sources.drawing.model import Drawing, DrawnDoor, DrawnSpace, DrawnWall
from estate.sources.survey import scan_survey
from estate.sources.survey_layers import write_survey
from estate.survey import Setting, draft, drawn_survey, surveyed, without_wing
from estate.survey.check import survey_problems
from estate.survey.wings import by_wing, cells_of

CENTRE = (430_000.0, 433_000.0)


@pytest.fixture
def setting(wing):
    """Return where the drawing belongs: wing A of Leeds."""
    return Setting(
        prison_id="LEI",
        wing="A",
        shape=wing("A").shape,
        storey_height_m=2.8,
        drop_m=2.0,
        at=CENTRE,
    )


@pytest.fixture
def problems(tmp_path):
    """Return a function that returns what the check finds wrong with a survey, written and read."""

    def found(survey):
        path = tmp_path / "drawn.gpkg"
        write_survey(survey, path, prison="Leeds (HMP)", marking="OFFICIAL")
        reading = scan_survey(path)
        every = [*reading.problems, *survey_problems(reading.survey, known=["LEI"])]
        return [(problem.place, problem.what) for problem in every]

    return found


def test_an_ifc_block_with_labelled_cells_is_a_sound_survey(write_ifc, setting, problems):
    made = drawn_survey(read_ifc(write_ifc()), setting)

    assert problems(made.survey) == []
    keys = [cell.text("location_key") for cell in cells_of(made.survey)]
    assert sorted(keys) == [f"LEI-A-{landing}-{n:03d}" for landing in (1, 2) for n in range(1, 7)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    width_m=st.integers(18, 45).map(lambda tenths: tenths / 10),
    count=st.integers(2, 7),
    landing_m=st.integers(12, 60).map(lambda tenths: tenths / 10),
    door=st.floats(0.2, 0.8),
)
def test_any_row_of_cells_along_a_landing_is_a_sound_survey(
    setting, width_m, count, landing_m, door
):
    cells = [(n * (width_m + 0.2), n * (width_m + 0.2) + width_m) for n in range(count)]
    landing = DrawnSpace(floor=0, outline=box(0, 0, cells[-1][1], landing_m), label="Landing")
    rooms = [
        DrawnSpace(
            floor=0,
            outline=box(west, landing_m + 0.2, east, landing_m + 3.7),
            label=f"Cell {number}",
        )
        for number, (west, east) in enumerate(cells, start=1)
    ]
    doors = [
        DrawnDoor(floor=0, at=Point(west + door * width_m, landing_m + 0.1)) for west, _ in cells
    ]
    walls = [
        DrawnWall(floor=0, line=LineString(line), thickness_m=0.2, material="", layer="A")
        for west, east in cells
        for line in _round(west, landing_m + 0.2, east, landing_m + 3.7)
    ]
    # Each wall between two cells was drawn as a side of either.
    drawing = Drawing(
        file="row.dxf",
        unit="m",
        walls=tuple({w.line.normalize().wkt: w for w in walls}.values()),
        doors=tuple(doors),
        spaces=(landing, *rooms),
        unread=(),
    )

    made = drawn_survey(drawing, setting)

    found = [problem.what for problem in survey_problems(made.survey, known=["LEI"])]
    assert found == []
    assert len(cells_of(made.survey)) == count


def _round(west, south, east, north):
    """Return the middles of the walls, 0.2 m thick, round a cell: its corners, side by side."""
    corners = box(
        round(west - 0.1, 3), round(south - 0.1, 3), round(east + 0.1, 3), round(north + 0.1, 3)
    ).exterior.coords
    return list(pairwise(corners))


def test_a_drawn_wing_is_planned_with_its_own_cells_and_lengths(write_ifc, setting, sizing):
    made = drawn_survey(read_ifc(write_ifc()), setting)

    found = surveyed(sizing, made.survey, prison_id="LEI")

    (planned,) = found.sizing.wings
    assert planned.shape.layout == ((6,), (6,))
    assert (planned.shape.material, planned.shape.thickness_mm) == ("concrete", 200)
    network = found.networks["LEI-A"]
    risers = [span.length_m for span in network.spans if span.containment == "riser"]
    assert (len(network.outlets), len(network.distributors), risers) == (12, 1, [2.8])


def test_nothing_drawn_is_better_than_assumed(write_ifc, setting):
    made = drawn_survey(read_ifc(write_ifc()), setting)

    features = [feature for layer in made.drawn.values() for feature in layer]
    assert {feature.grade for feature in features} == {Grade.ASSUMED}
    sources = {layer: {f.text("source") for f in found} for layer, found in made.drawn.items()}
    assert sources["walls"] == sources["spaces"] == {"drawing block.ifc"}
    assert sources["outlets"] == sources["spans"] == {"assumed for drawing block.ifc"}


def test_without_labels_rooms_of_a_cells_size_are_taken_for_cells(write_dxf, setting, problems):
    drawing = read_dxf(write_dxf(labels=False), layers=Layers())

    made = drawn_survey(drawing, setting)

    kinds = sorted((s.text("kind"), s.text("notes")) for s in made.drawn["spaces"])
    assert kinds == [
        *[("cell", "taken for a cell by size and doors")] * 6,
        ("landing", "taken for a landing by size and doors"),
    ]
    assert set(problems(made.survey)) == {
        ("layer spaces", "no cell has the location key of a prison of the register"),
        *(
            (f"layer spaces, {cell.name}", "it is a cell and has no location_key")
            for cell in cells_of(made.survey)
        ),
    }


def test_what_a_drawing_does_not_say_of_a_wall_is_taken_from_the_wing(write_dxf, setting):
    made = drawn_survey(read_dxf(write_dxf(), layers=Layers()), setting)

    walls = {(w.text("material"), w.text("notes")) for w in made.drawn["walls"]}
    assert walls == {("concrete", "material assumed")}


def test_two_cells_of_one_number_are_given_no_key(write_dxf, setting):
    def doubled(_, space):
        for text in space.query("TEXT"):
            text.dxf.text = {"Cell 2": "Cell 1"}.get(text.dxf.text, text.dxf.text)

    made = drawn_survey(read_dxf(write_dxf(change=doubled), layers=Layers()), setting)

    keys = sorted(cell.text("location_key") for cell in cells_of(made.survey))
    assert keys == ["", "", *(f"LEI-A-1-{n:03d}" for n in (3, 4, 5, 6))]


def test_the_other_wings_stay_and_the_drawing_lies_clear_of_them(write_ifc, setting, sizing):
    known = without_wing(draft(sizing, at=CENTRE), "A")

    made = drawn_survey(read_ifc(write_ifc()), setting, beside=known)

    parts = by_wing(made.survey, prison_id="LEI")
    assert parts["B"] == by_wing(known, prison_id="LEI")["B"]
    assert len(cells_of(parts["A"])) == 12
    lowest = min(space.geometry.bounds[1] for space in parts["B"].layers["spaces"])
    assert max(space.geometry.bounds[3] for space in parts["A"].layers["spaces"]) < lowest
    assert made.moved


def test_a_drawing_on_the_national_grid_stays_where_it_is(write_ifc, setting):
    drawing = read_ifc(write_ifc())

    made = drawn_survey(drawing, replace(setting, at=(100.0, 100.0)))

    assert not made.moved
    assert made.drawn["walls"][0].geometry.equals(drawing.walls[0].line)


def test_a_door_that_leads_out_is_left_out_and_said_to_be(write_dxf, setting):
    def outer(_, space):
        space.add_blockref("DOOR-900", (5000, 10_300), dxfattribs={"layer": "A-DOOR"})

    drawing = read_dxf(write_dxf(change=outer), layers=Layers())
    made = drawn_survey(drawing, setting)

    assert (len(drawing.doors), len(made.drawn["doors"])) == (7, 6)
    assert [(u.what, u.why, u.count) for u in made.left_out] == [
        ("door", "no two rooms are at it", 1)
    ]


def test_a_comms_room_has_the_distributor(write_dxf, setting):
    def named(_, space):
        for text in space.query("TEXT"):
            text.dxf.text = {"Cell 6": "Comms room"}.get(text.dxf.text, text.dxf.text)

    made = drawn_survey(read_dxf(write_dxf(change=named), layers=Layers()), setting)

    (rack,) = made.drawn["distributors"]
    (room,) = [s for s in made.drawn["spaces"] if s.text("kind") == "comms_room"]
    assert room.geometry.contains(rack.geometry)

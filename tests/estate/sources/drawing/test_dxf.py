from collections import Counter
from pathlib import Path

import ezdxf
import pytest
from ezdxf.enums import InsertUnits
from shapely import Point

from estate.errors import InputError
from estate.sources.drawing import Layers, read_dxf

SHARED = Path(__file__).parents[5] / "shared" / "bench" / "real" / "dxf_office" / "cad.dxf"


def read(path, *, layers=Layers(), units=""):  # noqa: B008 - a frozen value
    return read_dxf(path, layers=layers, units=units)


def whats(drawing):
    return {(unread.what, unread.layer): unread for unread in drawing.unread}


def refused(path, **how):
    with pytest.raises(InputError) as caught:
        read(path, **how)
    return f"{caught.value}; {caught.value.hint}" + "".join(map(str, caught.value.problems))


def test_walls_drawn_by_their_faces_become_centre_lines_of_their_thickness(write_dxf):
    walls = read(write_dxf()).walls

    # Four along the block, one at either end of it, and between cells two on either side.
    assert len(walls) == 10
    assert {wall.thickness_m for wall in walls} == {0.2}
    along = next(w for w in walls if w.line.bounds[1] == w.line.bounds[3] == pytest.approx(4.1))
    assert along.line.length == pytest.approx(9.6, abs=0.21)  # Through three doors, end to end.


def test_each_door_stands_in_the_middle_of_its_opening(write_dxf):
    doors = read(write_dxf()).doors

    # The first cell begins at x = 0.2, its door 1 m further, 0.9 m wide.
    assert len(doors) == 6
    assert min(door.at.distance(Point(1.65, 4.1)) for door in doors) < 0.01


def test_rooms_are_what_the_walls_enclose_with_the_words_in_them(write_dxf):
    spaces = read(write_dxf()).spaces

    assert sorted(space.label for space in spaces) == [
        *(f"Cell {n}" for n in range(1, 7)),
        "Landing",
    ]
    areas = {space.label: round(space.outline.area, 1) for space in spaces}
    assert areas["Cell 1"] == 11.4  # 3 m by 3.8 m.
    assert areas["Landing"] == 18.8  # 9.4 m by 2 m.


@pytest.mark.parametrize(
    ("insunits", "per_m", "unit"),
    [(4, 1000.0, "mm"), (5, 100.0, "cm"), (6, 1.0, "m"), (2, 1 / 0.3048, "ft")],
)
def test_any_unit_that_the_file_states_gives_the_same_metres(write_dxf, insunits, per_m, unit):
    drawing = read(write_dxf(insunits=insunits, per_m=per_m))

    assert drawing.unit == f"{unit}, by $INSUNITS"
    assert {round(space.outline.area, 1) for space in drawing.spaces} == {11.4, 18.8}


def test_units_that_are_not_stated_are_asked_for(write_dxf):
    path = write_dxf(insunits=0)

    said = refused(path)

    assert "block.dxf does not say in which units it is drawn" in said
    assert "give --units: its walls are 10.4 m wide in mm, 104.0 m wide in cm" in said
    assert read(path, units="mm").unit == "mm, by --units"


def test_units_that_make_no_building_are_refused_and_may_be_overruled(write_dxf):
    path = write_dxf(insunits=6)

    assert "would be 1.04e+04 m wide, no building, if drawn in m as by $INSUNITS" in refused(path)
    assert {round(s.outline.area, 1) for s in read(path, units="mm").spaces} == {11.4, 18.8}


def test_what_is_not_understood_is_counted_by_layer_with_the_reason(write_dxf):
    def clutter(document, space):
        for x in range(3):
            space.add_line((x, 0), (x, 900), dxfattribs={"layer": "PIPES"})
        space.add_circle((5000, 5000), 300, dxfattribs={"layer": "A-FURN"})
        space.add_arc((0, 0), 3000, 0, 90, dxfattribs={"layer": "A-WALL"})
        document.add_xref_def("other.dxf", "elsewhere")
        space.add_blockref("elsewhere", (0, 0), dxfattribs={"layer": "0"})

    found = whats(read(write_dxf(change=clutter)))

    assert found["LINE", "PIPES"].count == 3
    assert found["LINE", "PIPES"].why == "its layer has no known meaning: see --layers"
    assert found["CIRCLE", "A-FURN"].why == "its layer says nothing to a survey"
    assert found["ARC", "A-WALL"].why == "a curved wall: draw it as straight pieces"
    assert found["INSERT", "0"].why == "its block elsewhere is in another file"


def test_layers_of_other_names_are_read_as_the_user_says(write_dxf):
    def renamed(_, space):
        for entity in space:
            entity.dxf.layer = {"A-WALL": "mur", "A-DOOR": "porte"}.get(
                entity.dxf.layer, entity.dxf.layer
            )

    path = write_dxf(change=renamed)
    assert "block.dxf has no layer that is known to hold walls" in refused(path)

    layers = Layers(parts={"walls": ("mur",), "doors": ("porte",)})
    assert len(read(path, layers=layers).walls) == 10


def test_floors_may_be_layers_or_stand_side_by_side(write_dxf):
    def beside(_, space):
        for entity in list(space):
            copy = entity.copy()
            copy.translate(20_000, 0, 0)
            space.add_entity(copy)

    boxes = {0: (-100, -100, 12_000, 12_000), 1: (19_900, -100, 32_000, 12_000)}
    drawing = read(write_dxf(change=beside), layers=Layers(boxes=boxes))

    assert Counter(space.floor for space in drawing.spaces) == {0: 7, 1: 7}
    ground, first = (
        {s.label: s.outline for s in drawing.spaces if s.floor == floor} for floor in (0, 1)
    )
    apart_m2 = [ground[label].symmetric_difference(first[label]).area for label in ground]
    assert max(apart_m2) < 0.01


def test_a_wall_of_one_line_is_a_wall_of_unknown_thickness(write_dxf):
    def screen(_, space):
        space.add_line((4800, 4200), (4800, 6200), dxfattribs={"layer": "A-WALL"})

    walls = read(write_dxf(change=screen)).walls

    (screen_wall,) = [wall for wall in walls if wall.thickness_m is None]
    assert screen_wall.line.length == pytest.approx(2.2, abs=0.2)  # To the walls' middles.


def test_spaces_that_are_outlined_are_taken_as_drawn(write_dxf):
    def outlined(_, space):
        corners = [(200, 200), (3200, 200), (3200, 4000), (200, 4000)]
        space.add_lwpolyline(corners, close=True, dxfattribs={"layer": "A-ROOM"})
        space.add_lwpolyline(corners[:3], dxfattribs={"layer": "A-ROOM"})

    drawing = read(write_dxf(change=outlined))

    (space,) = drawing.spaces
    assert (space.label, round(space.outline.area, 1)) == ("Cell 1", 11.4)
    assert whats(drawing)["outline", "floor 0"].why == "a space whose outline does not close"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "there is no such file"),
        (b"AC1032 and so on", "it is a DWG file"),
        (b"years of work", "it is no DXF file, or damaged"),
        (b"", "it is no DXF file, or damaged"),
    ],
)
def test_what_is_no_dxf_file_is_refused(tmp_path, content, what):
    path = tmp_path / "plan.dxf"
    if content is not None:
        path.write_bytes(content)

    assert what in refused(path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_file_cut_short_is_refused(write_dxf, share):
    path = write_dxf()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])

    assert "damaged" in refused(path)


def test_a_binary_file_says_the_same(write_dxf):
    path = write_dxf()
    said = read(path)
    ezdxf.readfile(path).saveas(path, fmt="bin")

    assert path.read_bytes().startswith(b"AutoCAD Binary DXF")
    assert read(path) == said


def test_the_words_of_a_wing_put_down_mirrored_are_in_its_rooms(write_dxf):
    def mirrored(document, space):
        block = document.blocks.new("WING")
        for entity in list(space):
            space.unlink_entity(entity)
            block.add_entity(entity)
        space.add_blockref("WING", (0, 0), dxfattribs={"layer": "0", "xscale": -1})

    drawing = read(write_dxf(change=mirrored))

    rooms = {space.label: space.outline for space in drawing.spaces}
    assert sorted(rooms) == [*(f"Cell {n}" for n in range(1, 7)), "Landing"]
    assert rooms["Cell 1"].bounds == pytest.approx((-3.2, 0.2, -0.2, 4.0), abs=0.01)


def test_doors_in_a_row_of_one_block_are_each_a_door(write_dxf):
    def in_a_row(_, space):
        for insert in space.query("INSERT"):
            space.delete_entity(insert)
        row = {"layer": "A-DOOR", "column_count": 3, "column_spacing": 3200}
        space.add_blockref("DOOR-900", (1200, 4100), dxfattribs=row)

    doors = read(write_dxf(change=in_a_row)).doors

    assert sorted(round(door.at.x, 2) for door in doors) == [1.65, 4.85, 8.05]


def test_the_bows_of_a_wall_are_said_and_its_straight_stretches_read(write_dxf):
    def bay(_, space):
        for y in (20_000, 20_200):  # A bow of half a circle, then 6 m straight.
            points = [(0, y, 1.0), (3000, y, 0.0), (9000, y, 0.0)]
            space.add_lwpolyline(points, format="xyb", dxfattribs={"layer": "A-WALL"})

    drawing = read(write_dxf(change=bay))

    bow = whats(drawing)["ARC", "A-WALL"]
    assert (bow.count, bow.why) == (2, "a curved wall: draw it as straight pieces")
    (straight,) = [wall for wall in drawing.walls if wall.line.bounds[1] > 15]
    assert straight.line.length == pytest.approx(6.0, abs=0.01)
    assert straight.thickness_m == 0.2


def test_a_building_of_curved_walls_alone_is_refused_with_the_reason(write_dxf):
    def rotunda(_, space):
        for entity in list(space):
            space.delete_entity(entity)
        for radius in (5000, 5200):
            points = [(-radius, 0, 1.0), (radius, 0, 1.0)]
            line = {"format": "xyb", "close": True, "dxfattribs": {"layer": "A-WALL"}}
            space.add_lwpolyline(points, **line)

    said = refused(write_dxf(change=rotunda))

    assert "has no straight wall on its layers of walls" in said
    assert "a curved wall: draw it as straight pieces" in said


@pytest.mark.parametrize(
    "odd",
    [
        lambda space, layer: space.add_lwpolyline([(1, 1)], dxfattribs=layer),
        lambda space, layer: space.add_line((float("nan"), 0), (5, 0), dxfattribs=layer),
        lambda space, layer: space.add_polymesh((3, 3), dxfattribs=layer),
    ],
    ids=["one corner", "no number", "mesh"],
)
def test_what_is_no_line_on_the_plan_is_said(write_dxf, odd):
    drawing = read(write_dxf(change=lambda _, space: odd(space, {"layer": "A-WALL"})))

    assert len(drawing.walls) == 10
    assert whats(drawing)["wall", "A-WALL"].why == "it is no line or place on the plan"


def test_a_short_line_beside_which_nothing_is_drawn_is_said(write_dxf):
    def stub(_, space):
        space.add_line((20_000, 20_000), (20_500, 20_000), dxfattribs={"layer": "A-WALL"})

    found = whats(read(write_dxf(change=stub)))["line", "A-WALL"]

    assert (found.count, found.why[:28]) == (1, "no other face of a wall is b")


def test_a_real_drawing_gives_rooms_doors_and_a_list_of_the_rest():
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not here")

    drawing = read(SHARED)

    # Counted by eye on the drawing: 16 rooms with walls all round, beside the open hall.
    assert drawing.unit == "mm, by $INSUNITS"
    assert len(drawing.spaces) == 16
    assert 80 < len(drawing.walls) < 100
    assert 30 < len(drawing.doors) < 40
    assert whats(drawing)["LINE", "Furniture"].count == 3118
    assert InsertUnits.Millimeters == ezdxf.readfile(SHARED).header["$INSUNITS"]

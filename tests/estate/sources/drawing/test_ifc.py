from collections import Counter

import pytest
from shapely import Point

from estate.errors import InputError
from estate.sources.drawing import read_ifc


def refused(path):
    with pytest.raises(InputError) as caught:
        read_ifc(path)
    return f"{caught.value}" + "".join(map(str, caught.value.problems))


@pytest.mark.parametrize(("unit", "said"), [("METERS", "metre"), ("MILLIMETERS", "millimetre")])
def test_walls_are_centre_lines_in_metres_with_thickness_and_material(write_ifc, unit, said):
    drawing = read_ifc(write_ifc(unit=unit))

    # On each storey four along the block, eight between cells and two ends of the landing.
    assert drawing.unit == said
    assert Counter(wall.floor for wall in drawing.walls) == {0: 14, 1: 14}
    assert {(w.thickness_m, w.material) for w in drawing.walls} == {(0.2, "concrete")}
    lengths_m = Counter(round(wall.line.length, 1) for wall in drawing.walls)
    assert lengths_m == {9.8: 8, 3.8: 16, 2.0: 4}


def test_a_door_stands_in_the_middle_of_the_opening_that_it_fills(write_ifc):
    doors = read_ifc(write_ifc()).doors

    # The leaf hangs on one side of the wall, whose middle is at y = 4.1.
    assert Counter(door.floor for door in doors) == {0: 6, 1: 6}
    assert min(door.at.distance(Point(1.65, 4.1)) for door in doors) < 0.001


def test_spaces_have_their_names_and_areas(write_ifc):
    spaces = read_ifc(write_ifc()).spaces

    areas = {(s.floor, s.label): round(s.outline.area, 1) for s in spaces}
    assert len(areas) == 14
    assert areas[0, "Cell 001"] == 11.4  # 3 m by 3.8 m.
    assert areas[1, "Landing"] == 18.8  # 9.4 m by 2 m.


def test_without_spaces_rooms_are_what_the_walls_enclose(write_ifc):
    spaces = read_ifc(write_ifc(spaces=False)).spaces

    assert Counter(round(space.outline.area, 1) for space in spaces) == {11.4: 12, 18.8: 2}


def test_what_is_not_part_of_a_survey_is_counted_by_storey(write_ifc):
    unread = read_ifc(write_ifc()).unread

    assert [(u.what, u.layer, u.why, u.count) for u in unread] == [
        ("IfcFurniture", "Level 0", "not part of a survey", 1),
        ("IfcFurniture", "Level 1", "not part of a survey", 1),
    ]


def test_a_model_of_the_older_schema_says_the_same(write_ifc):
    older, newer = (read_ifc(write_ifc(schema=schema)) for schema in ("IFC2X3", "IFC4"))

    for part in ("unit", "walls", "doors", "spaces"):
        assert getattr(older, part) == getattr(newer, part)


def changed(path, change):
    """Change a model."""
    import ifcopenshell

    model = ifcopenshell.open(str(path))
    change(model)
    model.write(str(path))
    return path


def test_what_is_of_no_storey_is_said_to_be_taken_as_on_the_ground(write_ifc):
    def strewn(model):
        for held in model.by_type("IfcRelContainedInSpatialStructure"):
            model.remove(held)

    drawing = read_ifc(changed(write_ifc(), strewn))

    said = {u.what: u.count for u in drawing.unread if u.why == "taken to be on floor 0"}
    assert said == {"IfcWall": len(drawing.walls), "IfcDoor": len(drawing.doors)}
    assert {wall.floor for wall in drawing.walls} == {0}


def test_storeys_as_high_as_each_other_are_counted_as_in_the_file_and_said_to_be(write_ifc):
    def level(model):
        for storey in model.by_type("IfcBuildingStorey"):
            storey.Elevation = None

    drawing = read_ifc(changed(write_ifc(), level))

    said = [u.layer for u in drawing.unread if u.why.startswith("it is as high as another")]
    assert said == ["Level 0", "Level 1"]
    assert {wall.floor for wall in drawing.walls} == {0, 1}


def on_a_map(path, system, *, per_m=1.0):
    """Give a model its place: turned by a right angle, its origin near Leeds."""
    import ifcopenshell
    from ifcopenshell.api import run

    model = ifcopenshell.open(str(path))
    run("georeference.add_georeferencing", model)
    place = {"Eastings": 430_000.0 * per_m, "Northings": 433_000.0 * per_m}
    turn = {"XAxisAbscissa": 0.0, "XAxisOrdinate": 1.0}
    run(
        "georeference.edit_georeferencing",
        model,
        projected_crs={"Name": system},
        coordinate_operation={**place, **turn},
    )
    model.write(str(path))
    return path


@pytest.mark.parametrize(("unit", "per_m"), [("METERS", 1.0), ("MILLIMETERS", 1000.0)])
def test_a_model_on_the_national_grid_lies_where_it_says(write_ifc, unit, per_m):
    path = on_a_map(write_ifc(unit=unit), "EPSG:27700", per_m=per_m)

    doors = read_ifc(path).doors

    # 1.65 m along x is now so far north, and 4.1 m along y so far west.
    assert min(door.at.distance(Point(430_000 - 4.1, 433_000 + 1.65)) for door in doors) < 0.001


def test_a_model_on_another_map_stays_as_drawn_and_says_so(write_ifc):
    drawing = read_ifc(on_a_map(write_ifc(), "EPSG:32630"))

    assert min(door.at.distance(Point(1.65, 4.1)) for door in drawing.doors) < 0.001
    (said,) = [unread.why for unread in drawing.unread if unread.layer == "the project"]
    assert said.startswith("its map system is EPSG:32630, not EPSG:27700")


def test_a_wall_without_a_body_is_left_out_and_said_to_be(write_ifc):
    import ifcopenshell

    path = write_ifc()
    model = ifcopenshell.open(str(path))
    model.by_type("IfcWall")[0].Representation = None
    model.write(str(path))

    drawing = read_ifc(path)

    assert len(drawing.walls) == 27
    assert ("IfcWall", "it has no body that can be read") in {
        (u.what, u.why) for u in drawing.unread
    }


def test_a_model_without_units_is_refused(write_ifc):
    import ifcopenshell

    path = write_ifc()
    model = ifcopenshell.open(str(path))
    model.remove(model.by_type("IfcUnitAssignment")[0])
    model.write(str(path))

    assert "block.ifc does not say in which units it is drawn" in refused(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "there is no such file"), (b"years of work", "it is no IFC file")],
)
def test_what_is_no_ifc_file_is_refused(tmp_path, content, what):
    path = tmp_path / "block.ifc"
    if content is not None:
        path.write_bytes(content)

    assert what in refused(path)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.98])
def test_a_file_cut_short_is_refused(write_ifc, share):
    path = write_ifc()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])

    assert "it is damaged or half-copied" in refused(path)

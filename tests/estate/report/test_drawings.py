import re
from dataclasses import replace

import pytest
import shapely

from estate.cabling.options import WIRELESS, Option
from estate.design import design_wing
from estate.model import WingShape
from estate.report.drawings import LEGEND, landing_drawing, marked, outside_drawing
from estate.tables import SURVEY
from estate.typology import lay_out

HOUSEBLOCK = WingShape(
    typology="three_spur_houseblock",
    layout=((12, 14, 12), (12, 14, 12), (4, 4, 4)),
    material="concrete",
    thickness_mm=200,
    distance_to_comms_m=45.0,
)
GALLERY = WingShape(
    typology="radial_gallery",
    layout=((12,), (12,)),
    material="brick",
    thickness_mm=457,
    distance_to_comms_m=45.0,
)


@pytest.fixture(scope="module")
def drawn(catalogue):
    """Return a function that designs a wing and draws one of its landings."""

    def draw(shape, number):
        design = design_wing(shape, catalogue)
        return design.landings[number - 1], landing_drawing(
            lay_out(shape), shape, design, number=number, caption="EYI-HB1"
        )

    return draw


@pytest.fixture(scope="module")
def hung(catalogue):
    """Return a landing of the gallery on which access points hang, its number and its drawing."""
    design = design_wing(GALLERY, catalogue)
    number = min(point.landing for point in design.points if point.option in WIRELESS)
    drawing = landing_drawing(lay_out(GALLERY), GALLERY, design, number=number, caption="A")
    return design, number, drawing


def cells_of(drawing):
    return [shape for shape in drawing.shapes if shape.title.startswith("cell ")]


def styled(drawing, style):
    return [shape for shape in drawing.shapes if shape.style == style]


def test_a_drawing_shows_each_cell_of_its_landing_once(drawn):
    _, drawing = drawn(HOUSEBLOCK, 2)

    titles = [shape.title for shape in styled(drawing, "cell")]
    assert titles == [f"cell 2-{number:03d}" for number in range(1, 39)]


def test_a_landing_with_outlets_shows_one_in_each_cell_and_its_drop(drawn):
    landing, drawing = drawn(HOUSEBLOCK, 3)

    assert landing.chosen == Option.OUTLETS
    assert len(styled(drawing, "outlet")) == len(styled(drawing, "drop")) == 12
    assert styled(drawing, "access_point") == []


def test_a_landing_with_access_points_shows_each_with_the_cells_it_serves(hung):
    design, number, drawing = hung

    points = styled(drawing, "access_point")
    assert design.landings[number - 1].chosen == Option.LANDING_ACCESS_POINTS
    assert len(points) == sum(point.landing == number for point in design.points) > 0
    assert all(re.match(r"AP-\d{3}, access point for ", point.title) for point in points)
    assert all(re.search(r"dBm at the weakest, channel \d+$", point.title) for point in points)
    told = [re.match(r"AP-0*(\d+), .* channel (\d+)$", point.title) for point in points]
    assert [each and " · ".join(each.groups()) for each in told] == [p.label for p in points]
    assert styled(drawing, "outlet") == []


def test_a_cell_served_by_radio_shows_the_signal_that_the_design_expects_there(catalogue):
    design = design_wing(GALLERY, catalogue)
    drawing = landing_drawing(lay_out(GALLERY), GALLERY, design, number=1, caption="A")
    expected = {
        f"cell {cell}": f"{dbm:.0f}".replace("-", "\N{MINUS SIGN}")
        for point in design.points
        for cell, dbm in zip(point.cells, point.signal_dbm, strict=True)
        if cell.startswith("1-")
    }

    drawn = {cell.title.partition(":")[0]: cell.label for cell in cells_of(drawing)}

    assert len(drawn) == 12
    assert drawn == expected


def test_cells_with_the_same_label_have_the_same_shade(catalogue):
    design = design_wing(GALLERY, catalogue)
    shades = {}
    # -54.6 and -55.4 are both shown as -55, which counts as strong.
    for dbm in (-54.6, -55.4, -55.6, -65.4, -65.6, -72.4, -72.6):
        points = tuple(
            replace(point, signal_dbm=(dbm,) * len(point.cells)) for point in design.points
        )
        changed = replace(design, points=points, air=replace(design.air, failing=()))
        drawing = landing_drawing(lay_out(GALLERY), GALLERY, changed, number=1, caption="A")
        shades |= {dbm: {(cell.label, cell.style) for cell in cells_of(drawing)}}

    minus = "\N{MINUS SIGN}"
    assert shades[-54.6] == shades[-55.4] == {(f"{minus}55", "signal_strong")}
    assert shades[-55.6] == {(f"{minus}56", "signal_good")}
    assert shades[-65.4] == {(f"{minus}65", "signal_good")}
    assert shades[-65.6] == {(f"{minus}66", "signal_fair")}
    assert shades[-72.4] == {(f"{minus}72", "signal_fair")}
    assert shades[-72.6] == {(f"{minus}73", "signal_weak")}


def test_each_line_leads_from_an_access_point_into_a_cell(hung):
    _, _, drawing = hung
    places = {point.points[0] for point in styled(drawing, "access_point")}
    cells = [shapely.Polygon(cell.points) for cell in cells_of(drawing)]

    lines = styled(drawing, "serves")

    assert lines
    assert {line.points[0] for line in lines} <= places
    assert all(any(c.contains(shapely.Point(line.points[-1])) for c in cells) for line in lines)


def test_a_cable_leads_from_the_containment_to_each_access_point(hung):
    _, number, drawing = hung
    joints = {j.at for j in lay_out(GALLERY).junctions if j.floor == number - 1}

    cables = styled(drawing, "drop")

    assert {cable.points[0] for cable in cables} <= joints
    assert {cable.points[-1] for cable in cables} == {
        point.points[0] for point in styled(drawing, "access_point")
    }
    assert all(cable.title.startswith("cable of an access point, ") for cable in cables)


def test_a_cell_that_falls_short_and_a_busy_access_point_are_told_apart(hung):
    design, number, _ = hung
    point = next(p for p in design.points if p.option in WIRELESS and p.landing == number)
    cell = next(cell for cell in point.cells if cell.startswith(f"{number}-"))
    air = replace(design.air, failing=(cell,), overloaded=(point.name,))
    pressed = replace(design, air=air)

    drawing = landing_drawing(lay_out(GALLERY), GALLERY, pressed, number=number, caption="A")

    (short,) = styled(drawing, "signal_short")
    (busy,) = styled(drawing, "access_point_busy")
    assert short.title.startswith(f"cell {cell}: ")
    assert short.title.endswith("; falls short while all cells are online")
    assert busy.points == (point.at,)
    assert {"signal_short", "access_point_busy"} <= {style for style, _ in drawing.legend}


def test_the_drawing_of_the_outside_is_as_loud_as_the_design_says(catalogue):
    design = design_wing(GALLERY, catalogue)
    drawing = outside_drawing(lay_out(GALLERY), design, caption="A")

    (loudest,) = {shape.label for shape in drawing.shapes if shape.label}
    assert loudest.removeprefix("\N{MINUS SIGN}") == (
        f"{-design.air.leakage.strongest_dbm:.0f} dBm"
    )
    heard = [shape for shape in drawing.shapes if shape.style.startswith("heard_")]
    assert len(heard) == len(design.air.leakage.likely_dbm)
    assert "grade D" in drawing.note
    assert drawing.note.startswith("The access points of this wing alone, without those of others")


def test_a_wing_without_radio_has_no_drawing_of_the_outside(catalogue):
    design = design_wing(HOUSEBLOCK, catalogue)

    assert outside_drawing(lay_out(HOUSEBLOCK), design, caption="A") is None


def test_what_was_not_measured_is_marked_not_for_construction(drawn):
    _, drawing = drawn(HOUSEBLOCK, 1)

    assert marked(drawing, is_measured=True) == drawing
    assert marked(drawing, is_measured=False).watermark == (
        "typical, not this prison; not for construction"
    )
    surveyed = replace(drawing, watermark="")
    assert marked(surveyed, is_measured=False).watermark == "not for construction"


def test_an_access_point_stands_within_the_drawing_of_its_landing(hung):
    _, _, drawing = hung

    corners = [corner for cell in cells_of(drawing) for corner in cell.points]
    (west, south), (east, north) = (
        tuple(map(pick, zip(*corners, strict=True))) for pick in (min, max)
    )
    for point in styled(drawing, "access_point"):
        ((x, y),) = point.points
        assert west <= x <= east
        assert south <= y <= north


def test_every_style_of_a_drawing_is_in_its_legend(drawn, hung):
    for drawing in (drawn(HOUSEBLOCK, 1)[1], hung[2]):
        explained = {style for style, _ in drawing.legend}
        assert {"landing", "tray", "wall"} <= explained
        assert explained & {"outlet", "access_point"}
        assert explained == {shape.style for shape in drawing.shapes}


def test_a_survey_draws_no_kind_of_space_or_containment_that_no_legend_explains():
    choices = {
        column.name: column.choices
        for table in SURVEY
        if table.name in {"spaces", "spans"}
        for column in table.columns
    }
    explained = {style for style, _ in LEGEND}

    assert set(choices["kind"]) | set(choices["containment"]) <= explained


def test_the_note_says_what_the_landing_is_built_of_and_where_its_cables_end(drawn):
    _, drawing = drawn(HOUSEBLOCK, 1)

    assert drawing.note.startswith(
        "Landing 1 of 3: 38 cells, Cat 6A outlet in each cell. 200 mm concrete walls; longest link "
    )
    assert drawing.note.endswith("m; cabling ends in the new cabinet in the wing, on landing 2.")
    assert drawing.watermark == "typical, not this prison"

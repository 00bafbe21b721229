import pytest

from estate.cabling.options import Option
from estate.design import design_wing
from estate.model import WingShape
from estate.report.drawings import landing_drawing
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


def test_a_landing_with_access_points_shows_each_with_the_cells_it_serves(drawn):
    landing, drawing = drawn(GALLERY, 1)

    points = styled(drawing, "access_point")
    assert landing.chosen == Option.LANDING_ACCESS_POINTS
    assert len(points) == landing.ports.likely
    assert all(point.title.startswith("access point for 1-0") for point in points)
    assert all(point.title.endswith("dBm at the weakest") for point in points)
    assert styled(drawing, "outlet") == styled(drawing, "drop") == []


def test_an_access_point_stands_within_the_drawing_of_its_landing(drawn):
    _, drawing = drawn(GALLERY, 1)

    corners = [corner for cell in styled(drawing, "cell") for corner in cell.points]
    (west, south), (east, north) = (
        tuple(map(pick, zip(*corners, strict=True))) for pick in (min, max)
    )
    for point in styled(drawing, "access_point"):
        ((x, y),) = point.points
        assert west <= x <= east
        assert south <= y <= north


def test_every_style_that_people_must_tell_apart_is_in_the_legend(drawn):
    for shape in (HOUSEBLOCK, GALLERY):
        _, drawing = drawn(shape, 1)
        explained = {style for style, _ in drawing.legend}
        assert {"cell", "landing", "tray", "comms_room", "distributor"} <= explained
        assert explained & {"outlet", "access_point"}


def test_the_note_says_what_the_landing_is_built_of_and_where_its_cables_end(drawn):
    _, drawing = drawn(HOUSEBLOCK, 1)

    assert drawing.note.startswith("Landing 1 of 3: 38 cells. 200 mm concrete walls; longest link ")
    assert drawing.note.endswith("m; cabling ends in the new cabinet in the wing.")
    assert drawing.watermark == "typical, not this prison"

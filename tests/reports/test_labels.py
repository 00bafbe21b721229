import pytest
import shapely

from reports.labels import LABEL_SIZE, Labelled, placed_labels

CANVAS = (400.0, 400.0)


def cell(west, north, east, south, label="-60"):
    corners = ((west, north), (east, north), (east, south), (west, south))
    return Labelled(kind="polygon", points=corners, radius=0, label=label)


def symbol(x, y, label=""):
    return Labelled(kind="point", points=((x, y),), radius=7.5, label=label)


def line(*points):
    return Labelled(kind="line", points=points, radius=4, label="")


def placed(*shapes):
    return {standing.shape: standing.at for standing in placed_labels(shapes, canvas=CANVAS)}


def test_a_label_stands_in_the_middle_of_its_polygon():
    assert placed(cell(100, 100, 200, 160)) == {0: (150.0, 130.0)}


def test_a_label_makes_way_for_a_symbol_in_its_polygon():
    at = placed(cell(100, 100, 200, 160), symbol(150, 130))[0]

    assert shapely.Point(at).distance(shapely.Point(150, 130)) > 7.5
    assert shapely.box(100, 100, 200, 160).contains(shapely.Point(at))


def test_a_label_without_room_in_its_polygon_is_left_out():
    # Three letters take some 18 units, and a cell of 12 has not got them.
    assert placed(cell(100, 100, 112, 160)) == {}


def test_labels_of_points_lie_on_no_line_where_there_is_room_beside_it():
    # The place to the right is on a tray; that to the left is free.
    (x, y) = placed(symbol(200, 200, "36"), line((200, 200), (300, 200)))[0]

    assert x < 200
    assert y == 200


def test_no_two_labels_lie_over_each_other():
    shapes = [symbol(200 + 4 * number, 200, str(100 + number)) for number in range(8)]

    found = placed(*shapes)

    boxes = [
        shapely.box(x - 9, y - LABEL_SIZE / 2, x + 9, y + LABEL_SIZE / 2) for x, y in found.values()
    ]
    assert len(boxes) > 2
    for number, box in enumerate(boxes):
        assert all(box.intersection(other).area == 0 for other in boxes[:number])


@pytest.mark.parametrize("at", [(2, 200), (398, 200), (200, 2), (200, 398)])
def test_a_label_stays_on_its_canvas(at):
    (x, y) = placed(symbol(*at, "36"))[0]

    assert 6 < x < 394
    assert 5 < y < 395

from dataclasses import replace

import pytest
import shapely

from reports.labels import LABEL_SIZE, Labelled, placed_labels

CANVAS = (400.0, 400.0)


def cell(west, north, east, south, label="-60"):
    corners = ((west, north), (east, north), (east, south), (west, south))
    return Labelled(kind="polygon", points=corners, radius=0, label=label)


def symbol(x, y, label=""):
    return Labelled(kind="point", points=((x, y),), radius=7.5, label=label)


def line(*points, label=""):
    return Labelled(kind="line", points=points, radius=4, label=label)


def box_of(label, at):
    half = 3.5 * len(label)
    return shapely.box(at[0] - half, at[1] - LABEL_SIZE / 2, at[0] + half, at[1] + LABEL_SIZE / 2)


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


@pytest.mark.parametrize("end", [(300, 100), (300, 300), (100, 300), (300, 130), (250, 390)])
def test_the_label_of_a_line_stands_by_its_middle_and_not_on_it(end):
    drawn = line((100, 100), end, label="120 m")

    box = box_of("120 m", placed(drawn)[0])

    way = shapely.LineString(drawn.points)
    assert 4 < box.distance(way) < 8
    assert box.distance(way.interpolate(0.5, normalized=True)) < 12


def test_the_label_of_a_bent_line_stands_by_it_and_not_between_its_ends():
    # From one end straight to the other it is 200 units, half of them away from the corner.
    drawn = line((100, 100), (200, 300), (300, 100), label="450 m")

    (x, y) = placed(drawn)[0]

    assert box_of("450 m", (x, y)).distance(shapely.LineString(drawn.points)) < 8
    assert y > 250


def test_a_line_whose_middle_is_taken_has_its_label_further_along():
    crowd = [symbol(200, y) for y in range(60, 350, 10)]

    (x, _) = placed(*crowd, line((20, 200), (380, 200), label="360 m"))[len(crowd)]

    assert abs(x - 200) > 25


def test_a_label_may_stand_beside_a_polygon_that_is_too_small_for_it():
    small = replace(cell(100, 100, 112, 112, label="HB1"), beside=True)

    (found,) = placed_labels([small], canvas=CANVAS)

    assert not found.inside
    gap = box_of("HB1", found.at).distance(shapely.box(100, 100, 112, 112))
    assert 0 < gap < 3


def test_a_label_that_fits_its_polygon_stands_within_it():
    (found,) = placed_labels([replace(cell(100, 100, 200, 160), beside=True)], canvas=CANVAS)

    assert (found.inside, found.at) == (True, (150.0, 130.0))

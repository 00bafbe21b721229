from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.model import Network, Wall
from estate.radio.paths import Ways, trace
from estate.radio.propagation import Propagation, path_loss_db
from estate.radio.scene import scene_of

# 200 mm concrete at normal incidence and 5.5 GHz: 26.47 dB. Free space takes 47.25 dB over 1 m.
CONCRETE_DB = 26.47
AT_1_M_DB = 47.25


def steps(low_cm, high_cm):
    """Return places in steps of a centimetre, some of them in the plane of a wall or a floor."""
    return st.integers(low_cm, high_cm).map(lambda cm: cm / 100)


coordinates = steps(10, 989)
places = st.tuples(coordinates, steps(-190, 389), steps(10, 589))


def losses(scene, access_point_m, *receivers_m, **propagation):
    paths = trace(
        scene,
        access_points_m=np.array([access_point_m], dtype=float),
        receivers_m=np.array(receivers_m, dtype=float),
    )
    return path_loss_db(paths, frequency_ghz=5.5, propagation=Propagation(**propagation))


def shrunk(outline):
    """Return a rectangle less 0.1 m on every side."""
    middle = np.mean(outline, axis=0)
    return tuple(map(tuple, np.array(outline) - 0.1 * np.sign(np.array(outline) - middle)))


def families(paths):
    """Return whom each of the four kinds of bent path reaches; all four must reach somebody."""
    return [set(family.receiver.tolist()) for family in paths.bent]


def test_behind_one_wall_the_loss_is_distance_and_wall(row):
    # From the middle of cell 0 to that of cell 1: 3 m and one party wall.
    found = losses(row(), (1.5, 2, 1), (4.5, 2, 1))

    assert found.direct_db[0, 0] == pytest.approx(AT_1_M_DB + 9.54 + CONCRETE_DB, abs=0.02)


def test_a_device_in_the_plane_of_a_wall_has_what_the_better_side_of_it_has(row):
    # The party wall at x = 3: from either cell there is no wall between, and 1.5 m.
    found = losses(row(), (1.5, 2, 1), (3.0, 2, 1))

    assert found.direct_db[0, 0] == pytest.approx(AT_1_M_DB + 3.52, abs=0.02)
    assert found.direct_db[0, 0] == losses(row(), (4.5, 2, 1), (3.0, 2, 1)).direct_db[0, 0]


def test_a_device_within_a_wall_is_indoors(row_of_cells):
    # Clear outlines leave 0.2 m for walls. Outdoors it would have paths out through every wall;
    # in the front wall it is on the landing, in the party wall in a cell, which has portals.
    network = row_of_cells(3)
    clear = tuple(replace(space, outline=shrunk(space.outline)) for space in network.spaces)
    scene = scene_of(replace(network, spaces=clear), storey_height_m=3.0)

    paths = trace(
        scene,
        access_points_m=np.array([[4.5, -1, 1]]),
        receivers_m=np.array([[4.5, -0.04, 1], [3.04, 2, 1], [4.5, 7, 1]]),
    )

    straight, by_waypoint, round_a_corner, outwards = families(paths)
    assert round_a_corner == {0}
    assert straight == by_waypoint == {1}
    assert outwards == {2}


def test_a_straight_line_through_a_door_loses_the_door_and_not_the_wall(row):
    found = losses(row(doors=True), (1.5, -1, 1), (1.5, 2, 1), door_loss_db=20)

    assert found.direct_db[0, 0] == pytest.approx(AT_1_M_DB + 9.54 + 20, abs=0.02)


def test_a_floor_loses_what_its_slab_does(row):
    # Straight up by one storey of 3 m through 200 mm of concrete.
    found = losses(row(floors=2), (1.5, 2, 1), (1.5, 2, 4))

    assert found.direct_db[0, 0] == pytest.approx(AT_1_M_DB + 9.54 + CONCRETE_DB, abs=0.02)


def test_a_cell_far_along_the_landing_is_reached_by_way_of_the_landing(row):
    # Nine party walls on the straight line, 9 * 26.47 dB and 27 m; by the landing two front walls
    # and two right angles of 45 dB at most, over no more than 2 * 3 + 27 m.
    found = losses(row(cells=10), (1.5, 2, 1), (28.5, 2, 1))

    assert found.direct_db[0, 0] == pytest.approx(9 * CONCRETE_DB + AT_1_M_DB + 28.63, abs=0.1)
    assert found.dominant_db[0, 0] < 2 * CONCRETE_DB + 2 * 45 + AT_1_M_DB + 30.4 + 10
    assert found.total_db[0, 0] == pytest.approx(found.dominant_db[0, 0])


def test_the_way_through_a_door_in_line_bends_nowhere(row):
    # From the landing straight through the door, 1 m up: the portal of the door is on the line.
    found = losses(row(doors=True), (1.5, -1, 1), (1.5, 2, 1), door_loss_db=20)

    assert found.dominant_db[0, 0] == pytest.approx(AT_1_M_DB + 9.54 + 20, abs=0.02)


def test_two_paths_of_equal_power_are_3_db_better_than_one(row):
    found = losses(row(doors=True), (1.5, -1, 1), (1.5, 2, 1), door_loss_db=20)

    assert found.total_db[0, 0] == pytest.approx(found.direct_db[0, 0] - 3.01, abs=0.01)


def test_a_bend_costs_its_share_of_90_degrees(row):
    scene = row()
    ends = ((7.5, -1, 1), (1.5, 2, 1))

    cheap = losses(scene, *ends, portal_bend_db=0, waypoint_bend_db=0)
    dear = losses(scene, *ends, portal_bend_db=90, waypoint_bend_db=90)

    # At most two right angles' worth, and at least some turn.
    assert 10 < dear.dominant_db[0, 0] - cheap.dominant_db[0, 0] <= 180


def test_out_of_a_room_a_turn_costs_what_it_does_into_one(row):
    # From the middle of cell 0, and from the landing before it, to the landing before cell 5.
    scene, there = row(cells=6), (16.5, -1, 1)

    from_cell, from_landing = (
        losses(scene, here, there, portal_bend_db=90).dominant_db[0, 0]
        - losses(scene, here, there, portal_bend_db=0).dominant_db[0, 0]
        for here in ((1.5, 2, 1), (1.5, -1, 1))
    )

    assert from_cell > 10
    assert from_landing == 0


def test_a_receiver_on_the_landing_is_reached_round_a_corner(row):
    # From inside cell 0 to the landing before cell 2: out through the front wall, then along.
    found = losses(row(), (1.5, 2, 1), (7.5, -1, 1))

    assert np.isfinite(found.dominant_db[0, 0])


def test_a_receiver_outdoors_is_reached_out_through_a_wall(row):
    # Behind the building, five cells along: the direct line crosses party walls, the bent one
    # leaves through the rear wall.
    found = losses(row(cells=6), (1.5, 2, 1), (16.5, 5, 1))

    assert found.dominant_db[0, 0] < found.direct_db[0, 0]


def test_without_landings_only_the_direct_path_counts():
    wall = Wall(wall_id="w", floor=0, material="brick", thickness_mm=330, start=(1, -5), end=(1, 5))
    scene = scene_of(Network(walls=(wall,)), storey_height_m=3.0)

    found = losses(scene, (0, 0, 1), (2, 0, 1))

    assert found.total_db[0, 0] == pytest.approx(AT_1_M_DB + 6.02 + 9.40, abs=0.02)
    assert np.isinf(found.dominant_db[0, 0])


def test_one_trace_serves_every_band(row):
    paths = trace(
        row(), access_points_m=np.array([[1.5, 2, 1]]), receivers_m=np.array([[4.5, 2, 1]])
    )

    at_2_4 = path_loss_db(paths, frequency_ghz=2.442)
    at_6 = path_loss_db(paths, frequency_ghz=6.2)

    # 14.77 and 28.93 dB of wall; 20 log10(6.2 / 2.442) = 8.09 dB of free space.
    apart_db = at_6.direct_db[0, 0] - at_2_4.direct_db[0, 0]
    assert apart_db == pytest.approx(28.93 - 14.77 + 8.09, abs=0.02)


@settings(deadline=None, max_examples=40)
@given(here=places, there=places)
def test_the_direct_path_loses_the_same_both_ways(row_of_cells, here, there):
    scene = scene_of(row_of_cells(doors=True, floors=2), storey_height_m=3.0)

    forth, back = losses(scene, here, there), losses(scene, there, here)

    assert forth.direct_db[0, 0] == pytest.approx(back.direct_db[0, 0], abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(here=places, there=places)
def test_both_paths_together_lose_no_more_than_the_better_one(row_of_cells, here, there):
    scene = scene_of(row_of_cells(doors=True, floors=2), storey_height_m=3.0)

    found = losses(scene, here, there)

    better_db = min(found.direct_db[0, 0], found.dominant_db[0, 0])
    assert better_db - 3.02 <= found.total_db[0, 0] <= better_db + 1e-9


@settings(deadline=None, max_examples=40)
@given(
    here=places,
    there=places,
    start=st.tuples(coordinates, st.floats(-1.9, 3.9)),
    run=st.tuples(st.floats(0.5, 5), st.floats(0.5, 5)),
)
def test_another_wall_never_helps_the_direct_path(row_of_cells, here, there, start, run):
    network = row_of_cells(floors=2)
    end = (start[0] + run[0], start[1] + run[1])
    another = Wall(
        wall_id="another", floor=0, material="brick", thickness_mm=215, start=start, end=end
    )
    with_it = Network(spaces=network.spaces, walls=(*network.walls, another))

    before, after = (
        losses(scene_of(each, storey_height_m=3.0), here, there).direct_db[0, 0]
        for each in (network, with_it)
    )

    assert after >= before - 1e-9


@settings(deadline=None)
@given(near_m=st.floats(0.2, 50), further_m=st.floats(0.01, 50))
def test_in_the_open_more_distance_is_more_loss(near_m, further_m):
    scene = scene_of(Network(), storey_height_m=3.0)

    found = losses(scene, (0, 0, 1), (near_m, 0, 1), (near_m + further_m, 0, 1))

    assert found.total_db[0, 0] < found.total_db[0, 1]


def test_access_points_traced_in_turn_lose_what_they_lose_traced_together(row):
    ways = Ways(scene=row(), receivers_m=np.array([(4.5, 2, 1), (7.5, 2, 1), (5, 5, 1)]))
    places_m = np.array([(1.5, 2, 2.3), (4.5, 4.5, 2.3), (7.5, 2, 2.3)])

    together_db = path_loss_db(ways.trace(places_m), frequency_ghz=5.5).total_db

    for place_m, expected_db in zip(places_m, together_db, strict=True):
        alone_db = path_loss_db(ways.trace(place_m[None, :]), frequency_ghz=5.5).total_db
        assert alone_db == pytest.approx(expected_db[None, :])

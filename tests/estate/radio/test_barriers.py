import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from estate.radio.barriers import Barriers, Legs, Level, crossings

# One wall along x = 1 from y = 0 to 2, standing from the floor to 3 m.
WALL = Barriers(
    start_m=np.array([[1.0, 0.0]]),
    end_m=np.array([[1.0, 2.0]]),
    bottom_m=np.array([0.0]),
    top_m=np.array([3.0]),
    fabric=np.array([7]),
)
FLOOR = Level(height_m=3.0, area=shapely.box(0, 0, 2, 2), fabric=9)
NOTHING = Barriers(
    start_m=np.empty((0, 2)),
    end_m=np.empty((0, 2)),
    bottom_m=np.empty(0),
    top_m=np.empty(0),
    fabric=np.empty(0, dtype=np.int64),
)


def crossed(origin, target, *, barriers=WALL, levels=()):
    legs = Legs.between_all(np.array([origin], dtype=float), np.array([target], dtype=float))
    return crossings(barriers, levels, legs)


@pytest.mark.parametrize(
    ("origin", "target", "count"),
    [
        ((0, 1, 1), (2, 1, 1), 1),
        ((0, 1, 1), (0.9, 1, 1), 0),  # Short of it.
        ((0, 3, 1), (2, 3, 1), 0),  # Past its end.
        ((0, 1, 4), (2, 1, 4), 0),  # Over it.
        ((0, 1, 1), (2, 1, 6), 0),  # 3.5 m up where the wall is.
        ((0, 1, 1), (2, 1, 4), 1),  # 2.5 m up where the wall is.
        ((0, 1, 1), (0, 1, 1), 0),
    ],
)
def test_a_leg_crosses_a_wall_that_stands_between(origin, target, count):
    assert crossed(origin, target).counts() == [count]


@pytest.mark.parametrize("off_m", [-0.0009, 0.0, 0.0009])
def test_an_end_in_the_plane_of_a_wall_is_on_both_of_its_sides(off_m):
    for other in ((0, 1, 1), (2, 1, 1)):
        assert crossed(other, (1 + off_m, 1, 1)).counts() == [0]
        assert crossed((1 + off_m, 1, 1), other).counts() == [0]


def test_two_millimetres_past_the_plane_of_a_wall_are_past_the_wall():
    assert crossed((0, 1, 1), (1.002, 1, 1)).counts() == [1]
    assert crossed((2, 1, 1), (1.002, 1, 1)).counts() == [0]


@pytest.mark.parametrize("off_m", [-0.0009, 0.0, 0.0009])
def test_an_end_in_the_plane_of_a_floor_is_above_and_below_it(off_m):
    for other in ((1, 1, 2), (1, 1, 4)):
        assert crossed(other, (1, 1, 3 + off_m), barriers=NOTHING, levels=[FLOOR]).counts() == [0]


def test_the_angle_is_that_from_the_normal_in_space():
    # 2 m across, 2 m along, 1 m up: 2 / 3.
    found = crossed((0, 0, 1), (2, 2, 2))

    assert found.cosine == pytest.approx([2 / 3])
    assert found.fabric.tolist() == [7]


def test_a_floor_is_crossed_where_there_is_one():
    inside = crossed((0.5, 1, 2), (0.5, 1, 4), barriers=NOTHING, levels=[FLOOR])
    beside = crossed((2.5, 1, 2), (2.5, 1, 4), barriers=NOTHING, levels=[FLOOR])

    assert inside.fabric.tolist() == [9]
    assert inside.cosine == pytest.approx([1.0])
    assert beside.counts() == [0]


def test_a_leg_through_the_joint_of_two_pieces_of_wall_crosses_one_of_them():
    pieces = Barriers(
        start_m=np.array([[1.0, 0.0], [1.0, 1.0]]),
        end_m=np.array([[1.0, 1.0], [1.0, 2.0]]),
        bottom_m=np.zeros(2),
        top_m=np.full(2, 3.0),
        fabric=np.array([7, 8]),
    )

    assert crossed((0, 1, 1), (2, 1, 1), barriers=pieces).fabric.tolist() == [8]


def test_legs_run_origin_by_origin():
    origins_m = np.array([[0.0, 1, 1], [2.0, 1, 1]])
    targets_m = np.array([[0.5, 1, 1], [3.0, 1, 1], [1.5, 1, 1]])

    found = crossings(WALL, (), Legs.between_all(origins_m, targets_m))

    assert found.counts().reshape(2, 3).tolist() == [[0, 1, 1], [1, 0, 0]]


def off_plane_m(start, end, point):
    along = (end - start) / np.linalg.norm(end - start)
    return abs(along[0] * (point[1] - start[1]) - along[1] * (point[0] - start[0]))


def brute_force_count(barriers, origin, target):
    """Count crossings by solving two equations for each wall."""
    count = 0
    walls = zip(barriers.start_m, barriers.end_m, barriers.bottom_m, barriers.top_m, strict=True)
    for start, end, bottom, top in walls:
        matrix = np.column_stack([target[:2] - origin[:2], start - end])
        if abs(np.linalg.det(matrix)) > 1e-9:
            share, along = np.linalg.solve(matrix, start - origin[:2])
            height = origin[2] + share * (target[2] - origin[2])
            ends_m = [off_plane_m(start, end, point) for point in (origin, target)]
            if min(ends_m) > 1e-3:  # An end in the plane is on both sides.
                count += 0 < share < 1 and 0 <= along < 1 and bottom <= height < top
    return count


@given(st.integers(0, 2**32 - 1))
def test_the_outcodes_find_what_solving_for_each_wall_finds(seed):
    draw = np.random.default_rng(seed)
    barriers = Barriers(
        start_m=draw.uniform(0, 10, (30, 2)),
        end_m=draw.uniform(0, 10, (30, 2)),
        bottom_m=draw.uniform(0, 3, 30),
        top_m=draw.uniform(3, 6, 30),
        fabric=np.zeros(30, dtype=np.int64),
    )
    origins_m, targets_m = draw.uniform(0, 10, (4, 3)), draw.uniform(0, 10, (5, 3))

    found = crossings(barriers, (), Legs.between_all(origins_m, targets_m)).counts()

    expected = [brute_force_count(barriers, o, t) for o in origins_m for t in targets_m]
    assert found.tolist() == expected


@given(st.integers(0, 2**32 - 1))
def test_walls_over_one_another_are_crossed_where_each_of_them_stands(seed):
    draw = np.random.default_rng(seed)
    lines_m, low_m = draw.uniform(0, 10, (6, 4)), draw.integers(0, 8, 30) * 0.75
    line = draw.integers(0, 6, 30)
    barriers = Barriers(
        start_m=lines_m[line, :2],
        end_m=lines_m[line, 2:],
        bottom_m=low_m,
        top_m=low_m + draw.integers(1, 4, 30) * 0.75,  # Some stand in others: both count.
        fabric=np.arange(30),
    )
    # Two of them over each other place.
    origins_m, targets_m = (np.repeat(draw.uniform(0, 10, (3, 3)), 2, axis=0) for _ in "ab")
    origins_m[::2, 2], targets_m[::2, 2] = draw.uniform(0, 7, (2, 3))

    found = crossings(barriers, (), Legs.between_all(origins_m, targets_m)).counts()

    expected = [brute_force_count(barriers, o, t) for o in origins_m for t in targets_m]
    assert found.tolist() == expected


def test_a_wall_that_is_drawn_twice_is_crossed_twice():
    twice = Barriers(
        start_m=np.array([[1.0, 0.0], [1.0, 0.0]]),
        end_m=np.array([[1.0, 2.0], [1.0, 2.0]]),
        bottom_m=np.zeros(2),
        top_m=np.full(2, 3.0),
        fabric=np.array([7, 8]),
    )

    assert sorted(crossed((0, 1, 1), (2, 1, 1), barriers=twice).fabric) == [7, 8]


def test_a_leg_meets_what_stands_at_its_height_above_another_wall():
    door_and_wall = Barriers(
        start_m=np.array([[1.0, 0.0], [1.0, 0.0]]),
        end_m=np.array([[1.0, 2.0], [1.0, 2.0]]),
        bottom_m=np.array([0.0, 2.0]),
        top_m=np.array([2.0, 3.0]),
        fabric=np.array([7, 8]),
    )
    heights_m = (1.0, 2.0, 2.5, 3.0)  # The head of the door belongs to the wall over it.

    found = [crossed((0, 1, z), (2, 1, z), barriers=door_and_wall).fabric for z in heights_m]

    assert [fabric.tolist() for fabric in found] == [[7], [8], [8], []]

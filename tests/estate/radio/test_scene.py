import numpy as np
import pytest
import shapely

from estate.model import Door, Network, Space, Wall, WingShape
from estate.radio.fabric import DOOR, OPENING, Fabric
from estate.radio.scene import DEFAULT_FLOOR, scene_of
from estate.radio.walls import barriers_of
from estate.typology import lay_out, read_typologies

BRICK = Fabric("brick", 330)
INDEX = {BRICK: 0, Fabric(DOOR): 1}


def wall_with_doors(*at, end=(5.0, 0.0)):
    wall = Wall(wall_id="w", floor=1, material="brick", thickness_mm=330, start=(0.0, 0.0), end=end)
    doors = tuple(
        Door(door_id=f"d{n}", floor=1, at=point, from_space="a", to_space="b")
        for n, point in enumerate(at)
    )
    return barriers_of(Network(walls=(wall,), doors=doors), storey_height_m=3.0, index=INDEX)


def as_rows(barriers):
    columns = (barriers.start_m[:, 0], barriers.end_m[:, 0], barriers.bottom_m, barriers.top_m)
    return [
        (*(pytest.approx(value) for value in row), fabric)
        for *row, fabric in zip(*columns, barriers.fabric.tolist(), strict=True)
    ]


def test_a_door_of_0_8_m_replaces_its_part_of_the_wall_up_to_its_head():
    # Floor 1 of 3 m storeys stands from 3 to 6 m; the door's head is 2 m above it.
    assert as_rows(wall_with_doors((2.0, 0.0))) == [
        (0.0, 1.6, 3.0, 6.0, 0),
        (1.6, 2.4, 3.0, 5.0, 1),
        (1.6, 2.4, 5.0, 6.0, 0),
        (2.4, 5.0, 3.0, 6.0, 0),
    ]


def test_doors_that_overlap_do_not_double_the_wall():
    rows = as_rows(wall_with_doors((2.0, 0.0), (2.2, 0.0)))

    assert [row[:2] for row in rows if row[4] == 1] == [(1.6, 2.4), (2.4, 2.6)]
    assert rows[-1] == (2.6, 5.0, 3.0, 6.0, 0)


def test_a_door_beside_its_wall_counts_and_one_a_metre_off_does_not():
    assert 1 in wall_with_doors((2.0, 0.3)).fabric
    assert 1 not in wall_with_doors((2.0, 1.0)).fabric


def test_a_wall_of_no_length_is_no_barrier():
    assert len(wall_with_doors((2.0, 0.0), end=(0.0, 0.0))) == 0


def test_the_first_fabric_is_an_opening(row):
    assert row().fabrics[0] == Fabric(OPENING)


def test_a_cell_opens_to_its_landing_and_to_the_air_and_not_to_its_neighbour(row):
    scene = row(cells=3)
    of_middle = scene.portals.room == 1

    # Six points on each wall: the front one to the landing, the rear one to the air.
    assert scene.portals.external[of_middle].tolist().count(False) == 6
    assert scene.portals.external[of_middle].tolist().count(True) == 6
    assert set(scene.portals.outer_m[of_middle & ~scene.portals.external, 1]) == {-0.75}


def test_a_portal_is_of_the_wall_or_door_that_stands_in_it(row):
    scene = row(cells=1, doors=True)
    front = (scene.portals.outward == [0, -1]).all(axis=1)
    fabrics = [scene.fabrics[index].material for index in scene.portals.fabric[front]]

    # Of three points at two heights, the middle of the front wall's is the door but for the
    # upper one, 2.1 m up and so above its head; the door itself adds one.
    assert sorted(fabrics) == ["concrete"] * 5 + ["door"] * 2


def test_a_room_without_a_wall_is_open_to_the_landing(row_of_cells):
    network = Network(spaces=row_of_cells(cells=1).spaces)

    scene = scene_of(network, storey_height_m=3.0)

    assert {scene.fabrics[index].material for index in scene.portals.fabric} == {OPENING}


def test_waypoints_follow_the_landing(row):
    waypoints_m = row(cells=5).waypoints_m

    # 15 m in steps of 2.5 m, in the middle of the 2 m, at 0.6 of the storey of 3 m.
    assert waypoints_m[:, 0] == pytest.approx(np.arange(1.25, 15, 2.5))
    assert set(waypoints_m[:, 1].round(6)) == {-1.0}
    assert waypoints_m[:, 2] == pytest.approx(1.8)


def test_a_landing_round_a_void_has_waypoints_on_both_galleries_and_in_the_void():
    gallery = ((0, 0), (10, 0), (10, 6), (0, 6), (0, 5), (9, 5), (9, 1), (0, 1))
    void = ((0, 1), (9, 1), (9, 5), (0, 5))
    network = Network(
        spaces=(
            Space(space_id="landing", floor=1, kind="landing", outline=gallery),
            Space(space_id="atrium", floor=1, kind="atrium", outline=void),
        )
    )

    across_m = scene_of(network, storey_height_m=3.0).waypoints_m[:, 1]

    assert {0.5, 5.5, 3.0} <= set(across_m.round(6))


def test_a_floor_lies_under_rooms_and_walls_and_not_in_the_void():
    spaces = (
        Space(space_id="g", floor=0, kind="landing", outline=((0, 0), (9, 0), (9, 9), (0, 9))),
        Space(space_id="c", floor=1, kind="cell", outline=((0, 0), (3, 0), (3, 9), (0, 9))),
        Space(space_id="a", floor=1, kind="atrium", outline=((3.2, 0), (9, 0), (9, 9), (3.2, 9))),
    )

    (level,) = scene_of(Network(spaces=spaces), storey_height_m=2.8).levels

    assert level.height_m == 2.8
    assert shapely.contains_xy(level.area, [1.0, 3.1, 5.0], [4.0, 4.0, 4.0]).tolist() == [
        True,  # The cell.
        True,  # The wall between.
        False,
    ]


@pytest.mark.parametrize("name", read_typologies())
def test_every_cell_of_every_typology_has_a_door_and_a_wall_to_bend_through(name):
    typology = read_typologies()[name]
    shape = WingShape(
        typology=name,
        layout=((4,) * typology.spurs,) * 2,
        material=typology.material,
        thickness_mm=typology.thickness_mm,
        distance_to_comms_m=0,
    )

    scene = scene_of(lay_out(shape), storey_height_m=typology.storey_height_m)

    wall = Fabric(typology.material, typology.thickness_mm)
    expected = {scene.fabrics.index(Fabric(DOOR)), scene.fabrics.index(wall)}
    cells = [index for index, room in enumerate(scene.rooms) if room.kind == "cell"]
    inwards = ~scene.portals.external
    assert all(
        set(scene.portals.fabric[inwards & (scene.portals.room == cell)].tolist()) == expected
        for cell in cells
    )


def test_an_empty_network_is_a_scene_with_nothing_in_it():
    scene = scene_of(Network(), storey_height_m=3.0)

    assert len(scene.barriers) == 0
    assert scene.levels == ()
    assert scene.waypoints_m.shape == (0, 3)
    assert scene.fabrics[-1] == DEFAULT_FLOOR

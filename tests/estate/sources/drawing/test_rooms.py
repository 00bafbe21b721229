import json
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import Point, box

from estate.sources.drawing.rooms import door_at, labelled, rooms_between
from estate.sources.drawing.walls import Piece, body

WESTPORT = Path(__file__).parents[5] / "shared" / "bench" / "real" / "westport_house"


def square(size, *, thickness=0.2):
    """Return the bodies of four walls whose centre lines are a square."""
    corners = [(0, 0), (size, 0), (size, size), (0, size), (0, 0)]
    return [body(Piece(a, b, thickness, "wall")) for a, b in pairwise(corners)]


def test_a_room_is_the_clear_area_between_walls():
    (room,) = rooms_between(square(4.0))

    assert room.area == pytest.approx(3.8**2)


def test_a_room_with_an_open_side_is_none():
    assert rooms_between(square(4.0)[:3]) == []


def test_a_shaft_is_no_room():
    assert rooms_between(square(1.1)) == []  # 0.9 m square.


def test_words_belong_to_the_smallest_room_around_them_from_the_top_down():
    rooms = [box(0, 0, 10, 10), box(1, 1, 3, 4)]

    words = [
        (Point(2, 2), "12"),
        (Point(2, 3), "Cell"),
        (Point(8, 8), "Landing"),
        (Point(20, 0), "N"),
    ]

    assert labelled(rooms, words) == ["Landing", "Cell 12"]


def test_a_door_in_a_corner_is_in_the_wall_that_is_broken_there():
    # Two walls meet at the origin, and the one along x has a gap from 0.1 to 1.0.
    walls = [Piece((0, 0), (4, 0), 0.2, "wall").line, Piece((0, 0), (0, 4), 0.2, "wall").line]
    solid = body(Piece((1.1, 0), (4, 0), 0.2, "wall")).union(
        body(Piece((0, 0), (0, 4), 0.2, "wall"))
    )

    at = door_at(box(0, 0, 1.0, 0.95), walls, solid=solid, reach_m=0.5)

    assert (round(at.x, 2), round(at.y, 2)) == (0.5, 0.0)


def test_a_door_far_from_any_wall_is_in_none():
    wall = Piece((0, 0), (4, 0), 0.2, "wall").line

    assert door_at(box(1, 2, 2, 3), [wall], solid=box(0, 0, 0, 0), reach_m=0.5) is None


def test_rooms_of_a_real_building_are_those_that_its_map_names():
    """Westport House: what walls, doors and windows enclose, beside rooms that its map outlines."""
    if not WESTPORT.exists():
        pytest.skip(f"{WESTPORT} is not here")
    shares = []
    for path in sorted(WESTPORT.glob("westport-house-floor-*[!s].geojson")):
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        floor = gpd.GeoDataFrame.from_features(features, crs="EPSG:4326").to_crs("EPSG:27700")
        barriers = floor.geometry[floor["type"].isin(["wall", "door", "window"])]
        rooms = rooms_between(barriers.buffer(0.02, join_style="mitre"))
        # What the map calls a room is a part of an open office.
        named = floor.geometry[floor["type"].isin(["bathroom", "inaccessible_space"])]
        for outline in named[named.area >= 1.0]:
            best = max(rooms, key=lambda room, outline=outline: room.intersection(outline).area)
            shares.append(best.intersection(outline).area / best.union(outline).area)

    assert len(shares) == 29
    assert min(shares) > 0.9

from dataclasses import replace

import pytest

from estate.cabling.standing import standing_of
from estate.model import Cable, Distributor, Network, Outlet, Space

LIMIT_M = 86.5


def room(name, kind, west, floor=0):
    outline = ((west, 0.0), (west + 4.0, 0.0), (west + 4.0, 3.0), (west, 3.0))
    return Space(space_id=name, floor=floor, kind=kind, outline=outline, location_key=name)


# A comms room, a landing and a cell in a row, each 4 m wide, and a cell over the last.
NETWORK = Network(
    spaces=(
        room("comms", "comms_room", 0.0),
        room("landing", "landing", 4.0),
        room("1-001", "cell", 8.0),
        room("2-001", "cell", 8.0, floor=1),
    ),
    distributors=(
        Distributor(
            distributor_id="rack", floor=0, at=(1.0, 1.0), space_id="comms", state="existing"
        ),
    ),
)
TO_CELL = Cable(
    cable_id="data-1", floor=0, route=((1.0, 1.0), (9.0, 1.0)), kind="cat6", state="existing"
)


def found(*cables, **changes):
    return standing_of(replace(NETWORK, cables=cables, **changes), limit_m=LIMIT_M)


def test_a_cable_from_a_rack_to_a_cell_is_a_link_as_long_as_it_is_drawn():
    link = found(TO_CELL).cells["1-001"]

    assert (link.words, link.length_m, link.distributor) == ("the cable data-1, 8.0 m", 8.0, "rack")
    assert not link.has_outlet


def test_a_cable_may_be_drawn_from_either_end():
    assert found(replace(TO_CELL, route=TO_CELL.route[::-1])) == found(TO_CELL)


def test_a_cable_that_ends_anywhere_in_the_comms_room_ends_at_its_rack():
    within = replace(TO_CELL, route=((3.5, 2.5), (9.0, 1.0)))

    assert found(within).cells["1-001"].distributor == "rack"


def test_a_cable_may_end_on_another_floor_and_be_longer_than_it_is_drawn():
    upstairs = replace(TO_CELL, to_floor=1, length_m=31.5)

    links = found(upstairs).cells

    assert list(links) == ["2-001"]
    assert links["2-001"].length_m == 31.5


def test_the_outlet_at_the_end_of_a_cable_is_used_where_it_stands():
    outlet = Outlet(outlet_id="outlet-1", floor=0, at=(9.0, 1.2), space_id="1-001")

    new, old = (
        found(TO_CELL, outlets=(replace(outlet, state=state),)).cells["1-001"]
        for state in ("new", "existing")
    )

    assert (new.has_outlet, old.has_outlet) == (False, True)


def test_a_cable_to_a_landing_is_a_place_for_an_access_point():
    standing = found(replace(TO_CELL, route=((1.0, 1.0), (6.0, 2.0))))

    (place,) = standing.candidates(height_m=2.3)
    assert (place.kind, place.at, place.space_id) == ("landing", (6.0, 2.0), "landing")
    assert standing.places[place.candidate_id].link.words == "the cable data-1, 5.1 m"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"length_m": 86.6}, "it is 86.6 m long, and a link may have 86.5 m"),
        ({"free_count": 0}, "all of it is in use"),
        ({"route": ((5.0, 1.0), (9.0, 1.0))}, "neither of its ends is at a distributor"),
        ({"route": ((1.0, 1.0), (20.0, 1.0))}, "it ends in no cell and on no landing"),
    ],
)
def test_a_cable_that_is_no_link_is_named_and_says_why(changes, why):
    standing = found(replace(TO_CELL, **changes))

    assert standing.cells == {}
    (said,) = standing.unused
    assert said.startswith("the cable data-1 that stands is not used: ")
    assert why in said


def test_a_link_may_be_as_long_as_the_limit():
    assert found(replace(TO_CELL, length_m=86.5)).unused == ()


@pytest.mark.parametrize("changes", [{"state": "new"}, {"kind": "voice"}, {"kind": "fibre_os2"}])
def test_what_is_planned_or_carries_no_data_link_says_nothing(changes):
    standing = found(replace(TO_CELL, **changes))

    assert (standing.cells, standing.unused) == ({}, ())


def test_an_outlet_that_stands_is_a_link_unless_the_cable_drawn_to_it_is_none():
    outlet = Outlet(
        outlet_id="outlet-1",
        floor=0,
        at=(9.0, 1.0),
        space_id="1-001",
        state="existing",
        category="cat6",
    )

    alone = found(outlets=(outlet,))
    too_far = found(replace(TO_CELL, length_m=120.0), outlets=(outlet,))

    assert alone.cells["1-001"].words == "the outlet outlet-1"
    assert too_far.cells == {}

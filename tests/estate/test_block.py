from dataclasses import replace

import pytest

from estate.block import Block, Member
from estate.model import Cable, Distributor, Junction, Network, Outlet, Space, Span, WingShape

SHAPE = WingShape(
    typology="dormitory",
    layout=((1,), (1,)),
    material="brick",
    thickness_mm=215,
    distance_to_comms_m=0.0,
)


def cell(name, floor):
    return Space(space_id=name, floor=floor, kind="cell", outline=(), location_key=name)


def joint(name, floor=0):
    return Junction(junction_id=name, floor=floor, at=(0.0, 0.0), space_id="")


def rack(name, **free):
    return Distributor(distributor_id=name, floor=0, at=(0.0, 0.0), space_id="", **free)


def span(name, start, end, floor=0):
    ends = {"start": start, "end": end}
    return Span(span_id=name, floor=floor, **ends, length_m=1.0, containment="tray")


def wing(key, *, storeys, met=(), **layers):
    """Return a wing of two landings with one cell on each."""
    cells = (cell(f"{key}/1", 0), cell(f"{key}/2", 1))
    network = Network(spaces=cells, **layers)
    return Member(key=key, shape=SHAPE, network=network, storeys=storeys, met=met)


def test_the_landings_of_one_wing_are_numbered_above_those_of_another():
    block = Block(members=(wing("A", storeys=(0, 1)), wing("B", storeys=(1, 2))))

    assert {s.space_id: s.floor for s in block.network.spaces} == {
        "A/1": 0,
        "A/2": 1,
        "B/1": 2,
        "B/2": 3,
    }
    assert (block.firsts, block.storeys) == ((0, 2), (0, 1, 1, 2))


def test_a_cable_ends_on_the_floor_of_its_wing():
    cable = Cable(cable_id="c", floor=0, to_floor=1, route=((0.0, 0.0), (1.0, 0.0)), kind="cat6")
    block = Block(members=(wing("A", storeys=(0, 1)), wing("B", storeys=(0, 1), cables=(cable,))))

    (found,) = block.network.cables

    assert (found.floor, found.to_floor) == (2, 3)


def test_a_joint_of_two_wings_is_there_once_and_of_the_wing_with_most_spans_at_it():
    one = wing(
        "A", storeys=(0, 1), junctions=(joint("a"), joint("x")), spans=(span("s", "a", "x"),)
    )
    ends = (span("t", "x", "b"), span("u", "x", "b"))
    other = wing("B", storeys=(0, 1), junctions=(joint("x"), joint("b")), spans=ends)

    network = Block(members=(one, other)).network

    assert {j.junction_id: j.floor for j in network.junctions} == {"a": 0, "x": 2, "b": 2}
    assert {s.span_id: s.floor for s in network.spans} == {"s": 0, "t": 2, "u": 2}


def test_a_distributor_is_of_the_wing_that_draws_it_whichever_comes_first():
    one = wing("A", storeys=(0, 1), distributors=(rack("r"),), met=("r",))
    other = wing("B", storeys=(0, 1), distributors=(rack("r"),))

    assert [d.floor for d in Block(members=(one, other)).network.distributors] == [2]


@pytest.mark.parametrize("order", [1, -1])
def test_what_another_wing_draws_at_the_end_of_a_span_is_no_joint_beside_it(order):
    outlet = Outlet(outlet_id="o", floor=0, at=(0.0, 0.0), space_id="B/1")
    one = wing("A", storeys=(0, 1), junctions=(joint("o"), joint("r")))
    other = wing("B", storeys=(0, 1), distributors=(rack("r"),), outlets=(outlet,))

    network = Block(members=(one, other)[::order]).network

    assert network.junctions == ()
    assert (len(network.distributors), len(network.outlets)) == (1, 1)


def test_one_wing_alone_is_its_own_network():
    network = Network(spaces=(cell("1", 0),))

    block = Block.of(SHAPE, network)

    assert block.network is network
    assert (block.keys, block.storeys, block.firsts) == (("",), (), (0,))


def test_what_is_free_in_a_distributor_is_replaced_in_every_wing_that_has_it():
    one = wing("A", storeys=(0, 1), distributors=(rack("r", ports_free=9),))
    other = wing("B", storeys=(0, 1), distributors=(rack("r", ports_free=9),), met=("r",))
    block = Block(members=(one, other))

    shared = block.sharing([replace(each, ports_free=6) for each in block.network.distributors])

    assert [m.network.distributors for m in shared.members] == [(rack("r", ports_free=6),)] * 2

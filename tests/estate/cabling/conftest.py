"""Small wings whose every metre can be added up by hand."""

from dataclasses import replace

import pytest

from estate.block import Block, Member
from estate.cabling.airing import Air
from estate.cabling.joint import Joint
from estate.cabling.solving import solved
from estate.cabling.wing import WingProblem
from estate.model import Distributor, Junction, Network, Outlet, Space, Span, WingShape
from estate.network import placed
from estate.radio.candidates import candidates_of
from estate.radio.serving import reach_of
from estate.typology import lay_out


def square(x, y, size=2.0):
    return ((x, y), (x + size, y), (x + size, y + size), (x, y + size))


def a_corridor(cells, **changes):
    """Return cells at 10 m from each other along a run that begins 10 m from a comms room.

    `changes` are fields of the first span; each cell hangs on its own junction by a drop of 3 m.
    """
    places = range(1, cells + 1)
    spans = [
        Span(
            span_id=f"run-{n}",
            floor=0,
            start="room" if n == 1 else f"joint-{n - 1}",
            end=f"joint-{n}",
            length_m=10.0,
            containment="tray",
            **(changes if n == 1 else {}),
        )
        for n in places
    ]
    spans += [
        Span(
            span_id=f"drop-{n}",
            floor=0,
            start=f"joint-{n}",
            end=f"outlet-{n}",
            length_m=3.0,
            containment="drop",
        )
        for n in places
    ]
    return Network(
        spaces=tuple(
            Space(
                space_id=f"cell-{n}",
                floor=0,
                kind="cell",
                outline=square(10.0 * n, 1.0),
                location_key=f"1-{n:03d}",
            )
            for n in places
        ),
        junctions=tuple(
            Junction(junction_id=f"joint-{n}", floor=0, at=(10.0 * n, 0.0), space_id="landing")
            for n in places
        ),
        distributors=(Distributor(distributor_id="room", floor=0, at=(0.0, 0.0), space_id=""),),
        outlets=tuple(
            Outlet(outlet_id=f"outlet-{n}", floor=0, at=(10.0 * n, 1.5), space_id=f"cell-{n}")
            for n in places
        ),
        spans=tuple(spans),
    )


def two_corridors(one, other, between_m=10.0):
    """Return two wings as one block, A with its comms room at hand and B with one 200 m away.

    Cells are at 10 m from each other; the run of B goes on where that of A ends, so many metres
    before its first cell.
    """
    shape = WingShape(
        typology="dormitory",
        layout=((one,),),
        material="brick",
        thickness_mm=215,
        distance_to_comms_m=0.0,
    )
    first = placed(a_corridor(one), prefix="A", offset=(0.0, 0.0))
    second = placed(a_corridor(other), prefix="B", offset=(10.0 * one, 0.0))
    end = f"A/joint-{one}"
    joint = next(j for j in first.junctions if j.junction_id == end)
    home = Span(
        span_id="B/home",
        floor=0,
        start=f"B/joint-{other}",
        end="B/room",
        length_m=200.0,
        containment="tray",
    )
    spans = (
        replace(span, start=end, length_m=between_m) if span.start == "B/room" else span
        for span in second.spans
    )
    second = replace(
        second,
        junctions=(*second.junctions, joint),
        spans=(*spans, home),
    )
    return Block(
        members=(
            Member(key="A", shape=shape, network=first, storeys=(0,)),
            Member(
                key="B",
                shape=replace(shape, layout=((other,),)),
                network=second,
                storeys=(0,),
            ),
        )
    )


@pytest.fixture(scope="session")
def corridors():
    """Return `two_corridors`."""
    return two_corridors


@pytest.fixture
def joint_of(catalogue):
    """Return a function that returns the wired problem of a network."""
    return lambda network: Joint.of(WingProblem.of(network, catalogue))


@pytest.fixture
def corridor():
    """Return `a_corridor`."""
    return a_corridor


@pytest.fixture(scope="session")
def rooms():
    """Return a wing of rooms of brick, where access points on the landing are the cheapest."""
    return WingShape(
        typology="dormitory",
        layout=((20, 20), (20, 20)),
        material="brick",
        thickness_mm=215,
        distance_to_comms_m=45.0,
    )


@pytest.fixture(scope="session")
def air(catalogue, rooms):
    """Return the radio of that wing, solved."""
    network = lay_out(rooms)
    places = candidates_of(network, height_m=2.3)
    reach = reach_of(network, places, storey_height_m=2.8, assumptions=catalogue.assumptions)
    joint = Joint.of(WingProblem.of(network, catalogue), places, reach)
    return Air.of(solved(joint, seed=1).solution, places, reach)

"""Small wings whose every metre can be added up by hand."""

import pytest

from estate.cabling.joint import Joint
from estate.cabling.wing import WingProblem
from estate.model import Distributor, Junction, Network, Outlet, Space, Span


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


@pytest.fixture
def joint_of(catalogue):
    """Return a function that returns the wired problem of a network."""
    return lambda network: Joint.of(WingProblem.of(network, catalogue))


@pytest.fixture
def corridor():
    """Return `a_corridor`."""
    return a_corridor

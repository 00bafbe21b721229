from dataclasses import replace

import pytest

from estate.block import Block
from estate.cabling.joining import joined


@pytest.fixture
def found(corridors, catalogue):
    """Return a function that joins two corridors of so many cells, and returns what came of it."""

    def join(between_m):
        whole = corridors(2, 3, between_m)

        def traced(keys):
            return Block(members=tuple(m for m in whole.members if m.key in keys))

        return joined(whole.keys, traced, catalogue)

    return join


# A link may have 86.5 m. In A the comms room is 10 m before the first of two cells at 10 m from
# each other, in B no distributor is drawn; each cell has a drop of 3 m.


def test_wings_of_which_cells_of_both_reach_one_distributor_are_one_problem(found):
    these = found(10.0)

    assert [block.keys for block in these.blocks] == [("A", "B")]
    assert these.because == {
        "A": "designed as one with B: cells of it and of B reach one distributor "
        "(cabinet in A/room) within 86.5 m",
        "B": "designed as one with A: cells of it and of A reach one distributor "
        "(cabinet in A/room) within 86.5 m",
    }


def test_a_link_may_be_as_long_as_the_limit(found):
    """A cabinet at the first cell of B, which is 106.5 m from the room, is 83.5 + 3 m from A's."""
    assert [block.keys for block in found(83.5).blocks] == [("A", "B")]


def test_wings_without_a_distributor_that_cells_of_both_reach_are_designed_apart(found):
    """That cabinet is 84 + 3 m from the last cell of A."""
    these = found(84.0)

    assert [block.keys for block in these.blocks] == [("A",), ("B",)]
    assert these.because["B"] == (
        "designed apart from A, whose containment meets its own: the nearest place for a "
        "distributor of it and of A (cabinet at B/joint-1) is 87.0 m along it from the nearest "
        "cell of one, and a link may have 86.5 m"
    )


def test_a_wing_says_of_several_that_it_shares_none_with_which_is_nearest(corridors, catalogue):
    """C goes on where B ends, 200 m before its first cell."""
    near, far = corridors(2, 2, 84.0), corridors(2, 2, 200.0)
    third = _renamed(far.members[1], "C", end="B/joint-2", first="A/joint-2")
    block = Block(members=(*near.members, third))

    def traced(keys):
        return Block(members=tuple(m for m in block.members if m.key in keys))

    these = joined(block.keys, traced, catalogue)

    assert [each.keys for each in these.blocks] == [("A",), ("B",), ("C",)]
    assert these.because["A"].startswith(
        "designed apart from B and C, whose containment meets its own: the nearest place for a "
        "distributor of it and of B (cabinet at B/joint-1) is 87.0 m"
    )
    assert "designed apart from A and B" in these.because["C"]


def _renamed(member, key, *, end, first):
    """Return the corridor B under another name, begun where another ends."""

    def named(name):
        return end if name == first else name.replace("B/", f"{key}/")

    network = member.network
    return replace(
        member,
        key=key,
        network=replace(
            network,
            spaces=tuple(replace(s, space_id=named(s.space_id)) for s in network.spaces),
            junctions=tuple(
                replace(j, junction_id=named(j.junction_id)) for j in network.junctions
            ),
            distributors=tuple(
                replace(d, distributor_id=named(d.distributor_id)) for d in network.distributors
            ),
            outlets=tuple(
                replace(o, outlet_id=named(o.outlet_id), space_id=named(o.space_id))
                for o in network.outlets
            ),
            spans=tuple(
                replace(s, span_id=named(s.span_id), start=named(s.start), end=named(s.end))
                for s in network.spans
            ),
        ),
    )

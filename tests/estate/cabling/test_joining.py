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
        "distributor of both (cabinet at B/joint-1) is 87.0 m along it from the nearest cell of "
        "one, and a link may have 86.5 m"
    )

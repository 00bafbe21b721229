import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.resilience.dependence import ROOT, Dependencies, Part, needed


def part(name, kind="span", wing=""):
    return Part(id=name, kind=kind, wing=wing)


def parts(names):
    return [part(name) for name in names]


def test_a_switch_takes_its_cells_and_what_it_hangs_from_takes_all():
    found = Dependencies()
    core = found.led(ROOT, parts(["uplink", "core"]))
    for switch in ("one", "two"):
        found.serve(found.led(core, parts([switch])), 30)

    assert found.cells_lost() == {"uplink": 60, "core": 60, "one": 30, "two": 30}


def test_either_of_two_uplinks_may_fail():
    found = Dependencies()
    uplinks = [found.led(ROOT, parts([name])) for name in ("first", "second")]
    core = found.led(found.meet("all ways", uplinks), parts(["core"]))
    found.serve(core, 700)

    assert found.cells_lost() == {"first": 0, "second": 0, "core": 700}


def test_a_chamber_that_two_diverse_cables_share_is_found():
    found = Dependencies()
    first = found.led(ROOT, parts(["duct north", "chamber", "duct east"]))
    second = found.led(ROOT, parts(["duct south", "chamber", "duct west"]))
    found.serve(found.meet("building", [first, second]), 180)

    lost = found.cells_lost()

    assert lost.pop("chamber") == 180
    assert set(lost.values()) == {0}


def test_a_span_with_cables_of_two_switches_takes_both_and_neither_switch_stands_in():
    found = Dependencies()
    for switch, cells in (("one", 12), ("two", 8)):
        found.serve(found.led(ROOT, parts([switch, "shared tray"])), cells)

    assert found.cells_lost() == {"one": 12, "two": 8, "shared tray": 20}


def test_spans_in_line_are_one_loss_and_single_cells_are_none():
    found = Dependencies()
    line = [part("switch", "switch", "A"), *(part(f"s{n}", wing="A") for n in "123")]
    tray = found.led(ROOT, line)
    found.serve(tray, 9)
    found.serve(found.led(tray, [part("s4", wing="A")]), 1)

    losses = found.losses()

    assert [(loss.kind, loss.parts, loss.cells) for loss in losses] == [
        ("span", ("s1", "s2", "s3"), 10),
        ("switch", ("switch",), 10),
    ]


def test_nothing_can_hang_on_what_does_not_exist():
    with pytest.raises(KeyError):
        Dependencies().led("nowhere", parts(["a"]))


@st.composite
def dependencies(draw):
    """Draw sites in which parts recur and places have several ways from earlier places."""
    found, places = Dependencies(), [ROOT]
    names = st.sampled_from("abcdefgh")
    for number in range(draw(st.integers(1, 8))):
        way = st.tuples(st.sampled_from(places), st.lists(names, min_size=1, max_size=3))
        ways = draw(st.lists(way, min_size=1, max_size=3))
        ends = [found.led(start, parts(names)) for start, names in ways]
        places.append(found.meet(f"place {number}", ends))
        found.serve(places[-1], draw(st.integers(1, 50)))
    return found


@given(dependencies())
def test_removing_a_part_disconnects_exactly_the_cells_that_it_is_said_to_lose(found):
    for name, cells in found.cells_lost().items():
        rest = found.graph.copy()
        rest.remove_nodes_from([node for node in found.graph if node.endswith(f"> {name}")])
        reached = nx.descendants(rest, ROOT)
        gone = sum(count for node, count in found.cells.items() if node not in reached)
        assert cells == gone, name


@given(dependencies())
def test_with_each_node_its_own_part_they_are_the_dominators_of_networkx(found):
    immediate = nx.immediate_dominators(found.graph, ROOT)
    immediate.pop(ROOT, None)  # Before networkx 3.6 the root was its own dominator.

    for node, labels in needed(found.graph, {n: n for n in immediate}).items():
        chain, above = set(), node
        while above in immediate:
            chain.add(above)
            above = immediate[above]
        assert labels == chain

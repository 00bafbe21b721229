from __future__ import annotations

from itertools import chain, combinations, pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from estate.optimise import InfeasibleError, diverse_ways, steiner_tree, ways_between
from estate.optimise.diverse import Joining, joining_programme
from estate.optimise.programme import as_lp, minimise

GOLDEN = Path(__file__).parent / "golden"


def ring() -> nx.Graph:
    # a and b stand on a ring round the root r; between them it is dear, and c is a short cut.
    graph = nx.Graph()
    graph.add_weighted_edges_from([("r", "a", 3), ("a", "b", 9), ("b", "r", 4)])
    graph.add_weighted_edges_from([("a", "c", 2), ("c", "b", 2), ("c", "r", 1)])
    return graph


def has_ways(graph: nx.Graph, root: int, ways: dict[int, int]) -> bool:
    """Return whether a graph has so many ways, by taking out every node and every edge in turn."""
    for terminal, number in ways.items():
        if not nx.has_path(graph, root, terminal):
            return False
        cuts = [graph.subgraph(set(graph) - {n}) for n in graph if n not in {root, terminal}]
        cuts += [nx.restricted_view(graph, [], [edge]) for edge in graph.edges]
        if number > 1 and not all(nx.has_path(part, root, terminal) for part in cuts):
            return False
    return True


def cheapest(graph: nx.Graph, root: int, ways: dict[int, int]) -> float:
    """Return the least cost of edges that have the ways, by trying every set of edges."""
    edges = list(graph.edges(data="weight"))
    best = float("inf")
    for taken in chain.from_iterable(combinations(edges, k) for k in range(len(edges) + 1)):
        cost = sum(weight for _, _, weight in taken)
        if cost < best:
            part = nx.Graph([(one, other) for one, other, _ in taken])
            part.add_nodes_from([root, *ways])
            if has_ways(part, root, ways):
                best = cost
    return best


@st.composite
def problems(draw):
    """Draw a graph of few edges, its root 0, and one or two ways for some other nodes."""
    count = draw(st.integers(2, 5))
    pairs = list(combinations(range(count), 2))
    kept = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=7, unique=True))
    graph = nx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_weighted_edges_from((a, b, draw(st.integers(0, 20))) for a, b in kept)
    others = st.sampled_from(range(1, count))
    return graph, draw(st.dictionaries(others, st.integers(1, 2), min_size=1, max_size=2))


@given(problems())
def test_nothing_that_has_the_ways_is_cheaper(problem):
    graph, ways = problem
    assume(has_ways(graph, 0, ways))

    found = diverse_ways(graph, 0, ways)

    assert found.cost == cheapest(graph, 0, ways)
    assert (found.bound, found.stopped_by) == (found.cost, "optimal")


@given(problems())
def test_ways_to_one_terminal_share_no_node_and_no_edge(problem):
    graph, ways = problem
    assume(has_ways(graph, 0, ways))

    found = diverse_ways(graph, 0, ways)

    bought = {frozenset(edge) for edge in found.edges}
    for terminal, number in ways.items():
        routes = found.ways[terminal]
        assert len(routes) == number
        assert all(way[0] == 0 and way[-1] == terminal for way in routes)
        inner = [node for way in routes for node in way[1:-1]]
        legs = [frozenset(leg) for way in routes for leg in pairwise(way)]
        assert len(set(inner)) == len(inner)
        assert len(set(legs)) == len(legs)
        assert set(legs) <= bought


@given(problems())
def test_a_terminal_with_too_few_ways_is_named(problem):
    graph, ways = problem
    short = [node for node, number in ways.items() if not has_ways(graph, 0, {node: number})]
    assume(short)

    with pytest.raises(InfeasibleError) as refused:
        diverse_ways(graph, 0, ways)

    assert sorted(refused.value.culprits) == sorted(short)


@given(problems())
def test_ways_are_counted_as_taking_out_nodes_and_edges_does(problem):
    graph, _ = problem
    for node in set(graph) - {0}:
        expected = max(n for n in (0, 1, 2) if n == 0 or has_ways(graph, 0, {node: n}))
        assert ways_between(graph, 0, node, most=2) == expected


def test_two_ways_go_round_where_one_takes_the_short_cut():
    one = diverse_ways(ring(), "r", {"a": 1, "b": 1})
    two = diverse_ways(ring(), "r", {"a": 2, "b": 1})

    # r-c 1, c-a 2, c-b 2; with a second way to a by r-a 3.
    assert (one.cost, two.cost) == (5, 8)
    assert two.ways["a"] == (("r", "a"), ("r", "c", "a"))
    assert two.ways["b"] == (("r", "c", "b"),)


def test_with_one_way_each_it_is_a_steiner_tree_and_the_programme_says_so_too():
    graph = ring()
    tree = steiner_tree(graph, ["r", "a", "b"])
    # a 0, b 1, c 2, r 3
    tails, heads = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 2, 3, 2, 3, 3])
    weights = np.array([9.0, 2.0, 3.0, 2.0, 4.0, 1.0])

    programme, _ = joining_programme(Joining(4, tails, heads, weights, 3, {0: 1, 1: 1}))

    found = minimise(programme, nodes=100, seconds=60)
    assert found.values is not None
    assert programme.costs @ found.values == pytest.approx(tree.cost)
    assert diverse_ways(graph, "r", {"a": 1, "b": 1}).cost == tree.cost


def test_the_programme_says_what_the_problem_says():
    # The root 2, a terminal 0 with two ways and a node 1 between them.
    tails, heads = np.array([0, 0, 1]), np.array([1, 2, 2])
    joining = Joining(3, tails, heads, np.array([3.0, 5.0, 4.0]), 2, {0: 2})

    text = as_lp(*joining_programme(joining))

    assert text == (GOLDEN / "diverse.lp").read_text(encoding="utf-8")


def test_the_same_problem_has_the_same_answer_whatever_the_order_of_its_edges(elsewhere):
    backwards = nx.Graph()
    backwards.add_weighted_edges_from(reversed(list(ring().edges(data="weight"))))
    program = (
        "import json, networkx as nx; from estate.optimise import diverse_ways\n"
        "graph = nx.Graph()\n"
        "graph.add_weighted_edges_from([('r','a',3),('a','b',9),('b','r',4)])\n"
        "graph.add_weighted_edges_from([('a','c',2),('c','b',2),('c','r',1)])\n"
        "print(json.dumps(diverse_ways(graph, 'r', {'a': 2, 'b': 2}).edges))"
    )

    found = diverse_ways(backwards, "r", {"b": 2, "a": 2})

    assert [list(edge) for edge in found.edges] == elsewhere(program)


def test_an_answer_cut_short_still_joins_and_says_how_far_it_may_be(capfd):
    found = diverse_ways(ring(), "r", {"a": 2, "b": 2}, effort=1e-9, seconds=1e-9)

    assert found.bound <= found.cost
    assert all(len(routes) == 2 for routes in found.ways.values())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("ways", "words"),
    [({"z": 1}, "not in the graph"), ({"r": 1}, "root and a terminal"), ({"a": 0}, "needs 0 ways")],
)
def test_a_problem_that_is_none_is_refused(ways, words):
    with pytest.raises(ValueError, match=words):
        diverse_ways(ring(), "r", ways)

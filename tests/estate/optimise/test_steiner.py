from __future__ import annotations

from itertools import chain, combinations
from math import inf, pi
from random import Random

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from estate.optimise import InfeasibleError, steiner_tree
from estate.optimise.effort import Budget
from estate.optimise.steiner.core import Core
from estate.optimise.steiner.cuts import Relaxation


def star() -> nx.Graph:
    # Three corners 2 apart, and a middle 1.2 from each: by the middle 3.6, by the sides 4.
    graph = nx.Graph()
    graph.add_weighted_edges_from([("a", "b", 2), ("b", "c", 2), ("a", "c", 2)])
    graph.add_weighted_edges_from([("a", "m", 1.2), ("b", "m", 1.2), ("c", "m", 1.2)])
    return graph


def cheapest(graph: nx.Graph, terminals: list) -> float:
    """Return the cost of the cheapest tree by trying every set of further nodes."""
    others = [node for node in graph if node not in terminals]
    best = float("inf")
    for extra in chain.from_iterable(combinations(others, k) for k in range(len(others) + 1)):
        part = graph.subgraph([*terminals, *extra])
        if nx.is_connected(part):
            best = min(best, nx.minimum_spanning_tree(part).size(weight="weight"))
    return best


def joins(edges: tuple, terminals: list) -> bool:
    tree = nx.Graph(edges)
    tree.add_nodes_from(terminals)
    return nx.is_tree(tree) and all(n in terminals for n, d in tree.degree if d == 1)


def graphs(weights: st.SearchStrategy) -> st.SearchStrategy:
    """Return graphs of up to eight nodes with some of them as terminals."""

    @st.composite
    def draw(draw):
        count = draw(st.integers(2, 8))
        pairs = list(combinations(range(count), 2))
        kept = draw(st.lists(st.sampled_from(pairs), min_size=1, unique=True))
        graph = nx.Graph()
        graph.add_weighted_edges_from((one, other, draw(weights)) for one, other in kept)
        nodes = sorted(graph)
        return graph, draw(st.lists(st.sampled_from(nodes), min_size=1, unique=True))

    return draw()


def meshed(seed: int) -> tuple[nx.Graph, list]:
    """Return a mesh of 64 nodes with weights drawn, and every fifth or so as a terminal."""
    draw = Random(seed)  # noqa: S311 - a draw to repeat, not a secret
    graph = nx.grid_2d_graph(8, 8)
    for edge in graph.edges:
        graph.edges[edge]["weight"] = draw.randint(10, 40)
    return graph, draw.sample(sorted(graph), 13)


def cheapest_of_whole_arcs(graph: nx.Graph, terminals: list) -> float:
    """Return the cost of the cheapest tree by branch and bound alone, nothing left out before."""
    place = {node: index for index, node in enumerate(graph)}
    ends = np.array([(place[one], place[other]) for one, other in graph.edges])
    core = Core(
        node_count=len(place),
        tails=ends[:, 0],
        heads=ends[:, 1],
        weights=np.array([weight for *_, weight in graph.edges(data="weight")], dtype=np.float64),
        terminals=tuple(sorted(place[terminal] for terminal in terminals)),
        names=tuple(range(len(ends))),
    )
    relaxation = Relaxation(core, core.terminals[0], ())
    budget = Budget(1e12, seconds=600)
    while True:
        use, bound = relaxation.solve_whole(budget, ceiling=inf)
        if not relaxation.separate(use, budget):
            return bound


def test_a_node_that_need_not_be_joined_makes_the_tree_cheaper():
    tree = steiner_tree(star(), ["a", "b", "c"])

    assert tree.edges == (("a", "m"), ("b", "m"), ("c", "m"))
    assert tree.cost == pytest.approx(3.6)


def test_a_proven_tree_has_its_cost_as_bound_and_no_gap():
    tree = steiner_tree(star(), ["a", "b", "c"])

    assert (tree.bound, tree.gap, tree.stopped_by) == (tree.cost, 0.0, "optimal")


def test_a_terminal_with_a_dear_drop_is_not_passed_through():
    # networkx goes from left to right through the terminal, and pays its dear edges twice.
    graph = nx.Graph()
    for number in range(3):
        graph.add_edge(f"cell {number}", f"tray {number}", weight=100)
    graph.add_edge("tray 0", "tray 1", weight=3)
    graph.add_edge("tray 1", "tray 2", weight=3)
    graph.add_edge("cell 1", "tray 0", weight=101)
    graph.add_edge("cell 1", "tray 2", weight=101)

    tree = steiner_tree(graph, ["cell 0", "cell 1", "cell 2"])

    assert tree.cost == 306


def test_one_terminal_needs_no_edge():
    tree = steiner_tree(star(), ["a"])

    assert (tree.edges, tree.cost, tree.bound) == ((), 0.0, 0.0)


def test_edges_that_cost_nothing_are_used_only_where_they_lead_somewhere():
    graph = nx.path_graph(4)
    nx.set_edge_attributes(graph, 0, "cost_gbp")
    graph.edges[1, 2]["cost_gbp"] = 5

    assert steiner_tree(graph, [0, 2], weight="cost_gbp").edges == ((0, 1), (1, 2))


@given(graphs(st.integers(0, 9)))
def test_small_graphs_get_the_tree_that_trying_all_finds(problem):
    graph, terminals = problem
    assume(nx.node_connected_component(graph, terminals[0]) >= set(terminals))

    tree = steiner_tree(graph, terminals)

    assert tree.cost == tree.bound == cheapest(graph, terminals)
    assert joins(tree.edges, terminals)
    assert tree.cost == sum(graph.edges[edge]["weight"] for edge in tree.edges)


@pytest.mark.parametrize("seed", range(12))
def test_no_edge_of_the_best_tree_is_left_out_on_the_way(seed):
    graph, terminals = meshed(seed)

    tree = steiner_tree(graph, terminals, seconds=600)

    assert tree.cost == pytest.approx(cheapest_of_whole_arcs(graph, terminals))
    assert tree.stopped_by == "optimal"


@given(graphs(st.integers(1, 99).map(lambda whole: whole * pi)))
def test_weights_without_a_common_unit_are_proven_up_to_rounding(problem):
    graph, terminals = problem
    assume(nx.node_connected_component(graph, terminals[0]) >= set(terminals))

    tree = steiner_tree(graph, terminals)

    assert tree.cost == pytest.approx(cheapest(graph, terminals))
    assert tree.cost * (1 - 1e-6) <= tree.bound <= tree.cost
    assert tree.stopped_by in {"optimal", "gap"}


@given(graphs(st.integers(0, 3)), st.randoms(use_true_random=False))
def test_the_order_in_which_a_graph_was_built_does_not_matter(problem, random):
    graph, terminals = problem
    assume(nx.node_connected_component(graph, terminals[0]) >= set(terminals))
    edges = [(b, a, w) if random.random() < 0.5 else (a, b, w) for a, b, w in graph.edges.data()]
    random.shuffle(edges)
    shuffled = nx.Graph(edges)

    again = steiner_tree(shuffled, random.sample(terminals, k=len(terminals)))

    assert again == steiner_tree(graph, terminals)


def hard() -> tuple[nx.Graph, list]:
    # Every second corner of a cube in seven dimensions: far from solved by its relaxation.
    graph = nx.convert_node_labels_to_integers(nx.hypercube_graph(7), ordering="sorted")
    for one, other in graph.edges:
        graph.edges[one, other]["weight"] = 100 + (one * 37 + other * 61) % 11
    return graph, [node for node in graph if node.bit_count() % 2 == 0]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"effort": 0.02, "seconds": 60}, "effort"), ({"effort": 50, "seconds": 0.2}, "time_cap")],
)
def test_a_search_that_was_cut_short_says_why_and_keeps_its_bound(limits, reason):
    tree = steiner_tree(*hard(), **limits)

    assert tree.stopped_by == reason
    assert 0 < tree.bound < tree.cost
    assert tree.gap == pytest.approx((tree.cost - tree.bound) / tree.cost)


def test_the_same_problem_gets_the_same_tree_in_another_process(elsewhere):
    program = """
import json, networkx as nx
from estate.optimise import steiner_tree
graph = nx.grid_2d_graph(7, 7)
for (a, b), (c, d) in graph.edges:
    graph.edges[(a, b), (c, d)]["weight"] = 1 + (3 * a + 5 * b + 7 * c + 11 * d) % 4
graph = nx.relabel_nodes(graph, {node: f"{node[0]}/{node[1]}" for node in graph})
tree = steiner_tree(graph, {"0/0", "6/0", "0/6", "6/6", "3/2", "2/4"}, effort=0.1)
print(json.dumps([list(map(list, tree.edges)), tree.cost, tree.bound, tree.stopped_by]))
"""
    graph = nx.grid_2d_graph(7, 7)
    for (a, b), (c, d) in graph.edges:
        graph.edges[(a, b), (c, d)]["weight"] = 1 + (3 * a + 5 * b + 7 * c + 11 * d) % 4
    graph = nx.relabel_nodes(graph, {node: f"{node[0]}/{node[1]}" for node in graph})

    tree = steiner_tree(graph, {"0/0", "6/0", "0/6", "6/6", "3/2", "2/4"}, effort=0.1)

    here = [list(map(list, tree.edges)), tree.cost, tree.bound, tree.stopped_by]
    assert elsewhere(program) == here


def test_terminals_that_cannot_be_joined_are_named():
    graph = star()
    graph.add_edge("x", "y", weight=1)

    with pytest.raises(InfeasibleError, match="does not join 'x' to 'a'") as caught:
        steiner_tree(graph, ["a", "b", "x", "y"])

    assert caught.value.culprits == ("x", "y")


@pytest.mark.parametrize(
    ("edge", "words"),
    [({}, "is nan"), ({"weight": -1}, "is -1"), ({"weight": float("inf")}, "is inf")],
)
def test_a_weight_that_is_none_is_refused_with_its_edge(edge, words):
    graph = star()
    graph.add_edge("b", "z", **edge)

    with pytest.raises(ValueError, match=f"weight of edge 'b' – 'z' {words}, expected 0 or more"):
        steiner_tree(graph, ["a", "b"])


@pytest.mark.parametrize(
    ("graph", "terminals", "words"),
    [
        (star(), [], "no terminal"),
        (star(), ["a", "q"], "'q' is not in the graph"),
        (nx.DiGraph(star()), ["a"], "directed"),
        (nx.MultiGraph(star()), ["a"], "parallel"),
    ],
)
def test_a_problem_that_is_none_is_refused(graph, terminals, words):
    with pytest.raises(ValueError, match=words):
        steiner_tree(graph, terminals)


def test_nothing_is_printed(capfd):
    steiner_tree(*hard(), effort=0.05)

    assert capfd.readouterr() == ("", "")

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.optimise import routes_within


def corridor() -> nx.Graph:
    graph = nx.Graph()
    for here, there, length_m in [("a", "b", 30), ("b", "c", 40), ("c", "d", 30), ("a", "d", 95)]:
        graph.add_edge(here, there, length_m=length_m)
    return graph


def test_a_route_within_the_limit_is_found_with_its_nodes():
    routes = routes_within(corridor(), ["a"], limit=90, weight="length_m")

    assert routes.length_to("a", "c") == 70
    assert routes.route("a", "c") == ("a", "b", "c")


def test_a_route_beyond_the_limit_is_none():
    routes = routes_within(corridor(), ["a"], limit=90, weight="length_m")

    assert routes.length_to("a", "d") == np.inf
    assert routes.route("a", "d") == ()


def test_a_route_of_just_the_limit_counts():
    routes = routes_within(corridor(), ["a"], limit=70, weight="length_m")

    assert routes.length_to("a", "c") == 70


def test_each_source_has_its_own_routes():
    routes = routes_within(corridor(), ["d", "a"], limit=90, weight="length_m")

    assert (routes.length_to("d", "b"), routes.length_to("a", "b")) == (70, 30)
    assert routes.route("a", "a") == ("a",)


def test_a_one_way_edge_is_passed_one_way():
    graph = nx.DiGraph()
    graph.add_edge("a", "b", weight=1)

    routes = routes_within(graph, ["a", "b"], limit=5)

    assert (routes.length_to("a", "b"), routes.length_to("b", "a")) == (1, np.inf)


def test_a_span_without_length_is_passed_for_nothing():
    graph = nx.path_graph(3)
    nx.set_edge_attributes(graph, 0.0, "weight")

    assert routes_within(graph, [0], limit=5).route(0, 2) == (0, 1, 2)


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] != pair[1]),
        st.integers(0, 20),
        min_size=1,
    ),
    st.integers(0, 40),
)
def test_lengths_are_those_of_networkx(edges, limit):
    graph = nx.Graph()
    graph.add_weighted_edges_from((one, other, length) for (one, other), length in edges.items())
    source = min(graph)
    expected = nx.single_source_dijkstra_path_length(graph, source, cutoff=limit)

    routes = routes_within(graph, [source], limit=limit)

    for node in graph:
        assert routes.length_to(source, node) == expected.get(node, np.inf)
        way = routes.route(source, node)
        assert nx.path_weight(graph, way, "weight") == expected.get(node, 0) if way else True


def test_equal_routes_are_settled_by_the_nodes_and_not_by_how_the_graph_was_built():
    edges = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]
    ways = {
        routes_within(nx.Graph(order), ["a"], limit=9, weight="length_m").route("a", "d")
        for order in (
            [(one, other, {"length_m": 1}) for one, other in edges],
            [(other, one, {"length_m": 1}) for one, other in reversed(edges)],
        )
    }

    assert len(ways) == 1


def test_a_source_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="'q' is not in the graph"):
        routes_within(corridor(), ["q"], limit=90, weight="length_m")


def test_a_missing_length_is_refused_with_its_edge():
    with pytest.raises(ValueError, match="weight of edge 'a' – 'b' is nan"):
        routes_within(corridor(), ["a"], limit=90)

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from benchmarks.solver_wings import shape_of, wing
from estate.optimise import (
    ConnectedCover,
    Connection,
    InfeasibleError,
    Remedy,
    UnfinishedError,
    connected_cover,
    diagram,
)
from estate.optimise.connected import components, search, ways

INF = float("inf")


@pytest.fixture
def every_component_drawn(monkeypatch):
    """Draw every component as a diagram, as large ones are."""
    monkeypatch.setattr(components, "_LARGE", 0)


@pytest.fixture
def every_line_too_wide(monkeypatch):
    """Take every component for one that is too wide for a diagram."""
    monkeypatch.setattr(diagram, "WIDE", 0)


@pytest.fixture
def every_split_wide(monkeypatch):
    """Take what every split leaves open for so much that CP-SAT goes first."""
    monkeypatch.setattr(search, "_WIDE", -INF)


def problem(**changes) -> ConnectedCover:
    """Return two customers in a row behind one hub, with changes.

    Edges 0 and 1 lead from the hub at node 0 over node 1 to node 2; point 0 at node 1 serves
    customer 0 and point 1 at node 2 serves customer 1.
    """
    tables = {
        "node_count": 3,
        "tails": [0, 1],
        "heads": [1, 2],
        "build_costs": [10, 20],
        "lengths": [3, 4],
        "capacities": [INF, INF],
        "hub_nodes": [0],
        "hub_costs": [0],
        "module_size": 4,
        "module_costs": [100],
        "module_limits": [2],
        "free_ports": [0],
        "point_nodes": [1, 2],
        "point_costs": [5, 6],
        "point_lengths": [0, 0],
        "point_capacities": [INF, INF],
        "cable_cost": 2,
        "length_limit": 90,
        "loads": [[1, 0], [0, 1]],
        "families": [0, 0],
        "modes": [0, 0],
        "mode_costs": [[0]],
    } | changes
    loads = np.array(tables.pop("loads"), dtype=float)
    return ConnectedCover(loads=csr_array(loads), **tables)


@st.composite
def problems(draw) -> ConnectedCover:
    """Draw a problem small enough to try every answer."""
    nodes, count = draw(st.integers(2, 4)), draw(st.integers(3, 6))
    points, customers = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    hubs, families, modes = draw(st.integers(1, 2)), draw(st.integers(1, 2)), 2

    def numbers(size: int, low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=size, max_size=size))

    def with_infinity(size: int, low: int, high: int) -> list[float]:
        either = st.sampled_from([*range(low, high + 1), INF])
        return draw(st.lists(either, min_size=size, max_size=size))

    load = st.lists(st.sampled_from([1, 1, 1, 2, 0]), min_size=customers, max_size=customers)
    return problem(
        node_count=nodes,
        tails=numbers(count, 0, nodes - 1),
        heads=numbers(count, 0, nodes - 1),
        build_costs=numbers(count, 0, 9),
        lengths=numbers(count, 0, 4),
        capacities=with_infinity(count, 1, 2),
        hub_nodes=numbers(hubs, 0, nodes - 1),
        hub_costs=numbers(hubs, 0, 9),
        module_size=draw(st.integers(1, 2)),
        module_costs=numbers(hubs, 0, 9),
        module_limits=numbers(hubs, 1, 2),
        free_ports=numbers(hubs, 0, 1),
        point_nodes=numbers(points, 0, nodes - 1),
        point_costs=numbers(points, 0, 9),
        point_lengths=numbers(points, 0, 1),
        point_capacities=with_infinity(points, 1, 3),
        cable_cost=draw(st.integers(0, 2)),
        length_limit=draw(st.integers(4, 12)),
        loads=draw(st.lists(load, min_size=points, max_size=points)),
        families=numbers(customers, 0, families - 1),
        modes=numbers(points, 0, modes - 1),
        mode_costs=[with_infinity(modes, 0, 5) for _ in range(families)],
    )


def routes(problem: ConnectedCover, start: int, hub: int) -> list[tuple[int, ...]]:
    """Return every way without a loop from a node to another, in edges."""
    found = []
    stack = [(start, (), frozenset([start]))]
    while stack:
        node, edges, seen = stack.pop()
        if node == hub:
            found.append(edges)
        for edge, ends in enumerate(zip(problem.tails, problem.heads, strict=True)):
            if node in ends:
                far = ends[1] if node == ends[0] else ends[0]
                if far not in seen:
                    stack.append((far, (*edges, edge), seen | {far}))
    return found


def keeps(problem: ConnectedCover, cables: list[Connection], serving: tuple[int, ...]) -> bool:
    """Return whether an answer keeps every limit."""
    borne = np.zeros(len(problem.point_nodes))
    for customer, point in enumerate(serving):
        borne[point] += problem.loads[point, customer]
    passed = np.bincount([e for c in cables for e in c.edges], minlength=len(problem.tails))
    ends = np.bincount([c.hub for c in cables], minlength=len(problem.hub_nodes))
    ports = np.array(problem.free_ports) + problem.module_size * np.array(problem.module_limits)
    return (
        (borne <= np.array(problem.point_capacities) + 1e-9).all()
        and (passed <= np.array(problem.capacities)).all()
        and (ends <= ports).all()
        and all(cable.length <= problem.length_limit for cable in cables)
    )


def cheapest(problem: ConnectedCover) -> float:
    """Return the cost of the best answer by trying all; infinite if there is none."""
    best = INF
    for serving in product(range(len(problem.point_nodes)), repeat=len(problem.families)):
        if _serves(problem, serving):
            for cables in product(*(_cables(problem, point) for point in sorted(set(serving)))):
                if keeps(problem, list(cables), serving):
                    best = min(best, cost_of(problem, list(cables), serving))
    return best


def cost_of(problem: ConnectedCover, cables: list[Connection], serving: tuple[int, ...]) -> float:
    """Return what an answer costs, part by part."""
    ends = np.bincount([c.hub for c in cables], minlength=len(problem.hub_nodes))
    modules = -(-np.maximum(ends - problem.free_ports, 0) // problem.module_size)
    modes = {f: problem.modes[p] for f, p in zip(problem.families, serving, strict=True)}
    return float(
        sum(problem.build_costs[edge] for edge in {e for c in cables for e in c.edges})
        + sum(problem.hub_costs[hub] for hub in {c.hub for c in cables})
        + modules @ np.array(problem.module_costs)
        + sum(problem.point_costs[point] for point in set(serving))
        + sum(problem.cable_cost * cable.length for cable in cables)
        + sum(problem.mode_costs[family][mode] for family, mode in modes.items())
    )


def _serves(problem: ConnectedCover, serving: tuple[int, ...]) -> bool:
    modes: dict[int, int] = {}
    for customer, point in enumerate(serving):
        family, mode = problem.families[customer], problem.modes[point]
        if not problem.loads[point, customer] or problem.mode_costs[family][mode] == INF:
            return False
        if modes.setdefault(family, mode) != mode:
            return False
    return True


def _cables(problem: ConnectedCover, point: int) -> list[Connection]:
    return [
        Connection(
            point=point,
            hub=hub,
            edges=edges,
            length=problem.point_lengths[point] + sum(problem.lengths[edge] for edge in edges),
        )
        for hub, node in enumerate(problem.hub_nodes)
        for edges in routes(problem, problem.point_nodes[point], node)
    ]


def test_cables_share_what_is_built_and_pay_for_their_own_length():
    answer = connected_cover(problem())

    # Edges 10 and 20, a module at 100, points 5 and 6, cables of 3 and 7 at 2 each.
    assert answer.cost == answer.bound == 10 + 20 + 100 + 5 + 6 + 2 * (3 + 7)
    assert [cable.edges for cable in answer.connections] == [(0,), (1, 0)]
    assert answer.cables == (2, 1)
    assert answer.modules == (1,)


def test_a_known_answer_stands_where_none_is_better():
    answer = connected_cover(problem())
    known = (list(answer.connections), list(answer.serving))

    again = connected_cover(problem(), start=known)

    assert (again.connections, again.serving) == (answer.connections, answer.serving)
    assert again.bound == pytest.approx(answer.cost)


def test_a_known_answer_that_is_dear_gives_way_to_a_better_one():
    # Two points serve both customers; the known answer has the dear one.
    drawn = problem(loads=[[1, 1], [1, 1]], point_costs=[5, 60])
    cheap = connected_cover(drawn)
    way = connected_cover(replace(drawn, point_costs=[500, 60]))

    again = connected_cover(drawn, start=(list(way.connections), list(way.serving)))

    assert way.serving == (1, 1)
    assert again.cost == pytest.approx(cheap.cost)


@given(problems())
def test_small_problems_get_the_answer_that_trying_all_finds(drawn):
    best = cheapest(drawn)
    if best == INF:
        with pytest.raises(InfeasibleError):
            connected_cover(drawn)
        return

    answer = connected_cover(drawn)

    assert answer.cost == pytest.approx(best)
    assert answer.bound <= best + 1e-6
    assert answer.gap <= 1e-3
    assert keeps(drawn, list(answer.connections), answer.serving)
    assert cost_of(drawn, list(answer.connections), answer.serving) == pytest.approx(answer.cost)


def assert_as_trying_all_finds(drawn) -> None:
    best = cheapest(drawn)
    if best < INF:
        answer = connected_cover(drawn)

        assert answer.cost == pytest.approx(best)
        assert answer.bound <= best + 1e-6


@pytest.mark.usefixtures("every_component_drawn")
@given(drawn=problems())
def test_what_is_drawn_gives_the_answer_that_trying_all_finds_too(drawn):
    assert_as_trying_all_finds(drawn)


@pytest.mark.usefixtures("every_component_drawn", "every_line_too_wide")
@given(drawn=problems())
def test_what_is_too_wide_to_be_drawn_gives_the_answer_that_trying_all_finds_too(drawn):
    assert_as_trying_all_finds(drawn)


@pytest.mark.usefixtures("every_split_wide")
@given(drawn=problems())
def test_what_a_split_leaves_wide_open_gets_the_answer_that_trying_all_finds_too(drawn):
    assert_as_trying_all_finds(drawn)


@given(problems())
def test_a_longer_limit_and_more_ports_never_cost_more(drawn):
    try:
        tight = connected_cover(drawn)
    except InfeasibleError:
        return

    longer = connected_cover(replace(drawn, length_limit=drawn.length_limit + 2))
    wider = connected_cover(replace(drawn, free_ports=[ports + 1 for ports in drawn.free_ports]))

    assert longer.bound <= tight.cost + 1e-6
    assert wider.bound <= tight.cost + 1e-6


def test_a_family_takes_the_mode_that_is_cheaper_for_all_of_it():
    # A point at node 1 serves both for 9; a point each costs 5 and 6 and the outer edge.
    tables = {
        "point_nodes": [1, 2, 1],
        "point_costs": [5, 6, 9],
        "point_lengths": [0, 0, 0],
        "point_capacities": [INF, INF, INF],
        "loads": [[1, 0], [0, 1], [1, 1]],
        "modes": [0, 0, 1],
    }

    shared = connected_cover(problem(mode_costs=[[0, 0]], **tables))
    apart = connected_cover(problem(mode_costs=[[0, 50]], **tables))

    assert (shared.modes, shared.serving, shared.cost) == ((1,), (2, 2), 10 + 100 + 9 + 2 * 3)
    assert (apart.modes, apart.serving) == ((0,), (0, 1))


def test_a_full_edge_sends_the_next_cable_over_one_to_build():
    answer = connected_cover(
        problem(
            tails=[0, 0, 1],
            heads=[1, 1, 2],
            build_costs=[0, 10, 20],
            lengths=[3, 3, 4],
            capacities=[1, INF, INF],
        )
    )

    assert answer.cables == (1, 1, 1)
    assert answer.cost == 10 + 20 + 100 + 5 + 6 + 2 * (3 + 7)


def test_a_customer_beyond_the_length_limit_is_named_with_the_limit_that_would_do():
    with pytest.raises(InfeasibleError, match="limit of 6; 7 would be enough") as caught:
        connected_cover(problem(length_limit=6))

    assert caught.value.culprits == (1,)
    assert caught.value.remedies == (Remedy(kind="length_limit", index=-1, amount=7),)


def test_a_customer_that_no_edge_leads_to_is_named():
    with pytest.raises(InfeasibleError, match="nor within any") as caught:
        connected_cover(
            problem(tails=[0], heads=[1], build_costs=[10], lengths=[3], capacities=[INF])
        )

    assert caught.value.culprits == (1,)


def crowd(**changes):
    """Return four customers with a point each at node 1, and two ports for them."""
    tables = {
        "point_nodes": [1] * 4,
        "point_costs": [5] * 4,
        "point_lengths": [0] * 4,
        "point_capacities": [INF] * 4,
        "modes": [0] * 4,
        "families": [0] * 4,
        "loads": np.eye(4),
        "module_size": 2,
        "module_limits": [1],
    }
    return problem(**(tables | changes))


def test_too_few_ports_name_as_few_customers_as_are_too_many_and_how_many_ports_are_missing():
    with pytest.raises(InfeasibleError, match="short of 2 ports at 0") as caught:
        connected_cover(crowd())

    assert len(caught.value.culprits) == 3
    assert caught.value.remedies == (Remedy(kind="ports", index=0, amount=2),)


def test_an_edge_that_holds_too_few_cables_is_the_remedy():
    with pytest.raises(InfeasibleError) as caught:
        connected_cover(crowd(module_limits=[2], capacities=[3, INF]))

    assert caught.value.remedies == (Remedy(kind="cables", index=0, amount=1),)


def test_a_point_that_bears_too_little_is_the_remedy():
    with pytest.raises(InfeasibleError) as caught:
        connected_cover(problem(loads=[[3, 3], [0, 0]], point_capacities=[5, INF]))

    (remedy,) = caught.value.remedies
    assert (remedy.kind, remedy.index, remedy.amount) == ("load", 0, pytest.approx(1, abs=1e-4))


def test_the_bound_counts_the_ways_that_are_not_kept(monkeypatch):
    # With one way kept for each node the answer may be dear, but its bound is below the best.
    monkeypatch.setattr(ways, "_WAYS_LEAST", 1)
    monkeypatch.setattr(ways, "_WAYS_MOST", 1)
    tables = {
        "node_count": 4,
        "tails": [0, 1, 0, 2],
        "heads": [1, 3, 2, 3],
        "build_costs": [50, 50, 1, 1],
        "lengths": [1, 1, 2, 2],
        "capacities": [INF] * 4,
        "point_nodes": [3, 3],
    }

    answer = connected_cover(problem(**tables))

    best = cheapest(problem(**tables))
    assert answer.bound <= best <= answer.cost
    assert answer.bound >= 1 + 1 + 100 + 5 + 6  # The cheaper edges, the module, the points.


@given(problems())
def test_bounds_hold_whatever_ways_are_kept(drawn):
    best = cheapest(drawn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ways, "_WAYS_LEAST", 1)
        patch.setattr(ways, "_WAYS_MOST", 1)
        try:
            answer = connected_cover(drawn)
        except InfeasibleError:
            assert best == INF
            return
        except UnfinishedError:
            return

    assert answer.bound <= best + 1e-6
    assert answer.cost >= best - 1e-6
    assert keeps(drawn, list(answer.connections), answer.serving)


def test_a_family_without_customers_needs_no_mode(monkeypatch):
    monkeypatch.setattr(ways, "_WAYS_LEAST", 1)
    monkeypatch.setattr(ways, "_WAYS_MOST", 1)
    tables = {
        "node_count": 2,
        "tails": [0, 0],
        "heads": [1, 1],
        "build_costs": [1, 0],
        "lengths": [0, 1],  # The free edge is longer: one way alone is kept.
        "capacities": [1, 1],
        "free_ports": [2],
        "point_nodes": [0, 1],
        "point_costs": [0, 0],
        "point_capacities": [1, 1],
        "cable_cost": 0,
        "loads": [[1, 1], [1, 1]],
        "mode_costs": [[0], [1]],
    }
    best = cheapest(problem(**tables))

    answer = connected_cover(problem(**tables))

    assert answer.bound <= best == 0


def test_the_same_wing_gets_the_same_answer_on_two_threads_of_another_process(elsewhere):
    program = """
import json
from dataclasses import replace
from benchmarks.solver_wings import shape_of, wing
from estate.optimise import connected_cover
drawn = wing(replace(shape_of(24), airtime=3.0), seed=4)
answer = connected_cover(drawn, effort=0.2, seconds=900, threads=2)
print(json.dumps([[c.point, c.hub, list(c.edges)] for c in answer.connections]
    + [list(answer.serving), answer.cost, answer.bound, answer.stopped_by]))
"""
    answer = connected_cover(
        wing(replace(shape_of(24), airtime=3.0), seed=4), effort=0.2, seconds=900
    )

    here = [[c.point, c.hub, list(c.edges)] for c in answer.connections]
    here += [list(answer.serving), answer.cost, answer.bound, answer.stopped_by]
    assert elsewhere(program) == here


def test_a_wing_is_served_within_every_limit_and_prints_nothing(capfd):
    drawn = wing(replace(shape_of(36, number=1), capacity=4.0, airtime=2.0), seed=2)

    answer = connected_cover(drawn, seconds=900)

    assert keeps(drawn, list(answer.connections), answer.serving)
    assert answer.bound <= answer.cost == drawn.price(answer.connections, answer.serving)
    assert answer.gap <= 0.04
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lengths": [1]}, r"lengths has shape \(1,\), expected one for each of 2 edges"),
        ({"build_costs": [-1, 0]}, "build_costs has a number that is negative"),
        ({"lengths": [INF, 0]}, "lengths has a number"),
        ({"heads": [1, 3]}, "heads has a number that is not below 3"),
        ({"modes": [0, 1]}, "modes has a number that is not below 1"),
        ({"module_size": 0}, "module_size is 0"),
        ({"mode_costs": [0]}, "a row for each family"),
    ],
)
def test_tables_that_do_not_fit_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        connected_cover(problem(**changes))

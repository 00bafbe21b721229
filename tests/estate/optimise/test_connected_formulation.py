from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from estate.optimise import ConnectedCover
from estate.optimise.connected.cuts import Cuts
from estate.optimise.connected.formulation import Formulation, choices_of
from estate.optimise.connected.network import Network
from estate.optimise.connected.problem import checked
from estate.optimise.connected.ways import Ways
from estate.optimise.programme import as_lp
from estate.optimise.relaxation import relaxed, with_rows

GOLDEN = Path(__file__).parent / "golden"
INF = float("inf")

# A hub at node 0, edges on to nodes 1 and 2, and a point for each of two customers there.
ROW = {
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
    "free_ports": [2],
    "point_nodes": [1, 2],
    "point_costs": [5, 6],
    "point_lengths": [0, 1],
    "point_capacities": [INF, INF],
    "cable_cost": 2,
    "length_limit": 90,
    "loads": [[1, 0], [0, 1]],
    "families": [0, 0],
    "modes": [0, 0],
    "mode_costs": [[0]],
}

# The same row with a hub at its other end too, so that cables may go either way.
BETWEEN = ROW | {
    "node_count": 4,
    "tails": [0, 1, 2],
    "heads": [1, 2, 3],
    "build_costs": [10, 20, 30],
    "lengths": [3, 4, 5],
    "capacities": [INF, INF, INF],
    "hub_nodes": [0, 3],
    "hub_costs": [7, 8],
    "module_costs": [100, 90],
    "module_limits": [2, 2],
    "free_ports": [0, 0],
}

# Each pins one kind of constraint; what a case does not name is as in the row.
CASES = {
    # The inner edge is paid once for both, the outer one with the point behind it.
    "trees": ROW,
    # One mode for both customers: a point for each, or one that serves the two.
    "modes": ROW
    | {
        "point_nodes": [1, 2, 1],
        "point_costs": [5, 6, 9],
        "point_lengths": [0, 1, 0],
        "point_capacities": [INF, INF, INF],
        "free_ports": [3],
        "loads": [[1, 0], [0, 1], [1, 1]],
        "modes": [0, 0, 1],
        "mode_costs": [[3, 4]],
    },
    # Two points that may serve both customers, the first not together.
    "loads": ROW | {"loads": [[2, 2], [1, 3]], "point_capacities": [3, 5]},
    # Two ways for each cable; each hub opens for a cable, and only with a module.
    "chains": BETWEEN,
    # No cable of more than 5 with its drop: only the second point reaches the second hub.
    "length": BETWEEN | {"length_limit": 6},
    # An edge that exists and holds one cable, beside one to build.
    "lanes": ROW
    | {
        "tails": [0, 0, 1],
        "heads": [1, 1, 2],
        "build_costs": [0, 10, 20],
        "lengths": [3, 3, 4],
        "capacities": [1, INF, INF],
    },
    # One port is free, others come with a module of which there is room for one.
    "ports": ROW
    | {
        "hub_costs": [50],
        "free_ports": [1],
        "module_size": 1,
        "module_limits": [1],
    },
}


def formulation_of(tables: dict) -> Formulation:
    loads = csr_array(np.array(tables["loads"], dtype=float))
    problem = checked(ConnectedCover(**(tables | {"loads": loads})))
    network = Network(problem)
    ways = Ways(network, problem)
    return Formulation(problem, network, choices_of(problem, network, ways, vague=False))


@pytest.mark.parametrize("name", CASES)
def test_the_programme_says_what_the_problem_says(name):
    draft = formulation_of(CASES[name]).draft

    text = as_lp(draft.programme(), draft.names)

    assert text == (GOLDEN / f"connected_{name}.lp").read_text(encoding="utf-8")


def test_a_customer_of_two_points_pays_the_edge_before_both_as_a_whole():
    # Half of each point would pay half of the first edge and half a module.
    formulation = formulation_of(
        ROW | {"loads": [[1, 1], [1, 1]], "build_costs": [10, 0], "free_ports": [0]}
    )
    programme, cuts = formulation.draft.programme(), Cuts(formulation)
    values = np.full(programme.costs.size, 0.5)
    values[formulation.mode[0, 0]] = 1.0

    rows = cuts.broken(values)

    text = as_lp(with_rows(programme, rows), formulation.draft.names)
    assert text == (GOLDEN / "connected_cuts.lp").read_text(encoding="utf-8")
    assert cuts.broken(values).shape[0] == 0


def test_the_relaxation_proves_its_bound_and_what_each_variable_adds():
    draft = formulation_of(CASES["trees"]).draft

    found = relaxed(draft.programme(), seconds=60)

    # Edges 10 and 20, points 5 and 6, cables of 3 and 8 at 2 each.
    assert found.bound == pytest.approx(63)
    assert found.values[draft.names.index("take_0")] == pytest.approx(1)
    assert (found.reduced >= 0).all()


@pytest.mark.parametrize(
    ("loads", "built"),
    [
        ([[1, 0], [0, 1]], 1),  # Two cables, and room for one.
        ([[1, 1], [1, 1]], 0),  # One of the points is enough.
    ],
)
def test_an_edge_without_room_for_what_a_mode_needs_is_paid_as_a_whole(loads, built):
    tables = CASES["lanes"] | {"loads": loads, "build_costs": [0, 10, 0]}
    # Many more points of another mode behind the same edge: its capacity alone asks for little.
    tables |= {
        "point_nodes": [1, 2] + [2] * 18,
        "point_costs": [5] * 2 + [50] * 18,
        "point_lengths": [0] * 20,
        "point_capacities": [INF] * 20,
        "loads": [*loads, *[[1, 1]] * 18],
        "modes": [0, 0] + [1] * 18,
        "mode_costs": [[0, 0]],
        "free_ports": [20],
    }
    formulation = formulation_of(tables)

    found = relaxed(formulation.draft.programme(), seconds=60)

    build = formulation.draft.names.index("build_1")
    assert found.values[build] == pytest.approx(built)


def test_a_way_that_builds_more_than_it_saves_in_cable_is_left_out():
    # Edge 2 leads straight to node 2: 1 shorter, so worth 2, but 100 to build.
    tables = ROW | {
        "tails": [0, 1, 0],
        "heads": [1, 2, 2],
        "build_costs": [0, 0, 100],
        "lengths": [3, 4, 6],
        "capacities": [INF, INF, INF],
    }

    formulation = formulation_of(tables)

    # The way over edge 2 stays, for it is shorter; the longer one costs nothing to build.
    assert [list(way.links()) for way in formulation.choices[1].ways] == [[1], [2, 0]]
    cheap = formulation_of(tables | {"build_costs": [30, 30, 1]})
    assert len(cheap.choices[1].ways) == 1


def test_many_ways_are_bounded_by_one_that_stands_for_all():
    # A ladder: every rung may be crossed or not.
    steps = 9
    sides = [(2 * i + side, 2 * i + 2 + side) for i in range(steps) for side in range(2)]
    rungs = [(2 * i, 2 * i + 1) for i in range(steps + 1)]
    tails, heads = zip(*sides, *rungs, strict=True)
    tables = ROW | {
        "node_count": 2 * steps + 2,
        "tails": tails,
        "heads": heads,
        "build_costs": [10] * len(tails),
        "lengths": [1] * len(tails),
        "capacities": [INF] * len(tails),
        "point_nodes": [2 * steps, 2 * steps + 1],
    }
    problem = checked(ConnectedCover(**(tables | {"loads": csr_array(np.eye(2))})))
    network = Network(problem)

    ways = Ways(network, problem)

    assert not ways.complete
    some = choices_of(problem, network, ways, vague=False)[0].ways
    others = choices_of(problem, network, ways, vague=True)[0].ways
    assert [way.vague for way in others] == [False] * len(some) + [True]
    assert others[-1].length >= some[-1].length


def test_points_that_serve_nobody_under_some_modes_are_idle():
    # Two points of mode 0 serve the two customers, and one of mode 1 both.
    tables = ROW | {
        "point_nodes": [1, 2, 1],
        "point_costs": [5, 6, 7],
        "point_lengths": [0, 1, 0],
        "point_capacities": [INF] * 3,
        "loads": [[1, 0], [0, 1], [1, 1]],
        "families": [0, 1],
        "modes": [0, 0, 1],
        "mode_costs": [[0, 0], [0, 0]],
    }
    formulation = formulation_of(tables)
    modes = np.zeros(len(formulation.draft.names), dtype=np.bool_)
    modes[[formulation.mode[0, 0], formulation.mode[1, 1]]] = True

    idle = formulation.idle(modes)

    taken = [formulation.take[point] for point in range(3)]
    assert idle[taken].tolist() == [False, True, False]
    assert set(np.flatnonzero(idle)) <= {*taken, *formulation.serve.values()}

"""Two wings of three cells in a ring that meet at one hub: half a point each serves a ring."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from estate.optimise import ConnectedCover, InfeasibleError, connected_cover
from estate.optimise.connected import components as parts
from estate.optimise.connected.components import Components, Relaxation
from estate.optimise.connected.formulation import Formulation, choices_of
from estate.optimise.connected.network import Network
from estate.optimise.connected.problem import checked
from estate.optimise.connected.ways import Ways
from estate.optimise.diagram import Diagram, Drawn
from estate.optimise.effort import Budget
from estate.optimise.programme import minimise
from estate.optimise.relaxation import relaxed, with_rows

INF = float("inf")
POINTS = 6


def rings(**changes) -> ConnectedCover:
    """Each point serves two customers of a ring of three; a ring is behind an edge of 10."""
    one = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]])
    tables = {
        "node_count": 3,
        "tails": [0, 0],
        "heads": [1, 2],
        "build_costs": [10, 10],
        "lengths": [3, 3],
        "capacities": [INF, INF],
        "hub_nodes": [0],
        "hub_costs": [0],
        "module_size": 8,
        "module_costs": [0],
        "module_limits": [0],
        "free_ports": [POINTS],
        "point_nodes": [1, 1, 1, 2, 2, 2],
        "point_costs": [20.0] * POINTS,
        "point_lengths": [0.0] * POINTS,
        "point_capacities": [INF] * POINTS,
        "cable_cost": 0,
        "length_limit": 90,
        "loads": csr_array(np.kron(np.eye(2), one)),
        "families": [0, 0, 0, 1, 1, 1],
        "modes": [0] * POINTS,
        "mode_costs": [[0.0], [0.0]],
    }
    return ConnectedCover(**(tables | changes))


WIDTH = 1000


def part(programme, tops) -> Relaxation:
    """Return the best fractional answer of a part, whatever its answers cost."""
    found = relaxed(replace(programme, most=tops), seconds=60)
    prices, start = found.prices, found.start
    return Relaxation(programme, tops, found.values, prices, found.bound, start, INF, 0.0)


@pytest.fixture
def drawn(monkeypatch):
    """Draw every component, as large ones are."""
    monkeypatch.setattr(parts, "_LARGE", 0)


@pytest.fixture
def solvers():
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def formulation():
    problem = checked(rings())
    network = Network(problem)
    ways = Ways(network, problem)
    return Formulation(problem, network, choices_of(problem, network, ways, vague=False))


def test_the_rest_of_each_component_adds_up_to_the_whole_answer(formulation, solvers):
    programme = formulation.draft.programme()
    components = Components(formulation, Budget(1, seconds=60), solvers, width=WIDTH)

    settled = components.settled(part(programme, programme.tops))

    # Half of each point is 3 points, and half of each edge; rings need two each, and the edges.
    assert relaxed(programme, seconds=60).bound == pytest.approx(3 * 20 + 10)
    whole = with_rows(programme, settled.rows, settled.ceiling)
    assert relaxed(whole, seconds=60).bound == pytest.approx(2 * (2 * 20 + 10))


def test_the_points_of_all_components_joined_are_an_answer(formulation, solvers):
    programme = formulation.draft.programme()
    components = Components(formulation, Budget(1, seconds=60), solvers, width=WIDTH)

    settled = components.settled(part(programme, programme.tops))

    assert programme.costs @ settled.answer == pytest.approx(100)
    assert components.settled(part(programme, programme.tops)) is None  # It was asked before.


@pytest.mark.usefixtures("drawn")
def test_components_that_are_drawn_add_up_to_the_whole_answer_too(formulation, solvers):
    programme = formulation.draft.programme()
    components = Components(formulation, Budget(1, seconds=60), solvers, width=WIDTH)

    settled = components.settled(part(programme, programme.tops))

    whole = with_rows(programme, settled.rows, settled.ceiling)
    assert relaxed(whole, seconds=60).bound == pytest.approx(2 * (2 * 20 + 10))
    assert programme.costs @ settled.answer == pytest.approx(100)
    assert components.drawn


@pytest.mark.usefixtures("drawn")
def test_what_was_drawn_at_the_prices_of_others_is_drawn_once_more_for_a_last_part(
    formulation, solvers
):
    programme = formulation.draft.programme()
    components = Components(formulation, Budget(1, seconds=60), solvers, width=WIDTH)
    components.settled(part(programme, programme.tops))

    assert components.settled(part(programme, programme.tops), is_last=False) is None
    assert components.settled(part(programme, programme.tops)) is not None
    assert components.settled(part(programme, programme.tops)) is None


def test_an_answer_is_joined_at_the_hubs_of_the_fractional_one(solvers, monkeypatch):
    problem = checked(
        rings(
            hub_nodes=[0, 0],
            hub_costs=[3, 4],
            module_costs=[0, 0],
            module_limits=[0, 0],
            free_ports=[POINTS, POINTS],
        )
    )
    network = Network(problem)
    choices = choices_of(problem, network, Ways(network, problem), vague=False)
    formulation = Formulation(problem, network, choices)
    programme = formulation.draft.programme()
    one, other = formulation.opened.values()
    components = Components(formulation, Budget(1, seconds=60), solvers, width=WIDTH)
    given = part(programme, programme.tops)
    given.values[[one, other]] = 1.0, 0.0
    asked = []
    monkeypatch.setattr(
        parts, "minimise", lambda each, **limits: asked.append(each) or minimise(each, **limits)
    )

    components.settled(given)

    assert asked[-1].tops[one] > 0
    assert asked[-1].tops[other] == 0


def test_rows_of_one_choice_of_modes_ask_nothing_of_another(solvers):
    # Mode 1 serves each customer alone for 1: no ring needs a point of mode 0.
    loads = np.vstack((rings().loads.toarray(), np.eye(6)))
    problem = checked(
        rings(
            point_nodes=[1, 1, 1, 2, 2, 2] * 2,
            point_costs=[20.0] * POINTS + [1.0] * POINTS,
            point_lengths=[0.0] * 2 * POINTS,
            point_capacities=[INF] * 2 * POINTS,
            free_ports=[2 * POINTS],
            loads=csr_array(loads),
            modes=[0] * POINTS + [1] * POINTS,
            mode_costs=[[0.0, 0.0], [0.0, 0.0]],
        )
    )
    network = Network(problem)
    found = choices_of(problem, network, Ways(network, problem), vague=False)
    formulation = Formulation(problem, network, found)
    programme = formulation.draft.programme()
    tops = programme.tops.copy()
    tops[[formulation.mode[0, 1], formulation.mode[1, 1]]] = 0

    components = Components(formulation, Budget(1, seconds=60), solvers, width=WIDTH)
    settled = components.settled(part(programme, tops))

    whole = with_rows(programme, settled.rows, settled.ceiling)
    assert relaxed(whole, seconds=60).bound == pytest.approx(6 * 1 + 2 * 10)


def test_hubs_alike_are_opened_as_many_as_their_modules_need():
    # Six outlets, and room for two modules of two in each of three cabinets.
    found = connected_cover(
        rings(
            loads=csr_array(np.eye(POINTS)),
            hub_nodes=[0, 0, 0],
            hub_costs=[100, 100, 100],
            module_size=2,
            module_costs=[7, 7, 7],
            module_limits=[2, 2, 2],
            free_ports=[0, 0, 0],
        ),
        gap=0,
    )

    assert found.cost == pytest.approx(2 * 100 + 3 * 7 + 6 * 20 + 2 * 10)
    assert found.bound == pytest.approx(found.cost)
    assert [found.modules[hub] for hub in found.open_hubs] == [2, 1]


def test_hubs_alike_do_not_join_their_parts_of_a_port():
    # Each of three cabinets takes one module of 1.5 ports: three cables, and not four.
    cabinets = {
        "hub_nodes": [0, 0, 0],
        "hub_costs": [100, 100, 100],
        "module_size": 1.5,
        "module_costs": [7, 7, 7],
        "module_limits": [1, 1, 1],
        "free_ports": [0, 0, 0],
    }
    outlets = np.eye(POINTS)

    with pytest.raises(InfeasibleError):
        connected_cover(rings(loads=csr_array(outlets[:, :4]), families=[0, 0, 0, 1], **cabinets))
    found = connected_cover(
        rings(loads=csr_array(outlets[:, :3]), families=[0, 0, 0], **cabinets), gap=0
    )
    assert sorted(found.open_hubs) == [0, 1, 2]


def test_a_component_that_cannot_be_served_adds_no_row(solvers):
    # In each wing two points bear one of three customers each.
    problem = checked(
        rings(
            point_nodes=[1, 1, 2, 2],
            point_costs=[20.0] * 4,
            point_lengths=[0.0] * 4,
            point_capacities=[5.0] * 4,
            modes=[0] * 4,
            loads=csr_array(np.kron(np.eye(2), np.full((2, 3), 3.0))),
        )
    )
    network = Network(problem)
    found = choices_of(problem, network, Ways(network, problem), vague=False)
    formulation = Formulation(problem, network, found)
    components = Components(formulation, Budget(1, seconds=60), solvers, width=WIDTH)
    programme = formulation.draft.programme()
    whole = replace(part(programme, programme.tops), bound=0.0)

    assert components.settled(whole) is None
    with pytest.raises(InfeasibleError):
        connected_cover(problem)


@pytest.mark.usefixtures("drawn")
def test_an_answer_is_drawn_at_what_points_cost_where_prices_mislead(monkeypatch, solvers):
    problem = checked(rings(point_costs=[20.0, 20.0, 30.0] * 2))
    network = Network(problem)
    choices = choices_of(problem, network, Ways(network, problem), vague=False)
    formulation = Formulation(problem, network, choices)
    drawn = []

    def misled(covering, along):
        drawn.append(covering)
        dearer = np.zeros(covering.costs.size)
        dearer[0] = 15.0 * (len(drawn) <= 2)  # One of those for 20, as either ring is priced.
        return Diagram(replace(covering, costs=covering.costs + dearer), along)

    monkeypatch.setattr(parts, "Diagram", misled)
    programme = formulation.draft.programme()
    components = Components(formulation, Budget(1, seconds=60), solvers, width=WIDTH)

    settled = components.settled(part(programme, programme.tops))

    assert programme.costs @ settled.answer == pytest.approx(2 * (2 * 20 + 10))


@pytest.mark.usefixtures("drawn")
def test_a_bound_is_sought_only_as_far_as_the_answer_found_before_it_asks(
    formulation, monkeypatch, solvers
):
    asked = []
    bound = parts.Diagram.bound

    def noted(diagram, *, width, enough):
        asked.append(enough)
        return bound(diagram, width=width, enough=enough)

    monkeypatch.setattr(parts.Diagram, "bound", noted)
    programme = formulation.draft.programme()
    components = Components(formulation, Budget(1, seconds=60), solvers, width=WIDTH)

    settled = components.settled(part(programme, programme.tops))  # No answer is known.

    assert len(asked) == 2
    assert max(asked) <= programme.costs @ settled.answer


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("is_exact", [False, True])
def test_many_states_that_leave_much_open_of_what_is_large_are_hopeless(
    formulation, monkeypatch, is_exact, solvers
):
    left = Drawn(values=None, bound=0.0, states=100 * WIDTH, is_exact=is_exact)
    monkeypatch.setattr(parts.Diagram, "answer", lambda *_diagram, **_limits: left)
    monkeypatch.setattr(parts.Diagram, "bound", lambda *_diagram, **_limits: left)
    programme = formulation.draft.programme()
    components = Components(formulation, Budget(1, seconds=60), solvers, width=WIDTH)

    components.settled(part(programme, programme.tops))

    assert not components.is_hopeless  # Branch and bound closes what is small.
    monkeypatch.setattr(parts, "SEARCHED", 0)
    assert components.is_hopeless

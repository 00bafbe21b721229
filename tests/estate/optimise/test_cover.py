from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from estate.optimise import InfeasibleError, capacitated_cover
from estate.optimise.constraint import minimise_whole
from estate.optimise.cover import Covering, cover_programme
from estate.optimise.effort import Budget
from estate.optimise.programme import Found, as_lp

GOLDEN = Path(__file__).parent / "golden"
IN_OR_OUT = st.integers(0, 1)
NOTHING = Found(values=None, bound=-np.inf)


def cheapest(costs, loads, capacity) -> float:
    """Return the cost of the best cover, by giving elements to sets in every way."""
    best = float("inf")
    loads = np.array(loads)
    for choice in product(range(len(costs)), repeat=loads.shape[1]):
        borne = np.zeros(len(costs))
        for element, each in enumerate(choice):
            borne[each] += loads[each, element] or np.inf
        limit = np.full(len(costs), 1e9) if capacity is None else np.array(capacity)
        if (borne <= limit + 1e-9).all():
            best = min(best, sum(costs[each] for each in set(choice)))
    return best


@st.composite
def problems(draw, *, loads=IN_OR_OUT):
    count, elements = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    costs = draw(st.lists(st.integers(0, 20), min_size=count, max_size=count))
    row = st.lists(loads, min_size=elements, max_size=elements)
    table = draw(st.lists(row, min_size=count, max_size=count))
    limits = st.lists(st.integers(0, 4), min_size=count, max_size=count)
    return costs, table, draw(st.none() | limits)


def solved(costs, loads, capacity):
    return capacitated_cover(costs, csr_array(np.array(loads, dtype=float)), capacity)


def check_against_all_ways(problem):
    best = cheapest(*problem)
    if best == float("inf"):
        with pytest.raises(InfeasibleError):
            solved(*problem)
        return
    cover = solved(*problem)
    assert cover.cost == cover.bound == best
    loads = np.array(problem[1])
    assert all(loads[each, element] for element, each in enumerate(cover.assignment))


def test_one_dear_set_is_better_than_three_cheap_ones():
    cover = solved([4, 4, 4, 10], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], None)

    assert (cover.chosen, cover.assignment, cover.cost) == ((3,), (3, 3, 3), 10.0)


def test_a_set_of_infinite_capacity_bears_all():
    cover = solved([5, 4], [[1, 1, 1], [1, 1, 1]], [np.inf, 2])

    assert (cover.assignment, cover.cost) == ((0, 0, 0), 5.0)


def test_what_is_left_beside_whole_elements_bears_nothing():
    # Of equal loads of 1.5 the first set bears one, and the third none.
    cover = solved([0, 1, 0], [[1.5, 1.5], [0, 1.5], [0, 1.5]], [2, 2, 1])

    assert (cover.assignment, cover.cost) == ((0, 1), 1.0)


def test_a_set_serves_no_more_than_it_bears():
    cover = solved([4, 4, 4, 10], [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], [1, 1, 1, 2])

    # The dear set serves two, so that three cheap ones for 12 win over 10 and 4.
    assert (cover.chosen, cover.cost, cover.stopped_by) == ((0, 1, 2), 12.0, "optimal")


@given(problems())
def test_small_covers_are_those_that_trying_all_finds(problem):
    check_against_all_ways(problem)


@given(problems(loads=st.sampled_from([0, 0.5, 1, 1.5])))
def test_elements_may_weigh_differently_on_each_set(problem):
    check_against_all_ways(problem)


@given(problems())
def test_cp_sat_agrees_where_it_finishes(problem):
    costs, loads, capacity = problem
    covering = Covering(
        np.array(costs, float), csr_array(np.array(loads, float)), np.array(capacity or costs)
    )
    programme, _ = cover_programme(covering)

    found = minimise_whole(programme, NOTHING, Budget(5, seconds=60), seed=0)

    best = cheapest(costs, loads, capacity or costs)
    assert found.bound == pytest.approx(best)


def test_parts_that_share_nothing_add_up():
    loads = np.kron(np.eye(3), [[1, 1], [1, 0], [0, 1]])

    cover = solved([5, 2, 2] * 3, loads, [2, 1, 1] * 3)

    assert cover.chosen == (1, 2, 4, 5, 7, 8)
    assert cover.cost == cover.bound == 12


def test_an_element_in_no_set_is_named():
    with pytest.raises(InfeasibleError, match="no set holds element 2") as caught:
        solved([1, 1], [[1, 1, 0], [1, 0, 0]], None)

    assert caught.value.culprits == (2,)


def test_the_elements_that_are_too_many_for_their_sets_are_named():
    loads = [[1, 1, 1, 0], [0, 0, 0, 1]]

    with pytest.raises(InfeasibleError, match="3 elements are more than their 1 sets") as caught:
        solved([1, 1], loads, [2, 9])

    assert caught.value.culprits == (0, 1, 2)


@pytest.mark.parametrize(
    ("costs", "loads", "capacity", "words"),
    [
        ([1, 1], [[1]], None, "for each of 1 sets"),
        ([1], [[1]], [1, 1], "for each of 1 sets"),
        ([np.nan], [[1]], None, "costs has a number"),
        ([1], [[-1]], None, "loads has a number"),
        ([1], np.empty((1, 0)), None, "no element"),
    ],
)
def test_tables_that_do_not_fit_are_refused(costs, loads, capacity, words):
    with pytest.raises(ValueError, match=words):
        solved(costs, loads, capacity)


def tight() -> tuple:
    random = np.random.default_rng(5)
    loads = (random.random((60, 80)) < 0.15).astype(float)
    loads[range(60), range(60)] = loads[range(20), range(60, 80)] = 1
    return random.integers(600, 660, 60), loads, np.full(60, 4)


def test_the_same_cover_comes_twice_and_nothing_is_printed(capfd):
    first, second = (
        capacitated_cover(tight()[0], csr_array(tight()[1]), tight()[2], effort=0.05)
        for _ in range(2)
    )

    assert (first.chosen, first.assignment) == (second.chosen, second.assignment)
    assert (first.bound, first.stopped_by) == (second.bound, second.stopped_by)
    assert first.bound <= first.cost
    assert capfd.readouterr() == ("", "")


def test_no_two_elements_beyond_the_capacity_share_a_set():
    costs, loads, capacity = tight()

    cover = capacitated_cover(costs, csr_array(loads), capacity, effort=0.05)

    assert np.bincount(cover.assignment, minlength=60).max() <= 4
    assert all(loads[each, element] for element, each in enumerate(cover.assignment))


def test_the_programme_says_what_the_problem_says():
    covering = Covering(
        np.array([7.0, 9.0]), csr_array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]]), np.array([1.0, 2.0])
    )

    text = as_lp(*cover_programme(covering))

    assert text == (GOLDEN / "cover.lp").read_text(encoding="utf-8")


def test_without_capacity_sets_alone_are_variables():
    covering = Covering(np.array([1.0, 1.0]), csr_array([[1.0, 1.0], [0.0, 1.0]]), None)

    _, names = cover_programme(covering)

    assert names == ["take_0", "take_1"]


def test_the_greedy_choice_is_not_taken_where_it_is_wrong():
    # Greedy takes the set of four at 1.25 an element and then needs both others as well.
    loads = [[1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 1, 0], [0, 0, 1, 1, 0, 1]]

    cover = solved([5, 4, 4], loads, None)

    assert cover.chosen == (1, 2)
    assert all(len(pair) == 2 for pair in combinations(cover.chosen, 2))

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.optimise import InfeasibleError, UnfinishedError, capacitated_facilities
from estate.optimise.facilities import Problem, facilities_programme
from estate.optimise.programme import as_lp

GOLDEN = Path(__file__).parent / "golden"


def cheapest(opening, capacity, demand, cost) -> float:
    """Return the cost of the best way to give each customer one facility, by trying all."""
    best = float("inf")
    customers = range(len(demand))
    for choice in product(range(len(opening)), repeat=len(demand)):
        load = np.bincount(choice, weights=demand, minlength=len(opening))
        if (load <= np.array(capacity) + 1e-9).all():
            used = sum(opening[each] for each in set(choice))
            best = min(best, used + sum(cost[choice[j]][j] for j in customers))
    return best


@st.composite
def problems(draw):
    count, customers = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    opening = draw(st.lists(st.integers(0, 20), min_size=count, max_size=count))
    capacity = draw(st.lists(st.integers(1, 9), min_size=count, max_size=count))
    demand = draw(st.lists(st.integers(0, 5), min_size=customers, max_size=customers))
    row = st.lists(
        st.integers(0, 12) | st.just(float("inf")), min_size=customers, max_size=customers
    )
    return opening, capacity, demand, draw(st.lists(row, min_size=count, max_size=count))


def test_a_second_facility_opens_when_the_first_is_full():
    # The cheap one holds two customers of three.
    answer = capacitated_facilities([10, 40], [2, 2], [1, 1, 1], [[1, 1, 1], [2, 3, 4]])

    assert answer.open == (0, 1)
    assert answer.assignment.tolist() == [[0, 1, 1], [1, 0, 0]]
    assert answer.cost == answer.bound == 54  # 10 and 40 to open, then 2, 1 and 1.
    assert answer.stopped_by == "optimal"


def test_a_customer_may_be_split_where_one_facility_need_not_serve_all():
    tables = ([0, 0], [3, 3], [2, 2, 2], [[1, 1, 1], [2, 2, 2]])

    answer = capacitated_facilities(*tables, single_source=False)

    # One and a half customers at 1, one and a half at 2.
    assert answer.cost == pytest.approx(4.5)
    assert answer.assignment.sum(axis=0).tolist() == pytest.approx([1, 1, 1])
    assert answer.bound <= answer.cost


def test_whole_customers_that_fit_only_in_parts_are_infeasible():
    tables = ([0, 0], [3, 3], [2, 2, 2], [[1, 1, 1], [2, 2, 2]])

    with pytest.raises(InfeasibleError, match="only if some are split"):
        capacitated_facilities(*tables)


@given(problems())
def test_small_problems_get_the_answer_that_trying_all_finds(problem):
    best = cheapest(*problem)
    if best == float("inf"):
        with pytest.raises(InfeasibleError):
            capacitated_facilities(*problem)
        return

    answer = capacitated_facilities(*problem)

    assert answer.cost == answer.bound == best


@given(problems())
def test_splitting_never_costs_more(problem):
    try:
        whole = capacitated_facilities(*problem)
    except InfeasibleError:
        return

    assert capacitated_facilities(*problem, single_source=False).bound <= whole.cost + 1e-6


def test_a_customer_that_nobody_can_serve_is_named():
    costs = [[1, np.inf], [1, np.inf]]

    with pytest.raises(InfeasibleError, match="no facility can serve customer 1") as caught:
        capacitated_facilities([1, 1], [5, 5], [1, 1], costs)

    assert caught.value.culprits == (1,)


def test_the_customers_that_are_too_many_for_their_facilities_are_named():
    # Customers 1 and 2 can go to facility 0 only, which holds one of them.
    costs = [[1, 1, 1], [1, np.inf, np.inf]]

    with pytest.raises(InfeasibleError, match="2 customers ask for 2, and the 1 fac") as caught:
        capacitated_facilities([1, 1], [1, 5], [1, 1, 1], costs)

    assert caught.value.culprits == (1, 2)


def test_no_capacity_is_no_limit():
    answer = capacitated_facilities([5, 1], [np.inf, 1], [3, 3], [[1, 1], [0, 0]])

    assert (answer.open, answer.cost) == ((0,), 7.0)


def test_prices_in_pence_are_proven_to_the_penny():
    answer = capacitated_facilities([0.3, 0.1], [2, 2], [1, 1, 1], [[0.1, 0.2, 0.7]] * 2)

    assert answer.cost == answer.bound == pytest.approx(1.4)


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (([1], [1, 1], [1], [[1]]), "for each of 1 facilities"),
        (([1], [1], [1], [[1, 1]]), r"shape \(1, 2\), expected \(1, 1\)"),
        (([-1], [1], [1], [[1]]), "opening has a number that is negative"),
        (([1], [np.nan], [1], [[1]]), "capacity has a number"),
        (([], [], [1], np.empty((0, 1))), "no facility or no customer"),
    ],
)
def test_tables_that_do_not_fit_are_refused(tables, words):
    with pytest.raises(ValueError, match=words):
        capacitated_facilities(*tables)


def crowded(*, facilities: int, customers: int) -> tuple:
    random = np.random.default_rng(1)
    demand = random.integers(5, 30, customers)
    cost = random.integers(5, 90, (facilities, customers))
    capacity = np.full(facilities, 4 * demand.sum() // (3 * facilities))
    return random.integers(100, 300, facilities), capacity, demand, cost


def test_the_same_problem_gets_the_same_answer_twice_and_prints_nothing(capfd):
    tables = crowded(facilities=12, customers=40)

    first, second = (capacitated_facilities(*tables) for _ in range(2))

    assert first.open == second.open
    assert first.assignment.tolist() == second.assignment.tolist()
    assert (first.cost, first.bound) == (second.cost, second.bound)
    assert capfd.readouterr() == ("", "")


def test_limits_too_small_for_any_answer_say_so():
    with pytest.raises(UnfinishedError, match="no answer within 1e-06 seconds"):
        capacitated_facilities(*crowded(facilities=40, customers=300), seconds=1e-6)


def test_the_programme_says_what_the_problem_says():
    problem = Problem(
        np.array([7.0, 9.0]),
        np.array([4.0, 3.0]),
        np.array([2.0, 3.0]),
        np.array([[1.0, 2.5], [np.inf, 4.0]]),
        single_source=True,
    )

    text = as_lp(*facilities_programme(problem, problem.possible))

    assert text == (GOLDEN / "facilities.lp").read_text(encoding="utf-8")

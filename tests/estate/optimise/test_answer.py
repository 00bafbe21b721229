from __future__ import annotations

import pytest

from estate.optimise.answer import Limits, relative_gap, stopped_by
from estate.optimise.effort import Budget
from estate.optimise.exactness import common_unit, raised


@pytest.mark.parametrize(
    ("cost", "bound", "gap"), [(100, 98, 0.02), (100, 100, 0), (100, 101, 0), (0, 0, 0)]
)
def test_the_gap_is_the_share_of_the_cost_that_may_be_saved(cost, bound, gap):
    assert relative_gap(cost=cost, bound=bound) == pytest.approx(gap)


@pytest.mark.parametrize(
    ("bound", "out_of_time", "reason"),
    [
        (100, True, "optimal"),
        (100 - 1e-5, True, "gap"),
        (99, True, "time_cap"),
        (99, False, "effort"),
    ],
)
def test_a_proof_counts_before_the_clock(bound, out_of_time, reason):
    assert stopped_by(cost=100, bound=bound, out_of_time=out_of_time) == reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"effort": 0}, "effort is 0"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"seed": -1}, "seed is -1"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_limits_that_allow_nothing_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        Limits(**({"effort": 1, "seconds": 1, "seed": 0, "threads": 1} | change))


@pytest.mark.parametrize(
    ("values", "unit"),
    [([1, 20], 1), ([0.1, 0.2, 0.1 + 0.2], 0.1), ([2.25], 0.01), ([1 / 3], 0), ([2.0**60], 0)],
)
def test_the_unit_of_prices_is_found(values, unit):
    assert common_unit(values) == pytest.approx(unit)


def test_a_bound_between_two_possible_costs_is_raised_to_the_next():
    assert raised(9.31, unit=0.1, cost=20) == pytest.approx(9.4)


def test_a_bound_that_only_rounding_lifted_is_not_raised():
    assert raised(9.3 + 1e-9, unit=0.1, cost=20) == pytest.approx(9.3)


def test_a_bound_is_never_above_the_cost():
    assert raised(9.96, unit=0.1, cost=10.0) == raised(99, unit=0, cost=10.0) == 10.0


def test_what_a_part_of_a_budget_spends_the_whole_spends_too():
    whole = Budget(100, seconds=60)
    part = whole.part(0.3)

    part.spend(30)

    assert (part.used_up, whole.left, part.left) == (True, 70, 0)


def test_the_clock_ends_a_budget_that_has_work_left():
    budget = Budget(100, seconds=0)

    assert budget.out_of_time
    assert budget.over
    assert budget.left == 0

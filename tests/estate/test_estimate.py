from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.estimate import Estimate, Money

bounds = st.floats(min_value=0, max_value=1e6)
estimates = st.builds(lambda three: Estimate(*sorted(three)), st.tuples(bounds, bounds, bounds))
pence = st.integers(min_value=-(10**12), max_value=10**12)
amounts = st.builds(
    lambda three: Money(*(Decimal(bound) / 100 for bound in sorted(three))),
    st.tuples(pence, pence, pence),
)


def pounds(quantity, rate):
    return Money.of(Estimate.exactly(quantity), Estimate.exactly(rate)).likely


@pytest.mark.parametrize(
    ("quantity", "rate", "cost"),
    [(0.5, 0.01, "0.01"), (0.5, 0.03, "0.02"), (1.5, 0.01, "0.02"), (0.49, 0.01, "0.00")],
)
def test_half_a_penny_counts_as_a_whole_one(quantity, rate, cost):
    assert pounds(quantity, rate) == Decimal(cost)


def test_a_rate_means_the_decimal_that_was_typed():
    # As binary floats 1.005 is a little less than that, and would round to 1.00.
    assert pounds(1, 1.005) == Decimal("1.01")
    assert pounds(3, 0.1) == Decimal("0.30")


def test_each_bound_of_a_cost_has_its_own_quantity_and_rate():
    cost = Money.of(Estimate(1, 2, 3), Estimate(10, 20, 30))

    assert cost == Money(Decimal(10), Decimal(40), Decimal(90))


@given(estimates, estimates)
def test_a_cost_keeps_low_likely_and_high_in_order(quantity, rate):
    cost = Money.of(quantity, rate)

    assert cost.low <= cost.likely <= cost.high


@given(estimates, estimates, bounds)
def test_sums_products_and_multiples_keep_low_likely_and_high_in_order(one, other, factor):
    for made in (one + other, one * other, one.scaled(factor)):
        assert made.low <= made.likely <= made.high


@pytest.mark.parametrize("three", [(2, 1, 3), (1, 3, 2), (float("nan"), 1, 2)])
def test_bounds_out_of_order_are_refused(three):
    with pytest.raises(ValueError, match="expected low <= likely <= high"):
        Estimate(*three)


def test_a_negative_multiple_is_refused_because_it_would_swap_low_and_high():
    with pytest.raises(ValueError, match="expected low <= likely <= high"):
        Estimate(1, 2, 3).scaled(-1)


def test_three_is_written_as_three_point_nought_is():
    assert repr(Estimate(3, 3, 3)) == repr(Estimate.exactly(3.0))


@given(st.lists(amounts))
def test_the_total_is_the_sum_of_each_bound(parts):
    total = Money.total(parts)

    assert total.low == sum((part.low for part in parts), Decimal(0))
    assert total.likely == sum((part.likely for part in parts), Decimal(0))
    assert total.high == sum((part.high for part in parts), Decimal(0))


def test_an_amount_for_each_of_several_is_rounded_half_up_too():
    # 10 pounds among 3 are 3.33; 5 pence among 2 are two and a half each.
    assert Money(Decimal("0.05"), Decimal(10), Decimal(20)).per(2).low == Decimal("0.03")
    assert Money(Decimal(10), Decimal(10), Decimal(10)).per(3).likely == Decimal("3.33")


def test_an_amount_for_each_of_none_is_zero():
    assert Money(Decimal(1), Decimal(2), Decimal(3)).per(0) == Money()


def test_json_holds_numbers_in_pounds():
    amount = Money(Decimal("1.10"), Decimal("2.25"), Decimal(3))

    assert amount.as_json() == {"low": 1.1, "likely": 2.25, "high": 3.0}

"""What two corridors cost at least together, from each of them alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.cabling.bounding import Search, least_gbp
from estate.cabling.joint import Joint
from estate.cabling.options import BUILT
from estate.cabling.solving import design_in_turn, solved
from estate.cabling.wing import WingProblem

SEARCH = Search(gap=0.0, effort=1.0, seconds=600.0, seed=1)


@pytest.fixture(scope="module")
def least(catalogue, corridors):
    """Return a function that returns the least of two corridors, and what the best design costs."""

    def found(*size):
        joint = Joint.of(WingProblem.of_block(corridors(*size), catalogue))
        offered = {f: [o for o in BUILT if joint.is_offered(f, o)] for f in (0, 1)}
        certain_gbp = joint.cost_gbp(joint.constant)
        gbp = certain_gbp + least_gbp(design_in_turn(joint, seed=1), offered, SEARCH)
        return gbp, solved(joint, seed=1)

    return found


def test_one_cabinet_with_one_switch_that_both_wings_reach_is_bounded_by_what_it_costs(least):
    """Each pays half of it, all of its own cells, and the way that A draws in full."""
    gbp, best = least(2, 3)

    assert [best.solution.ports, best.solution.switches] == [{0: 5}, {0: 1}]
    assert gbp == pytest.approx(best.solution.cost_gbp)


@given(one=st.integers(1, 9), other=st.integers(1, 9), between_m=st.floats(1.0, 80.0, width=16))
@settings(max_examples=12)
def test_no_design_costs_less(least, one, other, between_m):
    gbp, best = least(one, other, between_m)

    assert gbp <= best.solution.cost_gbp + 0.01
    assert best.bound_gbp <= best.solution.cost_gbp

"""Two corridors that are one problem: what is built, and in which wing it is told and billed."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.cabling.joint import Joint
from estate.cabling.options import Option
from estate.cabling.solving import design_in_turn
from estate.cabling.wing import WingProblem
from estate.design import design_block

# In A the comms room is 10 m before the first of two cells at 10 m from each other, and in B three
# cells more follow; each has a drop of 3 m. No walls are drawn, so that an access point in B serves
# all of its cells, and would serve those of A.


@pytest.fixture(scope="module")
def designs(catalogue, corridors):
    """Return the designs of A with two cells and of B with three."""
    return dict(zip("AB", design_block(corridors(2, 3), catalogue), strict=True))


@pytest.fixture(scope="module")
def wired(catalogue, corridors):
    """Return a function that returns a wired design of both corridors."""
    return lambda *size: design_in_turn(
        Joint.of(WingProblem.of_block(corridors(*size), catalogue)), seed=1
    )


def test_one_cabinet_serves_both_wings_and_is_of_the_one_in_which_it_stands(designs):
    one, other = designs["A"], designs["B"]

    assert [(d.name, d.ports) for d in one.distributors] == [("cabinet in A/room", 3)]
    assert other.distributors == ()
    assert {point.distributor_wing for point in one.points} == {""}
    assert {point.distributor_wing for point in other.points} == {"A"}
    assert (one.distributor, other.distributor) == ("nearest comms room", "comms room of A")
    assert (one.shared["cabinet"].likely, one.shared["switch_48_poe"].likely) == (1, 1)
    assert other.shared == {}


def test_a_landing_takes_its_own_cables_and_the_containment_that_it_draws(wired):
    design = wired(2, 3)

    items = [design.by_landing[family] for family in (0, 1)]

    assert [each["cable_cat6a"] for each in items] == [13 + 23, 33 + 43 + 53]
    assert [each["containment_steel"] for each in items] == [20, 30]
    assert [each["outlet_cat6a"] for each in items] == [2, 3]


def test_a_wing_names_the_spans_of_another_that_its_cables_use(designs):
    point = designs["B"].points[0]
    spans = {span.span_id: span for span in designs["B"].spans}

    assert [designs["B"].spans[n].span_id for n in point.route] == ["B/run-1", "A/run-2", "A/run-1"]
    assert {name: span.wing for name, span in spans.items()} == {
        "A/run-1": "A",
        "A/run-2": "A",
        "B/run-1": "",
    }
    assert {span.span_id: span.cables for span in designs["A"].spans} == {
        "A/run-1": 3,
        "A/run-2": 2,
    }


def test_an_access_point_serves_cells_of_its_own_wing(designs):
    (point,) = designs["B"].points

    assert point.option == Option.CELL_ACCESS_POINTS
    assert set(point.cells) == {"B-1-001", "B-1-002", "B-1-003"}
    assert {point.option for point in designs["A"].points} == {Option.OUTLETS}


def test_landings_are_numbered_in_their_own_wing(designs):
    for design in designs.values():
        assert [landing.landing for landing in design.landings] == [1]
        assert {point.landing for point in design.points} == {1}
        assert {span.floor for span in design.spans} == {0}


@pytest.mark.parametrize("cells", [(2, 3), (4, 1)])
def test_cost_and_bound_of_the_wings_add_up(catalogue, corridors, wired, cells):
    designs = design_block(corridors(*cells), catalogue)

    cost_gbp = sum(design.cost_gbp for design in designs)
    assert cost_gbp <= Decimal(repr(round(wired(*cells).cost_gbp, 2))) + Decimal("0.02")
    assert all(design.bound_gbp <= design.cost_gbp for design in designs)
    assert all(design.stopped_by == designs[0].stopped_by for design in designs)


@given(one=st.integers(1, 5), other=st.integers(1, 5), between_m=st.floats(1.0, 40.0, width=16))
@settings(max_examples=15)
def test_everything_that_is_taken_is_of_one_wing(wired, one, other, between_m):
    design = wired(one, other, between_m)

    parts = [design.items_of(wing) for wing in (0, 1)]

    for item, quantity in design.items.items():
        assert sum(part.get(item, 0) for part in parts) == pytest.approx(quantity, abs=0.01)
    assert not {*parts[0], *parts[1]} - design.items.keys()
    ports = [sum(design.ports[hub] for hub in design.hubs_in(wing)) for wing in (0, 1)]
    assert sum(ports) == sum(len(design.links_of(wing)) for wing in (0, 1)) == len(design.links)

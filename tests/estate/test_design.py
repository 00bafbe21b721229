from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.cabling.options import WIRELESS, Option
from estate.design import design_wing
from estate.estimate import Estimate
from estate.model import WingShape
from estate.network import placed
from estate.typology import lay_out, read_typologies, spread

# One landing of a houseblock with concrete walls, 45 m from its comms room.
BLOCK = WingShape(
    typology="three_spur_houseblock",
    layout=((4, 4, 4),),
    material="concrete",
    thickness_mm=200,
    distance_to_comms_m=45.0,
)
# A Victorian gallery whose brick lets signals through.
GALLERY = WingShape(
    typology="radial_gallery",
    layout=((8,), (8,)),
    material="brick",
    thickness_mm=330,
    distance_to_comms_m=45.0,
)


@pytest.fixture(scope="module")
def block(catalogue):
    return design_wing(BLOCK, catalogue)


@pytest.fixture(scope="module")
def gallery(catalogue):
    return design_wing(GALLERY, catalogue)


def quantities_of(design):
    """Return all that a wing takes, its landings and what they share."""
    total = {}
    for part in (*(landing.quantities for landing in design.landings), design.shared):
        for item, quantity in part.items():
            total[item] = total.get(item, Estimate.exactly(0)) + quantity
    return total


def option_of(design, option):
    return next(found for found in design.landings[0].options if found.option == option)


def test_the_cost_of_a_design_is_the_whole_life_cost_of_its_quantities(block, gallery, catalogue):
    for design in (block, gallery):
        whole_life_gbp = catalogue.whole_life_gbp(quantities_of(design))

        assert float(design.cost_gbp) == pytest.approx(float(whole_life_gbp), abs=0.02)
        assert design.bound_gbp <= design.cost_gbp
        assert 0 <= design.gap < 1


def test_every_cell_is_served_once_and_every_link_is_within_the_limit(block, gallery):
    for design in (block, gallery):
        cells = [cell for point in design.points for cell in point.cells]

        assert len(cells) == len(set(cells)) == sum(x.cells for x in design.landings)
        assert design.longest_link_m <= design.link_limit_m
        assert all(point.length_m <= design.link_limit_m for point in design.points)


def test_a_route_leads_through_spans_that_carry_that_many_cables(block):
    used = [number for point in block.points for number in point.route]

    for number, span in enumerate(block.spans):
        assert used.count(number) == span.cables


def test_each_option_is_kept_with_its_cost_or_the_reason_why_it_is_not_offered(block, gallery):
    for design in (block, gallery):
        for landing in design.landings:
            assert [found.option for found in landing.options] == list(Option)
            assert all(bool(o.reason) for o in landing.options if not o.offered)
            others = [
                o.whole_life_cost_gbp
                for o in landing.options
                if o.offered and o.option != landing.chosen
            ]
            margin_gbp = min(others) - landing.choice.whole_life_cost_gbp
            # Each of the costs is rounded by itself.
            assert abs(landing.margin_gbp - margin_gbp) <= Decimal("0.01")
            assert landing.margin_gbp >= 0
    assert not option_of(block, Option.NOTHING).offered


def test_behind_concrete_no_access_point_pays_and_the_reason_says_how_few_cells_it_serves(
    catalogue,
):
    design = design_wing(replace(BLOCK, layout=((12, 14, 12),)), catalogue)

    assert design.landings[0].chosen == Option.OUTLETS
    found = option_of(design, Option.CELL_ACCESS_POINTS)
    assert not found.offered
    assert found.reason.startswith("serves one cell at most from any place on the middle landing")


def test_an_access_point_has_its_cells_their_signal_and_the_cell_that_forces_it(gallery):
    points = [point for point in gallery.points if point.option == Option.LANDING_ACCESS_POINTS]

    assert points
    for point in points:
        assert len(point.signal_dbm) == len(point.cells) > 0
        assert 0 < point.load <= 1
        assert point.forced_by in {"", *point.cells}


def test_the_radios_best_and_worst_case_are_the_range_of_access_points(gallery):
    points = quantities_of(gallery)["access_point"]

    assert points.low < points.likely < points.high


def test_data_cabling_in_the_cells_is_reused(catalogue):
    ready = design_wing(replace(BLOCK, cabling="cat6a"), catalogue)

    assert ready.landings[0].chosen == Option.OUTLETS
    assert "outlet_cat6a" not in quantities_of(ready)
    assert option_of(ready, Option.OUTLETS).reason == "reuses the data cabling of 12 of 12 cells"


def test_beyond_the_link_limit_a_cabinet_stands_in_the_wing_with_fibre_to_it(catalogue):
    far = design_wing(replace(BLOCK, distance_to_comms_m=300.0), catalogue)

    assert far.distributor == "new cabinet in the wing"
    assert far.distributors[0].fibre_m >= 300
    assert far.landings[0].binding.startswith("permanent link: 12 of 12 cells are beyond 86.5 m")


def test_the_limit_of_a_link_is_an_assumption(catalogue, assuming):
    short = assuming(catalogue.assumptions, {"permanent_link_m": Estimate(30, 30, 30)})

    design = design_wing(BLOCK, replace(catalogue, assumptions=short))

    # 30 m at 20 °C are 28.8 m at 40 °C.
    assert design.link_limit_m == 28.8
    assert design.longest_link_m <= 28.8


@settings(max_examples=8, deadline=None)
@given(cells=st.integers(1, 60))
def test_the_switches_always_have_the_ports_and_the_spare(catalogue, cells):
    kind = read_typologies()["linear_wing"]
    shape = replace(
        BLOCK,
        typology="linear_wing",
        layout=spread(cells, typology=kind),
        material=kind.material,
        thickness_mm=kind.thickness_mm,
    )

    design = design_wing(shape, catalogue)

    spare = catalogue.assumptions["spare_ports"].likely
    for distributor in design.distributors:
        assert distributor.ports * spare <= 48 * distributor.switches + 1e-6
    assert sum(d.ports for d in design.distributors) == len(design.points)


def test_a_wing_costs_no_more_than_by_the_first_rules_where_these_keep_every_rule(block):
    assert block.cost_gbp <= block.by_rule_gbp


def test_the_same_wing_is_designed_the_same_way_twice(catalogue, gallery):
    assert design_wing(GALLERY, catalogue) == gallery


def test_a_landing_says_how_many_access_points_serve_it_wherever_they_hang(example_plan):
    from_elsewhere = 0
    for wing_plan in (w for site in example_plan.establishments for w in site.wings):
        design = example_plan.designs[wing_plan.design]
        on = example_plan.landings_of(wing_plan)
        for landing in (x for x in design.landings if x.chosen in WIRELESS):
            here = {cell for cell, number in on.items() if number == landing.landing}
            serving = [point for point in design.points if here.intersection(point.cells)]
            away = sum(point.landing != landing.landing for point in serving)
            said = f": {len(serving)} access points serve it"
            said += f", {away} of them from another landing" if away else ""
            assert said in landing.binding
            from_elsewhere += away
    assert from_elsewhere


def test_a_wing_is_designed_alike_wherever_it_lies(catalogue):
    shape = replace(
        BLOCK, typology="two_spur_block", layout=((4,), (4,)), material="brick", thickness_mm=102
    )
    home, (east, north) = lay_out(shape), (428_040.0, 433_321.669)

    here = design_wing(shape, catalogue)
    there = design_wing(shape, catalogue, placed(home, prefix="LEI-A", offset=(east, north)))

    assert {point.option for point in here.points} <= WIRELESS
    assert [(p.name, p.at) for p in here.points] == [
        (p.name.removeprefix("LEI-A/"), pytest.approx((p.at[0] - east, p.at[1] - north), abs=1e-6))
        for p in there.points
    ]
    assert there.cost_gbp == here.cost_gbp

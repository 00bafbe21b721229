from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.design import SWITCH_PORTS, Option, design_wing
from estate.estimate import Estimate
from estate.model import WingShape
from estate.typology import lay_out, read_typologies, spread

TYPOLOGIES = sorted(read_typologies())

# A houseblock of three landings of 38 cells with concrete walls, 45 m from its comms room.
HOUSEBLOCK = WingShape(
    typology="three_spur_houseblock",
    layout=((12, 14, 12),) * 3,
    material="concrete",
    thickness_mm=200,
    distance_to_comms_m=45.0,
)


def shape_of(typology, cells):
    """Return a typical wing of so many cells, 45 m from its comms room."""
    kind = read_typologies()[typology]
    return WingShape(
        typology=typology,
        layout=spread(cells, typology=kind),
        material=kind.material,
        thickness_mm=kind.thickness_mm,
        distance_to_comms_m=45.0,
    )


def one_landing(*spurs, **facts):
    return replace(HOUSEBLOCK, layout=(spurs,), **facts)


def quantities_of(design):
    """Return all that a wing takes, its landings and what they share."""
    total = {}
    for part in (*(landing.choice.quantities for landing in design.landings), design.shared):
        for item, quantity in part.items():
            total[item] = total.get(item, Estimate.exactly(0)) + quantity
    return total


def cost_gbp(design, catalogue):
    return catalogue.whole_life_gbp(quantities_of(design))


def option_of(design, option):
    return next(found for found in design.landings[0].options if found.option == option)


@pytest.mark.parametrize("typology", TYPOLOGIES)
def test_the_cheapest_offered_option_is_chosen_and_the_runner_up_is_the_next(catalogue, typology):
    design = design_wing(shape_of(typology, read_typologies()[typology].typical_cells), catalogue)

    for landing in design.landings:
        costs = sorted((o.whole_life_cost_gbp, o.option) for o in landing.options if o.offered)
        assert (landing.choice.whole_life_cost_gbp, landing.chosen) == costs[0]
        assert landing.runner_up == costs[1][1]
        assert landing.margin_gbp == costs[1][0] - costs[0][0]


def test_every_option_is_kept_with_the_reason_why_it_is_not_offered(catalogue):
    design = design_wing(HOUSEBLOCK, catalogue)

    for landing in design.landings:
        assert [found.option for found in landing.options] == list(Option)
        assert all(bool(found.reason) for found in landing.options if not found.offered)
    assert option_of(design, Option.NOTHING).reason == (
        "leaves every cell of the landing without service"
    )


def test_concrete_of_200_mm_offers_no_access_point_on_the_landing(catalogue):
    concrete = option_of(design_wing(HOUSEBLOCK, catalogue), Option.LANDING_ACCESS_POINTS)
    board = replace(HOUSEBLOCK, material="plasterboard", thickness_mm=100)

    assert not concrete.offered
    assert concrete.reason == "200 mm concrete keeps the signal out of the cells"
    assert option_of(design_wing(board, catalogue), Option.LANDING_ACCESS_POINTS).offered


def test_behind_steel_each_cell_takes_an_access_point_of_its_own(catalogue):
    steel = replace(HOUSEBLOCK, material="steel_modular", thickness_mm=100)

    option = option_of(design_wing(steel, catalogue), Option.CELL_ACCESS_POINTS)

    assert option.cells_per_point == 1
    assert option.quantities["access_point"] == Estimate.exactly(38)


def test_the_range_of_radio_is_the_range_of_access_points(catalogue):
    brick = replace(HOUSEBLOCK, material="brick", thickness_mm=215)

    points = option_of(design_wing(brick, catalogue), Option.LANDING_ACCESS_POINTS).quantities[
        "access_point"
    ]

    # Airtime allows 8 cells at best, so 38 cells take 5 points at least.
    assert points.low >= 5
    assert points.low < points.likely < points.high


def test_an_outlet_for_each_cell_takes_a_hole_a_dock_and_a_port(catalogue):
    option = option_of(design_wing(HOUSEBLOCK, catalogue), Option.OUTLETS)

    for item in ("outlet_cat6a", "core_drill", "network_dock"):
        assert option.quantities[item] == Estimate.exactly(38)
    assert option.ports == Estimate.exactly(38)


@pytest.mark.parametrize("cabling", ["cat5e", "cat6", "cat6a"])
def test_existing_data_cabling_is_used_again(catalogue, cabling):
    design = design_wing(replace(HOUSEBLOCK, cabling=cabling), catalogue)

    quantities = quantities_of(design)
    nothing = Estimate.exactly(0)
    assert {landing.chosen for landing in design.landings} == {Option.OUTLETS}
    assert option_of(design, Option.OUTLETS).reason == f"reuses the {cabling} in the cells"
    for item in ("outlet_cat6a", "core_drill", "containment_steel"):
        assert quantities.get(item, nothing) == nothing
    assert quantities["network_dock"] == Estimate.exactly(114)


@pytest.mark.parametrize("cabling", ["none", "voice", "unknown"])
def test_cabling_that_is_not_for_data_spares_nothing(catalogue, cabling):
    design = design_wing(replace(HOUSEBLOCK, cabling=cabling), catalogue)

    assert quantities_of(design)["outlet_cat6a"] == Estimate.exactly(114)


def test_full_containment_takes_the_runs_along_the_landings_out(catalogue):
    # What is left is the way to the comms room, the risers, and the crossing of the hub.
    none, full = (replace(HOUSEBLOCK, containment=state) for state in ("none", "full"))
    runs_m = sum(s.length_m for s in lay_out(none).spans if s.span_id.startswith("run-"))

    steel_m = [
        quantities_of(design_wing(shape, catalogue))["containment_steel"].likely
        for shape in (none, full)
    ]

    assert runs_m > 100
    assert steel_m[0] - steel_m[1] == pytest.approx(runs_m, abs=0.3)  # Rounded for each landing.


def test_a_wing_near_its_comms_room_is_cabled_to_it(catalogue):
    design = design_wing(HOUSEBLOCK, catalogue)

    assert design.longest_link_m <= 86.5
    assert design.distributor == "nearest comms room"
    assert design.shared["fibre_internal"] == Estimate.exactly(0)
    assert design.shared["containment_steel"] == Estimate.exactly(45)
    assert design.warnings == ()


def test_a_wing_too_far_from_its_comms_room_has_a_cabinet_and_fibre(catalogue):
    design = design_wing(replace(HOUSEBLOCK, distance_to_comms_m=200), catalogue)

    assert design.distributor == "new cabinet in the wing"
    assert design.shared["fibre_internal"] == Estimate.exactly(200)
    assert design.shared["containment_steel"] == Estimate.exactly(200)
    assert design.warnings == ()


def test_a_wing_too_long_for_one_cabinet_has_one_on_each_spur_with_a_warning(catalogue):
    # 90 cells are 45 on each side of the spur, more than 2 m each: the last is beyond 86.5 m.
    design = design_wing(one_landing(90, 90), catalogue)

    assert design.distributor == "new cabinet on each spur"
    assert design.shared["cabinet"].low >= 2
    assert design.shared["switch_48_poe"].low >= 2
    (warning,) = design.warnings
    assert "above 86.5 m: a cabinet on each spur is priced and must be drawn" in warning


def test_the_limit_of_a_link_is_an_assumption(catalogue, assuming):
    short = {"permanent_link_m": Estimate(20, 20, 20)}
    strict = replace(catalogue, assumptions=assuming(catalogue.assumptions, short))

    assert design_wing(HOUSEBLOCK, strict).distributor == "new cabinet on each spur"


def test_ports_of_which_a_quarter_stand_idle_fill_whole_switches(catalogue):
    # 38 ports with 1.25 spare are 47.5 and fit one switch; 39 are 48.75 and need two.
    switches = [
        design_wing(one_landing(cells), catalogue).shared["switch_48_poe"].likely
        for cells in (38, 39)
    ]

    assert switches == [1, 2]


def test_an_assumption_of_too_few_spare_ports_never_takes_ports_that_are_used(catalogue, assuming):
    none = assuming(catalogue.assumptions, {"spare_ports": Estimate(0, 0.5, 1)})

    design = design_wing(one_landing(38, 38), replace(catalogue, assumptions=none))

    assert design.shared["switch_48_poe"] == Estimate(2, 2, 2)


@settings(max_examples=40, deadline=None)
@given(typology=st.sampled_from(TYPOLOGIES), cells=st.integers(1, 400))
def test_the_switches_always_have_the_ports_and_the_spare(catalogue, typology, cells):
    design = design_wing(shape_of(typology, cells), catalogue)

    spare, bounds = catalogue.assumptions["spare_ports"], ("low", "likely", "high")
    for bound in bounds:
        ports = sum(getattr(landing.choice.ports, bound) for landing in design.landings)
        switches = getattr(design.shared["switch_48_poe"], bound)
        assert ports * getattr(spare, bound) <= SWITCH_PORTS * switches
        assert switches <= 8 * getattr(design.shared["cabinet"], bound)


@settings(max_examples=40, deadline=None)
@given(
    typology=st.sampled_from(TYPOLOGIES),
    cells=st.integers(1, 250),
    more=st.integers(1, 20),
    distance_m=st.floats(1, 150),
)
def test_more_cells_never_cost_less(catalogue, typology, cells, more, distance_m):
    shapes = (
        replace(shape_of(typology, count), distance_to_comms_m=distance_m)
        for count in (cells, cells + more)
    )

    less_gbp, more_gbp = (cost_gbp(design_wing(shape, catalogue), catalogue) for shape in shapes)

    assert less_gbp <= more_gbp


def test_the_cell_that_a_link_does_not_reach_makes_no_wing_cheaper(catalogue):
    designs = [
        design_wing(shape_of("two_spur_block", cells), catalogue) for cells in range(95, 115)
    ]

    costs = [cost_gbp(design, catalogue) for design in designs]

    assert {d.distributor for d in designs} == {"nearest comms room", "new cabinet in the wing"}
    assert costs == sorted(costs)


@settings(max_examples=20, deadline=None)
@given(typology=st.sampled_from(TYPOLOGIES), cells=st.integers(1, 250))
def test_the_choice_and_every_bound_are_sound_whatever_the_wing(catalogue, typology, cells):
    design = design_wing(shape_of(typology, cells), catalogue)

    assert sum(landing.cells for landing in design.landings) == cells
    for landing in design.landings:
        # Each port serves at most as many cells as an access point reaches.
        assert landing.choice.ports.likely * landing.choice.cells_per_point >= landing.cells
        assert landing.margin_gbp >= 0
    assert all(q.low >= 0 for q in quantities_of(design).values())


def test_an_item_is_bought_again_when_its_life_is_over(catalogue):
    # A switch lasts 7 of 10 years and costs £3,500; containment lasts 25 and costs £85 a metre.
    quantities = {"switch_48_poe": Estimate.exactly(1), "containment_steel": Estimate.exactly(2)}

    assert catalogue.whole_life_gbp(quantities) == Decimal("7170.00")

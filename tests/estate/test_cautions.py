"""What has to be checked of a design, and what of it nobody may build."""

from dataclasses import replace

import pytest

from estate.cabling.options import WIRELESS
from estate.cautions import cautions, why_not_for_construction
from estate.model import Grade


@pytest.fixture(scope="module")
def dormitory(hamlet_plan):
    """Return the planned dormitory of Moorland, which radio serves, and its design."""
    (wing,) = hamlet_plan.site("MDI").wings
    return wing, hamlet_plan.designs[wing.design]


def test_access_points_beyond_their_budget_of_airtime_are_counted_and_the_busiest_is_named(
    hamlet_plan, dormitory
):
    _, design = dormitory
    name = next(point.name for point in design.points if point.option in WIRELESS)
    air = replace(design.air, airtime={**design.air.airtime, name: 0.62}, overloaded=(name,))

    (said,) = cautions(hamlet_plan, replace(design, warnings=(), air=replace(air, warnings=())))

    assert said.startswith(f"1 of {len(air.airtime)} access point")
    assert "more than their budget of 50% of the time once all of them send" in said
    assert f"{name} for 62%" in said


def test_cells_that_fall_short_are_counted_and_one_is_named(hamlet_plan, dormitory):
    _, design = dormitory
    cell = design.points[0].cells[0]
    air = replace(design.air, failing=(cell,), overloaded=(), warnings=())

    (said,) = cautions(hamlet_plan, replace(design, warnings=(), air=air))

    assert said.startswith("1 cell would fall short of what they ask for")
    assert said.endswith(f"such as {cell}")


def test_what_a_wired_design_says_is_to_be_checked_stays(hamlet_plan):
    design = hamlet_plan.designs[hamlet_plan.site("EYI").wings[0].design]

    assert cautions(hamlet_plan, replace(design, warnings=("check it",))) == ("check it",)


def test_a_wing_is_for_construction_only_if_signal_and_walls_were_measured(hamlet_plan, dormitory):
    wing, _ = dormitory
    surveyed = replace(wing, wing=replace(wing.wing, grade=Grade.SURVEYED))
    door = next(a for a in hamlet_plan.assumptions if a.key == "radio_door_loss_db")
    fitted = replace(door, key="radio_door_loss_db.MDI", verified="yes")
    measured = replace(hamlet_plan, assumptions=(*hamlet_plan.assumptions, fitted))

    assert why_not_for_construction(hamlet_plan, surveyed) == "no signal was measured here"
    assert why_not_for_construction(measured, wing) == "the wing is not surveyed throughout"
    assert why_not_for_construction(measured, surveyed) == ""

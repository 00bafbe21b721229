"""What has to be checked of a design, and what of it nobody may build."""

from dataclasses import replace

import pytest

from estate.cabling.options import WIRELESS
from estate.cautions import cautions, level_words, why_not_for_construction
from estate.estimate import Estimate
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


@pytest.fixture
def levelled(hamlet_plan):
    """Return a function that gives the plan with a level measured in Moorland's surveyed walls."""

    def plan(off_db, **changed):
        door = next(a for a in hamlet_plan.assumptions if a.key == "radio_door_loss_db")
        level = replace(
            door,
            key="radio_level_db.MDI",
            value=Estimate(off_db - 1, off_db, off_db + 1),
            verified="yes",
            **changed,
        )
        return replace(hamlet_plan, assumptions=(*hamlet_plan.assumptions, level))

    return plan


@pytest.mark.parametrize(("off_db", "side"), [(-6.1, "6.1 dB below"), (6.1, "6.1 dB above")])
def test_no_wing_is_for_construction_where_signal_is_further_off_than_the_margin(
    levelled, dormitory, off_db, side
):
    wing, _ = dormitory
    surveyed = replace(wing, wing=replace(wing.wing, grade=Grade.SURVEYED))

    why = why_not_for_construction(levelled(off_db), surveyed)

    assert why == f"measured signal lies {side} what is assumed"


def test_a_surveyed_wing_in_which_signal_is_as_assumed_is_for_construction(levelled, dormitory):
    wing, _ = dormitory
    surveyed = replace(wing, wing=replace(wing.wing, grade=Grade.SURVEYED))

    assert why_not_for_construction(levelled(-5.9), surveyed) == ""


def test_signal_that_was_measured_in_assumed_walls_is_not_said_to_be_unmeasured(
    levelled, dormitory
):
    wing, _ = dormitory
    plan = levelled(-1.0)
    level = replace(plan.assumptions[-1], verified="partly")
    plan = replace(plan, assumptions=(*plan.assumptions[:-1], level))

    why = why_not_for_construction(plan, wing)

    assert why == "no signal as predicted was measured in surveyed walls"


def test_a_level_beyond_the_margin_is_said_with_its_source_and_one_within_is_not(levelled):
    (level,) = (
        replace(each, key="radio_level_db", source="128 readings")
        for each in levelled(-16.0).assumptions[-1:]
    )

    said = level_words([level], margin_db=6)

    assert said.startswith("Measured signal lies 16.0 dB below what is assumed (128 readings)")
    assert "more than the 6 dB that a design keeps in hand" in said
    assert level_words([level], margin_db=16) == ""
    assert level_words([], margin_db=6) == ""

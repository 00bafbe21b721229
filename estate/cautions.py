"""What has to be checked, or is known to fall short, before anyone builds a wing as designed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.model import Grade
from estate.sources.calibrations import LEVEL_KEY, off_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from estate.cabling.values import WingDesign, WingRadio
    from estate.catalogue import Assumption
    from estate.plan import Plan, WingPlan

SENSITIVE = "SENSITIVE: names single points of failure. Keep it local, and share it by name only."


def cautions(plan: Plan, design: WingDesign) -> tuple[str, ...]:
    """Return what to check of a design on site, and which of its limits it does not keep."""
    air = design.air
    if air is None:
        return design.warnings
    return (*design.warnings, *_beyond_limits(air, airtime_share_max(plan)), *air.warnings)


def airtime_share_max(plan: Plan) -> float:
    """Return the share of an access point's time that may be in use at the busiest moment."""
    assumed = {assumption.key: assumption.value for assumption in plan.assumptions}
    return assumed["radio_airtime_max"].likely


def why_not_for_construction(plan: Plan, wing_plan: WingPlan) -> str:
    """Return why nobody may build a wing as it is designed, "" where it was all measured.

    Signal that was measured and lies further off throughout than the margin that a design keeps
    is no ground to build on, whatever else was measured.
    """
    prison_id = wing_plan.wing.prison_id
    assumed = {each.key: each for each in plan.assumptions}
    level = assumed.get(f"{LEVEL_KEY}.{prison_id}")
    if level and _is_beyond(level, assumed["radio_margin_db"].value.likely):
        return f"measured signal lies {off_words(level.value.likely)}"
    if not plan.is_measured(prison_id):
        if any(key.endswith(f".{prison_id}") for key in assumed):
            return "no signal as predicted was measured in surveyed walls"
        return "no signal was measured here"
    if wing_plan.wing.grade != Grade.SURVEYED:
        return "the wing is not surveyed throughout"
    return ""


def level_words(measured: Iterable[Assumption], *, margin_db: float) -> str:
    """Return what a plan says of measured signal that is not as assumed, "" where it is.

    It is not where it lies further off throughout than the margin in dB that a design keeps for
    what it does not model.
    """
    level = next((each for each in measured if each.key == LEVEL_KEY), None)
    if level is None or not _is_beyond(level, margin_db):
        return ""
    return (
        f"Measured signal lies {off_words(level.value.likely)} ({level.source}), which is more "
        f"than the {margin_db:g} dB that a design keeps in hand: no wing is for construction until "
        "that is explained. The design does not take it into account."
    )


def _is_beyond(level: Assumption, margin_db: float) -> bool:
    return abs(level.value.likely) > margin_db


def _beyond_limits(air: WingRadio, share_max: float) -> Iterator[str]:
    """Yield which access points and cells fall short once all access points send."""
    if air.overloaded:
        busiest = max(air.overloaded, key=lambda name: air.airtime[name])
        share = min(1.0, air.airtime[busiest])
        yield (
            f"{len(air.overloaded)} of {_counted(len(air.airtime), 'access point')} would be in "
            f"use for more than their budget of {share_max:.0%} of the time once all of them send "
            f"at the busiest moment, {busiest} for {share:.0%}: they hear each other, so cells "
            "there wait or get less than planned"
        )
    if air.failing:
        yield (
            f"{_counted(len(air.failing), 'cell')} would fall short of what they ask for once "
            f"all access points send, such as {air.failing[0]}"
        )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun if count == 1 else noun + 's'}"

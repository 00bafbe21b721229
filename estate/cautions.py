"""What has to be checked, or is known to fall short, before anyone builds a wing as designed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.model import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.cabling.values import WingDesign, WingRadio
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
    """Return why nobody may build a wing as it is designed, "" where it was all measured."""
    if not plan.is_measured(wing_plan.wing.prison_id):
        return "no signal was measured here"
    if wing_plan.wing.grade != Grade.SURVEYED:
        return "the wing is not surveyed throughout"
    return ""


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

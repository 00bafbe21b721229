"""What is heard of a whole prison along its perimeter, where a survey draws that and its wings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.cautions import why_not_for_construction
from estate.radio.leakage import together
from estate.report.drawings import marked, site_outside_drawing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.cabling.values import WingDesign
    from estate.model import Network
    from estate.plan import Plan, SitePlan
    from estate.radio.leakage import Leakage
    from reports.document import Drawing


def site_leakage(plan: Plan, site: SitePlan) -> Leakage | None:
    """Return what is heard of all wings of a prison together along its perimeter.

    None without access points, and where no survey draws the perimeter: each wing then has an
    assumed one of its own, and nothing says how these lie to each other.
    """
    found = [design.air.leakage for _, _, design in _parts(plan, site) if design.air]
    return together(found) if found else None


def site_drawing(plan: Plan, site: SitePlan) -> Iterator[Drawing]:
    """Yield what is heard along the perimeter of a prison, if that is known."""
    leakage = site_leakage(plan, site)
    if leakage is not None:
        caption = f"{site.prison.prison_id}: what is heard outside of it"
        drawing = site_outside_drawing(_parts(plan, site), leakage, caption=caption)
        measured = not any(why_not_for_construction(plan, wing) for wing in site.wings)
        yield marked(drawing, is_measured=measured)


def _parts(plan: Plan, site: SitePlan) -> list[tuple[str, Network, WingDesign]]:
    """Return the wings that radio serves and that lie within a perimeter that is drawn."""
    return [
        (wing_plan.wing.key, network, plan.designs[wing_plan.design])
        for wing_plan in site.wings
        if plan.designs[wing_plan.design].air
        and (network := plan.network_of(wing_plan)).perimeter is not None
    ]

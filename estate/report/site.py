"""The site: a front page, a page for each prison, and what it all rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.cautions import SENSITIVE
from estate.report.front import front_page
from estate.report.prison import prison_page
from estate.report.reference import assumptions_page, method_page, rates_page, typologies_page
from reports.document import (
    Site,
)

if TYPE_CHECKING:
    from estate.plan import Plan


def site_of(plan: Plan, *, sensitive: bool = False) -> Site:
    """Return the whole site of a plan; one with what is `sensitive` is marked as that throughout.

    That is the ways of fibre between the buildings of prisons whose ground a survey draws.
    """
    ranked = {r.prison_id: r for r in plan.ranking}
    pages = [
        front_page(plan),
        assumptions_page(plan),
        rates_page(plan),
        typologies_page(plan),
        method_page(plan),
    ]
    pages += [
        prison_page(plan, site, ranked.get(site.prison.prison_id), sensitive=sensitive)
        for site in plan.establishments
    ]
    dated = sorted({s.prison.capacity_dated for s in plan.establishments} - {""})
    capacity = f"capacity as of {dated[0]} to {dated[-1]}" if dated else "capacity not stated"
    return Site(
        title=plan.title,
        marking=f"{plan.marking}; {SENSITIVE}" if sensitive else plan.marking,
        footer=(
            f"Plan {plan.plan_id}; Wingspan {plan.program}; seed {plan.seed}; {capacity}. "
            "Contains public sector information licensed under the Open Government Licence v3.0."
        ),
        pages=tuple(pages),
        menu=("assumptions", "rates", "typologies", "method"),
    )

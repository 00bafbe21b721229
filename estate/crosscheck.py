"""Our cost of a cell beside what the world has published, and why the two differ."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from estate.costing import IN_CELL, Phase
from estate.estimate import Money
from estate.plan import CrossCheck, SitePlan
from estate.readiness import Rung
from estate.sources.catalogue import read_published

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estate.catalogue import Rate

_PARTLY_DONE = frozenset({Rung.DEVICES, Rung.DATA_CABLING})


def cross_check(sites: Sequence[SitePlan], rates: Mapping[str, Rate]) -> CrossCheck:
    """Return the initial in-cell cost per cell, of all prisons and of those that start anew."""
    priced = [site for site in sites if not site.excluded]
    anew = [site for site in priced if site.readiness.rung not in _PARTLY_DONE]
    new_cells = sum(site.cells for site in anew)
    return CrossCheck(
        all_cells_gbp=_in_cell(priced).per(sum(site.cells for site in priced)),
        new_work_gbp=_in_cell(anew).per(new_cells),
        new_work_cells=new_cells,
        published=read_published(),
        explanation=_explanation(anew, new_cells, rates),
    )


def _in_cell(sites: Sequence[SitePlan]) -> Money:
    return Money.total(site.totals.in_cell_gbp for site in sites)


def _explanation(
    sites: Sequence[SitePlan], cells: int, rates: Mapping[str, Rate]
) -> tuple[str, ...]:
    costs: defaultdict[str, Money] = defaultdict(Money)
    for site in sites:
        for line in site.lines():
            if line.package in IN_CELL and line.phase == Phase.INITIAL:
                costs[line.item] += line.cost_gbp
    parts = sorted(costs.items(), key=lambda part: (-part[1].likely, part[0]))
    each = "; ".join(
        f"£{money.per(cells).likely:,.0f} {rates[item].label.split(',')[0]}"
        for item, money in parts[:5]
    )
    unverified = [rates[item].label for item, _ in parts if rates[item].verified == "no"]
    if not parts:
        return ("No prison here starts anew, so there is no figure to set beside the published.",)
    return (
        f"Per cell at likely rates ours is made of: {each}.",
        (
            "Ours is a data network with active equipment in the wing; the published figures are "
            "voice: one telephone pair, a handset and an exchange. Ours leaves out the device, the "
            "site's core network, circuits, surveys, escorts and VAT, which are other lines."
        ),
        (
            "Prisons where a source shows live devices or data cabling are left out here, since "
            "part of their cabling is taken as done; the figure for all cells stands beside it."
        ),
        *(
            [f"Rates without a published source decide most of the gap: {'; '.join(unverified)}."]
            if unverified
            else []
        ),
    )

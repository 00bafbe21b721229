"""The front page: the bid, the order and where both come from, for the commissioner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.costing import by_package
from estate.grid import grid_point
from estate.model import Grade
from estate.readiness import LABELS, Rung
from estate.report.amounts import EXTREMES, bounds_of, money_columns
from estate.report.geography import COAST_ATTRIBUTION, coast
from estate.report.prison import style_of
from reports.document import (
    Bar,
    Column,
    Fact,
    Facts,
    Map,
    Page,
    Place,
    RangeChart,
    Section,
    Table,
    Text,
)
from reports.wording import pounds

if TYPE_CHECKING:
    from estate.estimate import Money
    from estate.plan import Plan, SitePlan
    from estate.portfolio import Ranked

_NAMED_ON_MAP = 10
_SURVEYS_SHOWN = 15


def front_page(plan: Plan) -> Page:
    """Return the page that a reader opens first."""
    return Page(
        slug="index",
        title=plan.title,
        subtitle="A ranked and priced rollout plan from public facts, every assumption in sight",
        sections=(
            Section(title="In short", blocks=(_headline(plan), Text(paragraphs=_short(plan)))),
            Section(
                title="Who could go first",
                intro=(
                    "Each dot is a prison, sized by operational capacity and coloured by the best "
                    "evidence of what is in its cells. The first ten in order are named."
                ),
                blocks=(_map(plan),),
            ),
            Section(
                title="The order",
                intro=(
                    "The rank is by expected values. Median and P5–P95 are of the seeded draws: "
                    "where ranges overlap, what we know does not settle the order."
                ),
                blocks=(_ranking(plan),),
            ),
            Section(
                title="Beside the world",
                intro="The initial cost of the network in the wings, for each cell.",
                blocks=(_cross_check(plan), Text(paragraphs=plan.cross_check.explanation)),
            ),
            Section(
                title="Where the money goes",
                blocks=(_packages(plan),),
            ),
            Section(
                title="Which surveys would narrow the bid most",
                intro=(
                    "The part of each prison's whole-life range that rests on quantities nobody "
                    "has measured."
                ),
                blocks=(_surveys(plan),),
            ),
            Section(
                title="What the register can and cannot show",
                blocks=(Text(paragraphs=plan.notes, tone="note"), _not_priced(plan)),
            ),
        ),
    )


def _headline(plan: Plan) -> Facts:
    totals, check = plan.totals, plan.cross_check
    return Facts(
        headline=True,
        facts=(
            _money("Capital", totals.capital_gbp),
            _money(f"Whole life, {plan.appraisal_years} years", totals.whole_life_gbp),
            _money("VAT on top", totals.vat_gbp),
            Fact(
                label="Establishments",
                value=str(len(plan.establishments)),
                note=f"{len(plan.ranking)} priced",
            ),
            Fact(label="Cells", value=f"{plan.cells:,}", note=f"on {plan.landings:,} landings"),
            _money("In-cell network a cell", check.new_work_gbp, what="prisons that start anew: "),
        ),
    )


def _money(label: str, money: Money, *, what: str = "") -> Fact:
    note = f"{what}{pounds(float(money.low))}–{pounds(float(money.high))}"
    return Fact(label=label, value=pounds(float(money.likely)), note=note)


def _short(plan: Plan) -> tuple[str, ...]:
    wings = [w.wing for site in plan.establishments for w in site.wings]
    surveyed = sum(1 for wing in wings if wing.grade == Grade.SURVEYED)
    typical = sum(1 for wing in wings if wing.grade == Grade.ASSUMED)
    return (
        EXTREMES,
        (
            "Capital is the first purchase. Whole life adds replacements and running cost, "
            "undiscounted and without VAT."
        ),
        (
            f"Of {len(wings):,} wings, {surveyed:,} have been surveyed, "
            f"{len(wings) - surveyed - typical:,} stand in a schedule or certificate with their "
            f"cells, and {typical:,} take theirs from a typical wing of its age and function."
        ),
        _networks(plan),
        "Without site measurement nothing here is a design for construction.",
    )


def _networks(plan: Plan) -> str:
    """Return what the wings' networks cost, how good that is, and how the first rules stand."""
    proof = plan.design
    saved_gbp = float(proof.by_rule_gbp - proof.cost_gbp)
    dearer = sum(1 for s in plan.establishments if s.design.cost_gbp > s.design.by_rule_gbp)
    return (
        f"The networks of the wings, all cells new, would cost {pounds(float(proof.cost_gbp))} "
        f"over the whole life: at most {proof.gap:.1%} above the best possible, and "
        f"{pounds(abs(saved_gbp))} {'below' if saved_gbp >= 0 else 'above'} the rules of the first "
        f"plan. {dearer} of {len(plan.ranking)} prisons come out dearer than by these rules; their "
        "pages say which limit the rules broke."
    )


def _map(plan: Plan) -> Map:
    first = {r.prison_id for r in plan.ranking[:_NAMED_ON_MAP]}
    ranks = {r.prison_id: r.rank for r in plan.ranking}
    places = []
    for site in plan.establishments:
        prison = site.prison
        at = grid_point(prison)
        if at is None:
            continue
        rank = ranks.get(prison.prison_id)
        order = f"rank {rank}" if rank else "not priced"
        places.append(
            Place(
                at=at,
                label=prison.name.split(" (")[0],
                style=style_of(site.readiness.rung),
                size=float(prison.operational_capacity or prison.baseline_cna or 0),
                title=f"{prison.name}: {LABELS[site.readiness.rung]}, {order}",
                slug=prison.prison_id,
                named=prison.prison_id in first,
            )
        )
    missing = [s.prison.name for s in plan.establishments if grid_point(s.prison) is None]
    return Map(
        caption="Evidence of what is in the cells, by prison",
        outline=coast(),
        places=tuple(places),
        legend=tuple((style_of(rung), LABELS[rung]) for rung in Rung),
        attribution=f"{COAST_ATTRIBUTION} Without coordinates: {', '.join(missing) or 'none'}.",
    )


def _ranking(plan: Plan) -> Table:
    sites = {site.prison.prison_id: site for site in plan.establishments}
    return Table(
        interactive=True,
        filters=(4, 5),
        columns=(
            Column(heading="Rank", kind="integer"),
            Column(heading="Prison"),
            Column(heading="Median", kind="integer", help="Median rank of the seeded draws"),
            Column(heading="P5–P95", help="Range of the rank over the seeded draws"),
            Column(heading="Ready", help="The best evidence of what is in the cells"),
            Column(heading="Category"),
            Column(heading="Cells", kind="integer"),
            Column(heading="Capital", kind="money", help="Likely, the first purchase, no VAT"),
            Column(heading="Per cell", kind="money", help="Capital over cells"),
            Column(heading="Whole life", kind="money"),
            Column(
                heading="Proven within",
                kind="share",
                help="At most this share of the cost of its wing networks could be saved",
            ),
            Column(heading="Grade", kind="grade", help="The worst grade of its wings"),
        ),
        rows=tuple(_ranking_row(r, sites[r.prison_id]) for r in plan.ranking),
        links=tuple(r.prison_id for r in plan.ranking),
    )


def _ranking_row(ranked: Ranked, site: SitePlan) -> tuple[str | int | float | None, ...]:
    prison, totals = site.prison, site.totals
    return (
        ranked.rank,
        prison.name,
        ranked.rank_median,
        f"{ranked.rank_range[0]}–{ranked.rank_range[1]}",
        LABELS[ranked.readiness],
        prison.category or "not stated",
        ranked.cells,
        float(totals.capital_gbp.likely),
        float(totals.capital_gbp.per(ranked.cells).likely),
        float(totals.whole_life_gbp.likely),
        site.design.gap,
        str(ranked.grade),
    )


def _cross_check(plan: Plan) -> RangeChart:
    check = plan.cross_check
    priced = len(plan.ranking) or 1
    ours = (
        ("Wingspan, cells that start anew", check.new_work_gbp, "data network, no device"),
        ("Wingspan, all cells", check.all_cells_gbp, "part of some prisons taken as done"),
    )
    bars = [
        Bar(
            label=label,
            low=float(money.low),
            likely=float(money.likely),
            high=float(money.high),
            note=note,
        )
        for label, money, note in ours
    ]
    for published in check.published:
        share = 1.0 if published.per == "cell" else priced / (plan.cells or 1)
        bars.append(
            Bar(
                label=published.label,
                low=published.cost.low * share,
                likely=published.cost.likely * share,
                high=published.cost.high * share,
                style="published",
                note=f"{published.what}. {published.source}",
                words=published.worded() if published.currency != "GBP" else "",
            )
        )
    return RangeChart(
        caption="In-cell cost per cell beside published figures",
        unit="£",
        bars=tuple(bars),
        note="Ireland stands at its euros, not converted. Published figures are for voice.",
    )


def _packages(plan: Plan) -> Table:
    lines = [line for site in plan.establishments for line in site.lines()]
    packages = sorted(by_package(lines).items(), key=lambda part: -part[1].likely)
    whole = plan.totals.whole_life_gbp + plan.totals.vat_gbp
    return Table(
        columns=(
            Column(heading="Package"),
            *money_columns(),
        ),
        rows=tuple((name, *bounds_of(money)) for name, money in packages),
        footer=("All, VAT included", *bounds_of(whole)),
        note=EXTREMES,
    )


def _surveys(plan: Plan) -> Table:
    worst = sorted(
        (site for site in plan.establishments if site.wings),
        key=lambda site: (-site.survey_would_narrow_gbp, site.prison.prison_id),
    )[:_SURVEYS_SHOWN]
    return Table(
        columns=(
            Column(heading="Prison"),
            Column(heading="A survey could narrow the bid by", kind="money"),
            Column(heading="Wings", kind="integer"),
            Column(heading="How its cells were counted"),
        ),
        rows=tuple(
            (s.prison.name, float(s.survey_would_narrow_gbp), len(s.wings), s.basis) for s in worst
        ),
        links=tuple(s.prison.prison_id for s in worst),
    )


def _not_priced(plan: Plan) -> Table:
    left_out = [site for site in plan.establishments if site.excluded]
    return Table(
        caption="Listed but not priced",
        columns=(Column(heading="Prison"), Column(heading="Because")),
        rows=tuple((s.prison.name, s.excluded) for s in left_out),
        links=tuple(s.prison.prison_id for s in left_out),
    )

"""The site: a front page for the commissioner, a page for each prison, what it all rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.costing import by_package
from estate.readiness import LABELS, Rung
from estate.report.amounts import EXTREMES, bounds_of, money_columns
from estate.report.geography import COAST_ATTRIBUTION, coast, grid_point
from estate.report.prison import TERM_LABELS, prison_page, style_of
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
    Site,
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


def site_of(plan: Plan) -> Site:
    """Return the whole site of a plan."""
    rates = {rate.item: rate for rate in plan.rates}
    ranked = {r.prison_id: r for r in plan.ranking}
    pages = [_front(plan), _assumptions(plan), _rates(plan), _method(plan)]
    pages += [
        prison_page(plan, site, ranked.get(site.prison.prison_id), rates)
        for site in plan.establishments
    ]
    dated = sorted({s.prison.capacity_dated for s in plan.establishments} - {""})
    capacity = f"capacity as of {dated[0]} to {dated[-1]}" if dated else "capacity not stated"
    return Site(
        title="In-cell connectivity for England and Wales",
        marking=plan.marking,
        footer=(
            f"Plan {plan.plan_id}; seed {plan.seed}; {capacity}. Contains public sector "
            "information licensed under the Open Government Licence v3.0."
        ),
        pages=tuple(pages),
    )


def _front(plan: Plan) -> Page:
    return Page(
        slug="index",
        title="In-cell connectivity for England and Wales",
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
                    "P5–P95 is the range of the rank over the seeded draws: where ranges overlap, "
                    "the order between two prisons is not settled by what we know."
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
            _money("In-cell network a cell", check.new_work_gbp),
        ),
    )


def _money(label: str, money: Money) -> Fact:
    note = f"{pounds(float(money.low))}–{pounds(float(money.high))}"
    return Fact(label=label, value=pounds(float(money.likely)), note=note)


def _short(plan: Plan) -> tuple[str, ...]:
    surveyed = sum(
        1 for site in plan.establishments for w in site.wings if str(w.wing.grade) in "ABC"
    )
    wings = sum(len(site.wings) for site in plan.establishments)
    return (
        EXTREMES,
        (
            "Capital is the first purchase. Whole life adds replacements and running cost, "
            "undiscounted and without VAT."
        ),
        (
            f"{surveyed} of {wings} wings come from a published schedule of cells; the others are "
            "typical wings of the prison's age and function."
        ),
        "No wing has been surveyed: nothing here is a design for construction.",
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
        filters=(3, 4),
        columns=(
            Column(heading="Rank", kind="integer"),
            Column(heading="Prison"),
            Column(heading="P5–P95", help="Range of the rank over the seeded draws"),
            Column(heading="Ready", help="The best evidence of what is in the cells"),
            Column(heading="Category"),
            Column(heading="Cells", kind="integer"),
            Column(heading="Capital", kind="money", help="Likely, the first purchase, no VAT"),
            Column(heading="Capital a cell", kind="money"),
            Column(heading="Whole life", kind="money"),
            Column(heading="Score", kind="number", help="0 to 1: value times weight, summed"),
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
        f"{ranked.rank_range[0]}–{ranked.rank_range[1]}",
        LABELS[ranked.readiness],
        prison.category or "not stated",
        ranked.cells,
        float(totals.capital_gbp.likely),
        float(totals.capital_gbp.per(ranked.cells).likely),
        float(totals.whole_life_gbp.likely),
        round(ranked.score, 3),
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


def _assumptions(plan: Plan) -> Page:
    return Page(
        slug="assumptions",
        title="Assumptions",
        subtitle="Numbers that no source settles; change them in inputs/assumptions.csv",
        sections=(
            Section(
                title="All assumptions",
                blocks=(
                    Table(
                        interactive=True,
                        filters=(6,),
                        note="Every assumption is grade D until a source or a survey replaces it.",
                        columns=(
                            Column(heading="Assumption"),
                            Column(heading="Low", kind="number"),
                            Column(heading="Likely", kind="number"),
                            Column(heading="High", kind="number"),
                            Column(heading="Unit"),
                            Column(heading="Meaning"),
                            Column(heading="Verified"),
                            Column(heading="Source"),
                            Column(heading="Dated"),
                        ),
                        rows=tuple(
                            (
                                a.key,
                                *a.value.as_tuple(),
                                a.unit,
                                a.meaning,
                                a.verified,
                                a.source,
                                a.dated,
                            )
                            for a in plan.assumptions
                        ),
                    ),
                ),
            ),
        ),
    )


def _rates(plan: Plan) -> Page:
    return Page(
        slug="rates",
        title="Rates",
        subtitle="Every price with its source; change them in inputs/rates.csv. None is a quote.",
        sections=(
            Section(
                title="All rates",
                blocks=(
                    Table(
                        interactive=True,
                        filters=(1, 9),
                        columns=(
                            Column(heading="Item"),
                            Column(heading="Package"),
                            Column(heading="Unit"),
                            Column(heading="Low", kind="number"),
                            Column(heading="Likely", kind="number"),
                            Column(heading="High", kind="number"),
                            Column(heading="Budget"),
                            Column(heading="VAT"),
                            Column(heading="Life", kind="integer", unit="years"),
                            Column(heading="Verified"),
                            Column(heading="Prices of"),
                            Column(heading="Source"),
                        ),
                        rows=tuple(
                            (
                                r.label,
                                r.package,
                                r.unit,
                                *r.rate.as_tuple(),
                                r.budget,
                                r.vat,
                                r.life_years,
                                r.verified,
                                r.price_base,
                                r.source,
                            )
                            for r in plan.rates
                        ),
                    ),
                ),
            ),
        ),
    )


def _method(plan: Plan) -> Page:
    weights = tuple((TERM_LABELS[term], weight) for term, weight in plan.weights.items())
    without = ", ".join(TERM_LABELS[t] for t in plan.terms_without_effect) or "none"
    return Page(
        slug="method",
        title="Method",
        subtitle="How the plan is made, and where it is wrong in stated ways",
        sections=(
            Section(
                title="Rules of design, and what they get wrong",
                blocks=(Text(paragraphs=plan.rules),),
            ),
            Section(
                title="The order",
                intro=(
                    "Each term is scaled over the ranked prisons from 0 to 1, times its weight. "
                    f"Terms equal for all prisons, without effect: {without}."
                ),
                blocks=(
                    Table(
                        columns=(Column(heading="Term"), Column(heading="Weight", kind="share")),
                        rows=weights,
                        note="Weights are set in wingspan.toml.",
                    ),
                ),
            ),
            Section(title="Grades", blocks=(_grades(),)),
            Section(
                title="Inputs",
                blocks=(
                    Table(
                        columns=(Column(heading="File"), Column(heading="SHA-256")),
                        rows=tuple(plan.inputs_sha256.items()),
                    ),
                ),
            ),
        ),
    )


def _grades() -> Table:
    return Table(
        columns=(Column(heading="Grade", kind="grade"), Column(heading="Meaning")),
        rows=(
            ("A", "surveyed on site"),
            ("B", "certified register of HMPPS, or a published bulletin"),
            ("C", "wing schedule"),
            ("D", "assumed from a typology"),
        ),
        note="Later letters widen the range of every cost that rests on the fact.",
    )

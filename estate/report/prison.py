"""The page of one prison: its rank, evidence, wings and bill, for the planner to defend."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from estate.cabling.options import LABELS as OPTION_LABELS
from estate.cabling.options import WIRELESS
from estate.cautions import cautions, why_not_for_construction
from estate.costing import CELL_POWER, IN_CELL, BillLine, Phase, by_package
from estate.estimate import Money
from estate.plan import dearer_because
from estate.readiness import LABELS, Rung
from estate.report.amounts import bounds_of, money_columns
from estate.report.drawings import (
    WATERMARK,
    landing_drawing,
    marked,
    outside_drawing,
    watermark_of,
)
from estate.report.ground import between_buildings
from estate.report.locations import locations_of
from estate.report.outside import site_drawing
from estate.topology import design_as_named, network_as_named
from estate.typology import read_typologies
from reports.document import (
    Bar,
    Column,
    Drawing,
    Fact,
    Facts,
    Page,
    RangeChart,
    Section,
    Table,
    Text,
)
from reports.wording import pounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from estate.cabling.values import WingDesign
    from estate.model import Establishment
    from estate.plan import Plan, Proof, SitePlan, WingPlan
    from estate.portfolio import Ranked

TERM_LABELS = {
    "people_per_pound": "people served per pound",
    "staff_hours_per_pound": "staff hours per pound",
    "crowding": "crowding",
    "unserved": "not yet served",
    "readiness": "readiness",
    "deliverability": "deliverability",
}
_DRAWINGS_MAX = 3


def prison_page(
    plan: Plan, site: SitePlan, ranked: Ranked | None, *, sensitive: bool = False
) -> Page:
    """Return the page of a prison, priced or not.

    The ways of fibre between its buildings are there only where what is `sensitive` is asked for.
    """
    prison = site.prison
    badges = [(style_of(site.readiness.rung), LABELS[site.readiness.rung])]
    if ranked:
        badges.append(("rank", f"rank {ranked.rank}"))
    subtitle = ", ".join(
        part for part in (prison.prison_id, prison.area, prison.category, prison.operator) if part
    )
    return Page(
        slug=prison.prison_id,
        title=prison.name,
        subtitle=subtitle,
        badges=tuple(badges),
        sections=tuple(_sections(plan, site, ranked, sensitive=sensitive)),
    )


def _sections(
    plan: Plan, site: SitePlan, ranked: Ranked | None, *, sensitive: bool
) -> Iterator[Section]:
    if ranked:
        yield Section(title="In short", blocks=(_headline(site, ranked), _cost_chart(site)))
        yield Section(title="Why it stands where it does", blocks=tuple(_reasons(plan, ranked)))
    else:
        reason = f"Not sized and not priced: {site.excluded}."
        yield Section(title="In short", blocks=(Text(paragraphs=(reason,), tone="warning"),))
    yield Section(
        title="Evidence",
        intro="What the sources say, when they said it, and what they leave blank.",
        blocks=(_evidence(site), *_notes(site.prison)),
    )
    if site.wings:
        yield Section(
            title="Wings",
            intro=f"{site.basis}. {' '.join(site.notes)}".strip(),
            blocks=(
                *_unmeasured(plan, site),
                _wings(plan, site),
                *_noted(plan, site),
                *_locations(plan, site),
                *_drawings(plan, site),
                *site_drawing(plan, site),
            ),
        )
        yield between_buildings(plan, site, sensitive=sensitive)
        yield Section(
            title="Bill of quantities",
            intro="Every total on this page is a sum of these lines and of nothing else.",
            blocks=(_packages(site), _bill(plan, site)),
        )


def _headline(site: SitePlan, ranked: Ranked) -> Facts:
    totals = site.totals
    low, high = ranked.rank_range
    return Facts(
        headline=True,
        facts=(
            Fact(
                label="Rank",
                value=str(ranked.rank),
                note=f"drawn: median {ranked.rank_median}, P5–P95 {low}–{high}",
            ),
            _money_fact("Capital", totals.capital_gbp),
            _money_fact("Whole life", totals.whole_life_gbp),
            Fact(label="Cells", value=f"{site.cells:,}", note=f"in {len(site.wings)} wings"),
            _network_fact(site.design),
            _money_fact("Capital a cell", totals.capital_gbp.per(site.cells)),
            Fact(
                label="A survey could narrow it by",
                value=pounds(float(site.survey_would_narrow_gbp)),
                note="of the whole-life range, at likely rates",
                grade=str(ranked.grade),
            ),
        ),
    )


def _network_fact(proof: Proof) -> Fact:
    """Return what the networks of all wings cost, how good that is, and what it saves."""
    saved_gbp = float(proof.by_rule_gbp - proof.cost_gbp)
    beside = f"{pounds(abs(saved_gbp))} {'below' if saved_gbp >= 0 else 'above'} the first rules"
    return Fact(
        label="Wing networks",
        value=pounds(float(proof.cost_gbp)),
        note=(
            f"whole life, all cells new, at most {proof.gap:.1%} above the best possible; {beside}"
        ),
    )


def _unmeasured(plan: Plan, site: SitePlan) -> Iterator[Text]:
    """Yield the warning that networks of the prison are not to be built as they are drawn."""
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for each in site.wings:
        reasons[why_not_for_construction(plan, each)].append(each.wing.key)
    reasons.pop("", None)
    if reasons:
        said = tuple(
            f"Not for construction: {why}"
            + (f" ({', '.join(keys)})." if len(keys) < len(site.wings) else ".")
            for why, keys in reasons.items()
        )
        yield Text(paragraphs=said, tone="warning")


def _noted(plan: Plan, site: SitePlan) -> Iterator[Text]:
    """Yield which wings are one problem or dearer than by rule, and what is to be checked."""
    wings: defaultdict[str, list[str]] = defaultdict(list)
    for wing_plan in site.wings:
        design = plan.designs[wing_plan.design]
        together = wing_plan.together if wing_plan.block else ""
        named = design_as_named(plan, wing_plan)
        for words in filter(None, (together, dearer_because(design), *cautions(plan, named))):
            wings[words].append(wing_plan.wing.key)
    if wings:
        said = tuple(f"{', '.join(keys)}: {words}." for words, keys in wings.items())
        yield Text(paragraphs=said, tone="note")


def _money_fact(label: str, money: Money) -> Fact:
    note = f"{pounds(float(money.low))}–{pounds(float(money.high))}, sums of extremes"
    return Fact(label=label, value=pounds(float(money.likely)), note=note)


def _cost_chart(site: SitePlan) -> RangeChart:
    bars = tuple(
        Bar(
            label=package,
            low=float(money.low),
            likely=float(money.likely),
            high=float(money.high),
        )
        for package, money in by_package(site.lines()).items()
    )
    return RangeChart(
        caption="Whole-life cost by package",
        unit="£ over the whole life",
        bars=bars,
        note="Low and high are sums of extremes, as if every line went wrong together.",
    )


def _reasons(plan: Plan, ranked: Ranked) -> Iterator[Table | Text]:
    yield Table(
        columns=(
            Column(heading="Term"),
            Column(heading="Value", kind="number", help="0 is the worst prison, 1 the best"),
            Column(heading="Weight", kind="number"),
            Column(heading="Gives", kind="number"),
            Column(heading="Measured", kind="number"),
            Column(heading="Unit"),
            Column(heading="Grade", kind="grade"),
            Column(heading="Source"),
        ),
        rows=tuple(
            (
                TERM_LABELS[t.term],
                t.value,
                t.weight,
                t.contribution,
                t.measured,
                t.unit,
                str(t.grade),
                t.source,
            )
            for t in ranked.terms
        ),
        footer=("Score", "", "", ranked.score, "", "", "", ""),
    )
    if plan.terms_without_effect:
        names = ", ".join(TERM_LABELS[t] for t in plan.terms_without_effect)
        yield Text(paragraphs=(f"Equal for all prisons, no effect on the order: {names}.",))
    moves = [f"{m.change[0].upper()}{m.change[1:]}: rank {m.rank}." for m in ranked.moves_up]
    intro = "What would move it up:" if moves else "Nothing that was tried would move it up."
    yield Text(paragraphs=(intro, *moves))


def _evidence(site: SitePlan) -> Table:
    prison = site.prison
    counted = (prison.capacity_dated, str(prison.capacity_grade), prison.capacity_source)
    blank = (prison.capacity_dated, "", prison.capacity_source)
    said = (
        ("In-cell devices", prison.devices),
        ("In-cell data cabling", prison.data_cabling),
        ("In-cell telephony", prison.telephony),
    )
    figures = (
        ("Baseline CNA", prison.baseline_cna),
        ("Operational capacity", prison.operational_capacity),
        ("Population", prison.population),
    )
    return Table(
        columns=(
            Column(heading="Fact"),
            Column(heading="What is said"),
            Column(heading="Dated", kind="date"),
            Column(heading="Grade", kind="grade"),
            Column(heading="Source"),
        ),
        rows=(
            *(
                (name, _said(e.value), e.dated, str(e.grade) if e.source else "", e.source)
                for name, e in said
            ),
            *(
                (name, _count(value), *(blank if value is None else counted))
                for name, value in figures
            ),
            ("Year opened", _plain(prison.year_opened), "", "", "of the site, not of each wing"),
            ("Function", prison.function or "blank", "2017", "", prison.source),
        ),
        note=site.readiness.caution,
    )


def _said(value: str) -> str:
    return "no source speaks" if value == "unknown" else value


def _count(value: int | None) -> str:
    return "blank" if value is None else f"{value:,}"


def _plain(value: int | None) -> str:
    return "blank" if value is None else str(value)


def _notes(prison: Establishment) -> tuple[Text, ...]:
    if not prison.notes:
        return ()
    return (Text(paragraphs=(f"Register note: {prison.notes}.",), tone="note"),)


def _wings(plan: Plan, site: SitePlan) -> Table:
    typologies = read_typologies()
    rows = []
    for wing_plan in site.wings:
        wing, design = wing_plan.wing, plan.designs[wing_plan.design]
        chosen = list(dict.fromkeys(OPTION_LABELS[x.chosen] for x in design.landings))
        cost = Money.total(
            x.cost_gbp for x in wing_plan.bill if x.phase == Phase.INITIAL and x.budget == "capital"
        )
        rows.append(
            (
                f"{wing.key} {wing.name}",
                typologies[wing.shape.typology].label,
                len(wing.shape.layout),
                wing.cells,
                str(wing.grade),
                "; ".join(chosen),
                float(sum(x.margin_gbp for x in design.landings)),
                design.longest_link_m,
                design.gap,
                float(design.by_rule_gbp - design.cost_gbp),
                float(cost.likely),
                assumed_words(wing.assumed),
            )
        )
    return Table(
        columns=(
            Column(heading="Wing"),
            Column(heading="Typology"),
            Column(heading="Landings", kind="integer"),
            Column(heading="Cells", kind="integer"),
            Column(heading="Grade", kind="grade"),
            Column(heading="Chosen"),
            Column(
                heading="Margin",
                kind="money",
                help="What the runner-up would cost more over the whole life, all landings",
            ),
            Column(heading="Longest link", kind="number", unit="m"),
            Column(
                heading="Proven within",
                kind="share",
                help="At most this share of the network's cost could be saved within the rules",
            ),
            Column(
                heading="Below first rules",
                kind="money",
                help="What the rules of the first plan would cost more, whole life",
            ),
            Column(heading="Capital", kind="money", help="Likely, this wing's own lines"),
            Column(heading="Assumed"),
        ),
        rows=tuple(rows),
    )


def _locations(plan: Plan, site: SitePlan) -> Iterator[Table]:
    table = locations_of(plan, site)
    if table is not None:
        yield table


def _drawings(plan: Plan, site: SitePlan) -> Iterator[Drawing]:
    """Yield one drawing for each shape of wing, a few at most.

    What is known of this prison comes before what is typical, and then the most frequent first.
    Of a wing that was drawn for this prison every landing is shown.
    """
    same: defaultdict[str, list[WingPlan]] = defaultdict(list)
    for wing_plan in site.wings:
        same[wing_plan.design].append(wing_plan)
    networks = {name: network_as_named(plan, group[0]) for name, group in same.items()}
    typical = {
        name: watermark_of(found, floors=(0,)) == WATERMARK for name, found in networks.items()
    }
    telling = sorted(same.values(), key=lambda group: (typical[group[0].design], -len(group)))
    for group in telling[:_DRAWINGS_MAX]:
        wing, network = group[0].wing, networks[group[0].design]
        others = f" and {len(group) - 1} like it" if len(group) > 1 else ""
        label = read_typologies()[wing.shape.typology].label
        design, shown = design_as_named(plan, group[0]), f"{wing.key}{others}"
        drawings = (
            *(
                landing_drawing(
                    network,
                    wing.shape,
                    design,
                    number=number,
                    caption=f"{shown}, landing {number}: {label}",
                )
                for number in _telling(design, every=not typical[group[0].design])
            ),
            outside_drawing(network, design, caption=f"{shown}: what is heard outside of it"),
        )
        measured = not why_not_for_construction(plan, group[0])
        yield from (marked(each, is_measured=measured) for each in drawings if each)


def _telling(design: WingDesign, *, every: bool) -> Sequence[int]:
    """Return the landings to draw: every one, or one on which access points hang if any do."""
    if every:
        return range(1, len(design.landings) + 1)
    hung = (point.landing for point in design.points if point.option in WIRELESS)
    return (min(hung, default=1),)


def _packages(site: SitePlan) -> Table:
    return Table(
        caption="By package, whole life, VAT included as its own lines",
        columns=(Column(heading="Package"), *money_columns()),
        rows=tuple((name, *bounds_of(money)) for name, money in by_package(site.lines()).items()),
        footer=("All", *bounds_of(site.totals.whole_life_gbp + site.totals.vat_gbp)),
        note=_from_networks(site),
    )


def _from_networks(site: SitePlan) -> str:
    """Return how the package of the wings' networks follows from their designs."""
    lines = [line for line in site.lines() if line.package in IN_CELL]
    power_gbp = sum(float(x.cost_gbp.likely) for x in lines if x.item == CELL_POWER)
    package_gbp = sum(float(line.cost_gbp.likely) for line in lines)
    designed_gbp = float(site.design.cost_gbp)
    less_gbp = designed_gbp - (package_gbp - power_gbp)
    sign, amount = ("less" if less_gbp > 0 else "plus"), f"£{abs(less_gbp):,.0f}"
    why = "for what is taken as done, listed fabric and whole pieces"
    beside = f", {sign} {amount} {why}" if abs(less_gbp) >= 1 else ""
    return (
        f"{IN_CELL[0].capitalize()}, likely: £{designed_gbp:,.0f} for the wing networks as "
        f"designed{beside}, plus £{power_gbp:,.0f} for power in cells."
    )


def _bill(plan: Plan, site: SitePlan) -> Table:
    rates = {rate.item: rate for rate in plan.rates}

    def row(line: BillLine) -> tuple[str | float, ...]:
        rate = rates[line.item]
        return (
            line.wing or "site",
            rate.label,
            str(line.phase),
            line.budget,
            line.quantity.likely,
            line.unit,
            line.rate_gbp.likely,
            *bounds_of(line.cost_gbp),
            str(line.grade),
            rate.verified,
            line.basis,
        )

    return Table(
        caption="Every line",
        columns=(
            Column(heading="For"),
            Column(heading="Item"),
            Column(heading="When"),
            Column(heading="Budget"),
            Column(heading="Quantity", kind="exact", help="Likely"),
            Column(heading="Unit"),
            Column(heading="Rate", kind="exact", help="Likely, pounds for each unit"),
            *money_columns(),
            Column(heading="Grade", kind="grade"),
            Column(heading="Rate verified", help="Whether the rate stands in a source we read"),
            Column(heading="Where the quantity is from"),
        ),
        rows=tuple(row(line) for line in site.lines()),
    )


def assumed_words(names: tuple[str, ...]) -> str:
    """Return what was assumed of a wing as a person reads it."""
    words = ", ".join(names).replace("distance_to_comms_m", "distance to the comms room")
    return words or "nothing"


def style_of(rung: Rung) -> str:
    """Return the map style of a rung."""
    return "cabling" if rung == Rung.DATA_CABLING else str(rung)

"""The workbook: every line of the bill, with live formulas from quantity and rate to totals."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from estate.cabling.options import LABELS as OPTION_LABELS
from estate.cautions import cautions, why_not_for_construction
from estate.costing import by_package
from estate.estimate import Money
from estate.plan import dearer_because
from estate.readiness import LABELS
from estate.report.amounts import EXTREMES, bounds_of, money_columns
from estate.report.drawings import layout_of
from reports.document import Column, Sheet, Table, Workbook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.cabling.values import WingDesign
    from estate.plan import Plan, Proof
    from reports.document import Scalar

# Columns of the Bill sheet, for the formulas of the sheet that sums it.
_BILL = ("prison", "wing", "item", "package", "when", "budget", "unit")
_BOUNDS = ("low", "likely", "high")
_QUANTITY, _RATE, _COST = "HIJ", "KLM", "NOP"

PROVEN = (
    "Wing networks are whole life at likely rates, as if no cell were cabled yet; at most the "
    "share proven could be saved within the rules. The bill takes part as done where a source "
    "says so, and adds power in cells."
)


def workbook_of(plan: Plan) -> Workbook:
    """Return the workbook of a plan; its cached values are those of the plan."""
    return Workbook(
        title=plan.title,
        marking=plan.marking,
        sheets=(
            _summary(plan),
            _establishments(plan),
            _ranking(plan),
            _wings(plan),
            _findings(plan),
            _bill(plan),
            _assumptions(plan),
            _rates(plan),
            _typologies(plan),
            _cross_check(plan),
        ),
    )


def _summary(plan: Plan) -> Sheet:
    """Return the cost of each package by what pays for it, as formulas over the bill."""
    lines = [line for site in plan.establishments for line in site.lines()]
    parts = (("capital", "initial"), ("capital", "replacement"), ("resource", "running"))
    rows: list[tuple[Scalar, ...]] = []
    for package, whole in by_package(lines).items():
        likely = [
            Money.total(
                line.cost_gbp
                for line in lines
                if (line.package, line.budget, line.phase) == (package, budget, phase)
            )
            for budget, phase in parts
        ]
        rows.append((package, *(float(money.likely) for money in likely), *bounds_of(whole)))
    formulas = {
        1 + index: f'=SUMIFS(Bill!$O:$O,Bill!$D:$D,$A{{row}},Bill!$F:$F,"{budget}",'
        f'Bill!$E:$E,"{phase}")'
        for index, (budget, phase) in enumerate(parts)
    }
    for index, column in enumerate(_COST):
        formulas[4 + index] = f"=SUMIFS(Bill!${column}:${column},Bill!$D:$D,$A{{row}})"
    return Sheet(
        name="Summary",
        title="Cost by package",
        notes=(EXTREMES, "Every figure is a formula over the sheet Bill."),
        table=Table(
            columns=(
                Column(heading="Package"),
                Column(heading="Capital, first purchase, likely", kind="money"),
                Column(heading="Capital, replacements, likely", kind="money"),
                Column(heading="Resource, likely", kind="money"),
                *money_columns("All"),
            ),
            rows=tuple(rows),
        ),
        formulas=formulas,
        sums=(1, 2, 3, 4, 5, 6),
    )


def _establishments(plan: Plan) -> Sheet:
    rows: list[tuple[Scalar, ...]] = []
    for site in plan.establishments:
        prison, totals = site.prison, site.totals
        rows.append(
            (
                prison.prison_id,
                prison.name,
                LABELS[site.readiness.rung],
                site.readiness.source or None,
                site.readiness.dated or None,
                prison.baseline_cna,
                prison.operational_capacity,
                prison.population,
                prison.capacity_dated,
                site.cells or None,
                site.basis or f"not priced: {site.excluded}",
                *bounds_of(totals.capital_gbp),
                *bounds_of(totals.whole_life_gbp),
                float(totals.vat_gbp.likely),
                *_proof_cells(site.design),
            )
        )
    criteria = 'Bill!$A:$A,$A{row},Bill!$D:$D,"<>VAT"'
    capital = f'{criteria},Bill!$E:$E,"initial",Bill!$F:$F,"capital"'
    formulas = {}
    for index, column in enumerate(_COST):
        formulas[11 + index] = f"=SUMIFS(Bill!${column}:${column},{capital})"
        formulas[14 + index] = f"=SUMIFS(Bill!${column}:${column},{criteria})"
    vat = 'Bill!$A:$A,$A{row},Bill!$D:$D,"VAT"'
    formulas[17] = f"=SUMIFS(Bill!${_COST[1]}:${_COST[1]},{vat})"
    formulas[20] = "=IF(S{row}=0,0,(S{row}-T{row})/S{row})"
    return Sheet(
        name="Establishments",
        title="Every establishment, priced or not",
        notes=(EXTREMES, "Costs are formulas over the sheet Bill; VAT is apart.", PROVEN),
        table=Table(
            columns=(
                Column(heading="Id"),
                Column(heading="Prison"),
                Column(heading="Ready"),
                Column(heading="Evidence"),
                Column(heading="Dated"),
                Column(heading="Baseline CNA", kind="integer"),
                Column(heading="Operational capacity", kind="integer"),
                Column(heading="Population", kind="integer"),
                Column(heading="Capacity as of"),
                Column(heading="Cells", kind="integer"),
                Column(heading="How its cells were counted"),
                *money_columns("Capital"),
                *money_columns("Whole life"),
                Column(heading="VAT, likely", kind="money"),
                *_proof_columns("Wing networks"),
            ),
            rows=tuple(rows),
        ),
        formulas=formulas,
        sums=(9, *range(11, 20), 21),
    )


def _proof_columns(cost: str) -> tuple[Column, ...]:
    return (
        Column(heading=cost, kind="money"),
        Column(heading="No design below", kind="money"),
        Column(heading="Proven within", kind="share"),
        Column(heading="By the first rules", kind="money"),
    )


def _proof_cells(proof: Proof | WingDesign) -> tuple[float, ...]:
    return float(proof.cost_gbp), float(proof.bound_gbp), proof.gap, float(proof.by_rule_gbp)


def _ranking(plan: Plan) -> Sheet:
    terms = [term.term for term in plan.ranking[0].terms] if plan.ranking else []
    return Sheet(
        name="Ranking",
        title="The order of the prisons",
        notes=("The score is the sum of the contributions beside it.",),
        table=Table(
            columns=(
                Column(heading="Rank", kind="integer"),
                Column(heading="Median", kind="integer"),
                Column(heading="P5", kind="integer"),
                Column(heading="P95", kind="integer"),
                Column(heading="Id"),
                Column(heading="Prison"),
                *(Column(heading=name.replace("_", " "), kind="number") for name in terms),
                Column(heading="Score", kind="number"),
            ),
            rows=tuple(
                (
                    r.rank,
                    r.rank_median,
                    *r.rank_range,
                    r.prison_id,
                    r.name,
                    *(t.contribution for t in r.terms),
                    r.score,
                )
                for r in plan.ranking
            ),
        ),
        formulas={6 + len(terms): f"=SUM(G{{row}}:{chr(ord('F') + len(terms))}{{row}})"}
        if terms
        else None,
    )


def _wings(plan: Plan) -> Sheet:
    rows = []
    for site in plan.establishments:
        for wing_plan in site.wings:
            wing, design = wing_plan.wing, plan.designs[wing_plan.design]
            rows.append(
                (
                    wing.prison_id,
                    wing.key,
                    wing.name,
                    wing.shape.typology,
                    len(wing.shape.layout),
                    wing.cells,
                    f"{wing.shape.thickness_mm} mm {wing.shape.material}",
                    str(wing.grade),
                    ", ".join(wing.assumed).replace("_m", "").replace("_", " "),
                    "; ".join(dict.fromkeys(OPTION_LABELS[x.chosen] for x in design.landings)),
                    design.longest_link_m,
                    design.distributor,
                    wing.surveyed_on or None,
                    wing.basis,
                    *_proof_cells(design),
                    why_not_for_construction(plan, wing_plan) or None,
                    layout_of(plan, wing_plan),
                    ", ".join(key for key in wing_plan.block if key != wing.key) or None,
                )
            )
    return Sheet(
        name="Wings",
        title="Every wing; a layout from a typology is typical, not this prison",
        table=Table(
            columns=(
                Column(heading="Prison"),
                Column(heading="Key"),
                Column(heading="Wing"),
                Column(heading="Typology"),
                Column(heading="Landings", kind="integer"),
                Column(heading="Cells", kind="integer"),
                Column(heading="Walls"),
                Column(heading="Grade", kind="grade"),
                Column(heading="Assumed"),
                Column(heading="Chosen"),
                Column(heading="Longest link", kind="number", unit="m"),
                Column(heading="Cabling ends in"),
                Column(heading="Surveyed on"),
                Column(heading="Basis"),
                *_proof_columns("Network"),
                Column(heading="Not for construction, as"),
                Column(heading="Layout"),
                Column(heading="Designed as one with"),
            ),
            rows=tuple(rows),
        ),
        formulas={16: "=IF(O{row}=0,0,(O{row}-P{row})/O{row})"},
        sums=(4, 5, 14, 15, 17),
    )


def _findings(plan: Plan) -> Sheet:
    """Return why wings are dearer than by the first rules, and what is to be checked in each."""
    wings: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for site in plan.establishments:
        for wing_plan in site.wings:
            design = plan.designs[wing_plan.design]
            found = [("dearer than by rule", dearer_because(design))]
            found += [("to be checked", words) for words in cautions(plan, design)]
            for kind, words in found:
                if words:
                    wings[site.prison.prison_id, kind, words].append(wing_plan.wing.key)
    return Sheet(
        name="Findings",
        title="Which wings are dearer than by the first rules, and what is to be checked",
        table=Table(
            columns=tuple(Column(heading=h) for h in ("Prison", "Wings", "Finding", "In words")),
            rows=tuple(
                (prison_id, ", ".join(keys), kind, words)
                for (prison_id, kind, words), keys in wings.items()
            ),
        ),
    )


def _bill(plan: Plan) -> Sheet:
    formulas = {
        13 + index: f"=ROUND({_QUANTITY[index]}{{row}}*{_RATE[index]}{{row}},2)"
        for index in range(3)
    }
    for column, rate in zip(range(10, 13), "EFG", strict=True):
        looked_up = f"INDEX(Rates!${rate}:${rate},MATCH($C{{row}},Rates!$A:$A,0))"
        formulas[column] = f"={looked_up}"
    return Sheet(
        name="Bill",
        title="The bill of quantities: every line of every prison",
        notes=(
            (
                "Cost is quantity times rate; rates are looked up on the sheet Rates. All other "
                "totals are sums of these lines."
            ),
            (
                "Preliminaries, evaluation and VAT are shares of sums as the plan had them: after "
                "a change of rates, plan anew."
            ),
        ),
        table=Table(
            columns=(
                *(Column(heading=name.capitalize()) for name in _BILL),
                *(
                    Column(heading=f"Quantity {b}", kind="number")
                    for b in ("low", "likely", "high")
                ),
                *(Column(heading=f"Rate {b}", kind="number") for b in ("low", "likely", "high")),
                *money_columns("Cost"),
                Column(heading="Grade", kind="grade"),
                Column(heading="Where the quantity is from"),
            ),
            rows=tuple(_bill_rows(plan)),
        ),
        formulas=formulas,
        sums=(13, 14, 15),
    )


def _bill_rows(plan: Plan) -> Iterator[tuple[Scalar, ...]]:
    for site in plan.establishments:
        for line in site.lines():
            yield (
                site.prison.prison_id,
                line.wing or None,
                line.item,
                line.package,
                str(line.phase),
                line.budget,
                line.unit,
                *line.quantity.as_tuple(),
                *line.rate_gbp.as_tuple(),
                *bounds_of(line.cost_gbp),
                str(line.grade),
                line.basis,
            )


def _assumptions(plan: Plan) -> Sheet:
    return Sheet(
        name="Assumptions",
        title="Numbers that no source settles",
        notes=("A record of what this plan used; changing it here changes nothing elsewhere.",),
        table=Table(
            columns=(
                Column(heading="Assumption"),
                *(Column(heading=name, kind="number") for name in ("Low", "Likely", "High")),
                *(Column(heading=h) for h in ("Unit", "Meaning", "Source", "Dated", "Verified")),
            ),
            rows=tuple(
                (a.key, *a.value.as_tuple(), a.unit, a.meaning, a.source, a.dated, a.verified)
                for a in plan.assumptions
            ),
        ),
    )


def _rates(plan: Plan) -> Sheet:
    return Sheet(
        name="Rates",
        title="Every rate with its source; none is a quote",
        table=Table(
            columns=(
                *(Column(heading=h) for h in ("Item", "Label", "Package", "Unit")),
                *(Column(heading=name, kind="number") for name in ("Low", "Likely", "High")),
                *(Column(heading=h) for h in ("Price base", "Budget", "VAT")),
                Column(heading="Life", kind="integer", unit="years"),
                *(Column(heading=h) for h in ("Source", "Verified")),
            ),
            rows=tuple(
                (
                    r.item,
                    r.label,
                    r.package,
                    r.unit,
                    *r.rate.as_tuple(),
                    r.price_base,
                    r.budget,
                    r.vat,
                    r.life_years,
                    r.source,
                    r.verified,
                )
                for r in plan.rates
            ),
        ),
    )


def _typologies(plan: Plan) -> Sheet:
    return Sheet(
        name="Typologies",
        title="Dimensions of typical wings; typical, not this prison",
        table=Table(
            columns=(
                *(Column(heading=h) for h in ("Typology", "What", "Value")),
                *(Column(heading=h, kind="number") for h in ("Low", "High")),
                *(Column(heading=h) for h in ("Unit", "Meaning", "Source", "Verified")),
            ),
            rows=tuple(
                (
                    f.typology,
                    f.name,
                    f.value,
                    f.low,
                    f.high,
                    f.unit,
                    f.meaning,
                    f.source,
                    f.verified,
                )
                for f in plan.typologies
            ),
        ),
    )


def _cross_check(plan: Plan) -> Sheet:
    check = plan.cross_check
    ours = (
        ("Wingspan, cells that start anew", check.new_work_gbp),
        ("Wingspan, all cells", check.all_cells_gbp),
    )
    return Sheet(
        name="Cross-check",
        title="In-cell cost beside published figures",
        notes=check.explanation,
        table=Table(
            columns=(
                Column(heading="Figure"),
                Column(heading="Per"),
                Column(heading="Currency"),
                *(Column(heading=name, kind="number") for name in ("Low", "Likely", "High")),
                Column(heading="What"),
                Column(heading="Source"),
            ),
            rows=(
                *(
                    (label, "cell", "GBP", *bounds_of(money), "this plan", None)
                    for label, money in ours
                ),
                *(
                    (p.label, p.per, p.currency, *p.cost.as_tuple(), p.what, p.source)
                    for p in check.published
                ),
            ),
        ),
    )

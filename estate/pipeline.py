"""From the inputs of a workspace to a plan, in one pure pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from estate.catalogue import Assumptions, Rate
from estate.costing import BillLine, bill_of_site, bill_of_wing, is_local, totals
from estate.crosscheck import cross_check
from estate.design import RULES, Catalogue, WingDesign, design_wing
from estate.errors import InputError, Problem
from estate.model import Establishment, WingRecord, WingShape
from estate.parallel import Workers, mapped
from estate.plan import SCHEMA, Plan, SitePlan, WingPlan, shape_id
from estate.portfolio import Case, rank, without_effect
from estate.readiness import readiness_of, what_the_register_shows
from estate.sizing import Sizing, size
from estate.sources.catalogue import read_assumptions, read_rates
from estate.sources.register import read_register
from estate.sources.table import scan_table
from estate.sources.wings import read_wings
from estate.tables import REGISTER, WINGS
from estate.typology import read_typologies

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from estate.workspace import Settings, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that a plan is made from."""

    establishments: tuple[Establishment, ...]
    wings: tuple[WingRecord, ...]
    assumptions: Assumptions
    rates: Mapping[str, Rate]
    sha256: dict[str, str]


def read_inputs(workspace: Workspace) -> Inputs:
    """Return the inputs of a workspace.

    Raises
    ------
    InputError
        When any input has a fault; the faults of all files are listed together.
    """
    folder = workspace.inputs
    problems: list[Problem] = []
    establishments: tuple[Establishment, ...] = ()
    wings: tuple[WingRecord, ...] = ()
    assumptions, rates = Assumptions({}), dict[str, Rate]()
    try:
        establishments = read_register(folder / "register.csv")
    except InputError as error:
        problems += _named(error, "register.csv")
    try:
        known = [p.prison_id for p in establishments] or _ids_despite_faults(folder)
        wings = read_wings(folder / "wings.csv", known=known)
    except InputError as error:
        problems += _named(error, "wings.csv")
    try:
        assumptions = read_assumptions(folder / "assumptions.csv")
    except InputError as error:
        problems += _named(error, "assumptions.csv")
    try:
        rates = dict(read_rates(folder / "rates.csv"))
    except InputError as error:
        problems += _named(error, "rates.csv")
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{count} in the inputs of {workspace.root}", problems=problems)
    return Inputs(
        establishments=establishments,
        wings=wings,
        assumptions=assumptions,
        rates=rates,
        sha256=workspace.hashes(),
    )


def make_plan(inputs: Inputs, settings: Settings, workers: Workers | None = None) -> Plan:
    """Return the plan of the inputs; how many workers make it changes nothing in it."""
    catalogue = Catalogue(
        rates=inputs.rates,
        assumptions=inputs.assumptions,
        appraisal_years=settings.appraisal_years,
    )
    sizings = _sized(inputs)
    designs = _designed(sizings.values(), catalogue, workers or Workers())
    sites = tuple(
        _site(prison, sizings[prison.prison_id], designs, catalogue)
        for prison in sorted(inputs.establishments, key=lambda p: p.prison_id)
    )
    lines = [line for site in sites for line in site.lines()]
    ranking = rank(
        [_case(site) for site in sites if not site.excluded],
        weights=settings.weights,
        assumptions=inputs.assumptions,
        seed=settings.seed,
        draws=settings.draws,
    )
    return Plan(
        schema=SCHEMA,
        plan_id="",
        marking=settings.marking,
        seed=settings.seed,
        draws=settings.draws,
        appraisal_years=settings.appraisal_years,
        weights=dict(settings.weights),
        inputs_sha256=inputs.sha256,
        totals=totals(lines),
        cross_check=cross_check(sites, inputs.rates),
        ranking=ranking,
        terms_without_effect=without_effect(ranking),
        notes=(what_the_register_shows(inputs.establishments),),
        rules=RULES,
        establishments=sites,
        designs={shape_id(shape): design for shape, design in designs.items()},
        assumptions=tuple(inputs.assumptions),
        rates=tuple(inputs.rates.values()),
    ).named()


def _named(error: InputError, file: str) -> Sequence[Problem]:
    if error.problems:
        return error.problems
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    return (Problem(file, "", f"{error}{cause}", error.hint or "see CONTRIBUTING.md"),)


def _ids_despite_faults(folder: Path) -> list[str]:
    """Return the ids of a register with faults, so that they do not hide those of the wings.

    Where the register cannot be read at all, every prison of the schedule counts as known.
    """
    for name, table in (("register.csv", REGISTER), ("wings.csv", WINGS)):
        try:
            return [row.text("prison_id") for row in scan_table(folder / name, table).rows]
        except InputError:
            continue
    return []


def _sized(inputs: Inputs) -> dict[str, Sizing]:
    records: defaultdict[str, list[WingRecord]] = defaultdict(list)
    for record in inputs.wings:
        records[record.prison_id].append(record)
    typologies = read_typologies()
    return {
        prison.prison_id: size(
            prison,
            records[prison.prison_id],
            typologies=typologies,
            assumptions=inputs.assumptions,
        )
        for prison in inputs.establishments
    }


def _designed(
    sizings: Iterable[Sizing], catalogue: Catalogue, workers: Workers
) -> dict[WingShape, WingDesign]:
    """Design each shape once, however many wings have it."""
    found = {shape_id(wing.shape): wing.shape for s in sizings for wing in s.wings}
    shapes = [found[name] for name in sorted(found)]
    designs = mapped(design_wing, [(shape, catalogue) for shape in shapes], workers)
    return dict(zip(shapes, designs, strict=True))


def _site(
    prison: Establishment,
    sizing: Sizing,
    designs: Mapping[WingShape, WingDesign],
    catalogue: Catalogue,
) -> SitePlan:
    readiness = readiness_of(prison)
    plans = tuple(
        WingPlan(
            wing=wing,
            design=shape_id(wing.shape),
            bill=bill_of_wing(wing, designs[wing.shape], rung=readiness.rung, catalogue=catalogue),
        )
        for wing in sizing.wings
    )
    wing_lines = [line for plan in plans for line in plan.bill]
    bill: tuple[BillLine, ...] = ()
    if plans:
        bill = bill_of_site(
            prison,
            sizing.wings,
            wing_lines=wing_lines,
            rung=readiness.rung,
            catalogue=catalogue,
        )
    return SitePlan(
        prison=prison,
        readiness=readiness,
        excluded=sizing.excluded,
        basis=sizing.basis,
        notes=sizing.notes,
        wings=plans,
        bill=bill,
        totals=totals([*wing_lines, *bill]),
        survey_would_narrow_gbp=_narrowed_gbp([*wing_lines, *bill]),
    )


def _narrowed_gbp(lines: Iterable[BillLine]) -> Decimal:
    """Return the spread that comes from quantities of the site itself, at likely rates.

    Shares of other lines, such as preliminaries and VAT, would narrow with it and are left out.
    """
    spread = sum(
        (
            Decimal(repr(line.quantity.high - line.quantity.low))
            * Decimal(repr(line.rate_gbp.likely))
            for line in lines
            if is_local(line)
        ),
        Decimal(0),
    )
    return spread.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _case(site: SitePlan) -> Case:
    return Case(
        prison=site.prison,
        readiness=site.readiness,
        cells=site.cells,
        grade=max(plan.wing.grade for plan in site.wings),
        capital_gbp=site.totals.capital_gbp,
        whole_life_gbp=site.totals.whole_life_gbp,
        bill=tuple(site.lines()),
    )

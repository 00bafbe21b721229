"""From the inputs of a workspace to a plan, in one pure pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING

from estate.backbone import Backbone, backbone_of, rooms_of
from estate.cabling.cache import DesignCache, design_catalogue
from estate.cabling.values import WingDesign
from estate.catalogue import Assumption, Assumptions, Catalogue, Rate
from estate.cautions import level_words
from estate.costing import BillLine, bill_of_site, bill_of_wing, is_local, totals
from estate.crosscheck import cross_check
from estate.design import RULES
from estate.errors import InputError, NoPlanError, Problem
from estate.model import Establishment, WingRecord
from estate.parallel import Workers, mapped
from estate.plan import SCHEMA, Plan, Proof, SitePlan, WingPlan
from estate.portfolio import Case, rank, without_effect
from estate.problems import Task, Wings, names_of, no_plan, tasks_of
from estate.readiness import readiness_of, what_the_register_shows
from estate.sizing import Sizing, size
from estate.sources.calibrations import read_calibrations, replacing
from estate.sources.catalogue import read_assumptions, read_rates
from estate.sources.register import read_register
from estate.sources.survey import Survey
from estate.sources.table import scan_table
from estate.sources.wings import read_wings
from estate.survey import SURVEY_RULES, ground_of, read_survey
from estate.tables import REGISTER, WINGS
from estate.typology import read_typologies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
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
    surveys: Mapping[str, Survey] = field(default_factory=dict)
    measured: Mapping[str, tuple[Assumption, ...]] = field(default_factory=dict)

    def assumptions_of(self, prison_id: str) -> Assumptions:
        """Return what is assumed of a prison, with what was measured there in its place."""
        return self.assumptions.with_measured(replacing(self.measured.get(prison_id, ())))

    @property
    def fitted(self) -> Mapping[str, tuple[Assumption, ...]]:
        """Return what was measured that designs use, by prison."""
        found = {prison_id: replacing(each) for prison_id, each in self.measured.items()}
        return {prison_id: each for prison_id, each in found.items() if each}


@dataclass(frozen=True, slots=True, kw_only=True)
class Designing:
    """Where designs are kept, if anywhere, and whom to tell what share of those to make is made."""

    cache: DesignCache | None = None
    advance: Callable[[float], None] = lambda _share: None


def read_inputs(workspace: Workspace, *, surveys: bool = True) -> Inputs:
    """Return the inputs of a workspace, its surveys left out where they are not asked for.

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
    known = [p.prison_id for p in establishments]
    measured: Mapping[str, tuple[Assumption, ...]] = {}
    try:
        path = folder / "calibrations.csv"
        measured = read_calibrations(path, known=known, assumptions=assumptions)
    except InputError as error:
        problems += _named(error, "calibrations.csv")
    found = _surveys(workspace, known, problems) if surveys else {}
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{count} in the inputs of {workspace.root}", problems=problems)
    return Inputs(
        establishments=establishments,
        wings=wings,
        assumptions=assumptions,
        rates=rates,
        sha256=workspace.hashes(),
        surveys=found,
        measured=measured,
    )


def make_plan(
    inputs: Inputs,
    settings: Settings,
    workers: Workers | None = None,
    designing: Designing | None = None,
) -> Plan:
    """Return the plan of the inputs; how many workers make it changes nothing in it.

    Raises
    ------
    NoPlanError
        When wings have no design within the rules; it names every one.
    """
    catalogue = Catalogue(
        rates=inputs.rates,
        assumptions=inputs.assumptions,
        appraisal_years=settings.appraisal_years,
        backbone_ways=settings.backbone_ways,
    )
    wings = Wings(sizings=sizings_of(inputs))
    for prison_id, survey in sorted(inputs.surveys.items()):
        wings = wings.with_survey(survey, prison_id, catalogue)
    names = names_of(wings, inputs.fitted)
    tasks = tasks_of(wings, inputs.fitted, _catalogues(inputs, catalogue))
    designs = _designed(tasks, workers or Workers(), designing or Designing())
    sites = tuple(
        _site(prison, inputs, wings, designs, names, catalogue=catalogue)
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
        program=version("wingspan"),
        title=settings.title,
        marking=settings.marking,
        seed=settings.seed,
        draws=settings.draws,
        appraisal_years=settings.appraisal_years,
        backbone_ways=settings.backbone_ways,
        weights=dict(settings.weights),
        inputs_sha256=inputs.sha256,
        totals=totals(lines),
        cross_check=cross_check(sites, inputs.rates),
        ranking=ranking,
        terms_without_effect=without_effect(ranking),
        notes=(what_the_register_shows(inputs.establishments),),
        rules=(*RULES, *(SURVEY_RULES if wings.networks else ())),
        establishments=sites,
        designs=designs,
        assumptions=(*inputs.assumptions, *_measured(inputs)),
        rates=tuple(inputs.rates.values()),
        typologies=tuple(
            fact for typology in read_typologies().values() for fact in typology.facts
        ),
        networks={names[key]: network for key, network in sorted(wings.networks.items())},
    ).named()


def _catalogues(inputs: Inputs, catalogue: Catalogue) -> dict[str, Catalogue]:
    """Return what the designs of each prison are priced and ruled by."""
    return {
        prison.prison_id: design_catalogue(
            replace(catalogue, assumptions=inputs.assumptions_of(prison.prison_id))
        )
        for prison in inputs.establishments
    }


def _measured(inputs: Inputs) -> Iterator[Assumption]:
    """Yield what was measured in each prison, named after assumption and prison."""
    for prison_id, found in sorted(inputs.measured.items()):
        for each in found:
            meaning = f"{each.meaning}; as measured in {prison_id}"
            yield replace(each, key=f"{each.key}.{prison_id}", meaning=meaning)


def _surveys(
    workspace: Workspace, prison_ids: Collection[str], problems: list[Problem]
) -> dict[str, Survey]:
    """Return the surveys of a workspace by prison, adding what is wrong with them."""
    surveys = {}
    for path in workspace.surveys():
        if prison_ids and path.stem not in prison_ids:
            what = f"it is named after {path.stem}, which is no prison of the register"
            problems.append(Problem(f"surveys/{path.name}", "", what, "delete or rename it"))
            continue
        try:
            surveys[path.stem] = read_survey(path, known=[path.stem])
        except InputError as error:
            problems += _named(error, path.name)
    return surveys


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


def sizings_of(inputs: Inputs) -> dict[str, Sizing]:
    """Return the wings of each prison as register and schedule have them, surveys aside."""
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
    tasks: Sequence[Task], workers: Workers, designing: Designing
) -> dict[str, WingDesign]:
    """Design each shape, surveyed network and block once, however many wings have it.

    Raises
    ------
    NoPlanError
        When some have no design; it names all of them, and the designs of the others are kept.
    """
    cache, designs, left = designing.cache, dict[str, WingDesign](), list[Task]()
    for task in tasks:
        kept = task.kept_in(cache) if cache else None
        if kept is None:
            left.append(task)
        else:
            designs |= zip(task.names, kept, strict=True)
    left.sort(key=lambda task: -task.cells)  # No worker begins the longest when others are done.

    def made(place: int, found: tuple[WingDesign, ...] | NoPlanError) -> None:
        if cache and not isinstance(found, NoPlanError):
            left[place].keep(found, cache)
        designing.advance(1 / len(left))

    refused: list[tuple[Task, NoPlanError]] = []
    answers = mapped(Task.attempt, [(task,) for task in left], workers, made)
    for task, found in zip(left, answers, strict=True):
        if isinstance(found, NoPlanError):
            refused.append((task, found))
        else:
            designs |= zip(task.names, found, strict=True)
    if refused:
        raise no_plan(refused)
    return dict(sorted(designs.items()))


def _backbone(
    survey: Survey,
    plans: Iterable[WingPlan],
    wings: Wings,
    designs: Mapping[str, WingDesign],
    catalogue: Catalogue,
) -> Backbone | None:
    """Return the backbone of a surveyed prison, None where its survey draws no ground."""
    found = {
        plan.wing.wing: (designs[plan.design], wings.networks[plan.wing.key])
        for plan in plans
        if plan.wing.key in wings.networks
    }
    return backbone_of(ground_of(survey), rooms_of(found), catalogue)


def _site(  # noqa: PLR0913 - what a prison's part is made from, each by name
    prison: Establishment,
    inputs: Inputs,
    wings: Wings,
    designs: Mapping[str, WingDesign],
    names: Mapping[str, str],
    *,
    catalogue: Catalogue,
) -> SitePlan:
    """Return a prison's part of the plan; `names` gives a wing's key the name of its design."""
    survey = inputs.surveys.get(prison.prison_id)
    sizing = wings.sizings[prison.prison_id]
    readiness = readiness_of(prison, sizing.wings)
    plans = tuple(
        WingPlan(
            wing=wing,
            design=names[wing.key],
            bill=bill_of_wing(
                wing, designs[names[wing.key]], rung=readiness.rung, catalogue=catalogue
            ),
            block=wings.blocks[wing.key].keys if wing.key in wings.blocks else (),
            together=wings.because.get(wing.key, ""),
        )
        for wing in sizing.wings
    )
    wing_lines = [line for plan in plans for line in plan.bill]
    backbone = _backbone(survey, plans, wings, designs, catalogue) if survey and plans else None
    bill: tuple[BillLine, ...] = ()
    if plans:
        bill = bill_of_site(
            prison,
            sizing.wings,
            wing_lines=wing_lines,
            rung=readiness.rung,
            catalogue=catalogue,
            backbone=backbone,
        )
    return SitePlan(
        prison=prison,
        readiness=readiness,
        excluded=sizing.excluded,
        basis=sizing.basis,
        notes=(*sizing.notes, *_level(prison, inputs)),
        wings=plans,
        bill=bill,
        totals=totals([*wing_lines, *bill]),
        survey_would_narrow_gbp=_narrowed_gbp([*wing_lines, *bill]),
        design=Proof.of(designs[plan.design] for plan in plans),
        backbone=backbone,
    )


def _level(prison: Establishment, inputs: Inputs) -> tuple[str, ...]:
    """Return a note where signal measured in a prison is not as it is assumed."""
    said = level_words(
        inputs.measured.get(prison.prison_id, ()),
        margin_db=inputs.assumptions["radio_margin_db"].likely,
    )
    return (said,) if said else ()


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
        wings=tuple(plan.wing for plan in site.wings),
    )

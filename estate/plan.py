"""The plan: an immutable value, named by its content, from which every report is made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from estate.backbone import Backbone
from estate.cabling.values import BuiltDistributor, ItemDifference, WingDesign
from estate.catalogue import Assumption, Published, Rate
from estate.costing import BillLine, Totals
from estate.errors import InputError
from estate.estimate import Money
from estate.model import Establishment, Network, Wing, WingShape
from estate.portfolio import Ranked
from estate.readiness import Readiness
from estate.typology import TypologyFact, lay_out
from reports.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SCHEMA = 1

_ITEMS_NAMED = 3  # Of those that make a design dearer; the plan has all.
_STOPS = ("optimal", "gap", "effort", "time_cap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the designs of some wings cost, and what no design within the rules costs less than.

    `cost_gbp` is the likely whole-life cost of their networks before any share of the site, and
    `gap` how much of it could be saved at most. `stopped_by` is why the search ended where it
    proved the least: optimal, gap, effort or time_cap. `by_rule_gbp` is what the rules of the
    first plan would have built, at the same rates.
    """

    cost_gbp: Decimal
    bound_gbp: Decimal
    gap: float
    stopped_by: str
    by_rule_gbp: Decimal

    @classmethod
    def of(cls, designs: Iterable[WingDesign]) -> Proof:
        """Return the proof of wings that stand apart: their costs and their bounds add up."""
        found = list(designs)
        cost_gbp = sum((d.cost_gbp for d in found), Decimal(0))
        bound_gbp = sum((d.bound_gbp for d in found), Decimal(0))
        return cls(
            cost_gbp=cost_gbp,
            bound_gbp=bound_gbp,
            gap=round(float((cost_gbp - bound_gbp) / cost_gbp), 6) if cost_gbp else 0.0,
            stopped_by=max((d.stopped_by for d in found), key=_STOPS.index, default="optimal"),
            by_rule_gbp=sum((d.by_rule_gbp for d in found), Decimal(0)),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the proof as JSON shows it."""
        return {
            "cost_gbp": float(self.cost_gbp),
            "bound_gbp": float(self.bound_gbp),
            "gap": self.gap,
            "stopped_by": self.stopped_by,
            "by_rule_gbp": float(self.by_rule_gbp),
        }


def dearer_because(design: WingDesign) -> str:
    """Return why a design costs more than the first rules said, "" where it does not.

    That is which rules of the design these broke, and by how much; which items the money is for;
    and what of it a better search could save at most.
    """
    if design.dearer is None:
        return ""
    more_gbp = float(design.cost_gbp - design.by_rule_gbp)
    broken = "; they ".join(design.dearer.broken) or "broke no rule that is checked"
    dearest = [d for d in design.dearer.items if d.cost_gbp > 0][:_ITEMS_NAMED]
    less_gbp = -sum(float(d.cost_gbp) for d in design.dearer.items if d.cost_gbp < 0)
    named = ", ".join(f"{_amount(d)} (£{d.cost_gbp:,.0f})" for d in dearest)
    less = f", and spends £{less_gbp:,.0f} less on other items" if less_gbp >= 1 else ""
    saved_gbp = min(float(design.cost_gbp - design.bound_gbp), more_gbp)
    search = (
        f". A longer search could save at most £{saved_gbp:,.0f} of it" if saved_gbp >= 1 else ""
    )
    return (
        f"£{more_gbp:,.0f} dearer than by the first rules, which {broken}. "
        f"The design buys more of these: {named}{less}{search}"
    )


def _amount(difference: ItemDifference) -> str:
    """Return a quantity of an item as a sentence has it, by the first words of its label."""
    label = difference.label.partition(",")[0]
    if difference.unit == "m":
        return f"{difference.more:,.0f} m of {label}"
    return f"{difference.more:,.0f} x {label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WingPlan:
    """A wing with the lines of the bill that are its own; `design` names its shape's design.

    `block` has the location keys of the wings that were designed as one with it, itself included,
    and is empty for a wing alone. `together` says of a wing whose containment meets that of others
    with which it is one problem, and why.
    """

    wing: Wing
    design: str
    bill: tuple[BillLine, ...]
    block: tuple[str, ...] = ()
    together: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePlan:
    """A prison in the plan. `excluded` is why it is not sized and priced, empty where it is.

    `survey_would_narrow_gbp` is the part of the whole-life range that rests on quantities of
    this site, at likely rates: what a survey could take away. `design` is how good the designs of
    its wings are together. `backbone` is the fibre between buildings where a survey draws the
    ground, None where its lengths are assumed.
    """

    prison: Establishment
    readiness: Readiness
    excluded: str
    basis: str
    notes: tuple[str, ...]
    wings: tuple[WingPlan, ...]
    bill: tuple[BillLine, ...]
    totals: Totals
    survey_would_narrow_gbp: Decimal
    design: Proof
    backbone: Backbone | None = None

    @property
    def cells(self) -> int:
        """Return the cells of all wings."""
        return sum(plan.wing.cells for plan in self.wings)

    @property
    def landings(self) -> int:
        """Return the landings of all wings."""
        return sum(len(plan.wing.shape.layout) for plan in self.wings)

    def lines(self) -> Iterator[BillLine]:
        """Yield every line of the prison's bill, wing by wing and then the site's own."""
        for plan in self.wings:
            yield from plan.bill
        yield from self.bill


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """Our initial in-cell cost per cell beside what the world has published.

    `new_work` leaves out prisons where part of the cabling is taken as done, which the published
    figures do not have.
    """

    all_cells_gbp: Money
    new_work_gbp: Money
    new_work_cells: int
    published: tuple[Published, ...]
    explanation: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to build where, in which order and at what cost, and everything it rests on.

    `backbone_ways` is how many ways of fibre each building has from the core.
    `networks` holds that of each surveyed design, in EPSG:27700.
    """

    schema: int
    plan_id: str
    program: str
    title: str
    marking: str
    seed: int
    draws: int
    appraisal_years: int
    backbone_ways: int
    weights: dict[str, float]
    inputs_sha256: dict[str, str]
    totals: Totals
    cross_check: CrossCheck
    ranking: tuple[Ranked, ...]
    terms_without_effect: tuple[str, ...]
    notes: tuple[str, ...]
    rules: tuple[str, ...]
    establishments: tuple[SitePlan, ...]
    designs: dict[str, WingDesign]
    assumptions: tuple[Assumption, ...]
    rates: tuple[Rate, ...]
    typologies: tuple[TypologyFact, ...]
    networks: dict[str, Network] = field(default_factory=dict)

    @property
    def cells(self) -> int:
        """Return the cells of all establishments."""
        return sum(site.cells for site in self.establishments)

    @property
    def landings(self) -> int:
        """Return the landings of all establishments."""
        return sum(site.landings for site in self.establishments)

    def named(self) -> Plan:
        """Return the plan with the `plan_id` that its content gives it."""
        content = _encoded(replace(self, plan_id=""))
        return replace(self, plan_id=sha256(content).hexdigest()[:12])

    def network_of(self, wing_plan: WingPlan) -> Network:
        """Return the network of a wing: as surveyed, else as its typology lays it out."""
        surveyed = self.networks.get(wing_plan.design)
        return lay_out(wing_plan.wing.shape) if surveyed is None else surveyed

    def landings_of(self, wing_plan: WingPlan) -> dict[str, int]:
        """Return the landing of each cell of a wing, 1 for the lowest, by its key in the design.

        An access point may hang on another landing than the cells that it serves.
        """
        return {
            space.location_key or space.space_id: space.floor + 1
            for space in self.network_of(wing_plan).spaces
            if space.kind == "cell"
        }

    def distributors_of(self, wing_plan: WingPlan) -> list[tuple[str, BuiltDistributor]]:
        """Return the distributors that stand in a wing, and those in which its cables end.

        Each with the key of its wing, the wing's own first.
        """
        design, key = self.designs[wing_plan.design], wing_plan.wing.key
        used = {(point.distributor_wing, point.distributor) for point in design.points}
        site = self.site(wing_plan.wing.prison_id)
        return [(key, each) for each in design.distributors] + [
            (other.wing.key, each)
            for other in (site.wings if site else ())
            for each in self.designs[other.design].distributors
            if (other.wing.key, each.name) in used
        ]

    @property
    def design(self) -> Proof:
        """Return how good the designs of all wings are together."""
        return Proof.of(
            self.designs[wing.design] for site in self.establishments for wing in site.wings
        )

    def is_measured(self, prison_id: str) -> bool:
        """Return whether signal was measured in the walls of a prison's survey."""
        return any(
            each.key.endswith(f".{prison_id}") and each.verified == "yes"
            for each in self.assumptions
        )

    def site(self, prison_id: str) -> SitePlan | None:
        """Return the prison of that id, or None."""
        return next((s for s in self.establishments if s.prison.prison_id == prison_id), None)


def shape_id(shape: WingShape) -> str:
    """Return a name for a shape that changes when, and only when, the shape does."""
    return sha256(_encoded(shape)).hexdigest()[:10]


def write_plan(plan: Plan, path: Path) -> None:
    """Write a plan as JSON, aside and then renamed; the same plan gives the same bytes."""
    write_text(path, msgspec.json.format(_encoded(plan), indent=1).decode() + "\n")


def read_plan(path: Path) -> Plan:
    """Return the plan of a file.

    Raises
    ------
    InputError
        When the file is missing, is not a plan of this schema, or does not match its plan_id.
    """
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    except OSError as error:
        hint = "wingspan -C DIR estate plan writes one"
        raise InputError(f"cannot read {path}", hint=hint) from error
    except msgspec.MsgspecError as error:
        raise InputError(f"{path} is not a plan", hint="make it anew: estate plan") from error
    if plan.schema != SCHEMA or plan.named().plan_id != plan.plan_id:
        raise InputError(
            f"{path} has been changed since it was made, or is of another version",
            hint="make it anew: estate plan",
        )
    return plan


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of plan.json."""
    schema = _decimals_as_numbers(msgspec.json.schema(Plan))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def summary(plan: Plan, files: dict[str, str]) -> dict[str, Any]:
    """Return what `estate plan --json` answers."""
    return {
        "schema": SCHEMA,
        "plan_id": plan.plan_id,
        "establishments": len(plan.establishments),
        "priced": len(plan.ranking),
        "excluded": [
            {"prison_id": s.prison.prison_id, "name": s.prison.name, "reason": s.excluded}
            for s in plan.establishments
            if s.excluded
        ],
        "landings": plan.landings,
        "cells": plan.cells,
        "capital_gbp": plan.totals.capital_gbp.as_json(),
        "whole_life_cost_gbp": plan.totals.whole_life_gbp.as_json(),
        "vat_gbp": plan.totals.vat_gbp.as_json(),
        "cost_per_cell_gbp": plan.totals.capital_gbp.per(plan.cells).as_json(),
        "in_cell_cost_per_cell_gbp": plan.cross_check.new_work_gbp.as_json(),
        "appraisal_years": plan.appraisal_years,
        "design": plan.design.as_json(),
        "files": files,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteChange:
    """How one prison differs between two plans; None where a plan does not rank it."""

    prison_id: str
    name: str
    cells: tuple[int, int]
    rank: tuple[int | None, int | None]
    capital_change_gbp: Decimal
    whole_life_change_gbp: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changed from one plan to another, and what that costs at likely values."""

    before: str
    after: str
    inputs_changed: tuple[str, ...]
    settings_changed: tuple[str, ...]
    assumptions_changed: tuple[str, ...]
    rates_changed: tuple[str, ...]
    capital_change_gbp: Decimal
    whole_life_change_gbp: Decimal
    establishments: tuple[SiteChange, ...]


def compare(before: Plan, after: Plan) -> Comparison:
    """Return the differences; two equal plans have none."""
    settings = (
        "program",
        "title",
        "marking",
        "seed",
        "draws",
        "appraisal_years",
        "backbone_ways",
        "weights",
    )
    inputs = sorted(before.inputs_sha256.keys() | after.inputs_sha256.keys())
    ids = sorted({s.prison.prison_id for p in (before, after) for s in p.establishments})
    changes = (_site_change(prison_id, before, after) for prison_id in ids)
    return Comparison(
        before=before.plan_id,
        after=after.plan_id,
        inputs_changed=tuple(
            n for n in inputs if before.inputs_sha256.get(n) != after.inputs_sha256.get(n)
        ),
        settings_changed=tuple(s for s in settings if getattr(before, s) != getattr(after, s)),
        assumptions_changed=_changed(
            {a.key: a for a in before.assumptions}, {a.key: a for a in after.assumptions}
        ),
        rates_changed=_changed({r.item: r for r in before.rates}, {r.item: r for r in after.rates}),
        capital_change_gbp=after.totals.capital_gbp.likely - before.totals.capital_gbp.likely,
        whole_life_change_gbp=(
            after.totals.whole_life_gbp.likely - before.totals.whole_life_gbp.likely
        ),
        establishments=tuple(c for c in changes if c is not None),
    )


def _changed(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    names = sorted(before.keys() | after.keys())
    return tuple(name for name in names if before.get(name) != after.get(name))


def _site_change(prison_id: str, before: Plan, after: Plan) -> SiteChange | None:
    sites = [plan.site(prison_id) for plan in (before, after)]
    ranks = [
        next((r.rank for r in plan.ranking if r.prison_id == prison_id), None)
        for plan in (before, after)
    ]
    if sites[0] == sites[1] and ranks[0] == ranks[1]:
        return None
    capital = [s.totals.capital_gbp.likely if s else Decimal(0) for s in sites]
    whole = [s.totals.whole_life_gbp.likely if s else Decimal(0) for s in sites]
    return SiteChange(
        prison_id=prison_id,
        name=next(s.prison.name for s in sites if s),
        cells=(sites[0].cells if sites[0] else 0, sites[1].cells if sites[1] else 0),
        rank=(ranks[0], ranks[1]),
        capital_change_gbp=capital[1] - capital[0],
        whole_life_change_gbp=whole[1] - whole[0],
    )


def _encoded(value: object) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def _decimals_as_numbers(schema: Any) -> Any:
    """Return a schema that describes Decimals as the plan writes them; msgspec says text."""
    if isinstance(schema, list | tuple):
        return [_decimals_as_numbers(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {"type": "number"}
    return {name: _decimals_as_numbers(part) for name, part in schema.items()}

"""The pages that the others rest on: assumptions, rates and method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.cabling.rules import read_rules
from estate.report.prison import TERM_LABELS
from reports.document import (
    Column,
    Page,
    Section,
    Table,
    Text,
)

if TYPE_CHECKING:
    from estate.plan import Plan


def assumptions_page(plan: Plan) -> Page:
    """Return the page of every assumption with its range, meaning and source."""
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
                            Column(heading="Low", kind="exact"),
                            Column(heading="Likely", kind="exact"),
                            Column(heading="High", kind="exact"),
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


def rates_page(plan: Plan) -> Page:
    """Return the page of every rate with its range, budget and source."""
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
                            Column(heading="Low", kind="exact"),
                            Column(heading="Likely", kind="exact"),
                            Column(heading="High", kind="exact"),
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


def typologies_page(plan: Plan) -> Page:
    """Return the page of the dimensions that typical wings are drawn and measured from."""
    return Page(
        slug="typologies",
        title="Typologies",
        subtitle="What a wing without a survey is taken to look like: typical, not this prison",
        sections=(
            Section(
                title="All dimensions",
                blocks=(
                    Table(
                        interactive=True,
                        filters=(0, 7),
                        columns=(
                            Column(heading="Typology"),
                            Column(heading="What"),
                            Column(heading="Value"),
                            Column(heading="Low", kind="exact"),
                            Column(heading="High", kind="exact"),
                            Column(heading="Unit"),
                            Column(heading="Meaning"),
                            Column(heading="Verified"),
                            Column(heading="Source"),
                        ),
                        rows=tuple(
                            (
                                f.typology.replace("_", " "),
                                f.name.replace("_", " "),
                                f.value,
                                f.low,
                                f.high,
                                f.unit,
                                f.meaning,
                                f.verified,
                                f.source,
                            )
                            for f in plan.typologies
                        ),
                    ),
                ),
            ),
        ),
    )


def method_page(plan: Plan) -> Page:
    """Return the page of the rules, the weights, the grades and the inputs."""
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
                title="Hard rules of cabling",
                intro="Every design keeps to these; what is marked no was not verified.",
                blocks=(_cabling_rules(),),
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


def _cabling_rules() -> Table:
    return Table(
        columns=(
            Column(heading="Rule"),
            Column(heading="Value", kind="exact"),
            Column(heading="Unit"),
            Column(heading="Meaning"),
            Column(heading="Verified"),
            Column(heading="Source"),
            Column(heading="Edition"),
        ),
        rows=tuple(
            (
                rule.rule.replace("_", " ").replace(".", ": "),
                rule.value,
                rule.unit,
                rule.meaning,
                rule.verified,
                rule.source,
                rule.edition,
            )
            for rule in read_rules()
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

"""What a plan says of the fibre between the buildings of a prison: words, a drawing, its ducts."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

from estate.costing import Phase
from estate.report.ground_drawing import duct_uses, ground_drawing, passed_alone, ways_of
from reports.document import Column, Section, Table, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.backbone import Backbone
    from estate.plan import Plan, SitePlan
    from reports.document import Block

_WAYS = {
    "way_first": "first",
    "way_second": "second",
    "way_offered": "second, drawn and not built",
}


def between_buildings(plan: Plan, site: SitePlan, *, sensitive: bool) -> Section:
    """Return the section on the fibre between buildings.

    What is `sensitive`, the ways of fibre and what they pass, is there only where asked for.
    """
    backbone = site.backbone
    blocks: tuple[Block, ...] = (
        (_assumed(site),)
        if backbone is None
        else tuple(_drawn(plan, site, backbone, sensitive=sensitive))
    )
    return Section(title="Between buildings", blocks=blocks)


def _assumed(site: SitePlan) -> Text:
    """Return that no ground is drawn, and what is assumed in its place."""
    said = "No survey draws the ground of this prison, so there is no picture of it"
    return Text(paragraphs=(f"{said}: {_lengths(site)}.",), tone="note")


def _lengths(site: SitePlan) -> str:
    """Return how much fibre between buildings is assumed, and for how many wings."""
    fibre_m = fsum(
        line.quantity.likely
        for line in site.bill
        if line.item == "fibre_campus" and line.phase == Phase.INITIAL
    )
    wings = "1 wing" if len(site.wings) == 1 else f"{len(site.wings)} wings"
    return (
        f"the ways of fibre from the core to {wings} are assumed, {fibre_m:,.0f} m in all, grade D"
    )


def _drawn(plan: Plan, site: SitePlan, backbone: Backbone, *, sensitive: bool) -> Iterator[Block]:
    first = f"fibre between buildings {backbone.basis}" if backbone.core else _lengths(site)
    yield Text(paragraphs=tuple(map(_sentence, (first, *backbone.warnings))), tone="note")
    yield ground_drawing(plan, site, backbone, sensitive=sensitive)
    yield _ducts(plan, site, backbone)
    if sensitive:
        yield _ways(backbone)
        yield _alone(backbone)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _ducts(plan: Plan, site: SitePlan, backbone: Backbone) -> Table:
    """Return every duct that is drawn; the metres of fibre and of digging are those of the bill."""
    rows = tuple(
        (
            use.duct.name,
            use.state,
            use.carries,
            use.duct.length_m,
            use.duct.length_m if use.fibre else 0.0,
            use.duct.length_m if use.dug else 0.0,
            str(use.duct.grade),
        )
        for use in duct_uses(plan, site, backbone)
    )
    return Table(
        caption="Every duct that the survey draws",
        columns=(
            Column(heading="Duct"),
            Column(heading="State"),
            Column(heading="Carries"),
            Column(heading="Length", kind="number", unit="m"),
            Column(heading="With fibre", kind="number", unit="m"),
            Column(
                heading="Dug",
                kind="number",
                unit="m",
                help="For fibre between buildings; what a wing digs is among its own lines",
            ),
            Column(heading="Grade", kind="grade"),
        ),
        rows=rows,
        footer=("All", "", "", fsum(row[3] for row in rows), backbone.laid_m, backbone.dug_m, ""),
    )


def _ways(backbone: Backbone) -> Table:
    """Return every way from the core with its ducts in order."""
    return Table(
        caption="Ways of fibre from the core",
        columns=(
            Column(heading="Rack"),
            Column(heading="Wings"),
            Column(heading="Way"),
            Column(heading="Ducts in order"),
            Column(heading="Length", kind="number", unit="m"),
        ),
        rows=tuple(
            (
                room.room,
                ", ".join(room.wings),
                _WAYS[style] if len(room.routes) > 1 or style != "way_first" else "the only one",
                ", ".join(route.ducts),
                route.length_m,
            )
            for room, style, route in ways_of(backbone)
        ),
    )


def _alone(backbone: Backbone) -> Table:
    """Return what is on the only way to some wing, that of most wings first."""
    found = passed_alone(backbone)
    return Table(
        caption="On the only way to some wing",
        columns=(Column(heading="What"), Column(heading="Wings behind it")),
        rows=tuple(
            (place, ", ".join(found[place]))
            for place in sorted(found, key=lambda place: (-len(found[place]), place))
        ),
        note=(
            "estate explain --sensitive says how many cells each failure takes, and what a second "
            "way costs."
        ),
    )

"""Map layers: establishments where they are, wings as surveyed, or typical and beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from estate.cabling.options import LABELS as OPTION_LABELS
from estate.cabling.options import WIRELESS
from estate.cautions import why_not_for_construction
from estate.errors import InputError
from estate.grid import GRID, grid_point
from estate.model import Network, Point
from estate.network import frames_of, placed
from estate.plan import WingPlan
from estate.readiness import LABELS, Rung
from estate.report.drawings import WATERMARK, layout_of
from estate.report.geography import COAST_ATTRIBUTION, coast
from estate.sources.survey_layers import WALL_COLOURS
from estate.topology import access_points_in, cell_key
from reports.document import Layer, LayerStyle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from estate.cabling.values import WingDesign
    from estate.plan import Plan, SitePlan

COLOURS = {
    Rung.DEVICES: "#0b4f8a",
    Rung.DATA_CABLING: "#4da3e0",
    Rung.TELEPHONY: "#f2b632",
    Rung.NOTHING: "#c0420b",
    Rung.UNKNOWN: "#8a94a0",
}
_GAP_M = 20.0  # Between the drawings of two wings.
_PER_ROW = 4

# Of wings by what is built on their lowest landing, in the order of the options.
_COLOURS = ("#a9cdec", "#f7dc9a", "#b9dcc9", "#d9c3e8", "#e8c9b0", "#d5d9de")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """A wing with its network where it is drawn, and how well that drawing is known.

    `prefix` stands before each name of its design there, and `offset` is added to each place.
    """

    plan: WingPlan
    network: Network
    drawn: str
    prefix: str = ""
    offset: Point = (0.0, 0.0)


def layers_of(plan: Plan) -> tuple[Layer, ...]:
    """Return the layers of a plan in EPSG:27700.

    A surveyed wing lies where its survey has it. Others are set out in rows south-east of their
    prison's point: no public plan shows where they stand. Prisons without coordinates have no
    point and no such wings here.

    Raises
    ------
    InputError
        When no prison has coordinates.
    """
    if all(grid_point(site.prison) is None for site in plan.establishments):
        hint = "give latitude and longitude in inputs/register.csv, then estate plan"
        raise InputError("no prison of the plan has coordinates, so there is no map", hint=hint)
    kinds = {w.design: w for site in plan.establishments for w in site.wings}
    networks = {design: plan.network_of(wing_plan) for design, wing_plan in kinds.items()}
    sheets = [sheet for site in plan.establishments for sheet in _sheets(plan, site, networks)]
    if not sheets:  # A layer without features has no columns to be styled by.
        return (_establishments(plan), _coast())
    built = (_as_designed(sheet, plan.designs[sheet.plan.design]) for sheet in sheets)
    frames = frames_of(built, crs=GRID)
    return (
        _establishments(plan),
        _wings(plan, sheets),
        *_networks(frames, surveyed=bool(plan.networks)),
        _access_points(plan, sheets),
        _coast(),
    )


def _as_designed(sheet: _Sheet, design: WingDesign) -> Network:
    """Return what the layers show: what stands, and of what is new that alone which is built."""
    network = sheet.network
    wired = {x.landing - 1 for x in design.landings if x.chosen not in WIRELESS}
    used = {sheet.prefix + span.span_id for span in design.spans}
    return replace(
        network,
        outlets=tuple(o for o in network.outlets if o.floor in wired),
        spans=tuple(
            span
            for span in network.spans
            if span.span_id in used
            or (span.floor in wired if span.containment == "drop" else span.state == "existing")
        ),
    )


def _sheets(plan: Plan, site: SitePlan, networks: Mapping[str, Network]) -> Iterator[_Sheet]:
    """Yield each wing of a prison where it is drawn."""
    for wing_plan in site.wings:
        if wing_plan.design in plan.networks:
            network = networks[wing_plan.design]
            drawn = layout_of(plan, wing_plan)
            yield _Sheet(plan=wing_plan, network=network, drawn=drawn)
    typical = [wing_plan for wing_plan in site.wings if wing_plan.design not in plan.networks]
    for wing_plan, offset in _set_out(site, typical, networks):
        wing, laid = wing_plan.wing, networks[wing_plan.design]
        network = placed(laid, prefix=wing.key, offset=offset, key_of=wing.key_of)
        prefix = f"{wing.key}/"
        yield _Sheet(plan=wing_plan, network=network, drawn=WATERMARK, prefix=prefix, offset=offset)


def _set_out(
    site: SitePlan, wings: Sequence[WingPlan], networks: Mapping[str, Network]
) -> Iterator[tuple[WingPlan, Point]]:
    """Yield each wing with the place of its hub, in rows from the prison's point."""
    start = grid_point(site.prison)
    if start is None:
        return
    extents = {plan.design: _extent(networks[plan.design]) for plan in wings}
    width = max((e[2] - e[0] for e in extents.values()), default=0.0) + _GAP_M
    height = max((e[3] - e[1] for e in extents.values()), default=0.0) + _GAP_M
    for number, wing_plan in enumerate(wings):
        row, column = divmod(number, _PER_ROW)
        west, _, _, north = extents[wing_plan.design]
        yield (
            wing_plan,
            (start[0] + _GAP_M + column * width - west, start[1] - _GAP_M - row * height - north),
        )


def _extent(network: Network) -> tuple[float, float, float, float]:
    corners = [corner for space in network.spaces for corner in space.outline]
    eastings, northings = zip(*corners, strict=True)
    return (min(eastings), min(northings), max(eastings), max(northings))


def _establishments(plan: Plan) -> Layer:
    ranks = {r.prison_id: r for r in plan.ranking}
    sites = [(s, at) for s in plan.establishments if (at := grid_point(s.prison)) is not None]
    records: list[dict[str, Any]] = []
    for site, _ in sites:
        ranked = ranks.get(site.prison.prison_id)
        records.append(
            {
                "prison_id": site.prison.prison_id,
                "name": site.prison.name,
                "readiness": LABELS[site.readiness.rung],
                "evidence": site.readiness.source,
                "dated": site.readiness.dated,
                "rank": ranked.rank if ranked else None,
                "rank_p5": ranked.rank_range[0] if ranked else None,
                "rank_p95": ranked.rank_range[1] if ranked else None,
                "cells": site.cells,
                "capital_low_gbp": float(site.totals.capital_gbp.low),
                "capital_likely_gbp": float(site.totals.capital_gbp.likely),
                "capital_high_gbp": float(site.totals.capital_gbp.high),
                "whole_life_likely_gbp": float(site.totals.whole_life_gbp.likely),
                "not_priced_because": site.excluded,
            }
        )
    frame = gpd.GeoDataFrame(records, geometry=shapely.points([at for _, at in sites]), crs=GRID)
    for column in ("rank", "rank_p5", "rank_p95"):
        frame[column] = frame[column].astype("Int64")
    return Layer(
        name="establishments",
        title="Establishments",
        frame=frame,
        style=LayerStyle(
            attribute="readiness",
            colours=tuple((LABELS[rung], colour) for rung, colour in COLOURS.items()),
            size=1.5,
            label="name",
        ),
        description=f"Prisons by the best evidence of what is in their cells; plan {plan.plan_id}.",
    )


def _wings(plan: Plan, sheets: Sequence[_Sheet]) -> Layer:
    records, outlines = [], []
    for sheet in sheets:
        wing, design = sheet.plan.wing, plan.designs[sheet.plan.design]
        records.append(
            {
                "wing_key": wing.key,
                "name": wing.name,
                "typology": wing.shape.typology,
                "landings": len(wing.shape.layout),
                "cells": wing.cells,
                "grade": str(wing.grade),
                "assumed": ", ".join(wing.assumed),
                "chosen": OPTION_LABELS[design.landings[0].chosen],
                "other_landings": _others(design),
                "longest_link_m": design.longest_link_m,
                "network_gbp": float(design.cost_gbp),
                "proven_within": design.gap,
                "by_first_rules_gbp": float(design.by_rule_gbp),
                "not_for_construction": why_not_for_construction(plan, sheet.plan),
                "layout": sheet.drawn,
            }
        )
        ground = [shapely.Polygon(s.outline) for s in sheet.network.spaces if s.floor == 0]
        # Spaces are clear internal outlines: half a metre closes the walls between them.
        outlines.append(shapely.union_all(shapely.buffer(ground, 0.5)).buffer(0))
    frame = gpd.GeoDataFrame(records, geometry=outlines, crs=GRID)
    colours = tuple(zip(OPTION_LABELS.values(), _COLOURS, strict=True))
    return Layer(
        name="wings",
        title=_titled("wings", surveyed=bool(plan.networks)),
        frame=frame,
        style=LayerStyle(attribute="chosen", colours=colours, label="wing_key"),
        description=(
            "Outlines of wings: where they stand if surveyed, else typical and set out in rows "
            "beside each prison's point."
        ),
    )


def _others(design: WingDesign) -> str:
    """Return what is chosen on other landings than the lowest where it differs, "" else."""
    _, *others = dict.fromkeys(landing.chosen for landing in design.landings)
    return "; ".join(OPTION_LABELS[option] for option in others)


def _titled(name: str, *, surveyed: bool) -> str:
    known = "surveyed, or typical as layout or source says" if surveyed else WATERMARK
    return f"{name.replace('_', ' ').capitalize()} ({known})"


_ACCESS_POINT_COLUMNS = (
    "access_point",
    "wing_key",
    "landing",
    "channel",
    "cells",
    "first_cell",
    "last_cell",
    "signal_dbm",
    "busy_share",
    "not_for_construction",
    "layout",
)


def _access_points(plan: Plan, sheets: Sequence[_Sheet]) -> Layer:
    records = [record for sheet in sheets for record in _points_of(plan, sheet)]
    points = [record.pop("at") for record in records]
    table = {column: [r[column] for r in records] for column in _ACCESS_POINT_COLUMNS}
    return Layer(
        name="access_points",
        title=_titled("access_points", surveyed=bool(plan.networks)),
        frame=gpd.GeoDataFrame(
            table,
            geometry=gpd.points_from_xy([x for x, _ in points], [y for _, y in points]),
            crs=GRID,
        ),
        style=LayerStyle(colour="#1b6e53", size=0.8, label="channel"),
        description=(
            "Access points of the design by their names in topology.json, amid the cells that each "
            "serves: signal_dbm is the weakest of these, busy_share how much of its time each is "
            "in use at the busiest moment, all of them sending."
        ),
    )


def _points_of(plan: Plan, sheet: _Sheet) -> Iterator[dict[str, Any]]:
    """Yield what the layer says of each access point of a wing, and where it is."""
    wing, design = sheet.plan.wing, plan.designs[sheet.plan.design]
    why_not = why_not_for_construction(plan, sheet.plan)
    for name, point in access_points_in(sheet.plan, design).items():
        keys = [cell_key(wing, cell) for cell in point.cells]
        (x_m, y_m), (east_m, north_m) = point.at, sheet.offset
        yield {
            "access_point": name,
            "wing_key": wing.key,
            "landing": point.landing,
            "channel": design.air.channels[point.name] if design.air else None,
            "cells": len(keys),
            "first_cell": keys[0],
            "last_cell": keys[-1],
            "signal_dbm": min(point.signal_dbm),
            "busy_share": round(design.air.airtime[point.name], 3) if design.air else None,
            "not_for_construction": why_not,
            "layout": sheet.drawn,
            "at": (round(x_m + east_m, 3), round(y_m + north_m, 3)),
        }


def _coast() -> Layer:
    rings = [shapely.Polygon(line) for line in coast() if line[0] == line[-1]]
    return Layer(
        name="coast",
        title="Coast",
        frame=gpd.GeoDataFrame(
            {"source": [COAST_ATTRIBUTION] * len(rings)}, geometry=rings, crs=GRID
        ),
        style=LayerStyle(colour="#e8ecf1"),
        description=COAST_ATTRIBUTION,
    )


def _networks(frames: dict[str, Any], *, surveyed: bool) -> Iterator[Layer]:
    styles = {
        "spaces": LayerStyle(
            attribute="kind",
            colours=(
                ("cell", "#e8eef4"),
                ("landing", "#ffffff"),
                ("hub", "#f3efe4"),
                ("atrium", "#f7f7f7"),
                ("comms_room", "#c98a12"),
            ),
        ),
        "walls": LayerStyle(attribute="material", colours=WALL_COLOURS, size=1.2),
        "doors": LayerStyle(colour="#7a4a1e", size=0.5),
        "spans": LayerStyle(
            attribute="containment",
            colours=(
                ("tray", "#c2410c"),
                ("drop", "#7d7d7d"),
                ("riser", "#6b21a8"),
                ("duct", "#1b6e53"),
            ),
        ),
        "outlets": LayerStyle(colour="#12375b", size=0.5),
        "distributors": LayerStyle(colour="#6b21a8", size=1.5),
    }
    for name, style in styles.items():
        yield Layer(
            name=name,
            title=_titled(name, surveyed=surveyed),
            frame=frames[name],
            style=style,
            description=f"{name.capitalize()} of wings, in metres of EPSG:27700.",
        )

"""Map layers: establishments where they are, wings laid out beside them as typical drawings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from estate.design import LABELS as OPTION_LABELS
from estate.design import Option
from estate.errors import InputError
from estate.network import frames_of, placed
from estate.readiness import LABELS, Rung
from estate.report.drawings import WATERMARK, access_points
from estate.report.geography import COAST_ATTRIBUTION, CRS, coast, grid_point
from estate.typology import lay_out
from reports.document import Layer, LayerStyle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.design import WingDesign
    from estate.model import Network, Point
    from estate.plan import Plan, SitePlan, WingPlan

COLOURS = {
    Rung.DEVICES: "#0b4f8a",
    Rung.DATA_CABLING: "#4da3e0",
    Rung.TELEPHONY: "#f2b632",
    Rung.NOTHING: "#c0420b",
    Rung.UNKNOWN: "#8a94a0",
}
_GAP_M = 20.0  # Between the drawings of two wings.
_PER_ROW = 4


def layers_of(plan: Plan) -> tuple[Layer, ...]:
    """Return the layers of a plan in EPSG:27700.

    Wings are set out in rows south-east of their prison's point: no public plan shows where they
    stand. Prisons without coordinates have no point and no wings here.

    Raises
    ------
    InputError
        When no prison has coordinates.
    """
    if all(grid_point(site.prison) is None for site in plan.establishments):
        hint = "give latitude and longitude in inputs/register.csv, then estate plan"
        raise InputError("no prison of the plan has coordinates, so there is no map", hint=hint)
    shapes = {w.design: w.wing.shape for site in plan.establishments for w in site.wings}
    laid = {design: lay_out(shape) for design, shape in shapes.items()}
    built = {name: _as_designed(network, plan.designs[name]) for name, network in laid.items()}
    places = [place for site in plan.establishments for place in _set_out(site, laid)]
    set_out = [
        (wing_plan, placed(built[wing_plan.design], prefix=wing_plan.wing.key, offset=offset))
        for wing_plan, offset in places
    ]
    if not set_out:  # A layer without features has no columns to be styled by.
        return (_establishments(plan), _coast())
    frames = frames_of((network for _, network in set_out), crs=CRS)
    return (
        _establishments(plan),
        _wings(plan, set_out),
        *_networks(frames),
        _access_points(plan, places, laid),
        _coast(),
    )


def _as_designed(network: Network, design: WingDesign) -> Network:
    """Return what the layers show: no walls or doors, no outlet or drop that is not built."""
    wired = {x.landing - 1 for x in design.landings if x.chosen == Option.OUTLETS}
    return replace(
        network,
        walls=(),
        doors=(),
        outlets=tuple(o for o in network.outlets if o.floor in wired),
        spans=tuple(
            span for span in network.spans if span.containment != "drop" or span.floor in wired
        ),
    )


def _set_out(site: SitePlan, laid: dict[str, Network]) -> Iterator[tuple[WingPlan, Point]]:
    """Yield each wing with the place of its hub, in rows from the prison's point."""
    start = grid_point(site.prison)
    if start is None:
        return
    extents = {plan.design: _extent(laid[plan.design]) for plan in site.wings}
    width = max((e[2] - e[0] for e in extents.values()), default=0.0) + _GAP_M
    height = max((e[3] - e[1] for e in extents.values()), default=0.0) + _GAP_M
    for number, wing_plan in enumerate(site.wings):
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
    frame = gpd.GeoDataFrame(records, geometry=shapely.points([at for _, at in sites]), crs=CRS)
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


def _wings(plan: Plan, set_out: list[tuple[WingPlan, Network]]) -> Layer:
    records, outlines = [], []
    for wing_plan, network in set_out:
        wing, design = wing_plan.wing, plan.designs[wing_plan.design]
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
                "longest_link_m": design.longest_link_m,
                "layout": WATERMARK,
            }
        )
        ground = [shapely.Polygon(s.outline) for s in network.spaces if s.floor == 0]
        # Spaces are clear internal outlines: half a metre closes the walls between them.
        outlines.append(shapely.union_all(shapely.buffer(ground, 0.5)).buffer(0))
    frame = gpd.GeoDataFrame(records, geometry=outlines, crs=CRS)
    colours = tuple(
        zip(OPTION_LABELS.values(), ("#a9cdec", "#f7dc9a", "#b9dcc9", "#d5d9de"), strict=True)
    )
    return Layer(
        name="wings",
        title="Wings (typical, not this prison)",
        frame=frame,
        style=LayerStyle(attribute="chosen", colours=colours, label="wing_key"),
        description="Outlines of typical wings set out in rows beside each prison's point.",
    )


def _access_points(
    plan: Plan, places: list[tuple[WingPlan, Point]], laid: dict[str, Network]
) -> Layer:
    records: list[dict[str, Any]] = []
    points: list[Point] = []
    for wing_plan, (east_m, north_m) in places:
        for landing in plan.designs[wing_plan.design].landings:
            if landing.chosen == Option.OUTLETS:
                continue
            found = access_points(laid[wing_plan.design], landing, floor=landing.landing - 1)
            for (x_m, y_m), cells in found:
                key = wing_plan.wing.key
                first, last = (f"{key}-{cell}" for cell in (cells[0], cells[-1]))
                records.append(
                    {
                        "wing_key": key,
                        "landing": landing.landing,
                        "first_cell": first,
                        "last_cell": last,
                        "cells": len(cells),
                    }
                )
                points.append((round(x_m + east_m, 3), round(y_m + north_m, 3)))
    columns = ("wing_key", "landing", "first_cell", "last_cell", "cells")
    table = {column: [record[column] for record in records] for column in columns}
    return Layer(
        name="access_points",
        title="Access points (typical, not this prison)",
        frame=gpd.GeoDataFrame(
            table,
            geometry=gpd.points_from_xy([x for x, _ in points], [y for _, y in points]),
            crs=CRS,
        ),
        style=LayerStyle(colour="#1b6e53", size=0.8),
        description="Access points of typical wings, amid the cells that each serves.",
    )


def _coast() -> Layer:
    rings = [shapely.Polygon(line) for line in coast() if line[0] == line[-1]]
    return Layer(
        name="coast",
        title="Coast",
        frame=gpd.GeoDataFrame(
            {"source": [COAST_ATTRIBUTION] * len(rings)}, geometry=rings, crs=CRS
        ),
        style=LayerStyle(colour="#e8ecf1"),
        description=COAST_ATTRIBUTION,
    )


def _networks(frames: dict[str, Any]) -> Iterator[Layer]:
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
            title=f"{name.capitalize()} (typical, not this prison)",
            frame=frames[name],
            style=style,
            description=f"{name.capitalize()} of typical wings, in metres of EPSG:27700.",
        )

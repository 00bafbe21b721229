"""Map layers: establishments where they are, wings laid out beside them as typical drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import shapely

from estate.design import LABELS as OPTION_LABELS
from estate.network import frames_of, placed
from estate.readiness import LABELS, Rung
from estate.report.drawings import WATERMARK
from estate.report.geography import CRS, grid_point
from estate.typology import lay_out
from reports.document import Layer, LayerStyle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.model import Network, Point
    from estate.plan import Plan, SitePlan, WingPlan

COLOURS = {
    Rung.DEVICES: "#1b6e53",
    Rung.DATA_CABLING: "#2f7fc1",
    Rung.TELEPHONY: "#c98a12",
    Rung.NOTHING: "#8c2d19",
    Rung.UNKNOWN: "#7d7d7d",
}
_GAP_M = 20.0  # Between the drawings of two wings.
_PER_ROW = 4


def layers_of(plan: Plan) -> tuple[Layer, ...]:
    """Return the layers of a plan in EPSG:27700.

    Wings are set out in rows south-east of their prison's point: no public plan shows where they
    stand. Prisons without coordinates have no point and no wings here.
    """
    laid = {
        wing_plan.design: lay_out(wing_plan.wing.shape)
        for site in plan.establishments
        for wing_plan in site.wings
    }
    set_out = [
        (wing_plan, placed(laid[wing_plan.design], prefix=wing_plan.wing.key, offset=offset))
        for site in plan.establishments
        for wing_plan, offset in _set_out(site, laid)
    ]
    frames = frames_of((network for _, network in set_out), crs=CRS)
    return (
        _establishments(plan),
        _wings(plan, set_out),
        *_networks(frames),
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
        outlines.append(shapely.union_all(ground).convex_hull)
    frame = gpd.GeoDataFrame(records, geometry=outlines, crs=CRS)
    colours = tuple(
        zip(OPTION_LABELS.values(), ("#2f7fc1", "#c98a12", "#1b6e53", "#7d7d7d"), strict=True)
    )
    return Layer(
        name="wings",
        title="Wings (typical, not this prison)",
        frame=frame,
        style=LayerStyle(attribute="chosen", colours=colours, label="wing_key"),
        description="Outlines of typical wings set out in rows beside each prison's point.",
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

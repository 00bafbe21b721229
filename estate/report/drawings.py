"""A wing's landing as a drawing: cells, walls, containment and what serves the cells."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING

import shapely

from estate.design import LABELS, Option
from estate.model import Grade
from estate.network import cells_on
from estate.topology import served_together
from reports.document import Drawing, Shape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from estate.design import LandingDesign, WingDesign
    from estate.model import Door, Network, Point, Space, Wall, WingShape

WATERMARK = "typical, not this prison"

_DOOR_M = 0.9  # As wide as a door is drawn; a survey has its middle alone.

_LEGEND = (
    ("cell", "cell"),
    ("landing", "landing"),
    ("comms_room", "comms room"),
    ("wall", "wall"),
    ("door", "door"),
    ("tray", "new tray"),
    ("basket", "new basket"),
    ("trunking", "new trunking"),
    ("conduit", "new conduit"),
    ("existing", "containment that stands already"),
    ("drop", "new drop to an outlet"),
    ("riser", "riser to another floor"),
    ("duct", "duct to the comms room"),
    ("distributor", "distributor"),
)


def landing_drawing(
    network: Network, shape: WingShape, design: WingDesign, *, number: int, caption: str
) -> Drawing:
    """Return one landing of a wing's network to scale, in metres."""
    landing = design.landings[number - 1]
    served = "outlet" if landing.chosen == Option.OUTLETS else "access_point"
    shapes = tuple(_shapes(network, landing, floor=number - 1))
    used = {drawn.style for drawn in shapes}
    return Drawing(
        caption=caption,
        shapes=shapes,
        legend=tuple(
            each for each in (*_LEGEND, (served, LABELS[landing.chosen])) if each[0] in used
        ),
        watermark=watermark_of(network, floors=(number - 1,)),
        note=(
            f"Landing {number} of {len(design.landings)}: {landing.cells} cells. "
            f"{shape.thickness_mm} mm {shape.material.replace('_', ' ')} walls; longest link "
            f"{design.longest_link_m:g} m; cabling ends in the {design.distributor}."
        ),
    )


def watermark_of(network: Network, *, floors: Collection[int]) -> str:
    """Return what a drawing of these floors has to say of itself; "" where all was measured."""
    fabric: tuple[Space | Wall | Door, ...] = (*network.spaces, *network.walls, *network.doors)
    shown = [feature for feature in fabric if feature.floor in floors]
    signed = sum(feature.grade == Grade.SURVEYED for feature in shown)
    if signed == len(shown):
        return ""
    if signed:
        return f"surveyed in part: {signed / len(shown):.0%}"
    typical = any(feature.source.startswith("typology") for feature in shown)
    return WATERMARK if typical else "drawn, not surveyed"


def _shapes(network: Network, landing: LandingDesign, *, floor: int) -> Iterator[Shape]:
    for space in network.spaces:
        if space.floor == floor:
            title = f"cell {space.location_key}" if space.location_key else space.kind
            yield Shape(kind="polygon", points=space.outline, style=space.kind, title=title)
    for wall in network.walls:
        if wall.floor == floor:
            title = f"{wall.material.replace('_', ' ')}, {wall.thickness_mm} mm"
            yield Shape(kind="line", points=(wall.start, wall.end), style="wall", title=title)
    yield from _doors(network, floor=floor)
    yield from _routes(network, landing, floor=floor)
    if landing.chosen == Option.OUTLETS:
        for outlet in network.outlets:
            if outlet.floor == floor:
                title = f"outlet, {outlet.state} {outlet.category}".rstrip()
                yield Shape(kind="point", points=(outlet.at,), style="outlet", title=title)
    else:
        yield from _access_points(network, landing, floor=floor)
    for distributor in network.distributors:
        if distributor.floor == floor:
            title = f"distributor, {distributor.state}"
            yield Shape(kind="point", points=(distributor.at,), style="distributor", title=title)


def _doors(network: Network, *, floor: int) -> Iterator[Shape]:
    """Yield each door as a gap in the wall that it stands in."""
    walls = [w for w in network.walls if w.floor == floor and w.start != w.end]
    lines = shapely.STRtree([shapely.LineString([wall.start, wall.end]) for wall in walls])
    for door in network.doors:
        if door.floor != floor or not walls:
            continue
        wall = walls[int(lines.nearest(shapely.Point(door.at)))]
        (x, y), (x0, y0), (x1, y1) = door.at, wall.start, wall.end
        half = _DOOR_M / 2 / hypot(x1 - x0, y1 - y0)
        dx, dy = half * (x1 - x0), half * (y1 - y0)
        ends = ((x - dx, y - dy), (x + dx, y + dy))
        yield Shape(kind="line", points=ends, style="door", title="door")


def _routes(network: Network, landing: LandingDesign, *, floor: int) -> Iterator[Shape]:
    at = {
        **{junction.junction_id: junction.at for junction in network.junctions},
        **{outlet.outlet_id: outlet.at for outlet in network.outlets},
        **{distributor.distributor_id: distributor.at for distributor in network.distributors},
    }
    for span in network.spans:
        drop = span.containment == "drop"
        if span.floor != floor or (drop and landing.chosen != Option.OUTLETS):
            continue
        ends = (at[span.start], at[span.end])
        full = "" if span.fill_percent is None else f", {span.fill_percent:g} % full"
        title = f"{span.containment}, {span.length_m:g} m, {span.state}{full}"
        stands = span.state == "existing" and span.containment != "riser"
        style = "existing" if stands else span.containment
        if span.containment == "riser" or ends[0] == ends[1]:  # Up and down one point of the plan.
            yield Shape(kind="point", points=ends[:1], style=style, title=title)
        else:
            yield Shape(kind="line", points=ends, style=style, title=title)


def _access_points(network: Network, landing: LandingDesign, *, floor: int) -> Iterator[Shape]:
    for at, cells in access_points(network, landing, floor=floor):
        title = f"access point for cells {cells[0]} to {cells[-1]}"
        yield Shape(kind="point", points=(at,), style="access_point", title=title)


def access_points(
    network: Network, landing: LandingDesign, *, floor: int
) -> Iterator[tuple[Point, tuple[str, ...]]]:
    """Yield the place of each access point of a landing, amid the cells that it serves."""
    cells = cells_on(network, floor)
    doors = {d.to_space: d.at for d in network.doors} | {d.from_space: d.at for d in network.doors}
    for group in served_together(landing):
        spaces = [cells[number - 1] for number in group]
        keys = tuple(space.location_key for space in spaces)
        if landing.chosen == Option.LANDING_ACCESS_POINTS:
            yield _mean([doors[space.space_id] for space in spaces]), keys
        else:
            yield _mean(list(spaces[len(spaces) // 2].outline)), keys


def _mean(points: list[Point]) -> Point:
    return (
        round(sum(x for x, _ in points) / len(points), 3),
        round(sum(y for _, y in points) / len(points), 3),
    )

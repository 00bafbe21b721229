"""A wing's landing as a drawing: cells, walls, containment and what serves the cells."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING

import shapely

from estate.cabling.options import LABELS, WIRELESS
from estate.model import Grade
from reports.document import Drawing, Shape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from estate.cabling.values import BuiltPoint, WingDesign
    from estate.model import Door, Network, Space, Wall, WingShape

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
    served = "access_point" if landing.chosen in WIRELESS else "outlet"
    shapes = tuple(_shapes(network, design, number=number))
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


def _shapes(network: Network, design: WingDesign, *, number: int) -> Iterator[Shape]:
    floor = number - 1
    for space in network.spaces:
        if space.floor == floor:
            title = f"cell {space.location_key}" if space.location_key else space.kind
            yield Shape(kind="polygon", points=space.outline, style=space.kind, title=title)
    for wall in network.walls:
        if wall.floor == floor:
            title = f"{wall.material.replace('_', ' ')}, {wall.thickness_mm} mm"
            yield Shape(kind="line", points=(wall.start, wall.end), style="wall", title=title)
    yield from _doors(network, floor=floor)
    yield from _routes(network, design, floor=floor)
    for point in design.points:
        if point.landing == number:
            yield from _points(network, point)
    yield from _distributors(network, design, floor=floor)


def _distributors(network: Network, design: WingDesign, *, floor: int) -> Iterator[Shape]:
    """Yield the distributors that stand or are typical, and the cabinets that are built."""
    rooms = {distributor.at for distributor in network.distributors}
    titles = [(d.at, f"distributor, {d.state}") for d in network.distributors if d.floor == floor]
    titles += [
        (built.at, f"{built.name}, {built.ports} ports used")
        for built in design.distributors
        if built.floor == floor and built.at not in rooms
    ]
    for at, title in titles:
        yield Shape(kind="point", points=(at,), style="distributor", title=title)


def _points(network: Network, point: BuiltPoint) -> Iterator[Shape]:
    """Yield what serves cells; a splitter serves them through an outlet in each."""
    if point.option in WIRELESS:
        title = f"access point for {', '.join(point.cells)}"
        if point.signal_dbm:
            title += f"; {min(point.signal_dbm):g} dBm at the weakest"
        yield Shape(kind="point", points=(point.at,), style="access_point", title=title)
        return
    keys = set(point.cells)
    cells = {space.space_id for space in network.spaces if space.location_key in keys}
    for outlet in network.outlets:
        if outlet.space_id in cells:
            title = f"outlet, {outlet.state} {outlet.category}".rstrip()
            yield Shape(kind="point", points=(outlet.at,), style="outlet", title=title)


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


def _routes(network: Network, design: WingDesign, *, floor: int) -> Iterator[Shape]:
    """Yield the containment that the design uses or that stands; drops where cells are wired."""
    at = {
        **{junction.junction_id: junction.at for junction in network.junctions},
        **{outlet.outlet_id: outlet.at for outlet in network.outlets},
        **{distributor.distributor_id: distributor.at for distributor in network.distributors},
    }
    used = {span.span_id: span for span in design.spans}
    wired = design.landings[floor].chosen not in WIRELESS
    for span in network.spans:
        stands, drop = span.state == "existing", span.containment == "drop"
        if span.floor != floor or not (span.span_id in used or stands or (drop and wired)):
            continue
        ends = (at[span.start], at[span.end])
        title = f"{span.containment}, {span.length_m:g} m, {span.state}"
        if span.fill_percent is not None:
            title += f", {span.fill_percent:g} % full"
        if span.span_id in used:
            title += f", {used[span.span_id].cables} cables"
        style = "existing" if stands and span.containment != "riser" else span.containment
        if span.containment == "riser" or ends[0] == ends[1]:  # Up and down one point of the plan.
            yield Shape(kind="point", points=ends[:1], style=style, title=title)
        else:
            yield Shape(kind="line", points=ends, style=style, title=title)

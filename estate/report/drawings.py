"""A wing's landing as a drawing: cells, walls, containment and what serves the cells."""

from __future__ import annotations

from dataclasses import replace
from math import dist, hypot, inf
from typing import TYPE_CHECKING

import shapely

from estate.cabling.options import LABELS, WIRELESS
from estate.model import Grade, Network
from estate.radio.leakage import AUDIBLE_DBM
from reports.document import Drawing, Shape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from estate.cabling.values import BuiltPoint, WingDesign
    from estate.model import Door, Space, Wall, WingShape
    from estate.plan import Plan, WingPlan
    from estate.radio.leakage import Leakage

_MINUS = "\N{MINUS SIGN}"

WATERMARK = "typical, not this prison"
NOT_FOR_CONSTRUCTION = "not for construction"

_DOOR_M = 0.9  # As wide as a door is drawn; a survey has its middle alone.
_INTO_CELL_M = 0.45  # How far the line of an access point leads into a cell, clear of its wall.

LEGEND = (
    ("cell", "cell"),
    ("signal_strong", f"cell with a strong signal, {_MINUS}55 dBm or more expected"),
    ("signal_good", f"cell with a good signal, {_MINUS}65 to {_MINUS}56 dBm"),
    ("signal_fair", f"cell with a fair signal, {_MINUS}72 to {_MINUS}66 dBm"),
    ("signal_weak", f"cell with a weak signal, below {_MINUS}72 dBm"),
    ("signal_short", "cell that falls short while all cells are online"),
    ("landing", "landing"),
    ("atrium", "open well between galleries"),
    ("hub", "hub of the wing"),
    ("stairs", "stairs"),
    ("office", "office"),
    ("other", "other room"),
    ("comms_room", "comms room"),
    ("wall", "wall"),
    ("door", "door"),
    ("tray", "new tray"),
    ("basket", "new basket"),
    ("trunking", "new trunking"),
    ("conduit", "new conduit"),
    ("existing", "containment or cable that stands already"),
    ("drop", "new cable to an outlet or access point"),
    ("riser", "riser to another floor"),
    ("duct", "duct to the comms room"),
    ("distributor", "rack in the comms room"),
    ("cabinet", "new cabinet"),
    ("outlet", "outlet in a cell"),
    ("access_point", "access point, its number · channel"),
    ("access_point_busy", "access point with more demand than its airtime bears"),
    ("serves", "access point to a cell that it serves"),
)

# The least signal that is expected of each style, in dBm, and the most telling first.
_SIGNALS = (
    ("signal_strong", -55.0),
    ("signal_good", -65.0),
    ("signal_fair", -72.0),
    ("signal_weak", -inf),
)
_HEARD = (
    ("heard_strong", -65.0),
    ("heard_good", -75.0),
    ("heard_fair", AUDIBLE_DBM),
    ("heard_not", -inf),
)
_OUTSIDE = (
    ("landing", "the wing, its ground floor"),
    ("access_point", "access point"),
    ("heard_strong", f"usable outside: {_MINUS}65 dBm or more"),
    ("heard_good", f"heard well: {_MINUS}75 to {_MINUS}66 dBm"),
    ("heard_fair", f"heard: {_MINUS}85 to {_MINUS}76 dBm"),
    ("heard_not", f"not heard: below {_MINUS}85 dBm"),
)


def landing_drawing(
    network: Network, shape: WingShape, design: WingDesign, *, number: int, caption: str
) -> Drawing:
    """Return one landing of a wing's network to scale, in metres."""
    landing = design.landings[number - 1]
    shapes = tuple(_shapes(network, design, number=number))
    used = {drawn.style for drawn in shapes}
    return Drawing(
        caption=caption,
        shapes=shapes,
        legend=tuple(each for each in LEGEND if each[0] in used),
        watermark=watermark_of(network, floors=(number - 1,)),
        note=(
            f"Landing {number} of {len(design.landings)}: {landing.cells} cells, "
            f"{LABELS[landing.chosen]}. "
            f"{shape.thickness_mm} mm {shape.material.replace('_', ' ')} walls; "
            f"{_longest_words(design)}; cabling ends in the "
            f"{_where(design, number=number)}.{_from_elsewhere(network, design, number=number)}"
        ),
    )


def _longest_words(design: WingDesign) -> str:
    if not design.longest_link_m:
        return "no copper link is new"
    return f"longest link {design.longest_link_m:g} m"


def _where(design: WingDesign, *, number: int) -> str:
    """Return where cables end, with the landing if that is another."""
    others = sorted({d.floor + 1 for d in design.distributors if d.floor + 1 != number})
    landings = f", on landing {' and '.join(map(str, others))}" if others else ""
    return f"{design.distributor}{landings}"


def _from_elsewhere(network: Network, design: WingDesign, *, number: int) -> str:
    """Return how many cells of a landing access points of other landings serve, as a sentence."""
    keys = {space.location_key for space in network.spaces if space.floor == number - 1}
    count = sum(
        cell in keys
        for point in design.points
        if point.landing != number and point.option in WIRELESS
        for cell in point.cells
    )
    cells = "1 cell is" if count == 1 else f"{count} cells are"
    return f" {cells} served from another landing." if count else ""


def outside_drawing(network: Network, design: WingDesign, *, caption: str) -> Drawing | None:
    """Return what is heard of a wing's access points along the perimeter, None without any."""
    if design.air is None:
        return None
    said = "The access points of this wing alone, without those of others"
    return _outside([("", network, design)], design.air.leakage, caption=caption, said=said)


def site_outside_drawing(
    parts: Sequence[tuple[str, Network, WingDesign]], leakage: Leakage, *, caption: str
) -> Drawing:
    """Return what is heard of wings along their prison's perimeter, each by its name and place."""
    said = f"The access points of {_wings(len(parts))} together"
    return _outside(parts, leakage, caption=caption, said=said)


def _wings(count: int) -> str:
    return "1 wing" if count == 1 else f"{count} wings"


def _outside(
    parts: Sequence[tuple[str, Network, WingDesign]], leakage: Leakage, *, caption: str, said: str
) -> Drawing:
    """Return wings and their access points within a perimeter, which is styled by its signal."""
    shapes = [
        Shape(kind="polygon", points=space.outline, style="landing")
        for _, network, _ in parts
        for space in network.spaces
        if space.floor == 0
    ]
    shapes += [
        Shape(
            kind="point",
            points=(point.at,),
            style="access_point",
            title=f"{name} {point.name}".lstrip(),
        )
        for name, _, design in parts
        for point in design.points
        if point.option in WIRELESS
    ]
    ring = (*leakage.at_m, leakage.at_m[0])
    strongest = leakage.strongest_dbm
    for index, dbm in enumerate(leakage.likely_dbm):
        ends = (ring[index], ring[index + 1])
        label = f"{_decibels(dbm)} dBm" if dbm == strongest else ""
        cautious = _decibels(leakage.cautious_dbm[index])
        title = f"{_decibels(dbm)} dBm likely, {cautious} dBm through windows"
        style = _banded(dbm, _HEARD)
        shapes.append(Shape(kind="line", points=ends, style=style, title=title, label=label))
    used = {shape.style for shape in shapes}
    every = Network(
        spaces=tuple(space for _, network, _ in parts for space in network.spaces),
        walls=tuple(wall for _, network, _ in parts for wall in network.walls),
        doors=tuple(door for _, network, _ in parts for door in network.doors),
    )
    return Drawing(
        caption=caption,
        shapes=tuple(shapes),
        legend=tuple(each for each in _OUTSIDE if each[0] in used),
        watermark=watermark_of(every, floors=(0,)),
        size="small",
        note=(
            f"{said}, heard along the perimeter ({leakage.perimeter.source}; "
            f"grade {leakage.perimeter.grade}): at most {_decibels(strongest)} dBm likely and "
            f"{_decibels(max(leakage.cautious_dbm))} dBm through windows; "
            f"{leakage.audible_m:.0f} m of it hear a network."
        ),
    )


def _banded(dbm: float, bands: Sequence[tuple[str, float]]) -> str:
    """Return the style of a signal, by the decibels that its label shows."""
    return next(style for style, least_dbm in bands if round(dbm) >= least_dbm)


def _decibels(dbm: float) -> str:
    """Return a signal to the decibel, with a true minus sign."""
    return f"{dbm:.0f}".replace("-", _MINUS)


def marked(drawing: Drawing, *, is_measured: bool) -> Drawing:
    """Return a drawing that warns builders off across it, unless signal was measured."""
    marks = (drawing.watermark, "" if is_measured else NOT_FOR_CONSTRUCTION)
    return replace(drawing, watermark="; ".join(filter(None, marks)))


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


def layout_of(plan: Plan, wing_plan: WingPlan) -> str:
    """Return how well the layout is known that a wing is designed with: surveyed, or why not."""
    if wing_plan.design not in plan.networks:
        return WATERMARK
    floors = range(len(wing_plan.wing.shape.layout))
    return watermark_of(plan.network_of(wing_plan), floors=floors) or "surveyed"


def _shapes(network: Network, design: WingDesign, *, number: int) -> Iterator[Shape]:
    floor = number - 1
    signals = {
        cell: (dbm, point)
        for point in design.points
        for cell, dbm in zip(point.cells, point.signal_dbm, strict=False)
    }
    for space in network.spaces:
        if space.floor == floor:
            yield _space(space, signals.get(space.location_key), design)
    for wall in network.walls:
        if wall.floor == floor:
            title = f"{wall.material.replace('_', ' ')}, {wall.thickness_mm} mm"
            yield Shape(kind="line", points=(wall.start, wall.end), style="wall", title=title)
    yield from _doors(network, floor=floor)
    yield from _routes(network, design, floor=floor)
    yield from _cables(network, design, number=number)
    yield from _served(network, design, number=number)
    for point in design.points:
        if point.landing == number:
            yield from _points(network, point, design)
    yield from _distributors(network, design, floor=floor)


def _space(space: Space, signal: tuple[float, BuiltPoint] | None, design: WingDesign) -> Shape:
    """Return a space; a cell that radio serves is shaded by the signal that is expected in it."""
    title = f"cell {space.location_key}" if space.location_key else space.kind
    if signal is None:
        return Shape(kind="polygon", points=space.outline, style=space.kind, title=title)
    dbm, point = signal
    falls_short = design.air is not None and space.location_key in design.air.failing
    short = "; falls short while all cells are online" if falls_short else ""
    return Shape(
        kind="polygon",
        points=space.outline,
        style="signal_short" if falls_short else _banded(dbm, _SIGNALS),
        title=f"{title}: {_decibels(dbm)} dBm from {_named(point, design)}{short}",
        label=_decibels(dbm),
    )


def _named(point: BuiltPoint, design: WingDesign) -> str:
    channel = design.air.channels.get(point.name) if design.air else None
    where = f"{point.name} of landing {point.landing}"
    return f"{where} on channel {channel}" if channel else where


def _served(network: Network, design: WingDesign, *, number: int) -> Iterator[Shape]:
    """Yield a line from each access point of a landing into each other cell that it serves."""
    cells = {
        s.location_key: shapely.Polygon(s.outline) for s in network.spaces if s.floor == number - 1
    }
    for point in design.points:
        if point.option in WIRELESS and point.landing == number:
            at = shapely.Point(point.at)
            for key in point.cells:
                if key in cells and not cells[key].contains(at):
                    inner = cells[key].buffer(-_INTO_CELL_M) or cells[key].centroid
                    ends = shapely.shortest_line(at, inner).coords
                    yield Shape(kind="line", points=tuple(ends), style="serves")


def _distributors(network: Network, design: WingDesign, *, floor: int) -> Iterator[Shape]:
    """Yield the distributors that stand or are typical, and the cabinets that are built."""
    rooms = {distributor.at for distributor in network.distributors}
    for room in network.distributors:
        if room.floor == floor:
            title = f"distributor, {room.state}"
            yield Shape(kind="point", points=(room.at,), style="distributor", title=title)
    for built in design.distributors:
        if built.floor == floor and built.at not in rooms:
            title = f"{built.name}, {built.ports} ports used"
            label = "new cabinet"
            yield Shape(kind="point", points=(built.at,), style="cabinet", title=title, label=label)


def _points(network: Network, point: BuiltPoint, design: WingDesign) -> Iterator[Shape]:
    """Yield what serves cells; a splitter serves them through an outlet in each."""
    if point.option in WIRELESS:
        title = f"{point.name}, access point for {', '.join(point.cells)}"
        title += f"; uses {point.reuses}" if point.reuses else ""
        if point.signal_dbm:
            title += f"; {min(point.signal_dbm):g} dBm at the weakest"
        channel = design.air.channels.get(point.name) if design.air else None
        number = point.name.removeprefix("AP-").lstrip("0")
        label = " · ".join(filter(None, (number, str(channel or ""))))
        title += f", channel {channel}" if channel else ""
        busy = design.air is not None and point.name in design.air.overloaded
        title += "; more demand than its airtime bears" if busy else ""
        style = "access_point_busy" if busy else "access_point"
        yield Shape(kind="point", points=(point.at,), style=style, title=title, label=label)
        return
    keys = set(point.cells)
    cells = {space.space_id for space in network.spaces if space.location_key in keys}
    for outlet in network.outlets:
        if outlet.space_id in cells:
            title = f"outlet, {outlet.state} {outlet.category}".rstrip()
            yield Shape(kind="point", points=(outlet.at,), style="outlet", title=title)


def _cables(network: Network, design: WingDesign, *, number: int) -> Iterator[Shape]:
    """Yield cables that stand, and that from the containment to each new access point.

    In a cell the latter goes by way of its outlet.
    """
    for cable in network.cables:
        if cable.state == "existing" and cable.floor == number - 1:
            title = f"{cable.kind} cable {cable.cable_id}, existing"
            yield Shape(kind="line", points=cable.route, style="existing", title=title)
    joints = [j.at for j in network.junctions if j.floor == number - 1]
    outlets = {outlet.space_id: outlet.at for outlet in network.outlets}
    for point in design.points:
        if point.option not in WIRELESS or point.landing != number or point.reuses:
            continue
        by_way = [outlets[point.space]] if point.space in outlets else []
        first = by_way[0] if by_way else point.at
        tap = min(joints, key=lambda at: (dist(at, first), at), default=None)
        ends = (*([tap] if tap else []), *by_way, point.at)
        if len(set(ends)) > 1:
            title = f"cable of an access point, {point.length_m:g} m to its distributor"
            yield Shape(kind="line", points=ends, style="drop", title=title)


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

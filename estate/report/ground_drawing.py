"""The ground of a prison as a drawing: its buildings, the ducts between them, and the fibre."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import shapely

from estate.model import Grade
from estate.report.drawings import NOT_FOR_CONSTRUCTION, layout_of
from estate.survey import Duct
from reports.document import Drawing, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from estate.backbone import Backbone, FibreRoute, Joined
    from estate.model import Network
    from estate.plan import Plan, SitePlan, WingPlan
    from estate.survey import Outline

LEGEND = (
    ("perimeter", "perimeter"),
    ("outline", "building"),
    ("block", "wing as surveyed"),
    ("block_assumed", "wing of which place or shape is assumed"),
    ("comms_room", "comms room"),
    ("core", "core"),
    ("distributor", "rack to which fibre is led"),
    ("duct_used", "existing duct with fibre"),
    ("duct_dug", "new duct to dig, with fibre"),
    ("duct", "a wing's own duct to its comms room"),
    ("duct_free", "existing duct, not used"),
    ("duct_undug", "duct that is drawn and not dug"),
    ("way_first", "first way from the core"),
    ("way_second", "second way, which shares no duct or chamber with the first"),
    ("way_offered", "second way that is drawn and not built"),
    ("chamber", "chamber"),
    ("chamber_alone", "chamber on the only way to some wing"),
)
_WALLS_M = 0.5  # Spaces are clear internal outlines: so much closes the walls between them.
_MARGIN = 0.06  # Of the larger extent, kept clear around what is drawn.
_FLATTEST = 0.3  # The least height by width, and width by height, that leaves room for labels.


@dataclass(frozen=True, slots=True, kw_only=True)
class DuctUse:
    """A duct, and what a plan does with it.

    `dug` is whether the fibre between buildings digs it, or another beside one that is full;
    `wings` are those whose own cables run through it.
    """

    duct: Duct
    fibre: bool
    dug: bool
    wings: tuple[str, ...]

    @property
    def style(self) -> str:
        """Return how it is drawn."""
        if self.dug:
            return "duct_dug"
        if self.fibre and self.duct.exists:
            return "duct_used"
        if self.wings:
            return "duct"
        return "duct_free" if self.duct.exists else "duct_undug"

    @property
    def state(self) -> str:
        """Return whether it is there and whether it is dug, in words."""
        if self.duct.exists:
            return "existing, full: another is dug beside it" if self.dug else "existing"
        if self.dug or self.wings:
            return "new"
        return "drawn, not dug"

    @property
    def carries(self) -> str:
        """Return what the plan leads through it, in words."""
        cables = f"cables of {', '.join(self.wings)}" if self.wings else ""
        return ", ".join(filter(None, ("fibre" if self.fibre else "", cables))) or "nothing"


def duct_uses(plan: Plan, site: SitePlan, backbone: Backbone) -> tuple[DuctUse, ...]:
    """Return every duct that is drawn, those with fibre first, with what the plan does with it."""
    laid = {each.duct: each for each in backbone.ducts}
    own: dict[str, list[str]] = {}
    for wing_plan in site.wings:
        for span in plan.designs[wing_plan.design].spans:
            if span.containment == "duct":
                own.setdefault(span.span_id.partition("#")[0], []).append(wing_plan.wing.wing)
    found = (
        DuctUse(
            duct=duct,
            fibre=duct.name in laid,
            dug=duct.name in laid and laid[duct.name].dug,
            wings=tuple(dict.fromkeys(own.get(duct.feature, ()))),
        )
        for duct in backbone.ground.ducts
    )
    return tuple(sorted(found, key=lambda use: (not use.fibre, not use.wings, use.duct.name)))


def ground_drawing(plan: Plan, site: SitePlan, backbone: Backbone, *, sensitive: bool) -> Drawing:
    """Return the ground of a prison to scale, in metres of EPSG:27700.

    Which ways the fibre takes from the core and what is on the only one of them are shown in what
    is `sensitive` alone.
    """
    uses = duct_uses(plan, site, backbone)
    wings = [_Wing.of(plan, wing_plan) for wing_plan in site.wings if _is_drawn(plan, wing_plan)]
    shapes = [
        *_outlines(backbone.ground.outlines, wings),
        *chain.from_iterable(wing.shapes() for wing in wings),
        *(_ways(backbone, "way_first", "way_offered") if sensitive else ()),
        *_racks(backbone),
        *(_duct(use) for use in uses),
        *(_ways(backbone, "way_second") if sensitive else ()),
        *(_chambers(backbone) if sensitive else ()),
    ]
    styles = {shape.style for shape in shapes}
    known = [use.duct.grade == Grade.SURVEYED for use in uses]
    known += [wing.drawn == "surveyed" for wing in wings]
    known += [outline.grade == Grade.SURVEYED for outline in backbone.ground.outlines]
    return Drawing(
        caption=f"{site.prison.name}: buildings, and the ducts between them",
        shapes=(_sheet(shapes), *shapes),
        legend=tuple(each for each in LEGEND if each[0] in styles),
        watermark=_watermark(known),
        note=_note(site, uses, wings),
        north="grid north",
    )


def _watermark(known: Sequence[bool]) -> str:
    """Return what the drawing has to say of itself; `known` has each thing drawn."""
    if all(known):
        return ""
    share = f"surveyed in part: {sum(known) / len(known):.0%}"
    return f"{share if any(known) else 'drawn, not surveyed'}; {NOT_FOR_CONSTRUCTION}"


def _note(site: SitePlan, uses: Iterable[DuctUse], wings: Iterable[_Wing]) -> str:
    said = []
    if any(use.duct.grade != Grade.SURVEYED for use in uses):
        said.append("A letter after a length is its grade; a length without one was surveyed.")
    there = {wing.code for wing in wings}
    missing = [each.wing.wing for each in site.wings if each.wing.wing not in there]
    if missing:
        said.append(f"Not drawn by the survey, and not shown: {', '.join(missing)}.")
    return " ".join(said)


def _is_drawn(plan: Plan, wing_plan: WingPlan) -> bool:
    return wing_plan.design in plan.networks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wing:
    """A wing where its survey has it; `drawn` is how well that is known."""

    code: str
    title: str
    drawn: str
    outline: Any
    comms_rooms: Any

    @classmethod
    def of(cls, plan: Plan, wing_plan: WingPlan) -> _Wing:
        network, wing = plan.network_of(wing_plan), wing_plan.wing
        drawn = layout_of(plan, wing_plan)
        return cls(
            code=wing.wing,
            title=f"{wing.key} {wing.name}, {wing.cells} cells; {drawn}",
            drawn=drawn,
            outline=_around(network, rooms=False),
            comms_rooms=_around(network, rooms=True),
        )

    def shapes(self) -> Iterator[Shape]:
        """Yield its buildings, the largest of them with its code, and its comms rooms."""
        style = "block" if self.drawn == "surveyed" else "block_assumed"
        parts = sorted(_parts(self.outline), key=lambda part: -part.area)
        for number, part in enumerate(parts):
            yield Shape(
                kind="polygon",
                points=_ring(part),
                style=style,
                title=self.title,
                label="" if number else self.code,
                beside=True,
            )
        for part in _parts(self.comms_rooms):
            title = f"comms room of {self.code}"
            yield Shape(kind="polygon", points=_ring(part), style="comms_room", title=title)


def _around(network: Network, *, rooms: bool) -> Any:
    """Return the outline of a wing's comms rooms, or of all its other spaces."""
    spaces = [
        shapely.Polygon(space.outline)
        for space in network.spaces
        if (space.kind == "comms_room") == rooms
    ]
    return shapely.union_all(shapely.buffer(spaces, _WALLS_M, join_style="mitre"))


def _parts(outline: Any) -> Iterable[Any]:
    return (part for part in shapely.get_parts(outline) if not part.is_empty)


def _ring(part: Any) -> tuple[tuple[float, float], ...]:
    return tuple(shapely.simplify(part, 0.1).exterior.coords[:-1])


def _outlines(outlines: Iterable[Outline], wings: Sequence[_Wing]) -> Iterator[Shape]:
    """Yield the perimeter and the buildings; the name of one with a wing in it is the wing's."""
    ordered = sorted(outlines, key=lambda outline: outline.kind != "perimeter")
    for outline in ordered:
        building = outline.kind == "building"
        held = building and any(
            shapely.Polygon(outline.ring).contains(wing.outline.representative_point())
            for wing in wings
        )
        named = f"{outline.kind} {outline.name}".rstrip()
        yield Shape(
            kind="polygon",
            points=outline.ring,
            style="outline" if building else "perimeter",
            title=f"{named}, grade {outline.grade}",
            label=outline.name if building and not held else "",
            beside=building,
        )


def _duct(use: DuctUse) -> Shape:
    duct = use.duct
    grade = "" if duct.grade == Grade.SURVEYED else f" {duct.grade}"
    return Shape(
        kind="line",
        points=duct.line,
        style=use.style,
        title=(
            f"duct {duct.name}, {duct.length_m:g} m, {use.state}; carries {use.carries}; "
            f"grade {duct.grade}"
        ),
        label="" if use.style == "duct" else f"{duct.length_m:,.0f} m{grade}",
    )


def _racks(backbone: Backbone) -> Iterator[Shape]:
    """Yield the core and the racks to which fibre is led."""
    at = backbone.ground.racks
    if backbone.core:
        points = (at[backbone.core],)
        yield Shape(kind="point", points=points, style="core", title="core", label="core")
    for room in backbone.rooms:
        if room.room != backbone.core:
            title = f"rack {room.room}, of wing {', '.join(room.wings)}"
            yield Shape(kind="point", points=(at[room.room],), style="distributor", title=title)


def _ways(backbone: Backbone, *styles: str) -> Iterator[Shape]:
    """Yield a line along each duct of the ways that are drawn in these styles."""
    lines = {duct.name: duct.line for duct in backbone.ground.ducts}
    found: dict[tuple[str, str], list[str]] = {}
    for room, style, route in ways_of(backbone):
        for duct in route.ducts:
            found.setdefault((style, duct), []).extend(room.wings)
    meanings = dict(LEGEND)
    for style in styles:
        for (other, duct), wings in found.items():
            if other == style:
                title = f"{meanings[style]}: {', '.join(dict.fromkeys(wings))}"
                yield Shape(kind="line", points=lines[duct], style=style, title=title)


def ways_of(backbone: Backbone) -> Iterator[tuple[Joined, str, FibreRoute]]:
    """Yield every way of fibre from the core with its comms room and how it is drawn."""
    for room in backbone.rooms:
        for number, route in enumerate(room.routes):
            yield room, "way_second" if number else "way_first", route
        if room.second is not None:
            yield room, "way_offered", room.second.route


def _chambers(backbone: Backbone) -> Iterator[Shape]:
    """Yield the chambers; one on the only way to some wing says to which."""
    alone = passed_alone(backbone)
    for name, at in backbone.ground.places.items():
        wings = alone.get(name, ())
        if not wings:
            yield Shape(kind="point", points=(at,), style="chamber", title=name)
            continue
        few = len(wings) <= 2  # noqa: PLR2004 - as many as a label has room for
        label = f"only way of {', '.join(wings) if few else f'{len(wings)} wings'}"
        title = f"{name}: on the only way of {', '.join(wings)}"
        yield Shape(kind="point", points=(at,), style="chamber_alone", title=title, label=label)


def passed_alone(backbone: Backbone) -> Mapping[str, tuple[str, ...]]:
    """Return the ducts, chambers and buildings on the only way to some wing, with these wings."""
    found: dict[str, list[str]] = {}
    for room in backbone.rooms:
        if len(room.routes) == 1:
            route = room.routes[0]
            for place in (*(f"duct {name}" for name in route.ducts), *route.through):
                found.setdefault(place, []).extend(room.wings)
    return {place: tuple(dict.fromkeys(wings)) for place, wings in found.items()}


def _sheet(shapes: Iterable[Shape]) -> Shape:
    """Return the ground on which all stands, with room around it for labels."""
    points = [point for shape in shapes for point in shape.points]
    west, south, east, north = shapely.MultiPoint(points).bounds
    width, height = east - west, north - south
    extent = max(width, height) or 1.0
    margin = _MARGIN * extent
    more_x = margin + max(_FLATTEST * height - width, 0) / 2
    more_y = margin + max(_FLATTEST * width - height, 0) / 2
    box = shapely.box(west - more_x, south - more_y, east + more_x, north + more_y)
    return Shape(kind="polygon", points=tuple(box.exterior.coords[:-1]), style="ground")

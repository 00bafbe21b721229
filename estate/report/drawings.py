"""A wing's landing as a drawing: cells, walls, containment and what serves the cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.design import LABELS, Option
from estate.topology import served_together
from estate.typology import lay_out
from reports.document import Drawing, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.design import LandingDesign, WingDesign
    from estate.model import Network, Point, WingShape

WATERMARK = "typical, not this prison"

_LEGEND = (
    ("cell", "cell"),
    ("landing", "landing"),
    ("comms_room", "comms room"),
    ("wall", "wall"),
    ("tray", "containment along the landing"),
    ("riser", "riser or route to the comms room"),
    ("distributor", "distributor"),
)


def landing_drawing(shape: WingShape, design: WingDesign, *, number: int, caption: str) -> Drawing:
    """Return one landing to scale in metres, as the typology lays it out."""
    network = lay_out(shape)
    landing = design.landings[number - 1]
    served = "outlet" if landing.chosen == Option.OUTLETS else "access_point"
    return Drawing(
        caption=caption,
        shapes=tuple(_shapes(network, landing, floor=number - 1)),
        legend=(*_LEGEND, (served, LABELS[landing.chosen])),
        watermark=WATERMARK,
        note=(
            f"Landing {number} of {len(design.landings)}: {landing.cells} cells. "
            f"{shape.thickness_mm} mm {shape.material.replace('_', ' ')} walls; longest link "
            f"{design.longest_link_m:g} m; cabling ends in the {design.distributor}."
        ),
    )


def _shapes(network: Network, landing: LandingDesign, *, floor: int) -> Iterator[Shape]:
    for space in network.spaces:
        if space.floor == floor:
            title = f"cell {space.location_key}" if space.location_key else space.space_id
            yield Shape(kind="polygon", points=space.outline, style=space.kind, title=title)
    for wall in network.walls:
        if wall.floor == floor:
            yield Shape(kind="line", points=(wall.start, wall.end), style="wall")
    yield from _routes(network, landing, floor=floor)
    if landing.chosen == Option.OUTLETS:
        for outlet in network.outlets:
            if outlet.floor == floor:
                title = outlet.space_id.replace("cell-", "outlet in cell ")
                yield Shape(kind="point", points=(outlet.at,), style="outlet", title=title)
    else:
        yield from _access_points(network, landing, floor=floor)
    for distributor in network.distributors:
        if distributor.floor == floor:
            yield Shape(
                kind="point", points=(distributor.at,), style="distributor", title="distributor"
            )


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
        title = f"{span.containment}, {span.length_m:g} m, {span.state}"
        if ends[0] == ends[1]:  # A riser: up and down the same point of the plan.
            yield Shape(kind="point", points=ends[:1], style=span.containment, title=title)
        else:
            yield Shape(kind="line", points=ends, style=span.containment, title=title)


def _access_points(network: Network, landing: LandingDesign, *, floor: int) -> Iterator[Shape]:
    for at, cells in access_points(network, landing, floor=floor):
        title = f"access point for cells {cells[0]} to {cells[-1]}"
        yield Shape(kind="point", points=(at,), style="access_point", title=title)


def access_points(
    network: Network, landing: LandingDesign, *, floor: int
) -> Iterator[tuple[Point, tuple[str, ...]]]:
    """Yield the place of each access point of a landing, amid the cells that it serves."""
    cells = {s.location_key: s for s in network.spaces if s.floor == floor and s.location_key}
    doors = {d.from_space: d.at for d in network.doors if d.floor == floor}
    for group in served_together(landing):
        keys = tuple(f"{landing.landing}-{number:03d}" for number in group)
        spaces = [cells[key] for key in keys]
        if landing.chosen == Option.LANDING_ACCESS_POINTS:
            yield _mean([doors[space.space_id] for space in spaces]), keys
        else:
            yield _mean(list(spaces[len(spaces) // 2].outline)), keys


def _mean(points: list[Point]) -> Point:
    return (
        round(sum(x for x, _ in points) / len(points), 3),
        round(sum(y for _, y in points) / len(points), 3),
    )

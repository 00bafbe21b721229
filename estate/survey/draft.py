"""A draft survey: every wing as the inputs size it, for a surveyor to correct."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import shapely

from estate.errors import InputError
from estate.model import Grade
from estate.network import placed
from estate.sources.survey import Feature, Survey, scan_survey
from estate.sources.survey_layers import write_survey
from estate.tables import SURVEY
from estate.typology import lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from estate.column import Value
    from estate.model import Distributor, Network, Outlet, Point, Space, Span, Wing
    from estate.sizing import Sizing

_GAP_M = 20.0  # Between the drawings of two wings.
_PER_ROW = 4
# A riser has no length on a plan, and a line without any cannot be drawn or picked.
_RISER_STROKE_M = 0.3
BLANK: Mapping[str, Mapping[str, Value]] = {
    table.name: {
        column.name: None if column.kind in {"integer", "number"} else column.default
        for column in table.columns
    }
    for table in SURVEY
}

Drawn = tuple[str, dict[str, "Value"], Any]


def draft(sizing: Sizing, *, at: Point) -> Survey:
    """Return the wings of a prison as features, set out in rows south-east of a point.

    Cells, walls and the way to the comms room are graded as the wing's facts are; all else comes
    from the typology. `at` is an easting and northing in EPSG:27700.
    """
    layers: defaultdict[str, list[Feature]] = defaultdict(list)
    laid = [(wing, lay_out(wing.shape)) for wing in sizing.wings]
    for wing, network in _set_out(laid, at):
        for layer, facts, geometry in _Drawing(wing, network).features():
            every = {**BLANK[layer], **facts}
            layers[layer].append(Feature(layer=layer, facts=every, geometry=geometry))
    return Survey(layers={table.name: tuple(layers[table.name]) for table in SURVEY})


def _set_out(laid: list[tuple[Wing, Network]], start: Point) -> Iterator[tuple[Wing, Network]]:
    """Yield each wing with its network placed: no public plan shows where wings stand."""
    extents = [_extent(network) for _, network in laid]
    width = max((east - west for west, _, east, _ in extents), default=0.0) + _GAP_M
    height = max((north - south for _, south, _, north in extents), default=0.0) + _GAP_M
    for number, (wing, network) in enumerate(laid):
        row, column = divmod(number, _PER_ROW)
        west, _, _, north = extents[number]
        east_m = start[0] + _GAP_M + column * width - west
        north_m = start[1] - _GAP_M - row * height - north
        at = (east_m, north_m)
        yield wing, placed(network, prefix=wing.key, offset=at, key_of=wing.key_of)


def _extent(network: Network) -> tuple[float, float, float, float]:
    outlines = [shapely.Polygon(space.outline) for space in network.spaces]
    west, south, east, north = shapely.total_bounds(outlines)
    return (float(west), float(south), float(east), float(north))


def hand_out(survey: Survey, path: Path, *, prison: str, marking: str) -> None:
    """Write a survey for somebody to take away, but not over one that says something else.

    Raises
    ------
    InputError
        When the file is there already and is not this survey: it may be weeks of work.
    OSError
        When the file cannot be written.
    """
    if path.exists() and not _is_same(path, survey):
        hint = "import it first (wingspan estate import survey), or name another file"
        raise InputError(f"{path} is there already and says something else", hint=hint)
    write_survey(survey, path, prison=prison, marking=marking)


def _is_same(path: Path, survey: Survey) -> bool:
    try:
        return scan_survey(path).survey == survey
    except InputError:
        return False


class _Drawing:
    """One wing being turned into features."""

    def __init__(self, wing: Wing, network: Network) -> None:
        self.wing = wing
        self.network = network
        self.points = {
            **{junction.junction_id: junction.at for junction in network.junctions},
            **{distributor.distributor_id: distributor.at for distributor in network.distributors},
            **{outlet.outlet_id: outlet.at for outlet in network.outlets},
        }

    def features(self) -> Iterator[Drawn]:
        """Yield (layer, facts, geometry) of each feature, layer by layer."""
        network = self.network
        yield from map(self._space, network.spaces)
        for wall in network.walls:
            facts: dict[str, Value] = {"wall_id": wall.wall_id, "material": wall.material}
            facts |= self._known(wall, "construction")
            line = shapely.LineString([wall.start, wall.end])
            yield "walls", {**facts, "thickness_mm": wall.thickness_mm}, line
        for door in network.doors:
            ends = {"from_space": door.from_space, "to_space": door.to_space}
            point = shapely.Point(door.at)
            yield "doors", {"door_id": door.door_id, **ends, **self._known(door)}, point
        yield from map(self._span, network.spans)
        yield from map(self._distributor, network.distributors)
        yield from map(self._outlet, network.outlets)

    def _known(self, feature: Any, fact: str = "") -> dict[str, Value]:
        """Return where a feature is and how it is known; a fact that a source states is that."""
        place: dict[str, Value] = {"wing": self.wing.wing, "floor": feature.floor}
        grade = self.wing.grade_of(fact) if fact else Grade.ASSUMED
        source = feature.source if grade == Grade.ASSUMED else self.wing.source
        return {**place, "grade": str(grade), "source": source}

    def _space(self, space: Space) -> Drawn:
        known = self._known(space, "cells" if space.kind == "cell" else "")
        facts = {"space_id": space.space_id, "kind": space.kind, **known}
        outline = shapely.Polygon(space.outline)
        return "spaces", {**facts, "location_key": space.location_key}, outline

    def _span(self, span: Span) -> Drawn:
        facts: dict[str, Value] = {"span_id": span.span_id, "containment": span.containment}
        facts |= {"state": span.state, "length_m": span.length_m}
        start, end = self.points[span.start], self.points[span.end]
        if span.containment == "riser":
            facts["to_floor"] = span.floor + 1
            end = (round(start[0] + _RISER_STROKE_M, 3), start[1])
        fact = "distance_to_comms_m" if span.containment == "duct" else ""
        return "spans", {**facts, **self._known(span, fact)}, shapely.LineString([start, end])

    def _distributor(self, distributor: Distributor) -> Drawn:
        facts: dict[str, Value] = {"distributor_id": distributor.distributor_id}
        facts |= {"space_id": distributor.space_id, "kind": distributor.kind}
        facts |= {"state": distributor.state, **self._known(distributor)}
        return "distributors", facts, shapely.Point(distributor.at)

    def _outlet(self, outlet: Outlet) -> Drawn:
        facts: dict[str, Value] = {"outlet_id": outlet.outlet_id, "space_id": outlet.space_id}
        facts |= {"kind": outlet.kind, "category": outlet.category, "state": outlet.state}
        facts |= self._known(outlet)
        return "outlets", facts, shapely.Point(outlet.at)

"""A network as a graph, as map layers, and in its place on the site; each way there is exact."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import chain, pairwise
from math import inf
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely

from estate.model import (
    AccessPoint,
    Cable,
    Distributor,
    Door,
    Grade,
    Junction,
    Network,
    Outlet,
    Point,
    Space,
    Span,
    Wall,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class _Layer:
    """How the features of one kind are identified and placed.

    `names` are the fields that hold identifiers, the feature's own first; `places` are those that
    hold coordinates, which a map layer keeps as geometry and not as columns. `role` is what the
    feature is in a graph.
    """

    name: str
    kind: type[Any]
    role: Literal["node", "edge", "attribute"]
    names: tuple[str, ...]
    places: tuple[str, ...] = ("at",)

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the names of all fields of a feature."""
        return tuple(field.name for field in fields(self.kind))

    def name_of(self, feature: Any) -> str:
        """Return the feature's own identifier."""
        return str(getattr(feature, self.names[0]))

    def fields_of(self, feature: Any) -> dict[str, Any]:
        """Return the values of a feature by field."""
        return {name: getattr(feature, name) for name in self.fields}


_LAYERS = (
    _Layer("spaces", Space, "node", ("space_id",), ("outline",)),
    _Layer("walls", Wall, "attribute", ("wall_id",), ("start", "end")),
    _Layer("doors", Door, "edge", ("door_id", "from_space", "to_space")),
    _Layer("junctions", Junction, "node", ("junction_id", "space_id")),
    _Layer("distributors", Distributor, "node", ("distributor_id", "space_id")),
    _Layer("outlets", Outlet, "node", ("outlet_id", "space_id")),
    _Layer("access_points", AccessPoint, "node", ("access_point_id", "space_id")),
    _Layer("cables", Cable, "attribute", ("cable_id",), ("route",)),
    # A span has no coordinates of its own: it is drawn between the points that it joins.
    _Layer("spans", Span, "edge", ("span_id", "start", "end"), ()),
)
_NODES = tuple(layer for layer in _LAYERS if layer.role == "node")
_EDGES = tuple(layer for layer in _LAYERS if layer.role == "edge")
_ATTRIBUTES = tuple(layer for layer in _LAYERS if layer.role == "attribute")
_MANY_POINTS = {Space: "outline", Cable: "route"}  # Kinds that a list of points draws.

_DTYPES: Mapping[Any, str] = {
    str: "str",
    int: "int64",
    float: "float64",
    Grade: "str",
    int | None: "Int64",
    float | None: "Float64",
}


def to_graph(network: Network) -> nx.MultiGraph[str]:
    """Return the network with spaces and points as nodes, doors and spans as edges.

    A node is named, and an edge keyed, by its identifier. Each carries the fields of its feature
    and, as `layer`, which kind it is; spans are weighed by `length_m`. Walls and cables join
    nothing here and are the graph's attributes `walls` and `cables`. An end that names nothing
    is a node without attributes.

    Raises
    ------
    ValueError
        When two spaces or points, or two doors or spans, have the same identifier.
    """
    _check_names(network, _NODES)
    _check_names(network, _EDGES)
    # Parallel edges are facts: two ducts may join the same points, two doors the same spaces.
    graph: nx.MultiGraph[str] = nx.MultiGraph(
        **{layer.name: getattr(network, layer.name) for layer in _ATTRIBUTES}
    )
    for layer in _NODES:
        for feature in getattr(network, layer.name):
            graph.add_node(layer.name_of(feature), layer=layer.name, **layer.fields_of(feature))
    for layer in _EDGES:
        for order, feature in enumerate(getattr(network, layer.name)):
            name, start, end = (getattr(feature, field) for field in layer.names)
            # An undirected graph forgets the order of its edges, so they remember their own.
            marks = {"layer": layer.name, "order": order}
            graph.add_edge(start, end, name, **marks, **layer.fields_of(feature))
    return graph


def from_graph(graph: nx.MultiGraph[str]) -> Network:
    """Return the network that `to_graph` made the graph from."""
    nodes = [attributes for _, attributes in graph.nodes(data=True)]
    edges = [attributes for _, _, attributes in graph.edges(data=True)]
    edges.sort(key=lambda attributes: attributes["order"])
    features: dict[str, Any] = {
        layer.name: tuple(
            layer.kind(**{name: attributes[name] for name in layer.fields})
            for attributes in found
            if attributes.get("layer") == layer.name
        )
        for layers, found in ((_NODES, nodes), (_EDGES, edges))
        for layer in layers
    }
    features |= {layer.name: graph.graph[layer.name] for layer in _ATTRIBUTES}
    return replace(Network(), **features)


def _check_names(network: Network, layers: Iterable[_Layer]) -> None:
    taken = set()
    for layer in layers:
        for feature in getattr(network, layer.name):
            name = layer.name_of(feature)
            if name in taken:
                raise ValueError(f"{name!r} names two of {', '.join(at.name for at in layers)}")
            taken.add(name)


def cells_on(network: Network, floor: int) -> list[Space]:
    """Return the cells of a floor in the order of their identifiers.

    A layout and a draft number these through the spurs in order. Location keys say nothing of
    that: of two spurs, codes may alternate.
    """
    cells = (s for s in network.spaces if s.kind == "cell" and s.floor == floor)
    return sorted(cells, key=lambda cell: cell.space_id)


def outlet_lengths_m(network: Network) -> dict[str, float]:
    """Return, for each outlet, the length along the spans to its nearest distributor.

    To the millimetre; infinite where no route exists, so that no limit on length passes it.
    """
    distributors = [distributor.distributor_id for distributor in network.distributors]
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    graph.add_nodes_from(distributors)
    graph.add_weighted_edges_from(
        ((span.start, span.end, span.length_m) for span in network.spans), weight="length_m"
    )
    lengths_m: Mapping[str, float] = {}
    if distributors:
        lengths_m = nx.multi_source_dijkstra_path_length(
            graph, dict.fromkeys(distributors), weight="length_m"
        )
    return {o.outlet_id: round(lengths_m.get(o.outlet_id, inf), 3) for o in network.outlets}


def placed(
    network: Network, *, prefix: str, offset: Point, key_of: Callable[[str], str] | None = None
) -> Network:
    """Return a wing's network with absolute names and coordinates.

    "cell-1-014" becomes "MDI-A/cell-1-014" and the location key "1-014" becomes "MDI-A-1-014",
    for the prefix "MDI-A", or what `key_of` says, as `Wing.key_of` does. The offset is in metres,
    as are the coordinates that come out, to the millimetre. A perimeter stays where it is: only a
    survey gives one, in its place already.
    """
    whole = key_of or (lambda key: f"{prefix}-{key}")
    features: dict[str, Any] = {
        layer.name: tuple(
            _placed(feature, layer, prefix, offset) for feature in getattr(network, layer.name)
        )
        for layer in _LAYERS
    }
    features["spaces"] = tuple(
        replace(placed, location_key=whole(space.location_key)) if space.location_key else placed
        for placed, space in zip(features["spaces"], network.spaces, strict=True)
    )
    return replace(network, **features)


def shift_between(one: Network, other: Network) -> Point:
    """Return what brings the south-west corner of a network's spaces to that of another's.

    In metres, to the millimetre; nothing where either has no spaces.
    """
    corners = [
        shapely.total_bounds([shapely.Polygon(space.outline) for space in each.spaces])[:2]
        for each in (one, other)
        if each.spaces
    ]
    if len(corners) < 2:  # noqa: PLR2004 - a shift is between two
        return (0.0, 0.0)
    east, north = np.round(corners[1] - corners[0], 3).tolist()
    return (east, north)


def moved(network: Network, offset: Point) -> Network:
    """Return a network in another place, to the millimetre; a perimeter stays where it is."""
    features: dict[str, Any] = {
        layer.name: tuple(
            replace(feature, **_put(feature, layer, offset))
            for feature in getattr(network, layer.name)
        )
        for layer in _LAYERS
    }
    return replace(network, **features)


def _placed(feature: Any, layer: _Layer, prefix: str, offset: Point) -> Any:
    changes: dict[str, Any] = {}
    for field in layer.names:
        name = getattr(feature, field)
        changes[field] = f"{prefix}/{name}" if name else ""
    return replace(feature, **changes, **_put(feature, layer, offset))


def _put(feature: Any, layer: _Layer, offset: Point) -> dict[str, Any]:
    """Return where a feature is once it is moved, by the fields that say so."""
    many = _MANY_POINTS.get(layer.kind)
    if many:
        return {many: tuple(_moved(point, offset) for point in getattr(feature, many))}
    return {field: _moved(getattr(feature, field), offset) for field in layer.places}


def _moved(point: Point, offset: Point) -> Point:
    return (round(point[0] + offset[0], 3), round(point[1] + offset[1], 3))


def to_frames(network: Network, *, crs: Any = None) -> dict[str, gpd.GeoDataFrame]:
    """Return a map layer for each kind of feature; see `frames_of`."""
    return frames_of([network], crs=crs)


def frames_of(networks: Iterable[Network], *, crs: Any = None) -> dict[str, gpd.GeoDataFrame]:
    """Return one map layer for each kind of feature, with the features of all networks.

    Columns are the features' fields without their coordinates, which are the geometry; outlines
    are polygons, walls, cables and spans lines, all else points. A span whose ends are not both
    known has no geometry. `crs` is that of the coordinates; without one they are local metres.
    """
    sheets = list(networks)
    frames = {}
    for layer in _LAYERS:
        features = list(chain.from_iterable(getattr(sheet, layer.name) for sheet in sheets))
        lines = _lines_of_spans(sheets) if layer.kind is Span else _drawn(layer, features)
        frames[layer.name] = gpd.GeoDataFrame(_columns(layer, features), geometry=lines, crs=crs)
    return frames


def from_frames(frames: Mapping[str, gpd.GeoDataFrame]) -> Network:
    """Return the network that the map layers were made from, joined if they were several."""
    features: dict[str, Any] = {
        layer.name: _features(layer, frames[layer.name]) for layer in _LAYERS
    }
    return replace(Network(), **features)


def _columns(layer: _Layer, features: Sequence[Any]) -> dict[str, pd.Series[Any]]:
    """Return the fields that are not geometry, of declared dtypes even where there are none."""
    types = get_type_hints(layer.kind)
    return {
        name: pd.Series([getattr(f, name) for f in features], dtype=_DTYPES[types[name]])
        for name in layer.fields
        if name not in layer.places
    }


def _drawn(layer: _Layer, features: Sequence[Any]) -> Geometries:
    if layer.kind is Space:
        return _polygons([space.outline for space in features])
    if layer.kind is Cable:
        return _routes([cable.route for cable in features])
    places = [[getattr(feature, place) for place in layer.places] for feature in features]
    points = np.array(places, dtype=float).reshape(len(places), len(layer.places), 2)
    drawn: Geometries = (
        shapely.linestrings(points) if layer.kind is Wall else shapely.points(points[:, 0])
    )
    return drawn


def _lines_of_spans(networks: Iterable[Network]) -> Geometries:
    """Return a straight line for each span, or nothing where an end is not a known point."""
    ends: list[tuple[Point | None, Point | None]] = []
    for network in networks:
        at = {junction.junction_id: junction.at for junction in network.junctions}
        at.update(
            (distributor.distributor_id, distributor.at) for distributor in network.distributors
        )
        at.update((outlet.outlet_id, outlet.at) for outlet in network.outlets)
        ends.extend((at.get(span.start), at.get(span.end)) for span in network.spans)
    known = [index for index, pair in enumerate(ends) if None not in pair]
    points = np.array([ends[index] for index in known], dtype=np.float64).reshape(-1, 2, 2)
    lines: Geometries = np.full(len(ends), None, dtype=np.object_)
    lines[known] = shapely.linestrings(points)
    return lines


def _routes(routes: Sequence[tuple[Point, ...]]) -> Geometries:
    points = np.array([point for route in routes for point in route], dtype=np.float64)
    sizes = [len(route) for route in routes]
    lines: Geometries = shapely.linestrings(
        points.reshape(-1, 2), indices=np.repeat(range(len(routes)), sizes)
    )
    return lines


def _polygons(outlines: Sequence[tuple[Point, ...]]) -> Geometries:
    drawn = [index for index, outline in enumerate(outlines) if outline]
    corners = np.array([point for index in drawn for point in outlines[index]], dtype=np.float64)
    sizes = [len(outlines[index]) for index in drawn]
    rings = shapely.linearrings(corners.reshape(-1, 2), indices=np.repeat(range(len(drawn)), sizes))
    polygons: Geometries = np.full(len(outlines), shapely.Polygon(), dtype=np.object_)
    polygons[drawn] = shapely.polygons(rings)
    return polygons


def _features(layer: _Layer, frame: gpd.GeoDataFrame) -> tuple[Any, ...]:
    values = {
        name: [None if value is pd.NA else value for value in frame[name].tolist()]
        for name in layer.fields
        if name not in layer.places
    }
    values["grade"] = [Grade(str(grade)) for grade in values["grade"]]
    values.update(_places(layer, frame.geometry.to_numpy()))
    rows = zip(*(values[name] for name in layer.fields), strict=True)
    return tuple(layer.kind(**dict(zip(layer.fields, row, strict=True))) for row in rows)


def _places(layer: _Layer, geometry: Geometries) -> dict[str, list[Any]]:
    """Return the coordinates of each field that the geometry holds."""
    if layer.kind is Span:
        return {}
    points = [tuple(point) for point in shapely.get_coordinates(geometry).tolist()]
    many = _MANY_POINTS.get(layer.kind)
    if many:
        ends = np.cumsum(shapely.get_num_coordinates(geometry)).tolist()
        # A ring repeats its first point at the end; an outline does not.
        spare = 1 if layer.kind is Space else 0
        return {many: [tuple(points[a : max(a, b - spare)]) for a, b in pairwise([0, *ends])]}
    step = len(layer.places)
    return {place: points[index::step] for index, place in enumerate(layer.places)}

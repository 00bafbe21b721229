"""Drawings, maps and range charts as SVG; the page's style sheet gives each style its colour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log10, sqrt
from textwrap import wrap
from typing import TYPE_CHECKING, Self
from xml.etree.ElementTree import Element, SubElement, tostring

from shapely import GeometryCollection, Polygon, contains_xy
from shapely import box as rectangle

from reports.document import Drawing, Place
from reports.labels import LABEL_SIZE, Labelled, placed_labels
from reports.wording import pounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reports.document import Bar, Map, Point, RangeChart, Shape

Legend = tuple[tuple[str, str], ...]
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in drawing units."""

# One drawing unit is one CSS pixel when the figure is shown at its natural size.
_MARGIN = 16.0
_SCALE_BAR_ROOM = 34.0
_SCALE_BAR_SHARE_MAX = 0.25
_METRES_IN_KM = 1000

# Painted in this order, so that a cell never hides the cable that crosses it.
_LAYERS = ("polygon", "line", "point")
_SWATCHES = {
    "polygon": ("rect", {"x": "2", "y": "2", "width": "24", "height": "12"}),
    "line": ("path", {"d": "M2 8H26"}),
    "point": ("circle", {"cx": "14", "cy": "8", "r": "4"}),
    "place": ("circle", {"cx": "14", "cy": "8", "r": "6"}),
}

_RADIUS_MIN, _RADIUS_MAX = 3.0, 12.0
_LABEL_SIZE = 13.0
_LABEL_WIDTH_PER_LETTER = 7.8  # A generous mean for the system fonts at the size above.
_LABEL_GAP = 3.0

# The most width and height of a drawing by its size, and units for a metre of a small wing.
_DRAWN_MAX = {"full": (1100.0, 760.0), "small": (620.0, 380.0)}
_ZOOM = 30.0
# As far from its middle as the style sheet draws a point or a line, as good as always.
_RADII = {"polygon": 0.0, "line": 4.0, "point": 7.5}

_CHART_WIDTH, _PLOT_LEFT, _PLOT_RIGHT = 960.0, 300.0, 736.0
_ROW_HEIGHT, _BAR_HEIGHT, _LINE_HEIGHT = 46.0, 16.0, 17.0
_AXIS_ROOM = 44.0
_LABEL_LETTERS_MAX, _NOTE_LETTERS_MAX = 38, 130
_TICKS_WANTED = 3
_WHOLE_NUMBERS_FROM = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """The way from metres, y upwards, to drawing units, y downwards, at one scale for both."""

    west_m: float
    north_m: float
    units_per_m: float
    width: float
    height: float

    @classmethod
    def fitting(cls, points: Sequence[Point], *, width: float, height: float, zoom: float) -> Self:
        """Return the largest view of the points within a size and `zoom` units per metre."""
        eastings, northings = zip(*points, strict=True) if points else ((0.0,), (0.0,))
        width_m, height_m = max(eastings) - min(eastings), max(northings) - min(northings)
        # A millimetre at least: a lone point or a level line has no extent to divide by.
        scale = min(width / max(width_m, 0.001), height / max(height_m, 0.001), zoom)
        return cls(
            west_m=min(eastings),
            north_m=max(northings),
            units_per_m=scale,
            width=width_m * scale + 2 * _MARGIN,
            height=height_m * scale + 2 * _MARGIN,
        )

    def at(self, point: Point) -> Point:
        """Return where a point in metres falls on the drawing."""
        easting, northing = point
        return (
            _MARGIN + (easting - self.west_m) * self.units_per_m,
            _MARGIN + (self.north_m - northing) * self.units_per_m,
        )

    def pairs(self, points: Iterable[Point]) -> str:
        """Return the points as SVG writes them, to a tenth of a unit."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, points))


@lru_cache(maxsize=512)  # Wings of equal shape share their drawing: it is made once.
def drawing_svg(drawing: Drawing) -> str:
    """Return a scale drawing as SVG, with a scale bar and the watermark across it.

    Points, lines and polygons keep their given order within their kind; points lie over lines,
    and lines over polygons. Each tooltip is the `<title>` of its shape. A label that finds no
    room is left to the tooltip.
    """
    points = [point for shape in drawing.shapes for point in shape.points]
    width, height = _DRAWN_MAX[drawing.size]
    view = _View.fitting(points, width=width, height=height, zoom=_ZOOM)
    svg = _canvas("drawing", drawing.caption, max(view.width, 220), view.height + _SCALE_BAR_ROOM)
    for shape in sorted(drawing.shapes, key=lambda shape: _LAYERS.index(shape.kind)):
        _add_shape(svg, shape, view)
    if drawing.watermark:
        _add_watermark(svg, drawing.watermark, view)
    _add_marks(svg, drawing.shapes, view)
    _add_scale_bar(svg, view)
    if drawing.north:
        _add_north(svg, drawing.north, view)
    return tostring(svg, encoding="unicode")


def map_svg(chart: Map, *, files: Mapping[str, str]) -> str:
    """Return a map as SVG: the area of a dot grows with its size, large dots lie lowest.

    Closed rings of the outline are land, open ones borders. The map shows all of the land that
    bears a place; other land runs beyond its edge, as Scotland does from England and Wales.
    A place with a slug is a link to that slug's entry in `files`.

    Raises
    ------
    KeyError
        When a slug has no file.
    """
    home, abroad = _land(chart)
    shown = [point for land in home for point in land.exterior.coords]
    shown += [place.at for place in chart.places]
    view = _View.fitting(shown, width=760, height=860, zoom=24)
    svg = _canvas("map", chart.caption, view.width, view.height + _SCALE_BAR_ROOM)
    _add_land(svg, "land-other", abroad, view)
    _add_land(svg, "land", home, view)
    _add_borders(svg, chart.outline, view)
    dots = _dots(chart.places, view)
    for dot in dots:
        href = files[dot.place.slug] if dot.place.slug else ""
        _add_dot(_add(svg, "a", {"href": href}) if href else svg, dot)
    for dot, label in _labels(dots, (0, 0, view.width, view.height)):
        _add_label(svg, dot.place.label, label)
    _add_scale_bar(svg, view)
    return tostring(svg, encoding="unicode")


def range_chart_svg(chart: RangeChart) -> str:
    """Return a range chart as SVG: bars from low to high, a mark at likely, an axis from zero."""
    highest = max((bar.high for bar in chart.bars), default=0) or 1  # An axis needs some length.
    step = _round_down(highest / _TICKS_WANTED)
    axis = _Axis(unit=chart.unit, step=step, ticks=ceil(highest / step))
    tops = [_AXIS_ROOM]
    for bar in chart.bars:
        tops.append(tops[-1] + _row_height(bar))
    svg = _canvas("range-chart", chart.caption, _CHART_WIDTH, tops[-1])
    _add_axis(svg, axis, bottom=tops[-1])
    for bar, top in zip(chart.bars, tops, strict=False):  # The last top closes the last row.
        _add_bar(svg, bar, axis, top=top)
    return tostring(svg, encoding="unicode")


def legend_swatches(figure: Drawing | Map) -> Legend:
    """Return the legend of a figure: a small SVG of each style, and what it means.

    A swatch is drawn as the first shape of its style is; a style that the figure does not use
    is shown as a polygon in a drawing, and as a dot on a map.
    """
    kinds: dict[str, str] = {}
    if isinstance(figure, Drawing):
        kinds = {shape.style: shape.kind for shape in reversed(figure.shapes)}
    other = "polygon" if isinstance(figure, Drawing) else "place"
    return tuple(
        (_swatch(kinds.get(style, other), style), meaning) for style, meaning in figure.legend
    )


def _swatch(kind: str, style: str) -> str:
    tag, attributes = _SWATCHES[kind]
    size = {"class": "swatch", "viewBox": "0 0 28 16", "width": "28", "height": "16"}
    svg = Element("svg", {**size, "aria-hidden": "true"})
    _add(svg, tag, {**attributes, "class": f"{kind} style-{style}"})
    return tostring(svg, encoding="unicode")


def _canvas(name: str, caption: str, width: float, height: float) -> Element:
    # A map holds links, and the children of an "img" are hidden from who listens to a page.
    role = "group" if name == "map" else "img"
    return Element(
        "svg",
        {
            "class": name,
            "viewBox": f"0 0 {width:.1f} {height:.1f}",
            "width": f"{width:.0f}",
            "height": f"{height:.0f}",
            "role": role,
            "aria-label": caption,
        },
    )


def _add(parent: Element, tag: str, attributes: dict[str, str], text: str = "") -> Element:
    element = SubElement(parent, tag, attributes)
    element.text = text or None
    return element


def _units(value: float) -> str:
    return f"{value:.1f}"


def _round_down(value: float) -> float:
    """Return the largest of 1, 2 or 5 times a power of ten that is not above the value."""
    power = 10.0 ** floor(log10(value))
    return max(step * power for step in (1, 2, 5) if step == 1 or step * power <= value)


# Drawings


def _add_shape(svg: Element, shape: Shape, view: _View) -> None:
    name = f"{shape.kind} style-{shape.style}"
    if shape.kind == "point":
        for x, y in map(view.at, shape.points):
            circle = {"class": name, "cx": _units(x), "cy": _units(y), "r": "4"}
            _add_title(_add(svg, "circle", circle), shape.title)
        return
    tag = "polygon" if shape.kind == "polygon" else "polyline"
    drawn = _add(svg, tag, {"class": name, "points": view.pairs(shape.points)})
    _add_title(drawn, shape.title)


def _add_marks(svg: Element, shapes: Sequence[Shape], view: _View) -> None:
    """Write the labels of shapes, in the colour that their style has for what is on it."""
    labelled = [
        Labelled(
            kind=shape.kind,
            points=tuple(map(view.at, shape.points)),
            radius=_RADII[shape.kind],
            label=shape.label,
            beside=shape.beside,
        )
        for shape in shapes
    ]
    for standing in placed_labels(labelled, canvas=(view.width, view.height)):
        shape, (x, y) = shapes[standing.shape], standing.at
        at = {"x": _units(x), "y": _units(y + LABEL_SIZE / 3), "font-size": _units(LABEL_SIZE)}
        kind = "point" if shape.kind == "polygon" and not standing.inside else shape.kind
        name = f"mark {kind} style-{shape.style}"
        _add(svg, "text", {"class": name, **at}, shape.label)


def _add_title(element: Element, title: str) -> None:
    if title:
        _add(element, "title", {}, title)


def _add_watermark(svg: Element, watermark: str, view: _View) -> None:
    size = min(0.4 * view.height, 1.4 * view.width / len(watermark), 96)
    middle = {"x": _units(view.width / 2), "y": _units(view.height / 2)}
    _add(svg, "text", {"class": "watermark", "font-size": _units(size), **middle}, watermark)


def _add_scale_bar(svg: Element, view: _View) -> None:
    length_m = _round_down(_SCALE_BAR_SHARE_MAX * max(view.width, 220) / view.units_per_m)
    length, y = length_m * view.units_per_m, view.height + 10
    line = f"M{_MARGIN:.1f} {y - 5:.1f}v5h{length:.1f}v-5"
    _add(svg, "path", {"class": "scale-bar", "d": line})
    text = f"{length_m:g} m" if length_m < _METRES_IN_KM else f"{length_m / _METRES_IN_KM:g} km"
    at = {"x": _units(_MARGIN + length + 8), "y": _units(y)}
    _add(svg, "text", {"class": "scale-label", **at}, text)


def _add_north(svg: Element, north: str, view: _View) -> None:
    """Draw an arrow upwards at the end of the line of the scale bar, and say what up is."""
    x, y = max(view.width, 220) - _MARGIN, view.height + 14
    head = f"M{x - 6:.1f} {y:.1f}l-6 -22l-6 22l6 -5z"
    _add(svg, "path", {"class": "north", "d": head})
    at = {"x": _units(x - 24), "y": _units(y - 4), "text-anchor": "end"}
    _add(svg, "text", {"class": "scale-label", **at}, north)


# Maps


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dot:
    place: Place
    x: float
    y: float
    radius: float

    @property
    def box(self) -> Box:
        """Return the square around the dot."""
        return (
            self.x - self.radius,
            self.y - self.radius,
            self.x + self.radius,
            self.y + self.radius,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    """Room for a label, as wide as its letters may need, and the end that stays by the dot."""

    anchor: str
    x: float
    box: Box


def _land(chart: Map) -> tuple[list[Polygon], list[Polygon]]:
    """Return the land that the map is about, and what other land shows at its edges.

    The map is about land with a place on it, and islands within the bounds of that land that
    are no nearer to any other: Anglesey has no prison, yet does not belong with Scotland.
    """
    lands = [Polygon(ring) for ring in chart.outline if ring[0] == ring[-1]]
    eastings = [place.at[0] for place in chart.places]
    northings = [place.at[1] for place in chart.places]
    home = [land for land in lands if contains_xy(land, eastings, northings).any()]
    if not home:
        return lands, []
    mainland = GeometryCollection(home)
    frame = rectangle(*mainland.bounds)
    islands = [land for land in lands if land not in home and frame.contains(land)]
    abroad = [land for land in lands if land not in [*home, *islands] and frame.intersects(land)]
    others = GeometryCollection(abroad)
    for island in islands:
        far = abroad and others.distance(island) < mainland.distance(island)
        (abroad if far else home).append(island)
    return home, abroad


def _add_land(svg: Element, style: str, lands: Iterable[Polygon], view: _View) -> None:
    path = "".join(f"M{view.pairs(land.exterior.coords)}Z" for land in lands)
    if path:
        _add(svg, "path", {"class": f"outline style-{style}", "d": path, "fill-rule": "evenodd"})


def _add_borders(svg: Element, outline: Iterable[Sequence[Point]], view: _View) -> None:
    for line in outline:
        if line[0] != line[-1]:
            _add(svg, "polyline", {"class": "border", "points": view.pairs(line)})


def _dots(places: Iterable[Place], view: _View) -> list[_Dot]:
    """Return the dots, largest first, so that small ones are drawn over large ones."""
    ordered = sorted(places, key=lambda place: (-place.size, place.label, place.at))
    largest = max((place.size for place in ordered), default=0) or 1
    return [_dot(place, view, size_max=largest) for place in ordered]


def _dot(place: Place, view: _View, *, size_max: float) -> _Dot:
    x, y = view.at(place.at)
    share = max(place.size, 0) / size_max
    return _Dot(place=place, x=x, y=y, radius=max(_RADIUS_MIN, _RADIUS_MAX * sqrt(share)))


def _add_dot(parent: Element, dot: _Dot) -> None:
    at = {"cx": _units(dot.x), "cy": _units(dot.y), "r": _units(dot.radius)}
    circle = _add(parent, "circle", {"class": f"place style-{dot.place.style}", **at})
    _add_title(circle, dot.place.title or dot.place.label)


def _labels(dots: Sequence[_Dot], inside: Box) -> list[tuple[_Dot, _Label]]:
    """Return a label for each named dot, at the least crowded of four places around it.

    Labels are set one by one, those of large dots first; what stands is never moved.
    """
    taken = [dot.box for dot in dots]
    placed = []
    for dot in dots:
        if dot.place.named:
            best = min(_candidates(dot), key=lambda label: _crowding(label.box, taken, inside))
            taken.append(best.box)
            placed.append((dot, best))
    return placed


def _candidates(dot: _Dot) -> tuple[_Label, ...]:
    """Return where a label may stand: right, left, above or below its dot, best first."""
    width, height = len(dot.place.label) * _LABEL_WIDTH_PER_LETTER, _LABEL_SIZE + 3
    left, top, right, bottom = dot.box
    left, right = left - _LABEL_GAP, right + _LABEL_GAP
    upper, start = dot.y - height / 2, dot.x - width / 2
    return (
        _Label(anchor="start", x=right, box=(right, upper, right + width, upper + height)),
        _Label(anchor="end", x=left, box=(left - width, upper, left, upper + height)),
        _Label(anchor="middle", x=dot.x, box=(start, top - height, start + width, top)),
        _Label(anchor="middle", x=dot.x, box=(start, bottom, start + width, bottom + height)),
    )


def _add_label(svg: Element, words: str, label: _Label) -> None:
    at = {"x": _units(label.x), "y": _units(label.box[3] - 4), "text-anchor": label.anchor}
    _add(svg, "text", {"class": "place-label", **at}, words)


def _crowding(box: Box, taken: Iterable[Box], inside: Box) -> float:
    """Return the area of a box that others already cover, or infinity when it leaves the map."""
    if _overlap(box, inside) < _overlap(box, box):
        return float("inf")
    return sum(_overlap(box, other) for other in taken)


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0) * max(height, 0)


# Range charts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """A scale from zero to a whole number of steps."""

    unit: str
    step: float
    ticks: int

    def x(self, value: float) -> float:
        """Return where a value stands."""
        return _PLOT_LEFT + (_PLOT_RIGHT - _PLOT_LEFT) * value / (self.step * self.ticks)

    def words(self, value: float) -> str:
        """Return a value as a person reads it, in pounds where the unit is money."""
        if self.unit.startswith("£"):
            return pounds(value)
        whole = value >= _WHOLE_NUMBERS_FROM or value == int(value)
        return f"{value:,.0f}" if whole else f"{value:,.1f}"


def _row_height(bar: Bar) -> float:
    lines = max(len(wrap(bar.label, _LABEL_LETTERS_MAX)) - 1, 0)
    return _ROW_HEIGHT + _LINE_HEIGHT * (lines + len(wrap(bar.note, _NOTE_LETTERS_MAX)))


def _add_axis(svg: Element, axis: _Axis, *, bottom: float) -> None:
    _add(svg, "text", {"class": "axis-unit", "x": "0", "y": "20"}, axis.unit)
    for tick in range(axis.ticks + 1):
        x = _units(axis.x(tick * axis.step))
        _add(svg, "path", {"class": "grid", "d": f"M{x} 28V{bottom:.1f}"})
        _add(svg, "text", {"class": "tick", "x": x, "y": "20"}, axis.words(tick * axis.step))


def _add_bar(svg: Element, bar: Bar, axis: _Axis, *, top: float) -> None:
    row = _add(svg, "g", {"class": f"bar {bar.style}"})
    _add_title(row, f"{bar.label}: {_spread(bar, axis)}")
    lines = wrap(bar.label, _LABEL_LETTERS_MAX)
    for number, line in enumerate(lines):
        y = top + 20 + number * _LINE_HEIGHT
        _add(row, "text", {"class": "bar-label", "x": "0", "y": _units(y)}, line)
    low, likely, high = axis.x(bar.low), axis.x(bar.likely), axis.x(bar.high)
    extent = {"x": _units(low), "width": _units(max(high - low, 1))}
    _add(row, "rect", {**extent, "y": _units(top + 7), "height": _units(_BAR_HEIGHT), "rx": "3"})
    mark = f"M{likely:.1f} {top + 3:.1f}v{_BAR_HEIGHT + 8:.1f}"
    _add(row, "path", {"class": "likely", "d": mark})
    at = {"x": _units(_PLOT_RIGHT + 16), "y": _units(top + 20)}
    _add(row, "text", {"class": "bar-value", **at}, _spread(bar, axis))
    below = top + 22 + _LINE_HEIGHT * max(len(lines), 1)
    for number, line in enumerate(wrap(bar.note, _NOTE_LETTERS_MAX)):
        y = below + number * _LINE_HEIGHT
        _add(row, "text", {"class": "bar-note", "x": "0", "y": _units(y)}, line)


def _spread(bar: Bar, axis: _Axis) -> str:
    if bar.words:
        return bar.words
    likely = axis.words(bar.likely)
    if bar.low == bar.high:
        return likely
    return f"{likely} ({axis.words(bar.low)} to {axis.words(bar.high)})"

"""Figures are read back as XML and measured."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.document import Bar, Drawing, Map, Place, RangeChart, Shape
from reports.figures import drawing_svg, legend_swatches, map_svg, range_chart_svg


def read(svg):
    return ET.fromstring(svg)  # noqa: S314 - it is our own output


def rectangle(width_m, height_m, *, style="cell", title=""):
    corners = ((0, 0), (width_m, 0), (width_m, height_m), (0, height_m))
    return Shape(kind="polygon", points=corners, style=style, title=title)


def point(*at, style="outlet"):
    return Shape(kind="point", points=(at,), style=style)


def line(*points, style="tray"):
    return Shape(kind="line", points=points, style=style)


def drawn(*shapes, **options):
    return read(drawing_svg(Drawing(caption="A wing", shapes=shapes, legend=(), **options)))


def place(label, at=(0, 0), **options):
    return Place(
        **{"at": at, "label": label, "style": "devices", "size": 100, "title": label, **options}
    )


def mapped(*places, outline=(), files=None):
    chart = Map(caption="A map", outline=outline, places=places, legend=())
    return read(map_svg(chart, files=files or {}))


def charted(*bars, unit="£ per cell"):
    return read(range_chart_svg(RangeChart(caption="A chart", unit=unit, bars=bars)))


def extent(polygon):
    pairs = [tuple(map(float, pair.split(","))) for pair in polygon.get("points").split()]
    xs, ys = zip(*pairs, strict=True)
    return max(xs) - min(xs), max(ys) - min(ys)


def scale_bar(svg):
    """Return the scale bar's length as drawn, and as its label says, in metres."""
    length = float(re.search(r"h([\d.]+)", svg.find("path[@class='scale-bar']").get("d"))[1])
    number, unit = svg.find("text[@class='scale-label']").text.split()
    return length, float(number) * {"m": 1, "km": 1000}[unit]


def words(svg):
    return [text.text for text in svg.iter("text")]


metres = st.floats(min_value=5, max_value=500)

# Drawings


@given(metres, metres)
def test_a_drawing_keeps_the_proportions_of_what_it_shows(width_m, height_m):
    width, height = extent(drawn(rectangle(width_m, height_m)).find("polygon"))

    # To a tenth of a unit at each corner, as coordinates are rounded.
    assert width * height_m == pytest.approx(height * width_m, abs=0.2 * (width_m + height_m))


@given(metres, metres)
def test_a_drawing_fits_its_canvas(width_m, height_m):
    svg = drawn(rectangle(width_m, height_m))
    width, height = extent(svg.find("polygon"))
    _, _, canvas_width, canvas_height = map(float, svg.get("viewBox").split())

    assert width < canvas_width <= 1132.1
    assert height < canvas_height <= 826.1


@given(metres, metres)
def test_the_scale_bar_is_as_long_as_it_says(width_m, height_m):
    svg = drawn(rectangle(width_m, height_m))
    length, length_m = scale_bar(svg)
    width, _ = extent(svg.find("polygon"))

    assert length / length_m == pytest.approx(width / width_m, rel=0.02)
    assert f"{length_m:e}"[0] in "125"


def test_the_scale_bar_of_a_wing_of_forty_metres_is_ten_metres():
    # 40 m at 27.5 units each are 1,100; a quarter of the canvas of 1,132 holds 10 m, which is 275.
    assert scale_bar(drawn(rectangle(40, 12))) == (275, 10)


def test_north_is_up():
    svg = drawn(point(0, 0, style="south"), point(0, 9, style="north"))
    south, north = svg.findall("circle")

    assert float(north.get("cy")) < float(south.get("cy"))


def test_cables_lie_over_cells_and_outlets_over_cables():
    svg = drawn(point(1, 1), line((0, 0), (2, 2)), rectangle(2, 2))
    kinds = [shape.tag for shape in svg if "style-" in shape.get("class")]

    assert kinds == ["polygon", "polyline", "circle"]


def test_a_shape_of_a_style_that_nobody_knows_is_drawn():
    assert drawn(rectangle(2, 2, style="moat")).find("polygon").get("class") == "polygon style-moat"


def test_a_title_becomes_a_tooltip_and_is_escaped():
    svg = drawing_svg(Drawing(caption="", shapes=(rectangle(2, 2, title="<b> & co"),), legend=()))

    assert "<title>&lt;b&gt; &amp; co</title>" in svg


def test_the_watermark_is_written_across_the_drawing():
    svg = drawn(rectangle(40, 12), watermark="typical, not this prison")

    assert svg.find("text[@class='watermark']").text == "typical, not this prison"


@pytest.mark.parametrize("shapes", [(), (point(3, 4),), (line((0, 0), (9, 0)),)])
def test_what_has_no_area_is_still_drawn(shapes):
    _, length_m = scale_bar(drawn(*shapes))

    assert length_m > 0


def test_a_drawing_told_at_a_glance_is_smaller():
    full, small = (drawn(rectangle(90, 60), size=size) for size in ("full", "small"))

    assert [float(svg.get("width")) for svg in (full, small)] == [1132, 602]


def test_a_label_stands_in_the_middle_of_its_polygon_and_beside_its_point():
    cell = Shape(kind="polygon", points=((0, 0), (4, 0), (4, 2), (0, 2)), style="cell", label="-60")
    antenna = Shape(kind="point", points=((0.5, 1),), style="access_point", label="36")
    svg = drawn(cell, antenna)

    in_cell, beside = (
        next(text for text in svg.iter("text") if text.text == label) for label in ("-60", "36")
    )
    corners = [tuple(map(float, p.split(","))) for p in svg.find("polygon").get("points").split()]
    circle = svg.find("circle")
    assert float(in_cell.get("x")) == pytest.approx(sum(x for x, _ in corners) / 4, abs=0.1)
    assert float(beside.get("x")) > float(circle.get("cx")) + 7


def test_north_is_shown_where_the_drawing_says_what_up_is():
    svg = drawn(rectangle(40, 12), north="grid north")

    _, _, width, height = map(float, svg.get("viewBox").split())
    assert "grid north" in words(svg)
    start = re.match(r"M([\d.]+) ([\d.]+)l", svg.find("path[@class='north']").get("d"))
    assert float(start[1]) < width
    assert float(start[2]) < height
    assert drawn(rectangle(40, 12)).find("path[@class='north']") is None


def test_a_label_beside_its_polygon_is_written_as_on_open_ground():
    house = Shape(
        kind="polygon",
        points=((0, 0), (1, 0), (1, 1), (0, 1)),
        style="block",
        label="HB1",
        beside=True,
    )
    inside = drawn(house, point(2, 2)).find("text[@class='mark polygon style-block']")
    beside = drawn(house, point(200, 90)).find("text[@class='mark point style-block']")

    assert (inside.text, beside.text) == ("HB1", "HB1")


def test_a_legend_shows_each_style_as_it_is_drawn():
    drawing = Drawing(
        caption="",
        shapes=(rectangle(2, 2), line((0, 0), (1, 1))),
        legend=(("cell", "Cell"), ("tray", "Tray"), ("duct", "Duct")),
    )
    swatches = [(read(svg)[0].get("class"), meaning) for svg, meaning in legend_swatches(drawing)]

    # Nothing in the drawing says what a duct is.
    assert swatches == [
        ("polygon style-cell", "Cell"),
        ("line style-tray", "Tray"),
        ("polygon style-duct", "Duct"),
    ]


# Maps


def test_the_area_of_a_dot_grows_with_its_size():
    large, small = mapped(place("Large", size=1600), place("Small", (9, 9), size=400)).iter(
        "circle"
    )

    assert float(large.get("r")) == 2 * float(small.get("r"))


def test_small_dots_are_drawn_over_large_ones():
    svg = mapped(place("Small", size=100), place("Large", size=900))

    assert [title.text for title in svg.iter("title")] == ["Large", "Small"]


def test_a_dot_links_to_its_page():
    svg = mapped(place("Leeds", slug="LEI"), place("Hull", (9, 9)), files={"LEI": "LEI.html"})

    assert [link.get("href") for link in svg.iter("a")] == ["LEI.html"]


def test_only_named_places_are_labelled():
    svg = mapped(place("Leeds", named=True), place("Hull", (9, 9)))

    assert [text.text for text in svg.findall("text[@class='place-label']")] == ["Leeds"]


def test_a_label_moves_to_the_left_of_a_dot_with_a_neighbour_on_its_right():
    frame = ((0, 0), (30e3, 0), (30e3, 30e3), (0, 30e3), (0, 0))
    west = place("West", (14e3, 15e3), named=True, size=2)
    east = place("East", (15e3, 15e3), named=True)
    svg = mapped(west, east, outline=(frame,))

    anchors = {text.text: text.get("text-anchor") for text in svg.iter("text")}

    assert anchors["East"] == "start"
    assert anchors["West"] == "end"


def test_a_label_does_not_leave_the_map():
    svg = mapped(place("A long name", (0, 5e3)), place("Another long name", (9e3, 5e3), named=True))

    assert svg.find("text[@class='place-label']").get("text-anchor") == "end"


def test_land_without_a_place_may_run_off_the_map_and_is_paler():
    home = ((0, 0), (100e3, 0), (100e3, 100e3), (0, 100e3), (0, 0))
    neighbour = ((0, 100e3), (100e3, 100e3), (100e3, 900e3), (0, 900e3), (0, 100e3))
    svg = mapped(place("Leeds", (50e3, 50e3)), outline=(neighbour, home))

    paths = [path for path in svg.iter("path") if "outline" in path.get("class")]
    assert [path.get("class") for path in paths] == [
        "outline style-land-other",
        "outline style-land",
    ]
    # The map is as high as wide: it shows the square that bears the place.
    assert svg.get("viewBox") == "0 0 792.0 826.0"


def test_an_island_belongs_to_the_nearer_land():
    home = ((0, 0), (100e3, 0), (100e3, 20e3), (40e3, 20e3), (40e3, 100e3), (0, 100e3), (0, 0))
    abroad = ((60e3, 90e3), (200e3, 90e3), (200e3, 200e3), (60e3, 200e3), (60e3, 90e3))
    ours = ((50e3, 25e3), (60e3, 25e3), (60e3, 30e3), (50e3, 25e3))
    theirs = ((80e3, 80e3), (90e3, 80e3), (90e3, 85e3), (80e3, 80e3))
    svg = mapped(place("Leeds", (9e3, 9e3)), outline=(home, abroad, ours, theirs))

    rings = {path.get("class"): path.get("d").count("Z") for path in svg.iter("path")}
    assert rings["outline style-land"] == 2
    assert rings["outline style-land-other"] == 2


def test_an_open_line_of_the_outline_is_a_border():
    svg = mapped(place("Leeds"), outline=(((0, 0), (9e3, 9e3), (9e3, 0)),))

    assert [shape.get("class") for shape in svg.iter("polyline")] == ["border"]


def test_the_scale_bar_of_a_map_is_in_kilometres():
    # 760 units for 400 km; a quarter of the canvas of 792 holds 100 km, which is 190 units.
    assert scale_bar(mapped(place("West"), place("East", (400e3, 0)))) == (190, 100_000)


# Range charts

OURS = Bar(label="This plan", low=1000, likely=1500, high=2000)


def test_a_range_is_drawn_to_the_scale_of_the_axis():
    svg = charted(OURS)
    ticks = {t.text: float(t.get("x")) for t in svg.findall("text[@class='tick']")}
    bar = svg.find("g/rect")
    likely = float(svg.find("g/path").get("d")[1:].split()[0])

    assert float(bar.get("x")) == ticks["£1,000"]
    assert float(bar.get("x")) + float(bar.get("width")) == pytest.approx(ticks["£2,000"])
    assert likely == ticks["£1,500"]


def test_the_axis_starts_at_zero_and_holds_the_highest_bar():
    svg = charted(OURS, Bar(label="Elsewhere", low=2100, likely=2100, high=2100))

    assert words(svg)[1:7] == ["£0", "£500", "£1,000", "£1,500", "£2,000", "£2,500"]


def test_a_range_is_written_out_and_a_single_value_once():
    texts = words(charted(OURS, Bar(label="Ireland", low=1408, likely=1408, high=1408)))

    assert "£1,500 (£1,000 to £2,000)" in texts
    assert "£1,408" in texts


def test_a_chart_without_money_has_no_pound_signs():
    assert not any("£" in text for text in words(charted(OURS, unit="places")))


def test_a_long_label_is_wrapped_and_makes_its_row_higher():
    long = Bar(label="A label of some length that no single line of ours can hold", **VALUES)
    short = Bar(label="Short", **VALUES)

    assert float(charted(long).get("height")) > float(charted(short).get("height"))
    assert max(len(text) for text in words(charted(long))) <= 38


VALUES = {"low": 1, "likely": 2, "high": 3}


@pytest.mark.parametrize("bars", [(), (Bar(label="Free", low=0, likely=0, high=0),)])
def test_a_chart_of_nothing_is_still_drawn(bars):
    assert "0" in words(charted(*bars, unit="places"))

"""The ground of Elmley as drawn: two wings, a core, a chamber and four ducts between them."""

from dataclasses import replace

import pytest
from shapely import LineString, Point, Polygon

from estate.report.ground_drawing import LEGEND, duct_uses, ground_drawing
from estate.sources.survey import Feature
from estate.survey.draft import BLANK


@pytest.fixture(scope="module")
def drawn(elmley_drawn):
    """Return a function that draws the ground of Elmley from a plan of its survey."""

    def draw(*, sensitive=False, change=None, ways=1):
        plan = elmley_drawn(change, ways=ways)
        site = plan.site("EYI")
        return ground_drawing(plan, site, site.backbone, sensitive=sensitive)

    return draw


@pytest.fixture
def uses(elmley_drawn):
    """Return the ducts of Elmley by name, with what a plan does with each."""
    plan = elmley_drawn()
    site = plan.site("EYI")
    return {use.duct.name: use for use in duct_uses(plan, site, site.backbone)}


def styled(drawing, style):
    return [shape for shape in drawing.shapes if shape.style == style]


def along(shapes):
    return {shape.points for shape in shapes}


def lines(drawing):
    """Return the line of each duct by its name."""
    found = (s for s in drawing.shapes if s.style.startswith("duct") and s.kind == "line")
    return {s.title.split(",")[0].removeprefix("duct "): s.points for s in found}


def labels(drawing):
    return {shape.label for shape in drawing.shapes if shape.label}


def without_signature(*names):
    """Return a change of a survey: nobody has signed these features."""

    def change(feature):
        if feature.name not in names:
            return feature
        return replace(feature, facts={**feature.facts, "surveyed_by": "", "surveyed_on": ""})

    return change


def test_every_duct_is_drawn_once_and_those_between_buildings_with_their_length(drawn):
    drawing = drawn()

    assert set(lines(drawing)) == {
        "trunk",
        "to-hb1",
        "to-hb2",
        "round",
        "EYI-HB1/comms-link",
        "EYI-HB2/comms-link",
    }
    # 40 m is what the survey says of the trunk.
    assert "40 m" in labels(drawing)
    assert sum(label.endswith(" m") for label in labels(drawing)) == 4


def test_a_duct_to_dig_is_told_from_one_that_stands_and_from_one_that_is_not_needed(uses):
    assert {name: use.style for name, use in uses.items()} == {
        "trunk": "duct_used",
        "to-hb1": "duct_dug",
        "to-hb2": "duct_dug",
        "round": "duct_undug",
        "EYI-HB1/comms-link": "duct",
        "EYI-HB2/comms-link": "duct",
    }


def test_a_wing_s_own_duct_carries_its_cables_and_the_site_s_carry_fibre(uses):
    assert uses["EYI-HB1/comms-link"].carries == "cables of HB1"
    assert (uses["trunk"].carries, uses["trunk"].state) == ("fibre", "existing")
    assert (uses["round"].carries, uses["round"].state) == ("nothing", "drawn, not dug")


def test_a_full_duct_is_drawn_as_one_to_dig_beside_it(elmley_drawn):
    def full(feature):
        if feature.name != "trunk":
            return feature
        return replace(feature, facts={**feature.facts, "fill_percent": 95.0})

    plan = elmley_drawn(full)
    site = plan.site("EYI")
    (trunk,) = (u for u in duct_uses(plan, site, site.backbone) if u.duct.name == "trunk")

    assert (trunk.style, trunk.state) == (
        "duct_dug",
        "existing, full: another is dug beside it",
    )


def test_buildings_core_and_racks_are_named_or_shown(drawn):
    drawing = drawn()

    assert {"HB1", "HB2", "core"} <= labels(drawing)
    (core,) = styled(drawing, "core")
    assert core.points == ((597_100.0, 168_100.0),)
    assert len(styled(drawing, "distributor")) == len(styled(drawing, "comms_room")) == 2


@pytest.mark.parametrize("ways", [1, 2])
def test_ways_and_chambers_are_shown_only_where_sensitive_is_asked_for(drawn, ways):
    secret = {"way_first", "way_second", "way_offered", "chamber", "chamber_alone"}

    plain, whole = (drawn(sensitive=asked, ways=ways) for asked in (False, True))

    assert not secret & {shape.style for shape in plain.shapes}
    assert not secret & {style for style, _ in plain.legend}
    assert not any("chamber" in shape.title or "way" in shape.title for shape in plain.shapes)
    assert secret & {shape.style for shape in whole.shapes}


def test_the_second_way_is_drawn_along_its_own_ducts(drawn):
    drawing = drawn(sensitive=True, ways=2)
    at = lines(drawing)

    # HB1 has the way round and that by the chamber; HB2 has the latter alone.
    assert along(styled(drawing, "way_first")) == {at["round"], at["trunk"], at["to-hb2"]}
    assert along(styled(drawing, "way_second")) == {at["trunk"], at["to-hb1"]}


def test_a_second_way_that_is_not_built_is_told_from_one_that_is(drawn):
    drawing = drawn(sensitive=True)

    assert styled(drawing, "way_second") == []
    assert along(styled(drawing, "way_offered")) == {lines(drawing)["round"]}


def test_a_chamber_on_the_only_way_to_wings_says_to_which(drawn):
    one, two = (styled(drawn(sensitive=True, ways=ways), "chamber_alone") for ways in (1, 2))

    assert [chamber.label for chamber in one] == ["only way of HB1, HB2"]
    assert [chamber.label for chamber in two] == ["only way of HB2"]


def test_a_chamber_that_every_wing_can_do_without_is_a_chamber_like_others(drawn, elmley_ground):
    spans = {span.name: span for span in elmley_ground.layers["spans"]}
    (_, core), (rack, _) = (spans[name].geometry.coords for name in ("round", "to-hb2"))
    facts = {**spans["round"].facts, "span_id": "round-hb2"}
    other = replace(spans["round"], facts=facts, geometry=LineString([rack, core]))

    drawing = drawn(sensitive=True, ways=2, change={"spans": (*spans.values(), other)})

    assert len(styled(drawing, "chamber")) == 1
    assert styled(drawing, "chamber_alone") == []


@pytest.mark.parametrize("sensitive", [True, False])
def test_every_style_of_the_drawing_is_in_its_legend(drawn, sensitive):
    drawing = drawn(sensitive=sensitive, ways=2)

    explained = {style for style, _ in drawing.legend}
    assert explained == {shape.style for shape in drawing.shapes} - {"ground"}
    assert explained <= {style for style, _ in LEGEND}


def test_a_length_that_nobody_measured_has_its_grade_beside_it(drawn):
    drawing = drawn(change=without_signature("trunk"))

    assert "40 m D" in labels(drawing)
    assert sum(label.endswith(" m") for label in labels(drawing)) == 3
    assert drawing.note.startswith("A letter after a length is its grade")


def test_the_drawing_says_how_much_of_it_is_surveyed(drawn):
    # Four ducts between buildings are signed; both wings and a duct in each are as drafted.
    assert drawn().watermark == "surveyed in part: 50%; not for construction"
    nobody = without_signature("trunk", "to-hb1", "to-hb2", "round")
    assert drawn(change=nobody).watermark == "drawn, not surveyed; not for construction"


def test_a_wing_as_drafted_is_drawn_as_assumed_and_a_signed_one_as_surveyed(drawn):
    def sign(feature):
        if feature.facts.get("wing") != "HB1":
            return feature
        signed = {"surveyed_by": "J. Smith", "surveyed_on": "2026-09-14"}
        return replace(feature, facts={**feature.facts, **signed})

    drawing = drawn(change=sign)

    assert [shape.label for shape in styled(drawing, "block")] == ["HB1"]
    assert [shape.label for shape in styled(drawing, "block_assumed")] == ["HB2"]


def test_other_buildings_and_the_perimeter_are_drawn_beneath_the_wings(drawn):
    def site(name, kind, corners):
        facts = {**BLANK["site"], "site_id": name, "kind": kind, "name": name}
        return Feature(layer="site", facts=facts, geometry=Polygon(corners))

    kitchen = site(
        "Kitchen", "building", [(597_200, 168_100), (597_230, 168_100), (597_230, 168_120)]
    )
    wall = site("wall", "perimeter", [(596_900, 167_900), (597_400, 167_900), (597_200, 168_300)])

    drawing = drawn(change={"site": (kitchen, wall)})

    kinds = [shape.style for shape in drawing.shapes if shape.kind == "polygon"]
    assert kinds[:3] == ["ground", "perimeter", "outline"]
    assert "Kitchen" in labels(drawing)
    assert "wall" not in labels(drawing)


def test_the_sheet_leaves_room_around_all_that_is_drawn(drawn):
    drawing = drawn()

    (sheet,) = (Polygon(shape.points) for shape in styled(drawing, "ground"))
    west, south, east, north = sheet.bounds
    within = sheet.buffer(-0.05 * max(east - west, north - south))
    others = [shape for shape in drawing.shapes if shape.style != "ground"]
    assert all(within.contains(Point(at)) for shape in others for at in shape.points)


def test_the_sheet_of_a_narrow_site_is_high_enough_for_its_labels(drawn, elmley_ground):
    spans = elmley_ground.layers["spans"]
    (trunk,) = (span for span in spans if span.name == "trunk")
    (_, (east_m, north_m)) = trunk.geometry.coords
    far = replace(
        trunk,
        facts={**trunk.facts, "span_id": "far", "length_m": None},
        geometry=LineString([(east_m, north_m), (east_m + 5_000, north_m)]),
    )

    (sheet,) = styled(drawn(change={"spans": (*spans, far)}), "ground")

    west, south, east, north = Polygon(sheet.points).bounds
    assert north - south >= 0.3 * (east - west) > 1_500


def test_up_is_north_of_the_national_grid(drawn):
    assert drawn().north == "grid north"

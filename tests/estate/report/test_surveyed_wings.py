"""Reports of a prison that was surveyed: Elmley, whose houseblock 1 was measured throughout."""

from dataclasses import replace

import pytest
from shapely.affinity import translate

from estate.pipeline import make_plan, sizings_of
from estate.report import layers_of, site_of
from estate.sources.survey import Survey
from estate.survey import draft
from estate.topology import topology_of
from estate.workspace import Settings
from reports.document import Drawing, Table

AT = (600_000.0, 170_000.0)
SIGNED = {"surveyed_by": "J. Smith", "surveyed_on": "2026-09-14"}


def edited(feature):
    """Return a feature as the survey has it: HB1 signed, one of its cells renumbered and moved."""
    if feature.facts.get("wing") != "HB1":
        return feature
    facts, geometry = {**feature.facts, **SIGNED}, feature.geometry
    if feature.name == "EYI-HB1/cell-1-001":
        facts["location_key"] = "EYI-HB1-1-901"
        geometry = translate(geometry, yoff=0.125)
    return replace(feature, facts=facts, geometry=geometry)


@pytest.fixture(scope="module")
def survey(example):
    drawn = draft(sizings_of(example)["EYI"], at=AT)
    return Survey(
        layers={name: tuple(map(edited, features)) for name, features in drawn.layers.items()}
    )


@pytest.fixture(scope="module")
def plan(example, survey):
    return make_plan(replace(example, surveys={"EYI": survey}), Settings())


@pytest.fixture(scope="module")
def layers(plan):
    return {layer.name: layer for layer in layers_of(plan)}


@pytest.fixture(scope="module")
def drawings(plan):
    """Return the drawings of the prison's page by the wing they begin with."""
    page = next(page for page in site_of(plan).pages if page.slug == "EYI")
    blocks = [block for section in page.sections for block in section.blocks]
    return {b.caption.partition(":")[0]: b for b in blocks if isinstance(b, Drawing)}


def cell(survey):
    return next(s for s in survey.layers["spaces"] if s.name == "EYI-HB1/cell-1-001")


def test_a_surveyed_wing_is_drawn_as_its_survey_has_it(drawings, survey):
    drawn = {shape.title: shape.points for shape in drawings["EYI-HB1, landing 1"].shapes}

    assert drawn["cell EYI-HB1-1-901"] == tuple(cell(survey).geometry.exterior.coords[:-1])


def test_a_drawing_says_how_well_it_is_known(drawings):
    assert drawings["EYI-HB1, landing 1"].watermark == "not for construction"
    typical = next(
        drawing for caption, drawing in drawings.items() if caption.startswith("EYI-HB2")
    )
    assert typical.watermark == "typical, not this prison; not for construction"


def test_every_landing_of_a_wing_that_was_surveyed_is_drawn_and_one_of_a_typical_one(drawings):
    landings = [caption for caption in drawings if ", landing " in caption]

    assert [c for c in landings if c.startswith("EYI-HB1,")] == [
        f"EYI-HB1, landing {number}" for number in (1, 2, 3)
    ]
    assert sum(c.startswith("EYI-HB2") for c in landings) == 1


def test_a_wing_signed_in_part_says_how_much_of_it(example, survey):
    walls = tuple(replace(w, facts={**w.facts, "surveyed_by": ""}) for w in survey.layers["walls"])
    partly = replace(survey, layers={**survey.layers, "walls": walls})
    plan = make_plan(replace(example, surveys={"EYI": partly}), Settings())

    wings = next(layer for layer in layers_of(plan) if layer.name == "wings").frame
    said = wings.set_index("wing_key")["layout"]["EYI-HB1"]

    # Of all spaces, walls and doors, the cells, doors, three landings of three spurs, three hubs
    # and the comms room are signed: 114 + 114 + 9 + 3 + 1 = 241.
    fabric = 241 + sum(wall.text("wing") == "HB1" for wall in walls)
    assert said == f"surveyed in part: {241 / fabric:.0%}"


def test_the_topology_has_the_location_keys_of_the_survey(plan):
    keys = {served.cell for served in topology_of(plan).cells}

    assert "EYI-HB1-1-901" in keys
    assert "EYI-HB1-1-001" not in keys
    assert len(keys) == plan.cells


def test_layers_show_a_surveyed_wing_where_it_stands_and_say_so(layers, survey):
    spaces = layers["spaces"].frame.set_index("location_key")
    wings = layers["wings"].frame.set_index("wing_key")["layout"]

    assert spaces.geometry["EYI-HB1-1-901"].equals(cell(survey).geometry)
    assert wings["EYI-HB1"] == "surveyed"
    assert {said for key, said in wings.items() if key.startswith("LEI-")} == {
        "typical, not this prison"
    }
    assert layers["wings"].title == "Wings (surveyed, or typical as layout or source says)"


def test_layers_have_every_wall_and_door_with_its_grade(layers, survey):
    for name in ("walls", "doors"):
        frame = layers[name].frame
        key = f"{name.removesuffix('s')}_id"
        of_elmley = frame[frame[key].str.startswith("EYI-")]
        assert sorted(of_elmley[key]) == sorted(f.name for f in survey.layers[name])
        graded = of_elmley[of_elmley[key].str.startswith("EYI-HB1/")]
        assert set(graded["grade"]) == {"A"}


def test_containment_that_stands_is_told_from_what_would_be_built(example, survey):
    spans = tuple(
        replace(s, facts={**s.facts, "state": "existing", "fill_percent": 20.0})
        if s.name.startswith("EYI-HB1/run-1-")
        else s
        for s in survey.layers["spans"]
    )
    found = replace(survey, layers={**survey.layers, "spans": spans})
    plan = make_plan(replace(example, surveys={"EYI": found}), Settings())
    page = next(page for page in site_of(plan).pages if page.slug == "EYI")
    drawing = next(
        block for part in page.sections for block in part.blocks if isinstance(block, Drawing)
    )

    standing = [shape for shape in drawing.shapes if shape.style == "existing"]

    # One run before each of the 38 cells of landing 1.
    assert len(standing) == 38
    assert all("m, existing, 20 % full" in shape.title for shape in standing)
    assert ("existing", "containment or cable that stands already") in drawing.legend


def test_landings_stand_beside_the_floors_that_their_cells_are_on(plan):
    page = next(page for page in site_of(plan).pages if page.slug == "EYI")
    blocks = [block for section in page.sections for block in section.blocks]
    (table,) = (b for b in blocks if isinstance(b, Table) and b.caption.startswith("Where locat"))

    rows = {row[0]: row[1:] for row in table.rows}

    # Six wings of three landings and one of four; each floor of HB1 has 38 cells, the landings of
    # three spurs and a hub, and the lowest a comms room.
    assert rows["EYI-HB1-1"] == ("landing", 38, "002 to 901", "HB1", "0", 43)
    assert rows["EYI-HB1-2"] == ("landing", 38, "001 to 038", "HB1", "1", 42)


def test_a_prison_without_a_survey_has_no_such_table(plan):
    page = next(page for page in site_of(plan).pages if page.slug == "LEI")

    captions = [b.caption for s in page.sections for b in s.blocks if isinstance(b, Table)]
    assert not any(caption.startswith("Where locat") for caption in captions)

"""The section on the fibre between buildings of Elmley's page, and of prisons that nobody drew."""

import pytest

from estate.cautions import SENSITIVE
from estate.report import site_of
from reports.document import Drawing, Table, Text


@pytest.fixture(scope="module")
def section(elmley_drawn):
    """Return a function that returns the section of a prison's page."""

    def find(prison_id="EYI", *, sensitive=False, **options):
        site = site_of(elmley_drawn(**options), sensitive=sensitive)
        page = next(page for page in site.pages if page.slug == prison_id)
        return next(part for part in page.sections if part.title == "Between buildings")

    return find


def tables(section):
    return {block.caption: block for block in section.blocks if isinstance(block, Table)}


def test_the_ducts_add_up_to_the_metres_of_the_bill(section, elmley_drawn):
    table = tables(section())["Every duct that the survey draws"]
    likely = {
        line.item: line.quantity.likely
        for line in elmley_drawn().site("EYI").bill
        if line.item in {"external_duct", "fibre_campus"} and line.phase == "initial"
    }

    length, fibre, dug = (sum(row[number] for row in table.rows) for number in (3, 4, 5))

    assert table.footer[3:6] == pytest.approx((length, fibre, dug), abs=0.001)
    assert (fibre, dug) == pytest.approx((likely["fibre_campus"], likely["external_duct"]))


def test_the_section_says_what_the_drawing_shows(section):
    first, *_ = section().blocks

    assert isinstance(first, Text)
    assert first.paragraphs[0].startswith("Fibre between buildings as surveyed: 3 ducts, ")
    assert sum(isinstance(block, Drawing) for block in section().blocks) == 1


def test_ways_are_listed_only_where_sensitive_is_asked_for(section):
    assert set(tables(section(ways=2))) == {"Every duct that the survey draws"}

    found = tables(section(ways=2, sensitive=True))

    ways = [(row[1], row[2], row[3]) for row in found["Ways of fibre from the core"].rows]
    assert ways == [
        ("HB1", "first", "round"),
        ("HB1", "second", "trunk, to-hb1"),
        ("HB2", "the only one", "trunk, to-hb2"),
    ]
    alone = dict(found["On the only way to some wing"].rows)
    assert {name: wings for name, wings in alone.items() if name.startswith("duct ")} == {
        "duct trunk": "HB2",
        "duct to-hb2": "HB2",
    }
    assert sum(name.startswith("chamber of ") for name in alone) == 1


def test_a_way_that_could_be_built_is_listed_as_that(section):
    rows = tables(section(sensitive=True))["Ways of fibre from the core"].rows

    assert ("HB1", "second, drawn and not built", "round") in [row[1:4] for row in rows]


def test_sensitive_pages_are_marked_as_that_throughout(elmley_drawn):
    plan = elmley_drawn()

    assert site_of(plan, sensitive=True).marking == f"{plan.marking}; {SENSITIVE}"
    assert site_of(plan).marking == plan.marking


def test_a_prison_whose_ground_nobody_drew_says_that_its_ways_are_assumed(section, elmley_drawn):
    (said,) = section("MDI").blocks
    (line,) = (
        line
        for line in elmley_drawn().site("MDI").bill
        if line.item == "fibre_campus" and line.phase == "initial"
    )

    assert said.paragraphs == (
        (
            "No survey draws the ground of this prison, so there is no picture of it: the ways of "
            f"fibre from the core to 1 wing are assumed, {line.quantity.likely:,.0f} m in all, "
            "grade D."
        ),
    )


def test_ducts_without_a_core_are_drawn_and_their_fibre_is_assumed(section):
    def no_core(feature):
        return None if feature.name == "core" else feature

    text, drawing, _ = section(change=no_core).blocks

    assert text.paragraphs[0].startswith("The ways of fibre from the core to 2 wings are assumed, ")
    assert "campus_distributor" in text.paragraphs[1]
    assert "core" not in {shape.style for shape in drawing.shapes}

"""What is heard of a prison as a whole: Moorland, as if it had its dormitory twice."""

from dataclasses import replace

import pytest

from estate.model import Grade, Perimeter
from estate.report.outside import site_drawing, site_leakage

WALL = Perimeter(
    line=((-90.0, -90.0), (90.0, -90.0), (90.0, 90.0), (-90.0, 90.0)),
    grade=Grade.ASSUMED,
    source="survey",
)


@pytest.fixture
def twice(hamlet_plan):
    """Return a function that gives a plan and its site with two wings alike, in a perimeter."""

    def made(perimeter=WALL):
        site = hamlet_plan.site("MDI")
        (wing,) = site.wings
        other = replace(wing, wing=replace(wing.wing, wing="2"))
        network = replace(hamlet_plan.network_of(wing), perimeter=perimeter)
        plan = replace(hamlet_plan, networks={wing.design: network})
        return plan, replace(site, wings=(wing, other))

    return made


def test_two_wings_alike_are_heard_3_db_more_than_one(twice):
    plan, site = twice()
    alone = plan.designs[site.wings[0].design].air.leakage

    found = site_leakage(plan, site)

    assert found.strongest_dbm == pytest.approx(alone.strongest_dbm + 3.0, abs=0.06)
    assert found.audible_m >= alone.audible_m


def test_without_a_drawn_perimeter_nothing_is_said_of_the_prison(twice):
    plan, site = twice(perimeter=None)

    assert site_leakage(plan, site) is None
    assert list(site_drawing(plan, site)) == []


def test_a_prison_without_access_points_is_not_heard(hamlet_plan):
    assert site_leakage(hamlet_plan, hamlet_plan.site("EYI")) is None


def test_the_drawing_of_a_prison_says_how_many_wings_it_counts_and_names_their_access_points(
    twice,
):
    plan, site = twice()

    (drawing,) = site_drawing(plan, site)

    assert drawing.note.startswith("The access points of 2 wings together, heard along")
    assert "not for construction" in drawing.watermark
    titles = [shape.title for shape in drawing.shapes if shape.style == "access_point"]
    assert {title.partition(" ")[0] for title in titles} == {"MDI-1", "MDI-2"}

"""The ground between buildings, drawn into a draft as a surveyor would."""

import pytest
from shapely import LineString, Point, Polygon

from estate.model import Grade
from estate.survey import ground_of

CORE = (430_200.0, 433_200.0)


@pytest.fixture
def drawn(sheet):
    """Return the draft with a core, a chamber, and ducts from the comms rooms to both."""
    sheet.add(
        "distributors",
        distributor_id="core",
        floor=0,
        kind="campus_distributor",
        state="existing",
        switch_ports_free=48,
        geometry=Point(CORE),
    )
    rooms = sheet.read("distributors").set_index("distributor_id").geometry
    chamber = (CORE[0] - 50, CORE[1])
    lines = {
        "trunk": [chamber, CORE],
        "to-a": [rooms["LEI-A/distributor"].coords[0], chamber],
        "to-b": [rooms["LEI-B/distributor"].coords[0], chamber],
    }
    for name, line in lines.items():
        sheet.add("spans", span_id=name, floor=0, containment="duct", geometry=LineString(line))
    return sheet


@pytest.mark.usefixtures("drawn")
def test_ducts_between_comms_rooms_are_of_the_site_and_leave_the_wings_as_they_were(result):
    found = result()

    for code in "AB":
        network = found.networks[f"LEI-{code}"]
        assert [d.distributor_id for d in network.distributors] == [f"LEI-{code}/distributor"]
        assert {s.span_id for s in network.spans if s.containment == "duct"} == {
            f"LEI-{code}/comms-link"
        }


def test_a_chamber_is_named_after_its_ducts(drawn):
    ground = ground_of(drawn.survey())

    (chamber,) = ground.places
    assert chamber == "chamber of to-a and to-b and trunk at 430150 433200"
    assert ground.places[chamber] == (430_150.0, 433_200.0)
    ends = {each.name: set(each.ends) for each in ground.ducts}
    assert ends["trunk"] == {chamber, "building of core"}
    assert ends["to-a"] == {chamber, "building of LEI-A/distributor"}
    assert ground.cores == ("core",)


def test_without_a_core_a_duct_stays_with_its_wing(result, drawn):
    drawn.change("distributors", "core", kind="building_distributor")

    spans = [s.span_id for network in result().networks.values() for s in network.spans]

    assert {"trunk", "to-a", "to-b"} <= set(spans)


def test_two_cores_are_refused(drawn):
    drawn.change("distributors", "LEI-A/distributor", kind="campus_distributor")

    what = "it is a campus_distributor, and so is LEI-A/distributor: which is the core?"
    assert ("layer distributors, core", what) in drawn.problems()


def test_a_duct_that_ends_in_nothing_is_refused(drawn):
    (start, _) = drawn.geometry("spans", "to-b").coords
    drawn.change("spans", "to-b", geometry=LineString([start, (CORE[0] - 50, CORE[1] + 5)]))

    assert drawn.problems() == [
        ("layer spans, to-b", "its end meets neither a span nor a distributor")
    ]


def test_a_duct_round_a_corner_is_one_duct(drawn):
    line = drawn.geometry("spans", "trunk").coords
    corner = (CORE[0] - 50, CORE[1] - 30)
    drawn.change("spans", "trunk", geometry=LineString([line[0], corner, line[1]]))

    (trunk,) = [each for each in ground_of(drawn.survey()).ducts if each.feature == "trunk"]

    assert trunk.length_m == pytest.approx(30 + (50**2 + 30**2) ** 0.5, abs=0.01)


def test_a_duct_is_drawn_round_its_corners_from_one_end_to_the_other(drawn):
    line = list(drawn.geometry("spans", "trunk").coords)
    corner = (CORE[0] - 50, CORE[1] - 30)
    drawn.change("spans", "trunk", geometry=LineString([line[0], corner, line[1]]))

    ground = ground_of(drawn.survey())

    lines = {each.name: each.line for each in ground.ducts}
    assert lines["trunk"] == (line[0], corner, line[1])
    assert lines["to-a"] == (ground.racks["LEI-A/distributor"], line[0])
    assert ground.racks["core"] == CORE


def test_perimeter_and_buildings_are_outlined_as_they_are_drawn(drawn):
    corners = ((0.0, 0.0), (9.0, 0.0), (9.0, 5.0))
    drawn.add(
        "site", site_id="LEI/kitchen", kind="building", name="Kitchen", geometry=Polygon(corners)
    )
    drawn.add("site", site_id="LEI/wall", kind="perimeter", geometry=Polygon(corners))
    drawn.sign("site")

    kitchen, wall = ground_of(drawn.survey()).outlines

    assert (kitchen.kind, kitchen.name, kitchen.grade) == ("building", "Kitchen", Grade.SURVEYED)
    assert set(kitchen.ring) == set(corners)
    assert (wall.kind, wall.name) == ("perimeter", "")

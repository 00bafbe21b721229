import pytest
from shapely import LineString, Point

from estate.cabling.wing import WingProblem
from estate.catalogue import Catalogue

_CLEAR_M = 8.0  # A way so far south of the joints passes no tray.


@pytest.fixture
def joints(sheet):
    """Return the inner end of each wing's way to its comms room, on the ground floor."""

    def inner(code):
        line = sheet.geometry("spans", f"LEI-{code}/comms-link")
        rack = sheet.geometry("distributors", f"LEI-{code}/distributor")
        return max(line.coords, key=lambda end: Point(end).distance(rack))

    return {code: inner(code) for code in "AB"}


@pytest.fixture
def join(sheet, joints):
    """Return a function that draws a span of wing A from its joint to that of B, clear of spurs."""

    def draw(off_m=0.0, **facts):
        (x0, y0), (x1, y1) = joints["A"], joints["B"]
        line = LineString([(x0, y0), (x0, y0 - _CLEAR_M), (x1, y1 - _CLEAR_M), (x1, y1 - off_m)])
        drawn = {"floor": 0, "containment": "duct", "wing": "A", "geometry": line, **facts}
        sheet.add("spans", span_id="between", **drawn)

    return draw


def traced(found):
    (meeting,) = found.meetings
    return {m.key: m for m in meeting.traced(tuple(meeting.wings)).members}


def test_wings_of_a_draft_do_not_meet(result):
    assert result().meetings == ()


@pytest.mark.parametrize("wing", ["A", "B", None])
def test_wings_meet_where_a_span_ends_at_a_joint_of_the_other(join, result, wing):
    join(wing=wing)

    (meeting,) = result().meetings

    assert tuple(meeting.wings) == ("LEI-A", "LEI-B")


def test_wings_meet_at_a_rack_to_which_both_lead(sheet, result):
    racks = [sheet.geometry("distributors", f"LEI-{code}/distributor") for code in "BA"]
    line = LineString(racks)
    sheet.add("spans", span_id="between", wing="B", floor=0, containment="duct", geometry=line)

    members = traced(result())

    # The rack is drawn once, in A, and B has it at the end of its span.
    assert members["LEI-B"].met == ("LEI-A/distributor",)
    assert members["LEI-A"].met == ()


def test_a_span_that_ends_beyond_the_snap_joins_nothing(join, result):
    join(off_m=0.2)

    assert result().meetings == ()


def test_a_joint_has_one_name_in_both_wings(join, result):
    join()

    one, other = (traced(result())[f"LEI-{code}"].network for code in "AB")

    # It bends twice on its way, where it meets nothing.
    ends = {end for s in one.spans if s.span_id.startswith("between") for end in (s.start, s.end)}
    ours = {j.junction_id for j in one.junctions}
    theirs = {j.junction_id for j in other.junctions}
    assert len(ends) == 4
    assert ends <= ours
    assert ours & theirs == ends & theirs
    assert len(ours & theirs) == 1


def test_every_span_is_of_the_wing_that_draws_it(join, result):
    join()

    members = traced(result())

    spans = {code: {s.span_id for s in members[f"LEI-{code}"].network.spans} for code in "AB"}
    assert spans["A"].isdisjoint(spans["B"])
    assert {name for name in spans["A"] if not name.startswith("LEI-A/")} == {
        "between#1",
        "between#2",
        "between#3",
    }
    assert all(name.startswith("LEI-B/") for name in spans["B"])


def test_a_wing_that_meets_another_is_otherwise_as_it_is_alone(join, result):
    join()

    found = result()
    alone, traced_with_others = found.networks["LEI-B"], traced(found)["LEI-B"].network

    for layer in ("spaces", "walls", "doors", "distributors", "outlets"):
        assert getattr(traced_with_others, layer) == getattr(alone, layer)
    lengths_m = [sorted(s.length_m for s in n.spans) for n in (alone, traced_with_others)]
    assert lengths_m[0] == lengths_m[1]


def test_landings_lie_on_the_storeys_that_the_survey_gives(sheet, join, result):
    """Wing B stands a storey higher up the hill: its ground floor is the first of A."""
    for layer in ("spaces", "walls", "doors", "spans", "distributors", "outlets"):
        frame = sheet.read(layer)
        frame.loc[frame["wing"] == "B", "floor"] += 1
        if layer == "spans":
            frame.loc[frame["wing"] == "B", "to_floor"] += 1
        sheet.write(layer, frame)
    join(containment="riser", to_floor=1, length_m=30.0)

    members = traced(result())

    assert [members[f"LEI-{code}"].storeys for code in "AB"] == [(0, 1), (1, 2)]
    assert {s.floor for s in members["LEI-B"].network.spaces} == {0, 1}


def test_a_span_is_drilled_through_the_walls_of_the_other_wing(
    sheet, join, joints, result, example
):
    """A wall of B that stands across the way on its ground floor, and one on the storey above."""
    (x0, y0), (x1, _) = joints["A"], joints["B"]
    middle = ((x0 + x1) / 2, y0 - _CLEAR_M)
    across = LineString([(middle[0], middle[1] - 1), (middle[0], middle[1] + 1)])
    shed = across.buffer(1.0)
    for floor in (0, 1):
        name = f"LEI-B/shed-{floor}"
        sheet.add("spaces", space_id=name, wing="B", floor=floor, kind="other", geometry=shed)
        wall = {"material": "brick", "thickness_mm": 215}
        sheet.add("walls", wall_id=name, wing="B", floor=floor, geometry=across, **wall)
    join(containment="tray")
    catalogue = Catalogue(rates=example.rates, assumptions=example.assumptions, appraisal_years=10)
    (meeting,) = result().meetings

    problem = WingProblem.of_block(meeting.traced(tuple(meeting.wings)), catalogue)

    ways = {w.span.span_id: w for w in problem.containment.ways}
    assert not any(w.wall_id.startswith("LEI-B") for w in traced(result())["LEI-A"].network.walls)
    assert [ways[f"between#{leg}"].drills for leg in (1, 2, 3)] == [0, 1, 0]

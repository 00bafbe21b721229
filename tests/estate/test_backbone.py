"""Backbones small enough to price by hand: 205 pounds a metre dug and laid, or 25 laid."""

from dataclasses import replace

import pytest

from estate.backbone import WingRooms, backbone_of
from estate.costing import totals
from estate.model import Grade
from estate.pipeline import make_plan, sizings_of
from estate.plan import read_plan, write_plan
from estate.resilience.failures import failures_of
from estate.survey import Duct, Ground, draft, ground_of
from estate.workspace import Settings

CORE = "building of core"


def duct(name, one, other, length_m, **facts):
    plain = {
        "feature": name,
        "exists": False,
        "fill_percent": None,
        "cross_section_mm2": None,
        "grade": Grade.SURVEYED,
        "line": (),
    }
    return Duct(name=name, ends=(one, other), length_m=length_m, **{**plain, **facts})


# A and B hang from one chamber at the core; a longer duct goes from the core to A, and one from
# A's building on to B's.
DUCTS = (
    duct("trunk", CORE, "chamber", 50.0, exists=True),
    duct("to-a", "chamber", "A", 20.0),
    duct("to-b", "chamber", "B", 30.0),
    duct("round", CORE, "A", 100.0),
    duct("across", "A", "B", 10.0, exists=True),
)
ROOMS = {"core": CORE, "a": "A", "b": "B"}


@pytest.fixture
def laid(catalogue):
    """Return a function that lays the backbone of two wings in some ducts."""

    def lay(ducts=DUCTS, *, ways=1, cores=("core",), rooms=None, paid=()):
        ground = Ground(ducts=tuple(ducts), doors=(), rooms=ROOMS, racks={}, places={}, cores=cores)
        wings = WingRooms(rooms=rooms or {"A": ("a",), "B": ("b",)}, paid=frozenset(paid))
        return backbone_of(ground, wings, replace(catalogue, backbone_ways=ways))

    return lay


def named(backbone):
    return {each.duct for each in backbone.ducts}


def test_one_way_each_is_the_cheapest_tree(laid, catalogue):
    found = laid()

    # 50 m of trunk and 10 m across stand, 20 m to A are dug; 30 m to B would cost more.
    assert named(found) == {"trunk", "to-a", "across"}
    assert (found.laid_m, found.dug_m) == (80.0, 20.0)
    dig, fibre = (catalogue.unit_gbp(item) for item in ("external_duct", "fibre_campus"))
    assert float(found.cost_gbp) == pytest.approx(20 * dig + 80 * fibre)
    assert (found.bound_gbp, found.gap, found.stopped_by) == (found.cost_gbp, 0, "optimal")
    assert found.basis == "as surveyed: 3 ducts, 80 m, of which 20 m new; proven the cheapest"


def test_two_ways_share_no_duct_and_no_chamber(laid):
    found = laid(ways=2)

    for code in "AB":
        one, other = found.to(code).routes
        assert not {*one.ducts, *one.through} & {*other.ducts, *other.through}
    # A by the trunk and round, B by the trunk and across from A, which is reached round.
    assert named(found) == {"trunk", "round", "to-b", "across"}
    assert found.warnings == ()


def test_a_room_with_one_way_is_named_and_the_others_have_two(laid):
    found = laid([each for each in DUCTS if each.name != "across"], ways=2)

    assert [len(found.to(code).routes) for code in "AB"] == [2, 1]
    assert found.to("B").routes[0].through == ("chamber",)
    (warning,) = found.warnings
    assert "wing B has one way alone" in warning


def test_a_way_that_is_drawn_and_not_built_is_kept_with_what_it_adds(laid):
    second = laid().to("A").second

    assert second.route.ducts == ("round",)
    assert (second.dug_m, second.laid_m) == (100.0, 100.0)


def test_a_wing_that_no_duct_joins_is_apart_and_the_other_is_laid(laid):
    found = laid([each for each in DUCTS if each.name in {"trunk", "to-a"}])

    assert (found.apart, named(found)) == (("B",), {"trunk", "to-a"})
    assert any("wing B" in warning for warning in found.warnings)


@pytest.mark.parametrize(("fill", "dug"), [(None, 20.0), (39, 20.0), (40, 70.0), (80, 70.0)])
def test_a_duct_that_is_full_has_another_dug_beside_it(laid, fill, dug):
    trunk = replace(DUCTS[0], fill_percent=fill)

    # 40 % may be full; 1 % of 5,000 mm2 is 50, and a cable of fibres takes 38.5.
    assert laid([trunk, *DUCTS[1:]]).dug_m == dug


def test_a_duct_that_a_wing_builds_is_not_paid_again(laid):
    assert laid(paid={"to-a"}).dug_m == 0.0


def test_a_room_in_the_building_of_the_core_needs_no_duct(laid):
    found = laid(rooms={"A": ("core",)})

    assert found.to("A").in_core
    assert (found.ducts, found.warnings, found.apart) == ((), (), ())


def test_ducts_without_a_core_are_said_and_every_length_is_assumed(laid):
    found = laid(cores=())

    assert (found.core, found.apart, found.ducts) == ("", ("A", "B"), ())
    assert "campus_distributor" in found.warnings[0]


def test_without_core_and_ducts_there_is_no_backbone(laid):
    assert laid([], cores=()) is None


def test_a_fibre_beyond_its_reach_is_said(laid):
    far = [replace(DUCTS[0], length_m=10_500.0), *DUCTS[1:3]]

    assert sum("fibre.reach_m" in warning for warning in laid(far).warnings) == 2


def test_two_ducts_between_the_same_ends_are_two_ways(laid):
    twin = [duct("one", CORE, "A", 10.0), duct("two", CORE, "A", 12.0)]

    found = laid(twin, ways=2, rooms={"A": ("a",)})

    assert [route.ducts for route in found.to("A").routes] == [("one",), ("two",)]


@pytest.fixture(scope="session")
def surveyed_hamlet(hamlet, elmley_ground):
    return replace(hamlet, surveys={"EYI": elmley_ground})


@pytest.fixture(scope="session")
def one_way(surveyed_hamlet):
    return make_plan(surveyed_hamlet, Settings())


@pytest.fixture(scope="session")
def two_ways(surveyed_hamlet):
    return make_plan(surveyed_hamlet, replace(Settings(), backbone_ways=2))


def lines_of(plan, item):
    return [line for line in plan.site("EYI").bill if line.item == item and line.phase == "initial"]


def test_a_surveyed_site_is_billed_for_the_ducts_that_are_drawn(one_way, hamlet_plan):
    backbone = one_way.site("EYI").backbone

    (dug,), (laid,) = (lines_of(one_way, item) for item in ("external_duct", "fibre_campus"))
    assert named(backbone) == {"trunk", "to-hb1", "to-hb2"}
    assert (dug.quantity.likely, laid.quantity.likely) == (backbone.dug_m, backbone.laid_m)
    assert laid.quantity.likely == pytest.approx(dug.quantity.likely + 40)
    assert (dug.basis, dug.grade) == (backbone.basis, Grade.SURVEYED)
    # Grade A: 3 % either way; the assumed length is from a third of its likely one up.
    assert dug.quantity.high == pytest.approx(1.03 * dug.quantity.likely, abs=0.001)
    (assumed,) = lines_of(hamlet_plan, "external_duct")
    assert assumed.basis == "between buildings, 2 wings"
    site = one_way.site("EYI")
    assert site.totals == totals(site.lines())


def test_the_ground_changes_no_wing_and_no_other_prison(one_way, hamlet, hamlet_plan):
    draft_only = draft(sizings_of(hamlet)["EYI"], at=(597_000.0, 168_000.0))
    before = make_plan(replace(hamlet, surveys={"EYI": draft_only}), Settings())

    assert before.site("EYI").backbone is None
    assert one_way.site("EYI").wings == before.site("EYI").wings
    assert one_way.site("MDI") == hamlet_plan.site("MDI")
    assert before.site("EYI").bill == hamlet_plan.site("EYI").bill


def test_a_plan_keeps_the_ground_that_its_survey_draws(one_way, elmley_ground, tmp_path):
    write_plan(one_way, tmp_path / "plan.json")

    backbone = read_plan(tmp_path / "plan.json").site("EYI").backbone

    assert backbone == one_way.site("EYI").backbone
    assert backbone.ground == ground_of(elmley_ground)


def test_a_shared_chamber_takes_all_cells_with_it(one_way):
    (chamber,) = one_way.site("EYI").backbone.to("HB1").routes[0].through

    found = failures_of(one_way, one_way.site("EYI"))

    (point,) = (each for each in found.points if f"EYI/{chamber}" in each.loss.parts)
    # In line with the trunk, behind which both wings of 12 cells are.
    assert (point.loss.cells, point.loss.kind) == (24, "chamber")
    assert found.points


def test_the_second_way_that_is_drawn_is_the_extra_that_mends_a_wing(one_way, catalogue):
    second = one_way.site("EYI").backbone.to("HB1").second

    points = failures_of(one_way, one_way.site("EYI"), "HB1").points

    (cure,) = (p.cure for p in failures_of(one_way, one_way.site("EYI")).points if _is_to_hb1(p))
    assert cure.way.label == "second way to HB1 by round"
    metre = sum(catalogue.unit_gbp(item) for item in ("external_duct", "fibre_campus"))
    assert float(cure.way.cost_gbp.likely) == pytest.approx(second.dug_m * metre, abs=0.1)
    # A duct is listed for the wings that hang from it.
    assert any(_is_to_hb1(point) for point in points)
    others = failures_of(one_way, one_way.site("EYI"), "HB2").points
    assert not any(_is_to_hb1(point) for point in others)
    assert any("EYI/trunk" in point.loss.parts for point in others)


def _is_to_hb1(point):
    return "EYI/to-hb1" in point.loss.parts


def test_with_two_ways_no_duct_takes_the_wing_that_has_both(two_ways):
    backbone = two_ways.site("EYI").backbone

    assert [len(backbone.to(code).routes) for code in ("HB1", "HB2")] == [2, 1]
    points = failures_of(two_ways, two_ways.site("EYI")).points
    cells = {part: point.loss.cells for point in points for part in point.loss.parts}
    assert cells["EYI/trunk"] == cells["EYI/to-hb2"] == 12
    assert not {"EYI/round", "EYI/to-hb1"} & set(cells)

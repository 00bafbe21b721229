from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.model import Grade
from estate.sources.hmpps.spurs import Cell, Level, SpurRule, natural, spur_rules, wing_layout
from estate.sources.register import read_register
from estate.sources.wings import read_wings

DATA = Path(__file__).parents[4] / "estate" / "data"


def cells(numbers, *levels):
    """Return cells below levels such as "LANDING 1"."""
    above = tuple(Level(*level.split()) for level in levels)
    return [Cell(code=f"{number:03d}", levels=above) for number in numbers]


def rule(kind, parameters=""):
    return SpurRule(kind=kind, spurs=tuple(filter(None, parameters.split("+"))), source="a test")


def test_spurs_above_their_landings_share_landings_of_the_same_code():
    wing = [
        *cells(range(12), "SPUR A", "LANDING 1"),
        *cells(range(11), "SPUR A", "LANDING 2"),
        *cells(range(14), "SPUR B", "LANDING 1"),
    ]

    found = wing_layout(wing, None)

    assert (found.layout, found.inferred) == (((12, 14), (11, 0)), False)


def test_spurs_below_their_landing_are_its_spurs():
    wing = [
        *cells(range(3), "LANDING 10", "SPUR B"),
        *cells(range(2), "LANDING 9", "SPUR B"),
        *cells(range(1), "LANDING 9", "SPUR A"),
    ]

    assert wing_layout(wing, None).layout == ((1, 2), (0, 3))


def test_landings_of_spurs_that_share_no_code_are_paired_in_order():
    wing = [
        *cells(range(3), "SPUR A", "LANDING A1"),
        *cells(range(4), "SPUR A", "LANDING A2"),
        *cells(range(5), "SPUR B", "LANDING B1"),
    ]

    found = wing_layout(wing, None)

    assert (found.layout, found.inferred) == (((3, 5), (4, 0)), True)


def test_without_a_level_and_a_rule_a_landing_is_one_spur():
    found = wing_layout([*cells(range(2), "LANDING 1"), *cells(range(3), "LANDING 2")], None)

    assert (found.layout, found.inferred) == (((2,), (3,)), False)
    assert found.remark == "one spur a landing, with no spur level and no spur rule"


def test_cells_right_in_a_wing_are_one_landing():
    assert wing_layout(cells(range(4)), None).layout == ((4,),)


def test_ranges_of_cell_numbers_are_spurs():
    wing = [*cells(range(1, 39), "LANDING 1"), *cells(range(1, 38), "LANDING 2")]

    found = wing_layout(wing, rule("cell_numbers", "1-12+13-26+27-38"))

    assert (found.layout, found.inferred) == (((12, 14, 12), (12, 14, 11)), True)
    assert found.remark == "spur rule cell_numbers 1-12+13-26+27-38 (a test)"


def test_an_ending_of_the_landing_is_a_spur():
    wing = [
        *cells(range(3), "LANDING 1S"),
        *cells(range(4), "LANDING 1N"),
        *cells(range(5), "LANDING 2N"),
    ]

    assert wing_layout(wing, rule("landing_suffix", "N+S")).layout == ((4, 3), (5, 0))


def test_an_ending_of_the_cell_is_a_spur():
    landing = (Level("LANDING", "1"),)
    wing = [Cell(code=code, levels=landing) for code in ("01N", "02N", "01S")]

    assert wing_layout(wing, rule("cell_suffix", "N+S")).layout == ((2, 1),)


@pytest.mark.parametrize("kind", ["LANDING", "AREA"])
def test_a_level_below_the_landing_is_a_spur_by_rule(kind):
    wing = [
        *cells(range(12), "LANDING 1", f"{kind} A"),
        *cells(range(14), "LANDING 1", f"{kind} B"),
    ]

    assert wing_layout(wing, rule("level_below_landing")).layout == ((12, 14),)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("cell_numbers", "1-12"),
        ("cell_suffix", "N+S"),
        ("landing_suffix", "N+S"),
        ("level_below_landing", ""),
    ],
)
def test_a_rule_that_does_not_fit_every_cell_is_not_used(kind, parameters):
    wing = [*cells([1], "LANDING 1", "AREA A"), *cells([13], "LANDING 1")]

    found = wing_layout(wing, rule(kind, parameters))

    assert (found.layout, found.inferred) == (((2,),), False)
    assert "does not fit cell" in found.remark


def test_a_level_for_spurs_comes_before_a_rule():
    found = wing_layout(cells([1, 2], "SPUR A", "LANDING 1"), rule("cell_numbers", "1-1+2-2"))

    assert (found.layout, found.inferred) == (((2,),), False)


@given(st.lists(st.tuples(st.sampled_from("123"), st.integers(1, 40)), min_size=1, unique=True))
def test_no_cell_is_lost_or_added(places):
    wing = [cell for landing, number in places for cell in cells([number], f"LANDING {landing}")]

    for spurs in (None, rule("cell_numbers", "1-12+13-26+27-38")):
        assert sum(map(sum, wing_layout(wing, spurs).layout)) == len(places)


def test_codes_are_ordered_by_their_numbers():
    assert sorted(["10", "2", "B1", "A10", "A2"], key=natural) == ["2", "10", "A2", "A10", "B1"]


def test_the_shipped_ranges_are_those_of_the_shipped_schedule():
    known = [prison.prison_id for prison in read_register(DATA / "register.csv")]
    spurs = {(w.prison_id, w.wing): w.spurs for w in read_wings(DATA / "wings.csv", known=known)}
    ranges = {
        place: tuple(int(r.split("-")[1]) - int(r.split("-")[0]) + 1 for r in found.spurs)
        for place, found in spur_rules().items()
        if found.kind == "cell_numbers"
    }

    bound = ("RNI", "HB5")  # Its schedule states an upper bound only.
    assert ranges.pop(bound) == (24, 24, 24, 27)
    assert ranges == {place: spurs[place] for place in ranges}


def test_every_shipped_rule_is_of_a_wing_of_the_schedule():
    known = [prison.prison_id for prison in read_register(DATA / "register.csv")]
    wings = {(w.prison_id, w.wing) for w in read_wings(DATA / "wings.csv", known=known)}

    assert spur_rules().keys() <= wings


def test_a_wing_with_a_shipped_rule_is_imported_by_it(workspace, certified, certificate):
    landings = [certified.landing(code, 38) for code in "123"]

    (prison,) = workspace.take(certificate(certified.wing("HB1", *landings), prison_id="EYI"))

    row = workspace.rows("EYI")["HB1"]
    assert (row.spurs, row.layout) == ((12, 14, 12), ((12, 14, 12),) * 3)
    assert (row.cells_per_landing, row.cells) == (38, 114)
    assert row.grade is Grade.SCHEDULED
    assert row.source == "HMPPS cell certificate 2026-07-01; spurs inferred by rule, grade C"
    assert prison.spurs_inferred == ("HB1",)


def test_the_wing_structure_names_a_level_whose_type_does_not(workspace, tree, located):
    spur = tree.level("AREA", "A", tree.landing("1", 3))
    structure = ["WING", "SPUR", "LANDING", "CELL"]
    wing = tree.wing("A", spur, tree.level("AREA", "B", tree.landing("1", 4)))

    workspace.take(located(wing) | {"wingStructure": structure})

    row = workspace.rows()["A"]
    assert (row.layout, row.grade) == (((3, 4),), Grade.CERTIFIED)

import csv
from dataclasses import replace
from math import floor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import estate.sizing
from estate.estimate import Estimate
from estate.model import Grade, WingRecord
from estate.sizing import default_typology, places_of, size
from estate.typology import read_typologies

with (Path(estate.sizing.__file__).parent / "data" / "default_typologies.csv").open() as file:
    RULES = tuple(csv.DictReader(file))

# What a row of a schedule says that states nothing but its key.
SILENT = WingRecord(
    prison_id="LEI",
    wing="A",
    name="",
    typology="",
    spurs=None,
    landings=None,
    cells_per_landing=None,
    cells=None,
    cells_max=None,
    floors=None,
    material="",
    thickness_mm=None,
    era="",
    distance_to_comms_m=None,
    containment="unknown",
    cabling="unknown",
    comms_rooms=None,
    power="unknown",
    asbestos="unknown",
    listed="unknown",
    decant_possible="unknown",
    surveyed_on="",
    grade=Grade.SCHEDULED,
    source="a schedule",
    notes="",
)


def row(wing="A", **facts):
    return replace(SILENT, wing=wing, **facts)


@pytest.fixture(scope="module")
def modern(leeds):
    """Return a prison of 1990 with 100 places: three-spur houseblocks of 0.9 cells a place."""
    return replace(leeds, year_opened=1990, category="C", baseline_cna=100)


@pytest.fixture(scope="module")
def sized(catalogue):
    """Return a function that sizes a prison by the shipped typologies and assumptions."""

    def run(prison, *records):
        typologies, assumptions = read_typologies(), catalogue.assumptions
        return size(prison, records, typologies=typologies, assumptions=assumptions)

    return run


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["why"][:40])
def test_every_rule_is_reached_by_a_prison_that_it_is_about(leeds, rule):
    year = rule["opened_to"] or rule["opened_from"]
    prison = replace(
        leeds,
        category=rule["category"] or "C",
        function=rule["function"],
        year_opened=int(year) if year else None,
    )

    assert default_typology(prison) == (rule["typology"], rule["why"])


@pytest.mark.parametrize(
    ("year", "typology"),
    [
        (1100, "radial_gallery"),
        (1901, "radial_gallery"),
        (1902, "linear_wing"),
        (1985, "linear_wing"),
        (1986, "three_spur_houseblock"),
        (2009, "three_spur_houseblock"),
        (2010, "cross_plan_block"),
        (2100, "cross_plan_block"),
        (None, "two_spur_block"),
    ],
)
def test_the_age_of_a_closed_prison_decides_its_typology(leeds, year, typology):
    assert default_typology(replace(leeds, year_opened=year))[0] == typology


@given(
    category=st.sampled_from(["", "A", "C", "D (open)", "women-open", "YOI (under 18)"]),
    function=st.sampled_from(["", "High Security", "Local"]),
    year=st.none() | st.integers(1000, 2100),
)
def test_the_last_rule_leaves_no_prison_without_a_typology(leeds, category, function, year):
    prison = replace(leeds, category=category, function=function, year_opened=year)

    assert default_typology(prison)[0] in read_typologies()
    assert not any(RULES[-1][name] for name in ("category", "function", "opened_from", "opened_to"))


@pytest.mark.parametrize(("cna", "said"), [(None, "blank"), (0, "0")])
def test_a_blank_cna_falls_to_operational_capacity_and_says_so(leeds, sized, cna, said):
    prison = replace(leeds, baseline_cna=cna, operational_capacity=1000)

    sizing = sized(prison)

    # A gallery of 1847 has 0.95 cells a place.
    assert sizing.cells == 950
    assert sizing.basis.startswith(f"1,000 places of operational capacity (CNA {said})")


def test_a_prison_that_nothing_is_known_of_is_left_out_with_the_reason(leeds, sized):
    unknown = replace(leeds, baseline_cna=None, operational_capacity=None)

    sizing = sized(unknown)

    assert places_of(unknown) is None
    assert (sizing.wings, sizing.cells) == ((), 0)
    assert sizing.excluded == "no source gives its capacity, CNA or wings"


def test_a_prison_counted_in_another_is_not_sized_twice_even_with_a_schedule(leeds, sized):
    sizing = sized(replace(leeds, counted_in="MDI"), row(cells=100, landings=2))

    assert sizing.wings == ()
    assert sizing.excluded == "its capacity is reported inside MDI's"


def test_a_schedule_that_reaches_the_likely_share_is_the_whole_prison(modern, sized):
    # 100 places are 90 cells, of which 85 % is 76.5.
    sizing = sized(modern, row(landings=7, cells=77))

    assert [w.wing for w in sizing.wings] == ["A"]
    assert sizing.basis == "77 cells in 1 wings of the wing schedule"


def test_the_balance_of_a_partial_schedule_is_assumed_and_said(modern, sized):
    sizing = sized(modern, row(landings=2, cells=76))

    assert [(w.wing, w.cells, w.grade) for w in sizing.wings] == [("A", 76, "C"), ("T1", 14, "D")]
    assert "76 cells in 1 wings of the wing schedule and 14 assumed" in sizing.basis
    assert any("76 of the 90 cells expected from baseline CNA" in note for note in sizing.notes)


def test_full_sutton_gets_the_balance_of_its_four_scheduled_wings(england_wales, sized):
    # Four dispersal wings of 108 are 432 of 606 cells, one for each place.
    prison = next(p for p in england_wales.establishments if p.prison_id == "FNI")
    records = [record for record in england_wales.wings if record.prison_id == "FNI"]

    sizing = sized(prison, *records)

    assert [w.cells for w in sizing.wings[:4]] == [108] * 4
    assert sum(w.cells for w in sizing.wings[4:]) == 606 - 432
    assert {w.wing[0] for w in sizing.wings[4:]} == {"T"}


def test_an_assumed_wing_never_takes_the_code_of_a_scheduled_one(modern, sized):
    sizing = sized(modern, row("T1", landings=1, cells=10), row("t3", landings=1, cells=10))

    codes = [wing.wing for wing in sizing.wings]
    assert codes[:3] == ["T1", "t3", "T2"]
    assert len({code.casefold() for code in codes}) == len(codes)


def test_rows_with_unknown_cells_share_the_remainder_by_landings(modern, sized):
    # 90 expected less 30 stated leaves 60: two thirds for two landings of three.
    sizing = sized(modern, row("A", landings=1, cells=30), row("B", landings=2), row("C"))

    assert [w.cells for w in sizing.wings] == [30, 40, 20]
    assert [w.grade for w in sizing.wings] == ["C", "D", "D"]
    assert ["cells" in w.assumed for w in sizing.wings] == [False, True, True]
    assert "Cells not stated for B, C: shared out by landings (grade D)." in sizing.notes


def test_a_share_stays_within_its_upper_bound(modern, sized):
    sizing = sized(modern, row("A", landings=1, cells=30), row("B", landings=2, cells_max=39))

    # 60 are left for B, which holds 39; 69 of 90 is less than 85 %, so 21 are assumed.
    assert [w.cells for w in sizing.wings] == [30, 39, 21]


def test_cells_that_are_not_stated_have_bounds_and_stated_ones_none(modern, sized):
    sizing = sized(
        modern,
        row("A", landings=1, cells=30),
        row("B", landings=2, typology="three_spur_houseblock"),
        row("C", landings=1, typology="three_spur_houseblock", cells_max=21),
    )

    # 0.75, 0.90 and 1.00 cells a place: 40 cells are 33.3 to 44.4, and C is bounded by 21.
    bounds = [(w.cells_low, w.cells, w.cells_high) for w in sizing.wings]
    assert bounds == [(30, 30, 30), (33.333, 40, 44.444), (16.667, 20, 21)]


def test_a_schedule_alone_sizes_a_prison_whose_capacity_is_blank(modern, sized):
    unknown = replace(modern, baseline_cna=None, operational_capacity=None)

    sizing = sized(unknown, row("A", landings=3), row("B", landings=2, cells=50))

    # A is as large as a typical three-spur houseblock: three landings of 12 + 14 + 12.
    assert [w.cells for w in sizing.wings] == [114, 50]
    assert sizing.excluded == ""


@pytest.mark.parametrize(
    "facts",
    [
        {"cells": 114},
        {"cells_per_landing": 38},
        {"spurs": (12, 14, 12)},
    ],
    ids=str,
)
def test_the_cells_of_a_row_may_be_stated_in_three_ways(modern, sized, facts):
    (wing,) = sized(modern, row(landings=3, **facts)).wings

    assert (wing.cells, wing.grade) == (114, Grade.SCHEDULED)
    assert wing.shape.layout == ((12, 14, 12),) * 3


def test_what_a_row_states_is_used_and_what_it_does_not_is_marked(modern, sized):
    stated = row(
        landings=3,
        spurs=(12, 14, 12),
        material="brick",
        thickness_mm=330,
        distance_to_comms_m=12.5,
        containment="full",
        cabling="cat6",
    )

    known, silent = (sized(modern, record).wings[0] for record in (stated, row(cells=114)))

    shape = known.shape
    assert (shape.material, shape.thickness_mm, shape.distance_to_comms_m) == ("brick", 330, 12.5)
    assert (shape.containment, shape.cabling) == ("full", "cat6")
    assert {"layout", "construction", "distance_to_comms_m"}.isdisjoint(known.assumed)
    assert {"layout", "construction", "distance_to_comms_m"} <= set(silent.assumed)
    assert (silent.shape.material, silent.shape.thickness_mm) == ("concrete", 200)


@pytest.mark.parametrize(
    ("year", "stated", "expected"),
    [
        (1999, "unknown", ("unknown", False)),
        (2000, "unknown", ("no", True)),
        (2000, "yes", ("yes", False)),
        (2000, "no", ("no", False)),
        (1999, "no", ("no", False)),
        (None, "unknown", ("unknown", False)),
    ],
)
def test_only_a_prison_of_after_1999_is_taken_to_be_free_of_asbestos_and_marked(
    modern, sized, year, stated, expected
):
    prison = replace(modern, year_opened=year)

    (wing,) = sized(prison, row(landings=3, cells=114, asbestos=stated)).wings

    assert (wing.asbestos, "asbestos" in wing.assumed) == expected


def test_an_assumed_wing_says_that_it_is_typical(modern, sized):
    (wing,) = sized(modern).wings

    assert wing.grade == Grade.ASSUMED
    assert wing.basis.endswith("typical, not this prison")
    assert (wing.cells_low, wing.cells_high) == (75, 100)


@given(cna=st.integers(1, 3000), year=st.none() | st.integers(1800, 2030))
def test_the_cells_sum_exactly_to_the_places_times_the_likely_share(leeds, sized, cna, year):
    prison = replace(leeds, baseline_cna=cna, year_opened=year)
    share = read_typologies()[default_typology(prison)[0]].cells_per_place.likely

    sizing = sized(prison)

    assert sizing.cells == max(1, floor(cna * share + 0.5))
    assert sum(sum(map(sum, wing.shape.layout)) for wing in sizing.wings) == sizing.cells
    assert all(wing.cells_low <= wing.cells <= wing.cells_high for wing in sizing.wings)


@given(
    cna=st.integers(1, 2000),
    rows=st.lists(
        st.tuples(st.integers(1, 5), st.none() | st.integers(1, 300), st.none() | st.just(40)),
        min_size=1,
        max_size=8,
    ),
)
def test_a_schedule_and_its_balance_reach_the_share_that_makes_a_whole_prison(
    modern, sized, cna, rows
):
    prison = replace(modern, baseline_cna=cna)
    records = [
        row(f"W{n}", landings=landings, cells=cells, cells_max=None if cells else bound)
        for n, (landings, cells, bound) in enumerate(rows)
    ]

    sizing = sized(prison, *records)

    expected = floor(cna * 0.9 + 0.5)
    assert sizing.cells >= 0.85 * expected
    assert all(w.cells_low <= w.cells <= w.cells_high for w in sizing.wings)
    assert all(
        w.cells <= r.cells_max for w, r in zip(sizing.wings, records, strict=False) if r.cells_max
    )


def test_what_counts_as_a_whole_schedule_is_an_assumption(modern, catalogue, assuming):
    all_of_it = {"schedule_is_whole": Estimate(0.9, 1.0, 1.0)}

    sizing = size(
        modern,
        [row(landings=2, cells=77)],
        typologies=read_typologies(),
        assumptions=assuming(catalogue.assumptions, all_of_it),
    )

    assert sizing.cells == 90


@pytest.mark.parametrize(
    ("source", "basis"),
    [
        ("a schedule", "wing schedule"),
        (
            "HMPPS cell certificate 2026-07-01",
            "cells counted by the HMPPS cell certificate 2026-07-01",
        ),
        (
            "HMPPS locations; spurs inferred by rule, grade C",
            "cells counted by the HMPPS locations; their spurs inferred by rule, grade C",
        ),
    ],
)
def test_a_wing_says_who_counted_its_cells(sized, modern, source, basis):
    (wing,) = sized(
        modern, row(landings=2, layout=((3,), (4,)), source=source, whole_prison="yes")
    ).wings

    assert wing.basis == basis


def test_a_wing_has_the_keys_of_its_record(sized, modern):
    keys = (("LEI-A-2-001",), ("LEI-A-3-001",))

    (wing,) = sized(
        modern, row(landings=2, layout=((1,), (1,)), cell_keys=keys, whole_prison="yes")
    ).wings

    assert (wing.key_of("2-001"), wing.cell_keys) == ("LEI-A-3-001", keys)

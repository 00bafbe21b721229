from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.typology import read_typologies, spread, wings_for

TYPOLOGIES = read_typologies()
HOUSEBLOCK = TYPOLOGIES["three_spur_houseblock"]  # 3 landings of 12 + 14 + 12 are 114 cells.

typologies = st.sampled_from(list(TYPOLOGIES.values()))


def cells_of(layout):
    return sum(map(sum, layout))


def test_a_typical_number_of_cells_is_spread_as_the_typology_has_them():
    assert spread(114, typology=HOUSEBLOCK) == ((12, 14, 12),) * 3


def test_the_remainder_goes_to_the_lowest_landings_and_the_first_spurs():
    layout = spread(11, typology=HOUSEBLOCK, landings=3, spurs=2)

    assert layout == ((2, 2), (2, 2), (2, 1))


def test_a_wing_too_small_for_its_spurs_has_fewer():
    # Five cells on three landings are 2, 2 and 1: one spur.
    assert spread(5, typology=HOUSEBLOCK) == ((2,), (2,), (1,))


def test_a_wing_too_small_for_its_landings_has_fewer():
    assert spread(2, typology=HOUSEBLOCK, landings=3, spurs=1) == ((1,), (1,))


def test_no_cells_have_no_landings_and_need_no_wings():
    assert spread(0, typology=HOUSEBLOCK) == ()
    assert wings_for(0, HOUSEBLOCK) == ()


def test_a_negative_number_of_cells_is_refused():
    with pytest.raises(ValueError, match="0 or more"):
        spread(-1, typology=HOUSEBLOCK)
    with pytest.raises(ValueError, match="0 or more"):
        wings_for(-1, HOUSEBLOCK)


@given(
    cells=st.integers(1, 3000),
    typology=typologies,
    landings=st.none() | st.integers(1, 6),
    spurs=st.none() | st.integers(1, 5),
)
def test_a_spread_is_exact_and_even_and_leaves_no_spur_empty(cells, typology, landings, spurs):
    layout = spread(cells, typology=typology, landings=landings, spurs=spurs)

    totals = [sum(landing) for landing in layout]
    assert sum(totals) == cells
    assert totals == sorted(totals, reverse=True)
    assert totals[0] - totals[-1] <= 1
    assert all(spur > 0 for landing in layout for spur in landing)


@given(cells=st.integers(1, 3000), typology=typologies)
def test_wings_hold_exactly_the_cells_in_as_few_wings_as_can(cells, typology):
    wings = wings_for(cells, typology)

    assert sum(map(cells_of, wings)) == cells
    assert len(wings) == ceil(cells / typology.typical_cells)
    assert max(map(cells_of, wings)) <= typology.typical_cells


@given(cells=st.integers(1, 3000), typology=typologies)
def test_all_wings_but_two_are_identical(cells, typology):
    typical = spread(typology.typical_cells, typology=typology)

    assert sum(wing != typical for wing in wings_for(cells, typology)) <= 2


def test_a_large_remainder_is_one_more_wing():
    # 268 is twice 114 and 40, which is 35 % of 114.
    assert [cells_of(wing) for wing in wings_for(268, HOUSEBLOCK)] == [114, 114, 40]


def test_a_tiny_remainder_is_shared_with_the_last_typical_wing():
    # 239 is twice 114 and 11, which is 10 % of 114: 114, then 125 in two.
    assert [cells_of(wing) for wing in wings_for(239, HOUSEBLOCK)] == [114, 63, 62]


def test_a_prison_of_less_than_one_wing_has_one_small_wing():
    assert [cells_of(wing) for wing in wings_for(11, HOUSEBLOCK)] == [11]

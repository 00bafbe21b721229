import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.radio.reach import cells_reached_from_a_cell, cells_reached_from_a_landing
from estate.radio.slab import MATERIALS

# Free space takes 47.25 dB over 1 m at 5.5 GHz, and a wall of no thickness nothing.
OPEN = {"material": "brick", "thickness_mm": 0}


@pytest.mark.parametrize(
    ("loss_db_max", "cells"),
    [
        (47.2, 1),
        (47.3, 3),  # One pitch of 1 m on either side.
        (53.2, 3),
        (53.3, 5),  # Two pitches: 6.02 dB more.
        (56.7, 5),
        (56.8, 7),  # Three pitches: 9.54 dB more.
    ],
)
def test_from_a_cell_the_reach_is_as_many_cells_on_either_side(loss_db_max, cells):
    assert cells_reached_from_a_cell(**OPEN, pitch_m=1, loss_db_max=loss_db_max) == cells


@pytest.mark.parametrize(
    ("loss_db_max", "cells"),
    [
        (50.2, 0),
        (50.3, 4),  # Half a landing and half a pitch, both 1 m: 1.41 m, 3.01 dB more.
        (57.2, 4),
        (57.3, 8),  # The next cell is 3.16 m off: 10 dB more.
    ],
)
def test_from_a_landing_the_reach_is_both_ways_and_both_sides(loss_db_max, cells):
    reached = cells_reached_from_a_landing(
        **OPEN, pitch_m=2, landing_width_m=2, loss_db_max=loss_db_max
    )

    assert reached == cells


def test_each_cell_on_the_way_adds_a_wall():
    # 200 mm of concrete take about 25 dB: the neighbour hears, the one behind it does not.
    reached = cells_reached_from_a_cell(
        material="concrete", thickness_mm=200, pitch_m=2.6, loss_db_max=95
    )

    assert reached == 3


@pytest.mark.parametrize("loss_db_max", [60, 80, 100])
def test_behind_steel_an_access_point_serves_its_own_cell_only(loss_db_max):
    steel = {"material": "steel_modular", "thickness_mm": 100, "pitch_m": 2.5}

    assert cells_reached_from_a_cell(**steel, loss_db_max=loss_db_max) == 1
    assert cells_reached_from_a_landing(**steel, landing_width_m=3, loss_db_max=loss_db_max) == 0


@given(
    material=st.sampled_from(sorted(MATERIALS)),
    thickness_mm=st.integers(20, 600),
    budget_db=st.floats(40, 100),
    more_db=st.floats(0, 30),
)
def test_a_larger_budget_never_reaches_fewer_cells(material, thickness_mm, budget_db, more_db):
    wall = {"material": material, "thickness_mm": thickness_mm, "pitch_m": 2.6}

    for reach, place in (
        (cells_reached_from_a_cell, {}),
        (cells_reached_from_a_landing, {"landing_width_m": 3.0}),
    ):
        less = reach(**wall, **place, loss_db_max=budget_db)
        assert less <= reach(**wall, **place, loss_db_max=budget_db + more_db)


# A thin wall may pass more than a thinner one, by resonance; walls as they are built may not.
@pytest.mark.parametrize("material", ["brick", "concrete"])
@pytest.mark.parametrize("loss_db_max", range(60, 101, 5))
def test_a_thicker_wall_of_a_prison_never_lets_more_cells_be_reached(material, loss_db_max):
    walls = [
        {"material": material, "thickness_mm": thickness_mm, "pitch_m": 2.6}
        for thickness_mm in (103, 150, 215, 330, 457, 610)
    ]

    cells = [cells_reached_from_a_cell(**wall, loss_db_max=loss_db_max) for wall in walls]
    landings = [
        cells_reached_from_a_landing(**wall, landing_width_m=3, loss_db_max=loss_db_max)
        for wall in walls
    ]

    assert cells == sorted(cells, reverse=True)
    assert landings == sorted(landings, reverse=True)

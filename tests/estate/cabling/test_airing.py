"""The radio of a solved wing once every access point has a channel and sends."""

import pytest

from estate.design import design_wing


@pytest.fixture(scope="module")
def design(catalogue, rooms):
    return design_wing(rooms, catalogue)


def test_a_design_has_a_channel_for_each_access_point_and_a_ratio_for_each_cell(design):
    names = {point.name for point in design.points}
    cells = {cell for point in design.points for cell in point.cells}

    assert set(design.air.channels) == set(design.air.airtime) == names
    assert set(design.air.sinr_db) == cells
    assert design.air.failing == design.air.overloaded == ()


def test_a_design_shows_other_models_and_what_it_lets_out(design):
    cost231, p1238 = design.air.comparisons

    assert cost231.startswith("COST 231")
    assert p1238.startswith("ITU-R P.1238-11")
    assert len(design.air.leakage.at_m) == len(design.air.leakage.likely_dbm)


def test_a_design_alone_in_the_air_holds(air):
    assert air.holds


def test_in_the_noise_of_a_design_no_place_serves_more_or_takes_less(air):
    before, after = (reach.loads["likely"].toarray() for reach in (air.reach, air.noisy(air.reach)))

    assert (before[after > 0] > 0).all()
    assert (after[after > 0] >= before[after > 0]).all()

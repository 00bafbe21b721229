"""The radio of a solved wing once every access point has a channel and sends."""

from dataclasses import replace

import numpy as np
import pytest

from estate.cabling.airing import Air
from estate.cabling.joint import Joint
from estate.cabling.solving import solved
from estate.cabling.wing import WingProblem
from estate.design import design_wing
from estate.model import WingShape
from estate.radio.candidates import candidates_of
from estate.radio.serving import reach_of
from estate.typology import lay_out

# Rooms of brick, where access points on the landing are the cheapest.
SHAPE = WingShape(
    typology="dormitory",
    layout=((4, 4), (4, 4)),
    material="brick",
    thickness_mm=215,
    distance_to_comms_m=45.0,
)


@pytest.fixture(scope="module")
def air(catalogue):
    network = lay_out(SHAPE)
    places = candidates_of(network)
    reach = reach_of(network, places, storey_height_m=2.8, assumptions=catalogue.assumptions)
    joint = Joint.of(WingProblem.of(network, catalogue), places, reach)
    return Air.of(solved(joint, seed=1).solution, places, reach)


@pytest.fixture(scope="module")
def design(catalogue):
    return design_wing(SHAPE, catalogue)


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


def test_what_holds_is_left_as_it_is(air):
    assert air.holds
    assert (air.corrected().loads["likely"] != air.reach.loads["likely"]).nnz == 0


def test_a_cell_that_fails_is_no_longer_served_by_its_access_point(air):
    cell = air.shared.cells[0]
    row, column = server_of(air, cell), air.reach.cells.index(cell)
    failing = replace(air, shared=replace(air.shared, failing=(cell,)))

    before, after = (r.loads["likely"].toarray() for r in (air.reach, failing.corrected()))

    assert not failing.holds
    assert before[row, column] > 0
    assert after[row, column] == 0
    after[row, column] = before[row, column]
    assert np.array_equal(before, after)


def test_the_cells_of_an_overloaded_access_point_weigh_what_interference_makes_them(air):
    name = air.shared.access_points[0]
    row = air.reach.candidates.index(name)
    busy = np.array(air.shared.airtime)
    busy[0] *= 1.5
    crowded = replace(air, shared=replace(air.shared, airtime=busy, overloaded=(name,)))

    before, after = (r.loads["likely"].toarray()[row] for r in (air.reach, crowded.corrected()))

    served = after > 0
    assert after[served] == pytest.approx(1.5 * before[served], rel=1e-3)


def server_of(air, cell):
    cells = [space.space_id for space in air.solution.joint.wing.cells]
    point = air.solution.joint.points[air.solution.servers[cells.index(cell)]]
    return air.reach.candidates.index(point.name)

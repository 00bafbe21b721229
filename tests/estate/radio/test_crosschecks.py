import numpy as np
import pytest

from estate.radio.crosschecks import cost231, floors_between, p1238
from estate.radio.paths import trace
from estate.radio.propagation import path_loss_db

EVERY = np.ones((1, 1), dtype=bool)


def paths_to(scene, receiver_m):
    return trace(scene, access_points_m=np.array([[1.5, 2, 1]]), receivers_m=np.array([receiver_m]))


def test_cost_231_counts_heavy_walls(row):
    # 6 m and two party walls: 47.25 + 15.56 + 2 * 6.9 dB.
    found = cost231(paths_to(row(), (7.5, 2, 1.0)), frequency_ghz=5.5)

    assert found.loss_db[0, 0] == pytest.approx(76.61, abs=0.02)


@pytest.mark.parametrize(("floors", "floor_db"), [(1, 18.3), (2, 33.5), (3, 43.6)])
def test_cost_231_adds_less_for_each_further_floor(row, floors, floor_db):
    paths = paths_to(row(floors=4), (1.5, 2, 1.0 + 3 * floors))
    free_db = 47.25 + 20 * np.log10(3 * floors)

    found = cost231(paths, frequency_ghz=5.5)

    assert floors_between(paths).tolist() == [[floors]]
    assert found.loss_db[0, 0] - free_db == pytest.approx(floor_db, abs=0.05)


def test_p1238_is_a_line_over_the_logarithm_of_the_distance(row):
    # 10 m: 27.7 + 29.27 + 24.8 log10(5.5).
    found = p1238(paths_to(row(cells=5), (11.5, 2, 1.0)), frequency_ghz=5.5)

    assert found.loss_db[0, 0] == pytest.approx(75.33, abs=0.01)
    assert found.applies.tolist() == [[True]]


def test_p1238_does_not_speak_beyond_its_distances_or_floors(row):
    scene = row(cells=2, floors=2)

    too_near = p1238(paths_to(scene, (4.5, 2, 1.0)), frequency_ghz=5.5)
    upstairs = p1238(paths_to(scene, (4.5, 2, 4.0)), frequency_ghz=5.5)

    assert too_near.applies.tolist() == upstairs.applies.tolist() == [[False]]


def test_a_disagreement_of_more_than_10_db_is_said(row):
    # One concrete wall: ours 26.5 dB, COST 231 6.9.
    paths = paths_to(row(), (4.5, 2, 1.0))
    ours_db = path_loss_db(paths, frequency_ghz=5.5).total_db

    found = cost231(paths, frequency_ghz=5.5).compared(ours_db, chosen=EVERY)

    assert "on 1 of 1 links" in found.warning
    assert "ours lose 20 dB more" in found.warning
    assert found.summary.startswith("COST 231 multi-wall (1.8 GHz), for comparison")


def test_agreement_and_links_that_nothing_rests_on_are_silent(row):
    paths = paths_to(row(material="brick", thickness_mm=215), (4.5, 2, 1.0))
    ours_db = path_loss_db(paths, frequency_ghz=5.5).total_db
    check = cost231(paths, frequency_ghz=5.5)

    assert check.compared(ours_db, chosen=EVERY).warning == ""
    assert check.compared(ours_db + 30, chosen=~EVERY).warning == ""
    assert "says nothing" in check.compared(ours_db, chosen=~EVERY).summary

"""Our losses beside a ray tracer's, frozen by benchmarks/sionna_scenes.py.

The bend losses were chosen with the five scenes of one wing at 5.5 GHz in sight. The blind scenes
were traced afterwards, and nothing was fitted to them. Cells are chosen by the ray tracer's level,
23 dBm radiated and more than -85 dBm received.
"""

import numpy as np
import pytest

from estate.radio.paths import trace
from estate.radio.propagation import path_loss_db

EIRP_DBM, LEVEL_DBM = 23, -85

# An access point in a concrete cell reaches that cell, its neighbours and the one above: too few
# to say much.
FEW_CELLS = {"sionna_concrete_in_a_cell": 4}

# What we miss the aim by, mean and spread in dB: along a narrow concrete corridor the signal
# reaches more of the cells than we say. It is reported, and not fitted away.
MISSES = {"sionna_blind_concrete_corridor": (6.4, 5.3)}


def traced(golden):
    return trace(
        golden["scene"],
        access_points_m=golden["access_points_m"],
        receivers_m=golden["receivers_m"],
    )


def errors_db(golden):
    """Return ours minus the ray tracer's, direct and total, and which cells are chosen."""
    losses = path_loss_db(traced(golden), frequency_ghz=golden["frequency_ghz"])
    chosen = EIRP_DBM - golden["loss_db"] > LEVEL_DBM
    return losses.direct_db[0] - golden["loss_db"], losses.total_db[0] - golden["loss_db"], chosen


def test_at_least_ten_cells_are_compared_or_it_is_said(ray_traced):
    chosen = int((EIRP_DBM - ray_traced["loss_db"] > LEVEL_DBM).sum())

    assert chosen >= 10 or chosen == FEW_CELLS[ray_traced["name"]]


def test_the_mean_error_is_within_3_db_and_its_spread_within_6_or_it_is_said(ray_traced):
    _, total_db, chosen = errors_db(ray_traced)
    found = (total_db[chosen].mean(), total_db[chosen].std())

    within = abs(found[0]) <= 3 and found[1] <= 6
    assert within or found == pytest.approx(MISSES[ray_traced["name"]], abs=0.05)


def test_of_six_blind_scenes_five_are_within_the_aim(ray_traced_names):
    blind = [name for name in ray_traced_names if name.startswith("sionna_blind_")]

    assert (len(blind), len(MISSES)) == (6, 1)
    assert set(MISSES) < set(blind)


def test_behind_one_wall_the_direct_path_is_within_1_6_db(ray_traced):
    one_wall = traced(ray_traced).direct.counts() == 1

    direct_db, _, _ = errors_db(ray_traced)

    assert one_wall.any()
    assert np.abs(direct_db[one_wall]).max() <= 1.6


@pytest.mark.parametrize(
    "name", ["concrete_under_gallery", "brick_under_gallery", "concrete_atrium_top"]
)
def test_over_all_cells_the_way_round_is_far_nearer_than_the_straight_line(read_ray_traced, name):
    golden = read_ray_traced(f"sionna_{name}")
    heard = ~np.isnan(golden["loss_db"])

    direct_db, total_db, _ = errors_db(golden)

    assert abs(total_db[heard].mean()) < abs(direct_db[heard].mean()) / 3
    assert total_db[heard].std() < direct_db[heard].std() / 3

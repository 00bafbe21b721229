from dataclasses import replace

import numpy as np
import pytest

from estate.estimate import Estimate
from estate.model import Network
from estate.radio.candidates import candidates_of
from estate.radio.capacity import noise_dbm
from estate.radio.cases import band_use, cases_of
from estate.radio.paths import trace
from estate.radio.propagation import path_loss_db
from estate.radio.scene import scene_of
from estate.radio.serving import reach_of
from estate.radio.sharing import SHARING_RULE, share_air


@pytest.fixture(scope="module")
def assumptions(example):
    return example.assumptions


@pytest.fixture(scope="module")
def reach(row_of_cells, assumptions):
    """Return what is in reach in twelve cells with thin brick walls and doors."""
    network = row_of_cells(12, doors=True, material="brick", thickness_mm=102)
    return reach_of(
        network, candidates_of(network, height_m=2.3), storey_height_m=3.0, assumptions=assumptions
    )


@pytest.fixture(scope="module")
def each_its_own(reach):
    """Return the design in which every cell has an access point of its own."""
    return {cell: f"{cell}/AP" for cell in reach.cells}


@pytest.fixture(scope="module")
def crowded(reach, each_its_own):
    return share_air(reach, each_its_own)


def test_neighbours_have_different_channels_while_there_are_enough(reach):
    serving = {cell: f"{cell}/AP" for cell in reach.cells[:9]}

    found = share_air(reach, serving)

    assert len({channel.number for channel in found.channels}) == 9
    assert found.interference_dbm.max() == -300


def test_where_channels_must_be_shared_those_who_share_are_far_apart(crowded):
    # Nine channels for twelve cells in a row: three are used twice.
    at = {}
    for cell, channel in enumerate(crowded.channels):
        at.setdefault(channel.number, []).append(cell)
    apart = [cells[1] - cells[0] for cells in at.values() if len(cells) > 1]

    assert len(apart) == 3
    assert min(apart) >= 6


def test_what_others_send_on_the_channel_is_noise(crowded):
    # The margin of 6 dB is off the signal; noise alone is -92 dBm. Listening saves 6 dB.
    noise_mw = 10**-9.2 + 10 ** (crowded.interference_dbm / 10)

    assert crowded.interference_dbm.max() > -110 - 6
    assert crowded.sinr_db == pytest.approx(
        crowded.signal_dbm - 6 - 10 * np.log10(noise_mw), abs=0.03
    )


def test_listening_saves_so_much_of_the_noise(reach, each_its_own, crowded):
    likely = replace(reach.cases["likely"], less_noise_db=0.0)
    at_random = share_air(replace(reach, cases={**reach.cases, "likely": likely}), each_its_own)

    heard = at_random.interference_dbm > -200
    saved_db = (at_random.interference_dbm - crowded.interference_dbm)[heard]
    assert heard.sum() == 6
    assert saved_db == pytest.approx(reach.cases["likely"].less_noise_db, abs=0.5)


def test_the_airtime_of_an_access_point_is_that_of_its_cells(reach):
    # One for three cells: each takes 1.84 Mbit/s of half of its rate.
    serving = dict.fromkeys(reach.cells[:3], "cell-0-1/AP")

    found = share_air(reach, serving)

    assert found.access_points == ("cell-0-1/AP",)
    assert found.airtime[0] == pytest.approx((1.84 / (0.5 * found.rate_mbps)).sum())
    assert found.overloaded == found.failing == ()


def test_an_access_point_with_more_demand_than_time_is_named(reach):
    everyone = dict.fromkeys(reach.cells, "cell-0-6/AP")

    found = share_air(reach, everyone)

    assert found.overloaded == ("cell-0-6/AP",)


def test_a_cell_that_hears_too_little_fails_by_name(reach):
    far = {"cell-0-0": "cell-0-0/AP", "cell-0-11": "cell-0-0/AP"}

    found = share_air(reach, far, case="worst")

    assert found.failing == ("cell-0-11",)


def test_one_channel_for_all_leaves_less_than_many(row_of_cells, assumptions, assuming):
    # 4 channels of 40 MHz against 9 of 20: whoever shares hears more.
    network = row_of_cells(12, material="brick", thickness_mm=102)
    places = candidates_of(network, height_m=2.3)
    wide = assuming(assumptions, {"radio_reuse_channels": Estimate.exactly(4)})
    narrow_air, wide_air = (
        share_air(
            found := reach_of(network, places, storey_height_m=3.0, assumptions=using),
            {cell: f"{cell}/AP" for cell in found.cells},
        )
        for using in (assumptions, wide)
    )

    assert {c.width_mhz for c in wide_air.channels} == {40}
    assert np.mean(wide_air.interference_dbm) > np.mean(narrow_air.interference_dbm)


def test_other_models_are_compared_over_the_links_in_use(crowded):
    cost231, p1238 = crowded.comparisons

    assert cost231.links == 12
    # Each link stays in its cell: too near for P.1238, and walls tell COST 231 nothing.
    assert p1238.links == 0
    assert abs(cost231.mean_db) < 1


def test_a_design_without_radio_shares_nothing(reach):
    found = share_air(reach, {})

    assert found.access_points == found.channels == found.failing == ()


def test_the_order_in_which_cells_are_named_changes_nothing(reach, each_its_own, crowded):
    backwards = share_air(reach, dict(reversed(each_its_own.items())))

    assert backwards.channels == crowded.channels
    assert np.array_equal(backwards.sinr_db, crowded.sinr_db)


@pytest.fixture
def neighbour_dbm(row_of_cells, assumptions):
    """Return a function that gives what a cell hears of the access point of one across a yard.

    Two rows of nine cells turn their outer walls to each other, so many metres apart.
    """

    def heard(apart_m, **fabric):
        row = row_of_cells(9, doors=True, **fabric)

        def across(point):
            return (point[0], 8 + apart_m - point[1])

        both = Network(
            spaces=(
                *row.spaces,
                *(
                    replace(s, space_id=f"b-{s.space_id}", outline=tuple(map(across, s.outline)))
                    for s in row.spaces
                ),
            ),
            walls=(
                *row.walls,
                *(
                    replace(w, wall_id=f"b-{w.wall_id}", start=across(w.start), end=across(w.end))
                    for w in row.walls
                ),
            ),
        )
        use = band_use(assumptions)
        case = cases_of(assumptions, use)["likely"]
        paths = trace(
            scene_of(both, storey_height_m=3.0),
            access_points_m=np.array([(13.5, 6.0 + apart_m, 2.3)]),
            receivers_m=np.array([(3.0 * cell + 1.5, 2.0, 1.0) for cell in range(9)]),
        )
        found = path_loss_db(paths, frequency_ghz=use.frequency_ghz, propagation=case.propagation)
        power_dbm = min(case.radio.access_point.eirp_dbm, use.eirp_dbm_max)
        return float((power_dbm - found.total_db).max())

    return heard


@pytest.mark.parametrize(
    ("material", "thickness_mm", "dbm"),
    [("brick", 215, -68), ("brick", 457, -80), ("concrete", 200, -108)],
)
def test_the_rule_says_what_a_neighbouring_wing_would_add(
    neighbour_dbm, material, thickness_mm, dbm
):
    fabric = {"material": material, "thickness_mm": thickness_mm}
    near_dbm, far_dbm = neighbour_dbm(20, **fabric), neighbour_dbm(50, **fabric)

    assert round(near_dbm) == dbm
    assert f"{dbm} dBm through {thickness_mm} mm" in SHARING_RULE
    assert near_dbm - far_dbm == pytest.approx(7, abs=0.5)


def test_the_noise_that_the_rule_names_is_that_of_a_design(assumptions):
    use = band_use(assumptions)
    figure_db = assumptions["radio_noise_figure_db"].likely

    floor_dbm = noise_dbm(width_mhz=use.width_mhz, noise_figure_db=figure_db)

    assert f"the noise alone is {floor_dbm:.0f} dBm" in SHARING_RULE

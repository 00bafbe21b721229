import numpy as np
import pytest

from estate.estimate import Estimate
from estate.radio.candidates import candidates_of
from estate.radio.capacity import AX
from estate.radio.serving import reach_of, with_noise

STOREY_M = 3.0


@pytest.fixture(scope="module")
def assumptions(example):
    return example.assumptions


@pytest.fixture(scope="module")
def reach(row_of_cells, assumptions):
    """Return what is in reach in two storeys of five concrete cells with doors."""
    network = row_of_cells(5, floors=2, doors=True)
    return reach_of(
        network,
        candidates_of(network, height_m=2.3),
        storey_height_m=STOREY_M,
        assumptions=assumptions,
    )


def test_rows_are_places_and_columns_cells_in_the_order_of_the_network(reach):
    assert reach.cells[:2] == ("cell-0-0", "cell-0-1")
    assert len(reach.cells) == 10
    for load in reach.loads.values():
        assert load.shape == (len(reach.candidates), 10)


def test_an_access_point_in_a_cell_serves_that_cell_in_every_case(reach):
    rows = [reach.candidates.index(f"{cell}/AP") for cell in reach.cells]

    for load in reach.loads.values():
        assert (load.toarray()[rows, range(10)] > 0).all()


def test_a_worse_case_serves_no_more_and_takes_no_less_of_the_air(reach):
    best, likely, worst = (reach.loads[case].toarray() for case in ("best", "likely", "worst"))

    for kind, unkind in ((best, likely), (likely, worst)):
        served = unkind > 0
        assert (kind[served] > 0).all()
        assert (unkind[served] >= kind[served]).all()
    assert (best > 0).sum() > (likely > 0).sum() > (worst > 0).sum()


def test_a_load_is_demand_over_what_the_rate_leaves_of_the_airtime_budget(reach):
    # In one's own cell the best rate holds: 1.84 / (0.5 * 143.4) / 0.5 of the budget.
    own = reach.loads["likely"].toarray()[reach.candidates.index("cell-0-0/AP"), 0]

    rate_mbps = AX.rate_mbps(11, width_mhz=20)

    assert own == pytest.approx(1.84 / (0.5 * rate_mbps) / 0.5)


def test_the_expected_signal_is_that_of_the_device_which_is_weaker(reach):
    # 1.3 m below the access point: 15 dBm and 3 dBi less free space of 49.5 dB at 5.5 GHz.
    own = reach.signal_dbm[reach.candidates.index("cell-0-0/AP"), 0]

    assert own == pytest.approx(15 + 3 - 49.5, abs=0.1)


def test_only_what_meets_the_target_with_its_margin_is_served(reach):
    served = reach.loads["likely"].toarray() > 0

    assert reach.signal_dbm[served].min() >= -67 + 6
    assert reach.signal_dbm[~served].max() < -67 + 6


def test_a_demand_beyond_the_airtime_serves_nobody(row_of_cells, assumptions, assuming):
    network = row_of_cells(2)
    greedy = assuming(assumptions, {"demand_down_mbps.stream": Estimate.exactly(1000)})

    found = reach_of(
        network, candidates_of(network, height_m=2.3), storey_height_m=STOREY_M, assumptions=greedy
    )

    assert [load.nnz for load in found.loads.values()] == [0, 0, 0]


def test_places_traced_apart_are_as_places_traced_together(row_of_cells, assumptions, reach):
    network = row_of_cells(5, floors=2, doors=True)
    places = candidates_of(network, height_m=2.3)

    alone = reach_of(network, places[:1], storey_height_m=STOREY_M, assumptions=assumptions)

    assert np.array_equal(alone.loss_db["likely"][0], reach.loss_db["likely"][0])


def test_a_wing_without_a_place_or_a_cell_has_no_reach(row_of_cells, assumptions):
    network = row_of_cells(2)

    found = reach_of(network, (), storey_height_m=STOREY_M, assumptions=assumptions)

    assert found.loads["likely"].shape == (0, 2)


def test_noise_makes_a_cell_heavier_and_others_not(reach):
    row = reach.candidates.index("cell-0-0/AP")

    noisy = with_noise(reach, {"cell-0-0": -70.0}).loads["likely"].toarray()[row]

    quiet = reach.loads["likely"].toarray()[row]
    assert noisy[0] > quiet[0]
    assert (noisy[1:] == quiet[1:]).all()


def test_a_cell_that_hears_nothing_but_noise_is_not_served(reach):
    noisy = with_noise(reach, {"cell-0-0": 0.0}).loads["likely"].toarray()

    assert not noisy[:, 0].any()


def test_a_device_that_lies_lower_hears_an_access_point_from_further_away(
    row_of_cells, assumptions, assuming
):
    # 1.8 m instead of 1.3 m below it: 20 log10(1.8 / 1.3) = 2.8 dB less.
    network = row_of_cells(1)
    places = [p for p in candidates_of(network, height_m=2.3) if p.kind == "cell"]
    low = assuming(assumptions, {"radio_device_height_m": Estimate.exactly(0.5)})

    desk, bunk = (
        reach_of(network, places, storey_height_m=STOREY_M, assumptions=each).signal_dbm[0, 0]
        for each in (assumptions, low)
    )

    assert desk - bunk == pytest.approx(2.8, abs=0.05)

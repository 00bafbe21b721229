import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.radio.capacity import AX
from estate.radio.coverage import Radio, Terminal, coverage

RADIO = Radio(frequency_ghz=5.5, width_mhz=20, eirp_dbm_max=23.0)


def test_the_weaker_direction_decides():
    # 20 dBm down, 15 dBm up, 80 dB between, -92 dBm of noise: 27 dB, scheme 7.
    found = coverage(np.array([[80.0]]), RADIO)

    assert found.downlink_dbm.tolist() == [[-60.0]]
    assert found.uplink_dbm.tolist() == [[-65.0]]
    assert found.signal_dbm.tolist() == [[-65.0]]
    assert found.snr_db[0, 0] == pytest.approx(27, abs=0.02)
    assert found.rate_mbps[0, 0] == AX.rate_mbps(7, width_mhz=20)


def test_power_and_antenna_gain_add_up_no_further_than_the_law_allows():
    strong = Radio(
        frequency_ghz=5.5,
        width_mhz=20,
        eirp_dbm_max=23.0,
        access_point=Terminal(conducted_dbm=22.0, antenna_gain_dbi=4.0),
    )

    found = coverage(np.array([[80.0]]), strong)

    # 26 dBm is cut to 23; the gain still helps to hear.
    assert found.downlink_dbm.tolist() == [[-57.0]]
    assert found.uplink_dbm.tolist() == [[-61.0]]


def test_interference_adds_to_the_noise():
    # As strong as the noise: 3 dB less signal to noise.
    quiet, loud = (
        coverage(np.array([[80.0]]), RADIO, interference_dbm=level).snr_db[0, 0]
        for level in (None, np.array([-91.99]))
    )

    assert quiet - loud == pytest.approx(3.01, abs=0.01)


@pytest.mark.parametrize(("loss_db", "certainty"), [(82.0, 0.5), (76.0, 0.841), (88.0, 0.159)])
def test_shadowing_of_6_db_makes_a_target_a_matter_of_chance(loss_db, certainty):
    # The uplink meets -67 dBm exactly at 82 dB; 6 dB is one standard deviation.
    found = coverage(np.array([[loss_db]]), RADIO).certainty(target_dbm=-67)

    assert found[0, 0] == pytest.approx(certainty, abs=0.001)


def test_of_equal_access_points_the_first_is_the_best():
    found = coverage(np.array([[90.0, 80.0], [80.0, 80.0]]), RADIO)

    assert found.best().tolist() == [1, 0]


@given(st.floats(30, 160), st.floats(0, 50))
def test_more_loss_is_never_a_better_rate(loss_db, more_db):
    found = coverage(np.array([[loss_db, loss_db + more_db]]), RADIO)

    assert found.rate_mbps[0, 1] <= found.rate_mbps[0, 0]

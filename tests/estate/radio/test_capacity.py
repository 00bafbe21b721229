import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import InputError
from estate.radio.capacity import (
    AC,
    AX,
    NO_RATE,
    Service,
    airtime_shares,
    demand_mbps,
    noise_dbm,
)


@pytest.mark.parametrize(
    ("waveform", "scheme", "width_mhz", "streams", "rate_mbps"),
    [
        (AX, 7, 20, 1, 86.0),  # 234 * 6 * 5/6 / 13.6
        (AX, 11, 80, 2, 1201.0),
        (AC, 0, 20, 1, 6.5),  # 52 * 1/2 / 4
        (AC, 9, 80, 1, 390.0),  # 234 * 8 * 5/6 / 4
        (AC, 9, 20, 1, 0.0),  # Forbidden, as on two streams; three are allowed.
        (AC, 9, 20, 2, 0.0),
        (AC, 9, 20, 3, 260.0),
    ],
)
def test_a_rate_is_subcarriers_times_bits_over_the_symbol(
    waveform, scheme, width_mhz, streams, rate_mbps
):
    found = waveform.rate_mbps(scheme, width_mhz=width_mhz, streams=streams)

    assert found == pytest.approx(rate_mbps, abs=0.05)


def test_a_signal_holds_the_best_scheme_whose_floor_it_reaches():
    snr_db = np.array([1.9, 2.0, 24.9, 25.0, 60.0])

    assert AX.schemes_at(snr_db).tolist() == [NO_RATE, 0, 6, 7, 11]
    assert AC.schemes_at(snr_db).tolist() == [NO_RATE, 0, 6, 7, 9]


def test_two_streams_need_3_db_more():
    assert AX.schemes_at(np.array([28.0, 28.1]), streams=2).tolist() == [6, 7]


def test_where_no_scheme_holds_there_is_no_rate():
    assert AX.rates_mbps(np.array([-5.0]), width_mhz=20).tolist() == [0.0]


def test_a_scheme_that_does_not_exist_leaves_the_one_below_it():
    # 802.11ac at 20 MHz ends with scheme 8: 52 * 8 * 3/4 / 4.
    assert AC.rates_mbps(np.array([50.0]), width_mhz=20) == pytest.approx([78.0])


def test_a_width_that_the_generation_lacks_is_refused():
    with pytest.raises(InputError, match="160 MHz"):
        AX.rate_mbps(0, width_mhz=160)


def test_67_dbm_on_20_mhz_holds_scheme_7():
    # -174 + 73 + 9 = -92 dBm of noise; 25 dB over it.
    noise = noise_dbm(width_mhz=20, noise_figure_db=9)

    assert noise == pytest.approx(-92, abs=0.02)
    assert AX.schemes_at(np.array([-67 - noise + 0.02])).tolist() == [7]


def test_twice_the_width_is_3_db_more_noise():
    narrow, wide = (noise_dbm(width_mhz=width, noise_figure_db=9) for width in (20, 40))

    assert wide - narrow == pytest.approx(3.01, abs=0.01)


def test_demand_is_what_is_in_use_at_once_both_ways():
    video = Service(name="video", down_mbps=4.0, up_mbps=2.5, concurrency=0.5)
    web = Service(name="web", down_mbps=0.5, up_mbps=0.0, concurrency=1.0)

    assert demand_mbps([video, web]) == pytest.approx(3.75)


def test_eight_cells_of_5_mbps_fill_93_percent_of_the_air():
    rates = np.full(8, AX.rate_mbps(7, width_mhz=20))

    assert airtime_shares(rates, demand_mbps=5.0, throughput_share=0.5).sum() == pytest.approx(
        0.93, abs=0.005
    )


def test_a_cell_without_a_rate_takes_more_air_than_there_is():
    assert airtime_shares(np.array([0.0]), demand_mbps=1.0, throughput_share=0.5).tolist() == [
        np.inf
    ]


@given(st.lists(st.floats(-20, 80), min_size=2, max_size=20).map(sorted))
def test_more_signal_is_never_a_lower_rate(snr_db):
    for waveform in (AC, AX):
        rates = waveform.rates_mbps(np.array(snr_db), width_mhz=20)
        assert (np.diff(rates) >= 0).all()

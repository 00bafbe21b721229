import pytest

from estate.estimate import Estimate
from estate.radio.cases import band_use, cases_of, propagation_of, services_of
from estate.radio.propagation import Propagation


@pytest.fixture
def assumptions(example):
    return example.assumptions


def test_by_default_20_mhz_at_5_ghz_without_radar_detection(assumptions):
    use = band_use(assumptions)

    # 36 to 48 and 149 to 165; as 40 MHz there are but four.
    assert [c.number for c in use.channels] == [36, 40, 44, 48, 149, 153, 157, 161, 165]
    assert (use.band, use.width_mhz, use.eirp_dbm_max) == ("5", 20, 23.01)
    assert "not every device hears 6 GHz" in use.reason


def test_6_ghz_at_40_mhz_where_every_device_hears_it(assumptions, assuming):
    all_hear = assuming(assumptions, {"radio_six_ghz_devices": Estimate.exactly(1)})

    use = band_use(all_hear)

    assert (use.band, use.width_mhz, len(use.channels)) == ("6", 40, 12)
    assert use.eirp_dbm_max == 23.97


def test_the_best_case_takes_the_kind_end_of_every_range(assumptions):
    best, likely, worst = cases_of(assumptions, band_use(assumptions)).values()

    assert [case.propagation.door_loss_db for case in (best, likely, worst)] == [6, 15, 30]
    assert [case.radio.client.conducted_dbm for case in (best, likely, worst)] == [17, 15, 12]
    assert [case.margin_db for case in (best, likely, worst)] == [0, 6, 12]
    assert [case.radio.client.noise_figure_db for case in (best, likely, worst)] == [6, 9, 12]
    assert likely.radio.access_point.noise_figure_db == 9
    assert [case.target_dbm for case in (best, likely, worst)] == [-70, -67, -65]
    assert [case.airtime_max for case in (best, likely, worst)] == [0.8, 0.5, 0.5]


def test_each_material_has_its_own_range(assumptions):
    worst = propagation_of(assumptions, "worst").wall_extra_db

    assert (worst["concrete"], worst["brick"]) == (25, 6)


def test_what_is_likely_is_what_ray_tracing_judges(assumptions):
    likely, judged = propagation_of(assumptions, "likely"), Propagation()

    assert likely.waypoint_bend_db == judged.waypoint_bend_db
    assert likely.portal_bend_db == judged.portal_bend_db
    assert likely.door_loss_db == judged.door_loss_db


def test_demand_is_the_sum_of_what_is_in_use_at_once(assumptions):
    # Streams 0.4 * (3 + 0.1), calls 0.1 * (1.5 + 1.5), the web 0.5 * (0.5 + 0.1) Mbit/s.
    likely = cases_of(assumptions, band_use(assumptions))["likely"]

    names = [service.name for service in services_of(assumptions, "likely")]

    assert names == ["stream", "video_call", "web"]
    assert likely.demand_mbps == pytest.approx(1.84)

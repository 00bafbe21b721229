from dataclasses import replace

import numpy as np
import pytest

from estate.errors import InputError
from estate.estimate import Estimate
from estate.radio.calibration import Measurement, Offset, Sender, calibrate
from estate.radio.fitting import Parameter, fit
from estate.radio.paths import trace
from estate.radio.propagation import Propagation, path_loss_db

TRUTH = Propagation(door_loss_db=22.0, wall_extra_db={"concrete": 5.0})
OFFSET_DB = -4.0
PRIORS = {
    "radio_door_loss_db": Estimate(6, 15, 30),
    "radio_wall_extra_db.concrete": Estimate(-10, 0, 25),
    "radio_waypoint_bend_db": Estimate(0, 2, 11),
    "radio_portal_bend_db": Estimate(12, 45, 58),
}
SENDERS = {
    "landing": Sender(at_m=(13.5, -1.0, 2.4), eirp_dbm=20.0),
    "cell": Sender(at_m=(1.5, 2.0, 2.2), eirp_dbm=20.0),
}


def parameter(name, low, likely, high):
    return Parameter(name=name, unit="dB", prior=Estimate(low, likely, high))


def line(values):
    """Return a straight line at 0, 1, 2 and 3; a third value has no effect."""
    return values[0] + values[1] * np.arange(4.0)


def test_a_fit_finds_what_made_the_readings():
    parameters = (parameter("start", -10, 0, 10), parameter("slope", 0, 1, 20))

    start, slope = fit(line, np.array([3.0, 8.0, 13.0, 18.0]), parameters)

    assert start.value == pytest.approx(3, abs=1e-4)
    assert slope.value == pytest.approx(5, abs=1e-4)


def test_what_has_no_effect_stays_at_its_prior_and_is_not_settled():
    parameters = (
        parameter("start", -10, 0, 10),
        parameter("slope", 0, 1, 20),
        parameter("idle", 0, 4, 9),
    )

    *_, idle = fit(line, np.array([3.0, 8.0, 13.0, 18.0]), parameters)

    assert idle.value == 4
    assert idle.standard_error is None


def test_of_two_that_cannot_be_told_apart_one_stays_at_its_prior():
    def both(values):
        return np.full(6, values[0] + values[1])

    first, second = fit(
        both, np.full(6, 7.0), (parameter("first", 0, 2, 10), parameter("second", 0, 2, 10))
    )

    assert [first.standard_error, second.standard_error].count(None) == 1
    assert first.value + second.value == pytest.approx(7, abs=1e-3)


def test_a_value_never_leaves_its_range_and_says_when_it_ends_there():
    def constant(values):
        return np.full(5, values[0])

    (beyond,) = fit(constant, np.full(5, 33.0), (parameter("loss", 6, 15, 30),))
    (within,) = fit(constant, np.full(5, 29.0), (parameter("loss", 6, 15, 30),))

    assert beyond.value == pytest.approx(30, abs=1e-3)
    assert beyond.at_its_limit
    assert not within.at_its_limit


def test_a_model_that_fits_nothing_settles_nothing():
    # 20 dB off whatever the value: the error of the fit is as wide as the range.
    (found,) = fit(
        lambda values: np.full(5, values[0]), np.full(5, 50.0), (parameter("loss", 6, 15, 30),)
    )

    assert found.standard_error is None
    assert found.value == 15


def readings(scene, *, truth=TRUTH, step_m=1.0):
    """Return what would be read on a grid, were the truth known."""
    places = [
        (float(x), float(y), 1.0)
        for x in np.arange(0.75, 27, step_m)
        for y in (-1.5, -0.5, 1.0, 2.0, 3.0)
    ]
    for name, sender in SENDERS.items():
        paths = trace(scene, access_points_m=np.array([sender.at_m]), receivers_m=np.array(places))
        losses = path_loss_db(paths, frequency_ghz=5.5, propagation=truth)
        for place, loss_db in zip(places, losses.total_db[0], strict=True):
            signal_dbm = sender.eirp_dbm + OFFSET_DB - float(loss_db)
            if signal_dbm > -95:  # What a telephone hears at all.
                yield Measurement(
                    access_point=name, at_m=place, frequency_ghz=5.5, signal_dbm=signal_dbm
                )


@pytest.fixture(scope="module")
def calibrated(row):
    """Return what a row of nine cells with doors calibrates to."""
    scene = row(cells=9, doors=True)
    return calibrate(readings(scene), SENDERS, scenes={"": scene}, priors=PRIORS)


def test_doors_and_walls_are_found_again_from_the_signal_they_left(calibrated):
    assert calibrated["radio_door_loss_db"] == pytest.approx(22, abs=0.5)
    assert calibrated["radio_wall_extra_db.concrete"] == pytest.approx(5, abs=0.5)
    assert calibrated.levels_db[""] == pytest.approx(-4, abs=0.5)
    assert calibrated.rmse_db_after < 0.5 < calibrated.rmse_db_before


def test_the_fit_is_ready_to_predict_with(calibrated):
    propagation = calibrated.propagation

    assert propagation.door_loss_db == calibrated["radio_door_loss_db"]
    assert propagation.wall_extra_db == {"concrete": calibrated["radio_wall_extra_db.concrete"]}


def test_a_loss_that_no_reading_met_is_named_and_stays_at_its_prior(row):
    # Walls without doors: no path goes through one.
    scene = row(cells=9)

    found = calibrate(readings(scene), SENDERS, scenes={"": scene}, priors=PRIORS)

    assert "radio_door_loss_db" in found.unsettled
    assert found["radio_door_loss_db"] == 15


def in_the_open(exponent, *, in_sight=True, positions=20):
    for metres in range(1, positions + 1):
        signal_dbm = 20.0 - 47.25 - 10 * exponent * np.log10(metres)
        yield Measurement(
            access_point="cell",
            at_m=(1.5 + metres, 2.0, 2.2),
            frequency_ghz=5.5,
            signal_dbm=float(signal_dbm),
            in_sight=in_sight,
        )


def test_without_geometry_the_exponent_of_the_distance_is_fitted():
    found = calibrate(in_the_open(1.7), SENDERS, scenes={}, priors=PRIORS)

    assert found["exponent_in_sight"] == pytest.approx(1.7, abs=0.01)
    assert found.unsettled == ("exponent_out_of_sight", "out_of_sight_db")
    assert found.rmse_db_after < 0.05
    assert found.positions == 20


def test_readings_in_any_order_give_the_same_fit():
    each = list(in_the_open(1.7))

    forwards, backwards = (
        calibrate(order, SENDERS, scenes={}, priors=PRIORS) for order in (each, each[::-1])
    )

    assert forwards == backwards


def test_a_reading_of_an_unknown_access_point_is_refused():
    stray = Measurement(
        access_point="attic", at_m=(0, 0, 0), frequency_ghz=5.5, signal_dbm=-60, in_sight=True
    )

    with pytest.raises(InputError, match="'attic'"):
        calibrate([stray], SENDERS, scenes={}, priors=PRIORS)


def test_too_few_positions_are_refused():
    with pytest.raises(InputError, match="7 positions"):
        calibrate(in_the_open(2, positions=7), SENDERS, scenes={}, priors=PRIORS)


def test_where_nobody_noted_the_line_of_sight_there_is_one_exponent():
    found = calibrate(in_the_open(2.6, in_sight=None), SENDERS, scenes={}, priors=PRIORS)

    assert found["exponent_sight_unknown"] == pytest.approx(2.6, abs=0.01)
    assert [each.parameter.name for each in found.settled] == ["exponent_sight_unknown"]


def test_an_access_point_of_unknown_power_has_a_level_of_its_own(row):
    scene = row(cells=9, doors=True)
    unknown = {**SENDERS, "cell": replace(SENDERS["cell"], eirp_dbm=None)}
    # It radiates 9 dBm, 11 less than is supposed where nobody says; the device reads 4 dB low.
    heard = [
        replace(reading, signal_dbm=reading.signal_dbm - 11 * (reading.access_point == "cell"))
        for reading in readings(scene)
    ]

    found = calibrate(heard, unknown, scenes={"": scene}, priors=PRIORS)

    assert found.levels_db["cell"] == pytest.approx(-15, abs=0.7)
    assert found.levels_db[""] == pytest.approx(-4, abs=0.7)
    assert found["radio_door_loss_db"] == pytest.approx(22, abs=0.7)


def test_levels_alone_are_no_reason_to_use_a_fit(row):
    # The priors are the truth: all that is wrong is the level.
    scene = row(cells=9, doors=True)
    heard = readings(scene, truth=Propagation(wall_extra_db={"concrete": 0.0}))

    found = calibrate(heard, SENDERS, scenes={"": scene}, priors=PRIORS)

    assert found.rmse_db_before == pytest.approx(4, abs=0.01)
    assert found.rmse_db_levelled < 0.01
    assert not found.helps


def fallen(db):
    """Return readings in the open that are so many decibels weaker than free space has them."""
    return [replace(each, signal_dbm=each.signal_dbm - db) for each in in_the_open(2.0)]


def test_a_level_that_its_range_ended_is_named():
    within, beyond = (calibrate(fallen(db), SENDERS, scenes={}, priors=PRIORS) for db in (14, 22))

    assert within.levels_at_limit == ()
    assert beyond.levels_at_limit == ("",)
    assert beyond.levels_db[""] == -15


def test_how_far_off_signal_of_known_power_is_knows_no_limit():
    # 22 dB weaker than 20 dBm in free space, which is what is assumed in sight.
    found = calibrate(fallen(22), SENDERS, scenes={}, priors=PRIORS)

    assert found.offset_before.readings == 20
    assert found.offset_before.mean_db == pytest.approx(-22, abs=0.05)
    assert found.offset_before.spread_db == pytest.approx(0, abs=0.05)


def test_signal_of_unknown_power_is_not_off():
    unknown = {"cell": replace(SENDERS["cell"], eirp_dbm=None)}

    found = calibrate(fallen(22), unknown, scenes={}, priors=PRIORS)

    assert found.offset_before is None
    assert found.offset_after is None


def test_the_mean_of_an_offset_is_as_sure_as_its_readings_are_many():
    # A spread of 4 dB over 16 readings: the mean is good to 1 dB, twice that is its range.
    offset = Offset(readings=16, mean_db=-9.0, spread_db=4.0)

    assert offset.range_db == (-11, -9, -7)


def test_a_reading_in_one_building_of_an_access_point_in_another_is_left_out(row):
    scene = row(cells=9, doors=True)
    near = list(readings(scene))
    far = [replace(reading, building="B", signal_dbm=-90) for reading in near[:40]]

    with_them, without = (
        calibrate(each, SENDERS, scenes={"": scene, "B": scene}, priors=PRIORS)
        for each in ([*near, *far], near)
    )

    assert with_them == without

import csv
from dataclasses import replace

import pytest

from estate.errors import InputError
from estate.measurements import Building
from estate.model import Grade
from estate.radio.propagation import Propagation
from estate.sources.calibrations import read_calibrations


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fits_of(desk):
    """Return the keys of what takes the place of assumptions."""
    keys = [row["key"] for row in rows_of(desk.inputs / "calibrations.csv")]
    return [key for key in keys if key != "radio_level_db"]


def faults(desk, rows, **options):
    """Return the faults of rows that must be refused, and that nothing was written."""
    with pytest.raises(InputError) as caught:
        desk.take(rows, **options)
    assert desk.kept() == []
    assert all(problem.cure for problem in caught.value.problems)
    return [f"{problem.place}: {problem.what}" for problem in caught.value.problems]


def test_losses_are_found_again_and_written_as_dated_assumptions(desk, readings, example):
    found = desk.take(readings)

    assert found.used
    assert found.calibration["radio_door_loss_db"] == pytest.approx(22, abs=0.5)
    held = read_calibrations(
        desk.inputs / "calibrations.csv", known=["LEI"], assumptions=example.assumptions
    )
    measured = example.assumptions.with_measured(held["LEI"])
    assert measured["radio_door_loss_db"].likely == pytest.approx(22, abs=0.5)
    assert measured["radio_wall_extra_db.concrete"].likely == pytest.approx(5, abs=0.5)
    assert measured["radio_wall_extra_db.concrete"].high < 25
    door = measured.by_key["radio_door_loss_db"]
    assert door.dated == found.dated
    assert "leeds.csv" in door.source
    assert "grade D" in door.source


def test_the_readings_are_kept_with_every_column(desk, readings):
    noted = [{**row, "weather": "fair"} for row in readings]

    found = desk.take(noted)

    kept = rows_of(found.kept)
    assert found.kept == desk.inputs / "measurements" / "LEI.csv"
    assert len(kept) == len(readings)
    assert kept[0]["weather"] == "fair"
    assert kept[0]["signal_dbm"] == readings[0]["signal_dbm"]


def test_what_a_fleet_sends_as_json_gives_the_same_fit(desk, readings):
    numbers = ("signal_dbm", "frequency_mhz", "eirp_dbm")
    sent = [
        {**row, **{k: float(row[k]) for k in numbers}, "device": "LEI-0001", "read_on": None}
        for row in readings
    ]

    by_fleet, by_hand = desk.take(sent, "measurements.json"), desk.take(readings)

    assert by_fleet.calibration == by_hand.calibration


def test_a_fit_that_does_not_help_is_not_used_and_says_so(desk, readings, read_in):
    # Earlier readings gave a fit; now the losses are what is assumed: nothing is to be gained.
    helped = desk.take(readings)

    found = desk.take(read_in(desk.building, Propagation(wall_extra_db={"concrete": 0.0})))

    assert helped.used
    assert not found.used
    assert found.replaced
    assert fits_of(desk) == []


def test_a_fit_that_stays_more_than_ten_decibels_off_is_not_used_however_much_it_helps(
    desk, read_in
):
    # Walls lose 8 dB less than is assumed, and every reading is 12 dB too strong or too weak.
    rows = read_in(desk.building, Propagation(wall_extra_db={"concrete": -8.0}))
    for number, row in enumerate(rows):
        off_db = 12 if number % 2 else -12
        row["signal_dbm"] = f"{min(0.0, max(-119.0, float(row['signal_dbm']) + off_db)):.1f}"

    found = desk.take(rows)

    assert found.calibration.helps
    assert found.calibration.settled
    assert found.calibration.rmse_db_after > 10
    assert not found.used
    assert fits_of(desk) == []


def test_other_prisons_keep_what_was_measured_there(desk, readings):
    other = "MDI,radio_door_loss_db,10,12,14,40 positions,2026-11-01,A\n"
    path = desk.inputs / "calibrations.csv"
    path.write_text(f"prison_id,key,low,likely,high,source,dated,grade\n{other}", encoding="utf-8")

    desk.take(readings)
    desk.take(readings)

    prisons = [row["prison_id"] for row in rows_of(path)]
    assert prisons.count("MDI") == 1
    assert prisons.count("LEI") == len({row["key"] for row in rows_of(path)})


def test_what_no_reading_meets_is_named_and_stays_as_assumed(desk, wing, readings):
    brick = [replace(wall, material="brick") for wall in wing.network.walls[:1]]
    walls = (*wing.network.walls[1:], *brick)
    desk.building = Building(
        key="LEI-A",
        network=replace(wing.network, walls=walls),
        storey_height_m=2.8,
        is_surveyed=False,
    )

    found = desk.take(readings)

    assert "radio_wall_extra_db.brick" in found.calibration.unsettled
    keys = [row["key"] for row in rows_of(desk.inputs / "calibrations.csv")]
    assert "radio_wall_extra_db.brick" not in keys


def test_a_fit_in_measured_walls_is_of_grade_a(desk, wing, readings):
    signed = {
        layer: tuple(replace(f, grade=Grade.SURVEYED) for f in getattr(wing.network, layer))
        for layer in ("walls", "doors")
    }
    desk.building = Building(
        key="LEI-A",
        network=replace(wing.network, **signed),
        storey_height_m=2.8,
        is_surveyed=True,
    )

    found = desk.take(readings)

    assert (found.grade, found.geometry) == (Grade.SURVEYED, "surveyed")


def test_of_another_building_the_fall_with_distance_is_fitted_and_no_plan_uses_it(desk):
    # 20 dBm, free space at 1 m of 47.25 dB and an exponent of 2.6.
    rows = [
        {
            "access_point": "AP1",
            "signal_dbm": f"{20 - 47.25 - 26 * [0, 0.301, 0.602, 0.903, 1.204][n % 5]:.2f}",
            "frequency_mhz": "5500",
            "x_m": str(2 ** (n % 5)),
            "y_m": f"0.{n:02d}",
            "ap_x_m": "0",
            "ap_y_m": "0",
            "height_m": "1",
            "ap_height_m": "1",
            "in_sight": "no",
        }
        for n in range(20)
    ]

    found = desk.take(rows, site="lecture_theatre")

    assert found.calibration["exponent_out_of_sight"] == pytest.approx(2.6, abs=0.05)
    assert not found.used
    assert desk.kept() == ["measurements/lecture_theatre.csv"]


def test_rows_in_which_nothing_was_heard_are_counted_and_not_fitted(desk, readings):
    silent = {**readings[0], "signal_dbm": "", "cell": readings[-1]["cell"]}

    with_it, without = desk.take([*readings, silent]), desk.take(readings)

    assert (with_it.not_heard, without.not_heard) == (1, 0)
    assert with_it.calibration == without.calibration


def test_one_access_point_on_two_bands_is_two_levels(desk, readings):
    other = [{**r, "frequency_mhz": "2442", "eirp_dbm": ""} for r in readings]

    found = desk.take([*readings, *other])

    assert found.access_points == 2 * len({row["access_point"] for row in readings})
    assert "AP in LEI-A-1-002 at 2.4 GHz" in found.calibration.levels_db


def test_every_fault_is_listed_and_nothing_is_written(desk, readings):
    rows = [dict(row) for row in readings]
    rows[0]["signal_dbm"] = "-200"
    rows[1]["frequency_mhz"] = "5.5"
    rows[2]["cell"] = "LEI-A-1-019"
    rows[3]["access_point"] = ""
    rows[4]["cell"] = ""
    rows[6]["ap_cell"] = "LEI-A-2-016"
    rows[7]["eirp_dbm"] = "17"
    rows[8]["x_m"] = "4.2"

    found = "\n".join(faults(desk, rows))

    for said in (
        "row 2, column B: signal_dbm is '-200'",
        "row 3, column C: frequency_mhz is '5.5'",
        "row 4, column D: there is no cell LEI-A-1-019",
        "row 5, column A: access_point is blank",
        "row 6: nothing says where it was read",
        "row 8: AP in LEI-A-1-006 is at another place than in row 7",
        "row 9, column F: AP in LEI-A-1-006 radiates 17 dBm here and 20 in row 7",
        "row 10, column G: there is x_m without y_m",
    ):
        assert said in found


@pytest.mark.parametrize(
    ("column", "value"), [("frequency_mhz", "5.5"), ("signal_dbm", "-61 dBm"), ("eirp_dbm", "x")]
)
def test_a_column_that_is_wrong_throughout_hides_no_prison(desk, readings, column, value):
    found = faults(desk, [{**row, column: value} for row in readings])

    assert len(found) == len(readings)
    assert all(f"{column} is '{value}'" in fault for fault in found)


def test_an_access_point_of_which_nothing_says_where_it_is_is_named_once(desk, readings):
    rows = [{**row, "ap_cell": ""} for row in readings]

    found = faults(desk, rows)

    assert len(found) == len({row["access_point"] for row in readings})
    assert "nothing says where AP in LEI-A-1-002 is" in found[0]


def test_a_point_means_nothing_where_no_wing_is_surveyed(desk, readings):
    rows = [{**row, "cell": "", "x_m": "430000", "y_m": "433000"} for row in readings]

    found = faults(desk, rows, prison_id="LEI")

    assert "no wing of the prison is surveyed" in found[0]


@pytest.mark.parametrize(
    ("changed", "options", "said"),
    [
        ({"cell": "XXX-A-1-001"}, {}, "no row names a cell of a prison of the register"),
        ({}, {"prison_id": "LEX"}, "the prison 'LEX' is unknown"),
        ({}, {"prison_id": "MDI"}, "readings of several prisons: LEI, MDI"),
        ({}, {"site": "MDI"}, "MDI is a prison of the register"),
        ({}, {"site": "../up"}, "'../up' names no file"),
        ({"signal_dbm": ""}, {"prison_id": "LEI"}, "nothing was heard in any row"),
    ],
)
def test_a_file_that_belongs_nowhere_is_refused(desk, readings, changed, options, said):
    found = faults(desk, [{**row, **changed} for row in readings], **options)

    assert said in "\n".join(found)


def test_too_few_positions_to_fit_and_judge_are_refused(desk, readings):
    few = [row for row in readings if row["cell"] in {r["cell"] for r in readings[:5]}]

    assert "there are readings at 5 positions" in faults(desk, few)[0]

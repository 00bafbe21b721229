"""Whether readings bear out a plan, and which measured cells are below their target."""

import csv

import pytest

from estate.measurements.agreeing import Agreement
from estate.radio.calibration import Offset
from estate.radio.propagation import Propagation

ASSUMED = Propagation(wall_extra_db={"concrete": 0.0})


@pytest.fixture
def level_row(desk):
    """Return a function that gives the row of a prison's level, None without one."""

    def found():
        path = desk.inputs / "calibrations.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["key"] == "radio_level_db"]
        return rows[0] if rows else None

    return found


def test_signal_that_is_15_db_weaker_throughout_disagrees_and_is_kept(desk, read_in, level_row):
    found = desk.take(read_in(desk.building, ASSUMED, level_db=-15.0))

    assert not found.used
    assert found.agreement.disagrees
    assert found.agreement.offset.mean_db == pytest.approx(-15, abs=0.1)
    assert float(level_row()["likely"]) == pytest.approx(-15, abs=0.1)
    assert "measured cells are below their target of -67 dBm" in level_row()["source"]


def test_signal_as_it_is_assumed_agrees(desk, read_in):
    found = desk.take(read_in(desk.building, ASSUMED, level_db=0.0))

    assert not found.agreement.disagrees
    assert found.agreement.offset.mean_db == pytest.approx(0, abs=0.1)


def test_where_a_fit_is_used_signal_is_set_beside_it(desk, readings):
    # Doors and walls lose more than is assumed, and all is 4 dB weaker: the fit finds the former.
    found = desk.take(readings)

    assert found.used
    assert found.agreement.offset.mean_db == pytest.approx(-4, abs=0.5)


def test_levels_of_unknown_power_say_nothing_of_a_plan(desk, read_in, level_row):
    rows = read_in(desk.building, ASSUMED, level_db=-15.0)

    found = desk.take([{**row, "eirp_dbm": ""} for row in rows])

    assert found.agreement is None
    assert level_row() is None


def test_a_cell_is_judged_by_its_best_access_point_at_the_powers_of_the_plan(desk, read_in):
    # A device sends 15 dBm to an antenna of 3 dBi, the access point radiated 20: what it read at
    # -65 is -67 dBm the other way, and -65.1 is below the target.
    rows = read_in(desk.building, ASSUMED, level_db=0.0)
    cells = sorted({row["cell"] for row in rows})
    at = {cell: "-65" if number < 10 else "-65.1" for number, cell in enumerate(cells)}
    told = [{**row, "signal_dbm": at[row["cell"]]} for row in rows]

    found = desk.take(told)

    assert (found.agreement.cells, found.agreement.below) == (len(cells), len(cells) - 10)


def test_readings_in_another_band_judge_no_cell(desk, read_in):
    rows = read_in(desk.building, ASSUMED, level_db=0.0)

    found = desk.take([{**row, "frequency_mhz": "2442"} for row in rows])

    assert found.agreement.cells == 0
    assert found.agreement.below_words == ""


@pytest.mark.parametrize(("mean_db", "disagrees"), [(-6.1, True), (-5.9, False), (6.1, True)])
def test_signal_disagrees_beyond_the_margin_of_a_design_on_either_side(mean_db, disagrees):
    offset = Offset(readings=20, mean_db=mean_db, spread_db=3.0)
    found = Agreement(
        access_points=2, offset=offset, margin_db=6.0, cells=9, below=1, target_dbm=-67.0
    )

    assert found.disagrees is disagrees
    assert found.below_words == "1 of 9 measured cells is below their target of -67 dBm"

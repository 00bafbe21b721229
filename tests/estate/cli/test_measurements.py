"""Readings of signal, from the command that takes them to the plan that rests on them."""

import json

import pytest

CALIBRATION = (
    "prison_id,key,low,likely,high,source,dated,grade\n"
    "LEI,radio_door_loss_db,20,22,24,48 positions,2026-11-20,A\n"
)


def reading(metres, **changed):
    """Return a reading so far from an access point: 20 dBm less 47.25 and 20 dB a decade."""
    return {
        "access_point": "AP1",
        "signal_dbm": [-27, -33, -37, -39, -41, -43, -44, -45, -46, -47][metres - 1],
        "frequency_mhz": 5500,
        "x_m": metres,
        "y_m": 0,
        "ap_x_m": 0,
        "ap_y_m": 0,
        "in_sight": "yes",
        **changed,
    }


@pytest.fixture
def write(tmp_path):
    """Return a function that writes readings as a fleet would send them."""

    def written(readings):
        path = tmp_path / "readings.json"
        path.write_text(json.dumps({"schema": 1, "readings": readings}), encoding="utf-8")
        return path

    return written


def test_readings_of_another_building_are_fitted_in_words_and_in_json(spare, write):
    path = write([reading(metres) for metres in range(1, 11)])
    words = ("estate", "import", "measurements", path, "--site", "office")

    answer, text = spare.answer(*words), spare.run(*words).stdout

    assert (answer["site"], answer["geometry"], answer["used"]) == ("office", "none", False)
    assert [each["key"] for each in answer["fitted"]] == ["exponent_in_sight"]
    assert "10 positions, every second one fitted" in text
    assert "no plan uses a fit without walls" in text


def test_every_fault_of_a_file_is_listed_and_nothing_is_kept(spare, write):
    path = write([reading(1, signal_dbm=-300), reading(2, frequency_mhz=5), reading(3, x_m=None)])

    said = spare.refusal("estate", "import", "measurements", path, "--site", "office")

    assert said.startswith("error: 3 problems in readings.json")
    assert "readings.json reading 1, signal_dbm: signal_dbm is '-300'; give" in said
    assert not (spare.root / "inputs" / "measurements").exists()


def test_a_plan_shows_what_was_measured_in_a_prison_beside_what_is_assumed(small):
    before = small.answer("estate", "plan")
    (small.root / "inputs" / "calibrations.csv").write_text(
        CALIBRATION.replace("LEI", "MDI"), encoding="utf-8"
    )

    after = small.answer("estate", "plan")

    plan = json.loads((small.root / "out" / "plan.json").read_text(encoding="utf-8"))
    found = {each["key"]: each for each in plan["assumptions"]}
    measured = found["radio_door_loss_db.MDI"]
    assert measured["value"]["likely"] == 22
    assert (measured["dated"], measured["verified"]) == ("2026-11-20", "yes")
    assert found["radio_door_loss_db"]["value"]["likely"] == 15
    assert after["plan_id"] != before["plan_id"]
    assert "calibrations.csv" in plan["inputs_sha256"]


def test_a_fault_in_what_was_measured_is_found_by_a_check(spare):
    faulty = CALIBRATION.replace("LEI", "LEX")
    (spare.root / "inputs" / "calibrations.csv").write_text(faulty, encoding="utf-8")

    result = spare.run("estate", "check")

    assert result.exit_code == 3
    assert "calibrations.csv row 2, column A: the prison 'LEX' is unknown" in result.output


def test_a_file_without_a_row_says_that_alone(spare, tmp_path):
    path = tmp_path / "leeds.csv"
    path.write_text("access_point,signal_dbm,frequency_mhz,cell\n", encoding="utf-8")

    said = spare.refusal("estate", "import", "measurements", path)

    assert "leeds.csv row 1: there is a heading but no row" in said
    assert said.startswith("error: 1 problem in leeds.csv")


def as_planned(shell, prison, *, off_db, **changed):
    """Return readings at two heights in each cell of a prison, so far off what its plan says."""
    topology = json.loads((shell.root / "out" / "topology.json").read_text(encoding="utf-8"))
    return [
        {
            "access_point": each["element"],
            "signal_dbm": each["signal_dbm"] + off_db,
            "frequency_mhz": 5500,
            "cell": each["cell"],
            "height_m": height_m,
            **changed,
        }
        for each in topology["cells"]
        if each["cell"].startswith(prison) and each["signal_dbm"]
        for height_m in (0.9, 1.1)
    ]


@pytest.fixture
def weak(small, write):
    """Return a small workspace, and readings that are all far weaker than its plan says."""
    return small, write(as_planned(small, "MDI", off_db=-28, eirp_dbm=20))


def test_signal_far_below_what_is_assumed_is_warned_of_with_what_because_and_try(weak):
    shell, path = weak

    result = shell.run("estate", "import", "measurements", path)
    answer = shell.answer("estate", "import", "measurements", path)

    # The plan's signal is that of the weaker direction, 18 dBm less what is lost on the way.
    what, because, cure = result.stderr.splitlines()
    assert what.startswith("warning: measured signal lies 30.")
    assert "measured cells are below their target of -67 dBm" in what
    assert because.startswith("  because: ")
    assert "no wing of MDI is for construction" in because
    assert cure.startswith("  try: check the power, the antennas")
    assert "level of access points of stated power: -15.0 dB, at its limit" in result.stdout
    assert answer["levels_at_limit"] == [""]
    assert answer["agreement"]["disagrees"]
    assert [f"warning: {each['what']}" for each in answer["warnings"]] == [what]


def test_a_plan_says_of_a_prison_that_measured_signal_is_not_as_assumed(weak):
    shell, path = weak
    before = json.loads((shell.root / "out" / "plan.json").read_text(encoding="utf-8"))
    shell.run("estate", "import", "measurements", path)

    shell.answer("estate", "plan")

    after = json.loads((shell.root / "out" / "plan.json").read_text(encoding="utf-8"))
    assert after["designs"] == before["designs"]
    (note,) = [n for n in shell.answer("estate", "explain", "MDI")["notes"] if "signal" in n]
    assert note.startswith("Measured signal lies 30.")
    wing = shell.answer("estate", "explain", "MDI")["wings"][0]["wing"].replace("-", "/", 1)
    why = shell.answer("estate", "explain", wing)["not_for_construction"]
    assert why.startswith("measured signal lies 30.")


def test_a_fit_that_is_no_better_than_levels_is_set_beside_these(spare, write):
    path = write(as_planned(spare, "LEI-T1", off_db=-15))

    text = spare.run("estate", "import", "measurements", path).stdout

    assert "access points of unknown power, beside 20 dBm: -1" in text
    assert "the fitted losses predict no better than levels alone (" in text
    assert "better than what is assumed" not in text

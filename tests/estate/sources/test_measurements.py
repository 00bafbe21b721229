import json

import pytest

from estate.errors import InputError
from estate.sources.measurements import scan_measurements

READING = {"access_point": "AP1", "signal_dbm": -61, "frequency_mhz": 5500, "cell": "LEI-A-1-001"}


@pytest.fixture
def scan(tmp_path):
    """Return a function that scans what a file called measurements.json holds."""

    def scanned(held):
        path = tmp_path / "measurements.json"
        path.write_text(held if isinstance(held, str) else json.dumps(held), encoding="utf-8")
        return scan_measurements(path)

    return scanned


def test_a_reading_keeps_its_units(scan):
    found = scan({"schema": 1, "readings": [{**READING, "in_sight": "no", "eirp_dbm": 17.5}]})

    (reading,) = found.heard
    assert (reading.signal_dbm, reading.frequency_ghz, reading.eirp_dbm) == (-61, 5.5, 17.5)
    assert reading.in_sight is False
    assert reading.position.cell == "LEI-A-1-001"


def test_what_is_null_or_absent_is_not_stated(scan):
    silent = {**READING, "signal_dbm": None}

    found = scan({"schema": 1, "readings": [READING, silent]})

    assert (len(found.heard), found.not_heard) == (1, 1)
    assert found.heard[0].eirp_dbm is None
    assert found.heard[0].in_sight is None


def test_a_fault_in_json_names_the_reading_and_its_field(scan):
    found = scan({"schema": 1, "readings": [READING, {**READING, "signal_dbm": 61}]})

    (problem,) = found.problems
    assert problem.place == "reading 2, signal_dbm"
    assert "signal_dbm is '61'" in problem.what


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("", "it is not JSON"),
        ("[1, 2", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it is not of schema 1"),
        ({"schema": 2, "readings": [READING]}, "it is not of schema 1"),
        ({"schema": 1}, "it holds no readings"),
        ({"schema": 1, "readings": []}, "it holds no readings"),
        ({"schema": 1, "readings": [[READING]]}, "not an object of texts and numbers"),
        ({"schema": 1, "readings": [{**READING, "cell": {}}]}, "not an object of texts"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_the_shape_to_write(scan, held, said):
    with pytest.raises(InputError) as caught:
        scan(held)

    (problem,) = caught.value.problems
    assert said in problem.what
    assert '"readings"' in problem.cure


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(InputError) as caught:
        scan_measurements(tmp_path / "none.json")

    assert caught.value.problems[0].what == "there is no such file"


def test_a_moment_may_be_a_day_or_a_time(scan):
    moments = ("2026-11-20", "2026-11-20T10:15:00Z", "2026-11-20 10:15", "yesterday")

    found = scan({"schema": 1, "readings": [{**READING, "read_on": m} for m in moments]})

    assert [problem.place for problem in found.problems] == ["reading 4, read_on"]

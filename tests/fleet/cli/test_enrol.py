"""One device by hand, and a list: as a person at a desk enrols, in the lab."""

import csv
import json

import pytest
from click.testing import CliRunner

from fleet.ssh import fingerprint
from wingspan import main


@pytest.fixture
def enrol(new_lab):
    """Return a lab of two devices, and a function that runs `fleet enrol` there."""
    lab = new_lab(devices=2, prisons=1)

    def run(*words, code=0):
        arguments = ["-C", str(lab.workspace.root), "fleet", *words]
        result = CliRunner(env={"WINGSPAN_OPERATOR": "asha"}).invoke(main, arguments)
        assert result.exit_code == code, result.output
        return result

    run("init")
    return lab, lambda *words, code=0: run("enrol", *words, code=code)


def listed(lab):
    with lab.workspace.devices_csv.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_device_by_hand_needs_its_key_confirmed(enrol):
    lab, run = enrol
    row = listed(lab)[0]
    by_hand = ["--address", row["address"], "--serial", row["serial"]]
    by_hand += ["--cell", row["location_key"], "--yes"]
    right = fingerprint(row["host_key"])

    unasked = run(*by_hand, code=6).stderr
    assert f"holds the key {right}" in unasked
    assert "nobody is here to confirm the key" in unasked
    wrong = run(*by_hand, "--fingerprint", "SHA256:of-another", code=6).stderr
    assert f"holds {right}, not that key" in wrong

    answer = json.loads(run(*by_hand, "--fingerprint", right, "--json").stdout)
    assert answer["summary"] == {"live": 1}
    assert (answer["devices"][0]["serial"], answer["devices"][0]["cell"]) == (
        row["serial"],
        row["location_key"],
    )


def test_without_yes_nothing_is_changed_and_with_it_a_missed_device_ends_with_5(enrol):
    lab, run = enrol
    rows = listed(lab)
    rows[0]["address"] = "198.18.255.254"
    path = lab.workspace.devices_csv
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)

    assert "2 new devices to enrol\nnothing was changed" in run().stdout
    missed = run("--yes", code=5)
    assert "1 live, 1 unreachable" in missed.stdout
    assert "1 of 2 are not live" in missed.stderr
    again = run("--yes", code=5)
    assert "1 live already, 1 unreachable" in again.stdout


def test_a_list_with_faults_touches_no_device(enrol):
    lab, run = enrol
    path = lab.workspace.devices_csv
    path.write_text(path.read_text(encoding="utf-8").replace("ssh-ed25519", "ssh-rsa"))
    said = run("--yes", code=3).stderr

    assert "2 problems in" in said
    assert "devices.csv row 3, host_key" in said


def test_a_cell_that_is_not_there_is_named_before_anything_is_done(enrol):
    lab, run = enrol
    path = lab.workspace.devices_csv
    text = path.read_text(encoding="utf-8").replace(listed(lab)[0]["location_key"], "XAA-Q-1-001")
    path.write_text(text, encoding="utf-8")

    said = run(code=3).stderr
    assert "devices.csv row 2, location_key: there is no such cell as XAA-Q-1-001" in said


def test_a_list_that_is_not_there_is_named_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner(env={"WINGSPAN_OPERATOR": "asha"})
    runner.invoke(main, ["-C", "desk", "fleet", "init"])

    refused = runner.invoke(main, ["-C", "desk", "fleet", "enrol"])

    assert "there is no desk/inputs/devices.csv" in refused.stderr

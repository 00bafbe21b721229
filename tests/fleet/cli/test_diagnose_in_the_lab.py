"""What is cut in a rehearsal is what the diagnosis names, from a real sweep."""

import json

import pytest
from click.testing import CliRunner

from fleet.cli import fleet

# A first try that is short, since some devices never answer; a second one for a slow machine.
RULES = """
[sweep]
login_timeout_s = 3
answer_timeout_s = 30
calm_timeout_s = 20
"""


class Desk:
    """A workspace with live devices in two prisons, and someone who types commands in it."""

    def __init__(self, lab):
        self.lab = lab
        (lab.workspace.root / "inputs" / "health.toml").write_text(RULES, encoding="utf-8")

    def types(self, *words):
        """Run a command and return what it answers."""
        runner = CliRunner(env={"WINGSPAN_OPERATOR": "asha", "WINGSPAN_DATABASE": ""})
        given = [*words, "--json"]
        result = runner.invoke(fleet, given, obj=self.lab.workspace, catch_exceptions=False)
        return json.loads(result.stdout)

    def diagnosis_with(self, *faults):
        """Return the diagnosis while faults last."""
        for fault, target in faults:
            self.types("rehearse", fault, target)
        try:
            self.types("health")
            return self.types("diagnose")
        finally:
            for _, target in faults:
                self.types("rehearse", "restore", target)
            self.lab.answering()

    def behind(self, element):
        """Return the cells that hang from an element, itself or by way of others."""
        topology = json.loads(self.lab.workspace.topology.read_text())
        parents = {e["id"]: e["parent"] for e in topology["elements"]}
        cells = {str(device.cell.cell): device.cell.element for device in self.lab.devices}

        def hangs(name):
            return name == element or (name and hangs(parents[name]))

        return sorted(cell for cell, server in cells.items() if hangs(server))


@pytest.fixture(scope="module")
def desk(lab):
    desk = Desk(lab)
    desk.types("init")
    desk.types("enrol", "--yes")
    return desk


@pytest.mark.parametrize("element", ["XAA/A/AP-001", "XAA/A/SW-02"])
def test_what_was_cut_is_named_with_its_cells(desk, element):
    found = desk.diagnosis_with(("cut", element))

    (cause,) = found["causes"]
    assert element in {cause["element"], *cause["same_as"]}
    assert cause["cells"] == desk.behind(element)
    assert found["unexplained"] == []


def test_a_cut_uplink_is_one_cause_for_the_whole_prison(desk):
    found = desk.diagnosis_with(("cut", "XAB/uplink"))

    (cause,) = found["causes"]
    assert "XAB/uplink" in {cause["element"], *cause["same_as"]}
    assert cause["cells"] == desk.behind("XAB/uplink")


def test_an_access_point_and_three_single_devices_are_told_apart(desk):
    alone = [d for d in desk.lab.devices if d.cell.element != "XAA/A/AP-001"][::6][:3]
    off = [("power-off", device.serial) for device in alone]

    found = desk.diagnosis_with(("cut", "XAA/A/AP-001"), *off)

    (cause,) = found["causes"]
    assert "XAA/A/AP-001" in {cause["element"], *cause["same_as"]}
    assert sorted(one["cell"] for one in found["unexplained"]) == sorted(
        str(device.cell.cell) for device in alone
    )

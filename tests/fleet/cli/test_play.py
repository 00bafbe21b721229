"""What `wingspan fleet play` says before it meets a device."""

import pytest

from fleet.device import DeviceState
from fleet.registry import Registry


@pytest.fixture
def live_desk(desk, host_key):
    """Return the desk with its devices in service: three in MDI, one in LEI."""
    with Registry.open(desk.workspace.settings().database) as registry:
        for n, device in enumerate(registry.devices()[:4]):
            registry.enrol(device.device, host_key(n), by="asha", why="test")
            registry.set_state(device.device, DeviceState.LIVE, by="asha", why="test")
    return desk


def test_without_yes_it_says_how_many_would_be_met(live_desk):
    assert live_desk.answer("play", "enrol", "MDI") == {
        "schema": 1,
        "playbook": "enrol",
        "to_be_met": 3,
    }


def test_what_changes_devices_stays_in_one_prison(live_desk):
    assert "this is 2" in live_desk.run("play", "enrol", "--yes", code=3).stderr


def test_a_baseline_that_closes_devices_to_their_own_relay_is_refused(live_desk, install, narrow):
    before = live_desk.answer("play", "baseline", "MDI")
    live_desk.run("relay", "admit", str(install("MDI").root / "relay.json"))

    refused = live_desk.run("play", "baseline", "MDI", "--yes", code=3).stderr

    assert before["to_be_met"] == 3
    assert str(narrow) in refused
    assert "would close the devices of MDI to their relay" in refused
    assert 'add "10.1.0.5/32"' in refused
    live_desk.run("play", "baseline", "LEI")  # It has no relay that could be shut out.


def test_a_baseline_that_nobody_wrote_is_shown(live_desk):
    refused = live_desk.run("play", "baseline", "MDI", "--yes", code=3).stderr

    assert "inputs/baseline.toml" in refused
    assert "kiosk_program = " in refused

"""What stands at a device's address is that device, and its clock is right, or we say so."""

import pytest

from fleet.enrolment import Centre, enrol_devices, plan, read_candidates
from fleet.errors import HostKeyChangedError, RefusedError
from fleet.identity import Identity, Lane
from fleet.registry import Registry
from fleet.rehearsal.lab import down

PATIENCE_S = 60
LANES = list(Lane)


@pytest.fixture(scope="module")
def small_lab(start_lab):
    started = start_lab(devices=3, prisons=1)
    yield started
    down(started.workspace)


@pytest.fixture(scope="module")
def live(small_lab):
    """Return a centre, and the lab's three devices, live."""
    identity, _ = Identity.make(small_lab.workspace, operator="asha")
    centre = Centre(
        identity=identity, transport=small_lab.transport, operator="asha", timeout_s=PATIENCE_S
    )
    with Registry.create(small_lab.workspace.settings().database) as registry:
        candidates = read_candidates(small_lab.workspace.devices_csv)
        results = enrol_devices(centre, registry, plan(registry, candidates))
        assert all(one.done for one in results), results
        return centre, registry.devices()


@pytest.mark.parametrize("lane", LANES)
def test_a_device_whose_host_key_changed_is_refused_by_name(small_lab, live, lane):
    centre, (device, *_) = live

    with (
        small_lab.fault("rekey", device.serial),
        pytest.raises(HostKeyChangedError, match=f"is not {device.device}: it holds SHA256:"),
    ):
        centre.session(device, lane, purpose="test")
    centre.session(device, lane, purpose="test").close()


@pytest.mark.parametrize("lane", LANES)
def test_devices_that_swapped_addresses_are_refused_by_name(small_lab, live, lane):
    centre, (device, other, *_) = live

    with small_lab.fault("swap", device.serial, other.serial):
        for one in (device, other):
            with pytest.raises(HostKeyChangedError, match=f"is not {one.device}"):
                centre.session(one, lane, purpose="test")


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("shift_s", ["-7200", "7200"], ids=["slow", "fast"])
def test_a_device_whose_clock_is_off_refuses_and_our_certificate_says_why(
    small_lab, live, lane, shift_s
):
    centre, (*_, device) = live

    with (
        small_lab.fault("clock", device.serial, shift_s),
        pytest.raises(RefusedError, match=r"is valid from .* UTC to .* UTC"),
    ):
        centre.session(device, lane, purpose="test")
    centre.session(device, lane, purpose="test").close()

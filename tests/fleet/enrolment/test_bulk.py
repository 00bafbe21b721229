"""A list of devices, in the lab."""

from dataclasses import replace

import pytest

from fleet.device import DeviceState
from fleet.enrolment import Centre, Outcome, enrol_devices, plan, read_candidates
from fleet.errors import RefusedError
from fleet.identity import Identity, Lane
from fleet.identity.operators import Operator, Role
from fleet.registry import Registry
from fleet.topology import read_topology

PATIENCE_S = 60


@pytest.fixture(scope="module")
def centre(lab):
    identity, _ = Identity.make(lab.workspace, operator="asha")
    return Centre(identity=identity, transport=lab.transport, operator="asha", timeout_s=PATIENCE_S)


@pytest.fixture(scope="module")
def registry(lab):
    with Registry.create(lab.workspace.settings().database) as made:
        yield made


def spoilt(path):
    """Return twelve devices, of which two exchange keys and one is where nobody is."""
    devices = read_candidates(path)[:12]
    keys = devices[0].host_key, devices[1].host_key
    devices[0] = replace(devices[0], host_key=keys[1])
    devices[1] = replace(devices[1], host_key=keys[0])
    devices[2] = replace(devices[2], address="198.18.255.254")
    return devices


def test_one_device_stops_no_other_and_a_second_run_goes_on(lab, centre, registry):
    path = lab.workspace.devices_csv
    first = enrol_devices(centre, registry, plan(registry, spoilt(path)))
    by_serial = {one.serial: one for one in first}
    bad = [device.serial for device in lab.devices[:3]]

    assert [by_serial[serial].outcome for serial in bad] == [
        Outcome.REFUSED,
        Outcome.REFUSED,
        Outcome.UNREACHABLE,
    ]
    assert f"is not {bad[0]}: it holds SHA256:" in by_serial[bad[0]].why
    assert {one.outcome for one in first if one.serial not in bad} == {Outcome.LIVE}
    assert len(first) == 12

    names = {one.serial: one.device for one in first}
    nonces = {device.serial: device.nonce for device in registry.devices()}
    second = enrol_devices(centre, registry, plan(registry, read_candidates(path)[:12]))
    after = [device for device in registry.devices() if device.serial in by_serial]

    assert all(one.done for one in second)
    assert sum(one.outcome is Outcome.LIVE for one in second) == 3
    assert {device.serial: device.device for device in after} == names
    assert {device.state for device in after} == {DeviceState.LIVE}
    live_before = [device for device in after if device.serial not in bad]
    assert all(nonces[device.serial] == device.nonce for device in live_before)
    assert len({device.nonce for device in after}) == 12


def test_a_live_device_whose_list_gives_another_key_is_named(lab, centre, registry):
    devices = read_candidates(lab.workspace.devices_csv)
    enrol_devices(centre, registry, plan(registry, devices[12:13]))
    other = replace(devices[12], host_key=devices[13].host_key)

    (verdict,) = plan(registry, [other]).passed_over
    assert verdict.outcome is Outcome.REFUSED
    assert "pinned to another host key" in verdict.why


def test_who_may_only_look_enrols_nothing(lab, centre, registry):
    identity = centre.identity
    viewer = Operator(operator="vic", role=Role.VIEWER)
    identity.set_operators([*identity.operators(), viewer])
    before = registry.count()
    planned = plan(registry, read_candidates(lab.workspace.devices_csv)[20:22])

    with pytest.raises(RefusedError, match="vic is viewer, which does not open the deploy lane"):
        enrol_devices(replace(centre, operator="vic"), registry, planned)
    assert registry.count() == before


def test_a_prisons_operator_enrols_no_device_that_is_not_there(lab, centre, registry):
    registry.load_locations(read_topology(lab.workspace.topology))
    identity = centre.identity
    pat = Operator(operator="pat", role=Role.OPERATOR, prison="XAB")
    identity.set_operators([*identity.operators(), pat])
    mine, other = read_candidates(lab.workspace.devices_csv)[-2:]
    other = replace(other, cell="")
    planned = plan(registry, [mine, other])
    results = enrol_devices(replace(centre, operator="pat"), registry, planned)

    outcomes = {one.serial: one.outcome for one in results}
    assert outcomes == {mine.serial: Outcome.LIVE, other.serial: Outcome.REFUSED}


def test_a_device_with_systemd_runs_our_units(new_lab):
    lab = new_lab(devices=1, prisons=1, systemd=1)
    identity, _ = Identity.make(lab.workspace, operator="asha")
    centre = Centre(
        identity=identity, transport=lab.transport, operator="asha", timeout_s=PATIENCE_S
    )
    with Registry.create(lab.workspace.settings().database) as registry:
        candidates = read_candidates(lab.workspace.devices_csv)
        (result,) = enrol_devices(centre, registry, plan(registry, candidates))
        (device,) = registry.devices()
    assert result.outcome is Outcome.LIVE, result.why

    with centre.session(device, Lane.DEPLOY, purpose="test") as session:
        asked = "systemctl is-active wingspan-clock; systemctl is-enabled wingspan-trust"
        answer = session.run(asked, timeout_s=PATIENCE_S)
    assert answer.stdout.split() == [b"active", b"enabled"]

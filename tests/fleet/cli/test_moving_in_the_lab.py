"""A device that moves to another prison lets that prison's operators in, and no others."""

from __future__ import annotations

import json
from getpass import getuser

import pytest
from click.testing import CliRunner

from fleet.enrolment import Centre, enrol_devices, plan, read_candidates
from fleet.errors import RefusedError
from fleet.identity import Identity, Lane
from fleet.identity.operators import Operator, Role
from fleet.registry import Registry
from fleet.rehearsal.lab import down
from fleet.topology import read_topology
from tests.project.test_documentation import undocumented
from wingspan import main

PATIENCE_S = 60


@pytest.fixture(scope="module")
def fleet(start_lab):
    """Return a lab of two prisons with a registry and two operators of one prison each."""
    lab = start_lab(devices=4, prisons=2)
    try:
        identity, _ = Identity.make(lab.workspace, operator=getuser())
        identity.set_operators(
            [
                *identity.operators(),
                Operator(operator="xena", role=Role.OPERATOR, prison="XAA"),
                Operator(operator="xuri", role=Role.OPERATOR, prison="XAB"),
            ]
        )
        centre = Centre(
            identity=identity, transport=lab.transport, operator=getuser(), timeout_s=PATIENCE_S
        )
        with Registry.create(lab.workspace.settings().database) as registry:
            registry.load_locations(read_topology(lab.workspace.topology))
            candidates = read_candidates(lab.workspace.devices_csv)
            results = enrol_devices(centre, registry, plan(registry, candidates))
            assert all(one.done for one in results), results
            yield lab, centre, registry
    finally:
        down(lab.workspace)


def run(lab, *words, code=0):
    result = CliRunner().invoke(main, ["-C", str(lab.workspace.root), "fleet", *words, "--json"])
    assert result.exit_code == code, result.output
    answer = json.loads(result.stdout) if result.stdout else result.stderr
    assert not undocumented(answer)
    return answer


def opens(centre, device, operator):
    """Say whether a device's restricted lane lets an operator in, whatever the registry says."""
    credential = centre.identity.credential(Lane.BROKER, operator=operator, purpose="test")
    try:
        centre.opened(device, "wingspan", credential).close()
    except RefusedError:
        return False
    return True


@pytest.fixture
def device(fleet):
    """Return a device that is in prison XAA, whatever was done to it before."""
    lab, _, registry = fleet
    name = registry.devices()[0].device
    run(lab, "move", name, cell_of(lab, "XAA"))
    return registry.device(name)


def cell_of(lab, prison):
    """Return a cell of a prison; two tablets may share one for a while."""
    cells = read_topology(lab.workspace.topology).cells
    return next(one.cell for one in cells if one.prison_id == prison)


def test_a_move_to_another_prison_is_one_step_for_device_and_registry(fleet, device):
    lab, centre, registry = fleet
    assert (opens(centre, device, "xena"), opens(centre, device, "xuri")) == (True, False)

    run(lab, "move", device.device, cell_of(lab, "XAB"))

    assert registry.device(device.device).prison_id == "XAB"
    assert (opens(centre, device, "xena"), opens(centre, device, "xuri")) == (False, True)


def test_a_device_that_cannot_be_told_is_not_moved(fleet, device):
    lab, _, registry = fleet
    with lab.fault("power-off", device.serial):
        run(lab, "move", device.device, cell_of(lab, "XAB"), code=5)
    lab.answering()

    assert registry.device(device.device) == device


def test_a_move_recorded_while_the_device_was_away_is_found_and_mended(fleet, device):
    lab, centre, _ = fleet
    cell = cell_of(lab, "XAB")
    with lab.fault("power-off", device.serial):
        run(lab, "move", device.device, cell, "--absent")
    lab.wait_until(lambda: opens(centre, device, "xena"))

    (found,) = run(lab, "health", f"device:{device.device}")["devices"]
    (finding,) = [one for one in found["findings"] if one["policy"] == "identity"]
    assert "operators of XAA in, not of XAB" in finding["says"]

    run(lab, "move", device.device, cell)
    assert (opens(centre, device, "xena"), opens(centre, device, "xuri")) == (False, True)


def test_an_operator_of_one_prison_moves_nothing_to_another(fleet, device, monkeypatch):
    lab, _, registry = fleet
    monkeypatch.setenv("WINGSPAN_OPERATOR", "xena")

    run(lab, "move", device.device, cell_of(lab, "XAB"), code=6)
    assert registry.device(device.device) == device


def test_a_device_that_replaces_one_of_another_prison_is_told_too(fleet, device):
    lab, centre, registry = fleet
    old = next(one for one in registry.devices() if one.prison_id == "XAB")
    run(lab, "replace", old.device, device.device)

    assert registry.device(device.device).prison_id == "XAB"
    assert opens(centre, device, "xuri")
    run(lab, "move", old.device, old.cell)


def test_swapped_addresses_are_recorded_once_the_keys_answer_there(fleet):
    lab, _, registry = fleet
    one, other = registry.devices()[2:4]
    with lab.fault("swap", one.serial, other.serial):
        run(lab, "address", one.device, "198.18.255.254", code=5)
        assert "is not" in run(lab, "address", one.device, one.address, code=6)
        run(lab, "address", one.device, other.address)
        run(lab, "address", other.device, one.address)

        assert run(lab, "health", f"device:{one.device}")["summary"]["ok"] == 1
        assert registry.device(other.device).address == one.address
    run(lab, "address", one.device, one.address)
    run(lab, "address", other.device, other.address)

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from fleet.cli import fleet
from fleet.device import NewDevice
from fleet.registry import Registry
from fleet.registry.readings import store_sweep
from fleet.workspace import Workspace

SWITCH = {"kind": "switch", "parent": "MDI/uplink", "prison_id": "MDI"}
ELEMENTS = [
    {"id": "MDI/uplink", "kind": "uplink", "parent": "", "prison_id": "MDI"},
    {"id": "MDI/A/SW-A1", "wing": "A", **SWITCH},
    {"id": "MDI/A/SW-A2", "wing": "A", **SWITCH},
]
CELLS = [
    {
        "cell": f"MDI-A-1-{number:03d}",
        "element": "MDI/A/SW-A1" if number <= 20 else "MDI/A/SW-A2",
        "prison_id": "MDI",
        "wing": "A",
        "landing": "1",
    }
    for number in range(1, 41)
]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Return a workspace of forty devices on two switches."""
    monkeypatch.delenv("WINGSPAN_DATABASE", raising=False)
    workspace = Workspace(tmp_path)
    workspace.topology.parent.mkdir()
    text = json.dumps({"schema": 1, "elements": ELEMENTS, "cells": CELLS})
    workspace.topology.write_text(text, encoding="utf-8")
    with Registry.create(workspace.settings().database) as registry:
        from fleet.topology import read_topology

        registry.load_locations(read_topology(workspace.topology))
        names = registry.add(
            [
                NewDevice(serial=f"S{number}", cell=cell["cell"])
                for number, cell in enumerate(CELLS)
            ],
            by="asha",
            why="test",
        )
        for name in names:
            registry.enrol(name, f"ssh-ed25519 {_key(name)}", by="asha", why="test")
    return workspace


def _key(name):
    import base64

    blob = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00 " + name.encode().rjust(32, b"\x00")
    return base64.b64encode(blob).decode()


@pytest.fixture
def swept(workspace):
    """Return a function that records a sweep in which the devices of some cells were silent."""

    def record(silent, *, hours_ago=0.0):
        with Registry.open(workspace.settings().database) as registry:
            from fleet.scope import Scope

            devices = registry.devices(Scope())
            with registry.writing() as connection:
                store_sweep(
                    connection,
                    {d.device: ("unreachable" if d.cell in silent else "ok", {}) for d in devices},
                    at=datetime.now(tz=UTC) - timedelta(hours=hours_ago),
                    by="asha",
                    scope="estate",
                )

    return record


def run(workspace, *words):
    return CliRunner().invoke(fleet, ["diagnose", *words], obj=workspace)


BEHIND_A2 = [cell["cell"] for cell in CELLS if cell["element"].endswith("SW-A2")]


def test_the_switch_behind_twenty_silent_tablets_is_named(workspace, swept):
    swept(BEHIND_A2)

    result = run(workspace)

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].endswith("20 of 40 devices silent")
    assert lines[1] == "1. switch MDI/A/SW-A2, certain"
    assert lines[2] == "   A wing of MDI: 20 devices silent"
    assert lines[-1].startswith("   check first: power and lights of the switch")


def test_as_json_the_causes_name_their_devices(workspace, swept):
    swept([*BEHIND_A2, "MDI-A-1-003"])

    answer = json.loads(run(workspace, "--json").stdout)

    (cause,) = answer["causes"]
    assert (cause["element"], cause["kind"], len(cause["devices"])) == (
        "MDI/A/SW-A2",
        "switch",
        20,
    )
    assert [alone["cell"] for alone in answer["unexplained"]] == ["MDI-A-1-003"]


def test_what_a_device_last_said_counts(workspace, swept):
    swept(BEHIND_A2, hours_ago=2)
    swept([])

    assert json.loads(run(workspace, "--json").stdout)["causes"] == []


def test_sweeps_that_are_too_old_are_no_evidence(workspace, swept):
    swept(BEHIND_A2, hours_ago=30)

    result = run(workspace)

    assert result.exit_code == 3
    assert "none of 40 devices was asked in the last 24 hours" in result.stderr
    assert run(workspace, "--within", "48").exit_code == 0


def test_without_a_topology_it_says_so_and_weighs_places(workspace, swept):
    workspace.topology.unlink()
    swept([cell["cell"] for cell in CELLS])

    result = run(workspace, "--json")

    assert "weighing wings and landings instead" in result.stderr
    assert json.loads(result.stdout)["by_place"] is True

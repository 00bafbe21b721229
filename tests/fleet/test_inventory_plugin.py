"""The inventory plugin, in the programs of Ansible that people run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.device import DeviceState, NewDevice
from fleet.registry import Registry

BIN = Path(sys.executable).parent
EXAMPLE = Path(__file__).parents[2] / "inventory" / "example"
BY = {"by": "test", "why": "test"}


@pytest.fixture
def workspace(tmp_path, topology, host_key):
    """Return a workspace with the example's configuration, four live tablets and a spare."""
    with Registry.create(f"sqlite:///{tmp_path}/fleet.db") as registry:
        registry.load_locations(topology)
        new = [
            NewDevice(
                serial=f"S-{n}",
                model="t-1",
                cell=served.cell,
                host_key=host_key(n),
                address=f"10.0.0.{n}",
            )
            for n, served in enumerate(topology.cells)
        ]
        names = registry.add(new, **BY)
        registry.set_states(names, DeviceState.ENROLLED, **BY)
        registry.add([NewDevice(serial="S-9")], **BY)
    (tmp_path / "wingspan.yml").write_text((EXAMPLE / "wingspan.yml").read_text())
    return tmp_path


def run(program, workspace, *words, code=0, **environment):
    """Run a program of Ansible on a workspace, as the example's ansible.cfg has it."""
    command = [BIN / program, "-i", workspace / "wingspan.yml", *words]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE")}
    own = {"ANSIBLE_CONFIG": str(EXAMPLE / "ansible.cfg"), "HOME": str(workspace)}
    done = subprocess.run(
        command, env=kept | own | environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_ansible_sees_the_devices_by_their_groups(workspace):
    found = json.loads(run("ansible-inventory", workspace, "--list").stdout)

    assert found["wing_MDI_A"]["children"] == [
        "landing_MDI_A_N_1",
        "landing_MDI_A_N_2",
        "landing_MDI_A_S_1",
    ]
    assert found["switch_MDI_A_SW_1"]["hosts"] == ["WS-000001", "WS-000002", "WS-000003"]
    assert set(found["_meta"]["hostvars"]) == {f"WS-00000{number}" for number in range(1, 5)}
    host = json.loads(run("ansible-inventory", workspace, "--host", "WS-000001").stdout)
    assert host["ansible_host"] == "10.0.0.0"


def test_a_playbook_is_limited_to_a_wing_by_its_name(workspace):
    (workspace / "play.yml").write_text("- hosts: wing_MDI_A\n")
    shown = run("ansible-playbook", workspace, "--list-hosts", workspace / "play.yml").stdout

    assert "hosts (3)" in shown
    assert "WS-000004" not in shown


def test_a_scope_in_the_configuration_limits_what_ansible_sees(workspace):
    (workspace / "wingspan.yml").write_text("plugin: wingspan\nscope: [LEI, state=spare]\n")
    assert "_meta" in json.loads(run("ansible-inventory", workspace, "--list").stdout)

    (workspace / "wingspan.yml").write_text("plugin: wingspan\nscope: [MDL]\n")
    assert "did you mean MDI?" in run("ansible-inventory", workspace, "--list", code=1).stderr


def test_without_a_registry_ansible_is_told_what_makes_one(tmp_path):
    (tmp_path / "wingspan.yml").write_text("plugin: wingspan\n")

    assert "wingspan fleet init" in run("ansible-inventory", tmp_path, "--list", code=1).stderr


def test_host_key_checking_cannot_be_switched_off(workspace):
    off = run(
        "ansible-inventory", workspace, "--list", code=1, ANSIBLE_HOST_KEY_CHECKING="False"
    ).stderr

    assert "host key checking is switched off" in off


@pytest.mark.parametrize(
    "extra", ["ansible_host_key_checking=false", "ansible_ssh_args='-o StrictHostKeyChecking=no'"]
)
def test_how_a_key_is_checked_cannot_be_set_from_outside(workspace, extra):
    refused = run("ansible", workspace, "all", "-m", "raw", "-a", "id", "-e", extra, code=1)

    assert "cannot be set" in refused.stderr


@pytest.fixture
def reach(workspace, sshd):
    """Return a function that runs `echo reached` on WS-000001, which is a real sshd."""
    target = sshd.target
    (workspace / "wingspan.yml").write_text("plugin: wingspan\nscope: ['device:WS-000001']\n")

    def reach(host_key, *words, code=0, **environment):
        with Registry.open(f"sqlite:///{workspace}/fleet.db") as registry:
            for state in (DeviceState.WIPED, DeviceState.SPARE):
                registry.set_state("WS-000001", state, **BY)
            registry.enrol("WS-000001", host_key, **BY)
            registry.record_address("WS-000001", target.address, port=target.port, source="", by="")
        key = ["--private-key", str(sshd.folder / "user"), "-u", target.user]
        act = ["all", "-m", "raw", "-a", "echo reached", *key, *words]
        return run("ansible", workspace, *act, code=code, **environment).stdout

    return reach


def test_a_device_is_reached_by_its_pinned_key(reach, sshd):
    assert "reached" in reach(sshd.target.host_key)


UNREACHABLE = 4


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        ([], {}),
        (["--ssh-common-args=-o StrictHostKeyChecking=no"], {}),
        ([], {"ANSIBLE_SSH_ARGS": "-o StrictHostKeyChecking=no"}),
    ],
)
def test_another_key_is_refused_whatever_the_command_line_says(reach, host_key, words, environment):
    shown = reach(host_key(99), *words, code=UNREACHABLE, **environment)

    assert "Host key verification failed" in shown
    assert "rc=0" not in shown

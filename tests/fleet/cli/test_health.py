"""What `wingspan fleet health` says to somebody who asks for what cannot be."""

import pytest
from click.testing import CliRunner

from fleet.device import NewDevice
from fleet.registry import Registry
from fleet.workspace import Workspace
from wingspan import main


@pytest.fixture
def health(tmp_path):
    """Return a function that runs the command in a workspace with one spare device."""
    with Registry.create(Workspace(tmp_path).settings().database) as registry:
        registry.add([NewDevice(serial="S1", cell="MDI-A-1-001")], by="asha", why="bought")

    def run(*words):
        return CliRunner().invoke(main, ["-C", str(tmp_path), "fleet", "health", *words])

    return run


def test_without_a_registry_the_next_step_is_named(tmp_path):
    result = CliRunner().invoke(main, ["-C", str(tmp_path), "fleet", "health"])

    assert result.exit_code == 3
    assert "wingspan fleet init" in result.stderr


@pytest.mark.parametrize("scope", [[], ["MDI-A-1-001"], ["device:WS-000001"]])
def test_devices_that_hold_no_keys_of_ours_are_not_asked(health, scope):
    result = health(*scope)

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("error: ")


def test_an_unknown_place_is_named(health):
    result = health("MDX")

    assert result.exit_code == 3
    assert "MDX" in result.stderr


def test_every_fault_of_the_rules_is_named_before_a_device_is_asked(health, tmp_path):
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "health.toml").write_text("[sweep]\nat_once = 0\nat_onec = 1\n")
    result = health()

    assert result.exit_code == 3
    assert "health.toml [sweep] at_once: 0 is not a number above zero" in result.stderr
    assert "health.toml [sweep] at_onec: there is no such setting" in result.stderr

"""A begun fleet, and its commands as a person runs them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from click.testing import CliRunner

import wingspan
from fleet.device import NewDevice
from fleet.registry import Registry
from fleet.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    from fleet.topology import Topology


@dataclass(frozen=True, slots=True)
class Desk:
    """A workspace, and a person who runs commands in it."""

    root: Path

    @property
    def workspace(self) -> Workspace:
        """Return the workspace."""
        return Workspace(self.root)

    def run(self, *words: str, code: int = 0) -> Result:
        """Run `wingspan fleet` with words; it has to end with the code."""
        runner = CliRunner(env={"WINGSPAN_OPERATOR": "asha"})
        result = runner.invoke(wingspan.main, ["-C", str(self.root), "fleet", *words])
        assert result.exit_code == code, result.output
        return result

    def answer(self, *words: str, code: int = 0) -> Any:
        """Return what the command answers in JSON."""
        return json.loads(self.run(*words, "--json", code=code).stdout)


@pytest.fixture
def empty_desk(tmp_path: Path) -> Desk:
    """Return a workspace in which nothing has begun."""
    return Desk(tmp_path / "fleet")


@pytest.fixture
def desk(empty_desk: Desk, topology: Topology, host_key: Callable[[int], str]) -> Desk:
    """Return a begun workspace with a tablet in each cell of `topology`, and a spare."""
    file = empty_desk.workspace.topology
    file.parent.mkdir(parents=True)
    file.write_bytes(msgspec.json.encode(topology))
    empty_desk.run("init")
    new = [
        NewDevice(serial=f"S-{n}", model="t-1", cell=served.cell, host_key=host_key(n))
        for n, served in enumerate(topology.cells)
    ]
    with Registry.open(empty_desk.workspace.settings().database) as registry:
        registry.add([*new, NewDevice(serial="S-9", model="t-2")], by="test", why="test")
    return empty_desk


@pytest.fixture
def narrow(desk: Desk) -> Path:
    """Return a baseline in which the prison's relay is not among those who may come in."""
    path = desk.workspace.baseline
    path.parent.mkdir(exist_ok=True)
    way = '{ network = "10.1.0.5/32", protocol = "tcp", port = 443 }'
    path.write_text(
        f'kiosk_program = "/usr/bin/true"\nmanagement = ["10.2.0.0/24"]\nrelay = [{way}]\n'
    )
    return path


@pytest.fixture
def install(desk: Desk, tmp_path: Path) -> Callable[..., Desk]:
    """Return a function that makes a folder the relay of a prison, and returns the folder."""

    def make(prison: str, name: str = "relay", *, code: int = 0) -> Desk:
        (tmp_path / "ca.pem").write_text("a certificate")
        words = ["--trust", str(desk.workspace.keys / "trust.pub"), "--broker"]
        words += [f"rediss://relay-{prison}@localhost", "--broker-authority"]
        relay = Desk(tmp_path / name)
        relay.run("relay", "install", prison, *words, str(tmp_path / "ca.pem"), code=code)
        return relay

    return make

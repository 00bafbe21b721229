"""A real sshd on this machine's loopback, for tests of what we say to one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fleet.identity.credential import Credential
from fleet.ssh import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Long enough for a machine ten times slower; nothing waits for it unless something is wrong.
PATIENCE_S = 60


class Loopback:
    """Connects to where it is told, as a machine on the prisons' network would."""

    def connect(self, address: str, port: int, *, timeout_s: float) -> socket.socket:
        """Connect."""
        return socket.create_connection((address, port), timeout=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sshd:
    """A running sshd: who it is, the key that it lets in, and its process."""

    target: Target
    credential: Credential
    folder: Path
    process: subprocess.Popen[bytes]


@pytest.fixture
def loopback() -> Loopback:
    """Return the way to devices that are on this machine."""
    return Loopback()


@pytest.fixture
def start_sshd(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Return a function that starts an sshd with further lines of configuration."""
    started: list[Sshd] = []

    def start(*lines: str, device: str = "WS-000001") -> Sshd:
        folder = tmp_path / f"sshd-{len(started)}"
        folder.mkdir()
        started.append(_start(folder, lines, device))
        return started[-1]

    yield start
    for sshd in started:
        sshd.process.kill()
        sshd.process.wait()


@pytest.fixture
def sshd(start_sshd: Callable[..., Sshd]) -> Sshd:
    """Return a running sshd that lets our key in."""
    return start_sshd()


@pytest.fixture(name="keygen")
def keygen_fixture() -> Callable[..., str]:
    """Return a function that runs ssh-keygen and returns what it prints."""
    return keygen


def keygen(*words: str | Path) -> str:
    """Run ssh-keygen and return what it prints."""
    command = [_program("ssh-keygen"), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def new_key(path: Path, kind: str = "ed25519") -> str:
    """Make a key without a passphrase; return its public line."""
    keygen("-q", "-t", kind, "-N", "", "-C", "", "-f", path)
    return path.with_suffix(".pub").read_text(encoding="utf-8").strip()


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, f"these tests need {name}, of Debian's openssh-server"
    return found


def _start(folder: Path, lines: tuple[str, ...], device: str) -> Sshd:
    host_key = new_key(folder / "host")
    (folder / "authorized_keys").write_text(new_key(folder / "user"), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "sshd_config").write_text(
        "\n".join(
            (
                *lines,  # The first word on a setting counts.
                f"ListenAddress 127.0.0.1:{port}",
                f"HostKey {folder}/host",
                f"AuthorizedKeysFile {folder}/authorized_keys",
                "StrictModes no",
                "PidFile none",
                "Subsystem sftp internal-sftp",
                "",
            )
        ),
        encoding="utf-8",
    )
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)  # noqa: PTH103 - sshd wants it, wherever it runs
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [_program("sshd"), "-D", "-e", "-f", folder / "sshd_config"], stderr=log
    )
    log.close()
    _wait_for(port, process)
    target = Target(
        device=device, address="127.0.0.1", port=port, user=getuser(), host_key=host_key
    )
    private = (folder / "user").read_text(encoding="utf-8")
    return Sshd(
        target=target, credential=Credential(private_key=private), folder=folder, process=process
    )


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    ends_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_s:
        assert process.poll() is None, "sshd ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("sshd does not answer")

"""What tests of the fleet share: a real sshd, a lab of devices, registries in both databases.

PostgreSQL is Debian's own server, started for the tests.
"""

from __future__ import annotations

import base64
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import create_engine, text

from fleet.errors import FleetError
from fleet.identity.credential import Credential
from fleet.registry import Registry
from fleet.rehearsal import faults
from fleet.rehearsal.lab import Rehearsal, Size, down, up
from fleet.rehearsal.machine import until
from fleet.ssh import Target, host_key_of
from fleet.topology import Element, ServedCell, Topology
from fleet.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fleet.rehearsal.layout import LabDevice

# Long enough for a machine ten times slower; nothing waits for it unless something is wrong.
PATIENCE_S = 60
_SERVERS = Path("/usr/lib/postgresql")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tablet:
    """A machine of its own for one sshd: what it does as root stays in its overlay.

    `target` is its root; `inside` runs a command in it, as if typed at its keyboard.
    """

    target: Target
    root: Path
    process: subprocess.Popen[bytes]

    def inside(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command as root in the tablet."""
        (child,) = (
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            .read_text(encoding="ascii")
            .split()
        )
        enter = ["nsenter", "--target", child, "--mount", "--pid", f"--root=/proc/{child}/root"]
        command = [*enter, *words]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def start_tablet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Tablet]]:
    """Return a function that starts a tablet that the key in a `.pub` file opens."""
    assert os.geteuid() == 0, "a tablet needs namespaces of its own: run the tests as root"
    started: list[Tablet] = []

    def start(bootstrap: Path, *, device: str = "WS-000001", size: str = "64m") -> Tablet:
        folder = tmp_path_factory.mktemp("tablet")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        script = Path(__file__).with_name("tablet.sh")
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", script]
        process = subprocess.Popen([*alone, folder, str(port), bootstrap, size])
        _wait_for(port, process)
        host_key = host_key_of("127.0.0.1", port, Loopback(), timeout_s=PATIENCE_S)
        target = Target(
            device=device, address="127.0.0.1", port=port, user="root", host_key=host_key
        )
        started.append(Tablet(target=target, root=folder / "root", process=process))
        return started[-1]

    yield start
    for tablet in started:
        tablet.process.kill()
        tablet.process.wait()


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


@pytest.fixture(autouse=True)
def no_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "WINGSPAN_DATABASE",
        "WINGSPAN_DATABASE_PASSWORD",
        "WINGSPAN_OPERATOR",
        "WINGSPAN_CLOCK",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Start PostgreSQL as an unprivileged user on a socket of its own; yield its URL."""
    versions = sorted(_SERVERS.glob("*/bin/postgres"))
    assert versions, f"PostgreSQL is not under {_SERVERS}: apt install postgresql"
    programs = versions[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="wingspan-pg-"))  # A socket's path must be short.
    owner = pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None
    if owner:
        shutil.chown(folder, owner)
    made = [programs / "initdb", "--no-sync", "--auth=trust", "--username=wingspan"]
    made += ["--encoding=UTF8", "--locale=C.UTF-8", "-D", folder / "data"]
    subprocess.run(made, check=True, capture_output=True, user=owner, cwd=folder)
    settings = ("listen_addresses=", f"unix_socket_directories={folder}", "fsync=off")
    served = [programs / "postgres", "-D", folder / "data"]
    served += [word for setting in settings for word in ("-c", setting)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(served, stdout=log, stderr=log, user=owner, cwd=folder)
    try:
        ready = [programs / "pg_isready", "--quiet", "--host", folder]
        give_up = time.monotonic() + PATIENCE_S
        while subprocess.run(ready, check=False).returncode != 0:
            assert time.monotonic() < give_up, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"postgresql+psycopg://wingspan@/postgres?host={folder}"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of an empty database, in SQLite and then in PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'fleet.db'}"
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"fleet_{uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.replace("/postgres?", f"/{name}?")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def registry(database_url: str) -> Iterator[Registry]:
    """Yield a new registry in each kind of database."""
    with Registry.create(database_url) as made:
        yield made


@pytest.fixture
def sqlite_registry(tmp_path: Path) -> Iterator[Registry]:
    """Yield a new registry in SQLite, where the kind of database is not the point."""
    with Registry.create(f"sqlite:///{tmp_path / 'fleet.db'}") as made:
        yield made


@pytest.fixture
def topology() -> Topology:
    """Return two prisons: MDI has wing A with two landings and spurs, LEI wing B with one cell.

    Cells of landing 1 hang from the access point, that of landing 2 from the switch.
    """
    places = {
        "MDI-A-1-001": ("MDI/A/AP-1", "MDI", "A", "N", "1"),
        "MDI-A-1-002": ("MDI/A/AP-1", "MDI", "A", "S", "1"),
        "MDI-A-2-001": ("MDI/A/SW-1", "MDI", "A", "N", "2"),
        "LEI-B-1-001": ("LEI/uplink", "LEI", "B", "", "1"),
    }
    return Topology(
        elements=(
            Element(id="MDI/uplink", kind="uplink", prison_id="MDI"),
            Element(id="MDI/A/SW-1", kind="switch", parent="MDI/uplink", prison_id="MDI", wing="A"),
            Element(
                id="MDI/A/AP-1", kind="access_point", parent="MDI/A/SW-1", prison_id="MDI", wing="A"
            ),
            Element(id="LEI/uplink", kind="uplink", prison_id="LEI"),
        ),
        cells=tuple(
            ServedCell(cell=cell, element=e, prison_id=p, wing=w, spur=s, landing=landing)
            for cell, (e, p, w, s, landing) in places.items()
        ),
    )


@pytest.fixture
def host_key() -> Callable[[int], str]:
    """Return a function that makes a well-formed public key, another for each number."""
    head = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"

    def make(number: int) -> str:
        return f"ssh-ed25519 {base64.b64encode(head + number.to_bytes(32, 'big')).decode()}"

    return make


class TestLab:
    """A rehearsal for tests: its workspace and devices, and a way to do to them what happens.

    Its devices are as they left the factory: root takes the workspace's bootstrap key.
    """

    __test__ = False

    def __init__(self, workspace: Workspace, rehearsal: Rehearsal) -> None:
        self.workspace, self.rehearsal = workspace, rehearsal
        self.devices = rehearsal.layout.devices
        self.transport = rehearsal.lab

    def ssh(self, device: LabDevice, command: str, *, patience_s: int = PATIENCE_S) -> str:
        """Run a command as root over real OpenSSH and return what it writes."""
        return self.try_ssh(device, command, patience_s=patience_s, check=True).stdout

    def try_ssh(
        self,
        device: LabDevice,
        command: str,
        *,
        patience_s: int = PATIENCE_S,
        check: bool = False,
        key: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root over real OpenSSH, which knows the device by its first key.

        `key` is the private key to show, with a certificate of its name beside it if there is
        one; the default is the workspace's bootstrap key.
        """
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": str(patience_s),
            "ServerAliveInterval": str(patience_s),
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self._known_hosts(device)),
            "HostKeyAlias": device.serial,
            "IdentitiesOnly": "yes",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        where = ["-i", str(key or self.workspace.keys / "bootstrap"), f"root@{device.address}"]
        return subprocess.run(
            self.transport.command(["ssh", "-F", "none", *words, *where, command]),
            check=check,
            capture_output=True,
            text=True,
        )

    @contextmanager
    def fault(self, kind: str, target: str, detail: str = "") -> Iterator[faults.Fault]:
        """Have something fail for the block, as `wingspan fleet rehearse KIND TARGET` does."""
        made = faults.make(self.rehearsal, faults.Kind(kind), target, detail)
        try:
            yield made
        finally:
            faults.restore(self.rehearsal, made.target)

    def answering(self, devices: Sequence[LabDevice] | None = None) -> set[str]:
        """Return the serials of those that greet an SSH client, waiting for those that do not."""
        return self.rehearsal.answering(devices or self.devices, patience_s=PATIENCE_S)

    def silent(self, devices: Sequence[LabDevice] | None = None) -> set[str]:
        """Return the serials of those that do not greet an SSH client within three seconds."""
        asked = devices or self.devices
        return {d.serial for d in asked} - self.rehearsal.answering(asked, patience_s=0)

    def wait_until(self, done: Callable[[], bool]) -> None:
        """Wait until something is so, and fail when it never is."""
        until(done, "what the test waits for does not happen")

    def _known_hosts(self, device: LabDevice) -> Path:
        rows = self.workspace.devices_csv.read_text(encoding="utf-8").splitlines()
        row = next(row for row in rows if row.startswith(f"{device.serial},"))
        path = self.workspace.lab / f"{device.serial}.known_hosts"
        path.write_text(f"{device.serial} {row.split(',')[1]}\n", encoding="utf-8")
        return path


@pytest.fixture(name="bootstrap_key", scope="session")
def bootstrap_key_fixture() -> Callable[[Workspace], None]:
    """Return a function that gives a workspace the key that new devices trust."""

    def make(workspace: Workspace) -> None:
        workspace.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        new_key(workspace.keys / "bootstrap")

    return make


@pytest.fixture(scope="session")
def start_lab(
    tmp_path_factory: pytest.TempPathFactory, bootstrap_key: Callable[[Workspace], None]
) -> Callable[..., TestLab]:
    """Return a function that starts a rehearsal in a new workspace; the caller ends it."""

    def start(*, topology: Topology | None = None, hours: float = 1, **size: Any) -> TestLab:
        workspace = Workspace(tmp_path_factory.mktemp("lab"))
        bootstrap_key(workspace)
        if topology is not None:
            workspace.topology.parent.mkdir()
            workspace.topology.write_bytes(msgspec.json.encode(topology))
        try:
            rehearsal, _ = up(workspace, Size(**size), hours=hours, tell=print)
        except FleetError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"{error}: {'; '.join(map(str, error.problems))}")
        waiting = rehearsal.answering(rehearsal.layout.devices, patience_s=PATIENCE_S)
        assert len(waiting) == len(rehearsal.layout.devices)
        return TestLab(workspace, rehearsal)

    return start


@pytest.fixture(scope="module")
def lab(start_lab: Callable[..., TestLab]) -> Iterator[TestLab]:
    """Return a lab of 24 new devices in two prisons, shared by the tests of one file.

    Each prison has a wing A with two switches; each switch serves six devices by an access point.
    """
    started = start_lab(devices=24, prisons=2)
    yield started
    down(started.workspace)


@pytest.fixture
def new_lab(start_lab: Callable[..., TestLab]) -> Iterator[Callable[..., TestLab]]:
    """Return a function that starts a lab for one test."""
    started: list[TestLab] = []

    def start(**size: Any) -> TestLab:
        started.append(start_lab(**size))
        return started[-1]

    yield start
    for each in started:
        down(each.workspace)

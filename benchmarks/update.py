"""What an update costs the controller and the uplink, beside the ways that people write themselves.

    python -m benchmarks.update [--small]

Needs root, for the rehearsal. 200 devices of one prison hang from an uplink of 20 Mbit/s without a
relay. The same file is brought to them in three ways, in one run: by a playbook of ten tasks with
pipelining, by `copy` with fifty forks, and by `wingspan fleet update`. CPU is that of the
controller's processes alone; bytes are those that the uplink's own counters show.
"""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.health import KEY_EXCHANGE, PEER, enrol
from benchmarks.measuring import WINGSPAN, Cost, aligned, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEVICES = 200
BYTES = 1_000_000
UPLINK_MBPS = 20
SOAK_MINUTES = 600
FORKS, NAIVE_FORKS = 10, 50
_WINDOW_S = 5.0
_SAMPLED_EVERY_S = 0.5
_BIN = Path(sys.executable).parent
_PLAYBOOK = Path(__file__).with_name("ten_tasks.yml")


def main() -> None:
    """Print the tables."""
    devices = 24 if "--small" in sys.argv else DEVICES
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}\n")
    with TemporaryDirectory(prefix="wingspan-benchmark-") as folder:
        site = Site(Path(folder))
        site.begin(devices)
        try:
            print(tables(site, devices))
        finally:
            subprocess.run([*site.fleet, "rehearse", "down"], check=True, stdout=sys.stderr)


@dataclass(frozen=True, slots=True)
class Site:
    """A workspace with one prison in a rehearsal."""

    workspace: Path

    @property
    def fleet(self) -> list[str | Path]:
        """Return how a command of the fleet begins."""
        return [WINGSPAN, "-C", self.workspace, "fleet"]

    def begin(self, devices: int) -> None:
        """Bring the prison up behind a slow uplink, and take its devices to live."""
        keygen = shutil.which("ssh-keygen") or "ssh-keygen"
        self._run("init")
        for name, role in (("ben", "operator"), ("cleo", "approver")):
            key = self.workspace / name
            subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
            self._run("operator", "add", name, "--role", role, "--key", f"{key}.pub")
        self._run("rehearse", "up", "--devices", str(devices), "--prisons", "1")
        topology = self.workspace / "out" / "topology.json"
        stated = json.loads(topology.read_text(encoding="utf-8"))
        source = "the benchmark's own uplink"
        stated["capacities"]["uplink"] = {"capacity_mbps": UPLINK_MBPS, "source": source}
        topology.write_text(json.dumps(stated), encoding="utf-8")
        enrol(self.workspace)
        self._run("rehearse", "slow", "XAA/uplink", "--rate", f"{UPLINK_MBPS}mbit")

    def _run(self, *words: str) -> None:
        subprocess.run([*self.fleet, *words], check=True, stdout=sys.stderr)

    def as_person(self, name: str) -> dict[str, str]:
        """Return the environment of a person at this desk."""
        key = str(self.workspace / name)
        return {"WINGSPAN_OPERATOR": name, "WINGSPAN_SIGNING_KEY": key}

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs in the rehearsal's network."""
        from fleet.transport import transport_of  # noqa: PLC0415 - light, and only needed here
        from fleet.workspace import Workspace  # noqa: PLC0415

        return transport_of(Workspace(self.workspace)).command(command)


@dataclass(slots=True)
class Counted:
    """What went down the uplink while something ran: moments and bytes so far."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    @property
    def peak_mbps(self) -> float:
        """Return the most that was carried over a few seconds, in Mbit/s."""
        peak, start = 0.0, 0
        for at, so_far in self.samples:
            while self.samples[start + 1][0] <= at - _WINDOW_S:
                start += 1
            before_s, before = self.samples[start]
            if at - before_s >= _WINDOW_S:
                peak = max(peak, (so_far - before) * 8 / (at - before_s) / 1e6)
        return peak

    @property
    def bytes(self) -> int:
        """Return how many bytes were carried."""
        return self.samples[-1][1] - self.samples[0][1]


@contextmanager
def counting(site: Site) -> Iterator[Counted]:
    """Count what goes down the prison's uplink while the block runs."""
    counted, ended = Counted(), threading.Event()
    command = site.inside(["ip", "-s", "-j", "link", "show", "dev", "wan1"])

    def sample() -> None:
        said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        counted.samples.append((time.monotonic(), said[0]["stats64"]["tx"]["bytes"]))

    def count() -> None:
        while not ended.wait(_SAMPLED_EVERY_S):
            sample()

    sample()
    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield counted
    finally:
        ended.set()
        thread.join()
        sample()


def tables(site: Site, devices: int) -> str:
    """Bring the file in each way, and return what each took."""
    payload = os.urandom(BYTES)
    ours = _ours(site, payload, devices)
    _note("update", ours.first, ours.apply)
    with TemporaryDirectory(prefix="wingspan-benchmark-") as text:
        run([*PEER, "prepare", site.workspace, text])
        folder = Path(text)
        with tarfile.open(folder / "bundle.tar", "w") as tar:
            member = tarfile.TarInfo("payload")
            member.size = BYTES
            tar.addfile(member, io.BytesIO(payload))
        with counting(site) as by_copy:
            naive = _naive(site, folder)
        with counting(site) as by_tasks:
            tasks = _ten_tasks(site, folder)
        _note("ten tasks, copy", tasks, naive)
    apply_s = ours.apply.cpu_s / ours.applied
    both_s = (ours.first.cpu_s + ours.apply.cpu_s) / devices
    task_s = tasks.cpu_s / devices
    cpu = [
        ("ten tasks, pipelining", f"{task_s * 1000:.0f}", "1.0", ""),
        ("update, apply alone", *_beside(task_s, apply_s, aim=4)),
        ("update, prefetch and apply", *_beside(task_s, both_s, aim=2)),
    ]
    sent = ours.counted.bytes + ours.applying.bytes
    overhead = sent / devices / ours.bundle_bytes
    links = [
        _link("ten tasks, 10 forks", by_tasks, tasks),
        _link("copy, 50 forks", by_copy, naive),
        _link("update, all prefetch and the first applied", ours.counted, ours.first),
        _link("update, the others applied", ours.applying, ours.apply),
    ]
    return "\n\n".join(
        (
            aligned((f"{devices} devices, {BYTES:,} bytes", "CPU ms a device", "ratio", ""), cpu),
            aligned((f"uplink of {UPLINK_MBPS} Mbit/s", "peak Mbit/s", "share", "wall s"), links),
            f"budget {ours.budget:.0%}, planned {ours.planned:.1%}; sent {overhead:.2f} times over",
        )
    )


def _note(name: str, *costs: Cost) -> None:
    """Say what was measured, since the rest may take long."""
    print(name, *costs, file=sys.stderr, flush=True)


def _beside(theirs_s: float, ours_s: float, *, aim: float) -> tuple[str, ...]:
    ratio = theirs_s / ours_s
    met = "met" if ratio >= aim else "MISSED"
    return f"{ours_s * 1000:.0f}", f"{ratio:.1f}", f"aim {aim:.0f}: {met}"


def _link(name: str, counted: Counted, cost: Cost) -> tuple[str, ...]:
    peak = counted.peak_mbps
    return (name, f"{peak:.1f}", f"{peak / UPLINK_MBPS:.0%}", f"{cost.wall_s:.0f}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """An update in two commands: all of the prefetch and the coverage set, then all others."""

    first: Cost
    apply: Cost
    applied: int
    counted: Counted
    applying: Counted
    planned: float
    budget: float
    bundle_bytes: int


def _ours(site: Site, payload: bytes, devices: int) -> Ours:
    source = site.workspace / "payload"
    (source / "files" / "opt" / "app").mkdir(parents=True)
    (source / "files" / "opt" / "app" / "app").write_bytes(payload)
    (source / "checks" / "post").mkdir(parents=True)
    check = source / "checks" / "post" / "is-there"
    check.write_text("#!/bin/sh\ntest -s /opt/app/app\n", encoding="utf-8")
    check.chmod(0o755)
    bundle = site.workspace / "bundle.tar"
    made = ["bundle", "make", "--kind", "generic", "--bundle-version", "2.0"]
    run([*site.fleet, *made, "--from", source, "--out", bundle])
    ben, cleo = site.as_person("ben"), site.as_person("cleo")
    update = [*site.fleet, "update", "XAA", "--bundle", bundle, "--soak", str(SOAK_MINUTES)]
    _, plan = _asked([*update, "--json"], ben)
    _, asked = _asked([*update, "--yes", "--json"], ben)
    run([*site.fleet, "approve", asked["request"]], cleo)
    reconcile = [*site.fleet, "reconcile", "--once", "--json"]
    with counting(site) as counted:
        first, shown = _asked(reconcile, ben)
    with counting(site) as applying:
        _end_soak(site, asked["request"])
        apply, others = _asked(reconcile, ben)
    if (proven := len(shown["proven"]) + len(others["proven"])) != devices:
        raise RuntimeError(f"{proven} of {devices} devices proved it: {others}")
    return Ours(
        first=first,
        apply=apply,
        applied=len(others["proven"]),
        counted=counted,
        applying=applying,
        planned=plan["peak_load"]["XAA/uplink"],
        budget=0.5,
        bundle_bytes=bundle.stat().st_size,
    )


def _end_soak(site: Site, request: str) -> None:
    """Have the coverage set been watched for long enough: how long prefetch takes is not known."""
    from fleet.registry import Registry  # noqa: PLC0415 - it would count into what is measured
    from fleet.registry.updates import note_update  # noqa: PLC0415
    from fleet.workspace import Workspace  # noqa: PLC0415

    long_ago = datetime.now(tz=UTC) - timedelta(minutes=SOAK_MINUTES)
    database = Workspace(site.workspace).settings().database
    with Registry.open(database) as registry, registry.writing() as connection:
        note_update(connection, request, covered_at=long_ago)


def _asked(command: Sequence[str | Path], who: dict[str, str]) -> tuple[Cost, dict[str, Any]]:
    cost, text = run(command, who)
    found: dict[str, Any] = json.loads(text)
    return cost, found


def _ten_tasks(site: Site, folder: Path) -> Cost:
    words = [str(_BIN / "ansible-playbook"), str(_PLAYBOOK), "-i", f"{folder}/inventory.ini"]
    words += ["-e", f"bundle={folder}/bundle.tar", "-f", str(FORKS)]
    cost, _ = run(site.inside(words), plain_environment(folder))
    return cost


def _naive(site: Site, folder: Path) -> Cost:
    words = [str(_BIN / "ansible"), "all", "-i", f"{folder}/inventory.ini", "-m", "copy"]
    words += ["-a", f"src={folder}/bundle.tar dest=/opt/naive.tar", "-f", str(NAIVE_FORKS)]
    cost, _ = run(site.inside(words), plain_environment(folder))
    return cost


def plain_environment(folder: Path) -> dict[str, str]:
    """Return what lets plain Ansible in, with pipelining and kept connections."""
    options = {
        "UserKnownHostsFile": folder / "known_hosts",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "ControlMaster": "auto",
        "ControlPersist": "60s",
        "KexAlgorithms": KEY_EXCHANGE,
    }
    return {
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_PRIVATE_KEY_FILE": f"{folder}/key",
        "ANSIBLE_REMOTE_USER": "root",
        "ANSIBLE_SSH_USETTY": "False",  # Our certificates allow no terminal.
        "ANSIBLE_SSH_ARGS": " ".join(f"-o {name}={value}" for name, value in options.items()),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{folder}/cp",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "ANSIBLE_TIMEOUT": "60",
    }


if __name__ == "__main__":
    main()

"""What a sweep costs the controller, beside other ways to ask the same of the same devices.

    python -m benchmarks.health [--small] [--beside]

`--beside` prints the first table alone. Needs root, for the rehearsal. CPU is that of the
controller's processes alone: the devices' processes are children of the rehearsal, in a process
namespace of its own.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.measuring import WINGSPAN, Cost, aligned, measured, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

RUNS = 3
SIZES = (50, 100, 200, 500)
COMPARED = 200
ESTATE = 90_000
AT_ONCE = 20
# What OpenSSH's client offers by default costs it several times as much; see DECISIONS.md.
KEY_EXCHANGE = "curve25519-sha256"
DAYS = 12
PEER = [sys.executable, "-m", "benchmarks.peers"]
_BIN = Path(sys.executable).parent


def main() -> None:
    """Print one table after the other, each as soon as it is measured."""
    sizes = (24, 48) if "--small" in sys.argv else SIZES
    compared = sizes[-1] if "--small" in sys.argv else COMPARED
    beside_alone = "--beside" in sys.argv
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}\n")
    costs = {}
    for size in (compared,) if beside_alone else sizes:
        with rehearsed(size) as workspace:
            plain = with_plain_keys(workspace, size) if size == compared else {}
            enrol(workspace)
            if not beside_alone:
                costs[size] = Cost.median_of(swept(workspace, size) for _ in range(RUNS))
            if plain:
                print(beside_others(workspace, size, plain), flush=True)
    if not beside_alone:
        print(f"\n{growth(costs)}", flush=True)
        print(f"\n{year_of_history()}")


@contextmanager
def rehearsed(size: int) -> Iterator[Path]:
    """Yield a workspace whose rehearsal has so many new devices."""
    with TemporaryDirectory(prefix="wingspan-benchmark-") as folder:
        workspace = Path(folder)
        fleet = [WINGSPAN, "-C", workspace, "fleet"]
        subprocess.run([*fleet, "init"], check=True, stdout=sys.stderr)
        subprocess.run(
            [*fleet, "rehearse", "up", "--devices", str(size)], check=True, stdout=sys.stderr
        )
        try:
            yield workspace
        finally:
            subprocess.run([*fleet, "rehearse", "down"], check=True, stdout=sys.stderr)


def enrol(workspace: Path) -> None:
    """Take all devices of the rehearsal to live; on a busy machine a second run takes the rest."""
    command = [WINGSPAN, "-C", workspace, "fleet", "enrol", "--workers", "8", "--yes"]
    for last in (False, False, True):
        finished = subprocess.run(command, check=last, stdout=sys.stderr)
        if finished.returncode == 0:
            return


def swept(workspace: Path, size: int, scope: str = "estate") -> Cost:
    """Return what one sweep takes: the command, from start-up to the registry."""
    cost, answer = measured([WINGSPAN, "-C", workspace, "fleet", "health", scope, "--json"])
    reached = answer["summary"]["devices"] - answer["summary"]["unreachable"]
    if reached != size:
        raise RuntimeError(f"{reached} of {size} devices answered")
    return cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What it takes to ask all devices in one way, and one of them alone."""

    one: Cost
    all: Cost

    def row(self, name: str, size: int, ours: Way) -> tuple[str, ...]:
        """Return the way's line of the table."""
        return (
            name,
            f"{self.all.cpu_s / size * 1000:.1f}",
            f"{self.all.cpu_s / ours.all.cpu_s:.1f}",
            f"{self.further_s(size) * 1000:.1f}",
            f"{self.further_s(size) / ours.further_s(size):.1f}",
            f"{self.all.wall_s:.1f}",
            f"{self.all.memory_mb:.0f}",
        )

    def further_s(self, size: int) -> float:
        """Return the CPU seconds of each device but the first, which pays for the start-up."""
        return (self.all.cpu_s - self.one.cpu_s) / (size - 1)


def with_plain_keys(workspace: Path, size: int) -> dict[str, Way]:
    """Measure what cannot show a certificate, while devices still take the plain key."""
    with TemporaryDirectory(prefix="wingspan-benchmark-") as text:
        run([*PEER, "install", workspace, text])
        one, every = (
            Cost.median_of(_peer(workspace, "parallel-ssh", text, count) for _ in range(RUNS))
            for count in (1, size)
        )
    return {"parallel-ssh (checks no host key)": Way(one=one, all=every)}


def beside_others(workspace: Path, size: int, plain: dict[str, Way]) -> str:
    """Measure each way in turn, so that a slow moment strikes all alike."""
    with TemporaryDirectory(prefix="wingspan-benchmark-") as text:
        run([*PEER, "prepare", workspace, text])
        ways: dict[str, Callable[[int], Cost]] = {
            "wingspan fleet health": lambda count: swept(
                workspace, count, "device:WS-000001" if count == 1 else "estate"
            ),
            "asyncssh": lambda count: _peer(workspace, "asyncssh", text, count),
            "ansible -m raw": lambda count: _ansible(workspace, Path(text), count),
        }
        costs: dict[tuple[str, int], list[Cost]] = defaultdict(list)
        for _ in range(RUNS):
            for name, ask in ways.items():
                for count in (1, size):
                    costs[name, count].append(ask(count))
    done = {
        name: Way(one=Cost.median_of(costs[name, 1]), all=Cost.median_of(costs[name, size]))
        for name in ways
    }
    ours = done["wingspan fleet health"]
    headings = ("CPU ms a device", "ratio", "each further", "ratio", "wall s", "MB")
    rows = [way.row(name, size, ours) for name, way in (done | plain).items()]
    return aligned((f"{size} devices, curve25519", *headings), rows)


def _inside(workspace: Path, command: list[str]) -> list[str]:
    """Return the command that runs in the rehearsal's network."""
    from fleet.transport import transport_of  # noqa: PLC0415 - light, and only needed here
    from fleet.workspace import Workspace  # noqa: PLC0415

    return transport_of(Workspace(workspace)).command(command)


def _peer(workspace: Path, name: str, folder: str, count: int) -> Cost:
    cost, answer = measured(_inside(workspace, [*PEER, name, folder, str(count)]))
    if answer["answered"] != count:
        raise RuntimeError(f"{name}: {answer['answered']} of {count} devices answered")
    return cost


def _ansible(workspace: Path, folder: Path, count: int) -> Cost:
    whom = "WS-000001" if count == 1 else "all"
    words = [str(_BIN / "ansible"), whom, "-i", f"{folder}/inventory.ini", "-m", "raw"]
    words += ["-a", "wingspan-device probe", "-f", str(AT_ONCE)]
    cost, answered = run(_inside(workspace, words), _environment(folder))
    if (found := answered.count('"schema":1')) != count:
        raise RuntimeError(f"ansible: {found} of {count} devices answered")
    return cost


def _environment(folder: Path) -> dict[str, str]:
    options = {
        "UserKnownHostsFile": folder / "known_hosts",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "ControlMaster": "no",
        "KexAlgorithms": KEY_EXCHANGE,
    }
    return {
        "ANSIBLE_PRIVATE_KEY_FILE": f"{folder}/key",
        "ANSIBLE_REMOTE_USER": "root",
        "ANSIBLE_SSH_USETTY": "False",  # Our certificates allow no terminal.
        "ANSIBLE_SSH_ARGS": " ".join(f"-o {name}={value}" for name, value in options.items()),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_TIMEOUT": "60",
    }


def growth(costs: dict[int, Cost]) -> str:
    """Return the cost by size, and a straight line through it drawn out to the whole estate.

    Memory does not grow along a line: it is that of the whole estate without its connections.
    """
    sizes = list(costs)
    rows = [
        (
            f"{size:,}",
            f"{cost.cpu_s:.2f}",
            f"{cost.cpu_s / size * 1000:.1f}",
            f"{cost.memory_mb:.0f}",
            f"{cost.wall_s:.1f}",
        )
        for size, cost in costs.items()
    ]
    slope_s, start_s = linear_regression(sizes, [costs[size].cpu_s for size in sizes])
    estate_s = start_s + slope_s * ESTATE
    drawn = f"{estate_s / ESTATE * 1000:.1f}"
    rows.append((f"{ESTATE:,} (drawn out)", f"{estate_s:.0f}", drawn, "", ""))
    with TemporaryDirectory(prefix="wingspan-benchmark-") as folder:
        program = Path(__file__).with_name("dry_sweep.py")
        dry, _ = measured([sys.executable, program, folder, str(ESTATE)])
    each = f"{dry.cpu_s / ESTATE * 1000:.1f}"
    name = f"{ESTATE:,} that answer on paper"
    rows.append((name, f"{dry.cpu_s:.0f}", each, f"{dry.memory_mb:.0f}", f"{dry.wall_s:.1f}"))
    return aligned(("devices swept", "CPU s", "ms a device", "MB", "wall s"), rows)


def year_of_history() -> str:
    """Keep some days of sweeps of the whole estate; return what a year of them takes."""
    program = Path(__file__).with_name("history.py")
    with TemporaryDirectory(prefix="wingspan-benchmark-") as folder:
        cost, answer = measured([sys.executable, program, folder, str(ESTATE), str(DAYS)])
    row_bytes = answer["bytes"] / (ESTATE * DAYS)
    rows: Sequence[Sequence[str]] = [
        ("bytes a reading", f"{row_bytes:.1f}"),
        ("GB a year of daily sweeps", f"{row_bytes * ESTATE * 365 / 1e9:.2f}"),
        ("ms CPU to keep a reading", f"{cost.cpu_s / (ESTATE * DAYS) * 1000:.3f}"),
        ("MB of memory", f"{cost.memory_mb:.0f}"),
    ]
    return aligned((f"{ESTATE:,} devices, {DAYS} days, SQLite", ""), rows)


if __name__ == "__main__":
    main()

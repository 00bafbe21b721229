"""What a rehearsal of so many devices takes: time until all answer, CPU and memory.

    python -m benchmarks.rehearsal [--small]

Needs root. The devices' Debian is made beforehand, once for a machine, and not counted.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import WINGSPAN, aligned, growth_exponent, measured

SIZES = (50, 100, 200, 500)
SYSTEMD = 10
# Devices → seconds until all answer; and megabytes for each, the shared root not counted.
ANSWER_AIMS_S = {50: 10, 500: 40}
MEMORY_AIM_MB = 4.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one rehearsal took. `cpu_s` is of the command and of all within the lab.

    `memory_mb` is what its processes hold, shared pages in proportion, and what its files take;
    `kernel_mb` is what else the machine had less of while it was up, in which the machine's
    other work is too.
    """

    answer_s: float
    cpu_s: float
    memory_mb: float
    kernel_mb: float
    down_s: float


def main() -> None:
    """Print a table as soon as it is measured."""
    sizes = (12, 24) if "--small" in sys.argv else SIZES
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}\n")
    taken_by(devices=1)  # Makes the root where there is none.
    taken = {size: taken_by(devices=size) for size in sizes}
    print(aligned(HEADINGS, [row(str(size), size, taken[size]) for size in sizes]), flush=True)
    exponent = growth_exponent({size: each.cpu_s for size, each in taken.items()})
    print(f"CPU grows with the devices' number to the power of {exponent:.2f}\n")
    systemd = taken_by(devices=SYSTEMD, systemd=SYSTEMD)
    plain = taken_by(devices=SYSTEMD)
    rows = [row("plain", SYSTEMD, plain), row("systemd", SYSTEMD, systemd)]
    print(aligned(HEADINGS, rows))
    ratio = systemd.memory_mb / plain.memory_mb
    print(f"a device with systemd takes {ratio:.1f} times the memory of a plain one")


HEADINGS = ("devices", "all answer s", "CPU s", "MB each", "of it kernel", "down s", "aims")


def row(name: str, devices: int, taken: Taken) -> tuple[str, ...]:
    """Return a line of the table."""
    each_mb = (taken.memory_mb + taken.kernel_mb) / devices
    aims = []
    if devices in ANSWER_AIMS_S and name != "systemd":
        aims.append((taken.answer_s <= ANSWER_AIMS_S[devices], f"{ANSWER_AIMS_S[devices]} s"))
        aims.append((each_mb <= MEMORY_AIM_MB, f"{MEMORY_AIM_MB:g} MB"))
    return (
        name,
        f"{taken.answer_s:.1f}",
        f"{taken.cpu_s:.1f}",
        f"{each_mb:.1f}",
        f"{taken.kernel_mb / devices:.1f}",
        f"{taken.down_s:.1f}",
        ", ".join(f"{aim} {'met' if met else 'MISSED'}" for met, aim in aims),
    )


def taken_by(*, devices: int, systemd: int = 0) -> Taken:
    """Start a rehearsal, measure it and end it."""
    with TemporaryDirectory(prefix="wingspan-benchmark-") as folder:
        fleet = [WINGSPAN, "-C", folder, "fleet"]
        subprocess.run([*fleet, "init"], check=True, stdout=subprocess.DEVNULL)
        size = ["--devices", str(devices), "--systemd", str(systemd)]
        before_mb = available_mb()
        try:
            up, _ = measured([*fleet, "rehearse", "up", *size, "--json"])
            gone_mb = before_mb - available_mb()
            pid = json.loads((Path(folder) / "lab" / "transport.json").read_bytes())["pid"]
            cpu_s, held_mb = within(pid)
        finally:
            down, _ = measured([*fleet, "rehearse", "down", "--json"])
    return Taken(
        answer_s=up.wall_s,
        cpu_s=up.cpu_s + cpu_s,
        memory_mb=held_mb,
        kernel_mb=max(0.0, gone_mb - held_mb),
        down_s=down.wall_s,
    )


def within(pid: int) -> tuple[float, float]:
    """Return the CPU seconds of all processes of a rehearsal, and the MB that they and it hold."""
    root = Path(f"/proc/{pid}/root")
    ticks, held_kb = 0, 0
    for process in (root / "proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            rollup = (process / "smaps_rollup").read_text()
        except OSError:
            continue  # It has ended.
        ticks += sum(map(int, fields[11:15]))  # Its own, and those of children that ended.
        held_kb += sum(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:")
    files = os.statvfs(root / "mnt")
    taken_bytes = (files.f_blocks - files.f_bfree) * files.f_frsize
    return ticks / _TICKS_PER_S, (held_kb * 1024 + taken_bytes) / 1e6


def available_mb() -> float:
    """Return what memory the machine could still give."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1000


if __name__ == "__main__":
    main()

"""Two hundred updates broken off in the middle, by power cut and by SIGKILL: old or new, always.

    python -m benchmarks.interruption [--small] [--seed N]

Needs root, for the rehearsal. A hundred updates lose power, with what was not synchronised lost,
every fifth a second time while the boot finishes it. Of fifty the device's program is killed, every
third time with its guardian; of fifty the command at the centre that ordered it, alone or with the
Ansible that it started. All the while a user wants sessions. Each line has the seed that does it
again.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import aligned
from fleet.rehearsal.lab import Size, down, up
from fleet.workspace import Workspace
from tests.fleet.bundle.interruption import (
    BOTH_KILLED,
    CONTROLLER,
    KILLED,
    POWER_CUT,
    TWO_CUTS,
    Breaker,
    Broken,
)
from tests.fleet.bundle.tablets import Tablets
from tests.fleet.conftest import TestLab, new_key

RUNS = 100
# So many devices lose power or their program at a time; those that a controller is killed over
# take turns, since it carries out whatever is due.
STRUCK, ORDERED = 4, 2
BETWEEN_MIN = 60
CUTS = (TWO_CUTS, POWER_CUT, POWER_CUT, POWER_CUT, POWER_CUT)
KILLS = (KILLED, KILLED, BOTH_KILLED)


def main() -> None:
    """Print a line for each, then the counts."""
    runs = 8 if "--small" in sys.argv else RUNS
    words = sys.argv
    seed = int(words[words.index("--seed") + 1]) if "--seed" in words else int(time.time())
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}\n")
    with TemporaryDirectory(prefix="wingspan-benchmark-") as folder:
        broken = broken_off(Path(folder), runs, seed)
    rows = [
        row("power cut", [one for one in broken if one.how in CUTS]),
        row("SIGKILL of the device's program", [one for one in broken if one.how in KILLS]),
        row("SIGKILL of the controller", [one for one in broken if one.how == CONTROLLER]),
    ]
    headings = ("broken off", "updates", "between write and commit", "new", "old", "wrong")
    print("\n" + aligned([*headings], rows))
    if any(one.faults for one in broken):
        sys.exit("some ended wrong")
    cut = sum(one.between for one in broken if one.how in CUTS)
    if cut < BETWEEN_MIN * runs // RUNS:
        sys.exit(f"{cut} power cuts were between first write and commit")


def broken_off(folder: Path, runs: int, seed: int) -> list[Broken]:
    """Break updates off on a few devices at a time, half of them with packages of Debian."""
    workspace = Workspace(folder / "workspace")
    workspace.keys.mkdir(mode=0o700, parents=True)
    new_key(workspace.keys / "bootstrap")
    rehearsal, _ = up(workspace, Size(devices=STRUCK + ORDERED, prisons=1), hours=6, tell=print)
    turn = threading.Lock()
    try:
        people = folder / "people"
        people.mkdir()
        rehearsal.answering(rehearsal.layout.devices, patience_s=120)
        tablets = Tablets(TestLab(workspace, rehearsal), people)

        def of_device(number: int) -> list[Broken]:
            kind = ("generic", "debian")[number % 2]
            breaker = Breaker(tablets, tablets.devices[number], kind)
            found = []
            for one, how in schedule(runs)[number]:
                with turn if how == CONTROLLER else nullcontext():
                    found.append(breaker.run(seed + one, how))
                print(found[-1], flush=True)
            return found

        with ThreadPoolExecutor(STRUCK + ORDERED) as pool:
            return [one for found in pool.map(of_device, range(STRUCK + ORDERED)) for one in found]
    finally:
        down(workspace)


def schedule(runs: int) -> list[list[tuple[int, str]]]:
    """Return for each device its runs in their order: a number of its own for each, and how."""
    device_kills = runs // 2
    struck = [CUTS[run // STRUCK % len(CUTS)] for run in range(runs)]
    struck += [KILLS[run // STRUCK % len(KILLS)] for run in range(device_kills)]
    ordered = [CONTROLLER] * (runs - device_kills)
    shares = [list(enumerate(struck))[number::STRUCK] for number in range(STRUCK)]
    numbered = list(enumerate(ordered, start=len(struck)))
    return shares + [numbered[number::ORDERED] for number in range(ORDERED)]


def row(name: str, broken: list[Broken]) -> tuple[str, ...]:
    """Return the counts of one way to break updates off."""
    counts = (
        len(broken),
        sum(one.between for one in broken),
        sum(one.outcome == "applied" for one in broken),
        sum(one.outcome == "restored" for one in broken),
        sum(bool(one.faults) for one in broken),
    )
    return (name, *map(str, counts))


if __name__ == "__main__":
    main()

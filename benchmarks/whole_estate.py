"""Measure a plan of England and Wales with its reports, and how the cost grows with the estate.

Usage: python benchmarks/whole_estate.py, with Wingspan installed from this checkout.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import WINGSPAN, Cost, aligned, growth_exponent, measured
from benchmarks.resampling import resample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SEED = 1
RUNS = 3  # Of what is short; the median counts.

# On two cores, for the plan from nothing and again for all reports together.
AIM_S = 60.0
AIM_MB = 2000.0

REPORTS = ("site", "workbook", "geopackage")
SIZES = (10, 30, 127, 500, 1000)
# Below this size a plan is mostly start-up, and its growth says little.
LARGE = 127
CLOSE_TO_LINEAR = 1.1
COMPARED_SIZES = (127, 500)

_HERE = Path(__file__).resolve().parent


def main() -> None:
    """Print one table after the other, each as soon as it is measured."""
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}, "
        f"seed {SEED}; medians of {RUNS} runs unless said",
        flush=True,
    )
    with TemporaryDirectory(prefix="wingspan-benchmark-") as folder:
        for section in (whole_estate, growth, processes, sharing):
            print(f"\n{section(Path(folder))}", flush=True)


def whole_estate(folder: Path) -> str:
    """Measure England and Wales from no workspace to the last report, against the aims."""
    inits, plans = [], []
    for run in range(RUNS):
        workspace = folder / f"england-wales-{run}"
        inits.append(measured([WINGSPAN, "init", workspace, "--json"])[0])
        plans.append(_planned(workspace)[0])
    init, plan = Cost.median_of(inits), Cost.median_of(plans)
    reports = [
        measured([WINGSPAN, "-C", workspace, "report", name, "--json"])[0] for name in REPORTS
    ]
    from_nothing, all_reports = Cost.in_turn([init, plan]), Cost.in_turn(reports)
    rows = [
        ("init", *_printed(init), ""),
        ("estate plan", *_printed(plan), ""),
        ("from nothing to plan", *_printed(from_nothing), _verdict(from_nothing)),
        *((f"report {n}", *_printed(c), "") for n, c in zip(REPORTS, reports, strict=True)),
        ("all three reports", *_printed(all_reports), _verdict(all_reports)),
    ]
    headings = ("England and Wales", "wall s", "CPU s", "peak MB", "aim")
    return f"{aligned(headings, rows)}\n(reports: one run)"


def growth(folder: Path) -> str:
    """Measure plans of estates of several sizes, and how fast time and memory grow."""
    sizes = (1, *SIZES)
    runs: dict[int, list[Cost]] = {size: [] for size in sizes}
    answers: dict[int, dict[str, Any]] = {}
    for _ in range(RUNS):  # In turn, so that a slow moment of the machine strikes all sizes.
        for size in sizes:
            cost, answers[size] = _planned(_resampled(folder, size))
            runs[size].append(cost)
    costs = {size: Cost.median_of(runs[size]) for size in sizes}
    rows = [
        (
            f"{size:,}",
            f"{answers[size]['cells']:,}",
            *_printed(cost),
            f"{1000 * cost.wall_s / size:.1f}",
            f"{cost.memory_mb / size:.2f}",
        )
        for size, cost in costs.items()
    ]
    headings = ("prisons", "cells", "wall s", "CPU s", "peak MB", "ms a prison", "MB a prison")
    return "\n".join((aligned(headings, rows), *_growth_lines(costs)))


def processes(folder: Path) -> str:
    """Measure one process against two, and against a Dask cluster of two, for the same plan.

    Raises
    ------
    RuntimeError
        When they do not all make the same plan.
    """
    rows: list[tuple[str, str, str]] = []
    with _cluster() as scheduler:
        ways = {
            "--jobs 1": ("--jobs", "1"),
            "--jobs 2": ("--jobs", "2"),
            "--scheduler (Dask, 2 processes)": ("--scheduler", scheduler),
        }
        for size in COMPARED_SIZES:
            wall_s = _compared(_resampled(folder, size), ways)
            rows += [
                (f"{size} prisons, {way}", f"{each_s:.1f}", f"{each_s / wall_s['--jobs 1']:.2f}")
                for way, each_s in wall_s.items()
            ]
    table = aligned(("estate plan, start to finish", "wall s", "ratio to one process"), rows)
    return f"{table}\nAll runs of one size made the same plan_id."


def sharing(folder: Path) -> str:
    """Measure designing each shape of wing once against designing every wing by itself."""
    workspace = folder / "england-wales-sharing"
    measured([WINGSPAN, "init", workspace, "--json"])
    _planned(workspace)
    _, found = measured([sys.executable, _HERE / "sharing.py", workspace])
    rows = [
        ("each shape once", f"{found['shapes']:,}", f"{found['once_s']:.2f}", "1.00"),
        (
            "every wing by itself",
            f"{found['wings']:,}",
            f"{found['each_s']:.2f}",
            f"{found['each_s'] / found['once_s']:.2f}",
        ),
    ]
    headings = ("England and Wales, designing", "designs", "wall s", "ratio")
    return f"{aligned(headings, rows)}\nEvery wing comes out as its shape does."


def _growth_lines(costs: Mapping[int, Cost]) -> Iterator[str]:
    """Yield the exponents of growth, with the start-up and without it."""
    yield (
        f"Exponent of growth, {SIZES[0]} to {SIZES[-1]:,} prisons, start-up included: "
        f"CPU {growth_exponent({n: costs[n].cpu_s for n in SIZES}):.2f}, "
        f"memory {growth_exponent({n: costs[n].memory_mb for n in SIZES}):.2f}."
    )
    large = [size for size in SIZES if size >= LARGE]
    cpu = growth_exponent({n: costs[n].cpu_s - costs[1].cpu_s for n in large})
    memory = growth_exponent({n: costs[n].memory_mb - costs[1].memory_mb for n in large})
    verdict = "met" if max(cpu, memory) <= CLOSE_TO_LINEAR else "MISSED"
    yield (
        f"From {LARGE} prisons on, above what a plan of one takes: CPU {cpu:.2f}, "
        f"memory {memory:.2f}; at most {CLOSE_TO_LINEAR} is close to linear: {verdict}."
    )


def _compared(workspace: Path, ways: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """Return how many seconds a plan takes in each way.

    Raises
    ------
    RuntimeError
        When the plans differ.
    """
    costs: dict[str, list[Cost]] = {way: [] for way in ways}
    plan_ids = set()
    for _ in range(RUNS):
        for way, options in ways.items():
            cost, answer = _planned(workspace, *options)
            costs[way].append(cost)
            plan_ids.add(answer["plan_id"])
    if len(plan_ids) > 1:
        raise RuntimeError(f"{workspace.name} has several plans: {sorted(plan_ids)}")
    return {way: Cost.median_of(each).wall_s for way, each in costs.items()}


def _planned(workspace: Path, *options: str) -> tuple[Cost, dict[str, Any]]:
    return measured([WINGSPAN, "-C", workspace, "estate", "plan", "--json", *options])


def _resampled(folder: Path, prisons: int) -> Path:
    """Return a workspace of that many prisons; it is made once."""
    workspace = folder / f"resampled-{prisons}"
    if not workspace.exists():
        measured([WINGSPAN, "init", workspace, "--json"])
        resample(workspace / "inputs", prisons=prisons, seed=SEED)
    return workspace


@contextmanager
def _cluster() -> Iterator[str]:
    """Run a Dask cluster in a process of its own, and yield the address of its scheduler."""
    command: list[str | Path] = [sys.executable, _HERE / "cluster.py"]
    # On leaving, Popen closes stdin, which ends the cluster, and waits for that.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        address = process.stdout.readline().strip() if process.stdout else ""
        if not address:
            raise RuntimeError("the Dask cluster did not start")
        yield address


def _printed(cost: Cost) -> tuple[str, str, str]:
    return f"{cost.wall_s:.1f}", f"{cost.cpu_s:.1f}", f"{cost.memory_mb:,.0f}"


def _verdict(cost: Cost) -> str:
    met = cost.wall_s <= AIM_S and cost.memory_mb <= AIM_MB
    return f"{AIM_S:.0f} s, {AIM_MB:,.0f} MB: {'met' if met else 'MISSED'}"


if __name__ == "__main__":
    main()

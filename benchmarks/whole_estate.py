"""Measure a plan of England and Wales from an empty cache, again, with a survey, and its reports.

Usage: python benchmarks/whole_estate.py, with Wingspan installed from this checkout.
"""

from __future__ import annotations

import json
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

# On two cores: a plan from an empty cache of designs; one whose designs are kept, and all reports.
FIRST_AIM_S = 600.0
AIM_S = 60.0
AIM_MB = 2000.0
JOBS = "2"
SURVEYED = "EYI"

REPORTS = ("site", "workbook", "geopackage")
SIZES = (10, 30, 127, 500, 1000)
# Below this size a plan is mostly start-up, and its growth says little.
LARGE = 127
CLOSE_TO_LINEAR = 1.1

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
        for section in (whole_estate, growth, processes):
            print(f"\n{section(Path(folder))}", flush=True)


def whole_estate(folder: Path) -> str:
    """Measure England and Wales from no workspace to the last report, against the aims."""
    workspace = folder / "england-wales"
    init, _ = measured([WINGSPAN, "init", workspace, "--json"])
    first, answer = _planned(folder, workspace, "--jobs", JOBS)
    shapes = _kept(folder)
    again = Cost.median_of(_planned(folder, workspace)[0] for _ in range(RUNS))
    _survey(folder, workspace)
    surveyed, _ = _planned(folder, workspace, "--jobs", JOBS)
    new = _kept(folder) - shapes
    reports = [
        measured([WINGSPAN, "-C", workspace, "report", name, "--json"])[0] for name in REPORTS
    ]
    all_reports = Cost.in_turn(reports)
    rows = [
        ("init", *_printed(init), ""),
        (f"plan, {shapes} designs", *_printed(first), _verdict(first, FIRST_AIM_S)),
        ("plan again", *_printed(again), _verdict(again, AIM_S)),
        (f"{SURVEYED} surveyed, {new} designs", *_printed(surveyed), _verdict(surveyed, AIM_S)),
        *((f"report {n}", *_printed(c), "") for n, c in zip(REPORTS, reports, strict=True)),
        ("all three reports", *_printed(all_reports), _verdict(all_reports, AIM_S)),
    ]
    headings = (f"England and Wales, --jobs {JOBS}", "wall s", "CPU s", "peak MB", "aim")
    return f"{aligned(headings, rows)}\n(one run, the median of {RUNS} again)\n{_proven(answer)}"


def _proven(answer: Mapping[str, Any]) -> str:
    """Return how far from the best possible the designs of the prisons may be."""
    plan = json.loads(Path(answer["files"]["plan"]).read_text(encoding="utf-8"))
    gaps = sorted(
        (site["design"]["gap"], site["prison"]["prison_id"])
        for site in plan["establishments"]
        if site["wings"]
    )
    worst = ", ".join(f"{name} {gap:.1%}" for gap, name in gaps[:-6:-1])
    design = answer["design"]
    saved = 1 - design["cost_gbp"] / design["by_rule_gbp"]
    return (
        f"Proven within {design['gap']:.2%} of the best as a whole; by prison on average "
        f"{sum(gap for gap, _ in gaps) / len(gaps):.2%}, the worst {worst}; "
        f"{saved:.1%} below the first rules."
    )


def _survey(folder: Path, workspace: Path) -> None:
    """Import an untouched draft of one prison."""
    draft = folder / "draft.gpkg"
    survey = [WINGSPAN, "-C", workspace, "estate", "survey", SURVEYED, "--out", draft, "--json"]
    measured(survey)
    measured([WINGSPAN, "-C", workspace, "estate", "import", "survey", draft, "--json"])


def _kept(folder: Path) -> int:
    return sum(1 for _ in (folder / "designs").glob("*.json"))


def growth(folder: Path) -> str:
    """Measure plans of estates of several sizes, their designs kept, and how fast they grow."""
    sizes = (1, *SIZES)
    runs: dict[int, list[Cost]] = {size: [] for size in sizes}
    answers: dict[int, dict[str, Any]] = {}
    for _ in range(RUNS):  # In turn, so that a slow moment of the machine strikes all sizes.
        for size in sizes:
            cost, answers[size] = _planned(folder, _resampled(folder, size))
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
    workspace = folder / "example"
    measured([WINGSPAN, "init", workspace, "--from", "example", "--json"])
    with _cluster() as scheduler:
        ways = {
            "--jobs 1": ("--jobs", "1"),
            "--jobs 2": ("--jobs", "2"),
            "--scheduler (Dask, 2 processes)": ("--scheduler", scheduler),
        }
        wall_s = _compared(folder, workspace, ways)
    rows = [
        (way, f"{each_s:.1f}", f"{each_s / wall_s['--jobs 1']:.2f}")
        for way, each_s in wall_s.items()
    ]
    table = aligned(("six prisons, nothing kept", "wall s", "ratio to one process"), rows)
    return f"{table}\nAll made the same plan_id."


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


def _compared(
    folder: Path, workspace: Path, ways: Mapping[str, tuple[str, ...]]
) -> dict[str, float]:
    """Return how many seconds a plan takes in each way, each from an empty cache.

    Raises
    ------
    RuntimeError
        When the plans differ.
    """
    wall_s, plan_ids = {}, set()
    for way, options in ways.items():
        with TemporaryDirectory(dir=folder) as empty:
            cost, answer = _planned(Path(empty), workspace, *options)
        wall_s[way] = cost.wall_s
        plan_ids.add(answer["plan_id"])
    if len(plan_ids) > 1:
        raise RuntimeError(f"{workspace.name} has several plans: {sorted(plan_ids)}")
    return wall_s


def _planned(folder: Path, workspace: Path, *options: str) -> tuple[Cost, dict[str, Any]]:
    """Plan with the designs that a folder keeps."""
    command = [WINGSPAN, "-C", workspace, "estate", "plan", "--json", *options]
    return measured(command, {"WINGSPAN_DESIGN_CACHE": str(folder / "designs")})


def _resampled(folder: Path, prisons: int) -> Path:
    """Return a workspace of that many prisons, their wings those of the real ones; made once."""
    workspace = folder / f"resampled-{prisons}"
    if not workspace.exists():
        measured([WINGSPAN, "init", workspace, "--json"])
        resample(workspace / "inputs", prisons=prisons, seed=SEED, jitter=0)
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


def _verdict(cost: Cost, aim_s: float) -> str:
    met = cost.wall_s <= aim_s and cost.memory_mb <= AIM_MB
    return f"{aim_s:.0f} s, {AIM_MB:,.0f} MB: {'met' if met else 'MISSED'}"


if __name__ == "__main__":
    main()

"""What a command takes, as its own process; and how to print that.

The module imports nothing heavy, and no more may the script that measures with it: Linux counts
the memory of the process that starts a command into the command's own peak.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median
from tempfile import TemporaryFile
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WINGSPAN = Path(sys.executable).with_name("wingspan")

# ru_maxrss is in KiB, but in bytes on macOS.
_PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a command took: wall clock, processor time, peak memory (1 MB = 1,000,000 bytes).

    Processor time adds up the processes that the command started and waited for; memory is
    that of the largest single one.
    """

    wall_s: float
    cpu_s: float
    memory_mb: float

    @classmethod
    def in_turn(cls, costs: Iterable[Cost]) -> Cost:
        """Return the cost of commands run one after the other: times add up, memory does not."""
        each = list(costs)
        return cls(
            wall_s=sum(cost.wall_s for cost in each),
            cpu_s=sum(cost.cpu_s for cost in each),
            memory_mb=max(cost.memory_mb for cost in each),
        )

    @classmethod
    def median_of(cls, costs: Iterable[Cost]) -> Cost:
        """Return the median of several runs of one command, number by number."""
        each = list(costs)
        return cls(
            wall_s=median(cost.wall_s for cost in each),
            cpu_s=median(cost.cpu_s for cost in each),
            memory_mb=median(cost.memory_mb for cost in each),
        )


def measured(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> tuple[Cost, dict[str, Any]]:
    """Run a command that answers in JSON; return its cost and its answer.

    Raises
    ------
    RuntimeError
        When the command fails; it holds what the command said.
    """
    cost, text = run(command, environment)
    found: dict[str, Any] = json.loads(text)
    return cost, found


def run(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> tuple[Cost, str]:
    """Run a command, with further variables in its environment; return its cost and its output.

    Settings of ours in the environment are kept from it, and what keeps Python from writing
    bytecode, so that every machine measures the same: a program as it is installed.

    Raises
    ------
    RuntimeError
        When the command fails; it holds what the command said.
    """
    kept_from_it = ("WINGSPAN_", "PYTHONDONTWRITEBYTECODE")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(kept_from_it)}
    with TemporaryFile("w+") as answer, TemporaryFile("w+") as complaint:
        start_s = perf_counter()
        process = subprocess.Popen(
            command, stdout=answer, stderr=complaint, env=inherited | dict(environment or {})
        )
        # Unlike subprocess, wait4 tells what this one child has used.
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = perf_counter() - start_s
        process.returncode = os.waitstatus_to_exitcode(status)
        answer.seek(0)
        complaint.seek(0)
        if process.returncode:
            words = " ".join(map(str, command))
            raise RuntimeError(
                f"{words} ended with {process.returncode}:\n{complaint.read() or answer.read()}"
            )
        cost = Cost(
            wall_s=wall_s,
            cpu_s=usage.ru_utime + usage.ru_stime,
            memory_mb=usage.ru_maxrss * _PEAK_UNIT_BYTES / 1e6,
        )
        return cost, answer.read()


def growth_exponent(measures: Mapping[int, float]) -> float:
    """Return the slope of a measure over size on logarithmic scales: 1 is linear growth."""
    slope, _ = linear_regression(
        [math.log(size) for size in measures],
        [math.log(measure) for measure in measures.values()],
    )
    return slope


def aligned(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in plain text: the first column to the left, numbers to the right."""
    lines = [tuple(headings), *map(tuple, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if index else text.ljust(width)
            for index, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )

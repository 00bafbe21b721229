"""How often the diagnosis of silence is right, on prisons whose faults are known.

    python benchmarks/diagnosis.py [SEED]

Prints the share of top causes that are real, precision and recall over all faults, how often
random silence alone is taken for a fault, and, where things fail as often as is assumed, whether
a confidence of 70 % is right seven times in ten.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.fault_instances import Instance, instance, rare_instance
from fleet.diagnosis import Cause, diagnose

PRISONS = 300
RARE = 1500
_BANDS = ((0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 0.99), (0.99, 1.01))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What the causes found in some prisons are worth; shares of 1."""

    top_real: float
    precision: float
    recall: float


def is_real(cause: Cause, case: Instance) -> bool:
    """Return whether a cause has failed, or is one that nothing tells from what has."""
    return case.alike[cause.element] in {case.alike[name] for name in case.faults}


def score(cases: list[Instance]) -> Score:
    """Return how the diagnosis does over all the prisons together."""
    tops = found = real = faults = 0
    for case in cases:
        causes = diagnose(case.sightings, case.topology).causes
        hits = {case.alike[cause.element] for cause in causes if is_real(cause, case)}
        tops += bool(causes) and is_real(causes[0], case)
        found += len(causes)
        real += len(hits)
        faults += len(case.faults)
    return Score(
        top_real=tops / len(cases),
        precision=real / found,
        recall=real / faults,
    )


def false_alarms(cases: list[Instance]) -> float:
    """Return the share of prisons without a fault in which one is seen."""
    return sum(bool(diagnose(c.sightings, c.topology).causes) for c in cases) / len(cases)


def calibration(cases: list[Instance]) -> list[tuple[float, float, int, float, float]]:
    """Return, for each band of confidence, how many causes have it, its mean, and what is real."""
    named = []
    for case in cases:
        found = diagnose(case.sightings, case.topology)
        named += [(c.confidence, is_real(c, case)) for c in (*found.causes, *found.suspected)]
    rows = []
    for low, high in _BANDS:
        within = [(confidence, real) for confidence, real in named if low <= confidence < high]
        if within:
            mean = sum(confidence for confidence, _ in within) / len(within)
            rows.append((low, high, len(within), mean, sum(r for _, r in within) / len(within)))
    return rows


def main() -> None:
    """Print the tables."""
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    seeds = range(first, first + PRISONS)
    started = process_time()
    result = score([instance(seed) for seed in seeds])
    print(f"{PRISONS} prisons, 1-5 faults of 5 devices or more, 5 % silent at random, seed {first}")
    print(f"  top cause real   {result.top_real:7.1%}  (aim 95 %)")
    print(f"  precision        {result.precision:7.1%}  (aim 95 %)")
    print(f"  recall           {result.recall:7.1%}  (aim 85 %)")
    alarms = false_alarms([instance(seed, faults=0) for seed in seeds])
    print(f"random silence only, a cause seen in {alarms:.1%} of prisons (aim 2 % at most)")
    print(f"{RARE} prisons with faults as rare as assumed, of any size:")
    print("  confidence  causes  mean confidence  really failed")
    rare = [rare_instance(seed) for seed in range(first, first + RARE)]
    for low, high, count, mean, real in calibration(rare):
        print(f"  {low:4.2f}-{min(high, 1):4.2f}   {count:6d}  {mean:15.1%}  {real:13.1%}")
    print(f"{process_time() - started:.1f} s of CPU")


if __name__ == "__main__":
    main()

"""Measure how far from the best possible the designs of thirty generated prisons may be.

Usage: python benchmarks/designs.py [--seed N] [--prisons N] [--jobs N] [--list]. Other seeds draw
other prisons. Each is planned alone, as `wingspan estate plan` does it: containment, distributors,
access points and technology in one objective, wings that are built alike once, the largest first.
"""

from __future__ import annotations

import argparse
import os
import platform
from dataclasses import dataclass
from statistics import mean
from time import monotonic, process_time
from typing import TYPE_CHECKING

from benchmarks.generated_prisons import GeneratedPrison, WingKind, generated
from estate.cabling.cache import design_catalogue
from estate.catalogue import Catalogue
from estate.design import design_wing
from estate.parallel import Workers, mapped
from estate.plan import Proof
from estate.sources.catalogue import read_assumptions, read_rates
from estate.workspace import SHIPPED, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estate.cabling.values import WingDesign

PRISONS, SEED = 30, 1

# What is aimed at: shares of the cost, and seconds for each prison.
GAP_MEAN, GAP_WORST, PRISON_S = 0.015, 0.04, 120.0

_ROW = "{:<9}{:>7}{:>6}{:>7}{:>12}{:>12}{:>8}  {:<9}{:>7}{:>7}  {}"
_HEADINGS = (
    "prison",
    "places",
    "wings",
    "cells",
    "cost GBP",
    "bound GBP",
    "gap",
    "stopped",
    "s",
    "CPU s",
    "wings: landings from the lowest up, spurs of each",
)


@dataclass(frozen=True)
class Measured:
    """The proof of a prison's designs, how long it waited for them, and the CPU time of them."""

    proof: Proof
    waited_s: float
    cpu_s: float


def main() -> None:
    """Print a row for each prison as soon as it is designed, then the verdict."""
    options = _options()
    prisons = generated(options.prisons, seed=options.seed)
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}; "
        f"{len(prisons)} generated prisons, seed {options.seed}",
        flush=True,
    )
    if options.list:
        for prison in prisons:
            wings = "; ".join(map(str, prison.wings))
            print(f"{prison.name}: {prison.places} places, {prison.typology}: {wings}")
        return
    print(_ROW.format(*_HEADINGS), flush=True)
    catalogue, workers = shipped_catalogue(), Workers(jobs=options.jobs)
    measured = []
    for prison in prisons:
        measured.append(_measured(prison, catalogue, workers))
        print(_row(prison, measured[-1]), flush=True)
    print(_verdict(measured))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, other prisons")
    parser.add_argument("--prisons", type=int, default=PRISONS, help="how many, 5 at least")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--list", action="store_true", help="say what is drawn, and stop")
    return parser.parse_args()


def _measured(prison: GeneratedPrison, catalogue: Catalogue, workers: Workers) -> Measured:
    kinds = sorted(prison.wings, key=lambda kind: -kind.shape.cells)
    start_s = monotonic()
    found = mapped(_designed, [(kind, catalogue) for kind in kinds], workers)
    waited_s = monotonic() - start_s
    return Measured(
        # Wings that are built alike have one design.
        proof=Proof.of(
            design
            for kind, (design, _) in zip(kinds, found, strict=True)
            for _ in range(kind.count)
        ),
        waited_s=waited_s,
        cpu_s=sum(cpu_s for _, cpu_s in found),
    )


def _designed(kind: WingKind, catalogue: Catalogue) -> tuple[WingDesign, float]:
    """Return the design of a kind of wing, and the CPU time that it took."""
    start_s = process_time()
    design = design_wing(kind.shape, catalogue, kind.network)
    return design, process_time() - start_s


def shipped_catalogue() -> Catalogue:
    """Return the shipped rates and assumptions over the usual years."""
    return design_catalogue(
        Catalogue(
            rates=read_rates(SHIPPED["rates.csv"]),
            assumptions=read_assumptions(SHIPPED["assumptions.csv"]),
            appraisal_years=Settings().appraisal_years,
        )
    )


def _row(prison: GeneratedPrison, measured: Measured) -> str:
    proof = measured.proof
    return _ROW.format(
        prison.name,
        f"{prison.places:,}",
        sum(kind.count for kind in prison.wings),
        f"{prison.cells:,}",
        f"{proof.cost_gbp:,.0f}",
        f"{proof.bound_gbp:,.0f}",
        f"{proof.gap:.2%}",
        proof.stopped_by,
        f"{measured.waited_s:.1f}",
        f"{measured.cpu_s:.1f}",
        "; ".join(map(str, prison.wings)),
    )


def _verdict(measured: Sequence[Measured]) -> str:
    gaps = [each.proof.gap for each in measured]
    longest_s = max(each.waited_s for each in measured)
    most_cpu_s = max(each.cpu_s for each in measured)

    def verdict(*, met: bool) -> str:
        return "met" if met else "MISSED"

    return (
        f"Mean gap {mean(gaps):.2%} (aim {GAP_MEAN:.1%}: {verdict(met=mean(gaps) <= GAP_MEAN)}), "
        f"worst {max(gaps):.2%} (aim {GAP_WORST:.0%}: {verdict(met=max(gaps) <= GAP_WORST)}), "
        f"at most {longest_s:.0f} s a prison (aim {PRISON_S:.0f}: "
        f"{verdict(met=longest_s <= PRISON_S)}), of all cores {most_cpu_s:.0f} CPU s"
    )


if __name__ == "__main__":
    main()

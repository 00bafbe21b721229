"""Measure how far from the best possible the designs of thirty generated prisons may be.

Usage: python benchmarks/designs.py [--seed N] [--prisons N] [--jobs N] [--list]. Other seeds draw
other prisons. Each is planned with containment, distributors, access points and technology in
one objective; wings that are built alike are designed once. CPU time is that of its designs.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections import defaultdict
from dataclasses import dataclass
from statistics import mean
from time import process_time
from typing import TYPE_CHECKING

from benchmarks.generated_prisons import GeneratedPrison, WingKind, generated
from estate.cabling.cache import design_catalogue
from estate.cabling.values import WingDesign
from estate.catalogue import Catalogue
from estate.design import design_wing
from estate.parallel import Workers, mapped
from estate.plan import Proof
from estate.sources.catalogue import read_assumptions, read_rates
from estate.workspace import SHIPPED, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

PRISONS, SEED = 30, 1

# What is aimed at: shares of the cost, and seconds for each prison.
GAP_MEAN, GAP_WORST, PRISON_S = 0.015, 0.04, 120.0

_ROW = "{:<9}{:>7}{:>6}{:>7}{:>12}{:>12}{:>8}  {:<9}{:>7}  {}"
_HEADINGS = (
    "prison",
    "places",
    "wings",
    "cells",
    "cost GBP",
    "bound GBP",
    "gap",
    "stopped",
    "CPU s",
    "wings: landings from the lowest up, spurs of each",
)


@dataclass(frozen=True)
class Designed:
    """The design of one kind of wing, and the CPU time that it took."""

    design: WingDesign
    cpu_s: float


def main() -> None:
    """Print a row for each prison as soon as all its wings are designed, then the verdict."""
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
    measured = _measured(prisons, Workers(jobs=options.jobs))
    print(_verdict(measured))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, other prisons")
    parser.add_argument("--prisons", type=int, default=PRISONS, help="how many, 5 at least")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--list", action="store_true", help="say what is drawn, and stop")
    return parser.parse_args()


def _measured(prisons: Sequence[GeneratedPrison], workers: Workers) -> list[tuple[Proof, float]]:
    """Return the proof of each prison and its CPU time, in the order in which they are done."""
    catalogue = shipped_catalogue()
    work = [(prison, kind) for prison in prisons for kind in prison.wings]
    found: defaultdict[str, dict[int, Designed]] = defaultdict(dict)
    measured = []

    def done(place: int, designed: Designed) -> None:
        prison, _ = work[place]
        found[prison.name][place] = designed
        if len(found[prison.name]) == len(prison.wings):
            each = [found[prison.name][place] for place in sorted(found[prison.name])]
            proof = _proof(prison, each)
            cpu_s = sum(designed.cpu_s for designed in each)
            measured.append((proof, cpu_s))
            print(_row(prison, proof, cpu_s), flush=True)

    mapped(_designed, [(kind, catalogue) for _, kind in work], workers, done)
    return measured


def _designed(kind: WingKind, catalogue: Catalogue) -> Designed:
    start_s = process_time()
    design = design_wing(kind.shape, catalogue, kind.network)
    return Designed(design=design, cpu_s=process_time() - start_s)


def shipped_catalogue() -> Catalogue:
    """Return the shipped rates and assumptions over the usual years."""
    return design_catalogue(
        Catalogue(
            rates=read_rates(SHIPPED["rates.csv"]),
            assumptions=read_assumptions(SHIPPED["assumptions.csv"]),
            appraisal_years=Settings().appraisal_years,
        )
    )


def _proof(prison: GeneratedPrison, designed: Sequence[Designed]) -> Proof:
    """Return the proof of all wings: those that are built alike have one design."""
    return Proof.of(
        each.design
        for kind, each in zip(prison.wings, designed, strict=True)
        for _ in range(kind.count)
    )


def _row(prison: GeneratedPrison, proof: Proof, cpu_s: float) -> str:
    return _ROW.format(
        prison.name,
        f"{prison.places:,}",
        sum(kind.count for kind in prison.wings),
        f"{prison.cells:,}",
        f"{proof.cost_gbp:,.0f}",
        f"{proof.bound_gbp:,.0f}",
        f"{proof.gap:.2%}",
        proof.stopped_by,
        f"{cpu_s:.1f}",
        "; ".join(map(str, prison.wings)),
    )


def _verdict(measured: Sequence[tuple[Proof, float]]) -> str:
    gaps = [proof.gap for proof, _ in measured]
    longest_s = max(cpu_s for _, cpu_s in measured)

    def verdict(*, met: bool) -> str:
        return "met" if met else "MISSED"

    return (
        f"Mean gap {mean(gaps):.2%} (aim {GAP_MEAN:.1%}: {verdict(met=mean(gaps) <= GAP_MEAN)}), "
        f"worst {max(gaps):.2%} (aim {GAP_WORST:.0%}: {verdict(met=max(gaps) <= GAP_WORST)}), "
        f"at most {longest_s:.0f} CPU s a prison (aim {PRISON_S:.0f}: "
        f"{verdict(met=longest_s <= PRISON_S)})"
    )


if __name__ == "__main__":
    main()

"""Measure what the design of a large wing takes before its search, part by part.

Usage: python benchmarks/set_up.py [--seed N]. The wings are those of the largest generated
prisons. A design in turn is only the start of the search; where access points cannot pay, a whole
design does without the radio and takes less than its parts here.
"""

from __future__ import annotations

import argparse
import os
import platform
from time import process_time
from typing import TYPE_CHECKING

from benchmarks.designs import shipped_catalogue
from benchmarks.generated_prisons import generated
from benchmarks.measuring import aligned
from estate.cabling.joint import Joint
from estate.cabling.solving import design_in_turn
from estate.cabling.wing import WingProblem
from estate.design import design_wing
from estate.radio.candidates import candidates_of
from estate.radio.serving import reach_of
from estate.typology import read_typologies

if TYPE_CHECKING:
    from benchmarks.generated_prisons import WingKind
    from estate.catalogue import Catalogue

PRISONS, SEED = 30, 1
LARGEST = 3  # Prisons of which the wing with the most cells is measured.

_HEADINGS = ("wing", "cells", "places", "radio s", "in turn s", "design s", "parts of it")


def main() -> None:
    """Print a row for the largest wing of each of the largest prisons, in CPU seconds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, other prisons")
    seed = parser.parse_args().seed
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}, seed {seed}"
    )
    catalogue = shipped_catalogue()
    rows = [
        (prison.name, *_parts(max(prison.wings, key=lambda kind: kind.shape.cells), catalogue))
        for prison in generated(PRISONS, seed=seed)[:LARGEST]
    ]
    print(aligned(_HEADINGS, rows))


def _parts(kind: WingKind, catalogue: Catalogue) -> tuple[str, ...]:
    """Return cells, places, and the seconds of radio, of a design in turn and of a whole design."""
    wing = WingProblem.of(kind.network, catalogue)
    height_m = catalogue.assumptions["radio_access_point_height_m"].likely
    places = candidates_of(kind.network, height_m=height_m)
    begun_s = process_time()
    reach = reach_of(
        kind.network,
        places,
        storey_height_m=read_typologies()[kind.shape.typology].storey_height_m,
        assumptions=catalogue.assumptions,
    )
    traced_s = process_time()
    design_in_turn(Joint.of(wing, places, reach), seed=SEED)
    turned_s = process_time()
    design_wing(kind.shape, catalogue, kind.network)
    design_s = process_time() - turned_s
    return (
        f"{kind.shape.cells}",
        f"{len(places)}",
        f"{traced_s - begun_s:.1f}",
        f"{turned_s - traced_s:.1f}",
        f"{design_s:.1f}",
        f"{(turned_s - begun_s) / design_s:.2f}",
    )


if __name__ == "__main__":
    main()

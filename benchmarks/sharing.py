"""What it saves to design wings of one shape once: the plan of a workspace, as JSON.

Usage: python benchmarks/sharing.py WORKSPACE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from estate.catalogue import Assumptions, Catalogue
from estate.design import design_wing
from estate.plan import read_plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estate.model import WingShape

_RUNS = 3


def main(workspace: Path) -> None:
    """Design each shape once, and each wing by itself; print how long either takes.

    Raises
    ------
    RuntimeError
        When a wing designed by itself differs from the design that the plan shares.
    """
    plan = read_plan(workspace / "out" / "plan.json")
    catalogue = Catalogue(
        rates={rate.item: rate for rate in plan.rates},
        assumptions=Assumptions({a.key: a for a in plan.assumptions}),
        appraisal_years=plan.appraisal_years,
    )
    wings = [wing_plan for site in plan.establishments for wing_plan in site.wings]
    shapes = {wing_plan.design: wing_plan.wing.shape for wing_plan in wings}
    for wing_plan in wings:  # Warms the caches of the rules too.
        if design_wing(wing_plan.wing.shape, catalogue) != plan.designs[wing_plan.design]:
            raise RuntimeError(f"{wing_plan.wing.key} is not designed as its shape is")
    once_s, each_s = [], []
    for _ in range(_RUNS):  # In turn, so that a slow moment of the machine strikes both.
        once_s.append(_seconds(shapes.values(), catalogue))
        each_s.append(_seconds((wing_plan.wing.shape for wing_plan in wings), catalogue))
    answer = {
        "wings": len(wings),
        "shapes": len(shapes),
        "once_s": median(once_s),
        "each_s": median(each_s),
    }
    print(json.dumps(answer))


def _seconds(shapes: Iterable[WingShape], catalogue: Catalogue) -> float:
    start_s = perf_counter()
    for shape in shapes:
        design_wing(shape, catalogue)
    return perf_counter() - start_s


if __name__ == "__main__":
    main(Path(sys.argv[1]))

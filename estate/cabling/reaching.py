"""How many access points a landing may take when its radio turns out better or worse."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from estate.cabling.options import WIRELESS, Option
from estate.cabling.points import heard_best
from estate.estimate import Estimate
from estate.optimise import capacitated_cover

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estate.cabling.solution import Solution
    from estate.radio.candidates import Candidate
    from estate.radio.serving import Reach

_EFFORT = 0.01
_SECONDS = 60.0


def access_points_in_all(
    solution: Solution, candidates: Sequence[Candidate], reach: Reach
) -> Estimate | None:
    """Return the access points of a wing: best, as designed, and worst; None for none.

    For the best and the worst case the wireless landings are covered anew with as few access
    points as their places allow. A cell that none of them reaches in the worst case takes one of
    its own. `candidates` and `reach` are of that wing, of one or several that are one problem.
    """
    wing = solution.joint.wing
    points = [solution.joint.points[link.point] for link in solution.links]
    places = set(reach.candidates)
    built = sum(1 for point in points if point.option in WIRELESS and point.name in places)
    if not built:
        return None
    columns = {space: column for column, space in enumerate(reach.cells)}
    counts = {"best": 0, "worst": 0}
    for option, kind in (
        (Option.CELL_ACCESS_POINTS, "cell"),
        (Option.LANDING_ACCESS_POINTS, "landing"),
    ):
        cells = [
            columns[cell.space_id]
            for cell, family in zip(wing.cells, wing.families, strict=True)
            if solution.options[family] == option and cell.space_id in columns
        ]
        rows = [row for row, candidate in enumerate(candidates) if candidate.kind == kind]
        if cells:
            for case in counts:
                counts[case] += _fewest(reach.loads[case][rows][:, cells])
    return Estimate(min(counts["best"], built), built, max(counts["worst"], built))


def _fewest(loads: csr_array) -> int:
    """Return the fewest rows that serve all columns, and one more for each that none serves."""
    heard = [
        heard_best(dict(zip(loads.indices[start:end].tolist(), loads.data[start:end], strict=True)))
        for start, end in pairwise(loads.indptr.tolist())
    ]
    served = sorted({cell for cells in heard for cell in cells})
    left = int(loads.shape[1]) - len(served)
    if not served:
        return left
    table = np.array([[cell in cells for cell in served] for cells in heard if cells], dtype=float)
    cover = capacitated_cover(
        np.ones(len(table)), csr_array(table), effort=_EFFORT, seconds=_SECONDS
    )
    return left + len(cover.chosen)

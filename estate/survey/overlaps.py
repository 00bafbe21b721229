"""Cells that are drawn over one another, and landings that are drawn over cells."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import shapely

from estate.sources.survey import GEOMETRY
from estate.survey.wings import CELL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.errors import Problem
    from estate.sources.survey import Feature, Survey

CELL_AREA_M2 = (2.0, 250.0)  # A dormitory is the largest; in millimetres a cell has 8,000,000.

# Clear outlines do not overlap at all, and in drafts of every typology none do. One drawn to the
# middle of its walls lies over a neighbour's by a few hundredths.
_OVERLAP_MAX = 0.1
_LANDING = "landing"


def placed_cells(survey: Survey) -> dict[int, list[Feature]]:
    """Return the cells of each floor, less those of which outline or floor is at fault.

    Those are reported already, and nothing else is to be said of them because of it.
    """
    floors: defaultdict[int, list[Feature]] = defaultdict(list)
    low, high = CELL_AREA_M2
    for cell in _sound(survey, CELL):
        if low <= cell.geometry.area <= high:
            floors[cell.floor].append(cell)
    return dict(sorted(floors.items()))


def overlap_problems(survey: Survey) -> Iterator[Problem]:
    """Yield each cell that another cell, or a landing, of its floor is drawn over."""
    landings = _sound(survey, _LANDING)
    for floor, cells in placed_cells(survey).items():
        others = [*cells, *(landing for landing in landings if landing.floor == floor)]
        outlines = np.array([other.geometry for other in others])
        areas_m2 = shapely.area(outlines)
        pairs = shapely.STRtree(outlines).query(outlines[: len(cells)], predicate="intersects")
        one, other = pairs[:, pairs[0] < pairs[1]]
        common_m2 = shapely.area(shapely.intersection(outlines[one], outlines[other]))
        smaller_m2 = np.minimum(areas_m2[one], areas_m2[other])
        for pair in np.flatnonzero(common_m2 > _OVERLAP_MAX * smaller_m2):
            cell, over = others[int(one[pair])], others[int(other[pair])]
            name = over.name or f"fid {over.number}"
            kind = "the cell" if other[pair] < len(cells) else "the landing"
            what = f"{kind} {name} is drawn over {common_m2[pair]:.1f} m2 of it"
            yield cell.problem(what, "correct the outline of either, or its floor")


def _sound(survey: Survey, kind: str) -> list[Feature]:
    return [
        space
        for space in survey.layers["spaces"]
        if space.text("kind") == kind and space.faulty.isdisjoint({GEOMETRY, "floor"})
    ]

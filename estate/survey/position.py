"""Whether a survey lies where the register has its prison, and if not, what has happened to it."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS

from estate.errors import Problem
from estate.grid import DEGREES, GRID, grid_point, on_grid
from estate.survey.wings import cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from estate.model import Establishment, Point
    from estate.sources.survey import Survey

# The register has the middle of a postcode. No prison is 2 km wide, a draft begins at that point,
# and a drawing that lies as near as this is taken to be on the National Grid already.
_NEAR_M = 5_000.0
_ORIGIN_M = 20_000.0  # So near to the grid's origin, west of Scilly, there is only sea.
_MISTAKEN = (
    DEGREES,
    "EPSG:3857",
    "EPSG:32630",
    "EPSG:32631",
)  # What Britain is mapped in besides.


def place_problems(parts: Mapping[str, Survey], prison: Establishment) -> Iterator[Problem]:
    """Yield what is wrong with the place of the wings of a survey: a problem for each cure.

    Parameters
    ----------
    parts
        The part of the survey that each wing is.
    prison
        What the survey is of; of one without latitude or longitude nothing can be said.
    """
    here = grid_point(prison)
    if here is None:
        return
    centres = {code: centre for code, part in parts.items() if (centre := _centre(part))}
    away: defaultdict[str, list[str]] = defaultdict(list)
    for code, centre in centres.items():
        if math.dist(centre, here) > _NEAR_M:
            away[_cure(centre, here, prison.prison_id)].append(code)
    for cure, codes in away.items():
        nearest_km = min(math.dist(centres[code], here) for code in codes) / 1000
        wings = "it lies" if len(codes) == len(parts) else f"wing {', '.join(codes)} lies"
        what = f"{wings} {nearest_km:,.0f} km from where the register has {prison.name}"
        yield Problem(parts[codes[0]].file, "", what, cure)


def _centre(part: Survey) -> Point | None:
    """Return the middle of the cells, of which one may be anywhere; None where none is drawn."""
    cells = [cell.geometry for cell in cells_of(part) if cell.geometry is not None]
    if not cells:
        return None
    east, north = np.median(shapely.get_coordinates(shapely.centroid(cells)), axis=0)
    return (float(east), float(north))


def _cure(centre: Point, here: Point, prison_id: str) -> str:
    """Return what brings coordinates to where they belong, by what would have brought them away."""
    swapped = (centre[1], centre[0])
    if math.dist(swapped, here) <= _NEAR_M:
        return "its easting and northing are swapped: exchange them in every layer"
    for system in _MISTAKEN:
        for point in (centre, swapped):
            if math.dist(on_grid(point, system), here) <= _NEAR_M:
                name = CRS(system).name
                return (
                    f"its coordinates are in {name}, whatever they are called: set that as the "
                    f"system of each layer, and save it in {GRID}"
                )
    if math.hypot(*centre) <= _ORIGIN_M:
        return (
            "its coordinates seem to be a drawing's own: move every layer to the National Grid, "
            "by two points that you know on both"
        )
    return (
        "move it there, set the system that its coordinates are in, or correct its location keys; "
        f"if it is right, correct latitude and longitude of {prison_id} in inputs/register.csv"
    )

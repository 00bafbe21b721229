"""What is wrong with the walls of a survey: ends in the air, walls drawn twice, cells without."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import shapely

from estate.survey.overlaps import placed_cells
from estate.survey.routes import SNAP_M

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.errors import Problem
    from estate.sources.survey import Feature, Survey

# In drafts of every typology, and in drawings of a block made for tests, all of a cell's outline
# lies at the face of a wall. In a real drawing of an office at least 94 % does, and 98 % within
# 0.25 m of one. A cell that is open to its landing still has three of its four sides; one that has
# lost the walls on two has about half, and signal and holes through it are no longer to be trusted.
_BESIDE_M = 0.25
_ENCLOSED = 0.5
_SAME_DECIMALS = 3  # Two walls are one that agree to the millimetre.


def wall_problems(survey: Survey) -> Iterator[Problem]:
    """Yield ends of walls that meet nothing, walls drawn twice, and cells in the open."""
    yield from _end_problems(survey)
    yield from _twice_problems(survey)
    yield from _open_problems(survey)


def _end_problems(survey: Survey) -> Iterator[Problem]:
    """Yield each end of a wall that meets neither a wall nor a space of its floor."""
    floors: defaultdict[int, list[Feature]] = defaultdict(list)
    for wall in survey.layers["walls"]:
        if wall.geometry is not None:
            floors[wall.floor].append(wall)
    for floor, walls in sorted(floors.items()):
        reaches_m = [SNAP_M + _thickness_m(wall) / 2 for wall in walls]
        bodies = shapely.STRtree(shapely.buffer([wall.geometry for wall in walls], reaches_m))
        spaces = [
            space.geometry
            for space in survey.layers["spaces"]
            if space.floor == floor and space.geometry is not None
        ]
        insides, outlines = shapely.STRtree(spaces), shapely.STRtree(shapely.boundary(spaces))
        for index, wall in enumerate(walls):
            for name, at in (("start", 0), ("end", -1)):
                end = shapely.Point(wall.geometry.coords[at])
                met = set(bodies.query(end, predicate="intersects").tolist()) - {index}
                reach_m = reaches_m[index]
                at_space = outlines.query(end, predicate="dwithin", distance=reach_m).size
                # A pier or a screen ends in the middle of a room.
                if not met and not at_space and not insides.query(end, predicate="within").size:
                    what = f"its {name} meets neither a wall nor a space"
                    yield wall.problem(what, f"snap it to one, within {SNAP_M:g} m of its face")


def _twice_problems(survey: Survey) -> Iterator[Problem]:
    """Yield each wall that is the same line as another of its floor, in either direction."""
    first: dict[tuple[int, bytes], Feature] = {}
    for wall in survey.layers["walls"]:
        if wall.geometry is None or "floor" in wall.faulty:
            continue
        rounded = shapely.transform(wall.geometry, lambda at: np.round(at, _SAME_DECIMALS))
        earlier = first.setdefault((wall.floor, shapely.to_wkb(shapely.normalize(rounded))), wall)
        if earlier is not wall:
            what = f"it is the same line as {earlier.name or f'fid {earlier.number}'}"
            yield wall.problem(what, "delete either: signal and holes would count it twice")


def _open_problems(survey: Survey) -> Iterator[Problem]:
    """Yield each cell that stands in the open, most of its outline away from any wall."""
    for floor, cells in placed_cells(survey).items():
        # Nobody knows the floor of a wall whose floor is faulty, so it may be any cell's.
        walls = [
            wall
            for wall in survey.layers["walls"]
            if wall.geometry is not None and (wall.floor == floor or "floor" in wall.faulty)
        ]
        reaches_m = [_BESIDE_M + _thickness_m(wall) / 2 for wall in walls]
        bodies = shapely.buffer([wall.geometry for wall in walls], reaches_m, quad_segs=2)
        outlines = shapely.boundary([cell.geometry for cell in cells])
        near: defaultdict[int, list[int]] = defaultdict(list)
        for index, body in shapely.STRtree(bodies).query(outlines, predicate="intersects").T:
            near[int(index)].append(int(body))
        for index, (cell, outline) in enumerate(zip(cells, outlines, strict=True)):
            beside = shapely.intersection(outline, shapely.union_all(bodies[near[index]]))
            share = float(beside.length / outline.length)
            if share < _ENCLOSED:
                what = f"it stands in the open: {share:.0%} of its outline is beside a wall"
                yield cell.problem(what, "draw its walls, or correct their floor or its own")


def _thickness_m(wall: Feature) -> float:
    return (wall.integer("thickness_mm") or 0) / 1000

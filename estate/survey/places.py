"""Which spaces a door joins and a point stands in, by name or else by the map."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estate.sources.survey import Feature, Survey

DOOR_REACH_M = 1.1  # A door stands in the middle of its wall, and no wall is above 2 m thick.
POINT_REACH_M = 0.5  # A rack or an outlet may be drawn on the face of the wall that it is fixed to.


class Places:
    """The spaces of a survey: found by name, and by where something stands on a floor."""

    def __init__(self, survey: Survey) -> None:
        self.by_name = {space.name: space for space in survey.layers["spaces"] if space.name}
        floors: defaultdict[int, list[Feature]] = defaultdict(list)
        for space in self.by_name.values():
            if space.geometry is not None:
                floors[space.floor].append(space)
        self._floors = dict(floors)
        self._trees = {
            floor: shapely.STRtree([space.geometry for space in spaces])
            for floor, spaces in floors.items()
        }

    def sides(self, door: Feature) -> tuple[str, ...]:
        """Return the names of the spaces on either side of a door; fewer where they are unknown."""
        stated = tuple(filter(None, (door.text("from_space"), door.text("to_space"))))
        if stated or door.geometry is None:
            return stated
        near = sorted(
            (float(space.geometry.distance(door.geometry)), space.name)
            for space in self._within(door, DOOR_REACH_M)
        )
        return tuple(name for _, name in near[:2])

    def around(self, point: Feature) -> str:
        """Return the name of the space that an outlet, rack or access point is in, "" for none."""
        stated = point.text("space_id")
        if stated or point.geometry is None:
            return stated
        near = (
            (float(s.geometry.distance(point.geometry)), s.name) for s in self._within(point, 0)
        )
        return min(near, default=(0.0, ""))[1]

    def _within(self, feature: Feature, reach_m: float) -> Iterable[Feature]:
        if feature.floor not in self._trees:
            return []
        found = self._trees[feature.floor].query(
            feature.geometry, predicate="dwithin", distance=reach_m
        )
        return [self._floors[feature.floor][index] for index in sorted(found.tolist())]

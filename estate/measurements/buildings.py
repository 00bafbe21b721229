"""The wings of a prison as radio meets them: surveyed where they were, typical otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import shapely

from estate.model import Grade, Network, Space
from estate.network import placed
from estate.radio.scene import Scene, scene_of
from estate.survey import surveyed
from estate.typology import lay_out, read_typologies

if TYPE_CHECKING:
    from estate.model import Point
    from estate.sizing import Sizing
    from estate.sources.survey import Survey


@dataclass(frozen=True, kw_only=True)
class Building:
    """A wing: its network, with location keys of the prison, and how it is known.

    Only in a surveyed wing do coordinates mean anything: those of EPSG:27700.
    """

    key: str
    network: Network
    storey_height_m: float
    is_surveyed: bool

    @cached_property
    def scene(self) -> Scene:
        """Return what radio meets in the wing."""
        return scene_of(self.network, storey_height_m=self.storey_height_m)

    @cached_property
    def cells(self) -> dict[str, Space]:
        """Return the cells by location key."""
        return {s.location_key: s for s in self.network.spaces if s.kind == "cell"}

    @property
    def grade(self) -> Grade:
        """Return A where every wall and door was measured, D otherwise."""
        grades = {wall.grade for wall in self.network.walls}
        grades |= {door.grade for door in self.network.doors}
        measured = self.is_surveyed and grades == {Grade.SURVEYED}
        return Grade.SURVEYED if measured else Grade.ASSUMED

    @property
    def landings(self) -> int:
        """Return how many floors have spaces."""
        return max(space.floor for space in self.network.spaces) + 1

    def off_m(self, at: Point) -> float:
        """Return how far a point is from the nearest space of the wing."""
        return float(self._area.distance(shapely.Point(at)))

    @cached_property
    def _area(self) -> shapely.Geometry:
        return shapely.union_all([shapely.Polygon(s.outline) for s in self.network.spaces])


def buildings_of(sizing: Sizing, survey: Survey | None, *, prison_id: str) -> dict[str, Building]:
    """Return the wings of a prison by key, "LEI-A"."""
    networks: dict[str, Network] = {}
    if survey is not None:
        found = surveyed(sizing, survey, prison_id=prison_id)
        sizing, networks = found.sizing, dict(found.networks)
    typologies = read_typologies()
    return {
        wing.key: Building(
            key=wing.key,
            network=networks.get(wing.key)
            or placed(lay_out(wing.shape), prefix=wing.key, offset=(0.0, 0.0), key_of=wing.key_of),
            storey_height_m=typologies[wing.shape.typology].storey_height_m,
            is_surveyed=wing.key in networks,
        )
        for wing in sizing.wings
    }

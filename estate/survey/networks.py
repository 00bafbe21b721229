"""The network of a surveyed wing, as a design reads it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, TypedDict

from estate.model import (
    AccessPoint,
    Cable,
    Distributor,
    Door,
    Grade,
    Network,
    Outlet,
    Perimeter,
    Space,
    Wall,
)
from estate.survey.places import Places
from estate.survey.routes import trace
from estate.survey.wings import cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.model import Point
    from estate.sources.survey import Feature, Survey
    from estate.survey.routes import Routes


class _Known(TypedDict):
    """Where a feature is, and how well that is known."""

    floor: int
    grade: Grade
    source: str


def network_of(wing: Survey, routes: Routes | None = None) -> Network:
    """Return the network of a wing's survey, each landing on the floor that `lay_out` gives it.

    The lowest floor with cells is 0, the next with cells 1 and so on; what lies on a floor
    between or beyond these goes with the nearest. `routes` are its own, where it was traced with
    others.
    """
    survey, routes = _Reading(wing), routes or trace(wing)
    return Network(
        spaces=tuple(map(survey.space, wing.layers["spaces"])),
        walls=tuple(wall for line in wing.layers["walls"] for wall in survey.walls(line)),
        doors=tuple(map(survey.door, wing.layers["doors"])),
        junctions=tuple(replace(j, floor=survey.landing(j.floor)) for j in routes.junctions),
        distributors=tuple(map(survey.distributor, wing.layers["distributors"])),
        outlets=tuple(map(survey.outlet, wing.layers["outlets"])),
        access_points=tuple(map(survey.access_point, wing.layers["access_points"])),
        cables=tuple(map(survey.cable, wing.layers["cables"])),
        spans=tuple(replace(s, floor=survey.landing(s.floor)) for s in routes.spans),
    )


def storeys_of(wing: Survey) -> tuple[int, ...]:
    """Return the floors of a wing that have cells, as the survey counts them, from the lowest."""
    return tuple(sorted({cell.floor for cell in cells_of(wing)}))


def perimeter_of(survey: Survey) -> Perimeter | None:
    """Return the site's perimeter, the longest where several are drawn, None where none is."""
    drawn = [site for site in survey.layers["site"] if site.text("kind") == "perimeter"]
    drawn.sort(key=lambda site: (-site.geometry.length, site.name))
    if not drawn:
        return None
    return Perimeter(
        line=tuple(drawn[0].geometry.exterior.coords[:-1]),
        grade=drawn[0].grade,
        source=drawn[0].text("source") or "survey",
    )


class _Reading:
    """One wing of a sound survey, feature by feature."""

    def __init__(self, wing: Survey) -> None:
        self._places = Places(wing)
        self._floors = storeys_of(wing)

    def landing(self, floor: int) -> int:
        """Return the landing, from 0, that a floor is or is nearest to; the lower of two."""
        indices = range(len(self._floors))
        return min(indices, key=lambda index: (abs(self._floors[index] - floor), index))

    def space(self, space: Feature) -> Space:
        return Space(
            space_id=space.name,
            kind=space.text("kind"),
            outline=tuple(space.geometry.exterior.coords[:-1]),
            location_key=space.text("location_key"),
            **self._known(space),
        )

    def walls(self, wall: Feature) -> Iterator[Wall]:
        """Yield a straight wall for each leg of a line."""
        legs = list(pairwise(wall.geometry.coords))
        for number, (start, end) in enumerate(legs, start=1):
            yield Wall(
                wall_id=wall.name if len(legs) == 1 else f"{wall.name}#{number}",
                material=wall.text("material"),
                thickness_mm=wall.integer("thickness_mm") or 0,
                start=start,
                end=end,
                **self._known(wall),
            )

    def door(self, door: Feature) -> Door:
        one, other = self._places.sides(door)
        return Door(
            door_id=door.name, at=_at(door), from_space=one, to_space=other, **self._known(door)
        )

    def distributor(self, distributor: Feature) -> Distributor:
        return Distributor(
            distributor_id=distributor.name,
            at=_at(distributor),
            space_id=self._places.around(distributor),
            kind=distributor.text("kind"),
            state=distributor.text("state"),
            ports_free=distributor.integer("ports_free"),
            switch_ports_free=distributor.integer("switch_ports_free"),
            rack_units_free=distributor.integer("rack_units_free"),
            power_free_w=distributor.number_of("power_free_w"),
            **self._known(distributor),
        )

    def outlet(self, outlet: Feature) -> Outlet:
        return Outlet(
            outlet_id=outlet.name,
            at=_at(outlet),
            space_id=self._places.around(outlet),
            kind=outlet.text("kind"),
            state=outlet.text("state"),
            category=outlet.text("category"),
            pair_test=outlet.text("pair_test"),
            pair_mbps=outlet.number_of("pair_mbps"),
            **self._known(outlet),
        )

    def access_point(self, point: Feature) -> AccessPoint:
        return AccessPoint(
            access_point_id=point.name,
            at=_at(point),
            space_id=self._places.around(point),
            model=point.text("model"),
            state=point.text("state"),
            **self._known(point),
        )

    def cable(self, cable: Feature) -> Cable:
        upper = cable.integer("to_floor")
        return Cable(
            cable_id=cable.name,
            route=tuple(cable.geometry.coords),
            kind=cable.text("kind"),
            cable_count=cable.integer("cable_count"),
            free_count=cable.integer("free_count"),
            state=cable.text("state"),
            to_floor=None if upper is None else self.landing(upper),
            length_m=cable.number_of("length_m"),
            **self._known(cable),
        )

    def _known(self, feature: Feature) -> _Known:
        floor = self.landing(feature.floor)
        return {"floor": floor, "grade": feature.grade, "source": feature.text("source")}


def _at(point: Feature) -> Point:
    return (point.geometry.x, point.geometry.y)

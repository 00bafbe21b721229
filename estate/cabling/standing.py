"""Links that stand already: what a survey found between a distributor and a cell or a landing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import dist
from typing import TYPE_CHECKING

import shapely

from estate.cabling.containment import storey_of
from estate.model import DATA_CABLING, Point
from estate.radio.candidates import Candidate
from estate.radio.scene import OPEN_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.model import Cable, Network, Outlet, Space

_REACH_M = 0.5  # A cable is drawn to this near of what it ends at.
_STANDS = "existing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingLink:
    """A permanent link that needs no cable any more; `length_m` is None where none was drawn.

    `distributor` is where it ends, "" where that was not seen, and `has_outlet` whether its other
    end has one.
    """

    name: str
    length_m: float | None
    distributor: str
    has_outlet: bool

    @property
    def words(self) -> str:
        """Return what stands, as a sentence has it."""
        return self.name if self.length_m is None else f"{self.name}, {self.length_m:.1f} m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place on a landing to which a link leads, so that an access point may hang there."""

    floor: int
    at: Point
    space_id: str
    link: StandingLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The links of a wing: by the space of the cell that each leads to, and to places.

    `useless` has the floor of each data cable that stands and serves nothing, and why that is.
    """

    cells: Mapping[str, StandingLink] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    useless: tuple[tuple[int, str], ...] = ()

    @property
    def unused(self) -> tuple[str, ...]:
        """Return which data cables that stand serve nothing, and why."""
        return tuple(why for _, why in self.useless)

    def candidates(self, *, height_m: float) -> tuple[Candidate, ...]:
        """Return the places on landings as candidates for access points."""
        return tuple(
            Candidate(
                candidate_id=name,
                kind="landing",
                floor=place.floor,
                at=place.at,
                height_m=height_m,
                space_id=place.space_id,
            )
            for name, place in self.places.items()
        )


def standing_of(network: Network, *, limit_m: float, storeys: tuple[int, ...] = ()) -> Standing:
    """Return the links that stand in a network and keep to the longest permanent link.

    A data cable that stands is one where it leads from a distributor that stands to a cell or a
    landing, and is not in use throughout. An outlet that stands with data cabling is one too,
    unless every cable that is drawn to it is none.
    """
    return _Reading(network, limit_m, storeys).standing()


class _Reading:
    """One network, cable by cable."""

    def __init__(self, network: Network, limit_m: float, storeys: tuple[int, ...]) -> None:
        self._network = network
        self._storeys = storeys
        self._limit_m = limit_m
        self._spaces = {space.space_id: space for space in network.spaces}
        self._racks = [d for d in network.distributors if d.state == _STANDS]
        self._cells: dict[str, StandingLink] = {}
        self._places: dict[str, Place] = {}
        self._useless: list[tuple[int, str]] = []
        self._drawn: set[str] = set()

    def standing(self) -> Standing:
        cables = (c for c in self._network.cables if c.state == _STANDS and c.kind in DATA_CABLING)
        for cable in sorted(cables, key=lambda cable: (_length_m(cable), cable.cable_id)):
            why = self._take(cable)
            if why:
                what = f"the cable {cable.cable_id} that stands is not used: {why}"
                self._useless.append((cable.floor, what))
        for outlet in self._network.outlets:
            if (
                outlet.state == _STANDS
                and outlet.category in DATA_CABLING
                and outlet.outlet_id not in self._drawn
            ):
                self._take_outlet(outlet)
        return Standing(cells=self._cells, places=self._places, useless=tuple(self._useless))

    def _take(self, cable: Cable) -> str:
        """Take a cable for a link, or return why it is none."""
        first = (cable.floor, cable.route[0])
        last = (cable.floor if cable.to_floor is None else cable.to_floor, cable.route[-1])
        racks = [self._rack(*first), self._rack(*last)]
        if all(racks):
            return ""  # Between distributors: no link of a cell.
        (floor, at), rack = (last, racks[0]) if racks[0] else (first, racks[1])
        outlet = self._outlet(floor, at)
        self._drawn |= {outlet.outlet_id} if outlet else set()
        if not rack:
            return "neither of its ends is at a distributor that stands"
        if cable.free_count == 0:
            return "all of it is in use"
        length_m = _length_m(cable)
        if length_m > self._limit_m:
            return f"it is {length_m:.1f} m long, and a link may have {self._limit_m:g} m"
        space = self._spaces.get(outlet.space_id) if outlet else self._around(floor, at)
        link = StandingLink(
            name=f"the cable {cable.cable_id}",
            length_m=length_m,
            distributor=rack,
            has_outlet=outlet is not None and outlet.state == _STANDS,
        )
        if space is None or not self._leads(link, space, at):
            return "it ends in no cell and on no landing"
        return ""

    def _take_outlet(self, outlet: Outlet) -> None:
        space = self._spaces.get(outlet.space_id)
        if space is not None:
            name = f"the outlet {outlet.outlet_id}"
            link = StandingLink(name=name, length_m=None, distributor="", has_outlet=True)
            self._leads(link, space, outlet.at)

    def _leads(self, link: StandingLink, space: Space, at: Point) -> bool:
        """Take a link for the space that it leads to; return whether that is of any use."""
        if space.kind == "cell":
            self._cells.setdefault(space.space_id, link)
            return True
        if space.kind not in OPEN_KINDS:
            return False
        name = f"{space.space_id}/AP at {link.name.removeprefix('the ')}"
        self._places[name] = Place(floor=space.floor, at=at, space_id=space.space_id, link=link)
        return True

    def _rack(self, floor: int, at: Point) -> str:
        """Return the distributor that stands where a cable ends: beside it or in its room."""
        found: Iterator[str] = (
            rack.distributor_id
            for rack in self._racks
            if self._is_level(rack.floor, floor)
            and (dist(rack.at, at) <= _REACH_M or self._is_in_room(rack.space_id, at))
        )
        return next(found, "")

    def _is_in_room(self, space_id: str, at: Point) -> bool:
        room = self._spaces.get(space_id)
        return room is not None and room.kind == "comms_room" and _is_within(room, at)

    def _outlet(self, floor: int, at: Point) -> Outlet | None:
        near = (
            (dist(outlet.at, at), outlet.outlet_id, outlet)
            for outlet in self._network.outlets
            if self._is_level(outlet.floor, floor) and dist(outlet.at, at) <= _REACH_M
        )
        return min(near, default=(0.0, "", None))[2]

    def _around(self, floor: int, at: Point) -> Space | None:
        level = (s for s in self._network.spaces if self._is_level(s.floor, floor))
        return next((space for space in level if _is_within(space, at)), None)

    def _is_level(self, floor: int, other: int) -> bool:
        """Return whether two floors lie on one storey."""
        return storey_of(floor, self._storeys) == storey_of(other, self._storeys)


def _is_within(space: Space, at: Point) -> bool:
    return bool(shapely.Polygon(space.outline).covers(shapely.Point(at)))


def _length_m(cable: Cable) -> float:
    """Return the length of a cable as the survey states it, or else as it is drawn."""
    if cable.length_m is not None:
        return cable.length_m
    return sum(dist(start, end) for start, end in pairwise(cable.route))

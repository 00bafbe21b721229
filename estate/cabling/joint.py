"""The joint problem of a wing: points, cabinets, containment and technology in one objective."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import fsum
from typing import TYPE_CHECKING

from estate.cabling.distributors import Hub, hubs_of, ports_per_switch
from estate.cabling.options import BUILT, LABELS, WIRELESS, Option
from estate.cabling.points import (
    OpticalLanding,
    ServicePoint,
    access_points_of,
    optical_of,
    outlets_of,
    pairs_of,
)
from estate.cabling.trunk import Fibres, certain_ways, walked
from estate.cabling.wing import WingProblem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from estate.radio.candidates import Candidate
    from estate.radio.serving import Reach


@dataclass(frozen=True, kw_only=True, eq=False)
class Joint:
    """All that may be built in a wing, and what it would take.

    `certain` are new ways that every design builds, `trees` the ways that passive optical fibre
    of a landing builds beside them. `refused` says why a landing is not offered an option.
    """

    wing: WingProblem
    points: tuple[ServicePoint, ...]
    hubs: tuple[Hub, ...]
    certain: frozenset[int]
    trees: Mapping[int, tuple[int, ...]]
    refused: Mapping[tuple[int, Option], str]
    limit_m: float
    ports_per_switch: float

    @classmethod
    def of(
        cls,
        wing: WingProblem,
        candidates: Sequence[Candidate] = (),
        reach: Reach | None = None,
        too_dear: Mapping[Option, str] | None = None,
    ) -> Joint:
        """Return the joint problem of a wing with what its radio reaches; wired without it.

        `too_dear` says why some options are not offered on any landing.
        """
        optical = {f: optical_of(wing, f) for f in range(len(wing.landings))}
        offered = {f: found for f, found in optical.items() if isinstance(found, OpticalLanding)}
        points = (
            *outlets_of(wing),
            *(_access_points(wing, candidates, reach) if reach else ()),
            *(point for found in offered.values() for point in found.points),
            *pairs_of(wing),
        )
        certain = certain_ways(wing, _anchors(wing, points))
        fibres = Fibres(wing, certain)
        refused = {
            (f, Option.PASSIVE_OPTICAL): found
            for f, found in optical.items()
            if isinstance(found, str)
        }
        return cls(
            wing=wing,
            points=points,
            hubs=hubs_of(wing, fibres),
            certain=certain,
            trees={
                f: tuple(
                    w for w in found.ways if wing.containment.ways[w].is_new and w not in certain
                )
                for f, found in offered.items()
            },
            refused=refused
            | _unreached(wing, points)
            | {(f, o): why for o, why in (too_dear or {}).items() for f in optical},
            limit_m=wing.link_limit_m,
            ports_per_switch=ports_per_switch(wing),
        )

    @cached_property
    def hub_routes(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the length in metres from each distributor to each node, and the node before."""
        lengths = [way.span.length_m for way in self.wing.containment.ways]
        return self.wing.containment.shortest([hub.node for hub in self.hubs], lengths)

    def route(self, hub: int, node: int) -> tuple[int, ...]:
        """Return the shortest ways from a node to a distributor, new where one may have no room."""
        if (hub, node) not in self._routes:
            containment = self.wing.containment
            lengths = [way.span.length_m for way in containment.ways]
            _, before = self.hub_routes
            shortest = walked(self.wing, before[hub], node, lengths)
            self._routes[hub, node] = tuple(containment.roomy[way] for way in shortest)
        return self._routes[hub, node]

    @cached_property
    def _routes(self) -> dict[tuple[int, int], tuple[int, ...]]:
        return {}

    @cached_property
    def cables_m_min(self) -> tuple[float, ...]:
        """Return the shortest cable from each point to any distributor, in metres."""
        distances, _ = self.hub_routes
        nearest = distances.min(axis=0)
        return tuple(float(nearest[point.node]) + point.length_m for point in self.points)

    def is_offered(self, family: int, option: Option) -> bool:
        """Return whether a landing may have an option."""
        return option in BUILT and (family, option) not in self.refused

    def cost_gbp(self, items: Mapping[str, float]) -> float:
        """Return the likely whole-life cost of some quantities in pounds."""
        return fsum(n * self.wing.catalogue.unit_gbp(item) for item, n in items.items())

    @property
    def constant(self) -> dict[str, float]:
        """Return what every design takes, by item."""
        return self.works(self.certain)

    def works(self, ways: Iterable[int]) -> dict[str, float]:
        """Return the containment and the holes of new ways, by item."""
        found = [self.wing.containment.ways[number] for number in ways]
        works = {
            "containment_steel": fsum(round(way.span.length_m, 3) for way in found if way.is_new),
            "core_drill": float(sum(way.drills for way in found if way.is_new)),
        }
        return {item: quantity for item, quantity in works.items() if quantity}

    @cached_property
    def covers(self) -> dict[object, tuple[int, ...] | None]:
        """Return the covers by access points that were found so far, to be filled."""
        return {}

    @cached_property
    def works_by_way(self) -> tuple[dict[str, float], ...]:
        """Return the works of each way alone."""
        return tuple(self.works([number]) for number in range(len(self.wing.containment.ways)))

    def lengths_m(self, route: tuple[int, ...]) -> tuple[float, float]:
        """Return the length of a route in metres, and of its part outside the wing."""
        if route not in self._lengths_m:
            spans = [self.wing.containment.ways[way].span for way in route]
            self._lengths_m[route] = (
                fsum(span.length_m for span in spans),
                fsum(span.length_m for span in spans if span.containment == "duct"),
            )
        return self._lengths_m[route]

    @cached_property
    def _lengths_m(self) -> dict[tuple[int, ...], tuple[float, float]]:
        return {}


def _access_points(
    wing: WingProblem, candidates: Sequence[Candidate], reach: Reach
) -> Iterator[ServicePoint]:
    """Yield the access points; one that stands is cabled and needs a port and nothing else."""
    standing = {place.candidate_id for place in candidates if place.stands}
    for point in access_points_of(wing, candidates, reach):
        if point.name in standing:
            distances, _ = wing.room_routes
            room = wing.rooms[int(distances[:, point.node].argmin())]
            yield replace(
                point,
                node=room,
                anchor=room,
                length_m=0.0,
                items={},
                reuses=f"the access point {point.name}",
            )
        else:
            yield point


def _anchors(wing: WingProblem, points: Iterable[ServicePoint]) -> list[Collection[int]]:
    anchors: list[set[int]] = [set() for _ in wing.cells]
    for point in points:
        for cell in point.serves:
            anchors[cell].add(point.anchor)
    return list(anchors)


def _unreached(wing: WingProblem, points: Iterable[ServicePoint]) -> dict[tuple[int, Option], str]:
    """Return why landings are not offered options whose points do not serve all their cells."""
    served: defaultdict[Option, set[int]] = defaultdict(set)
    for point in points:
        served[point.option].update(point.serves)
    refused: dict[tuple[int, Option], str] = {}
    for family in range(len(wing.landings)):
        cells = [number for number, found in enumerate(wing.families) if found == family]
        landing = wing.landing_of(family)
        for option in BUILT:
            left = [cell for cell in cells if cell not in served[option]]
            if left and option != Option.PASSIVE_OPTICAL:
                refused[family, option] = _why(wing, option, left, of=len(cells), landing=landing)
    return refused


def _why(wing: WingProblem, option: Option, left: Sequence[int], *, of: int, landing: int) -> str:
    first = wing.cells[left[0]]
    key = first.location_key or first.space_id
    if option == Option.EXISTING_PAIRS:
        rate = wing.rules["pair.mbps_min"]
        return f"no pair test of {rate:g} Mbit/s is stated for {_count(left, of)}, such as {key}"
    if option in WIRELESS:
        where = "in any cell" if option == Option.CELL_ACCESS_POINTS else f"on landing {landing}"
        return f"no place {where} reaches {_count(left, of)}, such as {key}"
    return f"{LABELS[option]} cannot reach {_count(left, of)}, such as {key}"


def _count(left: Sequence[int], of: int) -> str:
    return f"{len(left)} of {of} cells"

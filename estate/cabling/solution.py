"""A solved wing: which points are built, how each is cabled, and all that this takes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, fsum

from estate.cabling.joint import Joint
from estate.cabling.options import Option

_ROUNDING = 1e-6  # Of a switch: 38 ports of 38.0 fill one.


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A built point, the distributor in which its cable ends, and the ways of its route."""

    point: int
    hub: int
    route: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Solution:
    """Links in the order of their points, the option of each landing, and each cell's point.

    Cells that are left out, as when a landing is taken away to be solved anew, have point -1.
    """

    joint: Joint
    links: tuple[Link, ...]
    options: Mapping[int, Option]
    servers: tuple[int, ...]

    @cached_property
    def cables(self) -> Mapping[int, int]:
        """Return how many cables use each way."""
        return Counter(way for link in self.links for way in link.route)

    @cached_property
    def ports(self) -> Mapping[int, int]:
        """Return how many ports of each hub are used."""
        return Counter(link.hub for link in self.links)

    @cached_property
    def switches(self) -> Mapping[int, int]:
        """Return the new switches of each open hub."""
        return {
            hub: switches_for(self.joint, hub, ports) for hub, ports in sorted(self.ports.items())
        }

    @cached_property
    def built(self) -> frozenset[int]:
        """Return the new ways that are built, the certain ones and those of fibre included."""
        return frozenset(self._for_cables) | self.fibre_ways

    @cached_property
    def fibre_ways(self) -> frozenset[int]:
        """Return the new ways that are built for fibre: to cabinets, and to cells."""
        found: set[int] = set()
        for hub in self.ports:
            fibre = self.joint.hubs[hub].fibre
            found.update(fibre.built if fibre else ())
        for family, option in self.options.items():
            if option == Option.PASSIVE_OPTICAL:
                found.update(self.joint.trees[family])
        return frozenset(found)

    @cached_property
    def shared(self) -> dict[str, float]:
        """Return what landings share, by item: the way to the comms room, distributors, switches.

        The way to a comms room elsewhere is duct, with the cables along it.
        """
        return self._shared(self._for_cables, self.cables, self.ports)

    def shared_in(self, wing: int) -> dict[str, float]:
        """Return what is shared and of a wing: what stands or runs in it, and its own cables."""
        problem = self.joint.wing
        ways = problem.containment.ways
        return self._shared(
            [w for w in self._for_cables if problem.wing_of_floor(ways[w].span.floor) == wing],
            Counter(way for link in self.links_of(wing) for way in link.route),
            self.hubs_in(wing),
        )

    def _shared(
        self, built: Iterable[int], cables: Mapping[int, int], hubs: Iterable[int]
    ) -> dict[str, float]:
        joint, hubs = self.joint, list(hubs)
        ways = joint.wing.containment.ways
        cable_m = fsum(n * ways[w].span.length_m for w, n in cables.items() if self._is_away(w))
        parts: list[Mapping[str, float]] = [joint.works(way for way in built if self._is_away(way))]
        parts += [joint.hubs[hub].items for hub in hubs]
        switches = float(sum(self.switches[hub] for hub in hubs))
        parts += [{"switch_48_poe": switches, "cable_cat6a": cable_m}]
        return added(parts)

    def links_of(self, wing: int) -> list[Link]:
        """Return the links to the points of a wing."""
        points, problem = self.joint.points, self.joint.wing
        return [
            link for link in self.links if problem.wing_of_floor(points[link.point].floor) == wing
        ]

    def hubs_in(self, wing: int) -> list[int]:
        """Return the open distributors that stand in a wing."""
        hubs, problem = self.joint.hubs, self.joint.wing
        return [hub for hub in self.ports if problem.wing_of_floor(hubs[hub].floor) == wing]

    def items_of(self, wing: int) -> dict[str, float]:
        """Return all that a wing takes, by item."""
        landings = self.joint.wing.wings[wing]
        own = [items for family, items in self.by_landing.items() if family in landings]
        return added([self.shared_in(wing), *own])

    @cached_property
    def by_landing(self) -> dict[int, dict[str, float]]:
        """Return what each landing takes of its own, by item: containment, points and cables.

        A point, like a span, is of the landing on whose floor it is; what a cell takes is of the
        cell's.
        """
        joint, wing = self.joint, self.joint.wing
        parts: defaultdict[int, list[Mapping[str, float]]] = defaultdict(list)
        for way in self._for_cables:
            if not self._is_away(way):
                family = self._family(wing.containment.ways[way].span.floor)
                parts[family].append(joint.works_by_way[way])
        for family, option in self.options.items():
            if option == Option.PASSIVE_OPTICAL:
                parts[family].append(joint.works(joint.trees[family]))
        for link in self.links:
            point = joint.points[link.point]
            _, away_m = joint.lengths_m(link.route)
            cable = {"cable_cat6a": self.cable_m(link) - away_m}
            parts[self._family(point.floor)] += [point.items, cable]
        for cell, server in enumerate(self.servers):
            if server >= 0:
                parts[wing.families[cell]].append(joint.points[server].per_cell.get(cell, {}))
        return {family: added(parts[family]) for family in sorted(parts)}

    @property
    def _for_cables(self) -> list[int]:
        """Return the new ways that are built for cables, in order."""
        ways = self.joint.wing.containment.ways
        used = {way for way in self.cables if ways[way].is_new}
        return sorted(used | self.joint.certain)

    def _is_away(self, way: int) -> bool:
        return self.joint.wing.containment.ways[way].span.containment == "duct"

    def _family(self, floor: int) -> int:
        """Return the landing on a floor, or the nearest one to it."""
        return self.joint.wing.family_of_floor[floor]

    def cable_m(self, link: Link) -> float:
        """Return the length of the cable of a point, its drop included."""
        route_m, _ = self.joint.lengths_m(link.route)
        return round(route_m + self.joint.points[link.point].length_m, 3)

    @cached_property
    def items(self) -> dict[str, float]:
        """Return all that the design takes, by item."""
        return added([self.shared, *self.by_landing.values()])

    @cached_property
    def cost_gbp(self) -> float:
        """Return the likely whole-life cost of all that the design takes."""
        return self.joint.cost_gbp(self.items)

    def without(self, family: int) -> Solution:
        """Return what is left when the cells of a landing are taken away."""
        families = self.joint.wing.families
        servers = tuple(
            -1 if families[cell] == family else server for cell, server in enumerate(self.servers)
        )
        kept = set(servers)
        return Solution(
            joint=self.joint,
            links=tuple(link for link in self.links if link.point in kept),
            options={f: option for f, option in self.options.items() if f != family},
            servers=servers,
        )

    def joined(self, other: Solution) -> Solution:
        """Return this solution with the cells that another serves in addition."""
        servers = tuple(
            theirs if ours < 0 else ours
            for ours, theirs in zip(self.servers, other.servers, strict=True)
        )
        links = {link.point: link for link in (*other.links, *self.links)}
        return Solution(
            joint=self.joint,
            links=tuple(links[point] for point in sorted(links)),
            options={**self.options, **other.options},
            servers=servers,
        )


def switches_for(joint: Joint, hub: int, ports: int) -> int:
    """Return how many new switches so many used ports take in a hub."""
    bought = max(0, ports - joint.hubs[hub].ports_free)
    return ceil(bought / joint.ports_per_switch - _ROUNDING)


def added(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the sums of quantities by item, to the millimetre, nothing left out at zero."""
    sums: defaultdict[str, list[float]] = defaultdict(list)
    for part in parts:
        for item, quantity in part.items():
            sums[item].append(quantity)
    totals = {item: round(fsum(found), 3) for item, found in sorted(sums.items())}
    return {item: total for item, total in totals.items() if total}

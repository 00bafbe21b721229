"""A solved wing in the planner's words: what was built in it, and what decided it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import ceil, floor
from typing import TYPE_CHECKING

from estate.cabling.options import BUILT, WIRELESS, Option
from estate.cabling.rules import section_mm2
from estate.cabling.solving import Solved
from estate.cabling.values import (
    BuiltDistributor,
    BuiltPoint,
    BuiltSpan,
    LandingDesign,
    LandingOption,
    pounds,
)
from estate.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from estate.cabling.distributors import Hub
    from estate.cabling.joint import Joint
    from estate.cabling.solution import Link, Solution

_NAMED = 5  # Cables of no use that are named one by one.
_OPEN = frozenset({"tray", "basket"})
_LETTERS = {**dict.fromkeys(WIRELESS, "AP"), Option.PASSIVE_OPTICAL: "PS"}
_RADIO_ITEMS = ("access_point", "outlet_cat6a", "core_drill", "cable_cat6a")


@dataclass(frozen=True, kw_only=True, eq=False)
class Description:
    """Turns a solved wing into values, or one of those that were solved together.

    `access_points` has for each wing those of all its landings, None for none; `too_dear` says why
    options were not even tried. `keys` are the location keys of the wings and `wing` is the number
    of the one described. To it belongs what stands or runs in it, and the cables of its points.
    """

    solved: Solved
    access_points: Sequence[Estimate | None]
    too_dear: Mapping[Option, str]
    keys: Sequence[str] = ("",)
    wing: int = 0

    @property
    def solution(self) -> Solution:
        """Return the design."""
        return self.solved.solution

    @property
    def joint(self) -> Joint:
        """Return the problem."""
        return self.solved.solution.joint

    def key_of(self, cell: int) -> str:
        """Return the location key of a cell, or the name of its space."""
        space = self.joint.wing.cells[cell]
        return space.location_key or space.space_id

    @property
    def _families(self) -> range:
        return self.joint.wing.wings[self.wing]

    def _key_beside(self, floor: int) -> str:
        """Return the key of the wing on whose floor something is, "" for the one described."""
        wing = self.joint.wing.wing_of_floor(floor)
        return "" if wing == self.wing else self.keys[wing]

    # What is built

    def spans(self) -> tuple[BuiltSpan, ...]:
        """Return every span that carries a cable or is built, in the order of the containment.

        Those of other wings too that cables of this one use.
        """
        return tuple(self._span(way) for way in self._ways)

    @property
    def _ways(self) -> list[int]:
        ways = self.joint.wing.containment.ways
        used = {way for link in self.solution.links_of(self.wing) for way in link.route}
        return sorted(
            way
            for way in self.solution.built | set(self.solution.cables)
            if way in used or not self._key_beside(ways[way].span.floor)
        )

    def _span(self, number: int) -> BuiltSpan:
        way = self.joint.wing.containment.ways[number]
        cables = self.solution.cables.get(number, 0)
        return BuiltSpan(
            span_id=way.span.span_id,
            wing=self._key_beside(way.span.floor),
            floor=self.joint.wing.own_floor(way.span.floor),
            containment=way.span.containment,
            length_m=round(way.span.length_m, 3),
            is_new=way.is_new,
            cables=cables,
            section_mm2=section_mm2(cables, rules=self.joint.wing.rules) if way.is_new else 0.0,
            drills=way.drills,
        )

    def distributors(self) -> tuple[BuiltDistributor, ...]:
        """Return each distributor of the wing in which cables end."""
        ways = self.joint.wing.containment.ways
        found = []
        for number in sorted(self.solution.hubs_in(self.wing)):
            hub, ports = self.joint.hubs[number], self.solution.ports[number]
            route = hub.fibre.ways if hub.fibre else ()
            found.append(
                BuiltDistributor(
                    name=hub.name,
                    kind=hub.kind,
                    floor=self.joint.wing.own_floor(hub.floor),
                    at=hub.at,
                    switches=self.solution.switches[number],
                    ports=ports,
                    fibre_m=hub.fibre.length_m if hub.fibre else 0.0,
                    fibre_route=tuple(ways[way].span.span_id for way in route),
                    room_wing=self._room_wing(hub),
                )
            )
        return tuple(found)

    def points(self) -> tuple[BuiltPoint, ...]:
        """Return each point of the wing with its cells; switches are filled in turn."""
        numbers, own = {way: number for number, way in enumerate(self._ways)}, set(self._own_links)
        cells: defaultdict[int, list[int]] = defaultdict(list)
        for cell, server in enumerate(self.solution.servers):
            cells[server].append(cell)
        taken: Counter[int] = Counter()
        found = []
        for link in sorted(self.solution.links, key=self._order):
            switches = max(1, self.solution.switches[link.hub])
            each = ceil(self.solution.ports[link.hub] / switches)
            if link in own:
                switch = taken[link.hub] // each + 1
                found.append(self._point(link, cells[link.point], switch, numbers))
            taken[link.hub] += 1
        return tuple(found)

    @property
    def _own_links(self) -> list[Link]:
        links = sorted(self.solution.links, key=self._order)
        return [link for link in links if not self._key_beside(self.joint.points[link.point].floor)]

    @cached_property
    def names(self) -> dict[str, str]:
        """Return what is built by its place: access points and splitters are numbered."""
        counts: Counter[str] = Counter()
        names = {}
        for link in self._own_links:
            point = self.joint.points[link.point]
            letters = _LETTERS.get(point.option, "")
            counts[letters] += 1
            names[point.name] = f"{letters}-{counts[letters]:03d}" if letters else point.name
        return names

    def _order(self, link: Link) -> tuple[int, int]:
        point = self.joint.points[link.point]
        return point.floor, link.point

    def _point(
        self, link: Link, cells: list[int], switch: int, numbers: Mapping[int, int]
    ) -> BuiltPoint:
        point = self.joint.points[link.point]
        wireless = point.option in WIRELESS
        return BuiltPoint(
            name=self.names[point.name],
            option=point.option,
            landing=self.joint.wing.landings.index(point.floor) - self._families[0] + 1,
            at=point.at,
            height_m=point.height_m,
            space=point.space_id,
            distributor=self.joint.hubs[link.hub].name,
            distributor_wing=self._key_beside(self.joint.hubs[link.hub].floor),
            switch=switch,
            length_m=self.solution.cable_m(link),
            route=tuple(numbers[way] for way in link.route),
            cells=tuple(self.key_of(cell) for cell in cells),
            signal_dbm=tuple(point.signal_dbm[cell] for cell in cells) if wireless else (),
            load=round(sum(point.serves[cell] for cell in cells), 4),
            forced_by=self._forced_by(link.point) if wireless else "",
            reuses=point.reuses,
        )

    # What decided it

    def _forced_by(self, number: int) -> str:
        """Return the cell that no other built access point reaches, "" where each has another.

        Of several it is the one that the fewest places could serve.
        """
        alone = [
            (self._places[cell], cell)
            for cell in self.joint.points[number].serves
            if self.solution.servers[cell] == number and self._reaching[cell] == 1
        ]
        return self.key_of(min(alone)[1]) if alone else ""

    @property
    def _reaching(self) -> Counter[int]:
        """Return how many built points reach each cell."""
        return Counter(
            cell for link in self.solution.links for cell in self.joint.points[link.point].serves
        )

    @property
    def _places(self) -> Counter[int]:
        """Return how many access points, built or not, could serve each cell."""
        return Counter(
            cell for point in self.joint.points if point.option in WIRELESS for cell in point.serves
        )

    def landings(self) -> tuple[LandingDesign, ...]:
        """Return the choice of each landing with its alternatives."""
        return tuple(self._landing(family) for family in self._families)

    def _landing(self, family: int) -> LandingDesign:
        wing, solution = self.joint.wing, self.solution
        chosen = solution.options[family]
        cells = [cell for cell, found in enumerate(wing.families) if found == family]
        without_gbp = solution.without(family).cost_gbp
        costs = {chosen: solution.cost_gbp}
        for (of, option), other in self.solved.alternatives.items():
            if of == family:
                costs[option] = other.cost_gbp
        others = sorted((cost, BUILT.index(o)) for o, cost in costs.items() if o != chosen)
        quantities, ports = self._quantities(family)
        return LandingDesign(
            landing=family - self._families[0] + 1,
            cells=len(cells),
            chosen=chosen,
            runner_up=BUILT[others[0][1]] if others else None,
            margin_gbp=pounds(max(0.0, others[0][0] - solution.cost_gbp)) if others else Decimal(0),
            binding=self._binding(family, cells),
            quantities=quantities,
            ports=ports,
            options=tuple(self._option(family, option, costs, without_gbp) for option in Option),
        )

    def _quantities(self, family: int) -> tuple[dict[str, Estimate], Estimate]:
        """Return what a landing takes; the radio's range moves its access points and cables."""
        items = self.solution.by_landing.get(family, {})
        factor = self._factor(family)
        quantities = {
            item: factor.scaled(n) if factor and item in _RADIO_ITEMS else Estimate.exactly(n)
            for item, n in items.items()
        }
        return quantities, self._ports(family, self.solution.ports)

    def _factor(self, family: int) -> Estimate | None:
        """Return the range of a landing's access points as factors, None where it has none."""
        spread = self.access_points[self.joint.wing.wing_of_family(family)]
        if spread is None or self.solution.options[family] not in WIRELESS:
            return None
        return Estimate(*(bound / spread.likely for bound in spread.as_tuple()))

    def _ports(self, family: int, hubs: Collection[int]) -> Estimate:
        """Return the ports that a landing takes in some distributors."""
        points = sum(
            1
            for link in self.solution.links
            if link.hub in hubs and self._family_of(self.joint.points[link.point].floor) == family
        )
        factor = self._factor(family)
        return factor.scaled(points) if factor else Estimate.exactly(points)

    def _family_of(self, floor_: int) -> int:
        return self.joint.wing.landings.index(floor_)

    def _option(
        self,
        family: int,
        option: Option,
        costs: Mapping[Option, float],
        without_gbp: float,
    ) -> LandingOption:
        reason = self._reason(family, option, costs)
        solution = (
            self.solution
            if option == self.solution.options[family]
            else self.solved.alternatives.get((family, option))
        )
        served = self._shares(solution, family) if solution else Counter()
        return LandingOption(
            option=option,
            offered=option in costs,
            reason=reason or (self._kept(solution, family) if solution else ""),
            points=len(served),
            cells_per_point=max(served.values(), default=0),
            whole_life_cost_gbp=pounds(costs[option] - without_gbp)
            if option in costs
            else Decimal(0),
        )

    def _shares(self, solution: Solution, family: int) -> Counter[int]:
        families = self.joint.wing.families
        return Counter(
            server for cell, server in enumerate(solution.servers) if families[cell] == family
        )

    def _kept(self, solution: Solution, family: int) -> str:
        """Return why a landing costs less than its points do, "" where it does not."""
        families = self.joint.wing.families
        pairs = [
            (server, found == family)
            for server, found in zip(solution.servers, families, strict=True)
        ]
        ours = {server for server, is_ours in pairs if is_ours}
        shared = len(ours & {server for server, is_ours in pairs if not is_ours})
        if not shared:
            return ""
        return f"{shared} of its {len(ours)} points serve other landings too, which keep them"

    def _reason(self, family: int, option: Option, costs: Mapping[Option, float]) -> str:
        if option == Option.NOTHING:
            return "leaves every cell of the landing without service"
        if option in costs:
            cells = [
                self.joint.wing.has_data(cell)
                for cell, found in zip(self.joint.wing.cells, self.joint.wing.families, strict=True)
                if found == family
            ]
            if option != Option.OUTLETS or not any(cells):
                return ""
            return f"reuses the data cabling of {sum(cells)} of {len(cells)} cells"
        if option in self.too_dear:
            return self.too_dear[option]
        return self.joint.refused.get(
            (family, option), "the rest of the wing leaves no room for it"
        )

    def _binding(self, family: int, cells: list[int]) -> str:
        """Return what decides the design of a landing, in site words."""
        chosen = self.solution.options[family]
        if chosen in WIRELESS:
            return self._radio_binding(family, cells)
        beyond = self._beyond(cells)
        if chosen == Option.OUTLETS and beyond:
            key = self.key_of(beyond[-1])
            return (
                f"permanent link: {len(beyond)} of {len(cells)} cells are beyond "
                f"{self.joint.limit_m:g} m of a comms room, such as {key}"
            )
        return "cost: no rule binds"

    def _radio_binding(self, family: int, cells: list[int]) -> str:
        """Return what asks for the access points that serve a landing, wherever they hang."""
        points = sorted({self.solution.servers[cell] for cell in cells})
        away = sum(self._family_of(self.joint.points[point].floor) != family for point in points)
        serving = (
            "1 access point serves" if len(points) == 1 else f"{len(points)} access points serve"
        )
        where = f", {away} of them from another landing" if away else ""
        keys = {self.key_of(cell) for cell in cells}
        forced = sorted(
            (
                (self.names[self.joint.points[point].name], cell)
                for point in points
                if (cell := self._forced_by(point))
            ),
            key=lambda pair: pair[1] not in keys,
        )
        if not forced:
            return f"airtime: {serving} it{where}, and each cell is reached by several"
        name, cell = forced[0]
        have = "has a cell" if len(forced) == 1 else "have cells"
        return (
            f"signal: {serving} it{where}; {len(forced)} {have} that no other reaches, "
            f"such as {name} for {cell}"
        )

    def _beyond(self, cells: Iterable[int]) -> list[int]:
        wing = self.joint.wing
        nearest = wing.room_routes[0].min(axis=0)
        return [
            cell
            for cell in cells
            if not wing.has_data(wing.cells[cell])
            and nearest[wing.taps[cell].node] + wing.taps[cell].length_m > self.joint.limit_m
        ]

    def shared(self) -> dict[str, Estimate]:
        """Return what landings share, by item; switches and cabinets follow the range of ports."""
        items = self.solution.shared_in(self.wing)
        shared = {item: Estimate.exactly(n) for item, n in items.items()}
        hubs = self.solution.hubs_in(self.wing)
        spread = Estimate.exactly(0)
        for family in range(len(self.joint.wing.landings)):
            spread += self._ports(family, hubs)
        likely = shared.get("switch_48_poe")
        if likely is None:
            return shared
        switches = self._switches(spread, int(likely.likely))
        shared["switch_48_poe"] = switches
        cabinets = shared.get("cabinet")
        if cabinets:
            more = self._cabinets(switches, cabinets.likely)
            shared["cabinet"] = shared["power_circuit"] = more
        return shared

    def _switches(self, ports: Estimate, likely: int) -> Estimate:
        """Return the range of switches: fewer ports and less spare, or more of both."""
        spare = self.joint.wing.catalogue.assumptions["spare_ports"]
        size = self.joint.wing.rules["switch.ports"]
        hubs = self.solution.hubs_in(self.wing)
        free = sum(self.joint.hubs[hub].ports_free for hub in hubs)
        open_ = sum(1 for hub in hubs if self.solution.switches[hub])
        low, high = (
            max(open_, ceil(round(max(0.0, p - free) * max(s, 1.0) / size, 6)))
            for p, s in ((ports.low, spare.low), (ports.high, spare.high))
        )
        return Estimate(min(low, likely), likely, max(high, likely))

    def _cabinets(self, switches: Estimate, likely: float) -> Estimate:
        holds = self.joint.wing.catalogue.assumptions["switches_per_cabinet"]
        low = min(likely, max(1, ceil(switches.low / holds.high)))
        return Estimate(low, likely, max(likely, ceil(switches.high / floor(max(1, holds.low)))))

    def warnings(self) -> tuple[str, ...]:
        """Return what has to be checked on site, and which cables that stand are of no use.

        To be checked is open containment that stands, for its distance from power.
        """
        useless = self.joint.wing.standing.useless
        unused = [why for floor_, why in useless if not self._key_beside(floor_)]
        left = len(unused) - _NAMED
        more = (f"{left} more cables that stand are not used",) if left > 0 else ()
        return (*self._open(), *unused[:_NAMED], *more)

    def _open(self) -> tuple[str, ...]:
        ways = self.joint.wing.containment.ways
        open_m = sum(
            ways[number].span.length_m
            for number in self.solution.cables
            if not ways[number].is_new and ways[number].span.containment in _OPEN
            if not self._key_beside(ways[number].span.floor)
        )
        if not open_m:
            return ()
        apart_mm = self.joint.wing.rules["segregation.open_mm"]
        what = f"{open_m:.0f} m of tray or basket that stands carries data cables: check on site"
        return (f"{what} that they are {apart_mm:g} mm from power (segregation.open_mm)",)

    def where(self) -> str:
        """Return where the cabling of the wing ends, in words."""
        used = {link.hub for link in self.solution.links_of(self.wing)}
        hubs = [self.joint.hubs[hub] for hub in used]
        places = Counter((hub.kind, self._key_beside(hub.floor)) for hub in hubs)
        return " and ".join(_place(*place, count) for place, count in sorted(places.items()))

    def _room_wing(self, hub: Hub) -> str:
        """Return the key of the wing in whose comms room a fibre begins, "" for the one described.

        One that no fibre leads to stands in a comms room itself.
        """
        if hub.fibre is None:
            return ""
        rooms = dict(zip(self.joint.wing.rooms, self.joint.wing.comms_rooms, strict=True))
        ways, node = self.joint.wing.containment.ways, hub.node
        for way in hub.fibre.ways:
            node = ways[way].head if ways[way].tail == node else ways[way].tail
        return self._key_beside(rooms[node].floor)

    def longest_m(self) -> float:
        """Return the length of the longest permanent link, in metres."""
        return round(
            max(map(self.solution.cable_m, self.solution.links_of(self.wing)), default=0.0), 1
        )


def _place(kind: str, key: str, count: int) -> str:
    """Return where cables end; `key` is that of another wing, "" for the own."""
    if kind == "comms room":
        where = f"comms room of {key}" if key else "comms room"
        return f"{'nearest ' if not key else ''}{where}" if count == 1 else f"{count} {where}"
    where = f"in {key}" if key else "in the wing"
    return f"new cabinet {where}" if count == 1 else f"{count} new cabinets {where}"

"""Fibre between the buildings of a surveyed prison, in the ducts that its survey draws."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import fsum
from typing import TYPE_CHECKING, Any

import networkx as nx

from estate.cabling.rules import cables_that_fit, fibre_loss_db, is_bridged, read_rules
from estate.cabling.values import WingDesign, pounds
from estate.model import Grade, Network
from estate.optimise import diverse_ways, ways_between
from estate.survey import Ground

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from estate.cabling.rules import Rules
    from estate.catalogue import Catalogue
    from estate.survey import Duct

_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidDuct:
    """A duct with fibre in it; `dug` where the backbone digs it, a full one beside it included."""

    duct: str
    length_m: float
    dug: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FibreRoute:
    """A way of fibre from the core to a comms room: its ducts, and what it passes on the way.

    `through` are chambers and other buildings.
    """

    ducts: tuple[str, ...]
    through: tuple[str, ...]
    length_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondRoute:
    """The cheapest way that shares no duct and no chamber with the first, beside what is laid."""

    route: FibreRoute
    dug_m: float
    laid_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A comms room that wings use, and its ways from the core.

    A room in the building of the core has none, and needs none. `second` is the cheapest second
    way that is drawn beside a first, None where it has one already or none is drawn.
    """

    room: str
    wings: tuple[str, ...]
    in_core: bool
    routes: tuple[FibreRoute, ...]
    second: SecondRoute | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """The fibre between buildings that a survey draws the ground for.

    `apart` are the codes of wings of which no drawn duct joins the comms room to the core; all of
    them where no `core` is drawn. `cost_gbp` is the likely whole-life cost of ducts and fibre, and
    `bound_gbp` what no choice of the drawn ducts costs less than. `grade` is that of the worst
    known of the ducts with fibre, and `ground` all that is drawn.
    """

    core: str
    rooms: tuple[Joined, ...]
    apart: tuple[str, ...]
    ducts: tuple[LaidDuct, ...]
    grade: Grade
    cost_gbp: Decimal
    bound_gbp: Decimal
    gap: float
    stopped_by: str
    warnings: tuple[str, ...]
    ground: Ground

    @property
    def laid_m(self) -> float:
        """Return the length of the ducts with fibre."""
        return round(fsum(duct.length_m for duct in self.ducts), 3)

    @property
    def dug_m(self) -> float:
        """Return the length of those that are dug."""
        return round(fsum(duct.length_m for duct in self.ducts if duct.dug), 3)

    @property
    def basis(self) -> str:
        """Return what the bill says of the ducts."""
        count = len(self.ducts)
        ducts = "1 duct" if count == 1 else f"{count} ducts"
        proof = (
            "proven the cheapest"
            if not self.gap
            else f"proven within {self.gap:.2%} of the cheapest"
        )
        return (
            f"as surveyed: {ducts}, {self.laid_m:,.0f} m, of which {self.dug_m:,.0f} m new; {proof}"
        )

    def to(self, wing: str) -> Joined | None:
        """Return the comms room of a wing, the first of several; None where none is joined.

        A wing whose cables all end in other wings has none, and needs no way to it.
        """
        none = Joined(room="", wings=(wing,), in_core=True, routes=(), second=None)
        found = next((room for room in self.rooms if wing in room.wings), none)
        return None if wing in self.apart else found

    def as_json(self) -> dict[str, Any]:
        """Return the backbone as JSON shows it."""
        return {
            "core": self.core,
            "basis": self.basis,
            "grade": str(self.grade),
            "cost_gbp": float(self.cost_gbp),
            "bound_gbp": float(self.bound_gbp),
            "gap": self.gap,
            "stopped_by": self.stopped_by,
            "ducts": [
                {"duct": each.duct, "length_m": each.length_m, "dug": each.dug}
                for each in self.ducts
            ],
            "rooms": [
                {
                    "room": room.room,
                    "wings": list(room.wings),
                    "in_core": room.in_core,
                    "routes": [
                        {"ducts": list(route.ducts), "length_m": route.length_m}
                        for route in room.routes
                    ],
                }
                for room in self.rooms
            ],
            "apart": list(self.apart),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, kw_only=True)
class WingRooms:
    """The wings of a prison as the backbone sees them.

    `rooms` has by wing code the distributors to which fibre has to be led, none where all cables of
    the wing end in other wings; `paid` are the ducts
    that wings build for their own cables.
    """

    rooms: Mapping[str, tuple[str, ...]]
    paid: frozenset[str]


def rooms_of(wings: Mapping[str, tuple[WingDesign, Network]]) -> WingRooms:
    """Return the comms rooms that the designs of some wings use, by wing code."""
    racks = sorted(
        {d.distributor_id for _, network in wings.values() for d in network.distributors}
    )
    spans = {span.span_id: span for _, network in wings.values() for span in network.spans}
    rooms: dict[str, tuple[str, ...]] = {}
    for code, (design, _) in wings.items():
        used: list[str] = []
        for built in design.distributors:
            last = spans.get(built.fibre_route[-1]) if built.fibre_route else None
            name = built.name.removeprefix("cabinet in ")
            ends = {last.start, last.end} if last else {name, name.rpartition(" (")[0]}
            used += [rack for rack in racks if rack in ends]
        rooms[code] = tuple(dict.fromkeys(used))
    return WingRooms(
        rooms=rooms,
        paid=frozenset(
            span.span_id
            for design, _ in wings.values()
            for span in design.spans
            if span.is_new and span.containment == "duct"
        ),
    )


def backbone_of(ground: Ground, wings: WingRooms, catalogue: Catalogue) -> Backbone | None:
    """Return the cheapest backbone in the drawn ducts, None where nothing of one is drawn.

    Each comms room has as many ways from the core as the catalogue asks for, or as there are. A
    duct carries one cable of all fibres that pass it. What is inside buildings costs nothing here.
    """
    if not ground.cores:
        return _without_core(ground, wings)
    return _Laying(ground, wings, catalogue).backbone()


def _without_core(ground: Ground, wings: WingRooms) -> Backbone | None:
    """Return a backbone of nothing where ducts join comms rooms and nobody says to which core."""
    graph: nx.Graph[str] = nx.Graph([*(duct.ends for duct in ground.ducts), *ground.doors])
    used = {ground.rooms[room] for rooms in wings.rooms.values() for room in rooms}
    if not any(len(used & part) > 1 for part in nx.connected_components(graph)):
        return None
    return Backbone(
        core="",
        rooms=(),
        apart=tuple(wings.rooms),
        ducts=(),
        grade=Grade.ASSUMED,
        cost_gbp=Decimal(0),
        bound_gbp=Decimal(0),
        gap=0.0,
        stopped_by="optimal",
        warnings=(
            (
                "ducts between comms rooms are drawn, but no distributor of kind "
                "campus_distributor: make it that one in which the core stands"
            ),
        ),
        ground=ground,
    )


class _Laying:
    """The ground as a graph with the costs of laying fibre in it."""

    def __init__(self, ground: Ground, wings: WingRooms, catalogue: Catalogue) -> None:
        self.ground, self.rules, self.wanted = ground, read_rules(), catalogue.backbone_ways
        self.dig_gbp = catalogue.unit_gbp("external_duct")
        self.fibre_gbp = catalogue.unit_gbp("fibre_campus")
        self.ducts = {duct.name: duct for duct in ground.ducts if duct.ends[0] != duct.ends[1]}
        self.dug = {
            duct.name
            for duct in self.ducts.values()
            if not {duct.name, duct.feature} & wings.paid and not _takes_fibre(duct, self.rules)
        }
        self.core = ground.rooms[ground.cores[0]]
        self.users: defaultdict[str, list[str]] = defaultdict(list)
        for code, rooms in wings.rooms.items():
            for room in rooms:
                self.users[room].append(code)
        self.graph = self._graph(())

    def _graph(self, laid: Collection[str]) -> nx.Graph[str]:
        """Return the graph, a node on each duct so that two may lead to the same ends."""
        graph: nx.Graph[str] = nx.Graph()
        graph.add_nodes_from((self.core, *map(self.ground.rooms.__getitem__, self.users)))
        graph.add_edges_from(self.ground.doors, weight=0.0)
        for name, duct in self.ducts.items():
            metre = self.fibre_gbp + (self.dig_gbp if name in self.dug else 0.0)
            price = 0.0 if name in laid else round(duct.length_m * metre, 2)
            graph.add_edge(duct.ends[0], _on(name), weight=price)
            graph.add_edge(_on(name), duct.ends[1], weight=0.0)
        return graph

    def backbone(self) -> Backbone:
        """Return the cheapest backbone."""
        ends = {room: self.ground.rooms[room] for room in self.users}
        there = {
            end: ways_between(self.graph, self.core, end, most=self.wanted)
            for end in dict.fromkeys(ends.values())
            if end != self.core
        }
        found = diverse_ways(
            self.graph, self.core, {end: n for end, n in there.items() if n}, seconds=_SECONDS
        )
        laid = {name for edge in found.edges for name in map(_duct, edge) if name}
        used = [
            LaidDuct(duct=name, length_m=self.ducts[name].length_m, dug=name in self.dug)
            for name in sorted(laid)
        ]
        joined = [
            self._joined(room, end, found.ways.get(end, ()), laid)
            for room, end in ends.items()
            if end == self.core or there[end]
        ]
        apart = {
            code for room, end in ends.items() if not there.get(end, 1) for code in self.users[room]
        }
        return Backbone(
            core=self.ground.cores[0],
            rooms=tuple(joined),
            apart=tuple(sorted(apart)),
            ducts=tuple(used),
            grade=max((self.ducts[name].grade for name in laid), default=Grade.ASSUMED),
            cost_gbp=pounds(found.cost),
            bound_gbp=pounds(found.bound),
            gap=round(found.gap, 6),
            stopped_by=found.stopped_by,
            warnings=tuple(self._warnings(joined, apart)),
            ground=self.ground,
        )

    def _joined(
        self, room: str, end: str, ways: Sequence[Sequence[str]], laid: Collection[str]
    ) -> Joined:
        routes = sorted((self._route(way) for way in ways), key=lambda r: (r.length_m, r.ducts))
        return Joined(
            room=room,
            wings=tuple(self.users[room]),
            in_core=end == self.core,
            routes=tuple(routes),
            second=self._second(end, routes[0], laid) if len(routes) == 1 else None,
        )

    def _route(self, way: Sequence[str]) -> FibreRoute:
        ducts = tuple(name for name in map(_duct, way) if name)
        return FibreRoute(
            ducts=ducts,
            through=tuple(node for node in way[1:-1] if not _duct(node)),
            length_m=round(fsum(self.ducts[name].length_m for name in ducts), 3),
        )

    def _second(self, end: str, first: FibreRoute, laid: Collection[str]) -> SecondRoute | None:
        """Return the cheapest way beside the first, None where there is none."""
        graph = self._graph(laid)
        graph.remove_nodes_from([*map(_on, first.ducts), *first.through])
        try:
            way = nx.shortest_path(graph, self.core, end, weight="weight")
        except nx.NetworkXNoPath:
            return None
        route = self._route(way)
        new = [name for name in route.ducts if name not in laid]
        return SecondRoute(
            route=route,
            dug_m=round(fsum(self.ducts[n].length_m for n in new if n in self.dug), 3),
            laid_m=round(fsum(self.ducts[n].length_m for n in new), 3),
        )

    def _warnings(self, joined: Iterable[Joined], apart: Collection[str]) -> Iterator[str]:
        for room in joined:
            wings = f"wing{'s' if len(room.wings) > 1 else ''} {' and '.join(room.wings)}"
            if room.routes and len(room.routes) < self.wanted:
                yield (
                    f"the comms room of {wings} has one way alone in what is drawn: all others "
                    "meet it in a duct, chamber or building (explain --sensitive names these)"
                )
            for route in room.routes:
                if not is_bridged(route.length_m, rules=self.rules):
                    loss_db = fibre_loss_db(route.length_m, rules=self.rules)
                    reach_m, budget_db = self.rules["fibre.reach_m"], self.rules["fibre.budget_db"]
                    yield (
                        f"a fibre to the comms room of {wings} is {route.length_m:,.0f} m long "
                        f"and loses {loss_db:.1f} dB; {reach_m:,.0f} m (fibre.reach_m) and "
                        f"{budget_db:g} dB (fibre.budget_db) are the most"
                    )
        for code in sorted(apart):
            yield (
                f"no drawn duct joins the comms room of wing {code} to the core: the length of its "
                "duct is assumed"
            )


def _takes_fibre(duct: Duct, rules: Rules) -> bool:
    """Return whether a duct is there and has room for one cable of fibres more.

    One of which a survey does not say how full it is takes it.
    """
    if not duct.exists:
        return False
    if duct.fill_percent is None:
        return True
    room = cables_that_fit(
        duct.fill_percent,
        cross_section_mm2=duct.cross_section_mm2,
        cable="cable_fibre",
        rules=rules,
    )
    return room >= 1


def _on(duct: str) -> str:
    return f"duct {duct}"


def _duct(node: str) -> str:
    return node.removeprefix("duct ") if node.startswith("duct ") else ""

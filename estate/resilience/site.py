"""The dependencies of one prison, from its plan: uplink, core, backbone, cabinets, spans, cells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from estate.backbone import FibreRoute, Joined, SecondRoute
from estate.costing import BillLine
from estate.estimate import Money
from estate.model import Span
from estate.resilience.dependence import ROOT, Dependencies, Part
from estate.topology import cell_key, topology_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from estate.plan import Plan, SitePlan, WingPlan
    from estate.topology import Topology

RULES = (
    (
        "The uplink is one circuit. The core is a pair of switches, as it is priced, in one comms "
        "room; each wing has a comms room of its own, and one duct to it from the core, or the "
        "ways in the ducts of its survey."
    ),
    (
        "Each cabinet has one power feed, and one fibre cable along the way that the design gives "
        "it. Where wings were designed as one, it may begin in the comms room of another, and "
        "cells are lost with what their cables end in, whichever wing that stands in."
    ),
    "What the uplink shares with others outside the wall is not known here.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    """A cable or several alike: what they run through from their switch, and the cells there.

    `wing` is the code of the wing of those cells, "" for that in which the switch stands.
    """

    switch: str
    way: tuple[Part, ...]
    cells: int
    wing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cabinet:
    """A distributor; `fibre_route` has the spans of its fibre, none where it is in the room.

    `room` is the comms room from which it is fed, None for that of its wing.
    """

    id: str
    fibre_route: tuple[str, ...]
    cables: tuple[Cable, ...]
    room: Part | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WingWays:
    """A wing as its cables see it.

    Fibre is led from the comms room outward. `spans` are its own and those of the wings with which
    it was designed as one, which `others` has with the code of each; `standing` are those that
    exist or that the plan builds.
    """

    prison_id: str
    code: str
    cabinets: tuple[Cabinet, ...]
    spans: Mapping[str, Span]
    standing: frozenset[str]
    others: Mapping[str, str] = field(default_factory=dict)
    joined: Joined | None = None

    @property
    def duct(self) -> Part:
        """Return the duct from the core."""
        return Part(id=f"{self._place}/duct", kind="duct", wing=self.code)

    @property
    def first(self) -> tuple[Part, ...]:
        """Return what the first way from the core runs through: nothing inside one building."""
        if self.joined is None:
            return (self.duct,)
        return self.along(self.joined.routes[0]) if self.joined.routes else ()

    @property
    def more(self) -> tuple[tuple[Part, ...], ...]:
        """Return what the other ways in drawn ducts run through."""
        return tuple(map(self.along, self.joined.routes[1:])) if self.joined else ()

    @property
    def in_core(self) -> bool:
        """Return whether the comms room is in the building of the core."""
        return self.joined is not None and self.joined.in_core

    @property
    def second(self) -> SecondRoute | None:
        """Return the second way that is drawn and not built."""
        return self.joined.second if self.joined else None

    def along(self, route: FibreRoute) -> tuple[Part, ...]:
        """Return the ducts, chambers and buildings of a way; several wings may share them."""
        kinds = [*(("duct", n) for n in route.ducts), *(("chamber", n) for n in route.through)]
        return tuple(Part(id=f"{self.prison_id}/{name}", kind=kind) for kind, name in kinds)

    @property
    def room(self) -> Part:
        """Return the comms room where the backbone ends."""
        return room_of(self.prison_id, self.code)

    @property
    def rooms(self) -> frozenset[str]:
        """Return the comms rooms from which its cabinets are fed, by name."""
        return frozenset(self.room_of(cabinet).id for cabinet in self.cabinets)

    def room_of(self, cabinet: Cabinet) -> Part:
        """Return the comms room from which one of its cabinets is fed."""
        return cabinet.room or self.room

    def serving(self, code: str) -> WingWays:
        """Return the wing with those cables alone that lead to cells of some wing."""
        return replace(
            self,
            cabinets=tuple(
                replace(each, cables=tuple(c for c in each.cables if (c.wing or self.code) == code))
                for each in self.cabinets
            ),
        )

    @property
    def _place(self) -> str:
        return f"{self.prison_id}/{self.code}"

    def span(self, span_id: str) -> Part:
        """Return a span as what can fail."""
        kind = "riser" if self.spans[span_id].containment == "riser" else "span"
        code = self.others.get(span_id, self.code)
        return Part(id=f"{self.prison_id}/{code}/{span_id}", kind=kind, wing=code)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondWay:
    """A second way to some place, priced: an extra, in no bill's total.

    `ways` has for each place that it leads to what it runs through; `wings` are those that gain.
    """

    id: str
    label: str
    joins: tuple[str, str]
    ways: Mapping[str, tuple[Part, ...]]
    wings: tuple[str, ...]
    lines: tuple[BillLine, ...]

    @property
    def cost_gbp(self) -> Money:
        """Return what it costs over the appraisal, without VAT."""
        return Money.total(line.cost_gbp for line in self.lines)


def uplink_of(prison_id: str) -> Part:
    """Return the circuit that the plan has."""
    return Part(id=f"{prison_id}/uplink", kind="uplink")


def core_of(prison_id: str) -> Part:
    """Return the room in which the core stands."""
    return Part(id=f"{prison_id}/core room", kind="comms_room")


def room_of(prison_id: str, code: str) -> Part:
    """Return the comms room of a wing, where the backbone ends."""
    return Part(id=f"{prison_id}/{code}/comms room", kind="comms_room", wing=code)


def power_of(cabinet: Cabinet, wing: WingWays) -> Part:
    """Return the power feed of a cabinet."""
    return Part(id=f"{cabinet.id}/power", kind="power", wing=wing.code)


def wings_of(plan: Plan, site: SitePlan) -> tuple[WingWays, ...]:
    """Return the wings of a prison with the names that its topology has."""
    topology = topology_of(replace(plan, establishments=(site,)))
    bare = {wing_plan.wing.key: _bare(plan, site, wing_plan) for wing_plan in site.wings}
    cables: defaultdict[tuple[str, str], list[Cable]] = defaultdict(list)
    for wing_plan in site.wings:
        for home, cable in _cables(bare[wing_plan.wing.key], plan, wing_plan, topology):
            cables[home].append(cable)
    return tuple(
        replace(
            bare[wing_plan.wing.key],
            cabinets=tuple(_cabinets(plan, wing_plan, topology, bare, cables)),
            joined=site.backbone.to(wing_plan.wing.wing) if site.backbone else None,
        )
        for wing_plan in site.wings
    )


def dependencies(
    prison_id: str, wings: Iterable[WingWays], second: Iterable[SecondWay] = ()
) -> Dependencies:
    """Return what the cells of some wings depend on, with second ways if any are built."""
    found = Dependencies()
    others = [item for way in second for item in way.ways.items()]

    def to(place: str, start: str, first: tuple[Part, ...]) -> str:
        ways = (first, *(parts for end, parts in others if end == place))
        return found.meet(f"all ways to {place}", [found.led(start, way) for way in ways])

    room = core_of(prison_id)
    inside = found.led(to(room.id, ROOT, (uplink_of(prison_id),)), [room])
    pair = [Part(id=f"{prison_id}/core {side}", kind="core_switch") for side in "AB"]
    core = found.meet(f"{prison_id}/core", [found.led(inside, [switch]) for switch in pair])
    every = list(wings)
    rooms = {
        wing.room.id: found.led(to(wing.room.id, core, wing.first), [wing.room]) for wing in every
    }
    for wing in every:
        for cabinet in wing.cabinets:
            power = power_of(cabinet, wing)
            first = tuple(wing.span(span_id) for span_id in cabinet.fibre_route)
            entry = to(cabinet.id, rooms[wing.room_of(cabinet).id], first)
            powered = to(power.id, entry, (power,))
            rack = Part(id=cabinet.id, kind="distributor", wing=wing.code)
            stands = found.led(powered, [rack])
            for cable in cabinet.cables:
                switch = Part(id=cable.switch, kind="switch", wing=wing.code)
                found.serve(found.led(stands, [switch, *cable.way]), cable.cells)
    return found


def _bare(plan: Plan, site: SitePlan, wing_plan: WingPlan) -> WingWays:
    """Return a wing without its cabinets, with the spans of the wings that are one with it."""
    wing = wing_plan.wing
    spans: dict[str, Span] = {}
    others: dict[str, str] = {}
    standing: set[str] = set()
    for other in (wing_plan, *(w for w in site.wings if w is not wing_plan)):
        if other is not wing_plan and other.wing.key not in wing_plan.block:
            continue
        drawn = {span.span_id: span for span in plan.network_of(other).spans}
        if other is not wing_plan:
            others |= dict.fromkeys(drawn.keys() - spans.keys(), other.wing.wing)
        spans = drawn | spans
        standing |= {name for name, span in drawn.items() if span.state == "existing"}
        standing |= {span.span_id for span in plan.designs[other.design].spans}
    return WingWays(
        prison_id=wing.prison_id,
        code=wing.wing,
        cabinets=(),
        spans=spans,
        standing=frozenset(standing),
        others=others,
    )


def _cabinets(
    plan: Plan,
    wing_plan: WingPlan,
    topology: Topology,
    wings: Mapping[str, WingWays],
    cables: Mapping[tuple[str, str], Sequence[Cable]],
) -> Iterator[Cabinet]:
    """Yield the distributors of a wing with the cables that end in each, of whichever wing."""
    wing, design = wing_plan.wing, plan.designs[wing_plan.design]
    racks = [e.id for e in topology.elements if e.kind == "distributor" and e.wing == wing.wing]
    for rack, distributor in zip(racks, design.distributors, strict=True):
        yield Cabinet(
            id=rack,
            room=wings[distributor.room_wing].room if distributor.room_wing else None,
            # A plan lists the spans from the cabinet back to the comms room.
            fibre_route=tuple(reversed(distributor.fibre_route)),
            cables=tuple(cables.get((wing.key, distributor.name), ())),
        )


def _cables(
    wing: WingWays, plan: Plan, wing_plan: WingPlan, topology: Topology
) -> Iterator[tuple[tuple[str, str], Cable]]:
    """Yield the cables to the points of a wing, with the wing and name of their distributor."""
    design = plan.designs[wing_plan.design]
    elements = {element.id: element for element in topology.elements}
    serving = {cell.cell: cell.element for cell in topology.cells}
    alike: Counter[tuple[tuple[str, str], str, tuple[Part, ...]]] = Counter()
    for point in design.points:
        if not point.cells:
            continue
        element = elements[serving[cell_key(wing_plan.wing, point.cells[0])]]
        own = element.kind != "switch"
        # A plan lists the spans from the point back to its distributor.
        ids = [design.spans[number].span_id for number in reversed(point.route)]
        way = tuple(wing.span(span_id) for span_id in ids)
        if own:
            way += (Part(id=element.id, kind=element.kind, wing=wing.code),)
        switch = element.parent if own else element.id
        home = (point.distributor_wing or wing_plan.wing.key, point.distributor)
        alike[home, switch, way] += len(point.cells)
    for (home, switch, way), cells in alike.items():
        yield home, Cable(wing=wing.code, switch=switch, way=way, cells=cells)

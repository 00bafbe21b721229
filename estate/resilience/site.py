"""The dependencies of one prison, from its plan: uplink, core, backbone, cabinets, spans, cells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from estate.costing import BillLine
from estate.estimate import Money
from estate.model import Span
from estate.resilience.dependence import ROOT, Dependencies, Part
from estate.topology import cell_key, topology_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from estate.plan import Plan, SitePlan, WingPlan
    from estate.topology import Topology

RULES = (
    (
        "The uplink is one circuit. The core is a pair of switches, as it is priced, in one comms "
        "room; each wing has a comms room of its own, and one duct to it from the core."
    ),
    "Each cabinet has one power feed, and one fibre cable along the way that the design gives it.",
    "What the uplink shares with others outside the wall is not known here.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    """A cable or several alike: what they run through from their switch, and the cells there."""

    switch: str
    way: tuple[Part, ...]
    cells: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cabinet:
    """A distributor; `fibre_route` has the spans of its fibre, none where it is in the room."""

    id: str
    fibre_route: tuple[str, ...]
    cables: tuple[Cable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WingWays:
    """A wing as its cables see it.

    Fibre is led from the comms room outward. `standing` are the spans that exist or that the
    plan builds.
    """

    prison_id: str
    code: str
    cabinets: tuple[Cabinet, ...]
    spans: Mapping[str, Span]
    standing: frozenset[str]

    @property
    def duct(self) -> Part:
        """Return the duct from the core."""
        return Part(id=f"{self._place}/duct", kind="duct", wing=self.code)

    @property
    def room(self) -> Part:
        """Return the comms room where the backbone ends."""
        return Part(id=f"{self._place}/comms room", kind="comms_room", wing=self.code)

    @property
    def _place(self) -> str:
        return f"{self.prison_id}/{self.code}"

    def span(self, span_id: str) -> Part:
        """Return a span as what can fail."""
        kind = "riser" if self.spans[span_id].containment == "riser" else "span"
        return Part(id=f"{self._place}/{span_id}", kind=kind, wing=self.code)


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


def power_of(cabinet: Cabinet, wing: WingWays) -> Part:
    """Return the power feed of a cabinet."""
    return Part(id=f"{cabinet.id}/power", kind="power", wing=wing.code)


def wings_of(plan: Plan, site: SitePlan) -> tuple[WingWays, ...]:
    """Return the wings of a prison with the names that its topology has."""
    topology = topology_of(replace(plan, establishments=(site,)))
    return tuple(_wing(plan, wing, topology) for wing in site.wings)


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
    for wing in wings:
        wing_room = found.led(to(wing.room.id, core, (wing.duct,)), [wing.room])
        for cabinet in wing.cabinets:
            power = power_of(cabinet, wing)
            first = tuple(wing.span(span_id) for span_id in cabinet.fibre_route)
            entry = to(cabinet.id, wing_room, first)
            powered = to(power.id, entry, (power,))
            rack = Part(id=cabinet.id, kind="distributor", wing=wing.code)
            stands = found.led(powered, [rack])
            for cable in cabinet.cables:
                switch = Part(id=cable.switch, kind="switch", wing=wing.code)
                found.serve(found.led(stands, [switch, *cable.way]), cable.cells)
    return found


def _wing(plan: Plan, wing_plan: WingPlan, topology: Topology) -> WingWays:
    wing, design = wing_plan.wing, plan.designs[wing_plan.design]
    spans = {span.span_id: span for span in plan.network_of(wing_plan).spans}
    standing = {span.span_id for span in spans.values() if span.state == "existing"}
    bare = WingWays(
        prison_id=wing.prison_id,
        code=wing.wing,
        cabinets=(),
        spans=spans,
        standing=frozenset(standing | {span.span_id for span in design.spans}),
    )
    racks = [e.id for e in topology.elements if e.kind == "distributor" and e.wing == wing.wing]
    cables: defaultdict[str, list[Cable]] = defaultdict(list)
    for name, cable in _cables(bare, plan, wing_plan, topology):
        cables[name].append(cable)
    cabinets = tuple(
        Cabinet(
            id=rack,
            # A plan lists the spans from the cabinet back to the comms room.
            fibre_route=tuple(reversed(distributor.fibre_route)),
            cables=tuple(cables[distributor.name]),
        )
        for rack, distributor in zip(racks, design.distributors, strict=True)
    )
    return replace(bare, cabinets=cabinets)


def _cables(
    wing: WingWays, plan: Plan, wing_plan: WingPlan, topology: Topology
) -> Iterator[tuple[str, Cable]]:
    """Yield the cables to the points of a wing, with the name of their distributor."""
    design = plan.designs[wing_plan.design]
    elements = {element.id: element for element in topology.elements}
    serving = {cell.cell: cell.element for cell in topology.cells}
    alike: Counter[tuple[str, str, tuple[Part, ...]]] = Counter()
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
        alike[point.distributor, switch, way] += len(point.cells)
    for (distributor, switch, way), cells in alike.items():
        yield distributor, Cable(switch=switch, way=way, cells=cells)

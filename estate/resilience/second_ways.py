"""Second ways as priced extras: a circuit, a duct, a link between wings, fibre, a power feed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import networkx as nx

from estate.catalogue import Catalogue
from estate.costing import Bill
from estate.estimate import Estimate
from estate.model import Grade
from estate.resilience.dependence import Part
from estate.resilience.site import SecondWay, core_of, power_of, uplink_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from estate.backbone import SecondRoute
    from estate.costing import BillLine
    from estate.model import Span
    from estate.resilience.site import Cabinet, WingWays

_OUTSIDE = "carrier"
_ONE = Estimate.exactly(1)

RULES = (
    (
        "No public plan shows distances between buildings: a second duct, from the core or from "
        "another wing, is taken to be as long as the assumed first one."
    ),
    (
        "Where a survey draws a second way beside the first, that is the second duct, and costs "
        "what has to be dug and laid beside what the plan has."
    ),
    (
        "A second fibre takes the cheapest way that shares no span with the first; where there is "
        "none, new containment beside it of the same length, apart from it."
    ),
    "Prices are rates alone over the appraisal: no preliminaries, escorts, risk or VAT.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """Prices second ways; `catalogue` is that of the plan."""

    catalogue: Catalogue

    def circuit(self, prison_id: str, wings: Sequence[WingWays]) -> SecondWay:
        """Return a second circuit, which enters the site by another way."""
        bill = self._bill("")
        bill.add("wan_install", _ONE, "a second circuit that enters by another way")
        bill.add_yearly("wan_rental", _ONE, "a second circuit")
        core, part = core_of(prison_id).id, Part(id=f"{prison_id}/uplink 2", kind="uplink")
        return SecondWay(
            id=part.id,
            label="second circuit, by another way in",
            joins=(_OUTSIDE, core),
            ways={core: (part,)},
            wings=tuple(wing.code for wing in wings),
            lines=tuple(bill.lines),
        )

    def duct(self, prison_id: str, wing: WingWays) -> SecondWay:
        """Return a second duct from the core to a wing."""
        part = Part(id=f"{wing.duct.id} 2", kind="duct", wing=wing.code)
        if wing.second is not None:
            return self._drawn(prison_id, wing, wing.second)
        return SecondWay(
            id=part.id,
            label=f"second duct and fibre from the core to {wing.code}",
            joins=(core_of(prison_id).id, wing.room.id),
            ways={wing.room.id: (part,)},
            wings=(wing.code,),
            lines=self._ducted(wing.code),
        )

    def _drawn(self, prison_id: str, wing: WingWays, second: SecondRoute) -> SecondWay:
        bill, basis = self._bill(wing.code), "in drawn ducts, beside what is laid"
        bill.add("external_duct", Estimate.exactly(second.dug_m), basis)
        bill.add("fibre_campus", Estimate.exactly(second.laid_m), basis)
        return SecondWay(
            id=f"{wing.duct.id} 2",
            label=f"second way to {wing.code} by {', '.join(second.route.ducts)}",
            joins=(core_of(prison_id).id, wing.room.id),
            ways={wing.room.id: wing.along(second.route)},
            wings=(wing.code,),
            lines=tuple(bill.lines),
        )

    def standing(self, prison_id: str, wing: WingWays) -> Iterator[SecondWay]:
        """Yield the second ways in drawn ducts that a plan has; its bill has their price."""
        for parts in wing.more:
            yield SecondWay(
                id=f"{wing.duct.id} 2",
                label=f"second way to {wing.code}",
                joins=(core_of(prison_id).id, wing.room.id),
                ways={wing.room.id: parts},
                wings=(wing.code,),
                lines=(),
            )

    def link(self, one: WingWays, other: WingWays) -> SecondWay:
        """Return a duct between two wings, over which each reaches the core through the other."""
        part = Part(id=f"{one.duct.id} to {other.code}", kind="duct")
        return SecondWay(
            id=part.id,
            label=f"duct and fibre between {one.code} and {other.code}",
            joins=(one.room.id, other.room.id),
            ways={
                end.room.id: (*through.first, through.room, part)
                for end, through in ((one, other), (other, one))
            },
            wings=(one.code, other.code),
            lines=self._ducted(""),
        )

    def fibre(self, cabinet: Cabinet, wing: WingWays) -> SecondWay:
        """Return a second fibre from the comms room to a cabinet."""
        found = self._way_beside(cabinet, wing)
        route = found or [wing.spans[span_id] for span_id in cabinet.fibre_route]
        new = [span for span in route if not found or span.span_id not in wing.standing]
        basis = "by spans that the first does not use" if found else "in containment of its own"
        bill = self._bill(wing.code)
        bill.add("fibre_internal", _metres(route), basis)
        bill.add("containment_steel", _metres(new), basis)
        floors = sum(1 for span in new if span.containment == "riser")
        bill.add("core_drill", Estimate.exactly(floors), "floors on the way")
        parts = [wing.span(span.span_id) for span in route]
        return SecondWay(
            id=f"{cabinet.id}/fibre 2",
            label=f"second fibre to {cabinet.id}, {basis}",
            joins=(wing.room_of(cabinet).id, cabinet.id),
            ways={
                cabinet.id: tuple(
                    part if found else replace(part, id=f"{part.id} 2") for part in parts
                )
            },
            wings=(wing.code,),
            lines=tuple(bill.lines),
        )

    def power(self, cabinet: Cabinet, wing: WingWays) -> SecondWay:
        """Return a second power feed of a cabinet."""
        bill = self._bill(wing.code)
        bill.add("power_circuit", _ONE, "from another board")
        first = power_of(cabinet, wing)
        part = replace(first, id=f"{first.id} 2")
        return SecondWay(
            id=part.id,
            label=f"second power feed of {cabinet.id}",
            joins=(first.id, part.id),
            ways={first.id: (part,)},
            wings=(wing.code,),
            lines=tuple(bill.lines),
        )

    def _bill(self, wing: str) -> Bill:
        return Bill(self.catalogue, wing, Grade.ASSUMED)

    def _ducted(self, wing: str) -> tuple[BillLine, ...]:
        bill = self._bill(wing)
        length_m = self.catalogue.assumptions["campus_duct_m_per_wing"]
        for item in ("external_duct", "fibre_campus"):
            bill.add(item, length_m, "taken to be as long as the first duct to a wing")
        return tuple(bill.lines)

    def _way_beside(self, cabinet: Cabinet, wing: WingWays) -> list[Span] | None:
        """Return the cheapest way from a comms room that shares no span with the first fibre."""
        used = set(cabinet.fibre_route)
        graph: nx.MultiGraph[str] = nx.MultiGraph()
        steel = self.catalogue.unit_gbp("containment_steel")
        metre = self.catalogue.unit_gbp("fibre_internal")
        for span in wing.spans.values():
            if span.span_id not in used and span.containment != "drop":
                cost = span.length_m * (metre + (0 if span.span_id in wing.standing else steel))
                graph.add_edge(span.start, span.end, key=span.span_id, cost=cost)
        room, end = _ends([wing.spans[span_id] for span_id in cabinet.fibre_route])
        try:
            nodes = nx.shortest_path(graph, room, end, weight="cost")
        except (nx.NetworkXNoPath, nx.NodeNotFound):
            return None
        chosen = (
            min(graph[a][b], key=lambda k: (graph[a][b][k]["cost"], k)) for a, b in pairwise(nodes)
        )
        return [wing.spans[span_id] for span_id in chosen]


def built(prison_id: str, wings: Sequence[WingWays], pricing: Pricing) -> list[SecondWay]:
    """Return the ducts that a plan with two ways to each building has: wings joined in pairs.

    An odd one out is joined with the first; a single wing has a second duct from the core. Wings
    that drawn ducts join have the second ways that are drawn.
    """
    drawn = [way for wing in wings for way in pricing.standing(prison_id, wing)]
    wings = [wing for wing in wings if wing.joined is None]
    if not wings:
        return drawn
    if len(wings) == 1:
        return [*drawn, pricing.duct(prison_id, wings[0])]
    ends = [*wings, wings[0]] if len(wings) % 2 else wings
    pairs = zip(ends[::2], ends[1::2], strict=True)
    return [*drawn, *(pricing.link(one, other) for one, other in pairs)]


def cheapest(
    prison_id: str,
    wings: Sequence[WingWays],
    pricing: Pricing,
    standing: Sequence[SecondWay] = (),
) -> list[SecondWay]:
    """Return second ways with which no circuit, duct or fibre is alone, after networkx.

    `standing` are those that the plan has already.

    `k_edge_augmentation` costs at most twice the least. What it does not need is taken out, and
    each other way is tried in the place of those that it makes needless.
    """
    graph: nx.Graph[str] = nx.Graph()
    core = core_of(prison_id).id
    # Each way that stands is a node of its own, so that a second one may join the same two ends.
    nx.add_path(graph, (_OUTSIDE, uplink_of(prison_id).id, core))
    wings = _in_use(wings, standing)
    for wing in wings:
        nx.add_path(graph, (core, *(part.id for part in wing.first), wing.room.id))
        if wing.in_core:
            # Nothing between a room and the core in its building is to be doubled.
            nx.add_path(graph, (core, f"inside to {wing.room.id}", wing.room.id))
        for cabinet in wing.cabinets:
            if cabinet.fibre_route:
                nx.add_path(graph, (wing.room_of(cabinet).id, f"fibre to {cabinet.id}", cabinet.id))
    graph.add_edges_from(way.joins for way in standing)
    own = [*_own(prison_id, wings, pricing)]
    links = [pricing.link(one, other) for one, other in combinations(wings, 2)]
    by_ends = {
        frozenset(way.joins): way for way in (*links, *own) if not graph.has_edge(*way.joins)
    }
    offered = {way.joins: float(way.cost_gbp.likely) for way in by_ends.values()}
    chosen = nx.k_edge_augmentation(graph, 2, avail=offered)  # type: ignore[arg-type] # stubs
    found = _needed(graph, [by_ends[frozenset(pair[:2])] for pair in chosen])
    for way in by_ends.values():
        other = _needed(graph, [*found, way], joined=way.joins)
        if way not in found and _cost_gbp(other) < _cost_gbp(found):
            found = other
    return found


def _in_use(wings: Sequence[WingWays], standing: Sequence[SecondWay]) -> list[WingWays]:
    """Return the wings without those whose own comms room and distributors nothing hangs from."""
    rooms = frozenset().union(*(wing.rooms for wing in wings))
    joined = {code for way in standing for code in way.wings}
    return [w for w in wings if w.cabinets or w.room.id in rooms or w.code in joined]


def _own(prison_id: str, wings: Sequence[WingWays], pricing: Pricing) -> Iterator[SecondWay]:
    """Yield a second way of its own for each circuit, duct and fibre."""
    yield pricing.circuit(prison_id, wings)
    for wing in wings:
        if not wing.in_core:
            yield pricing.duct(prison_id, wing)
        for cabinet in wing.cabinets:
            if cabinet.fibre_route:
                yield pricing.fibre(cabinet, wing)


def single_cures(prison_id: str, wings: Sequence[WingWays], pricing: Pricing) -> list[SecondWay]:
    """Return every second way that mends one failure by itself, power feeds among them."""
    feeds = [pricing.power(cabinet, wing) for wing in wings for cabinet in wing.cabinets]
    return [*_own(prison_id, wings, pricing), *feeds]


def _needed(
    graph: nx.Graph[str], ways: Iterable[SecondWay], joined: Collection[str] = ()
) -> list[SecondWay]:
    """Return second ways without those that the others make needless, the dearest tried first.

    Of ways at one price those go first that join fewer wings. With `joined`, only ways that end
    at one of these places are tried.
    """
    kept = sorted(ways, key=lambda way: (way.cost_gbp.likely, -len(way.wings), way.id))
    for way in reversed(list(kept)):
        if joined and set(joined).isdisjoint(way.joins):
            continue
        rest = [other for other in kept if other is not way]
        whole = graph.copy()
        whole.add_edges_from(other.joins for other in rest)
        if not nx.has_bridges(whole):
            kept = rest
    return kept


def _cost_gbp(ways: Iterable[SecondWay]) -> Decimal:
    return sum((way.cost_gbp.likely for way in ways), Decimal(0))


def _ends(spans: Sequence[Span]) -> tuple[str, str]:
    """Return where a route of spans begins and ends."""
    if len(spans) == 1:
        return spans[0].start, spans[0].end
    met = Counter(end for span in spans for end in (span.start, span.end))
    first, last = spans[0], spans[-1]
    return (
        next(end for end in (first.start, first.end) if met[end] == 1),
        next(end for end in (last.start, last.end) if met[end] == 1),
    )


def _metres(spans: Iterable[Span]) -> Estimate:
    return Estimate.exactly(round(sum(span.length_m for span in spans), 3))

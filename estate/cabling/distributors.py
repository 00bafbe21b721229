"""Where cables may end: the comms rooms, and new cabinets at risers, hubs and on landings."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, inf
from typing import TYPE_CHECKING

from estate.cabling.rules import is_bridged, switches_per_cabinet
from estate.cabling.trunk import FibreWay
from estate.model import Point

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from estate.cabling.trunk import Fibres
    from estate.cabling.wing import WingProblem
    from estate.model import Distributor

_CABINET = {"cabinet": 1.0, "power_circuit": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A distributor that a design may use.

    `items` is what opening it takes, `fibre` the way of its fibre from a comms room (None in a
    comms room), and `switches_max` the most switches that it holds.
    """

    name: str
    kind: str
    node: int
    floor: int
    at: Point
    items: dict[str, float]
    fibre: FibreWay | None
    switches_max: int
    ports_free: int


def ports_per_switch(problem: WingProblem) -> float:
    """Return the ports of a switch that may be used, the spare ones left."""
    spare = max(1.0, problem.catalogue.assumptions["spare_ports"].likely)
    return round(problem.rules["switch.ports"] / spare, 6)


def hubs_of(problem: WingProblem, fibres: Fibres) -> tuple[Hub, ...]:
    """Return every distributor that the design may use, comms rooms first.

    Where one cabinet cannot hold the switches of all cells there are several at each place.
    """
    limits = switches_per_cabinet(poe_ports=problem.rules["switch.ports"], rules=problem.rules)
    assumed = problem.catalogue.assumptions["switches_per_cabinet"].likely
    holds = max(1, min(floor(assumed), *limits.values()))
    copies = ceil(len(problem.cells) / ports_per_switch(problem) / holds)
    hubs = [
        hub
        for distributor, node in zip(problem.comms_rooms, problem.rooms, strict=True)
        for hub in _room(problem, distributor, node, holds=holds, copies=copies)
    ]
    for node in _cabinet_nodes(problem):
        fibre = fibres.to(node)
        if fibre is None or not is_bridged(fibre.length_m, rules=problem.rules):
            continue
        containment = problem.containment
        for copy in range(copies):
            hubs.append(  # noqa: PERF401 - the copies of one place
                Hub(
                    name=_numbered(f"cabinet at {containment.names[node]}", copy),
                    kind="new cabinet",
                    node=node,
                    floor=containment.floors[node],
                    at=containment.places[node],
                    items=_CABINET | {"fibre_internal": fibre.length_m} | _works(problem, fibre),
                    fibre=fibre,
                    switches_max=holds,
                    ports_free=0,
                )
            )
    return tuple(hubs)


def _room(
    problem: WingProblem, distributor: Distributor, node: int, *, holds: int, copies: int
) -> Iterator[Hub]:
    """Yield what stands in a comms room with room to spare, and new cabinets in it."""
    place = {
        "kind": "comms room",
        "node": node,
        "floor": distributor.floor,
        "at": distributor.at,
        "fibre": None,
    }
    units, power_w = distributor.rack_units_free, distributor.power_free_w
    ports = distributor.switch_ports_free or 0
    if distributor.state == "existing" and (units or ports):
        rules = problem.rules
        fits = floor((units or 0) / rules["rack.units_per_switch"])
        if power_w is not None:
            fits = min(fits, floor(power_w / (rules["switch.idle_w"] + rules["poe.switch_w"])))
        yield Hub(
            name=distributor.distributor_id,
            items={},
            switches_max=fits,
            ports_free=ports,
            **place,  # type: ignore[arg-type]
        )
    for copy in range(copies):
        yield Hub(
            name=_numbered(f"cabinet in {distributor.distributor_id}", copy),
            items=dict(_CABINET),
            switches_max=holds,
            ports_free=0,
            **place,  # type: ignore[arg-type]
        )


def _cabinet_nodes(problem: WingProblem) -> list[int]:
    """Return where a new cabinet may stand: at each riser's end, in each hub, and where drawn.

    A landing of which some cell is beyond the link limit from all of these may have one midway
    along it as well.
    """
    containment, network = problem.containment, problem.network
    hubs = {space.space_id for space in network.spaces if space.kind == "hub"}
    numbers = containment.numbers
    ends = {end for s in network.spans if s.containment == "riser" for end in (s.start, s.end)} | {
        j.junction_id for j in network.junctions if j.space_id in hubs
    }
    named = {numbers[name] for name in ends if name in numbers}
    nodes = sorted({*named, *problem.drawn_cabinets} - set(problem.rooms))
    lengths = [way.span.length_m for way in containment.ways]
    limit_m = problem.link_limit_m
    while True:
        sources = [*problem.rooms, *nodes]
        distances, _ = containment.shortest(sources, lengths)
        nearest = distances.min(axis=0)
        beyond = [
            (float(nearest[tap.node] + tap.length_m), tap.node)
            for tap in problem.taps
            if limit_m < nearest[tap.node] + tap.length_m < inf
        ]
        if not beyond:
            return nodes
        _, farthest = max(beyond)
        nodes.append(_midway(problem, farthest, nearest, limit_m))
        if len(set(nodes)) < len(nodes):
            return sorted(set(nodes))


def _midway(problem: WingProblem, farthest: int, nearest: np.ndarray, limit_m: float) -> int:
    """Return the node of the same floor that is nearest to a comms room and reaches a node."""
    containment = problem.containment
    lengths = [way.span.length_m for way in containment.ways]
    distances, _ = containment.shortest([farthest], lengths)
    floor_of = containment.floors
    within = [
        (float(nearest[node]), node)
        for node in range(len(floor_of))
        if floor_of[node] == floor_of[farthest] and distances[0, node] <= limit_m / 2
    ]
    return min(within)[1]


def _works(problem: WingProblem, fibre: FibreWay) -> dict[str, float]:
    ways = [problem.containment.ways[number] for number in fibre.built]
    works = {
        "containment_steel": round(sum(way.span.length_m for way in ways), 3),
        "core_drill": float(sum(way.drills for way in ways)),
    }
    return {item: quantity for item, quantity in works.items() if quantity}


def _numbered(name: str, copy: int) -> str:
    return name if not copy else f"{name} ({copy + 1})"

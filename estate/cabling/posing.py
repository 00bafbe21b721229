"""The joint problem in the arrays of a solver, and the solver's answer as a solution."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, fsum, inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from estate.cabling.joint import Joint
from estate.cabling.options import BUILT, Option
from estate.cabling.solution import Link, Solution
from estate.optimise import ConnectedCover, Connection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from estate.cabling.points import ServicePoint
    from estate.optimise import Connected, Known


@dataclass(frozen=True, kw_only=True, eq=False)
class Posed:
    """A problem as a solver takes it; `points`, `cells` and `families` say what its rows are."""

    joint: Joint
    cover: ConnectedCover
    points: tuple[int, ...]
    cells: tuple[int, ...]
    families: tuple[int, ...]

    def solution(self, answer: Connected) -> Solution:
        """Return what the solver's answer builds."""
        servers = [-1] * len(self.joint.wing.cells)
        for cell, server in zip(self.cells, answer.serving, strict=True):
            servers[cell] = self.points[server]
        used = set(servers)
        links = sorted(
            (
                Link(point=self.points[cable.point], hub=cable.hub, route=cable.edges)
                for cable in answer.connections
                if self.points[cable.point] in used
            ),
            key=lambda link: link.point,
        )
        options = {
            family: BUILT[mode] for family, mode in zip(self.families, answer.modes, strict=True)
        }
        return Solution(
            joint=self.joint, links=tuple(links), options=options, servers=tuple(servers)
        )

    def known(self, solution: Solution) -> Known:
        """Return a solution that keeps the rules as the solver takes it."""
        numbers = {point: number for number, point in enumerate(self.points)}
        ways = self.joint.wing.containment.ways
        connections = [
            Connection(
                point=numbers[link.point],
                hub=link.hub,
                edges=link.route,
                length=self.joint.points[link.point].length_m
                + fsum(ways[way].span.length_m for way in link.route),
            )
            for link in solution.links
        ]
        return connections, [numbers[solution.servers[cell]] for cell in self.cells]


def posed(
    joint: Joint,
    offered: Mapping[int, Sequence[Option]],
    *,
    rest: Solution | None = None,
) -> Posed:
    """Return the problem of some landings, each with its options, beside what stands already.

    What `rest` builds is there for nothing: its ways, its open distributors, the idle ports of
    its switches.
    """
    wing = joint.wing
    families = tuple(sorted(offered))
    cells = tuple(cell for cell, found in enumerate(wing.families) if found in offered)
    columns = {cell: number for number, cell in enumerate(cells)}
    points = tuple(
        number
        for number, point in enumerate(joint.points)
        if any(
            cell in columns and point.option in offered[wing.families[cell]]
            for cell in point.serves
        )
    )
    used = rest.cables if rest else {}
    switches = rest.switches if rest else {}
    free = joint.certain | frozenset(used)
    found = [joint.points[number] for number in points]
    hubs, ways = joint.hubs, wing.containment.ways
    loads, serving = _services(joint, found, columns)
    cover = ConnectedCover(
        node_count=len(wing.containment.names),
        tails=_whole([way.tail for way in ways]),
        heads=_whole([way.head for way in ways]),
        build_costs=_real(
            [0.0 if n in free else cost for n, cost in enumerate(wing.way_costs_gbp)]
        ),
        lengths=_real([round(way.span.length_m, 3) for way in ways]),
        capacities=_real([way.capacity - used.get(n, 0) for n, way in enumerate(ways)]),
        hub_nodes=_whole([hub.node for hub in hubs]),
        hub_costs=_real(
            [0.0 if n in switches else joint.cost_gbp(hub.items) for n, hub in enumerate(hubs)]
        ),
        module_size=joint.ports_per_switch,
        module_costs=np.full(len(hubs), wing.catalogue.unit_gbp("switch_48_poe")),
        module_limits=_whole([hub.switches_max - switches.get(n, 0) for n, hub in enumerate(hubs)]),
        free_ports=_whole([_idle(joint, n, rest) for n in range(len(hubs))]),
        point_nodes=_whole([point.node for point in found]),
        point_costs=_real([joint.cost_gbp(point.items) for point in found]),
        point_lengths=_real([round(point.length_m, 3) for point in found]),
        point_capacities=np.ones(len(found)),
        cable_cost=wing.catalogue.unit_gbp("cable_cat6a"),
        length_limit=joint.limit_m,
        loads=loads,
        serving_costs=serving,
        families=_whole([families.index(wing.families[cell]) for cell in cells]),
        modes=_whole([BUILT.index(point.option) for point in found]),
        mode_costs=_mode_costs(joint, offered, families),
    )
    return Posed(joint=joint, cover=cover, points=points, cells=cells, families=families)


def _whole(numbers: Sequence[int]) -> NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)


def _real(numbers: Sequence[float]) -> NDArray[np.float64]:
    return np.array(numbers, dtype=np.float64)


def _idle(joint: Joint, hub: int, rest: Solution | None) -> int:
    """Return the ports of a hub that are free, those of switches beside others included."""
    ports = joint.hubs[hub].ports_free
    if rest is None:
        return ports
    ports += floor(rest.switches.get(hub, 0) * joint.ports_per_switch)
    return max(0, ports - rest.ports.get(hub, 0))


def _services(
    joint: Joint, points: Sequence[ServicePoint], columns: Mapping[int, int]
) -> tuple[csr_array, csr_array]:
    """Return loads and costs of serving, row by point and column by cell."""
    pairs = [
        (row, columns[cell], load, _per_cell_gbp(joint, point, cell))
        for row, point in enumerate(points)
        for cell, load in sorted(point.serves.items())
        if cell in columns
    ]
    rows, cells, loads, costs = zip(*pairs, strict=True)
    shape = (len(points), len(columns))
    return csr_array((loads, (rows, cells)), shape=shape), csr_array(
        (costs, (rows, cells)), shape=shape
    )


def _per_cell_gbp(joint: Joint, point: ServicePoint, cell: int) -> float:
    return joint.cost_gbp(point.per_cell.get(cell, {}))


def _mode_costs(
    joint: Joint, offered: Mapping[int, Sequence[Option]], families: Sequence[int]
) -> NDArray[np.float64]:
    costs = np.full((len(families), len(BUILT)), inf)
    for row, family in enumerate(families):
        for option in offered[family]:
            tree = joint.trees.get(family, ()) if option == Option.PASSIVE_OPTICAL else ()
            costs[row, BUILT.index(option)] = joint.cost_gbp(joint.works(tree))
    return costs

"""Some landings with an option beside what stands: who serves their cells, then the cables."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from estate.cabling.options import WIRELESS, Option
from estate.cabling.solution import Link, Solution
from estate.optimise import InfeasibleError, UnfinishedError, capacitated_cover

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from estate.cabling.joint import Joint

_EFFORT = 0.01
_SECONDS = 600.0
_ROUNDING = 1e-9
_LEAST_GBP = 0.01  # An access point that stands costs nothing; a cover wants a number above 0.


def nothing_built(joint: Joint) -> Solution:
    """Return the design of a wing before anything is in it."""
    return Solution(joint=joint, links=(), options={}, servers=(-1,) * len(joint.wing.cells))


def beside(rest: Solution, families: Collection[int], option: Option) -> Solution | None:
    """Return a design with an option for some landings beside the rest; None for none found.

    Wireless cells are covered by the cheapest access points, each counted with its cable to the
    nearest distributor and its part of a switch; those of the rest serve on with the airtime
    that is left. Cables go the shortest way to an open distributor, or all to the one for which
    that is cheapest.
    """
    joint = rest.joint
    cells = [cell for cell, family in enumerate(joint.wing.families) if family in families]
    points = [
        number
        for number, point in enumerate(joint.points)
        if point.option == option and not point.serves.keys().isdisjoint(cells)
    ]
    served = _cover if option in WIRELESS else _in_turn
    servers = served(rest, points, cells)
    if servers is None:
        return None
    new = sorted(set(servers.values()) - {link.point for link in rest.links})
    whole = dict.fromkeys(families, option)
    designs = (
        _with(rest, links, servers, whole) for links in _connections(rest, new) if links is not None
    )
    return min(designs, key=lambda design: design.cost_gbp, default=None)


def _in_turn(
    rest: Solution, points: Sequence[int], cells: Sequence[int]
) -> Mapping[int, int] | None:
    """Return for each cell the first point that has room for it."""
    room = dict.fromkeys(points, 1.0 + _ROUNDING)
    servers = {}
    for cell in cells:
        for number in points:
            load = rest.joint.points[number].serves.get(cell)
            if load is not None and load <= room[number]:
                room[number] -= load
                servers[cell] = number
                break
        else:
            return None
    return servers


def _cover(rest: Solution, points: Sequence[int], cells: Sequence[int]) -> Mapping[int, int] | None:
    """Return the access point of each cell."""
    joint, catalogue = rest.joint, rest.joint.wing.catalogue
    columns = {cell: column for column, cell in enumerate(cells)}
    used: Counter[int] = Counter()
    airtime: defaultdict[int, float] = defaultdict(float)
    for cell, server in enumerate(rest.servers):
        if server >= 0:
            airtime[server] += joint.points[server].serves[cell]
            used[server] += 1
    metre = catalogue.unit_gbp("cable_cat6a")
    port = catalogue.unit_gbp("switch_48_poe") / joint.ports_per_switch
    costs = [
        _LEAST_GBP
        if used[number]
        else joint.cost_gbp(joint.points[number].items) + metre * joint.cables_m_min[number] + port
        for number in points
    ]
    room = [max(0.0, round(1 - airtime[number], 6)) for number in points]
    pairs = [
        (row, columns[cell], load)
        for row, number in enumerate(points)
        for cell, load in sorted(joint.points[number].serves.items())
        if cell in columns and load <= room[row]
    ]
    # Landings built alike, and the same landing beside another rest, want the same cover.
    key = (tuple(costs), tuple(pairs), tuple(room), len(cells))
    if key not in joint.covers:
        joint.covers[key] = _assigned(costs, pairs, room, cells=len(cells))
    rows = joint.covers[key]
    return None if rows is None else {cell: points[r] for cell, r in zip(cells, rows, strict=True)}


def _assigned(
    costs: Sequence[float],
    pairs: Sequence[tuple[int, int, float]],
    room: Sequence[float],
    *,
    cells: int,
) -> tuple[int, ...] | None:
    """Return the row that serves each cell, None for none found; a pair is row, cell and load."""
    if not pairs:
        return None
    rows, places, loads = zip(*pairs, strict=True)
    table = csr_array((loads, (rows, places)), shape=(len(costs), cells))
    # Most have room for all cells that they hear best: then it is a cover without limits.
    limits = None if (table.sum(axis=1) <= np.array(room) + _ROUNDING).all() else room
    try:
        cover = capacitated_cover(costs, table, limits, effort=_EFFORT, seconds=_SECONDS)
    except (InfeasibleError, UnfinishedError):
        return None
    return cover.assignment


def _connections(rest: Solution, new: Sequence[int]) -> Iterable[list[Link] | None]:
    """Yield the cables of new points: to the open distributors, and to each alone."""
    if rest.ports:
        yield _linked(rest, new, sorted(rest.ports))
    for hub in range(len(rest.joint.hubs)):
        if hub not in rest.ports:
            yield _linked(rest, new, [hub])


def _linked(rest: Solution, new: Sequence[int], hubs: Sequence[int]) -> list[Link] | None:
    """Return a cable from each point to the nearest of some distributors with room for it."""
    joint = rest.joint
    distances, _ = joint.hub_routes
    ports = Counter(rest.ports)
    links = []
    for number in new:
        point = joint.points[number]
        near = sorted((float(distances[hub, point.node]), hub) for hub in hubs)
        for length_m, hub in near:
            most = (
                joint.hubs[hub].ports_free + joint.hubs[hub].switches_max * joint.ports_per_switch
            )
            if length_m + point.length_m <= joint.limit_m and ports[hub] + 1 <= most:
                break
        else:
            return None
        ports[hub] += 1
        links.append(Link(point=number, hub=hub, route=joint.route(hub, point.node)))
    return links


def _with(
    rest: Solution,
    links: Sequence[Link],
    servers: Mapping[int, int],
    options: Mapping[int, Option],
) -> Solution:
    return _in_what_stands(
        Solution(
            joint=rest.joint,
            links=tuple(sorted((*rest.links, *links), key=lambda link: link.point)),
            options={**rest.options, **options},
            servers=tuple(servers.get(cell, server) for cell, server in enumerate(rest.servers)),
        )
    )


def _in_what_stands(design: Solution) -> Solution:
    """Return a design with the cables of new containment in what stands beside it, if they fit."""
    containment = design.joint.wing.containment
    moved = {}
    for number, cables in design.cables.items():
        for other in containment.standing_beside.get(number, ()):
            if design.cables.get(other, 0) + cables <= containment.ways[other].capacity:
                moved[number] = other
    if not moved:
        return design
    links = (
        link
        if moved.keys().isdisjoint(link.route)
        else replace(link, route=tuple(moved.get(way, way) for way in link.route))
        for link in design.links
    )
    return replace(design, links=tuple(links))

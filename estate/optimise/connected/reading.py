"""From the variables of a programme to an answer, priced anew from its cables."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.connected.problem import Connection, customers_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estate.optimise.arrays import Floats
    from estate.optimise.connected.formulation import Choice, Formulation
    from estate.optimise.connected.network import Lane, Network
    from estate.optimise.connected.problem import ConnectedCover
    from estate.optimise.connected.ways import Way

# Lanes of a link up to which every set of them is tried.
_TRIED = 8


def read(formulation: Formulation, values: Floats) -> tuple[list[Connection], list[int]]:
    """Return the cables and who serves each customer, without what nobody needs."""
    serving = _serving(formulation, values)
    sent: dict[int, Way] = {}
    for points in formulation.bundles:
        taken = [point for point in points if values[formulation.take[point]] > 1 / 2]
        left = iter(taken)
        for number, way in enumerate(formulation.choices[points[0]].ways):
            count = round(float(values[formulation.send[points[0], number]]))
            sent.update((point, way) for _, point in zip(range(count), left, strict=False))
    chosen = {point: sent[point] for point in sorted(set(serving))}
    return laid(formulation.problem, formulation.network, formulation.choices, chosen), serving


def laid(
    problem: ConnectedCover,
    network: Network,
    choices: dict[int, Choice],
    chosen: dict[int, Way],
) -> list[Connection]:
    """Return the cables of points along their ways, each in a lane that has room for it."""
    links = {point: [*choices[point].tree, *way.links()] for point, way in chosen.items()}
    cables: defaultdict[int, list[int]] = defaultdict(list)
    for point, passed in sorted(links.items()):
        for link in passed:
            cables[link].append(point)
    edge_of: dict[tuple[int, int], int] = {}
    for link, points in cables.items():
        left = iter(points)
        for lane in cheapest_lanes(network.links[link].lanes, count=len(points)):
            room = len(points) if lane.capacity == inf else int(lane.capacity)
            for _, point in zip(range(room), left, strict=False):
                edge_of[link, point] = lane.edge
    hubs = _hubs(problem, network, chosen)
    return [
        Connection(
            point=point,
            hub=hubs[point],
            edges=tuple(edge_of[link, point] for link in links[point]),
            length=float(problem.point_lengths[point])
            + sum(network.links[link].length for link in links[point]),
        )
        for point, way in sorted(chosen.items())
    ]


def _hubs(problem: ConnectedCover, network: Network, chosen: dict[int, Way]) -> dict[int, int]:
    """Return the hub of each point: of hubs alike, the next one when one is full."""
    ports = np.floor(problem.module_size * problem.module_limits + 1e-9).astype(np.int64)
    ended: Counter[int] = Counter()
    hubs = {}
    for point, way in sorted(chosen.items()):
        alike = network.alike[way.hub]
        hubs[point] = alike[min(ended[way.hub] // max(1, int(ports[way.hub])), len(alike) - 1)]
        ended[way.hub] += 1
    return hubs


def cheapest_lanes(lanes: Sequence[Lane], *, count: int) -> Sequence[Lane]:
    """Return the cheapest lanes that hold a number of cables together."""
    best: Sequence[Lane] = lanes
    cost = sum(lane.cost for lane in lanes)
    for size in range(1, len(lanes) if len(lanes) <= _TRIED else 0):
        for some in combinations(lanes, size):
            total = sum(lane.cost for lane in some)
            if total < cost and sum(int(min(lane.capacity, count)) for lane in some) >= count:
                best, cost = some, total
    return best


def _serving(formulation: Formulation, values: Floats) -> list[int]:
    """Return who serves each customer: who is said to most, with the least load among equals."""
    problem = formulation.problem
    best: dict[int, tuple[float, float, int]] = {}
    for point in formulation.choices:
        for customer, load in customers_of(problem, point):
            variable = formulation.serve.get((point, customer), -1)
            if variable < 0:
                continue
            family = int(problem.families[customer])
            mode = formulation.mode[family, int(problem.modes[point])]
            if values[mode] < 1 / 2 or values[formulation.take[point]] < 1 / 2:
                continue
            rank = (-float(np.rint(values[variable] * 1e6)), load, point)
            if customer not in best or rank < best[customer]:
                best[customer] = rank
    return [best[customer][2] for customer in range(problem.customer_count)]

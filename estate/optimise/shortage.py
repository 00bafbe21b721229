"""Who cannot be served, and why not: the smallest proof that capacity is short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ortools.graph.python.max_flow import SimpleMaxFlow

if TYPE_CHECKING:
    from estate.optimise.arrays import Bools, Floats, Ints


# Amounts are counted in this many parts of the total demand; flows are whole numbers.
_PARTS = 10**12


def short_of_capacity(*, demand: Floats, capacity: Floats, may_serve: Bools) -> tuple[Ints, Ints]:
    """Return customers whose demand exceeds all that may serve them, and those who may.

    Both are empty where the demand can be met, if need be by splitting it. `may_serve` has a
    row for each server and a column for each customer. By Hall's theorem and the cut of least
    capacity between demand and supply such customers exist exactly if demand cannot be met.
    """
    scale = _PARTS / max(float(demand.sum()), 1.0)
    wanted = np.floor(demand * scale).astype(np.int64)
    offered = np.ceil(np.minimum(capacity, demand.sum()) * scale).astype(np.int64)
    servers, customers = np.nonzero(may_serve)
    customer_count = demand.size
    source, sink = customer_count + capacity.size, customer_count + capacity.size + 1
    every_customer = np.arange(customer_count)
    every_server = customer_count + np.arange(capacity.size)
    flow = SimpleMaxFlow()
    flow.add_arcs_with_capacity(np.full(customer_count, source), every_customer, wanted)
    flow.add_arcs_with_capacity(
        customers, customer_count + servers, np.full(servers.size, _PARTS, dtype=np.int64)
    )
    flow.add_arcs_with_capacity(every_server, np.full(capacity.size, sink), offered)
    flow.solve(source, sink)
    if flow.optimal_flow() >= wanted.sum():
        nobody = np.empty(0, dtype=np.int64)
        return nobody, nobody
    near = np.sort(np.array(flow.get_source_side_min_cut(), dtype=np.int64))
    return near[near < customer_count], near[(near >= customer_count) & (near < source)] - (
        customer_count
    )


def shared_out(servers: Ints, customers: Ints, places: Ints, *, count: int) -> Bools:
    """Return which pairs to use so that customers get one place each, as many as can.

    Pair k is `servers[k]` and `customers[k]`; `places` is what each server has; there are
    `count` customers.
    """
    source, sink = count + places.size, count + places.size + 1
    flow = SimpleMaxFlow()
    one_each = np.ones(count, dtype=np.int64)
    flow.add_arcs_with_capacity(np.full(count, source), np.arange(count), one_each)
    single = np.ones(servers.size, dtype=np.int64)
    pairs = flow.add_arcs_with_capacity(customers, count + servers, single)
    flow.add_arcs_with_capacity(
        count + np.arange(places.size), np.full(places.size, sink), np.minimum(places, count)
    )
    flow.solve(source, sink)
    used: Bools = np.asarray(flow.flows(pairs)) > 0
    return used

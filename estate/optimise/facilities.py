"""Which facilities to open, and which serves whom, within their capacities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import fsum
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, vstack

from estate.optimise.answer import (
    InfeasibleError,
    Limits,
    StoppedBy,
    UnfinishedError,
    relative_gap,
    stopped_by,
)
from estate.optimise.arrays import Bools, Floats
from estate.optimise.effort import Budget
from estate.optimise.exactness import common_unit, raised
from estate.optimise.lagrangian import Priced, Site, priced
from estate.optimise.programme import Found, Programme, minimise, no_dearer_than
from estate.optimise.shortage import short_of_capacity

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# For an effort of 1: nodes of branch and bound, and units of work for the prices.
_NODES = 3000
_PRICING = 2e7

# A first look takes the pairs whose bound is this close to that of the best answer, as a share
# of it, and stops at this gap.
_LOOKS = (0.002, 0.008, 0.032)
_LOOK_GAP = 1e-3

# Knapsacks are solved by tables up to this capacity in units of demand.
_CAPACITY_MAX = 5000

# What an engine may be over a capacity by its own rounding, as a share of it.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class Facilities:
    """Which facilities to open, who serves whom, and what every answer costs at least.

    `assignment[i, j]` is the share of customer j's demand that facility i serves. `gap` is the
    share of the cost that a better answer could save at most.
    """

    open: tuple[int, ...]
    assignment: Floats
    cost: float
    bound: float
    gap: float
    stopped_by: StoppedBy


@dataclass(frozen=True, eq=False)
class Problem:
    """The tables of a problem, as arrays."""

    opening: Floats
    capacity: Floats
    demand: Floats
    cost: Floats
    single_source: bool

    @cached_property
    def unit(self) -> float:
        """Return the unit of which all prices are multiples; 0 if there is none."""
        return common_unit(np.append(self.opening, self.cost[np.isfinite(self.cost)]))

    def price(self, shares: Floats) -> float:
        """Return what it costs to serve customers so, from the facilities that it takes."""
        used = shares.any(axis=1)
        parts = shares[shares > 0] * self.cost[shares > 0]
        return fsum(self.opening[used]) + fsum(parts)

    def step(self, cost: float) -> float:
        """Return by how much a better answer is better."""
        return (self.unit or abs(cost) * 1e-9) * (1 - 1e-6)

    @property
    def possible(self) -> Bools:
        """Return which facility may serve which customer at all."""
        room = np.minimum(self.capacity, np.inf)[:, np.newaxis]
        enough = room >= self.demand if self.single_source else (room > 0) | (self.demand == 0)
        found: Bools = np.isfinite(self.cost) & enough
        return found


def capacitated_facilities(  # noqa: PLR0913 - the problem's four tables, then every solver's limits
    opening: ArrayLike,
    capacity: ArrayLike,
    demand: ArrayLike,
    assignment_cost: ArrayLike,
    *,
    single_source: bool = True,
    effort: float = 1.0,
    seconds: float = 60.0,
    seed: int = 0,
    threads: int = 1,
) -> Facilities:
    """Return the cheapest facilities that serve all customers.

    Parameters
    ----------
    opening
        What each of m facilities costs to open; shape (m,).
    capacity
        How much demand it serves at most; shape (m,), infinite for no limit.
    demand
        How much each of n customers asks for; shape (n,).
    assignment_cost
        What it costs that a facility serves all of a customer; shape (m, n), infinite where
        it cannot.
    single_source
        Whether one facility has to serve all of a customer.
    effort, seconds, seed, threads
        As in `Limits`.

    Raises
    ------
    InfeasibleError
        When customers cannot be served; the culprits are the smallest group known whose
        facilities do not suffice.
    ValueError
        When shapes differ, or a number is negative or not a number.
    """
    limits = Limits(effort=effort, seconds=seconds, seed=seed, threads=threads)
    problem = _checked(
        Problem(
            np.asarray(opening, dtype=np.float64),
            np.asarray(capacity, dtype=np.float64),
            np.asarray(demand, dtype=np.float64),
            np.asarray(assignment_cost, dtype=np.float64),
            single_source,
        )
    )
    _check_capacity(problem)
    budget = Budget(limits.effort * _PRICING, seconds=limits.seconds)
    found = _solved(problem, budget, nodes=max(1, round(limits.effort * _NODES)))
    if found.values is None and np.isposinf(found.bound):
        raise InfeasibleError(
            "the facilities have room for all customers only if some are split",
            culprits=range(problem.demand.size),
        )
    if found.values is None:
        raise UnfinishedError(f"no answer within {seconds:g} seconds and an effort of {effort:g}")
    return _answer(problem, found, out_of_time=budget.out_of_time)


def facilities_programme(problem: Problem, may_serve: Bools) -> tuple[Programme, list[str]]:
    """Return the problem as a programme, and its variables' names.

    First come the facilities, then the pairs of facility and customer that are allowed. A
    facility that is closed serves nobody: that is a row for each pair, which the rows of
    capacity imply for whole answers only.
    """
    count = problem.opening.size
    servers, customers = np.nonzero(may_serve)
    pairs = np.arange(servers.size)
    columns = count + pairs
    width = count + servers.size
    ones = np.ones(servers.size)
    served = csr_array((ones, (customers, columns)), shape=(problem.demand.size, width))
    load = csr_array((problem.demand[customers], (servers, columns)), shape=(count, width))
    limited = np.isfinite(problem.capacity)
    room = np.where(limited, problem.capacity, 0.0)
    given = csr_array((room, (np.arange(count), np.arange(count))), shape=(count, width))
    open_first = csr_array(
        (np.append(ones, -ones), (np.append(pairs, pairs), np.append(columns, servers))),
        shape=(servers.size, width),
    )
    enough = csr_array(given.sum(axis=0)[np.newaxis]) if limited.all() else given[:0]
    rows = csr_array(vstack((served, (load - given)[limited], open_first, enough)))
    below = rows.shape[0] - problem.demand.size - enough.shape[0]
    total = np.full(enough.shape[0], problem.demand.sum())
    programme = Programme(
        costs=np.concatenate((problem.opening, problem.cost[servers, customers])),
        whole=np.append(np.ones(count, bool), np.full(servers.size, problem.single_source)),
        rows=rows,
        floor=np.concatenate((np.ones(problem.demand.size), np.full(below, -np.inf), total)),
        ceiling=np.concatenate(
            (np.ones(problem.demand.size), np.zeros(below), np.full(total.size, np.inf))
        ),
    )
    names = [f"open_{each}" for each in range(count)]
    pairs_named = zip(servers.tolist(), customers.tolist(), strict=True)
    return programme, names + [f"serve_{server}_{customer}" for server, customer in pairs_named]


def _solved(problem: Problem, budget: Budget, *, nodes: int) -> Found:
    """Return an answer as shares of facilities and customers."""
    site = _in_units(problem) if problem.single_source else None
    possible = problem.possible
    whole, _ = facilities_programme(problem, possible)
    if site is None:
        return _searched(whole, possible, budget, nodes=nodes)
    prices = priced(site, budget)
    first = _looked(problem, prices, budget, nodes=nodes)
    if first.values is None:
        return _searched(whole, possible, budget, nodes=nodes)
    cost = problem.price(first.values)
    better = cost - problem.step(cost)
    allowed = possible & (prices.with_choice <= better)
    programme, _ = facilities_programme(problem, allowed)
    second = _searched(no_dearer_than(programme, better), allowed, budget, nodes=nodes)
    bound = min(max(second.bound, prices.bound), cost if problem.unit else better)
    return Found(values=first.values if second.values is None else second.values, bound=bound)


def _looked(problem: Problem, prices: Priced, budget: Budget, *, nodes: int) -> Found:
    """Return a good answer from the pairs that the prices favour, or none."""
    for width in _LOOKS:
        near = prices.with_choice <= prices.bound + abs(prices.bound) * width
        allowed = problem.possible & near
        programme, _ = facilities_programme(problem, allowed)
        found = _searched(programme, allowed, budget, nodes=nodes, gap=_LOOK_GAP)
        if found.values is not None:
            return found
    return Found(values=None, bound=-np.inf)


def _searched(
    programme: Programme, may_serve: Bools, budget: Budget, *, nodes: int, gap: float = 0.0
) -> Found:
    """Return an answer of a programme in which only some pairs may serve."""
    found = minimise(programme, nodes=nodes, seconds=budget.seconds_left, gap=gap)
    if found.values is None:
        return found
    shares = np.zeros(may_serve.shape)
    shares[may_serve] = found.values[may_serve.shape[0] :]
    return Found(values=shares, bound=found.bound)


def _in_units(problem: Problem) -> Site | None:
    """Return the problem with demand in whole units; None where it has none, or too many."""
    capacity = np.minimum(problem.capacity, problem.demand.sum())
    unit = common_unit(problem.demand)
    if not unit or capacity.max() / unit > _CAPACITY_MAX:
        return None
    return Site(
        opening=problem.opening,
        capacity=np.floor(capacity / unit * (1 + 1e-12) + 1e-9).astype(np.int64),
        demand=np.rint(problem.demand / unit).astype(np.int64),
        cost=np.where(problem.possible, problem.cost, np.inf),
    )


def _answer(problem: Problem, found: Found, *, out_of_time: bool) -> Facilities:
    shares = np.asarray(found.values)
    shares = shares / shares.sum(axis=0)
    over = shares @ problem.demand > problem.capacity * (1 + _ROUNDING)
    if over.any():
        raise AssertionError(f"facility {int(over.argmax())} serves more than its capacity")
    cost = problem.price(shares)
    bound = raised(found.bound, unit=problem.unit if problem.single_source else 0.0, cost=cost)
    return Facilities(
        open=tuple(np.flatnonzero(shares.any(axis=1)).tolist()),
        assignment=shares,
        cost=cost,
        bound=bound,
        gap=relative_gap(cost=cost, bound=bound),
        stopped_by=stopped_by(cost=cost, bound=bound, out_of_time=out_of_time),
    )


def _checked(problem: Problem) -> Problem:
    count, customers = problem.opening.size, problem.demand.size
    if problem.opening.shape != (count,) or problem.capacity.shape != (count,):
        raise ValueError(f"opening and capacity need one number for each of {count} facilities")
    if problem.demand.shape != (customers,) or problem.cost.shape != (count, customers):
        raise ValueError(
            f"assignment_cost has shape {problem.cost.shape}, expected {(count, customers)}"
        )
    if not count or not customers:
        raise ValueError("there is no facility or no customer")
    for name in ("opening", "capacity", "demand", "cost"):
        values = getattr(problem, name)
        finite = name in {"opening", "demand"}
        if not (values >= 0).all() or (finite and not np.isfinite(values).all()):
            raise ValueError(f"{name} has a number that is negative or not a number")
    return problem


def _check_capacity(problem: Problem) -> None:
    possible = problem.possible
    if (alone := np.flatnonzero(~possible.any(axis=0))).size:
        raise InfeasibleError(f"no facility can serve customer {alone[0]}", culprits=alone.tolist())
    customers, servers = short_of_capacity(
        demand=problem.demand, capacity=problem.capacity, may_serve=possible
    )
    if customers.size:
        asked, room = problem.demand[customers].sum(), problem.capacity[servers].sum()
        raise InfeasibleError(
            f"{customers.size} customers ask for {asked:g}, and the {servers.size} facilities"
            f" that can serve them hold {room:g}",
            culprits=customers.tolist(),
        )

"""Which sets to take so that every element is covered, and by which of them it is served."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack
from scipy.sparse.csgraph import connected_components

from estate.optimise.answer import (
    InfeasibleError,
    Limits,
    StoppedBy,
    UnfinishedError,
    relative_gap,
    stopped_by,
)
from estate.optimise.arrays import Floats, Ints
from estate.optimise.constraint import minimise_whole
from estate.optimise.effort import Budget
from estate.optimise.exactness import common_unit, raised
from estate.optimise.programme import Found, Programme, minimise
from estate.optimise.shortage import shared_out, short_of_capacity

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from scipy.sparse import coo_array, csc_array

    Sparse = coo_array | csc_array | csr_array

# For an effort of 1: nodes of branch and bound for each part that stands alone, and CP-SAT's
# deterministic seconds for all those that this leaves open.
_NODES = 60
_SECONDS = 40.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Cover:
    """Which sets to take, which one serves each element, and what every cover costs at least.

    `gap` is the share of the cost that a better cover could save at most.
    """

    chosen: tuple[int, ...]
    assignment: tuple[int, ...]
    cost: float
    bound: float
    gap: float
    stopped_by: StoppedBy


@dataclass(frozen=True, eq=False)
class Covering:
    """Sets with their costs, and the elements they may serve; row by set, column by element.

    A stored number is the load that serving the element puts on the set. A `capacity` of None
    stands for no limit.
    """

    costs: Floats
    loads: csr_array
    capacity: Floats | None

    def part(self, sets: Ints, elements: Ints) -> Covering:
        """Return some sets and elements that have nothing to do with the others."""
        capacity = None if self.capacity is None else self.capacity[sets]
        return Covering(self.costs[sets], self.loads[sets][:, elements], capacity)

    @property
    def counts_only(self) -> bool:
        """Return whether every element puts the same load on every set."""
        return bool((self.loads.data == self.loads.data[:1]).all())


def capacitated_cover(  # noqa: PLR0913 - the problem's three tables, then every solver's limits
    costs: ArrayLike,
    loads: Sparse,
    capacity: ArrayLike | None = None,
    *,
    effort: float = 1.0,
    seconds: float = 60.0,
    seed: int = 0,
    threads: int = 1,
) -> Cover:
    """Return the cheapest sets that cover all elements, none beyond its capacity.

    Parameters
    ----------
    costs
        What each of m sets costs; shape (m,).
    loads
        Which of n elements each set may serve: a stored number above 0 is the load that puts
        on it; sparse, shape (m, n). A 1 everywhere counts elements.
    capacity
        The most load that each set bears, infinite where it bears all; shape (m,). None is a
        plain set cover.
    effort, seconds, seed, threads
        As in `Limits`.

    Raises
    ------
    InfeasibleError
        When elements cannot be covered; the culprits are the smallest group known whose sets do
        not suffice.
    UnfinishedError
        When the limits end before a cover is found.
    ValueError
        When shapes differ, or a number is negative or not a number.
    """
    limits = Limits(effort=effort, seconds=seconds, seed=seed, threads=threads)
    covering = _checked(costs, loads, capacity)
    _check_capacity(covering)
    budget = Budget(limits.effort * _SECONDS, seconds=limits.seconds)
    assignment = np.full(covering.loads.shape[1], -1, dtype=np.int64)
    bounds = []
    for sets, elements in _parts(covering):
        part = covering.part(sets, elements)
        served_by, bound = _covered(part, limits, budget)
        assignment[elements] = sets[served_by]
        bounds.append(bound)
    chosen = np.unique(assignment)
    cost = fsum(covering.costs[chosen])
    bound = raised(fsum(bounds), unit=common_unit(covering.costs), cost=cost)
    return Cover(
        chosen=tuple(chosen.tolist()),
        assignment=tuple(assignment.tolist()),
        cost=cost,
        bound=bound,
        gap=relative_gap(cost=cost, bound=bound),
        stopped_by=stopped_by(cost=cost, bound=bound, out_of_time=budget.out_of_time),
    )


def cover_programme(covering: Covering) -> tuple[Programme, list[str]]:
    """Return the problem as a programme, and its variables' names.

    Without a limit a variable for each set is enough. Else one follows for each pair of a set
    and an element that it may serve. These need not be whole where elements only count: what
    is left then is a flow.
    """
    count, elements = covering.loads.shape
    names = [f"take_{each}" for each in range(count)]
    if covering.capacity is None:
        rows = csr_array(covering.loads.T.sign())
        floor, ceiling = np.ones(elements), np.full(elements, np.inf)
        return Programme(covering.costs, np.ones(count, bool), rows, floor, ceiling), names
    pairs = covering.loads.tocoo()
    sets, served = pairs.row, pairs.col
    each = np.arange(pairs.data.size)
    ones = np.ones(each.size)
    none = csr_array((elements, count))
    once = hstack((none, csr_array((ones, (served, each)), shape=(elements, each.size))))
    borne = csr_array((pairs.data, (sets, each)), shape=(count, each.size))
    bears = covering.capacity
    if covering.counts_only and each.size:  # What is left beside whole elements bears nothing.
        bears = _places(bears, pairs.data[0]) * pairs.data[0]
    room = csr_array((-bears, (np.arange(count),) * 2), shape=(count, count))
    taken = csr_array((-ones, (each, sets)), shape=(each.size, count))
    rows = csr_array(vstack((once, hstack((room, borne)), hstack((taken, eye_array(each.size))))))
    below = np.full(count + each.size, -np.inf)
    programme = Programme(
        costs=np.append(covering.costs, np.zeros(each.size)),
        whole=np.append(np.ones(count, bool), np.full(each.size, not covering.counts_only)),
        rows=rows,
        floor=np.append(np.ones(elements), below),
        ceiling=np.append(np.ones(elements), np.zeros(below.size)),
    )
    pairs_named = zip(sets.tolist(), served.tolist(), strict=True)
    return programme, names + [f"serve_{one}_{other}" for one, other in pairs_named]


def _covered(covering: Covering, limits: Limits, budget: Budget) -> tuple[Ints, float]:
    """Return which set serves each element, and a bound: by HiGHS, then by CP-SAT."""
    programme, _ = cover_programme(covering)
    nodes = max(1, round(limits.effort * _NODES))
    found = minimise(programme, nodes=nodes, seconds=budget.seconds_left)
    if _is_open(programme, found) and not budget.over:
        found = minimise_whole(programme, found, budget, seed=limits.seed)
    if found.values is None:
        if np.isposinf(found.bound):
            raise InfeasibleError("no way to share out the elements keeps every set's capacity")
        raise UnfinishedError("no cover was found within the limits")
    return _served_by(covering, found.values), found.bound


def _is_open(programme: Programme, found: Found) -> bool:
    if found.values is None:
        return not np.isposinf(found.bound)
    cost = float(programme.costs @ found.values)
    unit = common_unit(programme.costs)
    return raised(found.bound, unit=unit, cost=cost) < cost - 1e-9 * abs(cost)


def _served_by(covering: Covering, values: Floats) -> Ints:
    """Return for each element a set that is taken and bears it."""
    count, elements = covering.loads.shape
    taken = values[:count] > 1 / 2
    pairs = covering.loads.tocoo()
    sets, served = pairs.row.astype(np.int64), pairs.col.astype(np.int64)
    usable = taken[sets]
    if covering.capacity is not None and not covering.counts_only:
        usable = values[count:] > 1 / 2
    elif covering.capacity is not None:
        load = covering.loads.data[0]
        places = np.where(taken, _places(covering.capacity, load), 0)
        usable = shared_out(sets, served, places.astype(np.int64), count=elements)
    found = np.full(elements, count, dtype=np.int64)
    np.minimum.at(found, served[usable], sets[usable])
    return found


def _checked(costs: ArrayLike, loads: Sparse, capacity: ArrayLike | None) -> Covering:
    prices = np.asarray(costs, dtype=np.float64)
    table = csr_array(loads).astype(np.float64)
    table.sum_duplicates()
    room = None if capacity is None else np.asarray(capacity, dtype=np.float64)
    if prices.shape != table.shape[:1] or (room is not None and room.shape != prices.shape):
        raise ValueError(f"costs and capacity need one number for each of {table.shape[0]} sets")
    if not table.shape[1]:
        raise ValueError("there is no element")
    if room is not None:
        room = np.where(np.isposinf(room), table.sum(axis=1), room)
    for name, values in (("costs", prices), ("loads", table.data), ("capacity", room)):
        if values is not None and not (np.isfinite(values) & (values >= 0)).all():
            raise ValueError(f"{name} has a number that is negative, infinite or not a number")
    if not (table.data > 0).all():
        raise ValueError("loads has a stored number that is not above 0")
    return Covering(prices, table, room)


def _check_capacity(covering: Covering) -> None:
    counts = np.bincount(covering.loads.indices, minlength=covering.loads.shape[1])
    if (alone := np.flatnonzero(counts == 0)).size:
        raise InfeasibleError(f"no set holds element {alone[0]}", culprits=alone.tolist())
    if covering.capacity is None:
        return
    # Nobody puts less on a set than the least load, so that a shortage with it is certain.
    load = covering.loads.data.min()
    elements, sets = short_of_capacity(
        demand=np.ones(counts.size),
        capacity=_places(covering.capacity, load),
        may_serve=covering.loads.toarray() > 0,
    )
    if elements.size:
        raise InfeasibleError(
            f"{elements.size} elements are more than their {sets.size} sets can bear",
            culprits=elements.tolist(),
        )


def _places(capacity: Floats, load: float) -> Floats:
    """Return how many elements of a load each set bears; shape (m,)."""
    places: Floats = np.floor(capacity / load * (1 + 1e-12) + 1e-9)
    return places


def _parts(covering: Covering) -> list[tuple[Ints, Ints]]:
    """Return the sets and elements that hang together, part by part."""
    count = covering.loads.shape[0]
    pairs = covering.loads.tocoo()
    size = sum(covering.loads.shape)
    both = csr_array((pairs.data, (pairs.row, count + pairs.col)), shape=(size, size))
    number, labels = connected_components(both, directed=False)
    parts = []
    for label in range(number):
        members = np.flatnonzero(labels == label)
        sets, elements = members[members < count], members[members >= count] - count
        if elements.size:
            parts.append((sets, elements))
    return parts

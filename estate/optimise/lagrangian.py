"""A bound for facilities that serve whole customers, by pricing each customer's place.

Every customer offers a price. What a facility then gains is a knapsack, solved exactly; which
facilities open is another. The prices follow the subgradient. After Holmberg, Rönnqvist and
Yuan, An exact algorithm for the capacitated facility location problems with single sourcing,
European Journal of Operational Research 113, 1999.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.arrays import Bools, Floats, Ints

if TYPE_CHECKING:
    from estate.optimise.effort import Budget


_ROUNDS = 400
_PATIENCE = 20
_SHRINK = 1.5

# How far above the best bound the steps aim, as a share of it.
_AHEAD = 0.02


@dataclass(frozen=True, eq=False)
class Site:
    """Facilities and customers in whole units of demand; impossible costs are infinite."""

    opening: Floats
    capacity: Ints
    demand: Ints
    cost: Floats


@dataclass(frozen=True, eq=False)
class Priced:
    """What every answer costs at least, and what it costs at least with each choice.

    `with_choice[i, j]` is the bound where facility i serves customer j.
    """

    bound: float
    with_choice: Floats


def priced(site: Site, budget: Budget) -> Priced:
    """Return the best bound that some hundred rounds of prices prove."""
    # Who can go elsewhere pays for the second choice, the others for the only one.
    choices = np.sort(site.cost, axis=0)
    second = choices[min(1, len(choices) - 1)]
    price = np.where(np.isfinite(second), second, choices[0])
    best_bound, best = -np.inf, price
    step, idle = 1.0, 0
    for _ in range(_ROUNDS):
        if budget.over:
            break
        bound, excess = _round(site, price)
        budget.spend(site.cost.size * site.capacity.max() / 2000)
        if bound > best_bound * (1 + 1e-9):
            best_bound, best, idle = bound, price, 0
        else:
            idle += 1
        length = float(excess @ excess)
        if length == 0:
            break
        if idle == _PATIENCE:
            price, step, idle = best, step / _SHRINK, 0
            continue
        ahead = max(abs(best_bound) * _AHEAD + best_bound - bound, 1e-9)
        price = np.maximum(price + step * ahead / length * excess, 0)
    return Priced(bound=best_bound, with_choice=_with_choice(site, best))


def _round(site: Site, price: Floats) -> tuple[float, Floats]:
    """Return the bound of some prices, and by how much each customer is served too little."""
    gain = np.maximum(price - site.cost, 0)
    value, taken = _knapsacks(gain, site.demand, site.capacity)
    burden = site.opening - value
    least, opened = _cheapest_cover(burden, site.capacity, need=int(site.demand.sum()))
    served = (taken & opened[:, np.newaxis] & (gain > 0)).sum(axis=0)
    return float(price.sum()) + least, 1.0 - served


def _knapsacks(gain: Floats, size: Ints, capacity: Ints) -> tuple[Floats, Bools]:
    """Return for each row the most gain that fits into its capacity, and what it takes."""
    rows, items = gain.shape
    most = int(capacity.max())
    value = np.zeros((rows, most + 1))
    takes = np.zeros((items, rows, most + 1), dtype=np.bool_)
    for item in range(items):
        weight = int(size[item])
        if weight <= most:
            with_it = value[:, : most + 1 - weight] + gain[:, item : item + 1]
            better = with_it > value[:, weight:]
            takes[item, :, weight:] = better
            value[:, weight:] = np.where(better, with_it, value[:, weight:])
    row = np.arange(rows)
    left = capacity.copy()
    taken = np.zeros((rows, items), dtype=np.bool_)
    for item in reversed(range(items)):
        taken[:, item] = takes[item, row, left]
        left = left - taken[:, item] * size[item]
    return value[row, capacity], taken


def _cheapest_cover(burden: Floats, capacity: Ints, *, need: int) -> tuple[float, Bools]:
    """Return the least sum of burdens whose capacities reach the need, and which those are.

    A burden below 0 is taken whether needed or not. The sum is infinite where all together
    are not enough.
    """
    opened = burden < 0
    least = float(burden[opened].sum())
    need -= int(capacity[opened].sum())
    if need <= 0:
        return least, opened
    cost = np.full(need + 1, np.inf)
    cost[0] = 0.0
    choices = []
    rest = np.flatnonzero(~opened).tolist()
    for each in rest:
        before = np.maximum(np.arange(need + 1) - capacity[each], 0)
        with_it = cost[before] + burden[each]
        with_it[0] = np.inf
        better = with_it < cost
        choices.append(better)
        cost = np.where(better, with_it, cost)
    left = need
    for each, better in zip(reversed(rest), reversed(choices), strict=True):
        if better[left]:
            opened[each] = True
            left = max(left - int(capacity[each]), 0)
    return least + float(cost[need]), opened


def _with_choice(site: Site, price: Floats) -> Floats:
    """Return the bound of some prices where a facility serves a customer, for each of both."""
    gain = np.maximum(price - site.cost, 0)
    value, _ = _knapsacks(gain, site.demand, site.capacity)
    burden = site.opening - value
    total = int(site.demand.sum())
    bounds = np.empty_like(site.cost)
    for here in range(site.opening.size):
        others = np.arange(site.opening.size) != here
        need = total - int(site.capacity[here])
        least, _ = _cheapest_cover(burden[others], site.capacity[others], need=need)
        worth = _with_each(gain[here], site.demand, int(site.capacity[here]))
        worth += price - site.cost[here]
        bounds[here] = price.sum() + least + site.opening[here] - worth
    return bounds


def _with_each(gain: Floats, size: Ints, capacity: int) -> Floats:
    """Return the most gain of the other items beside each item that is in; -inf if it is not."""
    items = gain.size
    before = [np.zeros(capacity + 1)]
    for item in range(items):
        before.append(_added(before[-1], gain[item], int(size[item])))
    after = np.zeros(capacity + 1)
    best = np.full(items, -np.inf)
    for item in reversed(range(items)):
        room = capacity - int(size[item])
        if room >= 0:
            best[item] = (before[item][: room + 1] + after[room::-1]).max()
        after = _added(after, gain[item], int(size[item]))
    return best


def _added(value: Floats, gain: float, weight: int) -> Floats:
    """Return the values of a knapsack by capacity when one more item may go in."""
    with_it = value.copy()
    if weight < value.size:
        fits = value[: value.size - weight] + gain
        with_it[weight:] = np.maximum(with_it[weight:], fits)
    return with_it

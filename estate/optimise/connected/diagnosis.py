"""Why a connected cover has no answer, and what would have to give."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from estate.optimise.answer import InfeasibleError, Remedy
from estate.optimise.connected.formulation import Formulation, able_modes
from estate.optimise.connected.problem import customers_of
from estate.optimise.programme import minimise

if TYPE_CHECKING:
    from estate.optimise.arrays import Bools, Floats, Ints
    from estate.optimise.connected.formulation import Choice
    from estate.optimise.connected.problem import ConnectedCover
    from estate.optimise.effort import Budget

_NODES = 20

# Programmes to solve at most on the way to fewer culprits.
_TRIALS = 60


def check_reach(problem: ConnectedCover, choices: dict[int, Choice]) -> None:
    """Raise `InfeasibleError` where a family has no mode that can serve each of its customers."""
    able = able_modes(problem, choices)
    stuck = np.setdiff1d(problem.families, np.flatnonzero(able.any(axis=1)))
    if not stuck.size:
        return
    reach = _least_lengths(problem)
    limits = [_least_limit(problem, reach, family) for family in stuck.tolist()]
    culprits = [c for family in stuck.tolist() for c in _blocking(problem, reach, family)]
    least = max(limits)
    customers = ", ".join(str(culprit) for culprit in culprits[:5])
    what = f"no mode serves customers {customers} from points within the length limit"
    if least < inf:
        raise InfeasibleError(
            f"{what} of {problem.length_limit:g}; {least:g} would be enough",
            culprits=culprits,
            remedies=[Remedy(kind="length_limit", index=-1, amount=least)],
        )
    raise InfeasibleError(f"{what}, nor within any", culprits=culprits)


def why_not(formulation: Formulation, budget: Budget) -> InfeasibleError:
    """Return the error for a problem whose customers can be served one by one, but not all."""
    remedies = _remedies(formulation, budget)
    culprits = _fewest(formulation, budget)
    lacks = ", ".join(f"{each.amount:g} {each.kind} at {each.index}" for each in remedies)
    return InfeasibleError(
        f"{len(culprits)} customers cannot all be served; short of {lacks or 'capacity'}",
        culprits=culprits,
        remedies=remedies,
    )


def _remedies(formulation: Formulation, budget: Budget) -> list[Remedy]:
    """Return by how much which limits have to give, the least in all."""
    elastic = Formulation(
        formulation.problem, formulation.network, formulation.choices, elastic=True
    )
    programme = elastic.draft.programme()
    price = np.zeros(programme.costs.size)
    price[list(elastic.given)] = 1.0
    found = minimise(replace(programme, costs=price), nodes=_NODES, seconds=budget.seconds_left)
    if found.values is None:
        return []
    return [
        replace(remedy, amount=round(remedy.amount * float(found.values[given]), 6))
        for given, remedy in sorted(elastic.given.items())
        if found.values[given] > 1 / 1e6
    ]


def _fewest(formulation: Formulation, budget: Budget) -> list[int]:
    """Return customers that cannot be served together, as few as some trials find.

    Shares of them are left out, smaller and smaller ones, as long as the rest is still too many.
    """
    customers = np.arange(formulation.problem.customer_count)
    share = customers.size
    trials = _TRIALS
    while share > 1 and trials:
        share = (share + 1) // 2
        start = 0
        while start < customers.size and trials:
            rest = np.delete(customers, np.arange(start, min(start + share, customers.size)))
            trials -= 1
            if rest.size and not _can_serve(formulation, rest, budget):
                customers = rest
            else:
                start += share
    return [int(customer) for customer in customers]


def _can_serve(formulation: Formulation, customers: Ints, budget: Budget) -> bool:
    """Return whether some customers alone may be served, as far as a short search can tell."""
    problem = formulation.problem
    fewer = replace(
        problem, loads=csr_array(problem.loads[:, customers]), families=problem.families[customers]
    )
    choices = {point: c for point, c in formulation.choices.items() if customers_of(fewer, point)}
    programme = Formulation(fewer, formulation.network, choices).draft.programme()
    nothing = np.zeros(programme.costs.size)
    found = minimise(replace(programme, costs=nothing), nodes=_NODES, seconds=budget.seconds_left)
    return found.bound < inf


def _least_lengths(problem: ConnectedCover) -> Floats:
    """Return the length of each point's shortest cable to any hub, infinite without a way."""
    order = np.argsort(-problem.lengths, kind="stable")  # The last one written counts.
    shape = (problem.node_count, problem.node_count)
    usable = order[problem.capacities[order] >= 1]
    ends = np.sort(np.stack((problem.tails[usable], problem.heads[usable])), axis=0)
    shortest = {
        (one, other): length
        for one, other, length in zip(*ends.tolist(), problem.lengths[usable].tolist(), strict=True)
    }
    tails, heads = zip(*shortest, strict=True) if shortest else ((), ())
    graph = csr_array((list(shortest.values()), (tails, heads)), shape=shape, dtype=np.float64)
    nearest = dijkstra(graph, directed=False, indices=problem.hub_nodes, min_only=True)
    lengths: Floats = nearest[problem.point_nodes] + problem.point_lengths
    return lengths


def _least_limit(problem: ConnectedCover, reach: Floats, family: int) -> float:
    """Return the length limit from which a mode serves all customers of a family."""
    return float(_needs(problem, reach, family).max(axis=0).min())


def _needs(problem: ConnectedCover, reach: Floats, family: int) -> Floats:
    """Return the length limit that each customer of a family needs in each mode."""
    members = {c: row for row, c in enumerate(np.flatnonzero(problem.families == family).tolist())}
    needs = np.full((len(members), problem.mode_costs.shape[1]), inf)
    for point, mode in enumerate(problem.modes.tolist()):
        for customer, _ in customers_of(problem, point):
            if customer in members:
                row = members[customer]
                needs[row, mode] = min(needs[row, mode], reach[point])
    return needs


def _blocking(problem: ConnectedCover, reach: Floats, family: int) -> list[int]:
    """Return customers of a family of whom one stands in the way of each mode."""
    members = np.flatnonzero(problem.families == family)
    blocked: Bools = _needs(problem, reach, family) > problem.length_limit
    found = []
    open_modes = np.ones(blocked.shape[1], dtype=np.bool_)
    while open_modes.any():
        worst = int((blocked & open_modes).sum(axis=1).argmax())
        if not (blocked[worst] & open_modes).any():
            break
        found.append(int(members[worst]))
        open_modes &= ~blocked[worst]
    return sorted(found)

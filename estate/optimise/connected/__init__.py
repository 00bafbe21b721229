"""Which points serve customers, and the cheapest cables that connect them to hubs.

`problem` says what is asked, `network` and `ways` shrink the graph to the ways that may matter,
`formulation` writes the programme and `reading` its answer; `diagnosis` says why there is none.
"""

from __future__ import annotations

from math import inf

import numpy as np

from estate.optimise.answer import (
    InfeasibleError,
    Limits,
    UnfinishedError,
    relative_gap,
    stopped_by,
)
from estate.optimise.connected.diagnosis import check_reach
from estate.optimise.connected.formulation import Formulation, choices_of
from estate.optimise.connected.network import Network
from estate.optimise.connected.problem import (
    Connected,
    ConnectedCover,
    Connection,
    checked,
    mode_of_families,
)
from estate.optimise.connected.reading import read
from estate.optimise.connected.ways import Ways
from estate.optimise.effort import Budget
from estate.optimise.programme import minimise

__all__ = ["Connected", "ConnectedCover", "Connection", "connected_cover"]

_NODES = 200
_UNITS = 1e7


def connected_cover(
    problem: ConnectedCover,
    *,
    effort: float = 1.0,
    seconds: float = 60.0,
    seed: int = 0,
    threads: int = 1,
) -> Connected:
    """Return the cheapest way to serve all customers from points that are connected to hubs.

    The bound is proven for the problem as it is stated: whatever ways cables take. Effort,
    seconds, seed and threads are those of `Limits`.

    Raises
    ------
    InfeasibleError
        When no answer keeps the limits; the culprits are customers.
    UnfinishedError
        When the limits end before an answer is found.
    ValueError
        When the problem's tables do not fit together.
    """
    limits = Limits(effort=effort, seconds=seconds, seed=seed, threads=threads)
    budget = Budget(limits.effort * _UNITS, seconds=limits.seconds)
    problem = checked(problem)
    network = Network(problem)
    ways = Ways(network, cable_cost=problem.cable_cost, limit=problem.length_limit)
    choices = choices_of(problem, network, ways, vague=False)
    check_reach(problem, choices)
    formulation = Formulation(problem, network, choices)
    nodes = max(1, round(limits.effort * _NODES))
    found = minimise(formulation.draft.programme(), nodes=nodes, seconds=budget.seconds_left)
    if found.values is None:
        if found.bound == inf:
            raise InfeasibleError(
                "no answer keeps the limits", culprits=range(problem.customer_count)
            )
        raise UnfinishedError("no answer was found within the limits")
    bound = found.bound
    if not ways.complete:
        vague = Formulation(problem, network, choices_of(problem, network, ways, vague=True))
        relaxed = minimise(vague.draft.programme(), nodes=nodes, seconds=budget.seconds_left)
        bound = min(bound, relaxed.bound)
    connections, serving = read(formulation, found.values)
    return answer_of(problem, connections, serving, bound=bound, out_of_time=budget.out_of_time)


def answer_of(
    problem: ConnectedCover,
    connections: list[Connection],
    serving: list[int],
    *,
    bound: float,
    out_of_time: bool,
) -> Connected:
    """Return an answer with its cost, counted from its cables and who serves whom."""
    cost = problem.price(connections, serving)
    bound = min(bound, cost)
    passed = [edge for cable in connections for edge in cable.edges]
    cables = np.bincount(np.array(passed, dtype=np.int64), minlength=problem.tails.size)
    modules = problem.modules_for(connections)
    return Connected(
        connections=tuple(connections),
        serving=tuple(serving),
        modes=tuple(mode_of_families(problem, np.array(serving)).tolist()),
        built=tuple(np.flatnonzero(cables).tolist()),
        cables=tuple(cables.tolist()),
        open_hubs=tuple(sorted({cable.hub for cable in connections})),
        modules=tuple(modules.tolist()),
        cost=cost,
        bound=bound,
        gap=relative_gap(cost=cost, bound=bound),
        stopped_by=stopped_by(cost=cost, bound=bound, out_of_time=out_of_time),
    )

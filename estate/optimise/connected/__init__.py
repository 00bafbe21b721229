"""Which points serve customers, and the cheapest cables that connect them to hubs.

`problem` says what is asked, `network` and `ways` shrink the graph to the ways that may matter,
`formulation` writes the programme and `reading` its answer; `diagnosis` says why there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from estate.optimise.answer import (
    InfeasibleError,
    Limits,
    UnfinishedError,
    relative_gap,
    stopped_by,
)
from estate.optimise.connected.diagnosis import check_reach, why_not
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
from estate.optimise.connected.search import (
    CLOSE,
    FRACTIONAL,
    Effort,
    bounded,
    bounded_and_fractional,
    searched,
)
from estate.optimise.connected.ways import Ways
from estate.optimise.effort import Budget

__all__ = [
    "Connected",
    "ConnectedCover",
    "Connection",
    "Relaxation",
    "connected_bound",
    "connected_cover",
]

# CP-SAT's deterministic seconds for an effort of 1.
_SECONDS = 8.0


def connected_cover(
    problem: ConnectedCover,
    *,
    effort: float = 1.0,
    seconds: float = 120.0,
    seed: int = 0,
    threads: int = 1,
) -> Connected:
    """Return the cheapest way to serve all customers from points that are connected to hubs.

    The bound is proven for the problem as it is stated: whatever ways cables take. Effort,
    seconds, seed and threads are those of `Limits`; a gap of a thousandth is not searched further.

    Raises
    ------
    InfeasibleError
        When no answer keeps the limits. The culprits are customers, as few as were found that
        cannot all be served; the remedies say what would let all be.
    UnfinishedError
        When the limits end before an answer is found.
    ValueError
        When the problem's tables do not fit together.
    """
    limits = Limits(effort=effort, seconds=seconds, seed=seed, threads=threads)
    budget = Budget(limits.effort * _SECONDS, seconds=limits.seconds)
    search = Effort(limits.effort, budget, limits.seed)
    problem = checked(problem)
    network = Network(problem)
    ways = Ways(network, problem)
    choices = choices_of(problem, network, ways, vague=False)
    check_reach(problem, choices)
    formulation = Formulation(problem, network, choices)
    found = searched(formulation, search)
    if found.values is None:
        if found.bound == inf and ways.complete:
            raise why_not(formulation, budget)
        raise UnfinishedError("no answer was found within the limits")
    bound = found.bound
    if not ways.complete:
        vague = Formulation(problem, network, choices_of(problem, network, ways, vague=True))
        bound = min(bound, bounded(vague, search))
    connections, serving = read(formulation, found.values)
    return answer_of(problem, connections, serving, bound=bound, out_of_time=budget.out_of_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """What every answer costs at least, and whether the relaxation was nearly an answer.

    Where it was, `connected_cover` is done soon.
    """

    bound: float
    is_nearly_whole: bool


def connected_bound(
    problem: ConnectedCover, *, effort: float = 1.0, seconds: float = 120.0
) -> Relaxation:
    """Return what the relaxation with its cuts and splits proves, in a small part of the time.

    Raises
    ------
    InfeasibleError
        When some customer is out of reach of every point, or no fractional answer exists.
    """
    search = Effort(effort, Budget(effort * _SECONDS, seconds=seconds), seed=0)
    problem = checked(problem)
    network = Network(problem)
    ways = Ways(network, problem)
    choices = choices_of(problem, network, ways, vague=False)
    check_reach(problem, choices)
    if not ways.complete:
        choices = choices_of(problem, network, ways, vague=True)
    bound, fractional = bounded_and_fractional(Formulation(problem, network, choices), search)
    if bound == inf:
        raise InfeasibleError("no answer keeps the limits")
    return Relaxation(bound=bound, is_nearly_whole=fractional <= FRACTIONAL)


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
        stopped_by=stopped_by(cost=cost, bound=bound, out_of_time=out_of_time, close=CLOSE),
    )

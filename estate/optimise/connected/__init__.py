"""Which points serve customers, and the cheapest cables that connect them to hubs.

`problem` says what is asked, `network` and `ways` shrink the graph to the ways that may matter,
`formulation` writes the programme, `filling` a part of it, and `reading` its answer; `diagnosis`
says why there is none.
"""

from __future__ import annotations

from math import inf

import numpy as np

from estate.optimise.answer import (
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
    Effort,
    bounded,
    searched,
)
from estate.optimise.connected.ways import Ways
from estate.optimise.effort import Budget

__all__ = [
    "Connected",
    "ConnectedCover",
    "Connection",
    "Known",
    "connected_cover",
]

# The cables of an answer that is known, and who serves each customer in it.
Known = tuple[list[Connection], list[int]]

# A shade nearer than asked, for costs are rounded when an answer is priced anew.
_SHADE = 0.999

# CP-SAT's deterministic seconds for an effort of 1.
_SECONDS = 8.0


def connected_cover(  # noqa: PLR0913 - the limits of every solver, a start, and when to stop
    problem: ConnectedCover,
    *,
    start: Known | None = None,
    gap: float = CLOSE,
    effort: float = 1.0,
    seconds: float = 120.0,
    seed: int = 0,
    threads: int = 1,
) -> Connected:
    """Return the cheapest way to serve all customers from points that are connected to hubs.

    The bound is proven for the problem as it is stated: whatever ways cables take. Effort,
    seconds, seed and threads are those of `Limits`; an answer proven to be within `gap` of the
    best is not searched further. An answer that is known is returned where none is better.

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
    search = Effort(limits.effort, budget, limits.seed, gap * _SHADE, limits.threads)
    problem = checked(problem)
    network = Network(problem)
    ways = Ways(network, problem)
    choices = choices_of(problem, network, ways, vague=False)
    check_reach(problem, choices)
    formulation = Formulation(problem, network, choices)
    ceiling = problem.price(*start) if start else inf
    found = searched(formulation, search, ceiling=ceiling)
    bound = found.bound
    if not ways.complete:
        vague = Formulation(problem, network, choices_of(problem, network, ways, vague=True))
        bound = min(bound, bounded(vague, search))
    if found.values is not None:
        answers = [read(formulation, found.values), *([start] if start else [])]
        connections, serving = min(answers, key=lambda answer: problem.price(*answer))
    elif start:
        connections, serving = start
    elif found.bound == inf and ways.complete:
        raise why_not(formulation, budget)
    else:
        raise UnfinishedError("no answer was found within the limits")
    return _answer(
        problem, connections, serving, bound=bound, out_of_time=budget.out_of_time, gap=gap
    )


def _answer(  # noqa: PLR0913 - an answer, and how it was found
    problem: ConnectedCover,
    connections: list[Connection],
    serving: list[int],
    *,
    bound: float,
    out_of_time: bool,
    gap: float,
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
        stopped_by=stopped_by(cost=cost, bound=bound, out_of_time=out_of_time, close=gap),
    )

"""The cheapest tree that joins some nodes of a graph, with a proof of how cheap it could be.

`core` and its `Reduction` shrink the problem; `search` and `improvement` find trees; `ascent`,
`pruning` and `cuts` prove bounds; `solve` plays them against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from estate.optimise.answer import InfeasibleError, Limits, StoppedBy, relative_gap, stopped_by
from estate.optimise.effort import Budget
from estate.optimise.exactness import common_unit, raised
from estate.optimise.ordering import ordered, weights_of
from estate.optimise.steiner.core import Core, Reduction
from estate.optimise.steiner.search import pruned
from estate.optimise.steiner.solve import Steiner

if TYPE_CHECKING:
    from collections.abc import Iterable

    import networkx as nx

    from estate.optimise.arrays import Floats


N = TypeVar("N")

# Units of work for an effort of 1: five to nine seconds of one core.
_EFFORT = 1.2e7


@dataclass(frozen=True, slots=True, kw_only=True)
class SteinerTree(Generic[N]):
    """A tree, what it costs, and what every such tree costs at least.

    `gap` is the share of the cost that a better tree could save at most.
    """

    edges: tuple[tuple[N, N], ...]
    cost: float
    bound: float
    gap: float
    stopped_by: StoppedBy


def steiner_tree(  # noqa: PLR0913 - the same limits as every solver, by name
    graph: nx.Graph[N],
    terminals: Iterable[N],
    *,
    weight: str = "weight",
    effort: float = 1.0,
    seconds: float = 10.0,
    seed: int = 0,
    threads: int = 1,
) -> SteinerTree[N]:
    """Return the cheapest tree in the graph that joins the terminals.

    Edges and their ends come in the order of the nodes. Effort, seconds, seed and threads are
    those of `Limits`; an effort of 1 is five to nine seconds of one core at most.

    Raises
    ------
    InfeasibleError
        When the graph does not join the terminals; the culprits are those it leaves apart.
    ValueError
        When there is no terminal, one is not in the graph, the graph is directed or has
        parallel edges, or a weight is absent, negative or not a number.
    """
    limits = Limits(effort=effort, seconds=seconds, seed=seed, threads=threads)
    if graph.is_directed():
        raise ValueError("the graph is directed; a Steiner tree is not")
    nodes = ordered(graph)
    place = {node: index for index, node in enumerate(nodes)}
    wanted = _places(terminals, place)
    tails, heads, weights = weights_of(graph, place, weight=weight)
    whole = Core(
        node_count=len(nodes),
        tails=tails,
        heads=heads,
        weights=weights,
        terminals=wanted,
        names=tuple(range(len(weights))),
    )
    _check_joined(whole, nodes)
    unit = common_unit(weights)
    edges, bound, out_of_time = _solved(whole, limits, unit=unit)
    cost = fsum(weights[edge] for edge in edges)
    bound = raised(bound, unit=unit, cost=cost)
    return SteinerTree(
        edges=tuple((nodes[tails[edge]], nodes[heads[edge]]) for edge in sorted(edges)),
        cost=cost,
        bound=bound,
        gap=relative_gap(cost=cost, bound=bound),
        stopped_by=stopped_by(cost=cost, bound=bound, out_of_time=out_of_time),
    )


def _places(terminals: Iterable[N], place: dict[N, int]) -> tuple[int, ...]:
    found = set()
    for terminal in terminals:
        if terminal not in place:
            raise ValueError(f"terminal {terminal!r} is not in the graph")
        found.add(place[terminal])
    if not found:
        raise ValueError("there is no terminal")
    return tuple(sorted(found))


def _check_joined(core: Core, nodes: tuple[N, ...]) -> None:
    seen = {core.terminals[0]}
    stack = list(seen)
    while stack:
        fresh = [other for other, _ in core.links[stack.pop()] if other not in seen]
        seen.update(fresh)
        stack += fresh
    if apart := [nodes[terminal] for terminal in core.terminals if terminal not in seen]:
        raise InfeasibleError(
            f"the graph does not join {apart[0]!r} to {nodes[core.terminals[0]]!r}",
            culprits=apart,
        )


def _solved(core: Core, limits: Limits, *, unit: float) -> tuple[frozenset[int], float, bool]:
    """Return the edges of a tree, a bound, and whether the time ran out on the way."""
    budget = Budget(limits.effort * _EFFORT, seconds=limits.seconds)
    # Whole numbers add up without rounding.
    scaled: Floats = np.rint(core.weights / unit) if unit else core.weights
    reduction = Reduction(core.ends, scaled.tolist(), core.terminals, node_count=core.node_count)
    search = Steiner(reduction, whole=bool(unit), budget=budget, seed=limits.seed)
    search.run()
    tree = pruned(core, search.edges)
    bound = search.cost if search.is_proven() and unit else min(search.bound, search.ceiling)
    return tree, bound * (unit or 1.0), budget.out_of_time

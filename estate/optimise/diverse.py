"""The cheapest edges by which each terminal has so many ways from a root that share no node.

Where one way is enough for all that is a Steiner tree. Else each terminal has a flow of its own
through edges that all pay for once; one unit of it passes a node at most. With the edges that are
taken given, what is left is a flow in whole units, so that edges alone need to be whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import TYPE_CHECKING, Generic, TypeVar

import networkx as nx
import numpy as np
from scipy.sparse import csr_array

from estate.optimise.answer import InfeasibleError, Limits, StoppedBy, relative_gap, stopped_by
from estate.optimise.arrays import Floats, Ints
from estate.optimise.effort import Budget
from estate.optimise.exactness import common_unit, raised
from estate.optimise.ordering import ordered, weights_of
from estate.optimise.programme import Programme, minimise
from estate.optimise.steiner import steiner_tree

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


N = TypeVar("N")

_NODES = 2000  # Of branch and bound, for an effort of 1.
_PARTS_OF_WEIGHT = 1000  # Weights are compared to a thousandth where flows need whole numbers.


@dataclass(frozen=True, slots=True, kw_only=True)
class DiverseWays(Generic[N]):
    """Edges, the ways along them to each terminal, and what any such edges cost at least.

    A way lists nodes from the root to its terminal; ways to one terminal share none of them but
    these two, and no edge. `gap` is the share of the cost that other edges could save at most.
    """

    edges: tuple[tuple[N, N], ...]
    ways: Mapping[N, tuple[tuple[N, ...], ...]]
    cost: float
    bound: float
    gap: float
    stopped_by: StoppedBy


@dataclass(frozen=True, eq=False)
class Joining:
    """A graph by numbers: where edges end, what they cost, and the ways that terminals need."""

    size: int
    tails: Ints
    heads: Ints
    weights: Floats
    root: int
    ways: Mapping[int, int]

    @property
    def edges(self) -> list[tuple[int, int]]:
        """Return both ends of each edge."""
        return list(zip(self.tails.tolist(), self.heads.tolist(), strict=True))


def diverse_ways(  # noqa: PLR0913 - the same limits as every solver, by name
    graph: nx.Graph[N],
    root: N,
    ways: Mapping[N, int],
    *,
    weight: str = "weight",
    effort: float = 1.0,
    seconds: float = 60.0,
    seed: int = 0,
    threads: int = 1,
) -> DiverseWays[N]:
    """Return the cheapest edges with so many ways from the root to each terminal.

    Parameters
    ----------
    ways
        How many ways each terminal needs, 1 or more; they share no node and no edge.
    effort, seconds, seed, threads
        As in `Limits`.

    Raises
    ------
    InfeasibleError
        When the graph has fewer ways to some terminals; they are the culprits.
    ValueError
        When the root or a terminal is not in the graph or is both, a number of ways is below 1,
        the graph is directed or has parallel edges, or a weight is absent, negative or not a
        number.
    """
    limits = Limits(effort=effort, seconds=seconds, seed=seed, threads=threads)
    nodes = _checked(graph, root, ways)
    place = {node: index for index, node in enumerate(nodes)}
    tails, heads, weights = weights_of(graph, place, weight=weight)
    wanted = {place[node]: number for node, number in ways.items()}
    joining = Joining(len(nodes), tails, heads, weights, place[root], dict(sorted(wanted.items())))
    budget = Budget(limits.effort, seconds=limits.seconds)
    first = _start(joining, nodes)
    if max(joining.ways.values(), default=1) == 1:
        tree = steiner_tree(
            graph,
            [root, *ways],
            weight=weight,
            effort=effort,
            seconds=seconds,
            seed=seed,
            threads=threads,
        )
        numbers = {pair: number for number, pair in enumerate(joining.edges)}
        taken = {numbers[place[one], place[other]] for one, other in tree.edges}
        bound = tree.bound
    else:
        taken, bound = _searched(joining, first, limits)
    found = {t: _ways(joining, t, dict.fromkeys(taken, 0.0)) for t in joining.ways}
    used = {_pair(*leg) for routes in found.values() for way in routes for leg in pairwise(way)}
    cost = fsum(w for pair, w in zip(joining.edges, weights.tolist(), strict=True) if pair in used)
    bound = raised(min(bound, cost), unit=common_unit(weights), cost=cost)
    return DiverseWays(
        edges=tuple((nodes[one], nodes[other]) for one, other in sorted(used)),
        ways={
            nodes[terminal]: tuple(tuple(nodes[each] for each in way) for way in routes)
            for terminal, routes in found.items()
        },
        cost=cost,
        bound=bound,
        gap=relative_gap(cost=cost, bound=bound),
        stopped_by=stopped_by(cost=cost, bound=bound, out_of_time=budget.out_of_time),
    )


def ways_between(graph: nx.Graph[N], root: N, terminal: N, *, most: int) -> int:
    """Return how many ways there are that share no node and no edge, up to as many as asked."""
    place = {node: index for index, node in enumerate(ordered(graph))}
    edges = np.array([(place[one], place[other]) for one, other in graph.edges], dtype=np.int64)
    tails, heads = edges.reshape(-1, 2).T
    ends = place[root], {place[terminal]: most}
    joining = Joining(len(place), tails, heads, np.zeros(tails.size), *ends)
    return len(_ways(joining, place[terminal], dict.fromkeys(range(tails.size), 0.0)))


def joining_programme(joining: Joining) -> tuple[Programme, list[str]]:
    """Return the problem as a programme, and its variables' names.

    A variable for each edge says whether it is taken. For each terminal two follow for each edge:
    the flow to the terminal along it and against it, within what is taken.
    """
    count, size = len(joining.edges), joining.size
    total = count * (1 + 2 * len(joining.ways))
    rows: list[tuple[dict[int, float], float, float]] = []
    names, most = [f"take_{a}_{b}" for a, b in joining.edges], np.ones(total)
    for number, (terminal, ways) in enumerate(joining.ways.items()):
        along = count * (1 + 2 * number)
        into: list[dict[int, float]] = [{} for _ in range(size)]
        out: list[dict[int, float]] = [{} for _ in range(size)]
        for edge, (tail, head) in enumerate(joining.edges):
            for column, start, end in (
                (along + edge, tail, head),
                (along + count + edge, head, tail),
            ):
                out[start][column] = -1.0
                into[end][column] = 1.0
                # Nothing comes back to the root, and nothing goes on from the terminal.
                most[column] = float(end != joining.root and start != terminal)
            rows.append(({along + edge: 1.0, along + count + edge: 1.0, edge: -1.0}, -np.inf, 0.0))
        names += [f"to_{terminal}_from_{a}_{b}" for a, b in joining.edges]
        names += [f"to_{terminal}_from_{b}_{a}" for a, b in joining.edges]
        for node in range(size):
            if node != joining.root:
                kept = float(ways) if node == terminal else 0.0
                rows.append((into[node] | out[node], kept, kept))
            if ways > 1 and node not in {joining.root, terminal}:
                rows.append((into[node], -np.inf, 1.0))
    return _programme(joining, rows, most), names


def _programme(
    joining: Joining, rows: list[tuple[dict[int, float], float, float]], most: Floats
) -> Programme:
    count = joining.weights.size
    kept = [row for row in rows if row[0]]
    lengths = [len(terms) for terms, _, _ in kept]
    matrix = csr_array(
        (
            np.array([factor for terms, _, _ in kept for factor in terms.values()]),
            np.array([column for terms, _, _ in kept for column in terms], dtype=np.int64),
            np.concatenate(([0], np.cumsum(lengths))),
        ),
        shape=(len(kept), most.size),
    )
    return Programme(
        costs=np.append(joining.weights, np.zeros(most.size - count)),
        whole=np.arange(most.size) < count,
        rows=matrix,
        floor=np.array([floor for _, floor, _ in kept]),
        ceiling=np.array([ceiling for _, _, ceiling in kept]),
        most=most,
    )


def _checked(graph: nx.Graph[N], root: N, ways: Mapping[N, int]) -> tuple[N, ...]:
    if graph.is_directed():
        raise ValueError("the graph is directed; ways along it are not")
    for name, node in (("root", root), *(("terminal", node) for node in ways)):
        if node not in graph:
            raise ValueError(f"{name} {node!r} is not in the graph")
    if root in ways:
        raise ValueError(f"{root!r} is the root and a terminal")
    if few := [node for node, number in ways.items() if number < 1]:
        raise ValueError(f"terminal {few[0]!r} needs {ways[few[0]]} ways, expected 1 or more")
    return ordered(graph)


def _start(joining: Joining, nodes: tuple[N, ...]) -> set[int]:
    """Return edges that join all terminals: the cheapest ways of each, one after another.

    Raises
    ------
    InfeasibleError
        When some terminals have too few.
    """
    numbers = {_pair(*pair): number for number, pair in enumerate(joining.edges)}
    left = dict(enumerate(joining.weights.tolist()))
    taken: set[int] = set()
    apart = []
    for terminal, number in joining.ways.items():
        routes = _ways(joining, terminal, left)
        if len(routes) < number:
            apart.append(terminal)
        used = {numbers[_pair(*leg)] for way in routes for leg in pairwise(way)}
        left |= dict.fromkeys(used, 0.0)
        taken |= used
    if apart:
        raise InfeasibleError(
            f"the graph has fewer than {joining.ways[apart[0]]} ways to {nodes[apart[0]]!r}",
            culprits=[nodes[terminal] for terminal in apart],
        )
    return taken


def _searched(joining: Joining, first: set[int], limits: Limits) -> tuple[set[int], float]:
    """Return the better of the edges that HiGHS finds and of those found first, and a bound."""
    programme, _ = joining_programme(joining)
    nodes = max(1, round(limits.effort * _NODES))
    found = minimise(programme, nodes=nodes, seconds=limits.seconds)
    count = joining.weights.size
    first_cost = fsum(joining.weights[sorted(first)])
    if found.values is None:
        return first, found.bound
    taken = set(np.flatnonzero(found.values[:count] > 1 / 2).tolist())
    better = fsum(joining.weights[sorted(taken)]) < first_cost
    return (taken if better else first), found.bound


def _ways(
    joining: Joining, terminal: int, weights: Mapping[int, float]
) -> tuple[tuple[int, ...], ...]:
    """Return the cheapest ways to a terminal along some edges, as many as it needs if there are.

    Each node is two, joined by an arc for one way, so that ways share none.
    """
    flows: nx.DiGraph[tuple[int, int]] = nx.DiGraph()
    for node in range(joining.size):
        ends = node in {joining.root, terminal}
        flows.add_edge((node, 0), (node, 1), capacity=joining.ways[terminal] if ends else 1)
    for edge, weight in sorted(weights.items()):
        one, other = joining.edges[edge]
        # Of equal ways that with the fewest edges is taken.
        price = round(weight * _PARTS_OF_WEIGHT) * 2 * joining.size + 1
        for start, end in ((one, other), (other, one)):
            flows.add_edge((start, 1), (end, 0), capacity=1, weight=price)
    flow = nx.max_flow_min_cost(flows, (joining.root, 0), (terminal, 1))
    onward = {
        node: sorted(end for (end, _), units in flow[node, 1].items() if units)
        for node in range(joining.size)
    }
    return tuple(sorted(_followed(joining.root, terminal, onward)))


def _followed(
    root: int, terminal: int, onward: Mapping[int, Collection[int]]
) -> Iterator[tuple[int, ...]]:
    for first in onward[root]:
        way = [root, first]
        while way[-1] != terminal:
            (following,) = onward[way[-1]]
            way.append(following)
        yield tuple(way)


def _pair(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)

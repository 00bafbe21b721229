"""Nodes and edges of a networkx graph in an order that does not depend on how it was built."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import networkx as nx

    from estate.optimise.arrays import Floats, Ints

N = TypeVar("N")


def ordered(nodes: Iterable[N]) -> tuple[N, ...]:
    """Return nodes in their own order, or that of type and text where they have none."""
    listed: list[Any] = list(nodes)
    try:
        return tuple(sorted(listed))
    except TypeError:
        return tuple(sorted(listed, key=lambda node: (type(node).__name__, repr(node))))


def weights_of(
    graph: nx.Graph[N], place: Mapping[N, int], *, weight: str
) -> tuple[Ints, Ints, Floats]:
    """Return where each edge starts and ends, and its weight, in the order of places.

    An undirected edge starts at the end that comes first.

    Raises
    ------
    ValueError
        When the graph has parallel edges, or a weight is absent, negative or not a number.
    """
    if graph.is_multigraph():
        raise ValueError("the graph has parallel edges; keep the one that counts")
    starts, beside = zip(*graph.adjacency(), strict=True) if graph else ((), ())
    # A graph's edges one by one take longer than the shortest routes between them.
    ends = list(chain.from_iterable(beside))
    values = [facts.get(weight, np.nan) for others in beside for facts in others.values()]
    tails = np.repeat([place[node] for node in starts], [len(others) for others in beside])
    heads, weights = np.array([place[node] for node in ends]), np.array(values, dtype=np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if wrong.size:
        one, other, value = list(place)[tails[wrong[0]]], ends[wrong[0]], values[wrong[0]]
        raise ValueError(f"{weight} of edge {one!r} – {other!r} is {value}, expected 0 or more")
    tails, heads = tails.astype(np.int64), heads.astype(np.int64)
    if not graph.is_directed():
        once = tails <= heads
        tails, heads, weights = tails[once], heads[once], weights[once]
    order = np.lexsort((heads, tails))
    return tails[order], heads[order], weights[order]

"""Nodes and edges of a networkx graph in an order that does not depend on how it was built."""

from __future__ import annotations

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
    edges = list(graph.edges(data=weight, default=np.nan))
    tails = np.array([place[one] for one, _, _ in edges], dtype=np.int64)
    heads = np.array([place[other] for _, other, _ in edges], dtype=np.int64)
    weights = np.array([value for _, _, value in edges], dtype=np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if wrong.size:
        one, other, value = edges[wrong[0]]
        raise ValueError(f"{weight} of edge {one!r} – {other!r} is {value}, expected 0 or more")
    if not graph.is_directed():
        tails, heads = np.minimum(tails, heads), np.maximum(tails, heads)
    order = np.lexsort((heads, tails))
    return tails[order], heads[order], weights[order]

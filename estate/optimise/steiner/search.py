"""Trees that are good, without proof: grown by shortest paths, then improved."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from estate.optimise.effort import Budget
    from estate.optimise.steiner.core import Core, Tree


# What an improvement has to be worth, as a share of the cost, not to be rounding.
_IMPROVEMENT = 1e-9


def grown(
    core: Core,
    fragments: Sequence[Sequence[int]],
    *,
    lengths: Sequence[float],
    budget: Budget,
    limit: float = inf,
) -> set[int]:
    """Return the fragments' nodes with those of the paths that join them.

    The first fragment grows by the path to whichever is nearest, over and over (Takahashi and
    Matsuyama, Mathematica Japonica 24, 1980). Equals are settled by node number. Edges of
    infinite length are not there. Where the paths together would be longer than the limit, some
    fragments are left out.
    """
    piece_of: dict[int, int] = {}
    for index, nodes in enumerate(fragments):
        piece_of.update(dict.fromkeys(nodes, index))
    waiting = set(range(1, len(fragments)))
    distance = dict.fromkeys(fragments[0], 0.0)
    before: dict[int, int] = {}
    heap = [(0.0, node) for node in sorted(fragments[0])]
    joined = set(fragments[0])
    steps = 0
    while heap and waiting:
        length, node = heappop(heap)
        steps += 1
        if length > limit:
            break
        if length > distance[node]:
            continue
        if piece_of.get(node) in waiting:
            waiting.discard(piece_of[node])
            limit -= length
            news = (*fragments[piece_of[node]], *_way_back(node, before, joined))
            joined.update(news)
            if not waiting:
                break
            for fresh in news:
                distance[fresh] = 0.0
                heappush(heap, (0.0, fresh))
            length = 0.0
        for other, edge in core.links[node]:
            further = length + lengths[edge]
            if further < distance.get(other, inf):
                distance[other] = further
                before[other] = node
                heappush(heap, (further, other))
    budget.spend(3 * steps)
    return joined


def _way_back(node: int, before: Mapping[int, int], joined: Container[int]) -> list[int]:
    way = []
    while (node := before[node]) not in joined:
        way.append(node)
    return way


def spanning(core: Core, edges: Iterable[int]) -> set[int]:
    """Return the cheapest forest among some edges."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while (up := parent.setdefault(node, node)) != node:
            parent[node] = node = parent[up]
        return node

    kept = set()
    rank = core.rank
    for edge in sorted(edges, key=rank.__getitem__):
        one, other = core.ends[edge]
        one, other = root(one), root(other)
        if one != other:
            parent[one] = other
            kept.add(edge)
    return kept


def pruned(core: Core, edges: Iterable[int]) -> Tree:
    """Return a tree without the branches that lead to no terminal."""
    kept = set(edges)
    links: dict[int, set[int]] = {}
    for edge in kept:
        for node in core.ends[edge]:
            links.setdefault(node, set()).add(edge)
    leaves = [node for node, here in links.items() if len(here) == 1]
    while leaves:
        node = leaves.pop()
        if node in core.is_terminal or len(links[node]) != 1:
            continue
        edge = links[node].pop()
        kept.discard(edge)
        one, other = core.ends[edge]
        far = other if one == node else one
        links[far].discard(edge)
        leaves.append(far)
    return frozenset(kept)


def tree_on(core: Core, nodes: set[int], budget: Budget) -> Tree:
    """Return the cheapest tree on some nodes, pruned."""
    edges = [
        edge
        for node in nodes
        for other, edge in core.links[node]
        if node < other and other in nodes
    ]
    budget.spend(2 * len(edges))
    return pruned(core, spanning(core, edges))


def joins(core: Core, tree: Tree) -> bool:
    """Return whether edges without a circle are one tree with all the terminals."""
    nodes = {node for edge in tree for node in core.ends[edge]}
    return len(nodes) == len(tree) + 1 and core.is_terminal <= nodes

"""A tree made better by small changes, until none helps."""

from __future__ import annotations

from collections import Counter
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING

from estate.optimise.steiner.hung import HungTree
from estate.optimise.steiner.search import joins, tree_on

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Sequence

    from estate.optimise.effort import Budget
    from estate.optimise.steiner.core import Core, Tree

# What an improvement has to be worth, as a share of the cost, not to be rounding.
_IMPROVEMENT = 1e-9

# Fewer places to arrive at than this, and a new node is a dead end.
_DOORS = 2


def improved(core: Core, tree: Tree, budget: Budget) -> Tree:
    """Return a tree that no further node, other way or missing fork makes cheaper.

    After Uchoa and Werneck, Fast local search for the Steiner problem in graphs, 2010; without
    their data structures. Deterministic: nodes and edges are taken in order.
    """
    cost = core.cost(tree)
    changes = (_with_more_nodes, _with_other_ways, _without_forks)
    turn = 0
    while tree and turn < len(changes) and not budget.over:
        tree = changes[turn](core, tree, budget)
        now = core.cost(tree)
        # The changes that take longer wait until the quick ones are through.
        turn = 0 if now < cost * (1 - _IMPROVEMENT) else turn + 1
        cost = now
    return tree


def _with_more_nodes(core: Core, tree: Tree, budget: Budget) -> Tree:
    """Let in each node outside that pays for itself."""
    cost = core.cost(tree)
    hung = HungTree(core, tree)
    doors = Counter(
        other for node in hung.nodes for other, _ in core.links[node] if other not in hung.depth
    )
    for node in sorted(node for node, count in doors.items() if count >= _DOORS):
        if budget.over:
            break
        if node in hung.depth:
            continue
        spare = _spared_by(core, hung, node, budget)
        if spare is None:
            continue
        nodes = {each for each in hung.nodes if each not in spare}
        candidate = tree_on(core, nodes | {node}, budget)
        price = core.cost(candidate)
        if price < cost * (1 - _IMPROVEMENT) and joins(core, candidate):
            tree, cost, hung = candidate, price, HungTree(core, candidate)
    return tree


def _spared_by(core: Core, hung: HungTree, node: int, budget: Budget) -> set[int] | None:
    """Return the nodes of the tree that a new one makes superfluous; None if it does not pay.

    Each edge to the tree beyond the cheapest closes a circle, from which the longest part that
    nothing branches off can go.
    """
    new = sorted(
        (core.lengths[edge], other) for other, edge in core.links[node] if other in hung.depth
    )
    if len(new) < _DOORS:
        return None
    (gain, first), *others = new
    gain = -gain
    spare: set[int] = set()
    for length, other in others:
        freed, passed = hung.longest_between(first, other, budget)
        if freed > length:
            gain += freed - length
            spare |= passed
    return spare if gain > 0 else None


def _with_other_ways(core: Core, tree: Tree, budget: Budget) -> Tree:
    """Replace each path between nodes that matter by the shortest way between the two sides."""
    hung = HungTree(core, tree)
    for node in [node for node in reversed(hung.nodes) if hung.matters(node)]:
        if budget.over:
            break
        if not hung.matters(node):
            continue  # An earlier change made it one of many on a path, or left it out.
        path, inner = hung.path_up(node)
        side = set(hung.branch(node))
        if 2 * len(side) > len(hung.nodes):
            side = {other for other in hung.nodes if other not in side and other not in inner}
        limit = core.cost(path) * (1 - _IMPROVEMENT)
        goal = _Outside(hung.depth, side | inner)
        way = _way_out(core, side, goal=goal, limit=limit, budget=budget)
        if way:
            tree = tree.difference(path).union(way)
            hung = HungTree(core, tree)
            budget.spend(2 * len(tree))
    return tree


class _Outside:
    """Some nodes without others."""

    def __init__(self, nodes: Container[int], without: Container[int]) -> None:
        self._nodes = nodes
        self._without = without

    def __contains__(self, node: object) -> bool:
        return node in self._nodes and node not in self._without


def _way_out(
    core: Core, start: Collection[int], *, goal: Container[int], limit: float, budget: Budget
) -> list[int]:
    """Return the edges of the shortest way to the goal; none where it is not below the limit."""
    distance = dict.fromkeys(start, 0.0)
    before: dict[int, tuple[int, int]] = {}
    heap = [(0.0, node) for node in sorted(start)]
    steps = 0
    way: list[int] = []
    while heap:
        length, node = heappop(heap)
        steps += 1
        if length >= limit:
            break
        if length > distance[node]:
            continue
        if node in goal:
            while node in before:
                node, edge = before[node]
                way.append(edge)
            break
        for other, edge in core.links[node]:
            further = length + core.lengths[edge]
            if further < distance.get(other, inf):
                distance[other] = further
                before[other] = (node, edge)
                heappush(heap, (further, other))
    budget.spend(3 * steps)
    return way


def _without_forks(core: Core, tree: Tree, budget: Budget) -> Tree:
    """Take out each fork with the paths that meet there, and join the pieces anew."""
    cost = core.cost(tree)
    hung = HungTree(core, tree)
    for fork in sorted(node for node in hung.nodes if hung.is_fork(node)):
        if budget.over:
            break
        if not hung.is_fork(fork):
            continue
        gone, pieces = hung.without(fork)
        limit = core.cost(gone) * (1 - _IMPROVEMENT)
        nodes = _rejoined(core, pieces, limit=limit, budget=budget)
        budget.spend(len(tree) / 4)
        if nodes is None:
            continue  # Nothing joins them for less.
        candidate = tree_on(core, nodes, budget)
        price = core.cost(candidate)
        if price < cost * (1 - _IMPROVEMENT):
            tree, cost, hung = candidate, price, HungTree(core, candidate)
    return tree


def _rejoined(
    core: Core, pieces: Sequence[Sequence[int]], *, limit: float, budget: Budget
) -> set[int] | None:
    """Return the nodes of pieces and of the ways that join them; None where they cost too much.

    The smallest piece looks for its way first, so that the largest never has to.
    """
    piece_of: dict[int, int] = {}
    for index, piece in enumerate(pieces):
        piece_of.update(dict.fromkeys(piece, index))
    waiting = dict(enumerate(pieces))
    while len(waiting) > 1:
        index = min(waiting, key=lambda each: (len(waiting[each]), each))
        piece = waiting.pop(index)
        way = _way_out(core, piece, goal=_Outside(piece_of, set(piece)), limit=limit, budget=budget)
        if not way:
            return None
        limit -= core.cost(way)
        nodes = {node for edge in way for node in core.ends[edge]}
        reached = next(piece_of[node] for node in nodes if piece_of.get(node, index) != index)
        waiting[reached] = [*waiting[reached], *piece, *nodes.difference(piece_of)]
        piece_of.update(dict.fromkeys((*piece, *nodes), reached))
    return set(piece_of)

"""From a Steiner problem to its tree and the proof of how good it is."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.steiner.ascent import dual_ascent
from estate.optimise.steiner.core import Reduction
from estate.optimise.steiner.cuts import Relaxation
from estate.optimise.steiner.improvement import improved
from estate.optimise.steiner.pruning import useless
from estate.optimise.steiner.search import grown, tree_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estate.optimise.arrays import Bools, Floats
    from estate.optimise.effort import Budget
    from estate.optimise.steiner.ascent import Ascent
    from estate.optimise.steiner.core import Tree

# Weights without a common unit are compared to this share of the cost.
_ROUNDING = 1e-9

# Terminals from which the first trees are grown.
_STARTS = 16

# The share of the effort left for one improvement.
_IMPROVING = 0.15

# Ascents in a row that may prune less than a fiftieth of the edges before cuts take over.
_STALE_ASCENTS = 2
_WORTH_PRUNING = 0.02

# The share of the edges that cuts have to take out for it to be better to begin anew without them
# than to branch.
_WORTH_RESTART = 0.2

# The most by which a weight is raised to find another tree.
_SHAKEN = 1.3

# How many trees are combined at a time, and the share of the effort left for that.
_COMBINED = 4
_COMBINING = 0.25
_COMBINING_FIRST = 0.4

# The share of the effort left for the cut relaxation.
_CUTTING = 0.7

# A gap from which cuts are slower to close than trees are to find.
_WIDE = 0.035

# A gap so small that the next round of cuts may close it.
_NARROW = 0.002

# A tree this much dearer than the best is not improved further.
_WORTH_IMPROVING = 1.0005


class Steiner:
    """A search that holds the best tree so far and the best bound so far.

    Where the weights are `whole`, a better tree is better by 1 or more. What is pruned on the
    way leads to no better tree, so that the problem left may be empty: then the best tree so
    far is proven.
    """

    def __init__(self, reduction: Reduction, *, whole: bool, budget: Budget, seed: int) -> None:
        self._reduction = reduction
        self._core = reduction.core()
        self._whole = whole
        self._budget = budget
        self._random = np.random.default_rng(seed)
        self._grown = inf  # What the cheapest tree cost that was improved.
        self.edges: set[int] = set()
        self.cost = inf
        self.bound = -inf

    def is_proven(self) -> bool:
        """Return whether no tree is better."""
        return self.bound > self.ceiling

    @property
    def ceiling(self) -> float:
        """Return the most that a better tree costs."""
        step = 1.0 if self._whole else _ROUNDING * self.cost
        return self.cost - step * (1 - 1e-6)

    def run(self, *, combine: bool = True) -> None:
        """Search until the tree is proven or the budget is over.

        Without `combine` it ends when the bound cannot be raised further.
        """
        ascent = None
        if len(self._core.terminals) > 1:
            self._start()
            ascent = self._ascend()
        if combine and self._gap > _WIDE:
            self._combine_all(share=_COMBINING_FIRST)
            ascent = self._ascend() or ascent
        while ascent is not None and self._is_open() and self._cut(ascent):
            ascent = self._ascend()
        if combine:
            self._combine_all(share=1.0)
        if len(self._core.terminals) < 2 and not self.is_proven():  # noqa: PLR2004 - all are joined
            self._offer(frozenset())
            self.bound = inf

    def _is_open(self) -> bool:
        return len(self._core.terminals) > 1 and not (self.is_proven() or self._budget.over)

    @property
    def _gap(self) -> float:
        return 1 - self.bound / self.cost

    def _start(self) -> None:
        """Find a first tree from several roots, once led by what an ascent pays for."""
        core = self._core
        roots = self._random.permutation(core.terminals)[:_STARTS].tolist()
        trees = {self._tree(root, core.lengths) for root in roots}
        ascent = self._ascent(roots[0])
        trees.add(self._tree(roots[0], self._paid(ascent)))
        best = min(trees, key=lambda tree: (core.cost(tree), sorted(tree)))
        self._offer_improved(best)
        self._prune(ascent)

    def _ascent(self, root: int) -> Ascent:
        ascent = dual_ascent(self._core, root, self._budget)
        self._raise(ascent.bound)
        return ascent

    def _ascend(self) -> Ascent | None:
        """Raise the bound from changing roots, and prune by it, while that pays.

        Return the last ascent: unless all is proven, it is one of the core that is left.
        """
        ascent = None
        stale = 0
        while stale < _STALE_ASCENTS and self._is_open():
            root = int(self._random.choice(self._core.terminals))
            ascent = self._ascent(root)
            self._offer_improved(self._tree(root, self._paid(ascent)))
            stale += 1
            if self._prune(ascent):
                stale = 0
        return ascent

    def _cut(self, ascent: Ascent) -> bool:
        """Close the rest of the gap by the cut relaxation, then by branch and bound.

        Return whether that left so little of the core that it is better to begin anew.
        """
        root = ascent.root
        relaxation = Relaxation(self._core, root, ascent.cuts)
        reserve = self._budget.left * (1 - _CUTTING)
        while not self.is_proven():
            kept_back = reserve if self._gap > _NARROW else 0.0
            if relaxation.work > self._budget.left - kept_back:
                return False
            found = relaxation.solve(self._budget)
            if found is None:
                return False
            self._raise(found.bound)
            if self.is_proven():
                return False
            self._follow(root, found.use)
            relaxation.keep_only(~self._useless(found.slack, root=root, bound=found.bound))
            if not relaxation.separate(found.use, self._budget):
                self._combine(_edges(found.use > 0))
                relaxation.keep_only(~self._useless(found.slack, root=root, bound=found.bound))
                if self._remove(~relaxation.live, worth=_WORTH_RESTART):
                    return True
                self._branch(relaxation, root)
                return False
        return False

    def _branch(self, relaxation: Relaxation, root: int) -> None:
        """Search whole arcs only, adding the cuts that an answer breaks until it breaks none."""
        while not (self.is_proven() or self._budget.over):
            ceiling = self.ceiling - self._reduction.forced_cost
            use, bound = relaxation.solve_whole(self._budget, ceiling=ceiling)
            self._raise(bound)
            if use is None or self.is_proven():
                return
            self._follow(root, use)
            if not relaxation.separate(use, self._budget):
                return

    def _combine_all(self, *, share: float) -> None:
        """Combine by turns what trees use and what an ascent pays for."""
        reserve = self._budget.left * (1 - share)
        while self._is_open() and self._budget.left > reserve:
            trees = [self._shaken() for _ in range(_COMBINED)]
            self._combine(frozenset().union(*trees))
            if self._is_open():
                root = int(self._random.choice(self._core.terminals))
                self._combine(_edges(self._ascent(root).slack == 0))

    def _combine(self, edges: Tree) -> None:
        """Offer the best tree among some of the edges."""
        core = self._core
        ordered = sorted(edges)
        reduction = Reduction(
            [core.ends[edge] for edge in ordered],
            [core.lengths[edge] for edge in ordered],
            core.terminals,
            node_count=core.node_count,
        )
        seed = int(self._random.integers(2**31))
        inner = Steiner(
            reduction, whole=self._whole, budget=self._budget.part(_COMBINING), seed=seed
        )
        inner.run(combine=False)
        self._offer(self._improved(frozenset(ordered[index] for index in inner.edges)))

    def _improved(self, tree: Tree) -> Tree:
        return improved(self._core, tree, self._budget.part(_IMPROVING))

    def _paid(self, ascent: Ascent) -> Sequence[float]:
        """Return the lengths of the edges that an ascent paid in full, and no way along others."""
        paid = (ascent.slack.reshape(-1, 2) == 0).any(axis=1)
        lengths: list[float] = np.where(paid, self._core.weights, inf).tolist()
        return lengths

    def _shaken(self) -> Tree:
        """Return a tree that grows among weights changed at random, and is improved."""
        root = int(self._random.choice(self._core.terminals))
        factors = self._random.uniform(1, _SHAKEN, self._core.weights.size)
        tree = self._tree(root, (self._core.weights * factors).tolist())
        tree = self._improved(tree)
        self._offer(tree)
        return tree

    def _follow(self, root: int, use: Floats) -> None:
        """Offer the tree that grows where a fractional answer points."""
        edge_use = use.reshape(-1, 2).max(axis=1)
        lengths = (self._core.weights * (1 - edge_use)).tolist()
        self._offer_improved(self._tree(root, lengths))

    def _tree(self, root: int, lengths: Sequence[float]) -> Tree:
        others = [[terminal] for terminal in self._core.terminals if terminal != root]
        nodes = grown(self._core, [[root], *others], lengths=lengths, budget=self._budget)
        return tree_on(self._core, nodes, self._budget)

    def _offer_improved(self, tree: Tree) -> None:
        """Offer a tree, improved where it is cheaper than those that were so before."""
        cost = self._core.cost(tree) + self._reduction.forced_cost
        if cost < min(self._grown, self.cost * _WORTH_IMPROVING):
            self._grown = cost
            tree = self._improved(tree)
        self._offer(tree)

    def _offer(self, tree: Tree) -> None:
        cost = self._core.cost(tree) + self._reduction.forced_cost
        if cost < self.cost:
            self.cost = cost
            self.edges = self._reduction.first_edges(self._core.names[edge] for edge in tree)

    def _raise(self, bound: float) -> None:
        self.bound = max(self.bound, bound + self._reduction.forced_cost)

    def _useless(self, slack: Floats, *, root: int, bound: float) -> Bools:
        ceiling = self.ceiling - self._reduction.forced_cost
        return useless(self._core, slack, root=root, bound=bound, ceiling=ceiling)

    def _prune(self, ascent: Ascent) -> bool:
        """Take out what no better tree uses, and return whether that was worth the while."""
        if self.is_proven():
            return False
        arcs = self._useless(ascent.slack, root=ascent.root, bound=ascent.bound)
        return self._remove(arcs, worth=_WORTH_PRUNING)

    def _remove(self, arcs: Bools, *, worth: float) -> bool:
        """Take out the edges of which neither arc is needed, where their share is worth it.

        Arcs lead away from one root: what is needless from another must not be mixed with them.
        """
        dead = arcs.reshape(-1, 2).all(axis=1)
        if dead.sum() <= worth * dead.size:
            return False
        self._reduction.remove(self._core.names[edge] for edge in np.flatnonzero(dead))
        self._core = self._reduction.core()
        if len(self._core.terminals) < len(self._reduction.terminals):
            self.bound = inf  # No tree is left that is better.
        return True


def _edges(arcs: Bools) -> Tree:
    """Return the edges of which an arc is marked."""
    return frozenset(np.flatnonzero(arcs.reshape(-1, 2).any(axis=1)).tolist())

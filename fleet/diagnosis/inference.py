"""How likely each group's failure is the cause of its silence: exact, for nested groups.

Every group fails by itself with its prior. A device under a failed group is silent but for stale
entries; any other is silent by itself with a share that the site's own devices tell. A failure
below another failure changes nothing that can be seen, so what is weighed is the outermost one.

In a tree the sum over all combinations of failures is a product over branches (the sum-product
rule for trees: Pearl, Probabilistic Reasoning in Intelligent Systems, 1988), here in logarithms:

    alive(g) = log( p_g e^dead(g) + (1 - p_g) e^(own devices alive + sum of alive(children)) )

Groups that cross the tree are tried as failed one by one and in pairs, and the results weighed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fleet.diagnosis.groups import Group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.diagnosis.groups import Groups
    from fleet.diagnosis.priors import Priors

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

# Crossing groups that are tried: the likeliest by the share that is silent.
_CROSSING_MAX = 16
_CROSSING_SILENT = 0.5
_TOGETHER_MAX = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Weighed:
    """The probability that each group is an outermost failure: of the tree, and crossing it.

    `silence` is the expected share of devices that are silent by themselves.
    """

    tree: Floats
    crossing: Floats
    silence: float


def weigh(groups: Groups, silent: Bools, priors: Priors) -> Weighed:
    """Return how likely each group has failed; `silent` says so of each device by its number."""
    shares, weights = priors.silences()
    dead = np.where(silent, float(np.log1p(-priors.stale)), float(np.log(priors.stale)))
    alive: Floats = np.where(silent[:, np.newaxis], np.log(shares), np.log1p(-shares))
    tree = _Tree.of(groups, priors)
    tried = _worth_trying(groups.crossing, silent)
    crossing_priors = [_failed(group, priors) for group in groups.crossing]
    scores, results, sets = [], [], []
    for chosen in _up_to(tried, _TOGETHER_MAX):
        fallen = _union(groups.crossing, chosen)
        evidence, outermost = tree.weigh(dead, _with(alive, dead, fallen))
        prior = sum(
            np.log(p) if index in chosen else np.log1p(-p)
            for index, p in enumerate(crossing_priors)
        )
        scores.append(evidence + weights + prior)
        results.append(outermost)
        sets.append(chosen)
    posterior = np.exp(np.array(scores) - np.logaddexp.reduce(np.ravel(scores)))  # (sets, shares)
    crossing = np.zeros(len(groups.crossing))
    for chosen, share in zip(sets, posterior.sum(axis=1), strict=True):
        crossing[list(chosen)] += share
    return Weighed(
        tree=np.einsum("sq,sgq->g", posterior, np.array(results)),
        crossing=crossing,
        silence=float(posterior.sum(axis=0) @ shares),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Tree:
    """The groups of a tree, inner ones after outer ones, with their priors."""

    groups: Sequence[Group]
    parents: Sequence[int]
    failed: Floats
    own: tuple[NDArray[np.int64], ...]
    loose: NDArray[np.int64]

    @classmethod
    def of(cls, groups: Groups, priors: Priors) -> _Tree:
        within: list[set[int]] = [set(group.devices) for group in groups.tree]
        for group, parent in zip(groups.tree, groups.parents, strict=True):
            if parent >= 0:
                within[parent] -= group.devices
        covered = frozenset().union(*(group.devices for group in groups.tree))
        crossing = frozenset().union(*(group.devices for group in groups.crossing))
        return cls(
            groups=groups.tree,
            parents=groups.parents,
            failed=np.array([_failed(group, priors) for group in groups.tree]),
            own=tuple(np.array(sorted(devices), dtype=np.int64) for devices in within),
            loose=np.array(sorted(crossing - covered), dtype=np.int64),
        )

    def weigh(self, dead: Floats, alive: Floats) -> tuple[Floats, Floats]:
        """Return the evidence for each share of silence, and each group's probability (g, q)."""
        count = len(self.groups)
        below = [dead[own].sum() for own in self.own]
        standing = [alive[own].sum(axis=0) for own in self.own]
        share_failed = np.zeros((count, alive.shape[1]))
        evidence = alive[self.loose].sum(axis=0)
        for position in reversed(range(count)):
            fails = np.log(self.failed[position]) + below[position]
            stands = np.log1p(-self.failed[position]) + standing[position]
            either = np.logaddexp(fails, stands)
            share_failed[position] = np.exp(fails - either)
            parent = self.parents[position]
            if parent < 0:
                evidence = evidence + either
            else:
                below[parent] += below[position]
                standing[parent] = standing[parent] + either
        reached = np.ones_like(share_failed)
        for position, parent in enumerate(self.parents):
            if parent >= 0:
                reached[position] = reached[parent] * (1 - share_failed[parent])
        return evidence, reached * share_failed


def _failed(group: Group, priors: Priors) -> float:
    """Return the probability that at least one element of a group has failed."""
    standing = np.prod([1 - priors.of(element.kind).failed for element in group.elements])
    return float(1 - standing)


def _worth_trying(crossing: Sequence[Group], silent: Bools) -> list[int]:
    shares = [silent[sorted(group.devices)].mean() for group in crossing]
    order = sorted(range(len(crossing)), key=lambda index: (-shares[index], index))
    return [index for index in order if shares[index] > _CROSSING_SILENT][:_CROSSING_MAX]


def _up_to(items: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    return chain.from_iterable(combinations(items, count) for count in range(size + 1))


def _union(crossing: Sequence[Group], chosen: Sequence[int]) -> list[int]:
    return sorted(frozenset().union(*(crossing[index].devices for index in chosen)))


def _with(alive: Floats, dead: Floats, fallen: Sequence[int]) -> Floats:
    """Return how likely each device is as it is, where some are cut off in any case."""
    if not fallen:
        return alive
    changed = alive.copy()
    changed[fallen] = dead[fallen, np.newaxis]
    return changed

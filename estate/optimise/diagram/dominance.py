"""States that another makes needless: one that costs no more and has at least as much done.

All pairs of a layer would be too many to compare. Sorted by what they have done, states that
differ little lie side by side: each is compared with those near it, in a few different orders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.diagram.line import WORD, Words

if TYPE_CHECKING:
    from estate.optimise.arrays import Bools, Floats, Ints

# How many orders, how far from each other states are compared, and the share of states from
# which on another order is worth it.
_ORDERS = 4
_NEAR = 30
_WORTH = 0.03

# States compared at once: so many stay in a processor's cache.
_BLOCK = 1 << 14

_ONE = np.uint64(1)


def dominated(done: Words, cost: Floats, *, seed: int) -> Bools:
    """Return which of some states are needless, for all that were found to be.

    `done` has a bit for each thing that a state may have done, set where it is better off; all
    differ. The seed draws the orders.
    """
    found = np.zeros(done.size, dtype=np.bool_)
    draws = np.random.default_rng(seed)
    used = np.flatnonzero([bool((done & (_ONE << np.uint64(bit))).any()) for bit in range(WORD)])
    for _ in range(_ORDERS):
        left = np.flatnonzero(~found)
        # All differ, so that any way of sorting leads to the same order: the fastest.
        order = left[np.argsort(_shuffled(done[left], draws.permutation(used)))]
        needless = _beside_better(done[order], cost[order])
        found[order[needless]] = True
        if needless.mean() < _WORTH:
            break
    return found


def _shuffled(done: Words, bits: Ints) -> Words:
    """Return the words with some of their bits in another order."""
    found = np.zeros_like(done)
    for start in range(0, done.size, _BLOCK):
        block = done[start : start + _BLOCK]
        for place, bit in enumerate(bits.tolist()):
            found[start : start + _BLOCK] |= (block >> np.uint64(bit) & _ONE) << np.uint64(place)
    return found


def _beside_better(done: Words, cost: Floats) -> Bools:
    """Return which have one near them that has done all that they have for no more."""
    found = np.zeros(done.size, dtype=np.bool_)
    for start in range(0, done.size, _BLOCK):
        block = slice(start, start + _BLOCK + _NEAR)
        found[block] |= _near_better(done[block], cost[block])
    return found


def _near_better(done: Words, cost: Floats) -> Bools:
    found = np.zeros(done.size, dtype=np.bool_)
    for step in range(1, min(_NEAR, done.size)):
        one, other = done[:-step], done[step:]
        both = one & other
        dearer = cost[:-step] - cost[step:]
        found[step:] |= (both == other) & (dearer <= 0)
        found[:-step] |= (both == one) & (dearer >= 0) & (one != other)
    return found

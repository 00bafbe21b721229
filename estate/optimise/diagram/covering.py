"""Covers whose variables imply each other, and what of them a best answer never needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csgraph, csr_array

from estate.optimise.arrays import Bools, Floats, Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class Covering:
    """Minimise the costs of variables that are taken or not, so that each row has one taken.

    `covers` are rows over the n variables, shape (m, n). Of each pair in `implications`, shape
    (k, 2), the second is taken where the first is. `implied` are further rows that every answer
    keeps, and that fractional ones break; shape (r, n).
    """

    costs: Floats
    covers: csr_array
    implications: Ints
    implied: csr_array

    @classmethod
    def plain(cls, covers: csr_array) -> Covering:
        """Return the covering by as few variables as possible, none of which implies another."""
        size = covers.shape[1]
        return cls(
            costs=np.ones(size),
            covers=covers,
            implications=np.zeros((0, 2), dtype=np.int64),
            implied=csr_array((0, size)),
        )


def needed(covering: Covering) -> tuple[Covering, Ints]:
    """Return the covering without what changes nothing, and which variables are left.

    A variable that nothing implies is not needed where another costs no more, is in all its rows
    and implies nothing that it does not; a row where the variables of another are all in it.
    """
    costs = covering.costs
    rows = covering.covers.toarray() > 0
    implied = _implied(covering.implications, costs.size)
    free = (costs >= 0) & ~implied.any(axis=0)
    less = ~(~implied @ implied.T) & (costs[:, np.newaxis] >= costs) & free[:, np.newaxis]
    asked = rows.any(axis=0)
    while True:
        better = ~(rows.T @ ~rows) & less & asked
        asked = asked & ~_beaten(better)
        kept = rows & asked
        kept = kept[~_beaten(~(~kept @ kept.T))]
        if kept.shape == rows.shape and (kept == rows).all():
            break
        rows = kept
    taken = asked | (costs < 0)
    left = np.flatnonzero(taken | implied[taken].any(axis=0))
    return _only(covering, rows, left), left


def _implied(implications: Ints, count: int) -> Bools:
    """Return which others each variable implies, also by way of further ones; shape (n, n)."""
    ends = (implications[:, 0], implications[:, 1])
    graph = csr_array((np.ones(len(implications)), ends), shape=(count, count))
    found: Bools = np.isfinite(csgraph.shortest_path(graph, unweighted=True))
    np.fill_diagonal(found, val=False)
    return found


def _beaten(better: Bools) -> Bools:
    """Return which of some are beaten, where entry (i, j) says that j is as good as i or better.

    Of equals the first stays.
    """
    before = np.tril(np.ones_like(better), -1)
    strictly = better & ~(better.T & ~before)
    np.fill_diagonal(strictly, val=False)
    beaten: Bools = np.asarray(strictly.any(axis=1))
    return beaten


def _only(covering: Covering, rows: Bools, left: Ints) -> Covering:
    place = np.full(covering.costs.size, -1)
    place[left] = np.arange(left.size)
    pairs = place[covering.implications]
    implied = csr_array(covering.implied[:, left])
    return Covering(
        costs=covering.costs[left],
        covers=csr_array(rows[:, left].astype(np.float64)),
        implications=pairs[(pairs >= 0).all(axis=1)],
        implied=implied[np.flatnonzero(implied.sum(axis=1))],
    )

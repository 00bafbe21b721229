"""Variables in an order in which little is open at once: what a diagram's width depends on."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import csgraph, csr_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.optimise.arrays import Floats, Ints

# How much implications weigh beside covers in what is to lie side by side.
_WEIGHTS = (1.0, 3.0)

# How far a variable may move in an order at once, and how many moves are tried.
_STEPS = (1, 2, 4, 6, 10, 15, 25, 40)
_MOVES = 60_000

# The share of variables that have to be in another line, for that to be a start.
_KNOWN = 0.5

_LESS = 1e-6


class Openings:
    """What is open along an order: rows, variables asked for and those left out before that.

    A row is open from its first variable to its last, a variable asked for from the first that
    implies it to itself, and one left out from itself to the last that implies it.
    """

    def __init__(self, covers: csr_array, implications: Ints) -> None:
        self._size = covers.shape[1]
        starts = covers.indptr[:-1][np.diff(covers.indptr) > 0]
        self._members, self._rows = covers.indices, starts
        by_second = implications[np.argsort(implications[:, 1], kind="stable")]
        self._firsts = by_second[:, 0]
        self._seconds, self._pairs = np.unique(by_second[:, 1], return_index=True)

    def states(self, orders: Ints) -> Floats:
        """Return how many states orders may lead to, as a measure to compare them by; shape (k,).

        `orders` has shape (k, n). Of what is open at once, half counts as a choice: most of it is
        met or asked for together.
        """
        count, ends = len(orders), self._size + 1
        place = np.empty_like(orders)
        np.put_along_axis(place, orders, np.arange(self._size)[np.newaxis], axis=1)
        opened: list[Ints] = []
        closed: list[Ints] = []
        if self._rows.size:
            members = place[:, self._members]
            opened.append(np.minimum.reduceat(members, self._rows, axis=1))
            closed.append(np.maximum.reduceat(members, self._rows, axis=1))
        if self._pairs.size:
            firsts, second = place[:, self._firsts], place[:, self._seconds]
            earliest = np.minimum.reduceat(firsts, self._pairs, axis=1)
            latest = np.maximum.reduceat(firsts, self._pairs, axis=1)
            opened += [np.minimum(earliest, second), second]
            closed += [second, np.maximum(latest, second)]
        if not opened:
            return np.full(count, float(ends))
        offset = ends * np.arange(count)[:, np.newaxis]
        more, fewer = (
            np.bincount((np.concatenate(each, axis=1) + offset).ravel(), minlength=count * ends)
            for each in (opened, closed)
        )
        is_open = np.cumsum((more - fewer).reshape(count, ends), axis=1)
        return np.asarray(np.exp2(is_open / 2).sum(axis=1))


def narrow_order(covers: csr_array, implications: Ints, *, along: Floats | None = None) -> Ints:
    """Return an order of few states: the best of some spectral ones, made better move by move.

    A move takes a variable to the best of some other places, where that leaves fewer states. Where
    many variables lie `along` a line that is narrow already, those are the start.
    """
    openings = Openings(covers, implications)
    if along is not None and np.isfinite(along).sum() > _KNOWN * along.size:
        order = np.argsort(_filled(covers, implications, along), kind="stable")
    else:
        orders = np.array(list(_orders(covers, implications)))
        order = orders[np.argmin(openings.states(orders))]
    least, tried, is_better = float(openings.states(order[np.newaxis])[0]), 0, True
    while is_better and tried < _MOVES:
        is_better = False
        for variable in order.copy():
            moved = _moved(order, variable)
            states = openings.states(moved)
            tried += len(moved)
            if states.min(initial=inf) < least * (1 - _LESS):
                order, least = moved[np.argmin(states)], float(states.min())
                is_better = True
    return order


def _filled(covers: csr_array, implications: Ints, along: Floats) -> Floats:
    """Return where variables lie along a line: the others amid those that they share rows with."""
    joins = np.zeros((len(implications), covers.shape[1]))
    np.put_along_axis(joins, implications, 1.0, axis=1)
    links = np.vstack((covers.toarray(), joins)) > 0
    near = links.T.astype(np.float64) @ links
    while not (known := np.isfinite(along)).all():
        weight = near[:, known].sum(axis=1)
        means = near[:, known] @ along[known] / np.maximum(weight, 1)
        found = ~known & (weight > 0)
        along = np.where(found, means, along)
        if not found.any():
            along = np.where(known, along, np.nanmax(along) + 1)
    return along


def _moved(order: Ints, variable: int) -> Ints:
    """Return an order with a variable at each other place that it may move to; shape (k, n)."""
    size, at = order.size, int(np.flatnonzero(order == variable)[0])
    last = np.append(np.delete(order, at), variable)
    steps = [step for far in _STEPS for step in (-far, far)]
    places = np.array([at + step for step in steps if 0 <= at + step < size], dtype=np.int64)
    each, place = np.arange(size), places[:, np.newaxis]
    return last[np.where(each == place, size - 1, each - (each > place))]


def _orders(covers: csr_array, implications: Ints) -> Iterator[Ints]:
    """Yield the variables in orders in which what has much in common lies side by side.

    They are those of the first vectors of the Laplacian of rows, implications and variables
    (Barnard, Pothen and Simon, A spectral algorithm for envelope reduction of sparse matrices,
    1995). What implies comes first where it can: then it is known what is asked for.
    """
    joins = np.zeros((len(implications), covers.shape[1]))
    np.put_along_axis(joins, implications, 1.0, axis=1)
    first, second = implications[:, 0], implications[:, 1]
    for weight in _WEIGHTS:
        for along in _vectors(np.vstack((covers.toarray(), weight * joins))):
            is_back = (along[first] > along[second]).sum() > len(implications) / 2
            yield np.argsort(-along if is_back else along, kind="stable")


def _vectors(links: Floats) -> Iterator[Floats]:
    """Yield where columns lie along the first vectors of the Laplacian of rows and columns."""
    rows, columns = (np.zeros((size, size)) for size in links.shape)
    graph = np.block([[rows, links], [links.T, columns]])
    degree = np.sqrt(np.maximum(graph.sum(axis=1), 1))
    laplacian = np.asarray(csgraph.laplacian(graph, normed=True))
    _, vectors = eigh(laplacian, subset_by_index=[1, min(2, degree.size - 1)])
    for vector in vectors.T:
        along = (vector / degree)[links.shape[0] :]
        largest = along[np.argmax(np.abs(along))]
        yield np.round(along / (largest or 1.0), 9)

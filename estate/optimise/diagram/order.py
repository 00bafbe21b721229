"""Variables in an order in which little is open at once: what a diagram's width depends on."""

from __future__ import annotations

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
_MOVES = 30_000

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

    def states(self, order: Ints) -> float:
        """Return how many states an order may lead to, as a measure to compare orders by.

        Of what is open at once, half counts as a choice: most of it is met or asked for together.
        """
        place = np.empty(self._size, dtype=np.int64)
        place[order] = np.arange(self._size)
        opened: list[Ints] = []
        closed: list[Ints] = []
        if self._rows.size:
            members = place[self._members]
            opened.append(np.minimum.reduceat(members, self._rows))
            closed.append(np.maximum.reduceat(members, self._rows))
        if self._pairs.size:
            firsts, second = place[self._firsts], place[self._seconds]
            opened += [np.minimum(np.minimum.reduceat(firsts, self._pairs), second), second]
            closed += [second, np.maximum(np.maximum.reduceat(firsts, self._pairs), second)]
        if not opened:
            return float(self._size + 1)
        count = self._size + 1
        more = np.bincount(np.concatenate(opened), minlength=count)
        fewer = np.bincount(np.concatenate(closed), minlength=count)
        return float(np.exp2(np.cumsum(more - fewer) / 2).sum())


def narrow_order(covers: csr_array, implications: Ints) -> Ints:
    """Return an order of few states: the best of some spectral ones, made better move by move.

    A move takes a variable to another place; it is kept where that leaves fewer states.
    """
    openings = Openings(covers, implications)
    order = min(_orders(covers, implications), key=openings.states)
    least, moves = openings.states(order), 0
    is_better = True
    while is_better and moves < _MOVES:
        is_better = False
        for variable in order.copy():
            at = int(np.flatnonzero(order == variable)[0])
            others = np.delete(order, at)
            for to in _places(at, order.size):
                moved = np.insert(others, to, variable)
                states = openings.states(moved)
                moves += 1
                if states < least * (1 - _LESS):
                    order, least, is_better = moved, states, True
                    break
    return order


def _places(at: int, size: int) -> list[int]:
    """Return where a variable may move to, what is near first."""
    steps = [step for far in _STEPS for step in (-far, far)]
    return [at + step for step in steps if 0 <= at + step < size]


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


def in_line(rows: Floats) -> Ints:
    """Return the columns in an order in which those that share rows lie side by side."""
    return np.argsort(next(_vectors(rows)), kind="stable")


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

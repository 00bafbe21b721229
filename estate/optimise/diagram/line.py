"""The variables of a covering in a line, so that few rows are open anywhere on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from estate.optimise.arrays import Floats, Ints
from estate.optimise.diagram.covering import Covering, needed
from estate.optimise.diagram.order import Openings, narrow_order
from estate.optimise.programme import Programme

if TYPE_CHECKING:
    from collections.abc import Iterable

Words = NDArray[np.uint64]
Span = tuple[int, int]

WORD = 64
_NEVER = (-1, -1)


@dataclass(frozen=True, eq=False)
class Line:
    """A covering with its variables in the order of a line, and what is open where.

    `rows` are the covers and then the implied rows; the first `hard` of them are covers. A state
    has a bit for each row that is open, for each variable that is asked for by one before it,
    and for each that was left out before one that implies it.
    """

    costs: Floats
    rows: csr_array
    hard: int
    pairs: Ints
    places: Ints  # Of each variable in what the line was made of.
    total: int

    @classmethod
    def of(cls, covering: Covering, along: Floats | None = None) -> Line:
        """Return the line of what is needed of a covering.

        `along` says where variables lie along the line of another covering.
        """
        fewer, left = needed(covering)
        rows = csr_array(vstack((fewer.covers, fewer.implied)))
        order = narrow_order(
            fewer.covers, fewer.implications, along=None if along is None else along[left]
        )
        return cls(
            costs=fewer.costs[order],
            rows=csr_array(rows[:, order]),
            hard=fewer.covers.shape[0],
            pairs=np.argsort(order)[fewer.implications],
            places=left[order],
            total=covering.costs.size,
        )

    @property
    def size(self) -> int:
        """Return how many variables there are."""
        return self.costs.size

    @property
    def along(self) -> Floats:
        """Return where each variable of what the line was made of lies; not a number if nowhere."""
        found = np.full(self.total, np.nan)
        found[self.places] = np.arange(self.size)
        return found

    @cached_property
    def states(self) -> float:
        """Return how many states the line may have, as a measure to compare lines by."""
        openings = Openings(csr_array(self.rows[: self.hard]), self.pairs)
        return float(openings.states(np.arange(self.size)[np.newaxis])[0])

    @property
    def programme(self) -> Programme:
        """Return its programme: one of each row is taken, and what is implied by what is."""
        pairs = np.zeros((len(self.pairs), self.size))
        np.put_along_axis(pairs, self.pairs[:, :1], -1.0, axis=1)
        np.put_along_axis(pairs, self.pairs[:, 1:], 1.0, axis=1)
        floor = np.concatenate((np.ones(self.rows.shape[0]), np.zeros(len(pairs))))
        return Programme(
            costs=self.costs,
            whole=np.ones(self.size, dtype=np.bool_),
            rows=csr_array(vstack((self.rows, csr_array(pairs)))),
            floor=floor,
            ceiling=np.full(floor.size, np.inf),
        )

    def reversed(self) -> Line:
        """Return the line from its other end."""
        return replace(
            self,
            costs=self.costs[::-1],
            rows=csr_array(self.rows[:, ::-1]),
            pairs=self.size - 1 - self.pairs,
            places=self.places[::-1],
        )

    def unordered(self, values: Floats) -> Floats:
        """Return values of the line's variables as those of what it was made of."""
        found = np.zeros(self.total)
        found[self.places] = values
        return found

    @property
    def fits(self) -> bool:
        """Return whether what is open of covers and implications fits a word everywhere."""
        bits = self.bits
        key = np.concatenate((bits.rows[: self.hard], bits.asked, bits.left))
        return bool(key.max(initial=0) < WORD)

    @property
    def words(self) -> int:
        """Return how many words the implied rows that are open take."""
        return int(self.bits.rows[self.hard :].max(initial=0)) // WORD + 1

    @cached_property
    def rows_at(self) -> list[list[int]]:
        """Return the rows of each variable."""
        columns = csr_array(self.rows.T)
        ends = columns.indptr.tolist()
        return [columns.indices[i:j].tolist() for i, j in pairwise(ends)]

    @cached_property
    def ends(self) -> tuple[Ints, Ints]:
        """Return the first and the last variable of each row."""
        starts = self.rows.indptr[:-1]
        return (
            np.minimum.reduceat(self.rows.indices, starts).astype(np.int64),
            np.maximum.reduceat(self.rows.indices, starts).astype(np.int64),
        )

    @cached_property
    def pairs_of(self) -> tuple[list[list[int]], list[list[int]]]:
        """Return the implications of each variable: those by it, and those of it."""
        by: list[list[int]] = [[] for _ in range(self.size)]
        of: list[list[int]] = [[] for _ in range(self.size)]
        for pair, (first, second) in enumerate(self.pairs.tolist()):
            by[first].append(pair)
            of[second].append(pair)
        return by, of

    @cached_property
    def spans(self) -> tuple[list[Span], list[Span], list[Span]]:
        """Return from where to where each row is open, each variable asked for, each left out."""
        firsts, lasts = (each.tolist() for each in self.ends)
        asked, left = [_NEVER] * self.size, [_NEVER] * self.size
        for second, pairs in enumerate(self.pairs_of[1]):
            others = self.pairs[pairs, 0].tolist()
            if others and min(others) < second:
                asked[second] = (min(others), second)
            if others and max(others) > second:
                left[second] = (second, max(others))
        return list(zip(firsts, lasts, strict=True)), asked, left

    @cached_property
    def bits(self) -> Bits:
        """Return the bits of what may be open."""
        covers, asked, left = self.spans
        key: list[list[Span]] = []
        others = _placed([*asked, *left], key)
        rows = [*_placed(covers[: self.hard], key), *_placed(covers[self.hard :], [])]
        return Bits(
            rows=np.array(rows, dtype=np.int64),
            asked=np.array(others[: self.size], dtype=np.int64),
            left=np.array(others[self.size :], dtype=np.int64),
        )


@dataclass(frozen=True, eq=False)
class Bits:
    """The bit of each row, of each variable asked for before it, and of each left out; or -1.

    Those of covers, of variables asked for and left out are of one word, those of implied rows of
    others. Bits are used again once what they stood for is closed.
    """

    rows: Ints
    asked: Ints
    left: Ints


def _placed(spans: Iterable[Span], used: list[list[Span]]) -> list[int]:
    """Return a bit for each span from a first place to a last, and note it among those used.

    It is the least bit that is free there: a bit is used again once what it stood for is closed.
    """
    numbered = sorted((span, number) for number, span in enumerate(spans))
    bits = [-1] * len(numbered)
    for (first, last), number in numbered:
        if first < 0:
            continue
        free = (
            bit
            for bit, others in enumerate(used)
            if all(last < start or end < first for start, end in others)
        )
        bits[number] = next(free, len(used))
        if bits[number] == len(used):
            used.append([])
        used[bits[number]].append((first, last))
    return bits

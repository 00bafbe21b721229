"""What is left of a line from one variable on: its relaxation, and prices for the states there."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csr_array, vstack

from estate.optimise.arrays import Floats, Ints
from estate.optimise.programme import Programme
from estate.optimise.relaxation import relaxed

if TYPE_CHECKING:
    from estate.optimise.diagram.line import Line


@dataclass(frozen=True, eq=False)
class Prices:
    """What rows, implications and variables are worth by each of some models, a row for each."""

    rows: Floats
    pairs: Floats
    reduced: Floats

    def of(self, models: Ints) -> Prices:
        """Return the prices of some of the models."""
        return Prices(self.rows[models], self.pairs[models], self.reduced[models])

    @classmethod
    def joined(cls, every: list[Prices]) -> Prices:
        """Return the models of all, in their order."""
        return cls(
            rows=np.vstack([each.rows for each in every]),
            pairs=np.vstack([each.pairs for each in every]),
            reduced=np.vstack([each.reduced for each in every]),
        )


@dataclass(frozen=True, eq=False)
class Priced:
    """Prices from a relaxation: those by parts of the line, by needs, and what is fixed."""

    prices: Prices
    needs: Floats
    fixed: float


class Rest:
    """The programme of the variables from a place on, for what states before it need.

    Needs are, one after another: the open `rows`; the variables `asked` for by one before, to be
    taken; the pairs still whole, which need nothing; and the pairs `left` whose second was decided
    before: their first may be taken at most once, or not at all where that was left out.
    """

    def __init__(self, line: Line, place: int) -> None:
        self._line, self.place = line, place
        _, lasts = line.ends
        self.rows = np.flatnonzero(lasts >= place)
        first, second = line.pairs[:, 0], line.pairs[:, 1]
        self._asking = np.flatnonzero((first < place) & (second >= place))
        self.asked, self._by = np.unique(second[self._asking], return_index=True)
        self._whole = np.flatnonzero((first >= place) & (second >= place))
        self.left = np.flatnonzero((first >= place) & (second < place))
        count = line.size - place
        parts = (
            csr_array(line.rows[self.rows][:, place:]),
            _taken(self.asked - place, count),
            csr_array(
                _taken(second[self._whole] - place, count)
                - _taken(first[self._whole] - place, count)
            ),
            csr_array(-_taken(first[self.left] - place, count)),
        )
        self._matrix = csr_array(vstack(parts))

    def priced(self, needs: Floats) -> Priced | None:
        """Return the best prices for what a state needs, None where it leads nowhere.

        Needs are 1 for the rows and the variables asked for that are still to be met, and for
        the pairs whose second was left out; otherwise 0.
        """
        line, place = self._line, self.place
        met, left = np.split(needs, [self.rows.size + self.asked.size])
        floor = np.concatenate((met, np.zeros(self._whole.size), left - 1))
        programme = Programme(
            costs=line.costs[place:],
            whole=np.zeros(line.size - place, dtype=np.bool_),
            rows=self._matrix,
            floor=floor,
            ceiling=np.full(floor.size, np.inf),
        )
        found = relaxed(programme, seconds=inf)
        if found is None or found.bound == inf:
            return None
        price = np.maximum(found.prices, 0)
        reduced = programme.costs - self._matrix.T @ price
        ends = np.cumsum((self.rows.size, self.asked.size, self._whole.size))
        by_row, by_asked, by_whole, by_left = np.split(price, ends)
        of_rows, of_pairs = np.zeros(line.rows.shape[0]), np.zeros(len(line.pairs))
        of_rows[self.rows] = by_row
        of_pairs[self._whole], of_pairs[self.left] = by_whole, by_left
        of_pairs[self._asking[self._by]] = by_asked  # One pair stands for all that ask.
        prices = Prices(
            of_rows[np.newaxis],
            of_pairs[np.newaxis],
            np.concatenate((np.zeros(place), reduced))[np.newaxis],
        )
        fixed = float(np.minimum(reduced, 0).sum() - by_left.sum())
        return Priced(prices, np.concatenate((by_row, by_asked, by_left)), fixed)


def _taken(columns: Ints, count: int) -> csr_array:
    """Return a row for each variable that holds 1 for it alone."""
    places = (np.arange(columns.size), columns)
    return csr_array(coo_array((np.ones(columns.size), places), shape=(columns.size, count)))

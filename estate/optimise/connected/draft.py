"""A programme that is written down variable by variable and row by row."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from estate.optimise.programme import Programme

if TYPE_CHECKING:
    from collections.abc import Iterable

    Terms = Iterable[tuple[int, float]]


class Draft:
    """Variables and rows so far; a variable is known by its number."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._costs: list[float] = []
        self._whole: list[bool] = []
        self._most: list[float] = []
        self._columns: list[int] = []
        self._factors: list[float] = []
        self._ends = [0]
        self._floor: list[float] = []
        self._ceiling: list[float] = []

    def variable(self, name: str, cost: float, *, whole: bool = True, most: float = 1) -> int:
        """Add a variable and return its number."""
        self.names.append(name)
        self._costs.append(cost)
        self._whole.append(whole)
        self._most.append(most)
        return len(self.names) - 1

    def pay(self, variable: int, cost: float) -> None:
        """Add to the cost of a variable."""
        self._costs[variable] += cost

    def row(self, terms: Terms, *, floor: float = -inf, ceiling: float = inf) -> None:
        """Keep a sum of variables times factors between floor and ceiling."""
        for column, factor in terms:
            self._columns.append(column)
            self._factors.append(factor)
        self._ends.append(len(self._columns))
        self._floor.append(floor)
        self._ceiling.append(ceiling)

    def at_most(self, parts: Iterable[int], whole: int, *, times: int = 1) -> None:
        """Keep a sum of variables no larger than another, or so many times that."""
        self.row([*((part, 1.0) for part in parts), (whole, -float(times))], ceiling=0.0)

    def programme(self) -> Programme:
        """Return what was written down."""
        shape = (len(self._floor), len(self.names))
        rows = csr_array((self._factors, self._columns, self._ends), shape=shape, dtype=np.float64)
        rows.sum_duplicates()
        return Programme(
            costs=np.array(self._costs),
            whole=np.array(self._whole, dtype=np.bool_),
            rows=rows,
            floor=np.array(self._floor),
            ceiling=np.array(self._ceiling),
            most=np.array(self._most),
        )

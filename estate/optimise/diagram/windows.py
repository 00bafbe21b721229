"""Better answers from better parts of a line: what lies outside a window stays as it is.

Along a line what is far apart hardly depends on each other: an answer that no window of a fair
width makes cheaper is nearly the best, and a window is a small problem.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from estate.optimise.arrays import Floats
from estate.optimise.programme import minimise

if TYPE_CHECKING:
    from estate.optimise.diagram.line import Line

# How wide windows of covers are, one size after the other, and nodes of branch and bound for each.
_WIDTHS = (0.3, 0.45)
_STEPS = 3
_NODES = 300

# What is cheaper by less than this share is no reason to go round again.
_CHEAPER = 1e-4


Within = Callable[[Floats, slice], Floats]


def improved(costs: Floats, values: Floats, size: int, within: Within, *, share: float) -> Floats:
    """Return an answer that no window of a share of a line makes much cheaper.

    The line has so many places; `within` returns the best that it finds where a window of an
    answer is free. Each window begins a third of one after the one before.
    """
    width = max(1, round(size * share))
    starts = range(0, max(1, size - width + width // _STEPS), max(1, width // _STEPS))
    idle = 0
    for start in cycle(starts):
        better = within(values, slice(start, start + width))
        saved = float(costs @ values - costs @ better)
        idle = 0 if saved > _CHEAPER * abs(float(costs @ values)) else idle + 1
        if saved > 0:
            values = better
        if idle >= len(starts):
            break
    return values


def cheap(line: Line, values: Floats | None = None) -> Floats | None:
    """Return a cover that no window makes cheaper, from one that is given or found at once.

    None where none is found at once.
    """
    whole = line.programme
    if values is None:
        values = minimise(whole, nodes=1, seconds=inf).values
    if values is None:
        return None

    def within(values: Floats, window: slice) -> Floats:
        columns = np.arange(line.size)[window]
        others = values.copy()
        others[columns] = 0
        rows = csr_array(whole.rows[:, columns])
        asked = np.flatnonzero(abs(rows).sum(axis=1))
        found = minimise(
            replace(
                whole,
                costs=whole.costs[columns],
                whole=whole.whole[columns],
                rows=rows[asked],
                floor=(whole.floor - whole.rows @ others)[asked],
                ceiling=whole.ceiling[asked],
            ),
            nodes=_NODES,
            seconds=inf,
        )
        better = values.copy()
        if found.values is not None:
            better[columns] = found.values
        return better

    for share in _WIDTHS:
        values = improved(line.costs, values, line.size, within, share=share)
    return values

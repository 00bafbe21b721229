"""What falls apart once each family has its mode: points that share no customer and no link.

Such components meet only in the core, at hubs and in modules. What one costs apart from those, and
how many points it takes, are small problems. Their answers are rows of the whole that say what a
fractional answer cannot, and together they are nearly an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csr_array, vstack
from scipy.sparse.csgraph import connected_components

from estate.optimise.arrays import Bools, Floats, Ints
from estate.optimise.programme import Found, Programme, minimise, no_dearer_than

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from estate.optimise.connected.formulation import Formulation
    from estate.optimise.effort import Budget

# Nodes of branch and bound for what a component costs, and for how many points it takes.
_NODES = 400

# What is left open when the points of all components are joined.
_CLOSE = 1e-2

# What engines leave of a whole number.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Settled:
    """What holds once the families have certain modes: rows, and the most that each may be.

    `tops` leave only the points that the components take where each is cheapest.
    """

    rows: csr_array
    ceiling: Floats
    tops: Floats


@dataclass(frozen=True, eq=False)
class _Component:
    """Some variables with the rows that are theirs alone, and the modes that these ask for."""

    columns: Ints
    modes: Ints
    programme: Programme


class Components:
    """The components of a formulation for the modes asked for, and what each needs at least."""

    def __init__(self, formulation: Formulation, budget: Budget) -> None:
        self._formulation = formulation
        self._programme = formulation.draft.programme()
        self._budget = budget
        width = self._programme.costs.size
        self._takes = _mask(formulation.take.values(), width)
        self._modes = _mask(formulation.mode.values(), width)
        self._shared = _mask(formulation.shared(), width) & ~self._modes
        self._asked: set[tuple[int, ...]] = set()
        self._found: dict[bytes, Found] = {}

    def settled(self, tops: Floats) -> Settled | None:
        """Return what holds where the families have the modes that are left to them.

        None where a family has several left, where that was asked before, and where nothing
        falls apart.
        """
        modes = self._left(tops)
        if modes is None or modes in self._asked:
            return None
        self._asked.add(modes)
        components = list(self._components(_mask(modes, tops.size)))
        if len(components) < 2:  # noqa: PLR2004 - one is as hard as the whole
            return None
        number = self._takes.astype(np.float64)
        rows, ceiling, chosen = [], [], np.zeros(tops.size, dtype=np.bool_)
        for component in components:
            cheapest = self._least(component, self._programme.costs)
            fewest = self._least(component, number)
            if cheapest.values is not None:
                chosen[component.columns[cheapest.values > 1 / 2]] = True
            for worth, least in (
                (self._programme.costs, cheapest.bound),
                (number, np.ceil(fewest.bound - _ROUNDING)),
            ):
                if not np.isfinite(least):  # No bound in time, or no answer: others find that.
                    continue
                # Worth the least if all the modes are these; where one is not, nothing.
                row = np.zeros(tops.size)
                row[component.columns] = -worth[component.columns]
                row[component.modes] = least
                rows.append(csr_array(row[np.newaxis]))
                ceiling.append(least * (component.modes.size - 1))
        if not rows:
            return None
        return Settled(
            rows=csr_array(vstack(rows)),
            ceiling=np.array(ceiling),
            tops=np.where(self._takes & ~chosen, 0.0, self._programme.tops),
        )

    def joined(self, settled: Settled, *, ceiling: float) -> Floats | None:
        """Return an answer of the points that components take; None where it costs too much."""
        programme = no_dearer_than(replace(self._programme, most=settled.tops), ceiling)
        seconds = self._budget.seconds_left
        return minimise(programme, nodes=1, seconds=seconds, gap=_CLOSE).values

    def _left(self, tops: Floats) -> tuple[int, ...] | None:
        """Return the variables of the families' modes, None where one has several left."""
        left: dict[int, list[int]] = {}
        for (family, _), variable in sorted(self._formulation.mode.items()):
            if tops[variable]:
                left.setdefault(family, []).append(variable)
        if any(len(found) > 1 for found in left.values()):
            return None
        return tuple(found[0] for found in left.values())

    def _components(self, given: Bools) -> Iterator[_Component]:
        """Yield what falls apart under modes, apart from what these do not need."""
        programme = self._programme
        rows = programme.rows
        free = np.flatnonzero(~self._shared & ~self._modes & ~self._idle(given))
        inside = np.flatnonzero(abs(rows) @ self._shared.astype(np.float64) == 0)
        entries = coo_array(rows[inside][:, free])
        ends = (entries.row, entries.col + inside.size)  # A graph of rows and variables.
        shape = (inside.size + free.size,) * 2
        graph = coo_array((np.ones(entries.nnz), ends), shape=shape)
        _, labels = connected_components(graph, directed=False)
        constant = rows @ given.astype(np.float64)
        for label in np.unique(labels[inside.size :]):
            own = inside[labels[: inside.size] == label]
            columns = free[labels[inside.size :] == label]
            asked = np.unique(rows[own].indices)
            modes = asked[given[asked]]
            if modes.size:
                yield _Component(
                    columns=columns,
                    modes=modes,
                    programme=Programme(
                        costs=programme.costs[columns],
                        whole=programme.whole[columns],
                        rows=csr_array(rows[own][:, columns]),
                        floor=programme.floor[own] - constant[own],
                        ceiling=programme.ceiling[own] - constant[own],
                        most=programme.tops[columns],
                    ),
                )

    def _idle(self, given: Bools) -> Bools:
        """Return the points and pairs that serve nobody under modes."""
        formulation = self._formulation
        problem = formulation.problem
        idle = self._takes | _mask(formulation.serve.values(), given.size)
        for (point, customer), pair in formulation.serve.items():
            mode = formulation.mode[int(problem.families[customer]), int(problem.modes[point])]
            if given[mode]:
                idle[[pair, formulation.take[point]]] = False
        return idle

    def _least(self, component: _Component, worth: Floats) -> Found:
        """Return the least that the variables of a component are worth; known for its equals."""
        programme = replace(component.programme, costs=worth[component.columns])
        rows = programme.rows
        arrays = (programme.costs, programme.floor, programme.ceiling, programme.tops)
        key = b"|".join(each.tobytes() for each in (*arrays, rows.indptr, rows.indices, rows.data))
        if key not in self._found:
            seconds = self._budget.seconds_left
            self._found[key] = minimise(programme, nodes=_NODES, seconds=seconds)
        return self._found[key]


def _mask(variables: Iterable[int], width: int) -> Bools:
    mask = np.zeros(width, dtype=np.bool_)
    mask[list(variables)] = True
    return mask

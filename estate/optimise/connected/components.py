"""What falls apart once each family has its mode: points that share no customer and no link.

Such components meet only in the core, at hubs and in modules. What one costs apart from those, and
how many points it takes, are small problems. Their answers are rows of the whole that say what a
fractional answer cannot, and together they are nearly an answer. A large component is asked what
it costs at the prices of the core, which is what the whole asks of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csr_array, vstack
from scipy.sparse.csgraph import connected_components

from estate.optimise.arrays import Bools, Floats, Ints
from estate.optimise.diagram import Covering, Diagram
from estate.optimise.programme import Found, Programme, minimise, no_dearer_than
from estate.optimise.relaxation import Start, least_prices, with_rows
from estate.optimise.silence import silent_stdout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Executor

    from estate.optimise.connected.formulation import Formulation
    from estate.optimise.effort import Budget

# Nodes of branch and bound for what a component costs, and for how many points it takes; and the
# variables from which on it is drawn as a diagram instead: fewer where it is much of the whole, for
# then its prices suit.
_NODES = 400
_LARGE, _SMALL, _MUCH = 200, 60, 0.4

# Where diagrams of so many full layers left something open, branch and bound may close it for a
# programme of up to so many variables.
_FAR = 10
SEARCHED = 4000

# The states of all diagrams together, as a multiple of the width, and of those drawn again.
_STATES = 400
_AGAIN = 3

# The share of the gap that diagrams leave open where they can: what others cost at the same rows is
# a little less.
_SPARE = 0.5

# What is left open when the points of all components are joined.
_CLOSE = 1e-2

# What engines leave of a whole number.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Settled:
    """What holds once the families have certain modes: rows, each at most its ceiling.

    `answer` is one of the points that the components take where each is cheapest, None where
    there is none that costs less than those known.
    """

    rows: csr_array
    ceiling: Floats
    answer: Floats | None


@dataclass(frozen=True, eq=False)
class Relaxation:
    """The best fractional answer of a part, with the most of each variable, its prices and bound.

    Of answers with these variables those are sought that cost less than the ceiling; a bound
    within a share of `gap` below the best answer is enough.
    """

    programme: Programme
    tops: Floats
    values: Floats
    prices: Floats
    bound: float
    start: Start | None
    ceiling: float
    gap: float


@dataclass(frozen=True, eq=False)
class _Component:
    """Some variables with the rows that are theirs alone, and the modes that these ask for."""

    columns: Ints
    modes: Ints
    rows: Ints
    programme: Programme


@dataclass(frozen=True, eq=False)
class _Drawing:
    """A component as a covering, what variables and the rest are worth, and its diagram."""

    component: _Component
    worth: Floats  # Of each variable of the whole.
    covering: Covering
    rest: float
    diagram: Diagram


# A component and an answer to it, None where there is none.
_Answered = tuple[_Component, Floats | None]


class Components:
    """The components of a formulation for the modes asked for, and what each needs at least."""

    def __init__(
        self, formulation: Formulation, budget: Budget, solvers: Executor, *, width: int
    ) -> None:
        self._formulation = formulation
        self._solvers = solvers
        self._programme = formulation.draft.programme()
        self._budget = budget
        self._width = width
        self._states, self._drawn_again = _STATES * width, 0
        self._is_open = self._is_answered = False
        width = self._programme.costs.size
        self._along = np.full(width, np.nan)  # Where variables lie along lines that were drawn.
        self._takes = _mask(formulation.take.values(), width)
        self._modes = _mask(formulation.mode.values(), width)
        self._shared = _mask(formulation.shared(), width) & ~self._modes
        self._asked: set[object] = set()  # Modes, and modes with hubs.
        self._found: dict[bytes, Found] = {}

    @property
    def drawn(self) -> int:
        """Return how many states the diagrams of large components had, drawn for the first time."""
        return _STATES * self._width - self._states - self._drawn_again

    @property
    def is_hopeless(self) -> bool:
        """Return whether many states left open what is too large for branch and bound."""
        is_far = self.drawn > _FAR * self._width
        return self._is_open and is_far and self._programme.costs.size > SEARCHED

    def settled(self, part: Relaxation, *, is_last: bool = True) -> Settled | None:
        """Return what holds where the families have the modes that are left to them.

        None where a family has several left, where that was asked before, and where nothing
        falls apart into what is small or can be drawn. Hubs set the prices of what is drawn, and
        those of one hub suit the others: it is drawn for a part with a single one, or whose answer
        has a single one once some is known, or that `is_last`. Where they did not suit a part that
        `is_last` well enough, it is drawn again at its own.
        """
        modes = self._left(part.tops)
        if modes is None:
            return None
        known = modes in self._asked
        asked = (modes, self._hubs_left(part.tops)) if known else modes
        if known and (asked in self._asked or not is_last or not self._may_again):
            return None
        given = _mask(modes, part.tops.size)
        components = list(self._components(given))
        much = _MUCH * sum(each.columns.size for each in components)
        most = min(_LARGE, max(_SMALL, much))
        large = [each for each in components if each.columns.size > most and self._states > 0]
        small = [each for each in components if each.columns.size <= most]
        if large and not is_last and not self._has_one_hub(part):
            return None
        if not large and (known or len(small) < 2):  # noqa: PLR2004 - one is as hard as the whole
            return None
        self._asked.add(asked)
        part = self._steadied(part) if large else part
        left = self._states
        drawn = [self._drawing(each, part, given) for each in large]
        found = self._asked_of(part, small, drawn)
        if known:
            self._drawn_again += left - self._states
        return found

    @property
    def _may_again(self) -> bool:
        return not self.is_hopeless and self._drawn_again < _AGAIN * self._width

    def _steadied(self, part: Relaxation) -> Relaxation:
        """Return a part at small prices: at those fewer states of a diagram stay open."""
        programme = replace(part.programme, most=part.tops)
        found = least_prices(programme, part.start, seconds=self._budget.seconds_left)
        if found is None:
            return part
        return replace(part, prices=found.prices, bound=min(part.bound, found.bound))

    def _asked_of(
        self, part: Relaxation, small: list[_Component], drawn: list[_Drawing]
    ) -> Settled | None:
        """Return the rows of components, and the answer of what is cheap in each."""
        rows = _Rows(part.tops.size)
        found = self._small(rows, small)
        answer, ceiling = None, part.ceiling
        if not self._is_answered:
            answer = self._answer(found, drawn, part)
        if answer is not None:
            ceiling = float(self._programme.costs @ answer)
        enough = ceiling * (1 - _SPARE * part.gap)
        bounds = [self._bound(rows, each, enough - each.rest) + each.rest for each in drawn]
        is_less = min(bounds, default=-inf) < ceiling * (1 - part.gap)
        if self._is_answered and answer is None and is_less:
            answer = self._answer(found, drawn, part)
        if answer is not None:
            ceiling = float(self._programme.costs @ answer)
        self._is_open |= min(bounds, default=inf) < ceiling * (1 - part.gap)
        self._is_answered |= answer is not None
        return rows.settled(answer)

    def _has_one_hub(self, part: Relaxation) -> bool:
        """Return whether a part has one hub; once an answer is known, whether its best has."""
        hubs = list(self._hubs_left(part.tops))
        return len(hubs) == 1 or (self._is_answered and max(part.values[hubs]) > 1 - _ROUNDING)

    def _hubs_left(self, tops: Floats) -> tuple[int, ...]:
        return tuple(hub for hub in self._formulation.opened.values() if tops[hub])

    def _answer(
        self, small: list[_Answered], drawn: list[_Drawing], part: Relaxation
    ) -> Floats | None:
        """Return the best answer of what is cheap in each component; None where none is enough.

        A component is cheap by what its variables are worth, or by what they cost. Prices share
        what lies in the core among those that use it: a cover that leaves some of them out pays
        less by its prices than it will. Where an answer is known and the first is no better, there
        is no second, which takes as long again.
        """
        worth = self._joined([*small, *(self._cheap(each, part) for each in drawn)], part)
        if not drawn or (worth is None and part.ceiling < inf):
            return worth
        plain = [self._cheap(self._at_cost(each), part) for each in drawn]
        answers = [worth, self._joined([*small, *plain], part)]
        found = [each for each in answers if each is not None]
        return min(found, key=lambda each: float(self._programme.costs @ each), default=None)

    def _cheap(self, drawing: _Drawing, part: Relaxation) -> _Answered:
        cheap = drawing.diagram.answer(width=self._width, ceiling=part.ceiling - drawing.rest)
        self._states -= cheap.states
        return drawing.component, cheap.values

    def _at_cost(self, drawing: _Drawing) -> _Drawing:
        """Return a component with its variables worth what they cost themselves."""
        columns, costs = drawing.component.columns, self._programme.costs
        covering = replace(drawing.covering, costs=costs[columns])
        diagram = Diagram(covering, self._along[columns])
        return _Drawing(drawing.component, costs, covering, 0.0, diagram)

    def _drawing(self, component: _Component, part: Relaxation, given: Bools) -> _Drawing:
        worth, covering = self._covering(component, part, given)
        # By complementary slackness the fractional answer is worth what the bound holds of it.
        rest = part.bound - float(worth[component.columns] @ part.values[component.columns])
        diagram = Diagram(covering, self._along[component.columns])
        if diagram.along is not None:
            self._along[component.columns] = diagram.along
        return _Drawing(component, worth, covering, rest, diagram)

    def _bound(self, rows: _Rows, drawing: _Drawing, enough: float) -> float:
        """Add the rows of what a large component costs at least, and return that."""
        component, covering = drawing.component, drawing.covering
        found = drawing.diagram.bound(width=self._width, enough=enough)
        if drawing.diagram.along is not None:
            self._along[component.columns] = drawing.diagram.along
        self._states -= found.states
        rows.add(component, drawing.worth, found.bound)
        if found.fewest:
            number = np.zeros(drawing.worth.size)
            number[component.columns] = covering.covers.sum(axis=0) > 0
            rows.add(component, number, float(found.fewest))
        return found.bound

    def _small(self, rows: _Rows, components: list[_Component]) -> list[_Answered]:
        """Add the rows of how many points small components take and of what they cost.

        That one takes so many at the fewest is what branch and bound is slow to see: it is told.
        """
        number, costs = self._takes.astype(np.float64), self._programme.costs
        counted = [replace(each.programme, costs=number[each.columns]) for each in components]
        fewest = [np.ceil(found.bound - _ROUNDING) for found in self._least(counted)]
        priced = [
            with_rows(
                each.programme, csr_array(-number[np.newaxis, each.columns]), np.array([-least])
            )
            if np.isfinite(least)
            else each.programme
            for each, least in zip(components, fewest, strict=True)
        ]
        cheapest = self._least(priced)
        for each, least, found in zip(components, fewest, cheapest, strict=True):
            rows.add(each, costs, found.bound)
            rows.add(each, number, float(least))
        return [(each, found.values) for each, found in zip(components, cheapest, strict=True)]

    def _joined(self, found: Iterable[_Answered], part: Relaxation) -> Floats | None:
        """Return an answer of the points that components take; None where it costs too much.

        It opens hubs that the fractional answer takes a part of: among all of them branch and
        bound is slow, and found none better.
        """
        taken = np.zeros(self._takes.size)
        for component, values in found:
            if values is None:
                return None
            taken[component.columns] = values > 1 / 2
        tops = np.where(self._takes, taken, self._programme.tops)
        hubs = list(self._formulation.opened.values())
        tops[hubs] = np.where(part.values[hubs] > _ROUNDING, tops[hubs], 0)
        programme = no_dearer_than(replace(self._programme, most=tops), part.ceiling)
        return minimise(programme, nodes=1, seconds=self._budget.seconds_left, gap=_CLOSE).values

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
        free = np.flatnonzero(~self._shared & ~self._modes & ~self._formulation.idle(given))
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
                    rows=own,
                    programme=Programme(
                        costs=programme.costs[columns],
                        whole=programme.whole[columns],
                        rows=csr_array(rows[own][:, columns]),
                        floor=programme.floor[own] - constant[own],
                        ceiling=programme.ceiling[own] - constant[own],
                        most=programme.tops[columns],
                    ),
                )

    def _covering(
        self, component: _Component, part: Relaxation, given: Bools
    ) -> tuple[Floats, Covering]:
        """Return what variables are worth to the rest, and a component as a covering at that.

        Its rows of other kinds are left to the rest, as prices.
        """
        own, columns = component.programme, component.columns
        rows = own.rows.toarray()
        covers = ((rows == 0) | (rows == 1)).all(axis=1) & (own.floor > 0)
        lower = (rows < 0).sum(axis=1) == 1
        follows = lower & ((rows <= 0) | (rows == 1)).all(axis=1) & (own.ceiling <= 0)
        pairs = [
            (first, int(np.argmin(row)))
            for row in rows[follows]
            for first in np.flatnonzero(row > 0).tolist()
        ]
        known = self._programme.floor.size
        added = part.programme.rows[known : part.prices.size]
        outside = ~given & ~self._formulation.idle(given) & ~(self._modes & ~given)
        outside[columns] = False
        inside = np.flatnonzero(abs(added) @ outside.astype(np.float64) == 0)
        held = -added[inside][:, columns].toarray()
        asked = added[inside] @ given.astype(np.float64) == 1
        prices = part.prices.copy()
        plain = ((held == 0) | (held == 1)).all(axis=1) & (
            part.programme.ceiling[known + inside] == 0
        )
        implied = plain & asked & (prices[known + inside] < 0)
        prices[component.rows[covers | follows]] = 0
        prices[known + inside] = 0
        worth = self._programme.costs - part.programme.rows[: prices.size].T @ prices
        return worth, Covering(
            costs=worth[columns],
            covers=csr_array(rows[covers]),
            implications=np.array(pairs, dtype=np.int64).reshape(-1, 2),
            implied=csr_array(held[implied]),
        )

    def _least(self, programmes: list[Programme]) -> list[Found]:
        """Return the best answers of small programmes, with a bound; known for their equals."""
        keys = [_key(programme) for programme in programmes]
        new = {
            key: programme
            for key, programme in zip(keys, programmes, strict=True)
            if key not in self._found
        }
        with silent_stdout():  # Solvers at once would each bring back what another silenced.
            solve = partial(minimise, nodes=_NODES, seconds=self._budget.seconds_left)
            self._found |= zip(new, self._solvers.map(solve, new.values()), strict=True)
        return [self._found[key] for key in keys]


def _key(programme: Programme) -> bytes:
    rows = programme.rows
    arrays = (programme.costs, programme.floor, programme.ceiling, programme.tops)
    return b"|".join(each.tobytes() for each in (*arrays, rows.indptr, rows.indices, rows.data))


def _mask(variables: Iterable[int], width: int) -> Bools:
    mask = np.zeros(width, dtype=np.bool_)
    mask[list(variables)] = True
    return mask


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows that hold where components have their modes: what their variables are worth at least."""

    width: int
    rows: list[csr_array] = field(default_factory=list)
    ceiling: list[float] = field(default_factory=list)

    def settled(self, answer: Floats | None) -> Settled | None:
        """Return the rows and an answer; None where there are neither."""
        if not self.rows and answer is None:
            return None
        rows = csr_array(vstack(self.rows)) if self.rows else csr_array((0, self.width))
        return Settled(rows, np.array(self.ceiling), answer)

    def add(self, component: _Component, worth: Floats, least: float) -> None:
        """Add the row of a component; none where its least is not known.

        Where a mode is another, the row asks no more than what nobody can be below.
        """
        if not np.isfinite(least):  # No bound in time, or no answer: others find that.
            return
        columns, modes = component.columns, component.modes
        lowest = float(np.minimum(worth[columns], 0).sum())
        row = np.zeros(self.width)
        row[columns] = -worth[columns]
        row[modes] = least - lowest
        self.rows.append(csr_array(row[np.newaxis]))
        self.ceiling.append((least - lowest) * (modes.size - 1) - lowest)

"""A better bound from settling the modes of families, the hubs, and how many modules there are.

A fractional answer mixes the modes of a family so that they just fill the modules, and takes parts
of a module and of several hubs. Settled one after the other, the part with the least bound first,
there are few such; and what is left of a part with one hub is a small problem.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from heapq import heappop, heappush
from math import floor, inf
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.arrays import Floats
from estate.optimise.connected.components import Components, Relaxation
from estate.optimise.connected.cuts import Cuts
from estate.optimise.connected.formulation import Formulation
from estate.optimise.effort import Budget
from estate.optimise.programme import Programme
from estate.optimise.relaxation import Start, relaxed, with_rows

if TYPE_CHECKING:
    from estate.optimise.relaxation import Relaxed

    # The bound of a part, its place among equals, what its variables may be at most, where its
    # relaxation starts, and what is known of it.
    _Entry = tuple[float, int, Floats, "Start | None", "_Solved | None"]

# The share of the ceiling that is left open once the search is hopeless.
_OPEN = 0.035

# Variables that are not whole, up to which a relaxation is nearly an answer.
FRACTIONAL = 40

_WHOLE = 1e-6

# How often a problem is split before it is searched, and the steps of the engine for that.
_SPLITS = 600
_STEPS = 800_000

# Parts that are solved at once: SciPy lets go of Python while it solves one.
_AT_ONCE = 2

# Rounds of cuts for a part; those that raised its bound by less than this share are the last.
_ROUNDS = 5
_STALE = 1e-4


@dataclass(frozen=True, eq=False)
class Part:
    """The answers with some modes, hubs and modules: what each costs at least.

    `tops` are the most that each variable may be in it. `fractional` variables were not whole in
    the best answer of its relaxation.
    """

    bound: float
    tops: Floats
    fractional: int


@dataclass(frozen=True, eq=False)
class Split:
    """The programme with further rows, and all parts of it, those that promise most first.

    `answer` is the best that was found on the way, None where none cost less than the ceiling.
    `drawn` states of diagrams were drawn on the way; where that were many and they left something
    open, branch and bound does not close it: what `is_hopeless` is not searched.
    """

    programme: Programme
    parts: list[Part]
    answer: Floats | None
    drawn: int
    is_hopeless: bool

    @property
    def bound(self) -> float:
        """Return what every answer costs at least."""
        return min((part.bound for part in self.parts), default=inf)

    def rejoined(self, formulation: Formulation, *, below: float) -> Split:
        """Return the split with the parts of a bound below some as one that differ in hubs alone.

        Hubs are told apart for their bounds. To search them together is less than one by one.
        """
        hubs = list(formulation.opened.values())
        hubs += [variable for total, spare, _ in formulation.counts for variable in (total, spare)]
        joined: dict[bytes, Part] = {}
        for part in self.parts:
            others = part.tops.copy()
            others[hubs] = 0
            key = others.tobytes() if part.bound < below else part.tops.tobytes()
            same = joined.get(key, part)
            joined[key] = Part(
                min(same.bound, part.bound),
                np.maximum(same.tops, part.tops),
                max(same.fractional, part.fractional),
            )
        return replace(self, parts=list(joined.values()))


def split(  # noqa: PLR0913 - what is split, and how far
    formulation: Formulation,
    programme: Programme,
    budget: Budget,
    *,
    width: int,
    start: Start | None = None,
    ceiling: float = inf,
    gap: float = 0.0,
    threads: int = 1,
) -> Split:
    """Return the parts of a programme, as far as settlements and steps of the engine go.

    Large components are drawn as diagrams of so many states' width. Threads change no answer.

    The most promising part is settled next; one of which every answer costs more than the ceiling
    less the gap is not settled further.
    """
    with ThreadPoolExecutor(threads) as solvers:
        components = Components(formulation, budget, solvers, width=width)
        splitting = _Splitting(
            formulation, programme, budget, components, solvers, start, ceiling, gap
        )
        splitting.go()
        return splitting.done()


@dataclass(eq=False)
class _Splitting:
    """The parts in a heap by their bounds, those that are settled, and what was found so far."""

    formulation: Formulation
    programme: Programme
    budget: Budget
    components: Components
    solvers: Executor
    start: Start | None
    ceiling: float
    gap: float
    answer: Floats | None = None

    def __post_init__(self) -> None:
        self._cuts = Cuts(self.formulation)
        self._heap: list[_Entry] = [(-inf, 0, self.programme.tops, self.start, None)]
        self._ended: list[_Entry] = []
        self._steps = _STEPS
        self._limit = inf
        self._is_far = False
        self._count = 0

    @property
    def _enough(self) -> float:
        left_open = max(self.gap, _OPEN) if self.components.is_hopeless else self.gap
        return min(self._limit, self.ceiling * (1 - left_open))

    def go(self) -> None:
        """Settle part after part, as far as splits, steps and time go."""
        while (
            self._heap
            and self._heap[0][0] < self._enough
            and min(_SPLITS - self._count, self._steps, self.budget.seconds_left) > 0
        ):
            _, place, tops, _, known = self._heap[0]
            if known is not None and known.holds(self.programme):
                heappop(self._heap)
                self._settle(place, tops, known)
            else:
                self._solve()

    def done(self) -> Split:
        """Return all parts, those that promise most first."""
        parts = [
            Part(bound, tops, tops.size if known is None else known.fractional)
            for bound, _, tops, _, known in self._ended
        ]
        parts += [Part(bound, tops, tops.size) for bound, _, tops, *_ in self._heap]
        parts.sort(key=lambda part: part.bound)
        components = self.components
        return Split(self.programme, parts, self.answer, components.drawn, components.is_hopeless)

    def _solve(self) -> None:
        """Solve the parts that promise most among those that are not, and put them back."""
        unsolved: list[_Entry] = []
        others: list[_Entry] = []
        while self._heap and self._heap[0][0] < self._enough and len(unsolved) < _AT_ONCE:
            entry = heappop(self._heap)
            is_solved = entry[-1] is not None and entry[-1].holds(self.programme)
            (others if is_solved else unsolved).append(entry)
        solving = [_Solving(tops, bound, start) for bound, _, tops, start, _ in unsolved]
        self._relax(solving)
        for (_, place, tops, *_), each in zip(unsolved, solving, strict=True):
            entry = (each.bound, place, tops, each.start, each.found)
            if each.found is None:
                self._ended.append(entry)
            else:
                heappush(self._heap, entry)
        for entry in others:
            heappush(self._heap, entry)

    def _relax(self, solving: list[_Solving]) -> None:
        """Find the best fractional answer of each part, and add the rows that they broke.

        All are solved by the same rows, so that their answers do not depend on the solvers.
        """
        for _ in range(_ROUNDS):
            left = [each for each in solving if each.is_open]
            programme, seconds = self.programme, self.budget.seconds_left
            relax = partial(_relaxed, programme, seconds=seconds, enough=self.ceiling)
            for each, best in zip(left, self.solvers.map(relax, left), strict=True):
                self._steps -= each.take(best, rows=programme.floor.size, enough=self._enough)
                if each.is_open and each.found is not None:
                    rows = self._cuts.broken(each.found.best.values)
                    each.is_open = rows.shape[0] > 0
                    self.programme = with_rows(self.programme, rows)

    def _settle(self, place: int, tops: Floats, known: _Solved) -> None:
        """Settle a part, or put it back with the rows of what falls apart in it."""
        self._reopen()
        found = known.best
        settled = _settlements(self.formulation, found, tops, is_far=self._is_far)
        part = Relaxation(
            self.programme,
            tops,
            found.values,
            found.prices,
            found.bound,
            found.start,
            self.ceiling,
            self.gap,
        )
        apart = self.components.settled(part, is_last=not settled)
        if apart is not None:
            self.programme = with_rows(self.programme, apart.rows, apart.ceiling)
            if apart.answer is not None:
                self.answer = apart.answer
                self.ceiling = float(self.programme.costs @ apart.answer)
            heappush(self._heap, (found.bound, place, tops, found.start, known))
            return
        if not settled:
            self._ended.append((found.bound, place, tops, found.start, known))
            if self.components.is_hopeless:  # No bound of another part helps beyond this one.
                self._limit = min(self._limit, found.bound)
        self._count += 1
        for each, (fewer, taken) in enumerate(settled):
            kept = known if known.fits(fewer) else None
            least = found.bound + (0.0 if taken is None else float(found.reduced[taken]))
            heappush(self._heap, (least, -self._count * len(tops) - each, fewer, found.start, kept))

    def _reopen(self) -> None:
        """Settle nearly whole parts after all once branch and bound is hopeless."""
        if self._is_far or not self.components.is_hopeless:
            return
        self._is_far = True
        for number, (bound, _, tops, start, _) in enumerate(self._ended):
            heappush(self._heap, (bound, number + 1, tops, start, None))
        self._ended.clear()


@dataclass(eq=False)
class _Solving:
    """A part on its way to its best fractional answer by the rows that such answers broke.

    No more rows are sought once the bound is enough, nor after those that hardly raised it.
    """

    tops: Floats
    bound: float
    start: Start | None
    found: _Solved | None = None
    is_open: bool = True

    def take(self, best: Relaxed | None, *, rows: int, enough: float) -> int:
        """Take the best answer by so many rows, and return the steps that it took."""
        if best is None:
            self.is_open = False
            return 0
        is_stale = self.found is not None and best.bound - self.bound <= _STALE * abs(self.bound)
        self.bound = max(self.bound, best.bound)
        if self.bound == inf:
            self.found, self.is_open = None, False
            return best.steps
        self.start = best.start
        reduced = np.maximum(best.bound + best.reduced - self.bound, 0)
        found = _Best(best.values, best.prices, reduced, self.bound, best.start)
        self.found = _Solved(found, rows)
        self.is_open = self.bound < enough and not is_stale
        return best.steps


def _relaxed(
    programme: Programme, part: _Solving, *, seconds: float, enough: float
) -> Relaxed | None:
    return relaxed(
        replace(programme, most=part.tops), seconds=seconds, start=part.start, enough=enough
    )


def _fractional(values: Floats) -> int:
    return int((np.abs(values - np.rint(values)) > _WHOLE).sum())


@dataclass(frozen=True, slots=True)
class _Best:
    """The best fractional answer of a part, its prices and its bound.

    An answer that takes a whole variable costs at least so much `reduced` more than the bound.
    """

    values: Floats
    prices: Floats
    reduced: Floats
    bound: float
    start: Start | None


@dataclass(frozen=True, eq=False)
class _Solved:
    """The best answer of a part by so many rows of a programme: others may not concern it."""

    best: _Best
    rows: int

    @property
    def fractional(self) -> int:
        """Return how many variables are not whole."""
        return _fractional(self.best.values)

    def fits(self, tops: Floats) -> bool:
        """Return whether no variable of the best answer is above what it may be."""
        return bool((self.best.values <= tops + _WHOLE).all())

    def holds(self, programme: Programme) -> bool:
        """Return whether the best answer keeps the rows that were added since."""
        added = programme.rows[self.rows :] @ self.best.values
        return bool((added <= programme.ceiling[self.rows :] + _WHOLE).all())


def _settlements(
    formulation: Formulation, found: _Best, tops: Floats, *, is_far: bool
) -> list[tuple[Floats, int | None]]:
    """Return the parts that an answer's mixture leads to; none where nothing is mixed.

    With each is the variable that all its answers take, if there is one.

    An answer with many fractions is far from whole; `is_far` says that every one is. The family
    that mixes its modes most gets one of them in each part; where the answer is far from whole, one
    that has several left as well. Where all have one, fewer hubs or modules than the answer's
    fraction in all are one part, and more the other. Where one hub is enough and the answer is far
    from whole, each part has another one.
    """
    values = found.values
    families: dict[int, list[int]] = {}
    for (family, _), variable in sorted(formulation.mode.items()):
        if tops[variable]:
            families.setdefault(family, []).append(variable)
    shares = {family: 1 - float(values[modes].max()) for family, modes in families.items()}
    # What rounding leaves of a whole mode is no mixture.
    mixed = {family: share if share > _WHOLE else 0.0 for family, share in shares.items()}
    worst = max(mixed, key=lambda family: (mixed[family], len(families[family])))
    modes = families[worst]
    far = _fractional(values) > FRACTIONAL or is_far
    if mixed[worst] or (far and len(modes) > 1):
        return [
            (
                _without_idle(formulation, _with(tops, [each for each in modes if each != mode])),
                mode,
            )
            for mode in modes
        ]
    for total, spare, most in formulation.counts:
        fewer = floor(values[total] + _WHOLE)
        if values[total] - fewer > _WHOLE:
            more = _with(tops, [spare], most=most - fewer - 1)
            return [(_with(tops, [total], most=fewer), None), (more, None)]
    hubs = [hub for hub in formulation.opened.values() if tops[hub]]
    divided = len(hubs) > 1 and values[hubs].sum() <= 1 + _WHOLE
    if divided and (values[hubs].max() < 1 - _WHOLE or far):
        total, spare, most = formulation.counts[0]
        more = _with(tops, [spare], most=min(tops[spare], most - 2))
        return [(more, None), *((_with(tops, [h for h in hubs if h != hub]), hub) for hub in hubs)]
    return []


def _with(tops: Floats, variables: list[int], *, most: float = 0.0) -> Floats:
    changed = tops.copy()
    changed[variables] = most
    return changed


def _without_idle(formulation: Formulation, tops: Floats) -> Floats:
    """Return what variables may be where points that serve nobody by now are not taken."""
    return np.where(formulation.idle(tops > 0), 0, tops)

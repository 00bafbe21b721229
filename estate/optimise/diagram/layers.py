"""The layers of a decision diagram, and the prices by which its states are valued."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.arrays import Bools, Floats, Ints
from estate.optimise.diagram.dominance import dominated
from estate.optimise.diagram.line import WORD, Words
from estate.optimise.diagram.rest import Prices, Rest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.optimise.diagram.line import Line

# A layer of more states is thinned out: by states that dominate others and by new prices, each
# after so many variables. Prices take time: there are some, more where there are more states, and
# fewer in each layer that is too wide.
_MANY = 1000
_DOMINATED_EVERY = 2
_PRICED_EVERY = 10
_PRICED_FEW, _PRICED_MOST = 4, 30
_STATES_OF_PRICE, _STATES_OF_PRICE_WIDE = 5000, 20000

_ROUNDING = 1e-6
_ONE = np.uint64(1)


@dataclass(frozen=True, eq=False)
class Drawn:
    """The cheapest cover found, a bound on all, and how many states that took.

    Where it was sought, `fewest` is how many variables of the rows every cover takes at least. The
    bound is exact where a cover costs no more.
    """

    values: Floats | None
    bound: float
    states: int
    fewest: int = 0
    is_exact: bool = False

    def is_all(self, enough: float) -> bool:
        """Return whether a wider diagram proves no more, or what is proven is enough."""
        return self.is_exact or self.bound >= enough


@dataclass(frozen=True, eq=False)
class States:
    """The states of a layer, an entry for each.

    `key` has the bits of what is open and `met` those of the implied rows that are met. `cost` is
    that of the variables so far, `least` what the whole costs at the least by the prices of
    `model`. `before` is the state of the layer before, `taken` whether its variable was taken.
    """

    key: Words
    met: Words
    cost: Floats
    least: Floats
    model: Ints
    before: Ints
    taken: Bools

    @property
    def size(self) -> int:
        """Return how many there are."""
        return int(self.key.size)

    def at(self, places: Ints | Bools) -> States:
        """Return some of the states."""
        return States(*(getattr(self, each.name)[places] for each in fields(self)))

    def joined(self, other: States) -> States:
        """Return these states and others."""
        return States(
            *(
                np.concatenate((getattr(self, each.name), getattr(other, each.name)))
                for each in fields(self)
            )
        )


class Layers:
    """A line, and the prices and the bound of its relaxation."""

    def __init__(self, line: Line, prices: Prices, bound: float) -> None:
        self._line = line
        self._prices = prices
        self.bound = bound
        bits, (_, lasts) = line.bits, line.ends
        # What a state must have after a variable, and what closes with it.
        self._must = np.zeros(line.size, dtype=np.uint64)
        self._must_met = np.zeros((line.size, line.words), dtype=np.uint64)
        self._closing = np.zeros(line.size, dtype=np.uint64)
        for row, (bit, last) in enumerate(zip(bits.rows.tolist(), lasts.tolist(), strict=True)):
            if row < line.hard:
                self._must[last] |= _bit(bit)
            else:
                self._must_met[last, bit // WORD] |= _bit(bit % WORD)
        self._closing |= self._must
        for second in np.flatnonzero(bits.asked >= 0).tolist():
            self._closing[second] |= _bit(int(bits.asked[second]))
        for second in np.flatnonzero(bits.left >= 0).tolist():
            last = max(line.pairs[line.pairs_of[1][second], 0].tolist())
            self._closing[last] |= _bit(int(bits.left[second]))

    @classmethod
    def of(cls, line: Line) -> Layers | None:
        """Return the layers of a line, None where nothing covers its rows."""
        rest = Rest(line, 0)
        found = rest.priced(np.ones(rest.rows.size))
        if found is None:
            return None
        return cls(line, found.prices, float(found.needs.sum()) + found.fixed)

    def drawn(self, width: int, ceiling: float, *, is_priced: bool) -> Drawn:
        """Return the cheapest answer below the ceiling that a diagram of so many states holds.

        The bound is that of all answers, at most the ceiling. Where states are valued by new
        prices on the way there is no answer: that takes the same for all, to compare them by.
        """
        line = self._line
        nothing = np.zeros(1, dtype=np.int64)
        states = States(
            key=np.zeros(1, dtype=np.uint64),
            met=np.zeros((1, line.words), dtype=np.uint64),
            cost=np.zeros(1),
            least=np.array([self.bound]),
            model=nothing,
            before=nothing,
            taken=np.zeros(1, dtype=np.bool_),
        )
        prices, lost, count = self._prices, ceiling, 0
        trace: list[tuple[Ints, Bools]] = []
        for place in range(line.size):
            states = _merged(self._next(states, prices, place), lost if is_priced else ceiling)
            if states.size > width or (states.size > _MANY and place % _DOMINATED_EVERY == 0):
                done = self._done(states, place)
                states = states.at(~dominated(done, states.cost, seed=place))
            is_due = states.size > width or (states.size > _MANY and place % _PRICED_EVERY == 0)
            if is_priced and is_due and place + 1 < line.size:
                each = _STATES_OF_PRICE if states.size <= width else _STATES_OF_PRICE_WIDE
                number = min(_PRICED_FEW + states.size // each, _PRICED_MOST)
                states, prices = self._repriced(states, prices, place, number)
                states = states.at(states.least < lost)
            if states.size > width:
                order = np.argsort(states.least, kind="stable")
                lost = min(lost, float(states.least[order[width]]))
                states = states.at(np.sort(order[:width]))
            count += states.size
            if not is_priced:
                trace.append((states.before.astype(np.int32), states.taken))
            if not states.size:
                return Drawn(None, lost, count)
        cost = float(states.cost[0])
        values = _traced(trace) if trace else None
        return Drawn(values, min(lost, cost), count, is_exact=cost <= lost)

    def _next(self, states: States, prices: Prices, place: int) -> States:
        """Return the states after a variable: without it, and with it."""
        states = replace(states, before=np.arange(states.size))
        every = self._without(states, prices, place).joined(self._with(states, prices, place))
        must, must_met = self._must[place], self._must_met[place]
        kept = ((every.key & must) == must) & ((every.met & must_met) == must_met).all(axis=1)
        every = every.at(kept)
        return replace(every, key=every.key & ~self._closing[place], met=every.met & ~must_met)

    def _without(self, states: States, prices: Prices, place: int) -> States:
        """Return the states that do not take a variable, where none before it asks for that."""
        line, bits = self._line, self._line.bits
        if bits.asked[place] >= 0:
            states = states.at(~_has(states.key, bits.asked[place]))
        rise = np.maximum(-prices.reduced[states.model, place], 0)
        for pair in line.pairs_of[0][place]:
            second = line.pairs[pair, 1]
            if second < place:
                out = _has(states.key, bits.left[second])
                rise += np.where(out, 0.0, prices.pairs[states.model, pair])
        key = states.key
        if bits.left[place] >= 0:
            key = key | _bit(bits.left[place])
        taken = np.zeros(states.size, dtype=np.bool_)
        return replace(states, key=key, least=states.least + rise, taken=taken)

    def _with(self, states: States, prices: Prices, place: int) -> States:
        """Return the states that take a variable, where what it implies was not left out."""
        line, bits = self._line, self._line.bits
        by, of = (pairs[place] for pairs in line.pairs_of)
        for second in line.pairs[by, 1]:
            if second < place:
                states = states.at(~_has(states.key, bits.left[second]))
        model, key, met = states.model, states.key, states.met.copy()
        rise = np.maximum(prices.reduced[model, place], 0)
        if bits.asked[place] >= 0:
            before = [pair for pair in of if line.pairs[pair, 0] < place]
            unasked = ~_has(key, bits.asked[place])
            rise += np.where(unasked, prices.pairs[:, before].sum(axis=1)[model], 0.0)
        for row in line.rows_at[place]:
            word, bit = divmod(int(bits.rows[row]), WORD)
            held = key if row < line.hard else met[:, word]
            rise += np.where(_has(held, bit), prices.rows[model, row], 0.0)
            if row < line.hard:
                key = key | _bit(bit)
            else:
                met[:, word] |= _bit(bit)
        for second in line.pairs[by, 1]:
            if second > place:
                key = key | _bit(bits.asked[second])
        taken = np.ones(states.size, dtype=np.bool_)
        return replace(
            states,
            key=key,
            met=met,
            least=states.least + rise,
            taken=taken,
            cost=states.cost + line.costs[place],
        )

    def _done(self, states: States, place: int) -> Words:
        """Return what states have done after a variable: bits that are set where it is better."""
        worse, known = np.uint64(0), np.uint64(0)
        for bit, is_better in self._open(place):
            known |= _bit(bit)
            worse |= np.uint64(0) if is_better else _bit(bit)
        return (states.key ^ worse) & known

    def _open(self, place: int) -> Iterator[tuple[int, bool]]:
        """Yield the bits of a key that are open after a variable, and whether they are wanted."""
        line, bits = self._line, self._line.bits
        firsts, lasts = line.ends
        rows = np.flatnonzero((firsts <= place) & (lasts > place))
        yield from ((bit, True) for bit in bits.rows[rows[rows < line.hard]].tolist())
        first, second = line.pairs[:, 0], line.pairs[:, 1]
        asked = np.unique(second[(first <= place) & (second > place)])
        left = np.unique(second[(second <= place) & (first > place)])
        yield from ((bit, False) for bit in (*bits.asked[asked], *bits.left[left]))

    def _repriced(
        self, states: States, prices: Prices, place: int, number: int
    ) -> tuple[States, Prices]:
        """Return states valued anew by prices for a number of those that promised most."""
        rest = Rest(self._line, place + 1)
        differs, needs = self._needs(rest, states)
        least, model = states.least.copy(), states.model.copy()
        every, fresh = [prices], np.zeros(states.size, dtype=np.bool_)
        count = prices.rows.shape[0]
        for _ in range(number):
            best = int(np.argmin(np.where(fresh, inf, least)))
            if fresh[best]:
                break
            fresh[best] = True
            needed = np.ones(differs.size)
            needed[differs] = needs[:, best]
            found = rest.priced(needed)
            if found is None:
                least[best] = inf
                continue
            same = float(found.needs[~differs].sum()) + found.fixed
            worth = states.cost + found.needs[differs] @ needs + same
            better = worth > least + _ROUNDING
            least[better], model[better] = worth[better], count
            every.append(found.prices)
            count += 1
        used, model = np.unique(model, return_inverse=True)
        return replace(states, least=least, model=model), Prices.joined(every).of(used)

    def _needs(self, rest: Rest, states: States) -> tuple[Bools, Floats]:
        """Return which needs of the rest differ among states, and these of each state.

        They are rows, variables asked for, and left out; all states need the rows not begun yet.
        """
        line, bits = self._line, self._line.bits
        firsts, _ = line.ends
        is_open = firsts[rest.rows] < rest.place
        needs = []
        for row in rest.rows[is_open].tolist():
            word, bit = divmod(int(bits.rows[row]), WORD)
            needs.append(~_has(states.key if row < line.hard else states.met[:, word], bit))
        needs += [_has(states.key, bits.asked[second]) for second in rest.asked]
        needs += [_has(states.key, bits.left[line.pairs[pair, 1]]) for pair in rest.left]
        others = np.ones(rest.asked.size + rest.left.size, dtype=np.bool_)
        differs = np.concatenate((is_open, others))
        return differs, np.array(needs, dtype=np.float64).reshape(-1, states.size)


def _merged(states: States, ceiling: float) -> States:
    """Return the states apart, each with its least cost, its best bound, and below the ceiling."""
    states = states.at(states.least < ceiling)
    states = states.at(np.argsort(states.key, kind="stable"))
    if not states.size:
        return states
    is_new = np.append(True, states.key[1:] != states.key[:-1])
    starts = np.flatnonzero(is_new)
    group = np.cumsum(is_new) - 1
    rest = states.least - states.cost
    cheapest = _first(states.cost == np.minimum.reduceat(states.cost, starts)[group], group)
    dearest = _first(rest == np.maximum.reduceat(rest, starts)[group], group)
    cost = states.cost[cheapest]
    found = replace(
        states.at(cheapest),
        least=cost + rest[dearest],
        met=states.met[dearest],
        model=states.model[dearest],
    )
    return found.at(found.least < ceiling)


def _first(found: Bools, group: Ints) -> Ints:
    """Return the first place of each group that is found; there is one in each."""
    places = np.flatnonzero(found)
    return places[np.unique(group[places], return_index=True)[1]]


def _traced(trace: list[tuple[Ints, Bools]]) -> Floats:
    """Return the variables of the state of the last layer."""
    values, at = np.zeros(len(trace)), 0
    for place in range(len(trace) - 1, -1, -1):
        before, taken = trace[place]
        values[place] = taken[at]
        at = int(before[at])
    return values


def _bit(bit: int) -> np.uint64:
    return _ONE << np.uint64(bit)


def _has(words: Words, bit: int) -> Bools:
    found: Bools = (words & _bit(bit)) != 0
    return found

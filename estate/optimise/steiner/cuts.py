"""The cut relaxation of a Steiner problem: a linear programme that is given the cuts it breaks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from ortools.graph.python.max_flow import SimpleMaxFlow
from ortools.math_opt.solution_pb2 import BASIS_STATUS_BASIC
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import connected_components

from estate.optimise.arrays import Bools, Floats, Ints
from estate.optimise.programme import Programme, minimise, no_dearer_than
from estate.optimise.relaxation import Relaxed, Start, relaxed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from estate.optimise.effort import Budget
    from estate.optimise.steiner.core import Core

# Flows are counted in whole millionths; a cut is broken when it lacks a thousandth.
_WHOLE = 1_000_000
_BROKEN = 999_000

# Cuts for one terminal in one round, each apart from the ones before.
_CUTS_PER_TERMINAL = 6

# Nodes of branch and bound in one go, what each costs for every factor of the rows, and how many
# of them the first is worth.
_BRANCHES = 200
_BRANCH = 1.5
_FIRST_BRANCH = 10

# Where the simplex takes more pivots than this, the interior point method is faster. What a pivot
# costs for every factor of the rows, and the fixed part of a call, in units of effort.
_PIVOTS_MAX = 4000
_PIVOT = 0.006
_CALL = 3000

# A row this far from binding is dropped; it comes back if it is broken again.
_LOOSE = 0.5


@dataclass(frozen=True, eq=False)
class FractionalTree:
    """An answer of the relaxation.

    `use` is how much of each arc it takes. Every tree costs at least `bound`, and beyond that
    the `slack` of the arcs it uses. The bound is infinite where the arcs hold no tree.
    """

    use: Floats
    bound: float
    slack: Floats


class Relaxation:
    """Arcs that lead from a root to every terminal, at least one of them through every cut.

    To that come rows which every best tree keeps: at most one arc leads into a node, and
    where nothing leads out of a node that is no terminal, nothing leads in.
    """

    def __init__(self, core: Core, root: int, cuts: Iterable[Ints]) -> None:
        self._core = core
        self._root = root
        self._costs = np.repeat(core.weights, 2)
        self._live: Bools = core.arc_heads != root
        self._rows: list[Ints] = []
        self._known: set[bytes] = set()
        self._bound = -np.inf
        self._start: Start | None = None
        self._pivots = True
        for terminal in core.terminals:
            if terminal != root:
                self._add(np.array(core.into[terminal], dtype=np.int64))
        for cut in cuts:
            self._add(cut)
        self._balance, self._balance_floor = self._balanced()

    def keep_only(self, arcs: Bools) -> None:
        """Leave out all other arcs, but those that the next answer starts from."""
        if self._start is not None:
            basis = self._start.basis
            needed = self._live.copy()
            needed[self._live] = basis.variables == BASIS_STATUS_BASIC
            arcs = arcs | needed
            variables = basis.variables[arcs[self._live]]
            self._start = replace(self._start, basis=replace(basis, variables=variables))
        self._live &= arcs

    @property
    def work(self) -> float:
        """Return about how many units of effort the next answer takes."""
        return (len(self._rows) + self._balance.shape[0]) * int(self._live.sum()) / 20

    @property
    def live(self) -> Bools:
        """Return which arcs may be used."""
        return self._live

    def solve(self, budget: Budget) -> FractionalTree | None:
        """Return the best fractional answer; None where the time runs out before one is found."""
        programme = self._programme()
        found = self._minimised(programme, budget)
        if found is None:
            return None
        if found.bound == np.inf:
            nothing = np.zeros_like(self._costs)
            return FractionalTree(use=nothing, bound=np.inf, slack=self._costs)
        use = np.zeros_like(self._costs)
        use[self._live] = np.clip(found.values, 0, 1)
        slack = np.full_like(self._costs, np.inf)
        slack[self._live] = found.reduced
        if found.bound > self._bound:  # Else the same cuts might come and go for ever.
            self._bound = found.bound
            self._forget(found.prices, programme.rows @ found.values - programme.floor)
        return FractionalTree(use=use, bound=found.bound, slack=slack)

    def _minimised(self, programme: Programme, budget: Budget) -> Relaxed | None:
        """Return the best answer: by the simplex until that once takes too many pivots."""
        found = relaxed(
            programme,
            seconds=max(budget.seconds_left, 0.01),
            start=self._start and self._start.with_all(programme.floor.size),
            pivots=_PIVOTS_MAX if self._pivots else 0,
        )
        if found is not None:
            budget.spend(_PIVOT * found.steps * programme.rows.nnz + _CALL)
            self._start, self._pivots = found.start, found.start is not None
        return found

    def solve_whole(self, budget: Budget, *, ceiling: float) -> tuple[Floats | None, float]:
        """Return the best answer in whole arcs under the cuts known so far, and a bound.

        Answers above the ceiling do not count; the bound is infinite where no other is left.
        """
        programme = self._programme()
        price = _BRANCH * programme.rows.nnz + _CALL
        nodes = min(_BRANCHES, max(1, int(budget.left / price) - _FIRST_BRANCH))
        found = minimise(
            no_dearer_than(programme, ceiling), nodes=nodes, seconds=budget.seconds_left
        )
        budget.spend((found.nodes + _FIRST_BRANCH) * price)
        if found.values is None:
            return None, found.bound
        use = np.zeros_like(self._costs)
        use[self._live] = found.values
        return use, found.bound

    def separate(self, use: Floats, budget: Budget) -> int:
        """Add cuts that an answer breaks, and return how many.

        What an arc joins that is used in full lies on one side of every broken cut.
        """
        core = self._core
        capacity = np.rint(use * _WHOLE).astype(np.int64)
        full = capacity >= _BROKEN
        ends = (core.arc_tails[full], core.arc_heads[full])
        joined = csr_array((np.ones(full.sum()), ends), shape=(core.node_count, core.node_count))
        count, labels = connected_components(joined, directed=False)
        side = np.asarray(labels, dtype=np.int64)
        tails, heads = side[core.arc_tails], side[core.arc_heads]
        live = np.flatnonzero(self._live & (tails != heads))
        # One unit more on every arc makes the cuts with few arcs the smaller ones.
        flows = _Flows(tails[live], heads[live], capacity[live] + 1, node_count=count)
        before = len(self._rows)
        root = side[self._root]
        for terminal in dict.fromkeys(side[list(core.terminals)].tolist()):
            if terminal != root:
                for arcs in flows.broken(root, terminal, budget):
                    self._add(live[arcs])
        return len(self._rows) - before

    def _add(self, arcs: Ints) -> None:
        key = np.sort(arcs).tobytes()
        if key not in self._known:
            self._known.add(key)
            self._rows.append(np.sort(arcs))

    def _forget(self, prices: Floats, spare: Floats) -> None:
        """Drop the cuts that do not bind."""
        kept = (spare <= _LOOSE) | (prices != 0)
        kept[: self._balance.shape[0]] = True
        cuts = kept[self._balance.shape[0] :]
        self._rows = [row for row, keep in zip(self._rows, cuts, strict=True) if keep]
        self._known = {row.tobytes() for row in self._rows}
        if self._start is not None:  # It holds no loose row.
            self._start = replace(self._start, rows=(np.cumsum(kept) - 1)[self._start.rows])

    def _programme(self) -> Programme:
        """Return the rows over the live arcs: those of the nodes, then the cuts."""
        sizes = [row.size for row in self._rows]
        at = np.repeat(np.arange(len(sizes)), sizes)
        columns = np.concatenate(self._rows)
        cuts = csr_array(
            (np.ones(columns.size), (at, columns)), shape=(len(sizes), self._costs.size)
        )
        costs = self._costs[self._live]
        floor = np.concatenate((self._balance_floor, np.ones(len(sizes))))
        return Programme(
            costs=costs,
            whole=np.ones(costs.size, dtype=np.bool_),
            rows=csr_array(csr_array(vstack((self._balance, cuts)))[:, self._live]),
            floor=floor,
            ceiling=np.full(floor.size, np.inf),
        )

    def _balanced(self) -> tuple[csr_array, Floats]:
        """Return the rows about single nodes: what leads in, and what leads out."""
        core = self._core
        arcs = np.arange(self._costs.size)
        shape = (core.node_count, arcs.size)
        into = csr_array((np.ones(arcs.size), (core.arc_heads, arcs)), shape=shape)
        out = csr_array((np.ones(arcs.size), (core.arc_tails, arcs)), shape=shape)
        passing = np.ones(core.node_count, dtype=np.bool_)
        passing[list(core.terminals)] = False
        rows = csr_array(vstack((-into, (out - into)[passing])))
        return rows, np.repeat((-1.0, 0.0), (core.node_count, passing.sum()))


class _Flows:
    """A graph with capacities, and the cuts in it that hold back part of a unit."""

    def __init__(self, tails: Ints, heads: Ints, capacity: Ints, *, node_count: int) -> None:
        self._tails = tails
        self._heads = heads
        self._capacity = capacity
        self._node_count = node_count
        self._arcs = np.arange(tails.size, dtype=np.int32)
        self._flow = SimpleMaxFlow()
        self._flow.add_arcs_with_capacity(tails.astype(np.int32), heads.astype(np.int32), capacity)

    def broken(self, root: int, terminal: int, budget: Budget) -> Iterator[Ints]:
        """Yield cuts before a terminal, each one filled before the next is sought."""
        self._flow.set_arcs_capacity(self._arcs, self._capacity)
        for _ in range(_CUTS_PER_TERMINAL):
            self._flow.solve(root, terminal)
            budget.spend(self._arcs.size / 4)
            if self._flow.optimal_flow() >= _BROKEN:
                return
            inside = np.zeros((2, self._node_count), dtype=np.bool_)
            inside[0, list(self._flow.get_sink_side_min_cut())] = True
            inside[1] = True
            inside[1, list(self._flow.get_source_side_min_cut())] = False
            for far in inside:
                arcs = np.flatnonzero(~far[self._tails] & far[self._heads])
                yield arcs
                filled = np.full(arcs.size, _WHOLE, dtype=np.int64)
                self._flow.set_arcs_capacity(arcs.astype(np.int32), filled)

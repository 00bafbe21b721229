"""The cut relaxation of a Steiner problem: a linear programme that is given the cuts it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ortools.graph.python.max_flow import SimpleMaxFlow
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from estate.optimise.arrays import Bools, Floats, Ints
from estate.optimise.programme import Programme, minimise, no_dearer_than

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from estate.optimise.effort import Budget
    from estate.optimise.steiner.core import Core

# Flows are counted in whole millionths; a cut is broken when it lacks a thousandth.
_WHOLE = 1_000_000
_BROKEN = 999_000

# Cuts for one terminal in one round, each apart from the ones before.
_CUTS_PER_TERMINAL = 6

# Nodes of branch and bound in one go.
_BRANCHES = 200

# The fixed part of a call in units of effort. Interior point steps beyond a few hundred come
# from one that stalls, and are short.
_CALL = 3000
_STEPS_COUNTED = 200

# The simplex is three times faster on sparse programmes, those of graphs that are nearly trees,
# and stalls on others: dense ones, and those that take more pivots, go to the interior point. A
# pivot is so much of a step.
_SPARSE = 20
_PIVOTS_MAX = 4000
_PIVOT = 0.01

# What scipy calls a programme without an answer.
_INFEASIBLE, _LIMIT = 2, 1

# A row this far from binding is dropped; it comes back if it is broken again.
_LOOSE = 0.5


@dataclass(frozen=True, eq=False)
class Relaxed:
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
        self._pivots = True
        for terminal in core.terminals:
            if terminal != root:
                self._add(np.array(core.into[terminal], dtype=np.int64))
        for cut in cuts:
            self._add(cut)
        self._balance, self._balance_floor = self._balanced()

    def keep_only(self, arcs: Bools) -> None:
        """Leave out all other arcs."""
        self._live &= arcs

    @property
    def work(self) -> float:
        """Return about how many units of effort the next answer takes."""
        return (len(self._rows) + len(self._balance_floor)) * int(self._live.sum()) / 20

    @property
    def live(self) -> Bools:
        """Return which arcs may be used."""
        return self._live

    def solve(self, budget: Budget) -> Relaxed | None:
        """Return the best fractional answer; None where the time runs out before one is found."""
        matrix, floor = self._matrix()
        costs = self._costs[self._live]
        found = self._minimised(costs, matrix, floor, budget)
        if found.status == _INFEASIBLE:
            return Relaxed(use=np.zeros_like(self._costs), bound=np.inf, slack=self._costs)
        if found.status != 0:
            return None
        # Any prices that are not negative prove a bound: rounding cannot make it too high.
        prices = np.maximum(-found.ineqlin.marginals, 0)
        left = costs - matrix.T @ prices
        use = np.zeros_like(self._costs)
        use[self._live] = np.clip(found.x, 0, 1)
        slack = np.full_like(self._costs, np.inf)
        slack[self._live] = np.maximum(left, 0)
        bound = float(prices @ floor + np.minimum(left, 0).sum())
        if bound > self._bound:  # Else the same cuts might come and go for ever.
            self._bound = bound
            self._forget(prices, matrix @ found.x - floor)
        return Relaxed(use=use, bound=bound, slack=slack)

    def _minimised(self, costs: Floats, matrix: csr_array, floor: Floats, budget: Budget) -> Any:
        """Return what scipy finds: by the simplex until that once takes too many pivots."""
        options = {"time_limit": max(budget.seconds_left, 0.01)}
        self._pivots &= matrix.nnz <= _SPARSE * floor.size
        if self._pivots:
            found = linprog(  # type: ignore[call-overload]  # the stubs know no sparse rows
                costs,
                A_ub=-matrix,
                b_ub=-floor,
                bounds=(0, 1),
                method="highs-ds",
                options={**options, "maxiter": _PIVOTS_MAX},
            )
            budget.spend(_PIVOT * found.nit * sum(matrix.shape) + _CALL)
            if found.status != _LIMIT or not budget.seconds_left:
                return found
            self._pivots = False
        found = linprog(  # type: ignore[call-overload]  # the stubs know no sparse rows
            costs, A_ub=-matrix, b_ub=-floor, bounds=(0, 1), method="highs-ipm", options=options
        )
        steps = 3 * min(found.nit, _STEPS_COUNTED) * sum(matrix.shape)
        budget.spend(steps + found.crossover_nit * floor.size / 10 + _CALL)
        return found

    def solve_whole(self, budget: Budget, *, ceiling: float) -> tuple[Floats | None, float]:
        """Return the best answer in whole arcs under the cuts known so far, and a bound.

        Answers above the ceiling do not count; the bound is infinite where no other is left.
        """
        matrix, floor = self._matrix()
        costs = self._costs[self._live]
        programme = Programme(
            costs=costs,
            whole=np.ones(costs.size, dtype=np.bool_),
            rows=matrix,
            floor=floor,
            ceiling=np.full(floor.size, np.inf),
        )
        found = minimise(
            no_dearer_than(programme, ceiling), nodes=_BRANCHES, seconds=budget.seconds_left
        )
        budget.spend((found.nodes + 1) * (matrix.nnz + 2000))
        if found.values is None:
            return None, found.bound
        use = np.zeros_like(self._costs)
        use[self._live] = found.values
        return use, found.bound

    def separate(self, use: Floats, budget: Budget) -> int:
        """Add cuts that an answer breaks, and return how many."""
        live = np.flatnonzero(self._live)
        # One unit more on every arc makes the cuts with few arcs the smaller ones.
        capacity = np.rint(use[live] * _WHOLE).astype(np.int64) + 1
        flow = SimpleMaxFlow()
        flow.add_arcs_with_capacity(
            self._core.arc_tails[live].astype(np.int32),
            self._core.arc_heads[live].astype(np.int32),
            capacity,
        )
        before = len(self._rows)
        for terminal in self._core.terminals:
            if terminal != self._root:
                flow.set_arcs_capacity(np.arange(live.size, dtype=np.int32), capacity)
                for arcs in self._broken(flow, terminal, budget):
                    self._add(live[arcs])
        return len(self._rows) - before

    def _broken(self, flow: SimpleMaxFlow, terminal: int, budget: Budget) -> Iterator[Ints]:
        """Yield cuts before a terminal, each one filled before the next is sought."""
        tails = self._core.arc_tails[self._live]
        heads = self._core.arc_heads[self._live]
        for _ in range(_CUTS_PER_TERMINAL):
            flow.solve(self._root, terminal)
            budget.spend(tails.size / 4)
            if flow.optimal_flow() >= _BROKEN:
                return
            inside = np.zeros((2, self._core.node_count), dtype=np.bool_)
            inside[0, list(flow.get_sink_side_min_cut())] = True
            inside[1] = True
            inside[1, list(flow.get_source_side_min_cut())] = False
            for far in inside:
                arcs = np.flatnonzero(~far[tails] & far[heads])
                yield arcs
                filled = np.full(arcs.size, _WHOLE, dtype=np.int64)
                flow.set_arcs_capacity(arcs.astype(np.int32), filled)

    def _add(self, arcs: Ints) -> None:
        key = np.sort(arcs).tobytes()
        if key not in self._known:
            self._known.add(key)
            self._rows.append(np.sort(arcs))

    def _forget(self, prices: Floats, spare: Floats) -> None:
        """Drop the cuts that do not bind."""
        count = len(self._rows)
        loose = (spare[:count] > _LOOSE) & (prices[:count] == 0)
        self._rows = [row for row, drop in zip(self._rows, loose, strict=True) if not drop]
        self._known = {row.tobytes() for row in self._rows}

    def _matrix(self) -> tuple[csr_array, Floats]:
        """Return the rows over the live arcs, and what each has to reach."""
        sizes = [row.size for row in self._rows]
        at = np.repeat(np.arange(len(sizes)), sizes)
        columns = np.concatenate(self._rows)
        cuts = csr_array(
            (np.ones(columns.size), (at, columns)), shape=(len(sizes), self._costs.size)
        )
        rows = csr_array(vstack((cuts, self._balance)))[:, self._live]
        return rows, np.concatenate((np.ones(len(sizes)), self._balance_floor))

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

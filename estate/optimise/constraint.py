"""CP-SAT on a programme whose variables are all whole, or may be."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np
from ortools.sat.python import cp_model

from estate.optimise.exactness import common_unit
from estate.optimise.programme import Found

if TYPE_CHECKING:
    from estate.optimise.effort import Budget
    from estate.optimise.programme import Programme

# The mix of its strategies makes CP-SAT good, and it is set by the number of workers: eight,
# even on fewer cores. Interleaved, they take turns in an order that repeats.
_WORKERS = 8


def minimise_whole(programme: Programme, start: Found, budget: Budget, *, seed: int) -> Found:
    """Return the better of an answer to start from and of what CP-SAT finds, and the better bound.

    All variables are taken to be whole. Where a row or the costs have no common unit CP-SAT
    cannot take them, and the start is returned.
    """
    unit = common_unit(programme.costs)
    model = cp_model.CpModel()
    variables = [model.new_int_var(0, int(most), "") for most in programme.tops]
    if not unit or not _add_rows(model, variables, programme):
        return start
    prices = np.rint(programme.costs / unit).astype(np.int64).tolist()
    model.minimize(cp_model.LinearExpr.weighted_sum(variables, prices))
    if start.values is not None:
        for variable, value in zip(variables, start.values.tolist(), strict=True):
            model.add_hint(variable, round(value))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = _WORKERS
    solver.parameters.interleave_search = True
    # It would take Ctrl-C for the end of this search alone, and keep what it has as if it were all.
    solver.parameters.catch_sigint_signal = False
    solver.parameters.random_seed = seed % 2**31
    solver.parameters.max_deterministic_time = budget.left
    solver.parameters.max_time_in_seconds = max(budget.seconds_left, 0.01)
    status = solver.solve(model)
    budget.spend(solver.response_proto.deterministic_time)
    if status == cp_model.INFEASIBLE:
        return Found(values=None, bound=np.inf)
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return start
    bound = max(start.bound, solver.best_objective_bound * unit)
    values = np.array([solver.value(variable) for variable in variables], dtype=np.float64)
    if start.values is not None and programme.costs @ start.values <= programme.costs @ values:
        values = start.values
    return Found(values=values, bound=bound)


def _add_rows(
    model: cp_model.CpModel, variables: list[cp_model.IntVar], programme: Programme
) -> bool:
    """Add the rows in whole numbers, and return whether all of them have such."""
    rows = programme.rows
    columns = rows.indices.tolist()
    for index in range(rows.shape[0]):
        span = slice(rows.indptr[index], rows.indptr[index + 1])
        unit = common_unit(rows.data[span])
        if not unit:
            return False
        factors = np.rint(rows.data[span] / unit).astype(np.int64).tolist()
        terms = [variables[column] for column in columns[span]]
        total = cp_model.LinearExpr.weighted_sum(terms, factors)
        least, most = programme.floor[index] / unit, programme.ceiling[index] / unit
        # The sums are whole: a limit between two numbers is the one on the inner side.
        if np.isfinite(least):
            model.add(total >= ceil(least - 1e-6))
        if np.isfinite(most):
            model.add(total <= floor(most + 1e-6))
    return True

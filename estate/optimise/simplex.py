"""GLOP's dual simplex method, which goes on from a basis that was found before.

GLOP is asked in MathOpt's messages: its Python objects take longer to build than the engine needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    model_update_pb2,
    parameters_pb2,
    sparse_containers_pb2,
)
from ortools.math_opt import result_pb2 as results
from ortools.math_opt.core.python import solver
from ortools.math_opt.solution_pb2 import BASIS_STATUS_BASIC, SparseBasisStatusVector
from pybind11_abseil.status import StatusNotOk

from estate.optimise.arrays import Bools, Floats, Ints

if TYPE_CHECKING:
    from estate.optimise.programme import Programme

# More steps than these for each variable and row are circles that the engine goes round in.
_STEPS = 2


@dataclass(frozen=True, eq=False)
class Basis:
    """What holds each variable and each row in a best answer, as MathOpt numbers it."""

    variables: Ints
    rows: Ints

    @property
    def slack(self) -> Bools:
        """Return which rows hold nothing."""
        return np.asarray(self.rows == BASIS_STATUS_BASIC)

    def of(self, rows: Bools) -> Basis:
        """Return the basis without rows that hold nothing."""
        return Basis(self.variables, self.rows[rows])

    def among(self, places: Ints, *, count: int) -> Basis:
        """Return the basis with its rows at places among so many; the others hold nothing."""
        rows = np.full(count, BASIS_STATUS_BASIC)
        rows[places] = self.rows
        return Basis(self.variables, rows)


@dataclass(frozen=True, eq=False)
class Vertex:
    """The variables, the price of each row, and the basis of both."""

    values: Floats
    prices: Floats
    basis: Basis


@dataclass(frozen=True, eq=False)
class End:
    """Where the method ended after so many `steps`: nowhere if no variables keep the rows.

    At the best vertex they do; at another the prices prove a bound that was enough.
    """

    vertex: Vertex | None
    is_best: bool
    steps: int


class Simplex:
    """A programme, whole or not, in the engine: it goes on where it ended when it has more rows."""

    def __init__(self, programme: Programme) -> None:
        """Give a programme to the engine."""
        self._engine = solver.new(
            parameters_pb2.SOLVER_TYPE_GLOP,
            _message(programme),
            parameters_pb2.SolverInitializerProto(),
        )
        self._size, self._rows = programme.costs.size, programme.floor.size

    def add(self, programme: Programme) -> None:
        """Give it the rows of a programme of the same variables as well.

        An engine that does not take them refuses a basis that has them, and gives up.
        """
        update = model_update_pb2.ModelUpdateProto()
        _rows(
            programme,
            update.new_linear_constraints,
            update.linear_constraint_matrix_updates,
            first=self._rows,
        )
        self._engine.update(update)
        self._rows += programme.floor.size

    def solved(
        self, *, start: Basis | None, enough: float, seconds: float, pivots: int | None = None
    ) -> End | None:
        """Return where the method ends; no further than to a bound that is enough.

        None where the time or the pivots ended first, or the engine goes round in circles or
        gives up.
        """
        most = _STEPS * (self._size + self._rows)
        steps = most if pivots is None else min(most, pivots)
        model = model_parameters_pb2.ModelSolveParametersProto()
        if start is not None:
            _extend(model.initial_basis.variable_status, start.variables)
            _extend(model.initial_basis.constraint_status, start.rows)
        try:
            found = self._engine.solve(
                _parameters(enough, seconds, steps=steps),
                model,
                None,
                callback_pb2.CallbackRegistrationProto(),
                None,
                None,
            )
        except StatusNotOk:  # GLOP calls it abnormal: rounding has spoilt its basis.
            return None
        reason, steps = found.termination.reason, found.solve_stats.simplex_iterations
        if reason == results.TERMINATION_REASON_INFEASIBLE:
            return End(None, is_best=True, steps=steps)
        is_best = reason == results.TERMINATION_REASON_OPTIMAL
        is_enough = found.termination.limit == results.LIMIT_UNDETERMINED
        best = next(iter(found.solutions), None)
        if not (is_best or is_enough) or best is None or not best.HasField("basis"):
            return None
        basis = Basis(
            np.array(best.basis.variable_status.values, dtype=np.int64),
            np.array(best.basis.constraint_status.values, dtype=np.int64),
        )
        values = _vector(best.primal_solution.variable_values, self._size)
        prices = _vector(best.dual_solution.dual_values, basis.rows.size)
        return End(Vertex(values, prices, basis), is_best=is_best, steps=steps)


def _message(programme: Programme) -> model_pb2.ModelProto:
    model = model_pb2.ModelProto()
    size = programme.costs.size
    variables = model.variables
    variables.ids.extend(range(size))
    variables.lower_bounds.extend([0.0] * size)
    variables.upper_bounds.extend(programme.tops.tolist())
    variables.integers.extend([False] * size)
    model.objective.linear_coefficients.ids.extend(range(size))
    model.objective.linear_coefficients.values.extend(programme.costs.tolist())
    _rows(programme, model.linear_constraints, model.linear_constraint_matrix, first=0)
    return model


def _rows(
    programme: Programme,
    constraints: model_pb2.LinearConstraintsProto,
    matrix: sparse_containers_pb2.SparseDoubleMatrixProto,
    *,
    first: int,
) -> None:
    """Write rows into messages, numbered from a first one."""
    constraints.ids.extend(range(first, first + programme.floor.size))
    constraints.lower_bounds.extend(programme.floor.tolist())
    constraints.upper_bounds.extend(programme.ceiling.tolist())
    rows = programme.rows.tocsr(copy=True)
    rows.sum_duplicates()  # It sorts them, too.
    rows.eliminate_zeros()
    matrix.row_ids.extend(np.repeat(constraints.ids, np.diff(rows.indptr)).tolist())
    matrix.column_ids.extend(rows.indices.tolist())
    matrix.coefficients.extend(rows.data.tolist())


def _parameters(
    enough: float, seconds: float, *, steps: int
) -> parameters_pb2.SolveParametersProto:
    parameters = parameters_pb2.SolveParametersProto()
    parameters.lp_algorithm = parameters_pb2.LP_ALGORITHM_DUAL_SIMPLEX
    parameters.presolve = parameters_pb2.EMPHASIS_OFF  # What it leaves has no basis of ours.
    parameters.glop.change_status_to_imprecise = False
    parameters.iteration_limit = steps
    if isfinite(enough):
        parameters.glop.objective_upper_limit = enough
    if isfinite(seconds):
        parameters.time_limit.FromMilliseconds(max(1, round(seconds * 1e3)))
    return parameters


def _extend(message: SparseBasisStatusVector, values: Ints) -> None:
    message.ids.extend(range(values.size))
    message.values.extend(values.tolist())


def _vector(message: sparse_containers_pb2.SparseDoubleVectorProto, size: int) -> Floats:
    vector = np.zeros(size)
    vector[list(message.ids)] = list(message.values)
    return vector

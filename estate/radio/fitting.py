"""Fit a model's parameters to measurements, within ranges, and say which ones that settled.

Nothing here knows radio: a model is a function from parameter values to predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from scipy.optimize import least_squares

from estate.estimate import Estimate
from estate.radio.fabric import Floats

Model = Callable[[Floats], Floats]

# A parameter is settled when its standard error is below half the standard deviation of a value
# drawn evenly from its range: a width of 1 has one of 1 / sqrt(12).
_ERROR_SHARE_MAX = 0.5 / sqrt(12)

# Singular values below this share of the largest are as good as none.
_SINGULAR_SHARE_MIN = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number to fit: its range, where it starts and stays when nothing settles it."""

    name: str
    unit: str
    prior: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A parameter after the fit.

    `standard_error` is in the parameter's unit and None where the data do not settle the
    parameter, whose value is then the prior's.
    """

    parameter: Parameter
    value: float
    standard_error: float | None

    @property
    def at_its_limit(self) -> bool:
        """Return whether the range, and not the data, ended the fit."""
        low, _, high = self.parameter.prior.as_tuple()
        near = (high - low) * 1e-6
        settled = self.standard_error is not None
        return settled and not low + near < self.value < high - near


def fit(
    model: Model, measured: Floats, parameters: tuple[Parameter, ...], *, absorbed: int = 0
) -> tuple[Fitted, ...]:
    """Return the values of least squares within the ranges, in the order given.

    `absorbed` is how many further numbers the model fits by itself. While any parameter is not
    settled, the least settled one goes back to its prior and the rest are fitted again: two that
    the data cannot tell apart do not both wander off.
    """
    fitted = tuple(
        Fitted(parameter=parameter, value=parameter.prior.likely, standard_error=None)
        for parameter in parameters
    )
    free = [
        index
        for index, parameter in enumerate(parameters)
        if parameter.prior.high > parameter.prior.low
    ]
    while free:
        values, error_shares = _fit_some(
            lambda tried: model(tried) - measured, parameters, free, absorbed=absorbed
        )
        worst = int(np.argmax(error_shares))
        if error_shares[worst] <= _ERROR_SHARE_MAX:
            for index, value, share in zip(free, values, error_shares, strict=True):
                prior = parameters[index].prior
                fitted = _with(fitted, index, value, share * (prior.high - prior.low))
            return fitted
        del free[worst]
    return fitted


def rmse(predicted: Floats, measured: Floats) -> float:
    """Return the root of the mean squared difference."""
    return float(np.sqrt(np.mean((predicted - measured) ** 2)))


def _fit_some(
    misfit: Model, parameters: tuple[Parameter, ...], free: list[int], *, absorbed: int
) -> tuple[Floats, Floats]:
    """Return the fitted values of the free parameters, and their errors as shares of the range."""
    low, likely, high = np.array([parameter.prior.as_tuple() for parameter in parameters]).T
    width = (high - low)[free]

    def off(shares: Floats) -> Floats:
        values = likely.copy()
        values[free] = low[free] + shares * width
        return misfit(values)

    start = np.clip((likely - low)[free] / width, 1e-3, 1 - 1e-3)
    answer = least_squares(off, start, bounds=(0.0, 1.0), method="trf")
    values = low[free] + np.clip(answer.x, 0.0, 1.0) * width
    return values, _error_shares(np.asarray(answer.jac), answer.fun, absorbed=absorbed)


def _error_shares(jacobian: Floats, residuals: Floats, *, absorbed: int) -> Floats:
    """Return the standard error of each parameter: the root of diag(s^2 (J'J)^-1).

    By singular values, so that a parameter without any effect has a huge error and not none.
    """
    count, parameters = jacobian.shape
    _, singular, directions = np.linalg.svd(jacobian, full_matrices=True)
    padded = np.zeros(parameters)
    padded[: len(singular)] = singular
    largest = max(float(padded.max()), np.finfo(float).tiny)
    spread = sqrt(float(residuals @ residuals) / max(count - parameters - absorbed, 1))
    # A perfect fit still has the rounding of its readings, half a decibel.
    spread = max(spread, 0.5)
    inverse = 1 / np.maximum(padded, largest * _SINGULAR_SHARE_MIN)
    errors: Floats = spread * np.sqrt(((directions * inverse[:, None]) ** 2).sum(axis=0))
    return errors


def _with(
    fitted: tuple[Fitted, ...], index: int, value: float, standard_error: float
) -> tuple[Fitted, ...]:
    changed = replace(fitted[index], value=float(value), standard_error=float(standard_error))
    return (*fitted[:index], changed, *fitted[index + 1 :])

"""Prices in whole numbers, where they are pounds and pence or metres and millimetres."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Beyond this a float does not hold every whole number.
_WHOLE_MAX = 2.0**53

_DECIMALS_MAX = 6
_ROUNDING = 1e-9


def common_unit(values: ArrayLike) -> float:
    """Return the largest of 1, 0.1, 0.01 … of which all values are whole multiples.

    It is 0 where there is none down to a millionth, or where the sum of the values would have
    too many digits.
    """
    array = np.asarray(values, dtype=np.float64)
    for decimals in range(_DECIMALS_MAX + 1):
        scaled = array * 10**decimals
        if np.abs(scaled).sum() >= _WHOLE_MAX:
            return 0.0
        off = np.abs(scaled - np.rint(scaled))
        if (off <= _ROUNDING * np.maximum(1, np.abs(scaled))).all():
            return 10.0**-decimals
    return 0.0


def raised(bound: float, *, unit: float, cost: float) -> float:
    """Return the bound that follows when every cost is a multiple of the unit, at most the cost."""
    if not unit or not np.isfinite(bound):
        return min(bound, cost)
    multiples = ceil(bound / unit - 1e-6 - _ROUNDING * abs(bound / unit))
    # Multiples of a decimal unit differ from the cost in the last binary digit.
    whole = multiples / round(1 / unit)
    return cost if whole > cost - unit / 2 else whole

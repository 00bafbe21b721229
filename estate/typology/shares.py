"""Whole numbers shared out in proportion."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def in_proportion(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Return whole shares of the total, one for each weight, that sum to it exactly.

    By largest remainder, in integers throughout; of two equal remainders the first is served.
    """
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return tuple(shares)

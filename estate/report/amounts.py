"""Amounts as the reports show them: three bounds, in pounds, with the one warning they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.document import Column

if TYPE_CHECKING:
    from estate.estimate import Money

EXTREMES = (
    "Low and high of a sum are sums of extremes, as if every line went wrong together: wider "
    "than any percentile, and not a forecast."
)


def bounds_of(money: Money) -> tuple[float, float, float]:
    """Return low, likely and high in pounds."""
    return (float(money.low), float(money.likely), float(money.high))


def money_columns(what: str = "") -> tuple[Column, Column, Column]:
    """Return the columns for low, likely and high of an amount."""
    low, likely, high = (
        Column(heading=f"{what}, {bound}".removeprefix(", ").capitalize(), kind="money")
        for bound in ("low", "likely", "high")
    )
    return (low, likely, high)

"""Low, likely and high: the one way a doubtful number is written down."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PENNY = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantity or a rate that is not known exactly.

    Raises
    ------
    ValueError
        When low, likely and high are not in ascending order.
    """

    low: float
    likely: float
    high: float

    def __post_init__(self) -> None:
        for bound in ("low", "likely", "high"):  # 3 and 3.0 must not be written differently.
            object.__setattr__(self, bound, float(getattr(self, bound)))
        if not self.low <= self.likely <= self.high:
            raise ValueError(f"expected low <= likely <= high, not {self.as_tuple()}")

    @classmethod
    def exactly(cls, value: float) -> Estimate:
        """Return an estimate without any spread."""
        return cls(value, value, value)

    def as_tuple(self) -> tuple[float, float, float]:
        """Return (low, likely, high)."""
        return (self.low, self.likely, self.high)

    @property
    def mean(self) -> float:
        """Return the mean of the triangular distribution over these bounds."""
        return (self.low + self.likely + self.high) / 3

    def scaled(self, factor: float) -> Estimate:
        """Return every bound times a factor that is not negative."""
        return Estimate(self.low * factor, self.likely * factor, self.high * factor)

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def __mul__(self, other: Estimate) -> Estimate:
        """Return the product of the extremes; both estimates must be 0 or more."""
        return Estimate(self.low * other.low, self.likely * other.likely, self.high * other.high)


@dataclass(frozen=True, slots=True)
class Money:
    """Pounds to the penny: low, likely, high.

    The low of a sum is the sum of the lows and the high the sum of the highs, as if every line
    went wrong together. It is wider than a percentile and is labelled so wherever it is shown.
    """

    low: Decimal = Decimal(0)
    likely: Decimal = Decimal(0)
    high: Decimal = Decimal(0)

    @classmethod
    def of(cls, quantity: Estimate, rate_gbp: Estimate) -> Money:
        """Return quantity times rate, each bound to the penny, halves away from zero."""
        pairs = zip(quantity.as_tuple(), rate_gbp.as_tuple(), strict=True)
        return cls(*(_pounds(Decimal(repr(q)) * Decimal(repr(r))) for q, r in pairs))

    @classmethod
    def total(cls, amounts: Iterable[Money]) -> Money:
        """Return the sum of all amounts; nothing at all comes to zero."""
        low = likely = high = Decimal(0)
        for amount in amounts:
            low += amount.low
            likely += amount.likely
            high += amount.high
        return cls(low, likely, high)

    def __add__(self, other: Money) -> Money:
        return Money(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def per(self, count: int) -> Money:
        """Return the amount for each of `count` things, to the penny; zero for none of them."""
        if count <= 0:
            return Money()
        return Money(*(_pounds(bound / count) for bound in (self.low, self.likely, self.high)))

    def as_json(self) -> dict[str, float]:
        """Return {"low", "likely", "high"} as JSON numbers in pounds."""
        return {"low": float(self.low), "likely": float(self.likely), "high": float(self.high)}


def _pounds(value: Decimal) -> Decimal:
    return value.quantize(_PENNY, rounding=ROUND_HALF_UP)

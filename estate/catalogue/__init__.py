"""Rates, assumptions and published figures: numbers as data, each with its source and date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING

from estate.estimate import Estimate
from reports.wording import pounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """A number that no source settles, with its range and where it comes from."""

    key: str
    unit: str
    value: Estimate
    source: str
    dated: str
    verified: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Every assumption of a plan, by key."""

    by_key: Mapping[str, Assumption]

    def __getitem__(self, key: str) -> Estimate:
        return self.by_key[key].value

    def __iter__(self) -> Iterator[Assumption]:
        return iter(self.by_key.values())

    def with_measured(self, measured: Iterable[Assumption]) -> Assumptions:
        """Return the assumptions of a place where some have been measured."""
        return Assumptions({**self.by_key, **{each.key: each for each in measured}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The price of one unit of an item in pounds, or a share where the unit says "GBP of …".

    `budget` is capital or resource, `vat` whether VAT on it can be recovered, and `life_years`
    the years after which it is bought again (None: bought once).
    """

    item: str
    label: str
    package: str
    unit: str
    rate: Estimate
    price_base: str
    budget: str
    vat: str
    life_years: int | None
    source: str
    verified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A cost that the world has published, for comparison; `per` is a cell or a prison.

    It stands in its own currency, GBP or EUR, and is never converted.
    """

    label: str
    per: str
    currency: str
    cost: Estimate
    what: str
    source: str
    price_base: str
    verified: str

    def worded(self) -> str:
        """Return the cost as a person reads it: one figure, or its range."""
        bounds = dict.fromkeys((self.cost.low, self.cost.high))
        words = "–".join(pounds(bound) for bound in bounds)
        return words if self.currency == "GBP" else words.replace("£", "€")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What a design is priced and ruled by.

    `backbone_ways` is how many ways of fibre each building has from the core: 1, or 2 that share
    no duct.
    """

    rates: Mapping[str, Rate]
    assumptions: Assumptions
    appraisal_years: int
    backbone_ways: int = 1

    def purchases(self, item: str) -> int:
        """Return how often an item is bought within the appraisal, the first time included."""
        life_years = self.rates[item].life_years
        return ceil(self.appraisal_years / life_years) if life_years else 1

    def unit_gbp(self, item: str) -> float:
        """Return the likely whole-life cost of one unit of an item in pounds."""
        return self.rates[item].rate.likely * self.purchases(item)

    def whole_life_gbp(self, quantities: Mapping[str, Estimate]) -> Decimal:
        """Return the likely cost of the quantities with their replacements."""
        return sum(
            (
                Decimal(repr(quantity.likely * self.purchases(item)))
                * Decimal(repr(self.rates[item].rate.likely))
                for item, quantity in sorted(quantities.items())
            ),
            Decimal(0),
        ).quantize(Decimal("0.01"))

"""Columns of what a workspace assumes and pays: assumptions and rates."""

from __future__ import annotations

from estate.column import Column, Table


def _bound(name: str, *, low: float | None = None) -> Column:
    meaning = f"The {name} value"
    return Column(name, meaning, "1.5", kind="number", blank=False, low=low)


def _words(name: str, meaning: str, example: str) -> Column:
    return Column(name, meaning, example, blank=False)


_VERIFIED = Column(
    "verified",
    "Whether the number stands in a source that was read",
    "no",
    blank=False,
    choices=("yes", "partly", "no"),
)

ASSUMPTIONS = Table(
    name="assumptions",
    meaning="Numbers that no register states, each with its range and source",
    unique=("key",),
    ascending=("low", "likely", "high"),
    columns=(
        _words("key", "Name of the assumption", "spare_ports"),
        _words("unit", "Unit of the numbers", "factor"),
        _bound("low"),
        _bound("likely"),
        _bound("high"),
        _words("source", "Where the numbers are from", "engineering practice"),
        Column("dated", "Date of the source", "2024-07", kind="when", required=True),
        _VERIFIED,
        _words("meaning", "What the number says", "Switch ports bought for each port used"),
    ),
)

RATES = Table(
    name="rates",
    meaning="Prices, each with its range, price base and source",
    unique=("item",),
    ascending=("low", "likely", "high"),
    columns=(
        _words("item", "Name of the rate", "outlet_cat6a"),
        _words("label", "Name on the bill", "Cat 6A outlet, fitted and tested"),
        _words("package", "Part of the bill", "wing network"),
        _words("unit", "What one of it is", "outlet"),
        _bound("low", low=0),
        _bound("likely", low=0),
        _bound("high", low=0),
        _words("price_base", "Year of the prices", "2024-25"),
        Column(
            "budget", "Which budget pays", "capital", blank=False, choices=("capital", "resource")
        ),
        Column(
            "vat",
            "How VAT on it is treated",
            "irrecoverable",
            blank=False,
            choices=("irrecoverable", "recoverable", "none"),
        ),
        Column(
            "life_years",
            "Until it is replaced; blank for never",
            "7",
            kind="integer",
            unit="years",
            required=True,
            low=1,
            high=100,
        ),
        _words("source", "Where the numbers are from", "unverified default"),
        _VERIFIED,
    ),
)

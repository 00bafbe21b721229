"""How amounts are worded for people, the same on every page and line."""

from __future__ import annotations

_MILLION, _THOUSAND = 1_000_000, 1_000
_THOUSANDS_FROM = 10_000


def pounds(amount: float) -> str:
    """Return £1,234, £56k or £1.2m: what a person takes in at a glance.

    Below ten thousand in whole pounds, below a million in thousands, above in tenths of one.
    """
    if amount < 0:
        return f"-{pounds(-amount)}"
    if amount >= _MILLION - _THOUSAND / 2:
        return f"£{amount / _MILLION:,.1f}m"
    if amount >= _THOUSANDS_FROM:
        return f"£{amount / _THOUSAND:,.0f}k"
    return f"£{amount:,.0f}"

"""How amounts are worded for people, the same on every page and line."""

from __future__ import annotations

_MILLION = 1_000_000


def pounds(amount: float) -> str:
    """Return £1,234 or £1.2m: whole pounds below a million, tenths of a million above."""
    if abs(amount) >= _MILLION:
        return f"£{amount / _MILLION:,.1f}m"
    return f"£{amount:,.0f}"

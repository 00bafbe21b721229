"""All tables of the registry, for who needs every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

# A command imports the tables that it uses; these add theirs to what `tables` declares.
from fleet.registry import readings, requests, tables, updates

if TYPE_CHECKING:
    from sqlalchemy import MetaData

DECLARED = (tables, readings, requests, updates)


def metadata() -> MetaData:
    """Return what describes every table."""
    return tables.Base.metadata

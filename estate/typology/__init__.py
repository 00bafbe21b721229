"""A wing without a survey: plausible cells, walls and routes, marked as typical.

Nothing here is a fact about a prison. Dimensions come from data/typologies.csv, each with its
source or the word "assumed", and every feature that is laid out carries grade D.
"""

from __future__ import annotations

from estate.typology.layout import lay_out
from estate.typology.table import Typology, TypologyFact, read_typologies
from estate.typology.wings import Layout, spread, wings_for

__all__ = [
    "Layout",
    "Typology",
    "TypologyFact",
    "lay_out",
    "read_typologies",
    "spread",
    "wings_for",
]

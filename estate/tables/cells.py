"""Columns of the cells whose keys were imported."""

from __future__ import annotations

from estate.column import Column, Table
from estate.model import PRISON_ID

CELLS = Table(
    name="cells",
    meaning="One row for each cell whose key is known, those of a spur in the order of their codes",
    unique=("location_key",),
    may_be_empty=True,
    columns=(
        Column("prison_id", "Prison", "MDI", blank=False, pattern=PRISON_ID),
        Column("wing", "Code of the wing in HMPPS location keys", "A", blank=False),
        Column(
            "landing",
            "Landing in the wing's layout, 1 for the first",
            "1",
            kind="integer",
            blank=False,
            low=1,
            high=8,
        ),
        Column(
            "spur",
            "Spur in the landing's layout, 1 for the first",
            "1",
            kind="integer",
            blank=False,
            low=1,
            high=200,
        ),
        Column("location_key", "Key in the HMPPS locations service", "MDI-A-2-001", blank=False),
        Column("source", "Who says so", "HMPPS cell certificate 2026-07-01"),
    ),
)

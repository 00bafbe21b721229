"""Exports of HMPPS's locations service: the wings, cells and places of a prison.

A file is read whole (export), what it states of each location is checked (faults, statements),
and what several files state of a prison is made one (prison, spurs, places) and written as rows
of the wing schedule and of the register (rows, importing).
"""

from __future__ import annotations

from estate.sources.hmpps.importing import ImportedPrison, import_hmpps

__all__ = ["ImportedPrison", "import_hmpps"]

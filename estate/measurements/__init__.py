"""Measured signal: read, placed, fitted, kept, and what it says in the place of assumptions."""

from __future__ import annotations

from estate.measurements.buildings import Building, buildings_of
from estate.measurements.importing import ImportedReadings, Target, import_measurements
from estate.measurements.placing import PlannedPoint

__all__ = [
    "Building",
    "ImportedReadings",
    "PlannedPoint",
    "Target",
    "buildings_of",
    "import_measurements",
]

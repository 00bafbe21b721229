"""Bundles: what an update brings, signed, listed, and refused where it was tampered with."""

from __future__ import annotations

from fleet.bundle.file import Bundle, Wanted, make_bundle, open_bundle, skip_numbers
from fleet.bundle.manifest import Entry, Kind, Manifest
from fleet.bundle.rules import Rules, parameters_of

__all__ = [
    "Bundle",
    "Entry",
    "Kind",
    "Manifest",
    "Rules",
    "Wanted",
    "make_bundle",
    "open_bundle",
    "parameters_of",
    "skip_numbers",
]

"""The registry: every device, where it is and was, and what it said of itself."""

from __future__ import annotations

from fleet.privacy import personal_fields, refuse_personal
from fleet.registry.changes import Change
from fleet.registry.facts import Fact
from fleet.registry.readings import Amiss, Reading
from fleet.registry.register import Registry
from fleet.registry.relays import RelayState

__all__ = [
    "Amiss",
    "Change",
    "Fact",
    "Reading",
    "Registry",
    "RelayState",
    "personal_fields",
    "refuse_personal",
]

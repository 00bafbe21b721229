"""Who asked for a change, of which devices exactly, and who else has to agree."""

from __future__ import annotations

from fleet.approval.request import Action, Reach, Request, frozen, new_request, read_request
from fleet.approval.rules import People, people_for
from fleet.approval.tree import inclusion, is_included, leaf, root

__all__ = [
    "Action",
    "People",
    "Reach",
    "Request",
    "frozen",
    "inclusion",
    "is_included",
    "leaf",
    "new_request",
    "people_for",
    "read_request",
    "root",
]

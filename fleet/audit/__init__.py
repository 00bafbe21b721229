"""The log of every command that touches a device or the registry; tampering shows."""

from __future__ import annotations

from fleet.audit.anchor import Anchor
from fleet.audit.chain import AuditLog
from fleet.audit.entry import Entry
from fleet.audit.running import Running, begin
from fleet.audit.verdict import Fault, Verdict

__all__ = ["Anchor", "AuditLog", "Entry", "Fault", "Running", "Verdict", "begin"]

"""The log of every command that touches a device or the registry; tampering shows."""

from __future__ import annotations

from fleet.audit.anchor import Anchor
from fleet.audit.chain import AuditLog, Entry, Fault, Verdict
from fleet.audit.running import Running, begin

__all__ = ["Anchor", "AuditLog", "Entry", "Fault", "Running", "Verdict", "begin"]

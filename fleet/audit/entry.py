"""One entry of the log, as it stands in a line, and the words that all lines are written in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

BEFORE_THE_FIRST: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One command.

    Attributes
    ----------
    number
        From 1, without gaps.
    id
        What names the command, also while it runs.
    began, at
        When it began and when it ended; ISO 8601, UTC.
    operator, action, scope, outcome
        Who did what to which devices, and how it ended.
    detail
        What else the command tells of itself, such as how many devices.
    torn
        SHA-256 of the unfinished line above, where this entry marks one; else "".
    previous, hash
        The hash of the entry before, and of this one.
    """

    number: int
    id: str
    began: str
    at: str
    operator: str
    action: str
    scope: str
    outcome: str
    detail: dict[str, Any] = field(default_factory=dict)
    torn: str = ""
    previous: str
    hash: str = ""

    def sealed(self) -> Self:
        """Return the entry with its hash."""
        unsealed = asdict(self)
        del unsealed["hash"]
        return type(self)(**unsealed, hash=sha256(canonical(unsealed)).hexdigest())


def read_entry(line: bytes) -> Entry | None:
    """Return the entry of a line, None where it is not one."""
    try:
        said = json.loads(line)
        entry = Entry(**said)
    except (ValueError, TypeError, RecursionError):
        return None
    types = {f.name: type(getattr(entry, f.name)) for f in fields(entry)}
    return entry if types == _TYPES else None


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return JSON that is the same bytes for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def moment() -> str:
    """Return the time, in UTC to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


_TYPES = {f.name: {"int": int, "str": str}.get(str(f.type), dict) for f in fields(Entry)}

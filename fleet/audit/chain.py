"""A file of one JSON object a line, each with the hash of the one before.

The hash is SHA-256 over an entry's canonical JSON, which has the previous hash in it. An entry
is therefore as it was written, and where it was written, or every later one says otherwise. Only
the end can be cut off unseen: an anchor, kept elsewhere, shows that up to where it was taken.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fleet.audit.anchor import Anchor

BEFORE_THE_FIRST: Final = "0" * 64
RECOVERY: Final = "audit recovery"

_MODE = 0o600
_BLOCK = 65_536


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong in a log; `line` counts from 1 as an editor does, 0 for the whole file."""

    line: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a log is whole.

    `anchored_to` is the number of the entry up to which nothing can have been cut off; None where
    that is not known.
    """

    entries: int
    whole: bool
    anchored_to: int | None
    first_fault: Fault | None


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The log in a file; many processes may append to it, one at a time."""

    path: Path

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Hold the log alone for the block; a torn end left by one who was killed is marked.

        Raises
        ------
        OSError
            When the log cannot be written.
        """
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, _MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Writer.at_the_end_of(descriptor, self)
        finally:
            os.close(descriptor)

    def entries(self) -> Iterator[Entry]:
        """Yield the entries as they stand, faulty lines left out; nothing where there is no log."""
        with suppress(FileNotFoundError), self.path.open("rb") as lines:
            for line in lines:
                entry = _read(line.rstrip(b"\n"))
                if entry is not None:
                    yield entry

    def verify(self, anchor: Anchor | None = None) -> Verdict:
        """Return whether the log is whole, as far as the anchor's entry where there is one."""
        data = self.path.read_bytes() if self.path.exists() else b""
        lines = data.split(b"\n")
        torn = lines.pop()  # What follows the last end of line: nothing, in a whole log.
        entries, fault = _walk(lines)
        fault = fault or _anchor_fault(entries, anchor)
        if fault is None and torn:
            fault = Fault(line=len(lines) + 1, what="the last line has no end")
        return Verdict(
            entries=len(entries),
            whole=fault is None,
            anchored_to=anchor.entries if anchor else None,
            first_fault=fault,
        )


@dataclass(slots=True)
class Writer:
    """The end of a log that we hold alone."""

    descriptor: int
    number: int
    head: str

    @classmethod
    def at_the_end_of(cls, descriptor: int, log: AuditLog) -> Self:
        """Return the writer after the last entry, having marked a torn line.

        A log whose last line somebody spoilt goes on after the last entry that can be read: it
        is never whole again, and a prison can still be locked.
        """
        last, torn = _tail(descriptor)
        writer = cls(descriptor, 0, BEFORE_THE_FIRST)
        entry = _read(last) or max(log.entries(), key=lambda found: found.number, default=None)
        if entry is not None:
            writer.number, writer.head = entry.number, entry.hash
        if torn:
            writer.mark(torn)
        return writer

    def append(self, said: Mapping[str, Any]) -> Entry:
        """Add an entry after the last one, on the disk before this returns."""
        entry = Entry(number=self.number + 1, previous=self.head, **said).sealed()
        self._write(canonical(asdict(entry)) + b"\n")
        self.number, self.head = entry.number, entry.hash
        return entry

    def mark(self, torn: bytes) -> None:
        """End a torn line, and say in an entry of its own what is there."""
        self._write(b"\n")
        now = moment()
        said = {"id": "", "began": now, "at": now, "operator": "", "scope": "", "outcome": "torn"}
        found = {"action": RECOVERY, "detail": {"bytes": len(torn)}}
        self.append(said | found | {"torn": sha256(torn).hexdigest()})

    def _write(self, line: bytes) -> None:
        size = os.fstat(self.descriptor).st_size
        try:
            written = 0
            while written < len(line):
                written += os.write(self.descriptor, line[written:])
            os.fsync(self.descriptor)
        except OSError:
            with suppress(OSError):  # What cannot be taken back is marked by the next writer.
                os.ftruncate(self.descriptor, size)
            raise


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return JSON that is the same bytes for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def moment() -> str:
    """Return the time, in UTC to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _walk(lines: list[bytes]) -> tuple[list[Entry], Fault | None]:
    """Return the entries up to the first fault, and that."""
    entries: list[Entry] = []
    head = BEFORE_THE_FIRST
    torn = ""
    for number, line in enumerate(lines, 1):
        after = _read(lines[number]) if number < len(lines) else None
        if after is not None and after.torn and after.torn == sha256(line).hexdigest():
            torn = after.torn
            continue
        what, entry = _line_fault(line, number=len(entries) + 1, head=head, torn=torn)
        if what or entry is None:
            return entries, Fault(line=number, what=what)
        entries.append(entry)
        head, torn = entry.hash, ""
    return entries, None


def _line_fault(line: bytes, *, number: int, head: str, torn: str) -> tuple[str, Entry | None]:
    entry = _read(line)
    if entry is None:
        return "this is no entry", None
    checks = {
        "the entry is not as it was written": entry.sealed().hash == entry.hash
        and canonical(asdict(entry)) == line,
        f"this is entry {entry.number} where entry {number} belongs": entry.number == number,
        "the entry before is not the one that it followed": entry.previous == head,
        "the torn line that it marks is not there": entry.torn == torn,
    }
    return next((what for what, holds in checks.items() if not holds), ""), entry


def _anchor_fault(entries: list[Entry], anchor: Anchor | None) -> Fault | None:
    if anchor is None or anchor.entries == 0:
        return None
    if len(entries) < anchor.entries:
        what = f"the log has {len(entries)} entries and had {anchor.entries} when it was anchored"
        return Fault(line=0, what=what)
    if entries[anchor.entries - 1].hash != anchor.head:
        return Fault(line=0, what=f"entry {anchor.entries} is not the one that was anchored")
    return None


def _read(line: bytes) -> Entry | None:
    """Return the entry of a line, None where it is not one."""
    try:
        said = json.loads(line)
        entry = Entry(**said)
    except (ValueError, TypeError, RecursionError):
        return None
    types = {f.name: type(getattr(entry, f.name)) for f in fields(entry)}
    return entry if types == _TYPES else None


def _tail(descriptor: int) -> tuple[bytes, bytes]:
    """Return a file's last whole line, and what follows its end."""
    end = os.fstat(descriptor).st_size
    data = b""
    while end > 0 and data.count(b"\n") < _ENDS_OF_TWO_LINES:
        start = max(0, end - _BLOCK)
        data = os.pread(descriptor, end - start, start) + data
        end = start
    *whole, torn = data.split(b"\n")
    return (whole[-1] if whole else b""), torn


_ENDS_OF_TWO_LINES = 2
_TYPES = {f.name: {"int": int, "str": str}.get(str(f.type), dict) for f in fields(Entry)}

"""A file of one JSON object a line, each with the hash of the one before.

The hash is SHA-256 over an entry's canonical JSON, which has the previous hash in it. An entry
is therefore as it was written, and where it was written, or every later one says otherwise. Only
the end can be cut off unseen: an anchor, kept elsewhere, shows that up to where it was taken. A log
whose older entries were archived begins with a seal in their place.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from fleet.audit.entry import Entry, canonical, moment, read_entry
from fleet.audit.seal import NOTHING, Seal, read_seal
from fleet.audit.verdict import Verdict, judge, walk
from reports.files import hand_over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fleet.audit.anchor import Anchor
    from fleet.audit.verdict import Walked

RECOVERY: Final = "audit recovery"

_MODE = 0o600
_BLOCK = 65_536


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
        descriptor = self._alone()
        try:
            yield Writer.at_the_end_of(descriptor, self)
        finally:
            os.close(descriptor)

    def _alone(self) -> int:
        """Return the open log, locked; whoever archived it meanwhile put another in its place."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        while True:
            descriptor = os.open(self.path, flags, _MODE)
            try:
                hand_over(descriptor, self.path.parent)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(descriptor), self.path.stat()):
                        return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def entries(self) -> Iterator[Entry]:
        """Yield the entries as they stand, faulty lines left out; nothing where there is no log."""
        with suppress(FileNotFoundError), self.path.open("rb") as lines:
            for line in lines:
                entry = read_entry(line.rstrip(b"\n"))
                if entry is not None:
                    yield entry

    @property
    def base(self) -> Seal:
        """Return the seal that the log begins with; its signature is not checked."""
        with suppress(FileNotFoundError), self.path.open("rb") as lines:
            return read_seal(lines.readline()) or NOTHING
        return NOTHING

    def walked(self) -> Walked:
        """Return the log as far as it is in order."""
        return walk(self.path.read_bytes() if self.path.exists() else b"")

    def verify(
        self,
        anchor: Anchor | None = None,
        *,
        archives: Sequence[Walked] = (),
        holds: Callable[[Seal], bool] = lambda _seal: False,
    ) -> Verdict:
        """Return whether the log is whole, as far as the anchor's entry where there is one.

        `holds` says whether a seal is signed by the audit key: without it, none is.
        """
        return judge(self.walked(), archives, anchor, holds)


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
        writer = cls(descriptor, log.base.entries, log.base.head)
        entry = read_entry(last) or max(log.entries(), key=lambda found: found.number, default=None)
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

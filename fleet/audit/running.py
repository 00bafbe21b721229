"""Commands under way: one that is killed is in the log as well, once, by the next to write.

Each command that runs has a file beside the log, and holds its lock; the system lets go of the
lock when the process dies, however that happens.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fleet.audit.chain import AuditLog
from fleet.audit.entry import moment
from reports.files import hand_over, make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from fleet.audit.chain import Writer
    from fleet.audit.entry import Entry

KILLED = "killed"

_SUFFIX = ".running"


@dataclass(slots=True)
class Running:
    """A command that has begun; `scope` and `detail` may be told until it ends."""

    log: AuditLog
    id: str
    began: str
    operator: str
    action: str
    scope: str
    detail: dict[str, Any] = field(default_factory=dict)
    descriptor: int = -1

    def end(self, outcome: str) -> Entry:
        """Add the one entry of this command.

        Raises
        ------
        OSError
            When it cannot be written; then the next command will say that this one was killed.
        """
        with self.log.writing() as writer:
            entry = writer.append(self._said() | {"at": moment(), "outcome": outcome})
            _file(self.log, self.id).unlink(missing_ok=True)
        os.close(self.descriptor)
        return entry

    def _said(self) -> dict[str, Any]:
        names = ("id", "began", "operator", "action", "scope", "detail")
        return {name: getattr(self, name) for name in names}


def begin(log: AuditLog, *, operator: str, action: str, scope: str) -> Running:
    """Note that a command begins; first add what those that were killed could not.

    Raises
    ------
    OSError
        When that cannot be written: then nothing may be done.
    """
    running = Running(log, secrets.token_hex(8), moment(), operator, action, scope)
    folder = _folder(log)
    make_folder(folder, mode=0o700)
    with log.writing() as writer:
        _add_killed(log, writer)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        running.descriptor = os.open(_file(log, running.id), flags, 0o600)
        # The next command of whose log it is has to look whether this one was killed.
        hand_over(running.descriptor, folder)
        fcntl.flock(running.descriptor, fcntl.LOCK_EX)
        os.write(running.descriptor, json.dumps(running._said()).encode())  # noqa: SLF001 - ours
        os.fsync(running.descriptor)
    return running


def _add_killed(log: AuditLog, writer: Writer) -> None:
    for path in sorted(_folder(log).glob(f"*{_SUFFIX}")):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _add(log, writer, path)
        finally:
            os.close(descriptor)


def _add(log: AuditLog, writer: Writer, path: Path) -> None:
    """Add the entry of a command that was killed, unless it was killed just after adding it."""
    said = _read(path)
    if not any(entry.id == said["id"] for entry in log.entries()):
        writer.append(said | {"at": moment(), "outcome": KILLED})
    path.unlink()


def _read(path: Path) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError:  # Killed before it could even say what it was.
        unknown = dict.fromkeys(("began", "operator", "action", "scope"), "")
        return unknown | {"id": path.name.removesuffix(_SUFFIX), "detail": {}}
    return said


def _folder(log: AuditLog) -> Path:
    return log.path.with_name(f"{log.path.name}.open")


def _file(log: AuditLog, name: str) -> Path:
    return _folder(log) / f"{name}{_SUFFIX}"

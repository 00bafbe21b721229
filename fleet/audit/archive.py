"""Archives of the log: its older entries, compressed, with the seal that the log then begins with.

The archive is on the disk before the log lets go of anything, and the log is replaced by one
rename: a crash in between leaves every entry in the log, and an archive that the next run
replaces.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.audit.entry import moment
from fleet.audit.seal import Seal
from fleet.audit.verdict import Walked, judge, walk
from fleet.errors import InputError
from reports.files import written_aside

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet.audit.chain import AuditLog

_MODE = 0o600
_SUFFIX = ".jsonl.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """What an archive holds: its file, the numbers of the first and last entry."""

    file: Path
    first: int
    last: int


def archive(
    log: AuditLog,
    folder: Path,
    *,
    before: datetime,
    sign: Callable[[bytes], str],
    holds: Callable[[Seal], bool],
) -> Archived | None:
    """Move the entries that ended before a moment to a new archive; None where there are none.

    `sign` returns the audit key's signature, `holds` whether a seal has it.

    Raises
    ------
    InputError
        When the log is not whole: nothing is moved then, or the fault would be sealed in.
    OSError
        When the archive or the log cannot be written; the log is then as it was.
    """
    with log.writing():
        data = log.path.read_bytes()
        walked = walk(data)
        if fault := judge(walked, (), None, holds).first_fault:
            what = f"{log.path} is not whole: line {fault.line}, {fault.what}"
            raise InputError(what, hint="wingspan fleet audit verify")
        old = [*takewhile(lambda one: datetime.fromisoformat(one.at) < before, walked.entries)]
        if not old:
            return None
        first, last = old[0], old[-1]
        lines = data.split(b"\n")
        cut = walked.lines[len(old) - 1]
        begins = f"audit-{first.number:08d}-"
        file = folder / f"{begins}{last.number:08d}{_SUFFIX}"
        seal = Seal(archive=file.name, entries=last.number, head=last.hash, at=moment())
        seal = seal.signed(sign(seal.signed_bytes()))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(file, gzip.compress(b"\n".join([*lines[:cut], seal.line()]), mtime=0))
        for unfinished in folder.glob(f"{begins}*{_SUFFIX}"):  # Its entries are in this one.
            if unfinished != file:
                unfinished.unlink()
        _write(log.path, seal.line() + b"\n".join(lines[cut:]))
        return Archived(file=file, first=first.number, last=last.number)


def read_archive(file: Path) -> Walked:
    """Return an archive as far as it is in order.

    Raises
    ------
    InputError
        When it cannot be read or unpacked.
    """
    hint = "name a file that wingspan fleet audit archive wrote, or a copy of it"
    try:
        data = gzip.decompress(file.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read {file}", hint=hint) from error
    return walk(data, archive=file.name)


def _write(file: Path, content: bytes) -> None:
    with written_aside(file) as aside:
        aside.touch(mode=_MODE)
        aside.write_bytes(content)

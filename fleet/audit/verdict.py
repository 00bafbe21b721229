"""Whether a log is whole, from its lines alone; and an archive of it, which ends in a seal."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING

from fleet.audit.entry import Entry, canonical, read_entry
from fleet.audit.seal import NOTHING, Seal, read_seal
from fleet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fleet.audit.anchor import Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong; `line` counts from 1 as an editor does, 0 for the whole file.

    `file` names an archive, "" for the log itself.
    """

    line: int
    what: str
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a log is whole.

    Attributes
    ----------
    entries
        The number of the last entry that is in order.
    anchored_to
        The number of the entry up to which nothing can have been cut off; None where that is not
        known.
    archived
        How many of the entries are in archives.
    archives
        How many archives were looked at, which had to fit the log and one another.
    """

    entries: int
    whole: bool
    anchored_to: int | None
    first_fault: Fault | None
    archived: int = 0
    archives: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A file as it was read from its first line on, as far as it is in order.

    Attributes
    ----------
    base
        The seal that it begins with, or what a log begins with that was never archived.
    entries, lines
        The entries, and the line of each.
    end
        The seal that an archive ends with.
    """

    file: str
    base: Seal
    entries: tuple[Entry, ...]
    lines: tuple[int, ...]
    end: Seal | None
    fault: Fault | None

    @property
    def number(self) -> int:
        """Return the number of the last entry."""
        return self.entries[-1].number if self.entries else self.base.entries

    @property
    def head(self) -> str:
        """Return the hash of the last entry."""
        return self.entries[-1].hash if self.entries else self.base.head


def walk(data: bytes, *, archive: str = "") -> Walked:
    """Read a log, or the archive of that name, up to the first fault."""
    lines = data.split(b"\n")
    torn = lines.pop()  # What follows the last end of line: nothing, in a whole log.
    base = (read_seal(lines[0]) if lines else None) or NOTHING
    end = read_seal(lines[-1]) if archive and len(lines) > 1 else None
    first, last = int(base is not NOTHING), len(lines) - int(end is not None)
    entries, places, fault = _entries(lines[:last], first, base)
    walked = Walked(
        file=archive, base=base, entries=tuple(entries), lines=tuple(places), end=end, fault=None
    )
    if fault is None and torn:
        fault = (len(lines) + 1, "the last line has no end")
    if fault is None and archive:
        fault = _end_fault(walked, len(lines))
    if fault is None:
        return walked
    return replace(walked, fault=Fault(line=fault[0], what=fault[1], file=archive))


def judge(
    log: Walked,
    archives: Iterable[Walked],
    anchor: Anchor | None,
    holds: Callable[[Seal], bool],
) -> Verdict:
    """Return whether a log and its archives are whole; `holds` says if a seal is truly signed.

    Raises
    ------
    InputError
        When the anchor's entry is in an archive that is not among them.
    """
    parts = [*sorted(archives, key=lambda part: part.base.entries), log]
    oldest = parts[0].base
    if anchor and anchor.entries < oldest.entries:
        what = f"entry {anchor.entries}, of which the anchor is, was archived"
        raise InputError(what, hint=f"--archive with the files up to {oldest.archive}")
    found = next(filter(None, (_part_fault(part, holds) for part in parts)), None)
    fault = found or _gap(parts) or _anchor_fault(parts, anchor)
    faulty = next((part for part in parts if fault and part.file == fault.file), log)
    return Verdict(
        entries=faulty.number,
        whole=fault is None,
        anchored_to=anchor.entries if anchor else None,
        first_fault=fault,
        archived=log.base.entries,
        archives=len(parts) - 1,
    )


def _entries(
    lines: Sequence[bytes], first: int, base: Seal
) -> tuple[list[Entry], list[int], tuple[int, str] | None]:
    """Return the entries up to the first fault, their lines, and that."""
    entries: list[Entry] = []
    places: list[int] = []
    head = base.head
    torn = ""
    for place, line in enumerate(lines[first:], first + 1):
        after = read_entry(lines[place]) if place < len(lines) else None
        if after is not None and after.torn and after.torn == sha256(line).hexdigest():
            torn = after.torn
            continue
        number = base.entries + len(entries) + 1
        what, entry = _line_fault(line, number=number, head=head, torn=torn)
        if what or entry is None:
            return entries, places, (place, what)
        entries.append(entry)
        places.append(place)
        head, torn = entry.hash, ""
    return entries, places, None


def _line_fault(line: bytes, *, number: int, head: str, torn: str) -> tuple[str, Entry | None]:
    entry = read_entry(line)
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


def _end_fault(archive: Walked, line: int) -> tuple[int, str] | None:
    if archive.end is None:
        return line, "the seal at its end is missing"
    if (archive.end.entries, archive.end.head) != (archive.number, archive.head):
        return line, "the seal is of another end"
    return None


def _part_fault(part: Walked, holds: Callable[[Seal], bool]) -> Fault | None:
    what = "the seal is not signed by the audit key"
    if part.base is not NOTHING and not holds(part.base):
        return Fault(line=1, what=what, file=part.file)
    if part.fault is None and part.end is not None and not holds(part.end):
        return Fault(line=0, what=what, file=part.file)
    return part.fault


def _gap(parts: Sequence[Walked]) -> Fault | None:
    for before, after in pairwise(parts):
        if before.end != after.base:
            what = f"it does not begin where {before.file} ends"
            return Fault(line=1, what=what, file=after.file)
    return None


def _anchor_fault(parts: Sequence[Walked], anchor: Anchor | None) -> Fault | None:
    if anchor is None or anchor.entries == 0:
        return None
    number = parts[-1].number
    if number < anchor.entries:
        what = f"the log has {number} entries and had {anchor.entries} when it was anchored"
        return Fault(line=0, what=what)
    heads = {parts[0].base.entries: parts[0].base.head}
    heads |= {entry.number: entry.hash for part in parts for entry in part.entries}
    if heads[anchor.entries] != anchor.head:
        return Fault(line=0, what=f"entry {anchor.entries} is not the one that was anchored")
    return None

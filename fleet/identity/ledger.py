"""Every certificate issued, for as long as it could matter, and those that were revoked."""

from __future__ import annotations

import fcntl
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from fleet.errors import FleetError, InputError
from fleet.identity.keys import write_private
from fleet.identity.signature import run_keygen
from reports.files import hand_over

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A device whose clock was lost accepts what has expired: keep serials well beyond their end.
KEPT_S = 90 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate that was issued; times are Unix seconds, the authority its public key."""

    serial: int
    authority: str
    operator: str
    purpose: str
    issued_s: int
    ends_s: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """Two files in the folder of keys."""

    folder: Path

    @property
    def _issued(self) -> Path:
        return self.folder / "issued.jsonl"

    @property
    def _revoked(self) -> Path:
        return self.folder / "revoked.json"

    def record(self, issued: Issued) -> None:
        """Append a certificate and see it on the disk, before anyone holds it."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with os.fdopen(os.open(self._issued, flags, 0o600), "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            hand_over(file.fileno(), self.folder)
            file.write(msgspec.json.encode(asdict(issued)) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def issued(self) -> tuple[Issued, ...]:
        """Return the certificates on record, the oldest first.

        Raises
        ------
        InputError
            When a line is not what `record` wrote; a last line cut short by a kill is passed over,
            since nobody held that certificate.
        """
        try:
            lines = self._issued.read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        found = []
        for number, line in enumerate(lines[:-1], start=1):
            try:
                found.append(msgspec.json.decode(line, type=Issued))
            except msgspec.DecodeError as error:
                raise InputError(f"{self._issued} line {number} is not a certificate") from error
        return tuple(found)

    def revoked(self) -> tuple[Issued, ...]:
        """Return the certificates that devices are told to refuse."""
        try:
            return msgspec.json.decode(self._revoked.read_bytes(), type=tuple[Issued, ...])
        except FileNotFoundError:
            return ()
        except msgspec.DecodeError as error:
            raise InputError(f"cannot read {self._revoked}") from error

    def revoke(self, chosen: Iterable[Issued]) -> int:
        """Revoke certificates, and return how many were not revoked before."""
        before = self.revoked()
        new = [one for one in chosen if one not in before]
        kept = [one for one in before if one.ends_s + KEPT_S > time.time()]
        everything = [asdict(one) for one in (*kept, *new)]
        write_private(self._revoked, msgspec.json.encode(everything).decode() + "\n")
        return len(new)


def revocation_list(revoked: Sequence[Issued], *, number: int) -> bytes:
    """Return OpenSSH's key revocation list (KRL) of certificates, by authority and serial.

    An empty list is a file too: sshd that cannot read its list lets nobody in.

    Raises
    ------
    FleetError
        When ssh-keygen could not make it.
    """
    by_authority: dict[str, list[int]] = {}
    for one in revoked:
        by_authority.setdefault(one.authority, []).append(one.serial)
    with TemporaryDirectory(prefix="wingspan-") as name:
        folder = Path(name)
        target, specification, authority = (folder / part for part in ("krl", "spec", "ca.pub"))
        specification.write_text("")
        _keygen(["-k", "-f", str(target), "-z", str(number), str(specification)])
        for public, serials in sorted(by_authority.items()):
            authority.write_text(f"{public}\n")
            specification.write_text("".join(f"serial: {one}\n" for one in sorted(set(serials))))
            update = ["-k", "-u", "-f", str(target), "-z", str(number), "-s", str(authority)]
            _keygen([*update, str(specification)])
        return target.read_bytes()


def _keygen(options: list[str]) -> None:
    done = run_keygen(options)
    if done.returncode:
        raise FleetError(f"cannot make the revocation list: {done.stderr.decode().strip()}")

"""A seal: where an archive of the log ends and what is left of it begins.

It is the last line of the archive and the first of the log, signed by the audit key, so that the
one proves the other. It is no anchor, and an anchor is no seal: whoever may write the log could
otherwise cut off its beginning at any anchor that was ever exported.
"""

from __future__ import annotations

import re
from typing import Final, Self

import msgspec

from fleet.audit.entry import BEFORE_THE_FIRST, canonical

SCHEMA = 1
NAMESPACE = "wingspan-audit-archive"

_HASH = re.compile(r"[0-9a-f]{64}")


class Seal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many entries there were up to here, the hash of the last one, and when it was sealed.

    `archive` is the name of the file that holds them, `signature` goes over all the rest.
    """

    schema: int = SCHEMA
    archive: str
    entries: int
    head: str
    at: str
    signature: str = ""

    def signed_bytes(self) -> bytes:
        """Return what the signature is over."""
        said = msgspec.structs.asdict(self)
        del said["signature"]
        return canonical(said)

    def line(self) -> bytes:
        """Return it as it stands in a file, with its end of line."""
        return canonical(msgspec.structs.asdict(self)) + b"\n"

    def signed(self, signature: str) -> Self:
        """Return it with its signature."""
        return msgspec.structs.replace(self, signature=signature)


# What the log begins with before anything was archived.
NOTHING: Final = Seal(archive="", entries=0, head=BEFORE_THE_FIRST, at="")


def read_seal(line: bytes) -> Seal | None:
    """Return the seal of a line, None where it is not one; its signature is not yet checked."""
    try:
        seal = msgspec.json.decode(line, type=Seal)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    good = seal.schema == SCHEMA and seal.entries > 0 and _HASH.fullmatch(seal.head)
    return seal if good and seal.line() == line.rstrip(b"\n") + b"\n" else None

"""An anchor: how far a log had come at some time, to be kept where the log's keepers cannot go.

Signed, it also tells whose log it was; see `fleet.identity.signature`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from fleet.audit.entry import canonical, moment
from fleet.audit.verdict import judge
from fleet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fleet.audit.chain import AuditLog
    from fleet.audit.seal import Seal

SCHEMA = 1
NAMESPACE = "wingspan-audit"  # A signature for another purpose is not one for this.

_MAKE = "wingspan fleet audit anchor --out FILE writes one"
_HASH = re.compile(r"[0-9a-f]{64}")


class Anchor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many entries a log had, the hash of the last one, when, and a signature over that."""

    schema: int = SCHEMA
    entries: int
    head: str
    at: str
    signature: str = ""

    def signed_bytes(self) -> bytes:
        """Return what the signature is over."""
        said = msgspec.structs.asdict(self)
        del said["signature"]
        return canonical(said)


def anchor_of(log: AuditLog, *, holds: Callable[[Seal], bool] = lambda _seal: False) -> Anchor:
    """Return the anchor of a log as it is now, unsigned; `holds` is as for `AuditLog.verify`.

    Raises
    ------
    InputError
        When the log is not whole: that is not to be made good by a signature.
    """
    walked = log.walked()
    fault = judge(walked, (), None, holds).first_fault
    if fault:
        hint = "wingspan fleet audit verify"
        raise InputError(f"{log.path} is not whole: line {fault.line}, {fault.what}", hint=hint)
    return Anchor(entries=walked.number, head=walked.head, at=moment())


def read_anchor(path: Path) -> Anchor:
    """Return the anchor in a file, its signature not yet checked.

    Raises
    ------
    InputError
        When the file cannot be read or is no anchor.
    """
    try:
        anchor = msgspec.json.decode(path.read_bytes(), type=Anchor)
    except OSError as error:
        raise InputError(f"cannot read {path}", hint=_MAKE) from error
    except msgspec.MsgspecError as error:
        raise InputError(f"{path} is not an anchor", hint=_MAKE) from error
    if anchor.schema != SCHEMA or anchor.entries < 0 or not _HASH.fullmatch(anchor.head):
        raise InputError(f"{path} is not an anchor that this program reads", hint=_MAKE)
    return anchor

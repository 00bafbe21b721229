"""Files that one recipient alone can open (age): who that is, and what opens them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fleet.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def recipient_of(text: str) -> Any:
    """Return the recipient of a public key of age or SSH.

    Raises
    ------
    InputError
        When it is neither.
    """
    import pyrage  # noqa: PLC0415

    for kind in (pyrage.x25519.Recipient, pyrage.ssh.Recipient):
        with suppress(pyrage.RecipientError, ValueError):
            return kind.from_str(text.strip())
    hint = "age-keygen -o NAME.key prints one: age1…; keep NAME.key away from this machine"
    raise InputError("the recipient is not a public key of age or SSH", hint=hint)


def identity_of(path: Path) -> Any:
    """Return what opens files, from a file with a private key of age or SSH.

    Raises
    ------
    InputError
        When the file is not there, or is no such key.
    """
    import pyrage  # noqa: PLC0415

    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"there is no {path}") from error
    for line in content.splitlines():
        if line.startswith("AGE-SECRET-KEY-"):
            with suppress(pyrage.IdentityError, ValueError):
                return pyrage.x25519.Identity.from_str(line.strip())
    with suppress(pyrage.IdentityError, ValueError):
        return pyrage.ssh.Identity.from_buffer(content.encode())
    raise InputError(f"{path} is not a private key of age or SSH")

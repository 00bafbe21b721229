"""The private keys of the centre: made once, for their owner alone, and never overwritten."""

from __future__ import annotations

import os
import secrets
import stat
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

from fleet.errors import FleetError, InputError, RefusedError
from reports.files import written_aside

if TYPE_CHECKING:
    from pathlib import Path

_OWNER_ONLY = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Key(StrEnum):
    """The keys that `fleet init` makes, by the names of their files, and what each may do."""

    BROKER_CA = "broker_ca"  # certificates of the restricted lane
    DEPLOY_CA = "deploy_ca"  # certificates of the lane that changes devices
    TRUST = "trust"  # the statement of whom a device trusts
    TIME = "time"  # answers to a device that asks for the time
    AUDIT = "audit"  # checkpoints of the log
    BOOTSTRAP = "bootstrap"  # first contact with a device not yet enrolled


def make_folder(folder: Path) -> None:
    """Make the folder of keys, or take the permissions of others from the one there is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def new_key() -> tuple[str, str]:
    """Return a new ed25519 key: private as OpenSSH PEM text, public as one line."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return private, public


def make_key(path: Path) -> bool:
    """Make a key and its `.pub`, and return whether it had to be made.

    A key that is there stays, always; only its public half is written again if that is gone.

    Raises
    ------
    RefusedError
        When the private half alone is gone: another key under its name would lock out its owner.
    """
    public = public_path(path)
    if path.exists():
        if not public.exists():
            _write_new(public, f"{public_of(read_private(path))}\n")
        return False
    if public.exists():
        raise RefusedError(
            f"{path} is gone, and devices may still trust it",
            hint=f"wingspan fleet restore, or delete {public} if no device was ever enrolled",
        )
    private, line = new_key()
    # The private half first: a kill in between is mended by the next run.
    _write_new(path, private)
    _write_new(public, f"{line}\n")
    return True


def read_private(path: Path) -> Ed25519PrivateKey:
    """Return the private key in a file that its owner alone may read.

    Raises
    ------
    RefusedError
        When others may read it.
    InputError
        When it is not there, or no ed25519 key.
    """
    try:
        if path.stat().st_mode & _OTHERS:
            raise RefusedError(f"others may read {path}", hint=f"chmod 600 {path}")
        key = load_ssh_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise InputError(f"there is no {path}", hint="wingspan fleet init") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(f"cannot read the key in {path}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} is not an ed25519 key")
    return key


def read_public(path: Path) -> str:
    """Return the public half of a private key's file: type and key, without a comment."""
    return public_of(read_private(path))


def public_of(key: Ed25519PrivateKey) -> str:
    """Return the public half as OpenSSH writes it, without a comment."""
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def public_path(path: Path) -> Path:
    """Return where a private key's public half lies."""
    return path.with_name(f"{path.name}.pub")


def checked_public(text: str) -> str:
    """Return a public key's type and key, whatever stands beside them.

    FIDO2 keys (`sk-ssh-ed25519@openssh.com`) pass too.

    Raises
    ------
    InputError
        When it is not a public key of OpenSSH.
    """
    fields = text.split()
    line = " ".join(fields[:2])
    try:
        load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        known = fields[:1] and fields[0].startswith("sk-") and len(fields) > 1
        if not known:
            message = "this is not a public key of OpenSSH"
            raise InputError(message, hint="ssh-keygen -t ed25519-sk") from error
    return line


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner alone, so that a reader sees the old one or the new one."""
    with written_aside(path) as aside:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)


def _write_new(path: Path, text: str) -> None:
    """Write a file that must not be there yet, aside and then by a link, which never replaces."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    except FileExistsError as error:
        raise FleetError(f"{path} has just been made by another") from error
    finally:
        aside.unlink(missing_ok=True)
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

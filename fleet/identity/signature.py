"""Signatures that OpenSSH makes and checks (`ssh-keygen -Y`); FIDO2 keys work too.

Those of plain ed25519 keys are checked here, as PROTOCOL.sshsig of OpenSSH describes them: a proof
comes from each device of an estate, and a process for each would be most of what it costs.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)

from fleet.errors import FleetError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TRUST = "wingspan-trust"
TIME = "wingspan-time"
CENTRE = "wingspan"  # how the centre is called in a list of signers

_MAGIC, _VERSION = b"SSHSIG", 1
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_ED25519 = b"ssh-ed25519"
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_LENGTH_BYTES = 4
_LINE_LENGTH = 70


def sign(data: bytes, *, key: Path, namespace: str) -> str:
    """Return an armoured signature over the data.

    Raises
    ------
    FleetError
        When ssh-keygen could not sign.
    """
    done = run_keygen(["-Y", "sign", "-q", "-f", str(key), "-n", namespace], data)
    if done.returncode:
        raise FleetError(f"cannot sign with {key}: {done.stderr.decode().strip()}")
    return done.stdout.decode("ascii")


def sign_with(data: bytes, key: Ed25519PrivateKey, *, namespace: str) -> str:
    """Return an armoured signature over the data by a key in memory."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    words = (namespace.encode(), b"", b"sha512")
    signed = key.sign(_MAGIC + _written((*words, hashlib.sha512(data).digest())))
    parts = (_written((_ED25519, public)), *words, _written((_ED25519, signed)))
    blob = _MAGIC + _VERSION.to_bytes(_LENGTH_BYTES) + _written(parts)
    text = base64.b64encode(blob).decode("ascii")
    lines = [text[start : start + _LINE_LENGTH] for start in range(0, len(text), _LINE_LENGTH)]
    return "\n".join((_BEGIN, *lines, _END, ""))


def verify(data: bytes, signature: str, *, public: str, namespace: str) -> None:
    """Check a signature over the data by one public key.

    Raises
    ------
    RefusedError
        When it is another's signature, over other data or for another purpose.
    """
    if public.startswith(_ED25519.decode() + " "):
        _verify_ed25519(data, signature, public=public, namespace=namespace)
    else:
        _verify_by_keygen(data, signature, public=public, namespace=namespace)


def _verify_ed25519(data: bytes, signature: str, *, public: str, namespace: str) -> None:
    try:
        _check(data, _opened(signature), holder=public, purpose=namespace.encode())
    except InvalidSignature:
        raise RefusedError("the signature does not hold: it is over other data") from None
    except (ValueError, KeyError) as error:
        raise RefusedError(f"the signature does not hold: {error}") from error


def _opened(armoured: str) -> list[bytes]:
    """Return a signature's fields: who made it, what for, reserved, hash, and the signature."""
    text = armoured.strip()
    head = _MAGIC + _VERSION.to_bytes(_LENGTH_BYTES)
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise ValueError("it is not armoured as OpenSSH does")
    blob = base64.b64decode(text[len(_BEGIN) : -len(_END)])
    if not blob.startswith(head):
        raise ValueError("it is not a signature of OpenSSH")
    return list(_read(blob[len(head) :]))


def _check(data: bytes, fields: list[bytes], *, holder: str, purpose: bytes) -> None:
    made_by, made_for, reserved, hashed, made = fields
    if made_by != base64.b64decode(holder.split()[1]):
        raise ValueError("another key made it")
    if made_for != purpose:
        raise ValueError("it was made for another purpose")
    kind, raw = _read(made)
    key = load_ssh_public_key(holder.encode())
    if kind != _ED25519 or not isinstance(key, Ed25519PublicKey):
        raise ValueError("it is of another kind than its key")
    digest = _HASHES[hashed](data).digest()
    key.verify(raw, _MAGIC + _written((made_for, reserved, hashed, digest)))


def _written(parts: Iterable[bytes]) -> bytes:
    """Return strings as SSH writes them (RFC 4251 section 5): each after its length."""
    return b"".join(len(part).to_bytes(_LENGTH_BYTES) + part for part in parts)


def _read(blob: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(blob):
        begins = at + _LENGTH_BYTES
        at = begins + int.from_bytes(blob[at:begins])
        if at > len(blob):
            raise ValueError("it is cut short")
        yield blob[begins:at]


def _verify_by_keygen(data: bytes, signature: str, *, public: str, namespace: str) -> None:
    with tempfile.TemporaryDirectory(prefix="wingspan-") as folder:
        signers, armoured = Path(folder, "signers"), Path(folder, "signature")
        signers.write_text(f'{CENTRE} namespaces="{namespace}" {public}\n', encoding="ascii")
        armoured.write_text(signature, encoding="ascii")
        who = ["-f", str(signers), "-I", CENTRE, "-n", namespace, "-s", str(armoured)]
        done = run_keygen(["-Y", "verify", *who], data)
    if done.returncode:
        raise RefusedError(f"the signature does not hold: {done.stderr.decode().strip()}")
    if public.startswith("sk-") and not _is_touched(signature):
        raise RefusedError("the signature does not hold: nobody touched its key")


def _is_touched(armoured: str) -> bool:
    """Return whether a security key was touched for a signature, which ssh-keygen does not ask.

    The last five bytes are the key's flags and its counter (PROTOCOL.u2f); what they say is signed.
    """
    lines = armoured.strip().splitlines()[1:-1]
    return bool(base64.b64decode("".join(lines))[-5] & 1)


def run_keygen(options: list[str], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen; the data are its standard input.

    Raises
    ------
    FleetError
        When it is not there.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        raise FleetError("ssh-keygen is not on the path", hint="apt install openssh-client")
    return subprocess.run(  # noqa: S603 - our own words, and no shell
        [program, *options], input=data, capture_output=True, check=False, timeout=60
    )

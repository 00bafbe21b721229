"""A short-lived certificate of OpenSSH for a key that was made for it alone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
)

from fleet.errors import FleetError
from fleet.identity.credential import Credential
from fleet.identity.keys import public_of
from fleet.identity.ledger import Issued

PRINCIPALS_MAX = 256  # SSHKEY_CERT_MAX_PRINCIPALS of OpenSSH's sshkey.h
MINUTES_MAX = 60
# A device whose clock runs a little behind ours should not find a certificate from the future.
_SKEW_S = 120
_SERIAL_BITS = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a certificate should say.

    Attributes
    ----------
    principals
        The names it is accepted under, at most 256.
    purpose
        Why it was issued, for the log of the device: `health`, or the number of an approval.
    source_address
        The addresses it may come from (CIDR, commas); empty for any.
    """

    operator: str
    purpose: str
    principals: Sequence[str]
    minutes: float
    source_address: str = ""


def issue(request: Request, authority: Ed25519PrivateKey) -> tuple[Credential, Issued]:
    """Return a new key with its certificate, and the record of it.

    The certificate permits no terminal, no forwarding and no rc file: nothing but commands.
    Serials are drawn at random from 63 bits, so that several desks never give out the same one.

    Raises
    ------
    FleetError
        When the request names nobody, too many, or more time than a certificate may last.
    """
    key = Ed25519PrivateKey.generate()
    certificate, record = certified(request, key.public_key(), authority)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return Credential(private_key=private, certificate=certificate), record


def certified(
    request: Request, public: Ed25519PublicKey, authority: Ed25519PrivateKey
) -> tuple[str, Issued]:
    """Return a certificate for a key that another holds, and the record of it; see `issue`.

    Raises
    ------
    FleetError
        When the request names nobody, too many, or more time than a certificate may last.
    """
    if not 1 <= len(request.principals) <= PRINCIPALS_MAX:
        raise FleetError(f"a certificate names 1 to {PRINCIPALS_MAX} principals")
    if not 0 < request.minutes <= MINUTES_MAX:
        raise FleetError(f"a certificate lasts up to {MINUTES_MAX} minutes")
    now_s = int(time.time())
    serial = secrets.randbits(_SERIAL_BITS) | 1  # 0 means "no serial" to OpenSSH
    ends_s = now_s + int(request.minutes * 60)
    builder = (
        SSHCertificateBuilder()
        .public_key(public)
        .type(SSHCertificateType.USER)
        .serial(serial)
        .key_id(f"{request.operator}:{request.purpose}:{serial}".encode())
        .valid_principals([name.encode() for name in request.principals])
        .valid_after(now_s - _SKEW_S)
        .valid_before(ends_s)
    )
    if request.source_address:
        source = request.source_address.encode()
        builder = builder.add_critical_option(b"source-address", source)
    certificate = builder.sign(authority).public_bytes().decode("ascii")
    record = Issued(
        serial=serial,
        authority=public_of(authority),
        operator=request.operator,
        purpose=request.purpose,
        issued_s=now_s,
        ends_s=ends_s,
    )
    return certificate, record

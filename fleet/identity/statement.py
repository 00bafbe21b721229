"""The trust statement: whom devices trust, numbered and signed, the same for every device."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import msgspec

from fleet.errors import InputError
from fleet.identity import signature
from fleet.identity.keys import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from fleet.identity.operators import Operator

SCHEMA = 1
# Past this age a relay takes no more than locks from the signers it lists.
AGE_DAYS_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who may sign requests and approvals, in which role and where (empty: the estate)."""

    operator: str
    role: str
    prison: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayAuthority:
    """The public keys of a relay that the devices of its prison alone trust.

    `key` is its own authority of the restricted lane, `time_key` tells them the time.
    """

    prison: str
    key: str
    time_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Whom a device trusts.

    Attributes
    ----------
    number
        Higher than any before; a device takes none that is not higher than its own.
    issued_s
        When it was signed, Unix seconds.
    broker_authorities
        Public keys whose certificates the restricted lane takes.
    deploy_authorities
        Public keys whose certificates the lane that changes devices takes.
    time_keys
        Public keys that may tell the time.
    revocation_list
        OpenSSH's KRL, base64.
    relay_authorities
        Public keys whose certificates open the restricted lane in one prison.
    """

    schema: int
    number: int
    issued_s: int
    age_days_max: int
    broker_authorities: tuple[str, ...]
    deploy_authorities: tuple[str, ...]
    time_keys: tuple[str, ...]
    revocation_list: str
    signers: tuple[Signer, ...]
    relay_authorities: tuple[RelayAuthority, ...] = ()

    def is_too_old(self, now_s: float) -> bool:
        """Return whether the list of signers is past its age: then nothing but locks is taken."""
        return now_s > self.issued_s + 86_400 * self.age_days_max


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A statement as it was signed, byte for byte, and the signature over it."""

    statement: str
    signature: str

    def opened(self, *, public: str) -> Statement:
        """Return the statement, once its signature holds.

        Raises
        ------
        RefusedError
            When it was not signed by that key, or altered since.
        """
        signature.verify(
            self.statement.encode(), self.signature, public=public, namespace=signature.TRUST
        )
        return msgspec.json.decode(self.statement, type=Statement)

    def encoded(self) -> bytes:
        """Return it as a device reads it from its input."""
        return msgspec.json.encode(asdict(self))


def sealed(statement: Statement, *, key: Path) -> Envelope:
    """Return the statement signed."""
    text = msgspec.json.encode(asdict(statement)).decode()
    signed = signature.sign(text.encode(), key=key, namespace=signature.TRUST)
    return Envelope(statement=text, signature=signed)


def read_envelope(path: Path) -> Envelope | None:
    """Return the envelope in a file, or None where there is none yet.

    Raises
    ------
    InputError
        When the file is not an envelope.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Envelope)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise InputError(f"cannot read {path}", hint="wingspan fleet restore") from error


def write_envelope(path: Path, envelope: Envelope) -> None:
    """Write an envelope so that a reader sees the old one or the new one."""
    write_private(path, envelope.encoded().decode() + "\n")


def signers_of(operators: tuple[Operator, ...]) -> tuple[Signer, ...]:
    """Return those who work here and have a key to sign with, by name."""
    return tuple(
        Signer(operator=one.operator, role=one.role.value, prison=one.prison, key=one.key)
        for one in sorted(operators, key=lambda one: one.operator)
        if one.works_here and one.key
    )


def encoded_list(revocation_list: bytes) -> str:
    """Return a KRL as a statement carries it."""
    return base64.b64encode(revocation_list).decode()

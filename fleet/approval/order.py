"""An order as it goes to a device, and the proof that comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from fleet.errors import NotProvenError, NotYetError, RefusedError, SupersededError
from fleet.identity import signature

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fleet.approval.request import Request
    from fleet.device import Device

REQUESTED, APPROVED, PROOF = "wingspan-request", "wingspan-approval", "wingspan-proof"


# What reading what is no answer ends with.
_NONSENSE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    msgspec.MsgspecError,
)


class _Wiped(msgspec.Struct):
    """What a wiped device says is left."""

    volume: str
    keyslots: int | None
    still_open: list[str]
    left: list[str]


class _Shown(msgspec.Struct):
    """The kinds of what is judged of a proof; it may hold more."""

    outcome: str
    why: str
    level: str
    quarantined: bool
    ruleset_sha256: str
    locks: list[str]
    allowlist_sha256: str
    target: str
    probes: dict[str, str]
    session: dict[str, str]
    version: str = ""
    update: dict[str, str | int] = {}
    dead_man: dict[str, str | int] | None = None
    wiped: _Wiped | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What an operator signed: the bytes of a request, to ask for it or to agree."""

    operator: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a device showed of itself, under its own key.

    `outcome` is what became of the order that was asked about: done, failed, begun, or unknown
    where it never came. `shown` are all the fields, `text` the bytes that the device signed and
    `signature` what it made of them, so that whoever doubts it can check it again.
    """

    device: str
    request: str
    outcome: str
    why: str
    level: str
    quarantined: bool
    ruleset_sha256: str
    shown: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    signature: str = ""


def signed(request: Request, *, operator: str, key: Path, namespace: str) -> Signature:
    """Return an operator's signature over a request.

    Raises
    ------
    FleetError
        When ssh-keygen could not sign with that key.
    """
    armoured = signature.sign(request.encoded(), key=key, namespace=namespace)
    return Signature(operator=operator, signature=armoured)


def order(
    request: Request,
    signatures: Sequence[Signature],
    included: Sequence[str],
    *,
    challenge: str,
    allowlist: str = "",
) -> bytes:
    """Return an order for one device, which `included` proves to be among the request's."""
    return json.dumps(
        {
            "request": request.encoded().decode(),
            "signatures": [
                {"operator": one.operator, "signature": one.signature} for one in signatures
            ],
            "included": list(included),
            "challenge": challenge,
            **({"allowlist": allowlist} if allowlist else {}),
        }
    ).encode()


def read_proof(answer: bytes, device: Device, *, request: str, challenge: str) -> Proof:
    """Return what a device showed, once its own key is found under it.

    Raises
    ------
    RefusedError
        When the device refused the order, or another signed, answered for another device or
        question, or for an earlier provisioning.
    SupersededError
        When it did a later order that leaves no room for this one.
    NotYetError
        When the device would do it, but not now.
    NotProvenError
        When the answer is none.
    """
    try:
        said = json.loads(answer)
        if said.get("later"):
            raise NotYetError(f"{device.device} waits: {said['refused']}")
        if said.get("superseded"):
            raise SupersededError(f"{device.device} refused: {said['refused']}")
        if "refused" in said:
            raise RefusedError(f"{device.device} refused: {said['refused']}")
        text, armoured = said["proof"], said["signature"]
    except _NONSENSE as error:
        raise NotProvenError(f"{device.device} answered nothing that can be read") from error
    asked = {"request": request, "challenge": challenge}
    return _checked(text, armoured, device=device, asked=asked)


def kept_proof(text: str, armoured: str, device: Device, *, request: str) -> Proof:
    """Return a proof that another asked for and kept, once the device's own key is found under it.

    Raises
    ------
    RefusedError
        When another signed it, or it is of another device, request or provisioning.
    NotProvenError
        When it is none.
    """
    return _checked(text, armoured, device=device, asked={"request": request})


def _checked(text: str, armoured: str, *, device: Device, asked: dict[str, str]) -> Proof:
    """Return a proof whose words are of their kinds: a device may sign whatever it likes."""
    try:
        data = text.encode()
        signature.verify(data, armoured, public=device.host_key, namespace=PROOF)
        shown = json.loads(data)
        msgspec.convert(shown, _Shown)
    except _NONSENSE as error:
        raise NotProvenError(f"{device.device} showed nothing that can be read") from error
    asked |= {"device": device.device, "provisioning": device.nonce}
    wrong = [name for name, value in asked.items() if shown.get(name) != value]
    if wrong:
        raise RefusedError(f"{device.device} showed another {', '.join(wrong)} than was asked")
    return Proof(
        device=device.device,
        request=asked["request"],
        outcome=shown["outcome"],
        why=shown["why"],
        level=shown["level"],
        quarantined=shown["quarantined"],
        ruleset_sha256=shown["ruleset_sha256"],
        shown=shown,
        text=text,
        signature=armoured,
    )

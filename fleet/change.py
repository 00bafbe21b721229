"""From the wish for a change to a kept request: asking for it, agreeing, and who is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.approval import Action, Reach, people_for, read_request
from fleet.approval.agreement import agreement, may_agree
from fleet.approval.order import APPROVED, REQUESTED, signed
from fleet.errors import RefusedError
from fleet.identity import Identity
from fleet.intent import ENDED
from fleet.registry import Registry
from fleet.registry.requests import intents_of, keep_request, keep_signature, request_kept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from fleet.approval import Request
    from fleet.approval.agreement import Agreement
    from fleet.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where an operator works: what they sign with, and what they act on."""

    registry: Registry
    identity: Identity
    operator: str
    signing_key: str

    def sign(self, request: Request, *, namespace: str) -> str:
        """Return the operator's signature.

        Raises
        ------
        RefusedError
            When there is no key to sign with, or it is not theirs.
        """
        if not self.signing_key:
            hint = "name its file: WINGSPAN_SIGNING_KEY, or signing_key in wingspan.toml"
            raise RefusedError(f"{self.operator} has no key to sign with", hint=hint)
        made = signed(
            request, operator=self.operator, key=Path(self.signing_key), namespace=namespace
        )
        return made.signature


def ask(
    desk: Desk, request: Request, devices: Sequence[Device], *, now: datetime, allowlist: str = ""
) -> Agreement:
    """Sign and keep a request, and return how far it is agreed on.

    Raises
    ------
    RefusedError
        When the operator may not ask for it; then nothing is kept.
    """
    made = desk.sign(request, namespace=REQUESTED)
    agreed = agreement(
        request, {desk.operator: made}, desk.identity.statement().signers, _prisons(devices)
    )
    if desk.operator in agreed.void:
        why = agreed.void[desk.operator]
        hint = "wingspan fleet operator add NAME --role operator --key FILE.pub"
        raise RefusedError(f"{desk.operator} cannot ask for this: {why}", hint=hint)
    with desk.registry.writing() as connection:
        keep_request(
            connection,
            request.request,
            nonce=request.nonce,
            encoded=request.encoded(),
            devices={device.device: device.nonce for device in devices},
            at=now,
            allowlist=allowlist,
        )
        keep_signature(connection, request.request, operator=desk.operator, signature=made, at=now)
    return agreed


def agree(desk: Desk, name: str, *, now: datetime) -> tuple[Request, Agreement]:
    """Sign a request that another person asked for, and return how far it is agreed on.

    Raises
    ------
    RefusedError
        When the operator may not agree to it, or it has expired or is over on all devices.
    """
    with desk.registry.reading() as connection:
        kept = request_kept(connection, name)
        intents = intents_of(connection, [name])[name]
    meant = {intent.device for intent in intents}
    prisons = _prisons([d for d in desk.registry.devices() if d.device in meant])
    request = read_request(kept.encoded)
    if request.has_expired(now):
        raise RefusedError(f"{name} has expired", hint="ask for it anew")
    states = Counter(intent.state for intent in intents)
    if intents and set(states) <= ENDED and not people_for(request).reviewed_later:
        became = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        raise RefusedError(f"{name} is over: {became}", hint="ask for it anew")
    signers = desk.identity.statement().signers
    may_agree(request, desk.operator, signers)
    made = desk.sign(request, namespace=APPROVED)
    agreed = agreement(request, {**kept.signatures, desk.operator: made}, signers, prisons)
    if desk.operator in agreed.void:
        raise RefusedError(f"{desk.operator} cannot agree: {agreed.void[desk.operator]}")
    with desk.registry.writing() as connection:
        keep_signature(connection, name, operator=desk.operator, signature=made, at=now)
    return request, agreed


def missing_of(request: Request, agreed: Agreement | None = None) -> list[str]:
    """Return the approvals that a request still needs, in words."""
    people = people_for(request)
    missing = people.count - 1 if agreed is None else agreed.missing
    word = "approver" if missing == 1 else "approvers"
    return [f"{missing} {word}: {people.why}"] if missing else []


def refuse_by_accident(request: Request, *, expected: int | None) -> None:
    """Refuse a change of more than one prison, or a wipe, whose size nobody stated.

    Raises
    ------
    RefusedError
        When the count is not stated, or another one than it is.
    """
    if expected is not None and expected != request.count:
        what = f"{request.scope} is {request.count} devices and not {expected}"
        raise RefusedError(what, hint="look at it first, without --yes")
    if request.action is Action.WIPE and request.count > 1 and expected is None:
        what = f"{request.scope} is {request.count} devices, and what is wiped is gone"
        raise RefusedError(what, hint=f"if that is meant: --expect {request.count}")
    if request.reach is Reach.ESTATE and expected is None:
        what = f"{request.scope} reaches beyond one prison: {request.count} devices"
        raise RefusedError(what, hint=f"if that is meant: --expect {request.count}")


def _prisons(devices: Sequence[Device]) -> frozenset[str]:
    return frozenset(device.prison_id for device in devices)

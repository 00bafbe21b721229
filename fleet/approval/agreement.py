"""Whether enough of the right people signed a request; devices judge the same for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fleet.approval.order import APPROVED, REQUESTED, Signature
from fleet.approval.rules import people_for
from fleet.errors import RefusedError
from fleet.identity import signature as signatures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet.approval.request import Request
    from fleet.identity.statement import Signer

_ASKS: Final = frozenset({"operator", "approver", "admin"})
_AGREES: Final = frozenset({"approver", "admin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Who signed a request and may, and how many more it needs.

    `signatures` go to the devices; `void` says of others why they do not count.
    """

    signatures: tuple[Signature, ...]
    missing: int
    why: str
    void: Mapping[str, str]


def agreement(
    request: Request,
    given: Mapping[str, str],
    signers: Iterable[Signer],
    prisons: frozenset[str],
) -> Agreement:
    """Return how far a request is agreed on; `given` is each signature by operator.

    A signer counts where all the devices' `prisons` are theirs; the one who asked counts as the
    first, and never as a second.
    """
    known = {signer.operator: signer for signer in signers}
    valid, void, keys = list[Signature](), dict[str, str](), set[str]()
    # Who asked comes first, so that a second name with the same key is the one that is void.
    for operator in sorted(given, key=lambda name: (name != request.requested_by, name)):
        asked = operator == request.requested_by
        why = _fault(known.get(operator), asked=asked, prisons=prisons, keys=keys)
        if not why:
            why = _unsigned(request, given[operator], known[operator].key, asked=asked)
        if why:
            void[operator] = why
            continue
        keys.add(known[operator].key)
        valid.append(Signature(operator=operator, signature=given[operator]))
    people = people_for(request)
    asked_for = any(one.operator == request.requested_by for one in valid)
    missing = people.count - len(valid) if asked_for else people.count
    return Agreement(signatures=tuple(valid), missing=max(0, missing), why=people.why, void=void)


def may_agree(request: Request, operator: str, signers: Iterable[Signer]) -> Signer:
    """Return the signer who is about to agree to a request.

    Raises
    ------
    RefusedError
        When they asked for it themselves, or their role does not let them.
    """
    signer = next((one for one in signers if one.operator == operator), None)
    if operator == request.requested_by:
        raise RefusedError(
            f"{operator} asked for {request.request}", hint="another person has to agree"
        )
    if signer is None or signer.role not in _AGREES:
        role = signer.role if signer else "no signer"
        hint = "wingspan fleet operator add NAME --role approver --key FILE.pub"
        raise RefusedError(f"{operator} is {role} and cannot agree to a change", hint=hint)
    return signer


def _fault(signer: Signer | None, *, asked: bool, prisons: frozenset[str], keys: set[str]) -> str:
    if signer is None:
        return "is no signer"
    if signer.role not in (_ASKS if asked else _AGREES):
        return f"is {signer.role}"
    if signer.prison and prisons != {signer.prison}:
        return f"may act on {signer.prison} alone"
    return "has the key of another who signed" if signer.key in keys else ""


def _unsigned(request: Request, armoured: str, key: str, *, asked: bool) -> str:
    namespace = REQUESTED if asked else APPROVED
    try:
        signatures.verify(request.encoded(), armoured, public=key, namespace=namespace)
    except RefusedError as error:
        return str(error)
    return ""

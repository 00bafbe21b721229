"""Changes of the centre itself: who works here and which keys sign. Two people agree on them.

They are requests like any other, signed by who asks and by who agrees, but of no device: the centre
carries them out when the same command is given again. Until there is a second person who could
agree, the first administrator acts alone; how else would the second one come?
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from fleet import change
from fleet.approval import read_request
from fleet.approval.agreement import agreement
from fleet.approval.request import central_request
from fleet.identity.operators import Role
from fleet.registry.requests import DONE, OPEN, requests_kept, set_status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from fleet.approval import Action
    from fleet.change import Desk
    from fleet.identity.operators import Operator

_HOURS: Final = 24
_AGREE: Final = frozenset({Role.APPROVER, Role.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """Whether something may be done: the request that allows it, and who is still missing.

    `request` is "" where one person is enough, because there is no second one yet.
    """

    request: str = ""
    missing: tuple[str, ...] = ()


def second_people(operators: Sequence[Operator], *, first: str) -> list[Operator]:
    """Return who could agree to what the first asks for, anywhere in the estate."""
    return [
        one
        for one in operators
        if one.works_here
        and one.operator != first
        and one.role in _AGREE
        and one.key
        and not one.prison
    ]


def mandate(
    desk: Desk,
    action: Action,
    parameters: Mapping[str, str | int | bool],
    *,
    what: str,
    now: datetime,
) -> Mandate:
    """Return whether this may be done now; where it takes a second person, ask for one.

    `what` says it for people. What was asked for before, in the same words and not yet too late,
    is not asked for again.

    Raises
    ------
    RefusedError
        When who asks has no key of theirs to sign with.
    """
    if not second_people(desk.identity.operators(), first=desk.operator):
        return Mandate()
    signers = desk.identity.statement().signers
    with desk.registry.reading() as connection:
        kept = requests_kept(connection, statuses=[OPEN])
    for one in kept:
        request = read_request(one.encoded)
        same = (request.action, dict(request.parameters)) == (action, dict(parameters))
        if same and not request.has_expired(now):
            agreed = agreement(request, one.signatures, signers, frozenset())
            missing = change.missing_of(request, agreed)
            return Mandate(request=one.request, missing=tuple(missing))
    request = central_request(
        action,
        parameters,
        what=what,
        by=desk.operator,
        now=now,
        expires=now + timedelta(hours=_HOURS),
    )
    agreed = change.ask(desk, request, [], now=now)
    return Mandate(request=request.request, missing=tuple(change.missing_of(request, agreed)))


def fulfil(desk: Desk, given: Mandate) -> None:
    """Note that what a mandate allowed is done: it allows nothing more."""
    if given.request:
        with desk.registry.writing() as connection:
            set_status(connection, given.request, DONE)

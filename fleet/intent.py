"""The life of one change on one device: what may follow what, and nothing else.

Pure: the registry keeps states, `reconcile` brings events. A device acts at most once for a
request in one provisioning, and nothing counts as done without its proof.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from fleet.errors import RefusedError


class IntentState(StrEnum):
    """Where a change of one device stands."""

    WAITING = "waiting"
    SENT = "sent"
    PROVEN = "proven"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    SUSPENDED = "suspended"


class IntentEvent(StrEnum):
    """What can happen to it.

    SEND is noted before anything goes out, so that a crash leaves the question open, and LOST is
    its answer not coming; the device is then asked, and says PROVE, FAIL or FORGET (it never
    heard of the order). RESTORE is the registry coming back from a backup.
    """

    SEND = "send"
    LOST = "lost"
    FORGET = "forget"
    PROVE = "prove"
    FAIL = "fail"
    EXPIRE = "expire"
    SUPERSEDE = "supersede"
    WITHDRAW = "withdraw"
    RESTORE = "restore"


# Nothing moves these any more.
ENDED: Final = frozenset(
    {
        IntentState.PROVEN,
        IntentState.FAILED,
        IntentState.EXPIRED,
        IntentState.SUPERSEDED,
        IntentState.WITHDRAWN,
    }
)
# Here the device may have acted: nobody sends, withdraws or expires it before it was asked.
UNCERTAIN: Final = frozenset({IntentState.SENT, IntentState.SUSPENDED})

_S, _E = IntentState, IntentEvent
_NEXT: Final[dict[tuple[IntentState, IntentEvent], IntentState]] = {
    (_S.WAITING, _E.SEND): _S.SENT,
    (_S.WAITING, _E.EXPIRE): _S.EXPIRED,
    (_S.WAITING, _E.SUPERSEDE): _S.SUPERSEDED,
    (_S.WAITING, _E.WITHDRAW): _S.WITHDRAWN,
    (_S.WAITING, _E.RESTORE): _S.SUSPENDED,
    (_S.SENT, _E.LOST): _S.SENT,
    (_S.SENT, _E.FORGET): _S.WAITING,
    (_S.SENT, _E.PROVE): _S.PROVEN,
    (_S.SENT, _E.FAIL): _S.FAILED,
    (_S.SENT, _E.RESTORE): _S.SUSPENDED,
    (_S.SUSPENDED, _E.FORGET): _S.WAITING,
    (_S.SUSPENDED, _E.PROVE): _S.PROVEN,
    (_S.SUSPENDED, _E.FAIL): _S.FAILED,
    (_S.SUSPENDED, _E.LOST): _S.SUSPENDED,
    (_S.SUSPENDED, _E.RESTORE): _S.SUSPENDED,
}


def follows(state: IntentState, event: IntentEvent) -> IntentState:
    """Return the state after an event.

    A backup may bring back an intent that has ended since; its end is not undone by it.

    Raises
    ------
    RefusedError
        When that cannot happen there: an ended intent stays so, and one that a device may have
        acted on is first asked about.
    """
    if event is IntentEvent.RESTORE and state in ENDED:
        return state
    after = _NEXT.get((state, event))
    if after is None:
        hint = "wingspan fleet reconcile asks the device" if state in UNCERTAIN else ""
        raise RefusedError(f"an intent that is {state} cannot {event}", hint=hint)
    return after

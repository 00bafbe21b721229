"""How many people a change needs: one table, which devices hold to as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.approval.request import Action, Reach

if TYPE_CHECKING:
    from fleet.approval.request import Request

_ALWAYS_TWO = {
    Action.UNLOCK: "it opens what was locked",
    Action.RELEASE: "it lets a quarantined device back in",
    Action.WIPE: "what is wiped is gone",
    Action.DEAD_MAN: "it is policy",
    Action.READMIT: "it lets a wiped device be enrolled again",
    Action.OPERATOR: "it changes who may act",
    Action.KEYS: "it changes which keys devices trust",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """How many must sign, the one who asks among them, and why.

    `reviewed_later` is a change that may not wait for a second person, who looks at it afterwards.
    """

    count: int
    why: str
    reviewed_later: bool = False


def people_for(request: Request) -> People:
    """Return who has to agree to a request.

    A lock and a quarantine need one person: they close a danger. Whatever opens something, cannot
    be undone, or reaches beyond a landing needs two.
    """
    if request.action is Action.LOCK:
        why = "a lock may not wait for a second person"
        return People(count=1, why=why, reviewed_later=True)
    if request.action in _ALWAYS_TWO:
        return People(count=2, why=_ALWAYS_TWO[request.action])
    if request.reach is Reach.ESTATE:
        return People(count=2, why="it is for more than one prison")
    if request.action is Action.ALLOWLIST and request.parameters.get("widens", True):
        return People(count=2, why="it lets devices go where they could not")
    if request.action is Action.UPDATE and request.reach not in {Reach.DEVICE, Reach.LANDING}:
        return People(count=2, why="it reaches beyond a landing")
    return People(count=1, why="it closes more than it opens, or stays on one landing")

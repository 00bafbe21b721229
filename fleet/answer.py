"""What an answer of a device means for an intent: success only with proof of the effect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fleet.approval import Action
from fleet.errors import NotYetError, SupersededError, UnreachableError
from fleet.intent import IntentEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.approval import Request
    from fleet.approval.order import Proof
    from fleet.driver import Reply


def unanswered(reply: Reply) -> Reply:
    """Return a reply to a question: one that was not heard leaves open what was done before."""
    if reply.proof is None and reply.is_unreachable:
        return replace(reply, error=UnreachableError(str(reply.error), stage="command"))
    return reply


def is_superseded(reply: Reply) -> bool:
    """Return whether the device says that a later order has taken this one's place."""
    return isinstance(reply.error, SupersededError)


def judged(reply: Reply, request: Request) -> tuple[IntentEvent, str, Proof | None]:
    """Return what a reply means for the intent, and why; success only with proof."""
    if reply.proof is None:
        return _without_proof(reply), str(reply.error), None
    if reply.proof.outcome == "unknown":
        return IntentEvent.FORGET, "the device never had the order", None
    if reply.proof.outcome == "begun":
        return IntentEvent.LOST, reply.proof.why or "it is still under way", reply.proof
    if reply.proof.outcome != "done":
        return IntentEvent.FAIL, reply.proof.why, reply.proof
    # What was done and is not shown may still come: it is asked about again.
    missing = not_shown(reply.proof, request)
    return IntentEvent.LOST if missing else IntentEvent.PROVE, missing, reply.proof


def _without_proof(reply: Reply) -> IntentEvent:
    if not reply.sent or isinstance(reply.error, (NotYetError, SupersededError)):
        return IntentEvent.FORGET
    return IntentEvent.LOST if reply.is_unreachable else IntentEvent.FAIL


def not_shown(proof: Proof, request: Request) -> str:
    """Return what a proof should show and does not, "" where it shows the effect."""
    shown, given = proof.shown, request.parameters
    locks = set(shown["locks"])
    held = set(str(given.get("locks", "")).split(",")) & locks
    wrong = {
        Action.LOCK: request.request not in locks and "the lock does not hold",
        Action.UNLOCK: bool(held) and f"{', '.join(sorted(held))} still holds",
        Action.QUARANTINE: not shown["quarantined"] and "it is not quarantined",
        Action.RELEASE: shown["quarantined"] and "it is still quarantined",
        Action.ALLOWLIST: shown["allowlist_sha256"] != given.get("allowlist_sha256")
        and "another allowlist is in force",
        Action.UPDATE: shown.get("update", {}).get("bundle_sha256") != given.get("bundle_sha256")
        and f"it runs {shown.get('version') or 'no version'}",
        Action.DEAD_MAN: (shown.get("dead_man") or {"days": 0}).get("days") != given.get("days")
        and "another rule is in force",
        Action.WIPE: _not_wiped(shown.get("wiped")),
    }[request.action]
    # An update leaves the firewall as it is, which need not be ours yet.
    return wrong or ("" if request.action is Action.UPDATE else _unlike(shown))


def _not_wiped(shown: Mapping[str, Any] | None) -> str:
    """Return what a device shows that a wiped one would not, "" where it is wiped."""
    if shown is None:
        return "it is not wiped"
    if shown["keyslots"]:
        return f"{shown['keyslots']} keys still open {shown['volume']}"
    if shown["still_open"]:
        return f"{shown['volume']} is open until the next boot"
    return f"data is left in {', '.join(shown['left'])}" if shown["left"] else ""


def _unlike(shown: Mapping[str, Any]) -> str:
    """Return what a device shows that does not go with the level it says, "" where all does."""
    probes, session, level = shown["probes"], shown["session"], shown["level"]
    target = f"wingspan-{level}.target"
    wrong = [
        probes.get("forbidden") != "shut"
        and f"a forbidden connection is {probes.get('forbidden')}, not shut",
        # Refused by the relay itself, the way to it is open all the same.
        probes.get("relay", "open") not in {"open", "refused"}
        and f"the way to the relay is {probes.get('relay')}, not open",
    ]
    if level:
        wrong += [
            shown["target"] != target and f"the next boot leads to {shown['target']}, not {target}",
            session.get(target, "active") != "active"
            and f"{target} is {session.get(target)}, not active",
            session.get("wingspan-kiosk.service") == "active" and "the kiosk still runs",
        ]
    elif not shown["quarantined"] and shown.get("wiped") is None:
        kiosk = session.get("wingspan-kiosk.service", "active")
        wrong += [kiosk != "active" and f"the kiosk is {kiosk}, not active"]
    return next((str(why) for why in wrong if why), "")

"""What a reply means for an intent: success only with proof of the effect."""

import pytest

from fleet.answer import judged
from fleet.approval import Action, new_request
from fleet.approval.order import Proof
from fleet.device import Device
from fleet.driver import Reply
from fleet.errors import RefusedError, UnreachableError
from fleet.intent import IntentEvent
from tests.fleet.approval.conftest import NOW

DEVICE = Device(device="WS-000001", serial="S1", prison_id="MDI", wing="A", landing="1", nonce="1")
TARGET = "wingspan-relay-only.target"


@pytest.fixture
def lock():
    level = {"level": "relay-only"}
    return new_request(Action.LOCK, [DEVICE], scope="MDI", by="ben", now=NOW, parameters=level)


@pytest.fixture
def shown(lock):
    """Return what a device shows that is locked as it was told."""
    return {
        "locks": [lock.request],
        "level": "relay-only",
        "quarantined": False,
        "allowlist_sha256": "",
        "target": TARGET,
        "session": {"wingspan-kiosk.service": "inactive", TARGET: "active"},
        "probes": {"forbidden": "shut", "relay": "open"},
    }


@pytest.fixture
def verdict(lock):
    """Return a function: what a reply with these fields means, and why."""

    def judge(shown, outcome="done"):
        proof = Proof(
            device="WS-000001",
            request=lock.request,
            outcome=outcome,
            why="" if outcome == "done" else "no room",
            level=shown["level"],
            quarantined=False,
            ruleset_sha256="0",
            shown=shown,
            text="",
            signature="",
        )
        event, why, _ = judged(Reply(device=DEVICE, proof=proof), lock)
        return event, why

    return judge


def test_a_lock_that_shows_its_effect_is_proven(verdict, shown):
    assert verdict(shown) == (IntentEvent.PROVE, "")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"locks": []}, "the lock does not hold"),
        ({"probes": {"forbidden": "open"}}, "a forbidden connection is open, not shut"),
        (
            {"probes": {"forbidden": "shut", "relay": "silent"}},
            "the way to the relay is silent, not open",
        ),
        (
            {"target": "graphical.target"},
            f"the next boot leads to graphical.target, not {TARGET}",
        ),
        ({"session": {TARGET: "inactive"}}, f"{TARGET} is inactive, not active"),
        (
            {"session": {TARGET: "active", "wingspan-kiosk.service": "active"}},
            "the kiosk still runs",
        ),
    ],
)
def test_what_is_done_and_not_shown_is_asked_about_again(verdict, shown, change, why):
    assert verdict(shown | change) == (IntentEvent.LOST, why)


def test_a_relay_that_refuses_itself_was_reached(verdict, shown):
    probes = {"forbidden": "shut", "relay": "refused"}

    assert verdict(shown | {"probes": probes})[0] is IntentEvent.PROVE


def test_without_systemd_the_session_proves_nothing_and_denies_nothing(verdict, shown):
    assert verdict(shown | {"session": {}})[0] is IntentEvent.PROVE


def test_what_the_device_could_not_do_has_failed(verdict, shown):
    assert verdict(shown, outcome="failed") == (IntentEvent.FAIL, "no room")


def test_what_never_came_may_be_sent_again(verdict, shown):
    assert verdict(shown, outcome="unknown")[0] is IntentEvent.FORGET


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (UnreachableError("gone", stage="connect"), IntentEvent.FORGET),
        (UnreachableError("gone", stage="command"), IntentEvent.LOST),
        (RefusedError("not yours"), IntentEvent.FAIL),
    ],
)
def test_without_an_answer_it_counts_how_far_the_order_came(lock, error, event):
    assert judged(Reply(device=DEVICE, error=error), lock)[0] is event

"""Requests are kept once, and intents move from the state that they were read in."""

from datetime import UTC, datetime

import pytest

from fleet.device import NewDevice
from fleet.errors import RefusedError
from fleet.registry.requests import intents_of, keep_request, keep_signature, set_intents

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def asked(registry):
    """Return a registry with a request for one device."""
    (name,) = registry.add([NewDevice(serial="S-1")], by="test", why="test")
    with registry.writing() as connection:
        keep_request(connection, "R-1", nonce="n", encoded=b"{}", devices={name: "0a"}, at=NOW)
    return registry


def test_a_nonce_that_was_used_is_a_replay_whatever_the_request_is_called(asked):
    with (
        pytest.raises(RefusedError, match="R-2 was asked for before"),
        asked.writing() as connection,
    ):
        keep_request(connection, "R-2", nonce="n", encoded=b"{}", devices={}, at=NOW)


def test_a_person_signs_a_request_once(asked):
    with asked.writing() as connection:
        keep_signature(connection, "R-1", operator="ben", signature="one", at=NOW)

    with (
        pytest.raises(RefusedError, match="ben has signed R-1 already"),
        asked.writing() as connection,
    ):
        keep_signature(connection, "R-1", operator="ben", signature="two", at=NOW)


def test_of_two_who_move_an_intent_the_second_moves_nothing(asked):
    first = {"device": "WS-000001", "before": "waiting", "state": "sent", "why": "first"}
    second = {"device": "WS-000001", "before": "waiting", "state": "withdrawn", "why": "second"}
    with asked.writing() as connection:
        set_intents(connection, "R-1", [first], NOW)
        set_intents(connection, "R-1", [second], NOW)
        (intent,) = intents_of(connection, ["R-1"])["R-1"]

    assert (intent.state, intent.why) == ("sent", "first")

"""How far an update has come, kept over an interruption."""

from datetime import UTC, datetime

import pytest

from fleet.device import NewDevice
from fleet.registry.requests import keep_request
from fleet.registry.updates import begin_update, halts, note_fetched, note_update, progress_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def names(registry):
    """Return two devices that an update is asked for."""
    names = registry.add([NewDevice(serial=f"S-{n}") for n in (1, 2)], by="test", why="test")
    with registry.writing() as connection:
        keep_request(
            connection,
            "R-1",
            nonce="1",
            encoded=b"{}",
            devices=dict.fromkeys(names, "0a"),
            at=NOW,
        )
    return names


def test_what_devices_ran_before_stays_noted_when_the_run_begins_anew(registry, names):
    with registry.writing() as connection:
        begin_update(connection, "R-1", dict.fromkeys(names, "1.0"))
        begin_update(connection, "R-1", dict.fromkeys(names, "2.0"))
        found = progress_of(connection, "R-1")

    assert found.versions == dict.fromkeys(names, "1.0")
    assert (found.covered_at, found.fetched) == (None, frozenset())


def test_who_has_the_bundle_and_what_halts_it_are_kept(registry, names):
    with registry.writing() as connection:
        begin_update(connection, "R-1", dict.fromkeys(names, ""))
        note_fetched(connection, "R-1", names[:1])
        note_update(connection, "R-1", covered_at=NOW, halted="too many failed")

    with registry.reading() as connection:
        found = progress_of(connection, "R-1")
        assert (found.fetched, found.covered_at) == (frozenset(names[:1]), NOW)
        assert halts(connection) == {"R-1": "too many failed"}


def test_an_update_that_has_not_begun_has_come_nowhere(registry):
    with registry.reading() as connection:
        assert progress_of(connection, "R-2").versions == {}

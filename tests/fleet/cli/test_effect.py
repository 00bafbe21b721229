"""What a change would do, shown before anybody asks for it."""

from datetime import UTC, datetime

import pytest

from fleet.cli.effect import spell
from fleet.registry import Registry
from fleet.registry.readings import store_sweep
from tests.project.test_documentation import undocumented


@pytest.fixture
def enrolled(desk):
    """Return the desk with all tablets in their cells enrolled, by name."""
    with Registry.open(desk.workspace.settings().database) as registry:
        placed = [device for device in registry.devices() if device.cell]
        for device in placed:
            registry.enrol(device.device, device.host_key, by="test", why="test")
    return desk


def test_a_lock_says_how_long_it_takes_and_what_each_link_carries(enrolled):
    answer = enrolled.answer("lock", "estate", "--level", "notice")

    (wave,) = answer["waves"]
    assert wave["devices"] == answer["devices"]
    assert wave["seconds"] == answer["seconds"] > 0
    assert all(0 < share < 1 for share in wave["peak_load"].values())
    assert answer["uncovered"] == []
    assert not undocumented(answer)


def test_who_was_silent_or_is_lost_is_listed_as_uncovered(enrolled):
    first, second, *_ = (one["device"] for one in enrolled.answer("list")["devices"])
    with Registry.open(enrolled.workspace.settings().database) as registry:
        registry.set_state(second, "lost", by="test", why="test")
        with registry.writing() as connection:
            seen = {first: ("unreachable", {})}
            store_sweep(connection, seen, at=datetime.now(tz=UTC), by="test", scope="estate")

    answer = enrolled.answer("lock", "estate", "--level", "notice")

    (lost, silent) = sorted(answer["uncovered"], key=lambda one: one["why"])
    assert (lost["devices"], lost["why"]) == ([second], "it is lost")
    assert silent["devices"] == [first]
    assert silent["why"].startswith("it was silent at ")


def test_durations_are_spelt_as_people_say_them():
    assert [spell(s) for s in (4.6, 59, 60, 3599, 3600, 11_100)] == [
        "5 s",
        "59 s",
        "1 min",
        "60 min",
        "1 h 00 min",
        "3 h 05 min",
    ]

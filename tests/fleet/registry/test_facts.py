from datetime import UTC, datetime, timedelta

import pytest

from fleet.device import NewDevice
from fleet.errors import InputError

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def one(registry):
    registry.add([NewDevice(serial="S-1")], by="test", why="test")
    return registry


def record(registry, at, **facts):
    registry.record_facts({"WS-000001": facts}, at=at)


def test_a_fact_holds_since_it_was_first_said(one):
    record(one, NOON, battery=80, kernel="6.1")
    record(one, NOON + HOUR, battery=70, kernel="6.1")

    assert {fact.name: (fact.value, fact.since) for fact in one.facts("WS-000001")} == {
        "battery": (70, NOON + HOUR),
        "kernel": ("6.1", NOON),
    }


def test_what_was_said_before_is_kept_with_its_time(one):
    for step, value in enumerate((80, 70, 80)):
        record(one, NOON + step * HOUR, battery=value)

    assert [(f.value, f.since, f.until) for f in one.past_facts("WS-000001", "battery")] == [
        (80, NOON, NOON + HOUR),
        (70, NOON + HOUR, NOON + 2 * HOUR),
    ]


def test_what_comes_late_does_not_replace_what_is_newer(one):
    record(one, NOON + HOUR, battery=70)
    record(one, NOON, battery=80)

    assert [fact.value for fact in one.facts("WS-000001")] == [70]


def test_what_is_older_than_the_policy_goes_and_the_latest_stays(one):
    for step, value in enumerate((80, 70, 60)):
        record(one, NOON + step * timedelta(days=10), battery=value)

    assert one.forget(facts_days=15, now=NOON + timedelta(days=30)) == 1
    assert [fact.value for fact in one.past_facts("WS-000001", "battery")] == [70]
    assert [fact.value for fact in one.facts("WS-000001")] == [60]


@pytest.mark.parametrize("name", ["Battery", "a b", "", "1st"])
def test_a_fact_has_a_plain_name(one, name):
    with pytest.raises(InputError, match="has a fact named"):
        record(one, NOON, **{name: 1})


def test_a_fact_about_a_person_is_refused_with_all_others_of_the_report(one):
    with pytest.raises(InputError, match="would hold data about a prisoner"):
        record(one, NOON, battery=80, session={"prisoner_name": "x"})

    assert one.facts("WS-000001") == []


def test_facts_of_an_unknown_device_are_refused(one):
    with pytest.raises(InputError, match="there is no device WS-000404"):
        one.record_facts({"WS-000404": {"battery": 1}}, at=NOON)

"""A report is read with mistrust: what a device sends is data, and may be anything."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import NotProvenError
from fleet.health.facts import NUMBERS, TEXTS, read_report

SAID = {
    "schema": 1,
    "device": "WS-000123",
    "nonce": "c0ffee",
    "battery_percent": 81,
    "kiosk": "running",
    "simulated": ["battery_percent"],
    "unread": {"ruleset": "sudo: no"},
    "uptime_s": 60,
    "clock_s": 1000.5,
}


def read(said, *, sent_s=1000.0, received_s=1001.0):
    return read_report(json.dumps(said).encode(), sent_s=sent_s, received_s=received_s)


def test_a_report_is_who_it_is_and_its_facts():
    report = read(SAID)

    assert (report.device, report.nonce) == ("WS-000123", "c0ffee")
    assert report.facts["battery_percent"] == 81
    assert report.facts["booted_at"] == "1970-01-01T00:15:41+00:00"
    assert (report.simulated, report.unread) == (("battery_percent",), {"ruleset": "sudo: no"})


@pytest.mark.parametrize(
    ("clock_s", "offset_s"), [(1000.5, 0), (1003.0, 2.0), (940.0, -60.0)], ids=str
)
def test_a_clock_is_off_by_what_the_round_trip_does_not_explain(clock_s, offset_s):
    assert read(SAID | {"clock_s": clock_s}).facts["clock_offset_s"] == offset_s


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("battery_percent", "81"),
        ("battery_percent", True),
        ("battery_percent", 1e300),
        ("battery_percent", float("nan")),
        ("kiosk", 7),
        ("kiosk", "x" * 201),
        ("kiosk", "\x1b[31mred"),
        ("kiosk", None),
    ],
)
def test_a_fact_of_the_wrong_kind_is_left_out_and_named(fact, value):
    report = read(SAID | {fact: value})

    assert fact not in report.facts
    assert report.unread[fact] == "it is not what was asked for"


def test_a_device_cannot_say_what_only_we_can_know():
    report = read(SAID | {"key_exchange": "mine", "clock_offset_s": 0, "round_trip_s": 0})

    assert "key_exchange" not in report.facts
    assert report.facts["round_trip_s"] == 1


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"7", b"{", b'{"schema": 2}', b"\xff", b"[" * 60_000, b" " * 70_000]
)
def test_what_is_no_report_is_not_taken_for_one(answer):
    with pytest.raises(NotProvenError, match="its answer is not a report"):
        read_report(answer, sent_s=0, received_s=1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from([*NUMBERS, *TEXTS, *SAID]), JSON))
def test_whatever_a_device_says_the_facts_are_of_the_kinds_declared(said):
    report = read(said | {"schema": 1})

    assert report.facts.keys() <= NUMBERS.keys() | TEXTS.keys()
    for name, value in report.facts.items():
        assert isinstance(value, float if name in NUMBERS else str) or value == 0
    shown = [report.device, report.nonce, *report.unread, *report.unread.values()]
    assert all(text.isprintable() for text in shown)

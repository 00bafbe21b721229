"""Facts against policies and against what should be."""

from datetime import date

import pytest

from fleet.health.assessment import Finding, Status, assess, worst
from fleet.health.rules import Policy

TODAY = date(2026, 11, 25)


def policy(**changed):
    return Policy(
        **{
            "name": "battery",
            "fact": "battery_percent",
            "comparison": "below",
            "since": TODAY,
            "warn": 30,
            "fail": 10,
        }
        | changed
    )


@pytest.mark.parametrize(
    ("comparison", "value", "level"),
    [
        ("below", 30, None),
        ("below", 29, Status.WARN),
        ("below", 10, Status.WARN),
        ("below", 9, Status.FAIL),
        ("above", 10, None),
        ("above", 11, Status.FAIL),
        ("beyond", -5, None),
        ("beyond", -11, Status.FAIL),
    ],
)
def test_a_number_is_held_to_its_limits(report, comparison, value, level):
    found = assess(report(battery_percent=value), {}, [policy(comparison=comparison)], TODAY)

    assert worst(found) == (level or Status.OK)


def test_a_text_is_held_to_a_list_of_what_is_right(report):
    kiosk = policy(name="kiosk", fact="kiosk", comparison="not_in", warn=None, fail=("running",))

    (finding,) = assess(report(kiosk="failed"), {}, [kiosk], TODAY)

    assert (finding.level, finding.says) == (Status.FAIL, "kiosk is failed, not running")
    assert assess(report(kiosk="running"), {}, [kiosk], TODAY) == ()


def test_a_finding_says_what_is_found_and_what_should_be(report):
    low = report(battery_percent=4.0, simulated=("battery_percent",))

    assert assess(low, {}, [policy(check="charge it")], TODAY) == (
        Finding(
            policy="battery",
            fact="battery_percent",
            level=Status.FAIL,
            says="battery is 4 %, below 10 % (simulated)",
            check="charge it",
        ),
    )


def test_a_policy_is_not_in_force_before_its_day(report):
    later = policy(since=date(2026, 11, 26))

    assert assess(report(battery_percent=1), {}, [later], TODAY) == ()


def test_a_fact_that_is_missing_is_a_warning_where_the_device_could_not_read_it(report):
    found = assess(report(unread={"battery": "no such file"}), {}, [policy()], TODAY)

    assert [(f.policy, f.level, f.says) for f in found] == [
        ("unread", Status.WARN, "cannot read battery: no such file")
    ]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"device": "WS-000002"}, "it says that it is WS-000001"),
        ({"nonce": "beef"}, "its provisioning is not the one that we know"),
        ({"version": "2026.12"}, "version is 2026.11 and should be 2026.12"),
        (
            {"ruleset_sha256": "b" * 64},
            "ruleset_sha256 is aaaaaaaaaaaa… and should be bbbbbbbbbbbb…",
        ),
    ],
)
def test_what_differs_from_what_should_be_is_a_failure(report, wanted, says):
    right = {"device": "WS-000001", "nonce": "c0ffee", "version": "2026.11"}
    found = report(version="2026.11", ruleset_sha256="a" * 64)

    assert [(f.level, f.says) for f in assess(found, right | wanted, [], TODAY)] == [
        (Status.FAIL, says)
    ]
    assert assess(found, right, [], TODAY) == ()


def test_the_worst_comes_first(report):
    found = assess(
        report(battery_percent=20, nonce="other", unread={"x": "y"}),
        {"nonce": "c0ffee"},
        [policy()],
        TODAY,
    )

    assert [f.level for f in found] == [Status.FAIL, Status.WARN, Status.WARN]
    assert worst(found) == Status.FAIL

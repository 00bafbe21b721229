"""Changes as people type them, on enrolled devices of a rehearsal."""

import json

import pytest

from fleet.rehearsal.lab import down
from tests.fleet.cli.office import open_office


@pytest.fixture(scope="module")
def office(start_lab, tmp_path_factory):
    lab = start_lab(devices=8, prisons=2)
    yield open_office(lab, tmp_path_factory.mktemp("people"))
    down(lab.workspace)


def test_without_yes_a_lock_only_shows_its_effect(office):
    before = office.answer("ben", "requests", "--all")[1]["requests"]

    code, answer = office.answer("ben", "lock", "XAA", "--level", "notice")

    assert code == 0
    assert (answer["request"], answer["count"]) == (None, 4)
    assert answer["approvals_missing"] == []
    assert office.answer("ben", "requests", "--all")[1]["requests"] == before


def test_a_lock_is_carried_out_at_once_and_proven_and_two_people_undo_it(office):
    (name, *_) = office.names()
    scope = f"device:{name}"

    code, locked = office.answer("ben", "lock", scope, "--level", "relay-only", "--yes")
    assert code == 0, locked
    assert [one["device"] for one in locked["proven"]] == [name]

    code, health = office.answer("ben", "health", scope)
    assert (code, health["devices"][0]["status"]) == (0, "ok"), health

    code, asked = office.answer("ben", "unlock", scope, "--lock", locked["request"], "--yes")
    assert (code, len(asked["approvals_missing"])) == (0, 1)
    assert office.answer("ben", "reconcile", "--once")[1]["waiting"][0]["device"] == name

    code, _ = office.answer("cleo", "approve", asked["request"])
    assert code == 0
    code, done = office.answer("ben", "reconcile", "--once")
    assert (code, [one["device"] for one in done["proven"]]) == (0, [name])
    assert office.answer("ben", "residue", scope)[1]["devices"] == []


def test_who_asked_cannot_agree_and_a_viewer_can_do_neither(office):
    scope = f"device:{office.names()[1]}"
    _, asked = office.answer("cleo", "release", scope, "--yes")

    own = office.types("cleo", "approve", asked["request"])
    viewer = office.types("vic", "approve", asked["request"])
    ask = office.types("vic", "quarantine", scope, "--yes")

    assert (own.exit_code, viewer.exit_code, ask.exit_code) == (6, 6, 6)
    assert "cleo asked for" in own.stderr
    assert "vic is viewer" in viewer.stderr
    office.types("cleo", "stop", asked["request"])


def test_a_lock_is_listed_until_a_second_person_has_reviewed_it(office):
    scope = f"device:{office.names()[5]}"
    reason = ["--reason", "disorder", "--review-in", "2"]
    _, locked = office.answer("ben", "lock", scope, "--level", "screen-off", *reason, "--yes")

    def listed():
        shown = office.types("ben", "requests").stdout.splitlines()
        return [line for line in shown if line.startswith(locked["request"])]

    (before,) = listed()
    own = office.types("ben", "approve", locked["request"])
    reviewed = office.types("cleo", "approve", locked["request"])

    assert "not yet reviewed by 20" in before
    assert (own.exit_code, reviewed.exit_code) == (6, 0)
    assert listed() == []


def test_a_silent_device_keeps_its_lock_until_it_answers(office):
    name = office.names()[2]
    device = office.lab_device(name)
    assert office.types("asha", "rehearse", "power-off", device.serial).exit_code == 0

    code, locked = office.answer("ben", "lock", f"device:{name}", "--level", "notice", "--yes")
    assert code == 0
    assert [one["device"] for one in locked["waiting"]] == [name]
    (left,) = office.answer("ben", "residue", f"device:{name}")[1]["devices"]
    assert (left["device"], left["state"]) == (name, "waiting")

    assert office.types("asha", "rehearse", "restore", device.serial).exit_code == 0
    office.lab.answering([device])
    _, done = office.answer("ben", "reconcile", "--once")
    assert [one["device"] for one in done["proven"]] == [name]


def test_beyond_one_prison_the_count_has_to_be_said(office):
    without = office.types("ben", "lock", "estate", "--level", "notice", "--yes")
    wrong = office.types("ben", "lock", "estate", "--level", "notice", "--expect", "9", "--yes")

    assert (without.exit_code, wrong.exit_code) == (6, 6)
    assert "--expect 8" in without.stderr
    assert "8 devices and not 9" in wrong.stderr


def test_a_paused_request_waits_and_a_stopped_one_is_over(office):
    name = office.names()[3]
    _, asked = office.answer("ben", "release", f"device:{name}", "--yes")
    office.types("cleo", "approve", asked["request"])
    office.types("ben", "pause", asked["request"])

    _, paused = office.answer("ben", "reconcile", "--once")
    office.types("ben", "stop", asked["request"])
    _, stopped = office.answer("ben", "reconcile", "--once")
    late = office.types("dora", "approve", asked["request"])

    assert late.exit_code == 6
    assert f"{asked['request']} is over: 1 withdrawn" in late.stderr
    assert paused["waiting"][0]["why"] == "the request is paused"
    assert not any(stopped[name] for name in ("proven", "failed", "waiting", "unproven"))


def test_an_end_makes_a_release_due_that_two_people_agreed_to_beforehand(office):
    name = office.names()[3]
    scope = f"device:{name}"
    ends = ["--until", "2090-01-05 07:30"]

    code, locked = office.answer("ben", "lock", scope, "--level", "notice", *ends, "--yes")
    release = locked["release"]
    alone = office.answer("ben", "reconcile", "--once")[1]["waiting"]
    assert office.types("cleo", "approve", release["request"]).exit_code == 0
    agreed = office.answer("ben", "reconcile", "--once")[1]["waiting"]
    over = office.types("ben", "lock", scope, "--level", "notice", "--until", "2020-01-01 00:00")

    assert (code, release["due_at"]) == (0, "2090-01-05T07:30:00+00:00")
    assert release["approvals_missing"] == ["1 approver: it opens what was locked"]
    assert [one["why"] for one in alone] == ["1 more must agree: it opens what was locked"]
    assert [one["why"] for one in agreed] == ["it is due at 2090-01-05 07:30"]
    assert (over.exit_code, "is over" in over.stderr) == (3, True)
    office.types("ben", "stop", release["request"])


def test_quarantine_shows_in_the_registry_and_release_takes_two(office):
    name = office.names()[4]

    office.types("ben", "quarantine", f"device:{name}", "--yes")
    held = office.answer("asha", "show", name)[1]["state"]
    _, asked = office.answer("ben", "release", f"device:{name}", "--yes")
    office.types("dora", "approve", asked["request"])
    office.types("ben", "reconcile", "--once")

    assert (held, office.answer("asha", "show", name)[1]["state"]) == ("quarantined", "live")


def test_screen_off_asks_for_a_reason_and_a_review(office):
    result = office.types("ben", "lock", "XAB", "--level", "screen-off", "--yes")

    assert result.exit_code == 3
    assert "--reason TEXT --review-in HOURS" in result.stderr


def test_every_change_is_in_the_log_with_its_outcome(office):
    scope = f"device:{office.names()[5]}"
    office.types("ben", "lock", scope, "--level", "notice", "--yes")
    office.types("vic", "quarantine", scope, "--yes")

    log = office.lab.workspace.audit.read_text(encoding="utf-8").splitlines()

    done, refused = (json.loads(line) for line in log[-2:])
    assert (done["operator"], done["action"], done["scope"], done["outcome"]) == (
        "ben",
        "lock",
        scope,
        "done",
    )
    assert (refused["operator"], refused["outcome"]) == ("vic", "refused")


def test_an_allowlist_is_checked_before_anybody_signs_it(office, tmp_path):
    path = tmp_path / "allowlist.json"
    path.write_text('[{"network": "203.0.113.1/24", "protocol": "icmp", "port": 0}, 3]')

    result = office.types("ben", "allowlist", "XAA", "--file", str(path), "--yes")

    assert result.exit_code == 3
    assert [line.split(":")[0].strip() for line in result.stderr.splitlines()[1:]] == [
        "allowlist.json entry 1",
        "allowlist.json entry 1",
        "allowlist.json entry 1",
        "allowlist.json entry 2",
    ]


def test_an_allowlist_is_in_force_once_two_people_agreed(office, tmp_path):
    name = office.names()[6]
    path = tmp_path / "allowlist.json"
    path.write_text('[{"network": "203.0.113.0/24", "protocol": "tcp", "port": 443}]')
    words = ("allowlist", f"device:{name}", "--file", str(path), "--yes")
    _, asked = office.answer("ben", *words)
    office.answer("cleo", "approve", asked["request"])

    _, done = office.answer("ben", "reconcile", "--once")

    assert [one["device"] for one in done["proven"]] == [name]
    device = office.lab_device(name)
    rules = office.inside(device, "nft", "list", "ruleset")
    assert "ip daddr 203.0.113.0/24 tcp dport 443 accept" in rules
    # Nothing more than that is one person's to say; anything else is not.
    path.write_text("[]")
    code, narrowed = office.answer(
        "ben", "allowlist", f"device:{name}", "--file", str(path), "--yes"
    )
    assert (code, [one["device"] for one in narrowed["proven"]]) == (0, [name])
    path.write_text('[{"network": "203.0.113.0/24", "protocol": "tcp", "port": 443}]')
    _, again = office.answer("ben", *words)
    assert len(again["approvals_missing"]) == 1
    office.types("ben", "stop", again["request"])


def test_an_order_survives_a_reboot(office):
    name = office.names()[7]
    device = office.lab_device(name)
    office.answer("ben", "lock", f"device:{name}", "--level", "relay-only", "--yes")
    before = office.inside(device, "nft", "-s", "list", "ruleset")

    office.types("asha", "rehearse", "power-off", device.serial)
    office.types("asha", "rehearse", "restore", device.serial)
    office.lab.answering([device])

    assert office.inside(device, "nft", "-s", "list", "ruleset") == before

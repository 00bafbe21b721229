"""A relay and its centre, with devices that are simulated and a broker that does as it likes."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fleet.approval import Action, new_request
from fleet.identity.keys import read_private
from fleet.registry.requests import (
    STOPPED,
    intents_of,
    proofs_of,
    request_kept,
    requests_kept,
    set_status,
)
from fleet.relay.message import TO_CENTRE, Kind, Message
from fleet.relay.node import last_contact
from tests.fleet.relay.prison import PAGE, Mail


def unkept(action, devices, *, now=None, **parameters):
    """Return a request of ben's that the centre does not keep, and which ends after an hour."""
    at = now or datetime.now(tz=UTC)
    expires = None if action is Action.LOCK else at + timedelta(hours=1)
    return new_request(
        action, devices, scope="x", by="ben", now=at, expires=expires, parameters=parameters
    )


def test_an_order_goes_by_the_relay_and_elsewhere_directly(prison):
    request = prison.lock(prison.devices() + prison.devices("XAB"))

    prison.carry_out()

    assert prison.states(request) == ["proven"]
    assert prison.states(request, prison.relay_registry) == ["proven"]
    assert [len(machine.used) for machine in prison.machines()] == [1, 1, 1, 1]


def test_a_message_handed_out_twice_changes_nothing(prison):
    request = prison.lock()
    prison.carry_out()
    turns = dict(prison.estate.wire._turns)  # noqa: SLF001 - how often each device was spoken to

    for message in prison.mail.sent:
        prison.mail.node.take(message)

    assert prison.estate.wire._turns == turns  # noqa: SLF001
    assert prison.states(request, prison.relay_registry) == ["proven"]


def test_what_another_than_the_centre_signed_changes_nothing(prison):
    prison.carry_out()
    request = prison.lock()
    forged = prison.sealed(
        Kind.ORDER, prison.order(request, "ben"), key=read_private(prison.folder / "ben")
    )

    prison.mail.node.take(forged)
    prison.mail.node.take({"message": "{}"})

    assert [machine.used for machine in prison.machines()] == [{}, {}, {}, {}]
    assert [one["outcome"] for one in prison.log()[-2:]] == ["refused", "refused"]


def test_a_relay_judges_for_itself_who_signed_a_request(prison):
    prison.carry_out()
    devices = prison.devices()
    release = unkept(Action.RELEASE, devices)

    prison.mail.node.take(prison.sealed(Kind.ORDER, prison.order(release, "ben"), 1000))
    refused = [dict(machine.used) for machine in prison.machines()]
    prison.mail.node.take(prison.sealed(Kind.ORDER, prison.order(release, "ben", "cleo"), 1001))

    assert refused == [{}, {}, {}, {}]
    assert "1 more must agree" in prison.log()[-2]["detail"]["why"]
    assert [len(machine.used) for machine in prison.machines()] == [1, 1, 1, 1]


def test_a_relay_carries_nothing_out_that_has_expired(prison):
    prison.carry_out()
    early = datetime.now(tz=UTC) - timedelta(hours=2)
    request = unkept(Action.QUARANTINE, prison.devices(), now=early)

    prison.mail.node.take(prison.sealed(Kind.ORDER, prison.order(request, "ben")))

    assert [machine.used for machine in prison.machines()] == [{}, {}, {}, {}]
    assert prison.log()[-1]["detail"]["why"] == "the request has expired"


def test_a_request_that_was_changed_on_the_way_is_not_carried_out(prison):
    prison.carry_out()
    request = prison.lock()

    def changed(message):
        text = message["message"].replace(
            '\\"level\\":\\"notice\\"', '\\"level\\":\\"screen-off\\"'
        )
        return message | {"message": text}

    prison.mail.changes = changed
    prison.carry_out()

    assert prison.states(request) == ["sent"]
    assert [machine.used for machine in prison.machines()] == [{}, {}, {}, {}]


def test_what_a_broker_withholds_stays_open_and_comes_when_it_lets_go(prison):
    prison.carry_out()
    request = prison.lock()
    prison.mail.withholds = True
    found = prison.carry_out()
    prison.mail.withholds = False

    assert {one.why for one in found.unproven if one.intent == request.request} == {
        f"XAA's relay has not reported it (last heard at {datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC)"
    }
    prison.carry_out()
    assert prison.states(request) == ["proven"]


def test_a_relay_cannot_forge_a_proof(prison):
    request = prison.lock()
    lie, key = {}, prison.place.report_key()

    def lying(report):
        fields = json.loads(report["message"])
        for one in fields["said"]["requests"].values():
            one["intents"] = [
                [device, nonce, "proven", "", lie["proof"]] for device, nonce, *_ in one["intents"]
            ]
        message = Message(kind="report", prison="XAA", number=fields["number"], said=fields["said"])
        prison.mail.reports.append(message.sealed(key, namespace=TO_CENTRE))

    # The proof of another device, which is all that a relay could show.
    prison.estate.wire.silent.update(d.device for d in prison.devices())
    other = prison.devices("XAB")[:1]
    prison.lock(other)
    prison.carry_out()
    with prison.registry.reading() as connection:
        names = [one.request for one in requests_kept(connection)]
        shown = intents_of(connection, names)
        mine = next(name for name in names if shown[name][0].device == other[0].device)
        lie["proof"] = proofs_of(connection, mine)[other[0].device]
    prison.mail.node.report = lying

    found = prison.carry_out()

    assert prison.states(request) == ["sent"]
    whys = {one.why for one in found.unproven if one.intent == request.request}
    assert all("XAA's relay shows no proof of it" in why for why in whys)


def test_a_report_that_the_relay_did_not_sign_is_left_out(prison):
    prison.carry_out()
    before = prison.centre.states()["XAA"]
    message = Message(kind="report", prison="XAA", number=99, said={})

    prison.mail.reports = [message.sealed(read_private(prison.folder / "ben"), namespace=TO_CENTRE)]
    prison.centre.gather()

    after = prison.centre.states()["XAA"]
    assert (after.reported, after.heard_at) == (before.reported, before.heard_at)
    assert "not the relay's" in after.fault


def test_a_list_of_signers_never_goes_back(prison):
    prison.carry_out()
    number = prison.place.statement().number
    older = prison.statement_of(number=number - 1)

    prison.mail.node.take(
        prison.sealed(
            Kind.NEWS, {"trust": {"statement": older.statement, "signature": older.signature}}
        )
    )

    assert prison.place.statement().number == number
    assert "is older than" in prison.log()[-1]["detail"]["why"]


def test_past_its_age_a_list_of_signers_lets_nothing_through_but_locks(prison):
    aged = prison.statement_of(
        number=prison.identity.statement().number + 1, issued_s=int(time.time()) - 31 * 86_400
    )
    prison.carry_out()
    said = {"trust": {"statement": aged.statement, "signature": aged.signature}}
    prison.mail.node.take(prison.sealed(Kind.NEWS, said))
    quarantine = unkept(Action.QUARANTINE, prison.devices())
    lock = unkept(Action.LOCK, prison.devices(), level="notice", page=PAGE)

    prison.mail.node.take(prison.sealed(Kind.ORDER, prison.order(quarantine, "ben"), 1001))
    prison.mail.node.take(prison.sealed(Kind.ORDER, prison.order(lock, "ben"), 1002))

    actions = [[one["action"] for one in machine.used.values()] for machine in prison.machines()]
    assert actions == [["lock"]] * 4


def test_what_a_device_did_a_later_order_in_place_of_is_superseded_here_as_there(prison):
    device, *others = prison.devices()
    prison.carry_out()
    prison.estate.wire.silent.add(device.device)
    first = prison.asked(Action.QUARANTINE, [device, *others])
    prison.carry_out()
    prison.estate.wire.silent.clear()
    later = replace(unkept(Action.QUARANTINE, prison.devices()), supersedes=first.request)
    prison.mail.node.take(prison.sealed(Kind.ORDER, prison.order(later, "ben")))

    prison.carry_out()

    assert prison.states(first, prison.relay_registry) == ["proven", "superseded"]
    assert prison.states(first) == ["proven", "superseded"]


@pytest.fixture
def unanswered(prison):
    """Return a request that the relay has, and that no device has answered to."""
    prison.carry_out()
    prison.estate.wire.silent.update(d.device for d in prison.devices())
    request = prison.asked(Action.QUARANTINE, prison.devices())
    prison.carry_out()
    return request


def stop(prison, request):
    """Stop a request at the centre, which tells nobody yet."""
    with prison.registry.writing() as connection:
        set_status(connection, request.request, STOPPED)


def status_at_the_relay(prison, request):
    with prison.relay_registry.reading() as connection:
        return request_kept(connection, request.request).status


def test_a_stop_reaches_the_relay_and_an_older_word_does_not_undo_it(prison, unanswered):
    going_on = prison.mail.sent[-2]
    stop(prison, unanswered)
    prison.carry_out()
    prison.mail.node.take(going_on)
    prison.estate.wire.silent.clear()

    prison.mail.node.round()

    assert prison.states(unanswered) == ["withdrawn"]
    assert [machine.used for machine in prison.machines()] == [{}, {}, {}, {}]


def test_a_stop_goes_to_the_relay_at_once_and_holds_there_without_a_pass_of_the_centre(
    prison, unanswered
):
    stop(prison, unanswered)

    told = prison.centre.pass_on(unanswered.request)

    assert told == (["XAA"], [])
    assert status_at_the_relay(prison, unanswered) == STOPPED
    prison.estate.wire.silent.clear()
    prison.mail.node.round()
    assert [machine.used for machine in prison.machines()] == [{}, {}, {}, {}]


def test_a_relay_that_cannot_be_reached_is_named_and_told_with_the_next_pass(prison, unanswered):
    stop(prison, unanswered)
    prison.mail.is_down = True

    assert prison.centre.pass_on(unanswered.request) == ([], ["XAA"])

    prison.mail.is_down = False
    prison.centre.remind()
    assert status_at_the_relay(prison, unanswered) == STOPPED


def test_questions_that_come_while_a_pass_is_under_way_wait_for_one_more_together(prison):
    prison.carry_out()
    begun, node = [], prison.mail.node
    node.begin = begun.append
    request = prison.lock()
    for number in (1001, 1002, 1003):
        said = {"request": request.request, "status": "open"}
        node.take(prison.sealed(Kind.ASK, said, number))

    assert len(begun) == 1
    begun.pop()()

    reported = json.loads(prison.mail.reports[-1]["message"])["said"]
    assert reported["answers"] == [1001, 1002, 1003]


def test_a_relay_logs_in_to_every_device_by_itself(prison):
    prison.carry_out()
    node = prison.mail.node
    assert node.contact_in_s(3600) == 0

    prison.estate.wire.silent.add(prison.devices()[0].device)
    node.keep_in_contact()

    assert prison.spoken_to == [d.device for d in prison.devices()]
    found = last_contact(prison.place)
    assert (found["devices"], found["answered"]) == (4, 3)
    assert 3000 < node.contact_in_s(3600) <= 3600


def test_a_report_is_sent_until_the_centre_has_it(prison):
    request = prison.lock()
    prison.carry_out()
    prison.mail.reports.clear()
    prison.mail.node.round()
    (sign_of_life,) = prison.mail.reports
    assert json.loads(sign_of_life["message"])["said"]["requests"] == {}

    again = prison.lock(prison.devices()[:1])
    prison.mail.node.report = lambda _report: None  # It gets lost.
    prison.carry_out()
    prison.mail.node.report = prison.mail.reports.append
    prison.mail.reports.clear()
    prison.mail.node.round()

    (report,) = prison.mail.reports
    assert list(json.loads(report["message"])["said"]["requests"]) == [again.request]
    prison.carry_out()
    assert prison.states(again) == prison.states(request) == ["proven"]


def test_what_was_ordered_inside_is_taken_over_once_it_is_judged(prison):
    prison.carry_out()
    local = prison.relay_registry.devices()
    inside = prison.lock([d for d in local if d.nonce], registry=prison.relay_registry)
    prison.mail.node.round()

    prison.carry_out()

    assert prison.states(inside) == ["proven"]


def test_what_nobody_signed_inside_is_not_taken_over(prison):
    prison.carry_out()
    devices = prison.devices()
    request = unkept(Action.LOCK, devices, level="notice", page=PAGE)
    said = {
        "at_s": 0,
        "trust": 9,
        "roster": 9,
        "audit": {"entries": 99, "hash": "x"},
        "answers": [],
        "refused": {},
        "unknown": [],
        "waves": {},
        "bundles": {},
        "requests": {
            request.request: {
                "encoded": request.encoded().decode(),
                "signatures": {},
                "allowlist": "",
                "intents": [[d.device, d.nonce, "proven", "", ""] for d in devices],
            }
        },
    }
    message = Message(kind="report", prison="XAA", number=999, said=said)
    prison.mail.reports.append(message.sealed(prison.place.report_key(), namespace=TO_CENTRE))

    assert prison.centre.gather() == []

    assert "is not signed for these devices" in prison.centre.states()["XAA"].fault


def test_a_log_that_was_cut_short_is_noticed(prison):
    prison.lock()
    prison.carry_out()
    assert prison.centre.states()["XAA"].fault == ""
    path = prison.place.workspace.audit
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:1]))

    prison.mail.node.round()
    prison.centre.gather()

    assert "now tells another story" in prison.centre.states()["XAA"].fault


def test_a_device_that_left_the_prison_is_out_of_the_relays_reach(prison):
    prison.carry_out()
    (device, *_) = prison.devices()
    other = prison.devices("XAB")[0]
    prison.registry.move(other.device, "", by="asha", why="test")
    prison.registry.move(device.device, other.cell, by="asha", why="test")

    prison.centre.gather()

    held = {d.device: d.nonce for d in prison.relay_registry.devices()}
    assert held[device.device] == ""


def test_a_relay_may_be_there_before_the_first_device_of_its_prison(prison):
    prison.centre.posts = {"XAA": prison.mail, "XYZ": Mail(withholds=True)}

    assert prison.centre.gather() == []

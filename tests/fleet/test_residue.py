"""What is left to be proven, from a registry in which requests ended in every way."""

from datetime import timedelta

import pytest

from fleet.approval import Action, new_request
from fleet.device import DeviceState, NewDevice
from fleet.enrolment.contact import TRUST_FACT
from fleet.identity.statement import Statement
from fleet.registry.relays import note_relay
from fleet.registry.requests import keep_request, set_intents
from fleet.residue import relays_behind, residue
from tests.fleet.approval.conftest import NOW

STATEMENT = Statement(
    schema=1,
    number=7,
    issued_s=int(NOW.timestamp()),
    age_days_max=30,
    broker_authorities=(),
    deploy_authorities=(),
    time_keys=(),
    revocation_list="",
    signers=(),
)
HOUR = timedelta(hours=1)


@pytest.fixture
def live(sqlite_registry, host_key):
    """Return two live devices that hold the list of signers in force."""
    new = [NewDevice(serial=f"S{n}", address=f"10.0.0.{n}") for n in (1, 2)]
    for number, name in enumerate(sqlite_registry.add(new, by="asha", why="bought")):
        sqlite_registry.enrol(name, host_key(number), by="asha", why="new")
        sqlite_registry.set_state(name, DeviceState.LIVE, by="asha", why="new")
        sqlite_registry.record_facts({name: {TRUST_FACT: 7}}, at=NOW)
    return sqlite_registry


def ended(registry, action, state, at):
    """Ask something of the first device, and let it end in a state."""
    device = registry.devices()[0]
    expires = None if action is Action.LOCK else at + HOUR
    request = new_request(
        action, [device], scope=device.device, by="ben", now=at, expires=expires, parameters={}
    )
    change = {"device": device.device, "before": "waiting", "state": state, "why": "no such unit"}
    with registry.writing() as connection:
        keep_request(
            connection,
            request.request,
            nonce=request.nonce,
            encoded=request.encoded(),
            devices={device.device: device.nonce},
            at=at,
        )
        set_intents(connection, request.request, [change], at)
    return request.request


def left(registry):
    return [(one.intent, one.state) for one in residue(registry, STATEMENT, registry.devices())]


@pytest.mark.parametrize("state", ["proven", "superseded", "withdrawn"])
def test_what_is_proven_or_wanted_no_more_is_not_left(live, state):
    ended(live, Action.LOCK, state, NOW)

    assert left(live) == []


def test_what_failed_is_left_until_a_later_one_of_its_kind_is_proven(live):
    failed = ended(live, Action.LOCK, "failed", NOW)
    ended(live, Action.QUARANTINE, "proven", NOW + HOUR)

    before = left(live)
    ended(live, Action.LOCK, "proven", NOW + 2 * HOUR)

    assert before == [(failed, "failed")]
    assert left(live) == []


def test_what_failed_before_a_new_provisioning_is_over(live, host_key):
    ended(live, Action.LOCK, "failed", NOW)
    name = live.devices()[0].device
    live.enrol(name, host_key(0), by="asha", why="anew")

    assert left(live) == []


def test_who_holds_an_older_list_of_signers_is_left(live):
    name = live.devices()[1].device
    live.record_facts({name: {TRUST_FACT: 6}}, at=NOW)

    (one,) = residue(live, STATEMENT, live.devices())

    assert (one.device, one.state) == (name, "behind")
    assert one.why == "it holds list 6 of signers and authorities, not 7"


def test_only_the_devices_that_are_asked_about_are_listed(live):
    ended(live, Action.LOCK, "waiting", NOW)
    first, second = live.devices()

    assert len(residue(live, STATEMENT, [first])) == 1
    assert residue(live, STATEMENT, [second]) == []


def test_a_relay_is_left_until_it_is_heard_to_hold_the_list_in_force(live):
    with live.writing() as connection:
        note_relay(connection, "MDI", trust=6, heard_at=NOW)
        note_relay(connection, "LEI", trust=7, heard_at=NOW)

    left = relays_behind(live, STATEMENT, ["MDI", "LEI", "XAA"])

    assert [(one.prison, one.state) for one in left] == [("MDI", "behind"), ("XAA", "behind")]
    assert left[0].why.startswith("it holds list 6 of signers and authorities, not 7; last heard 2")
    assert left[1].why.endswith("; last heard never")

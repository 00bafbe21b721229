"""Statements of trust reach devices, and authorities are replaced, in the lab."""

from dataclasses import asdict

import pytest

from fleet.enrolment import Centre, enrol_devices, plan, read_candidates
from fleet.enrolment.contact import ordered
from fleet.errors import RefusedError, UnreachableError
from fleet.identity import Identity, Lane
from fleet.identity.operators import Operator, Role, removed
from fleet.registry import Registry
from fleet.trust import Outcome, behind, missed, push, rotate

PATIENCE_S = 60
NOWHERE = "198.18.255.254"


@pytest.fixture
def fleet(new_lab):
    """Return a lab's centre and registry, its four devices live."""
    lab = new_lab(devices=4, prisons=1)
    identity, _ = Identity.make(lab.workspace, operator="asha")
    centre = Centre(
        identity=identity, transport=lab.transport, operator="asha", timeout_s=PATIENCE_S
    )
    with Registry.create(lab.workspace.settings().database) as registry:
        devices = read_candidates(lab.workspace.devices_csv)
        results = enrol_devices(centre, registry, plan(registry, devices))
        assert all(one.done for one in results), results
        yield centre, registry


def opens(centre, device, lane, authority=""):
    try:
        centre.session(device, lane, purpose="test", authority=authority).close()
    except RefusedError:
        return False
    return True


def test_who_is_behind_is_told_and_then_nobody_is(fleet):
    centre, registry = fleet
    centre.identity.renew()

    assert len(behind(registry, 2)) == 4
    assert {one.outcome for one in push(centre, registry)} == {Outcome.TAKEN}
    assert behind(registry, 2) == []
    assert push(centre, registry) == []


def test_a_device_that_is_away_stays_behind_and_is_told_later(fleet):
    centre, registry = fleet
    device = registry.devices()[0]
    registry.record_address(device.device, NOWHERE, source="test", by="asha")
    centre.identity.renew()

    (away,) = missed(push(centre, registry))
    assert (away.device, away.outcome) == (device.device, Outcome.UNREACHABLE)
    assert [one.device for one in behind(registry, 2)] == [device.device]

    registry.record_address(device.device, device.address, source="test", by="asha")
    assert [one.outcome for one in push(centre, registry)] == [Outcome.TAKEN]


def test_an_operator_who_was_removed_is_refused_by_every_device(fleet):
    centre, registry = fleet
    identity = centre.identity
    ben = Operator(operator="ben", role=Role.OPERATOR)
    identity.set_operators([*identity.operators(), ben])
    device = registry.devices()[0]
    credential = identity.credential(Lane.BROKER, operator="ben", purpose="test")
    centre.opened(device, "wingspan", credential).close()

    identity.set_operators(removed(identity.operators(), "ben", at="now", by="asha"))
    assert identity.revoke_of("ben") == 1
    identity.renew()
    assert missed(push(centre, registry)) == []

    for one in registry.devices():
        with pytest.raises(RefusedError, match="refuses the login"):
            centre.opened(one, "wingspan", credential)
        assert opens(centre, one, Lane.BROKER)


@pytest.mark.parametrize("lane", list(Lane))
def test_an_authority_is_replaced_over_the_other_lane(fleet, lane):
    centre, registry = fleet
    old = centre.identity.authorities()[lane].signing
    done = rotate(centre, registry, lane)

    assert (done.done, done.authority, missed(done.results)) == (True, f"{old}-2", [])
    for device in registry.devices():
        assert opens(centre, device, lane)
        assert not opens(centre, device, lane, authority=old)


def test_a_replacement_waits_for_every_device_and_then_goes_on(fleet):
    centre, registry = fleet
    device = registry.devices()[0]
    registry.record_address(device.device, NOWHERE, source="test", by="asha")

    begun = rotate(centre, registry, Lane.BROKER)
    assert (begun.done, [one.device for one in missed(begun.results)]) == (False, [device.device])
    assert centre.identity.authorities()[Lane.BROKER].signing == "broker_ca"

    registry.record_address(device.device, device.address, source="test", by="asha")
    done = rotate(centre, registry, Lane.BROKER)
    assert (done.done, done.authority, missed(done.results)) == (True, "broker_ca-2", [])
    assert not opens(centre, device, Lane.BROKER, authority="broker_ca")


def test_a_stolen_authority_opens_nothing_that_could_be_told(fleet):
    centre, registry = fleet
    away = registry.devices()[0]
    registry.record_address(away.device, NOWHERE, source="test", by="asha")
    done = rotate(centre, registry, Lane.DEPLOY, at_once=True)

    assert [one.device for one in missed(done.results)] == [away.device]
    for device in registry.devices()[1:]:
        assert not opens(centre, device, Lane.DEPLOY, authority="deploy_ca")
        assert opens(centre, device, Lane.DEPLOY)

    # Who was away still trusts the stolen one, is listed as behind, and is told when it is back.
    registry.record_address(away.device, away.address, source="test", by="asha")
    assert opens(centre, away, Lane.DEPLOY, authority="deploy_ca")
    assert missed(push(centre, registry)) == []
    assert not opens(centre, away, Lane.DEPLOY, authority="deploy_ca")
    assert opens(centre, away, Lane.DEPLOY)


def test_a_statement_that_nobody_confirmed_is_taken_back_at_boot(new_lab):
    lab = new_lab(devices=1, prisons=1)
    identity, _ = Identity.make(lab.workspace, operator="asha")
    centre = Centre(
        identity=identity, transport=lab.transport, operator="asha", timeout_s=PATIENCE_S
    )
    with Registry.create(lab.workspace.settings().database) as registry:
        candidates = read_candidates(lab.workspace.devices_csv)
        enrol_devices(centre, registry, plan(registry, candidates))
        (device,) = registry.devices()
    with centre.session(device, Lane.DEPLOY, purpose="test") as session:
        assert ordered(centre, session, "take", asdict(identity.renew()))["number"] == 2
        session.run("sync; (sleep 0.2; reboot -f) >/dev/null 2>&1 &", timeout_s=PATIENCE_S)

    def taken_back():
        try:
            with centre.session(device, Lane.DEPLOY, purpose="test") as session:
                return ordered(centre, session, "settings")["number"] == 1
        except UnreachableError:
            return False

    lab.wait_until(taken_back)  # Long before the device would do so while it is up.

"""What every driver and lane does, on real devices of a rehearsal and on simulated ones alike."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from fleet.approval import Action, new_request
from fleet.approval.order import APPROVED, signed
from fleet.deploy import DeployLane, issued_by, parcel_of
from fleet.driver import SshWire
from fleet.enrolment import Centre, enrol_devices, plan, read_candidates
from fleet.errors import NotYetError, RefusedError
from fleet.health.probe import Lane, Patience, ask
from fleet.identity import Lane as Authority
from fleet.registry import Registry
from fleet.registry.requests import (
    PAUSED,
    keep_signature,
    set_intents,
    set_status,
)
from fleet.rehearsal.lab import down
from fleet.simulator import asked, simulate
from fleet.topology import read_topology
from fleet.workspace import Workspace
from tests.fleet.conftest import PATIENCE_S
from tests.fleet.world import KNOCKING, LosingWire, World, made_bundle, staff, wave_of

PATIENCE = Patience(login_s=PATIENCE_S, answer_s=PATIENCE_S)
PAGE = "Press the cell bell for help."


@pytest.fixture(scope="module", params=["lab", "simulator"])
def world(request, tmp_path_factory):
    people = tmp_path_factory.mktemp("people")
    made = {"lab": in_the_lab, "simulator": simulated}[request.param]
    with made(request, people, tmp_path_factory) as found:
        yield found


@contextmanager
def in_the_lab(request, people, folders):
    lab = request.getfixturevalue("start_lab")(devices=16, prisons=2)
    request.addfinalizer(lambda: down(lab.workspace))
    identity, keys = staff(lab.workspace, people)
    centre = Centre(
        identity=identity, transport=lab.transport, operator="asha", timeout_s=PATIENCE_S
    )
    with Registry.create(lab.workspace.settings().database) as registry:
        found = plan(registry, read_candidates(lab.workspace.devices_csv))
        results = enrol_devices(centre, registry, found)
        assert all(one.done for one in results), results
        issue = partial(
            identity.credential, Authority.BROKER, operator="asha", purpose="test", minutes=60
        )
        credential = issue()
        lane = Lane(credential=lambda: credential, transport=lab.transport)

        def in_lab(device):
            return next(d for d in lab.devices if str(d.address) == device.address)

        @contextmanager
        def silence(device):
            with lab.fault("power-off", in_lab(device).serial):
                yield
            lab.answering([in_lab(device)])

        def provision(device, nonce):
            path = "/var/lib/wingspan/provisioning.json"
            script = f"sed -i 's/{device.nonce}/{nonce}/' {path}; rm -rf /var/lib/wingspan/used"
            lab.rehearsal.on(in_lab(device), ["sh", "-c", script])

        yield World(
            identity=identity,
            registry=registry,
            people=keys,
            wire=LosingWire(SshWire(lane=lane)),
            lane=DeployLane(credential=issued_by(identity, "asha"), carrier=lab.transport),
            bundle=made_bundle(lab.workspace, folders.mktemp("bundle")),
            topology=read_topology(lab.workspace.topology),
            probe=lambda device: ask(device, lane, PATIENCE),
            silence=silence,
            provision=provision,
        )


@contextmanager
def simulated(_request, people, folders):
    workspace = Workspace(folders.mktemp("simulated"))
    identity, keys = staff(workspace, people)
    with Registry.create(workspace.settings().database) as registry:
        found = simulate(registry, identity.envelope(), KNOCKING, devices=16, prisons=2)

        @contextmanager
        def silence(device):
            found.wire.silent.add(device.device)
            yield
            found.wire.silent.remove(device.device)

        yield World(
            identity=identity,
            registry=registry,
            people=keys,
            wire=LosingWire(found.wire),
            lane=found.lane(apply_s=1.0),
            bundle=made_bundle(workspace, folders.mktemp("bundle")),
            topology=found.topology,
            probe=lambda device: asked(found.wire, device, PATIENCE),
            silence=silence,
            provision=lambda device, nonce: found.provision(device.device, nonce),
        )


def test_a_probe_says_who_it_is(world):
    device = world.device(0)

    outcome = world.probe(device)

    assert outcome.error is None
    assert (outcome.report.device, outcome.report.nonce) == (device.device, device.nonce)
    assert len(outcome.report.facts["ruleset_sha256"]) == 64


def test_an_order_is_carried_out_and_proven(world):
    device = world.device(0)
    request = world.ask_for(Action.LOCK, [device], level="relay-only", page=PAGE)

    found = world.carry_out()

    assert [one.device for one in found.proven] == [device.device]
    proof = world.shown(request, device)
    assert (proof.outcome, proof.level, proof.shown["screen"]) == ("done", "relay-only", "notice")
    assert proof.shown["probes"]["forbidden"] == "shut"
    assert world.probe(device).report.facts["ruleset_sha256"] == proof.ruleset_sha256


def test_an_order_that_is_sent_again_acts_no_second_time(world):
    device = world.device(1)
    lock = world.ask_for(Action.LOCK, [device], level="notice", page=PAGE)
    world.carry_out()
    unlock = world.ask_for(Action.UNLOCK, [device], "cleo", locks=lock.request)
    world.carry_out()
    back = {"device": device.device, "before": "proven", "state": "waiting"}
    with world.registry.writing() as connection:  # As after a restore, but nobody asks.
        set_intents(connection, lock.request, [back], datetime.now(tz=UTC))

    world.carry_out()

    assert world.state(unlock, device)[0] == "proven"
    assert world.shown(lock, device).shown["locks"] == []
    over = {"device": device.device, "before": "sent", "state": "proven"}
    with world.registry.writing() as connection:  # As it was, for the tests that follow.
        set_intents(connection, lock.request, [over], datetime.now(tz=UTC))


def test_an_expired_order_is_not_sent_and_would_be_refused(world):
    device = world.device(2)
    early = datetime.now(tz=UTC) - timedelta(hours=2)
    request = world.ask_for(Action.QUARANTINE, [device], at=early)

    # One whose clock is two hours slow sends it all the same.
    slow = world.carry_out(now=early)

    assert [one.device for one in slow.failed] == [device.device]
    assert "the order has expired" in world.state(request, device)[1]
    later = world.ask_for(Action.QUARANTINE, [device], at=early)
    world.carry_out()
    assert world.state(later, device)[0] == "expired"


def test_an_unsigned_order_is_not_sent_and_would_be_refused(world):
    device = world.device(2)
    request = world.ask_for(Action.RELEASE, [device])
    waiting = world.carry_out()
    assert [one.device for one in waiting.waiting] == [device.device]

    # One that believes vic to be an approver sends it all the same.
    with world.registry.writing() as connection:
        made = signed(request, operator="vic", key=world.people["vic"], namespace=APPROVED)
        now = datetime.now(tz=UTC)
        keep_signature(
            connection, request.request, operator="vic", signature=made.signature, at=now
        )
    signers = world.identity.statement().signers
    lying = [replace(one, role="approver") if one.operator == "vic" else one for one in signers]
    world.carry_out(signers=lying)

    assert world.state(request, device)[0] == "failed"
    assert "2 people have to sign, and 1 did" in world.state(request, device)[1]


def overtaken(world, device):
    """Return a request that waits for a device, and one that this device did in its place."""
    first = world.ask_for(Action.QUARANTINE, [device])
    later = new_request(
        Action.QUARANTINE,
        [device],
        scope="x",
        by="ben",
        now=datetime.now(tz=UTC),
        expires=datetime.now(tz=UTC) + timedelta(hours=1),
        supersedes=first.request,
    )
    world.keep(later, [device], "ben")
    orders = world.order(later, [device], "ben")
    (reply,) = world.driver.order([device], orders)
    assert reply.proof.outcome == "done"
    return first, later


def test_what_a_later_order_took_the_place_of_ends_as_superseded_and_is_not_sent(world):
    device = world.device(3)
    first, later = overtaken(world, device)
    with world.registry.writing() as connection:
        set_status(connection, first.request, PAUSED)
    world.carry_out()  # Now the centre knows.

    assert world.state(later, device)[0] == "proven"

    world.carry_out()

    assert world.state(first, device) == ("superseded", f"{later.request} has taken its place")
    assert world.shown(first, device).outcome == "unknown"


def test_a_device_that_did_a_later_order_says_so_to_who_does_not_know(world):
    device = world.device(3)
    first, later = overtaken(world, device)

    found = world.carry_out(only=first.request)

    assert world.state(later, device)[0] == "waiting"
    assert not found.failed
    state, why = world.state(first, device)
    assert state == "superseded"
    assert "a later order has taken its place" in why
    assert world.shown(first, device).outcome == "unknown"
    world.carry_out()


def test_an_order_does_not_hit_a_device_that_was_provisioned_anew(world):
    device = world.device(4)
    request = world.ask_for(Action.LOCK, [device], level="notice", page=PAGE)
    world.provision(device, "f" * 32)

    found = world.carry_out()

    assert [one.device for one in found.failed] == [device.device]
    assert "not for this device in its present provisioning" in world.state(request, device)[1]


def test_a_silent_device_keeps_its_order_until_it_answers(world):
    device = world.device(5)
    request = world.ask_for(Action.LOCK, [device], level="notice", page=PAGE)
    with world.silence(device):
        found = world.carry_out()
        assert [one.device for one in found.waiting] == [device.device]

    world.carry_out()

    assert world.state(request, device)[0] == "proven"


def test_an_answer_that_was_lost_is_asked_for_and_the_order_not_sent_again(world):
    device = world.device(6)
    request = world.ask_for(Action.LOCK, [device], level="notice", page=PAGE)
    world.wire.losing.add(device.device)
    lost = world.carry_out()
    world.wire.losing.clear()
    since_s = world.shown(request, device).shown["locks"]

    found = world.carry_out()

    assert [one.device for one in lost.unproven] == [device.device]
    assert [one.device for one in found.proven] == [device.device]
    assert world.shown(request, device).shown["locks"] == since_s == [request.request]


def test_who_holds_another_key_is_not_believed(world):
    device = replace(world.device(7), host_key=world.device(8).host_key)
    (reply,) = world.driver.prove([device], "R-00000000")

    assert isinstance(reply.error, RefusedError) or "key" in str(reply.error)
    assert reply.proof is None


def test_an_order_that_never_came_is_unknown(world):
    (reply,) = world.driver.prove([world.device(9)], "R-00000000")

    assert reply.proof.outcome == "unknown"


def test_an_update_is_brought_applied_and_proven(world):
    devices = [world.device(10), world.device(11)]
    request = world.update_of(devices)
    world.keep(request, devices, "ben", "cleo")

    found = world.carry_out()

    assert {one.device for one in found.proven} >= {one.device for one in devices}
    for device in devices:
        shown = world.shown(request, device).shown
        assert (shown["version"], shown["update"]["bundle_sha256"]) == (
            "2.0",
            world.bundle.sha256,
        )
        assert world.registry.device(device.device).version == "2.0"


def test_an_update_waits_for_its_bundle_and_is_applied_once(world, tmp_path):
    device = world.device(12)
    request = world.update_of([device])
    orders, wave = world.order(request, [device], "ben", "cleo"), wave_of([device])
    parcel = parcel_of(world.bundle.path, tmp_path)

    (early,) = world.lane.apply(wave, [device], orders)
    lacking = world.lane.prefetch(wave, [device], orders, parcel)
    (first,) = world.lane.apply(wave, [device], orders)
    (second,) = world.lane.apply(wave, [device], orders)

    assert isinstance(early.error, NotYetError)
    assert "the bundle is not here yet" in str(early.error)
    assert lacking == {device.device: ""}
    assert [reply.proof.outcome for reply in (first, second)] == ["done", "done"]


def test_bytes_go_to_nobody_whose_order_does_not_hold(world, tmp_path):
    devices = [world.device(7), world.device(13)]  # Of two prisons.
    request = world.update_of(devices)
    alone = world.order(request, devices, "ben")
    parcel = parcel_of(world.bundle.path, tmp_path)

    lacking = world.lane.prefetch(wave_of(devices), devices, alone, parcel)

    assert all("2 people have to sign, and 1 did" in why for why in lacking.values())


def test_a_wave_goes_on_without_who_is_silent_or_another(world, tmp_path):
    devices = [world.device(13), world.device(14), world.device(15)]
    request = world.update_of(devices)
    orders = world.order(request, devices, "ben", "cleo")
    parcel = parcel_of(world.bundle.path, tmp_path)
    silent, other, well = devices
    impostor = replace(other, host_key=well.host_key)

    with world.silence(silent):
        lacking = world.lane.prefetch(wave_of(devices), [silent, impostor, well], orders, parcel)

    assert "does not answer" in lacking[silent.device]
    assert "key" in lacking[other.device]
    assert lacking[well.device] == ""

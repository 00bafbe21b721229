"""Devices, people and what can happen to both, the same for a rehearsal and a simulated estate."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from fleet.approval import Action, inclusion, leaf, new_request
from fleet.approval.order import APPROVED, REQUESTED, signed
from fleet.approval.request import frozen
from fleet.bundle import Kind, Rules, Wanted, make_bundle, parameters_of
from fleet.driver import BrokerDriver, Order
from fleet.errors import UnreachableError
from fleet.health.rules import Knocking
from fleet.identity import Identity
from fleet.identity.operators import Operator, Role, added
from fleet.reconcile import reconcile
from fleet.registry import Registry
from fleet.registry.requests import (
    intents_of,
    keep_request,
    keep_signature,
)
from fleet.staging import Updates
from fleet.wave import Wave, read_rules
from tests.fleet.bundle.tablets import generic_source
from tests.fleet.conftest import PATIENCE_S, new_key

KNOCKING = Knocking(
    at_once=8,
    at_once_behind={},
    login_timeout_s=PATIENCE_S,
    answer_timeout_s=PATIENCE_S,
    calm_at_once=4,
    calm_timeout_s=PATIENCE_S,
)


class LosingWire:
    """A wire that breaks after the device has answered, for those named."""

    def __init__(self, wire):
        self.wire, self.losing = wire, set()

    def said(self, device, patience, command, stdin):
        answer = self.wire.said(device, patience, command, stdin)
        if device.device in self.losing:
            raise UnreachableError(f"{device.device} hangs up in the command", stage="command")
        return answer


@dataclass
class World:
    """Devices, people, and what can happen to both; real or simulated is not to be seen."""

    identity: Identity
    registry: Registry
    people: dict
    wire: LosingWire
    lane: object
    bundle: object
    topology: object
    probe: object
    silence: object
    provision: object

    @property
    def driver(self):
        return BrokerDriver(wire=self.wire, knocking=KNOCKING)

    def device(self, number):
        return frozen(self.registry.devices())[number]

    def ask_for(self, action, devices, *approvers, expires=None, at=None, **parameters):
        """Keep a request of ben's for devices, agreed to by others."""
        now = at or datetime.now(tz=UTC)
        if action is not Action.LOCK and expires is None:
            expires = now + timedelta(hours=1)
        request = new_request(
            action, devices, scope="x", by="ben", now=now, expires=expires, parameters=parameters
        )
        self.keep(request, devices, "ben", *approvers)
        return request

    def keep(self, request, devices, *people):
        now = datetime.now(tz=UTC)
        nonces = {device.device: device.nonce for device in devices}
        with self.registry.writing() as connection:
            keep_request(
                connection,
                request.request,
                nonce=request.nonce,
                encoded=request.encoded(),
                devices=nonces,
                at=now,
            )
            for name in people:
                namespace = REQUESTED if name == "ben" else APPROVED
                made = signed(request, operator=name, key=self.people[name], namespace=namespace)
                keep_signature(
                    connection, request.request, operator=name, signature=made.signature, at=now
                )

    def update_of(self, devices):
        """Return a request of ben's that devices take the bundle."""
        now = datetime.now(tz=UTC)
        rules = {"soak_s": 0, "hold": "", "one_per": ""}
        return new_request(
            Action.UPDATE,
            devices,
            scope="x",
            by="ben",
            now=now,
            expires=now + timedelta(hours=1),
            parameters=parameters_of(self.bundle, Rules(battery_percent_min=0)) | rules,
        )

    def carry_out(self, *, now=None, signers=None, only=""):
        return reconcile(
            self.registry,
            self.driver,
            self.identity.statement().signers if signers is None else signers,
            now=now or datetime.now(tz=UTC),
            by="ben",
            updates=self.updates,
            only=only,
        )

    @property
    def updates(self):
        """Return what updates are carried out with."""

        def answering(devices):
            return frozenset(d.device for d in devices if not self.probe(d).is_unreachable)

        return Updates(
            lane=self.lane,
            rules=read_rules(self.bundle.path.parent),
            topology=self.topology,
            bundles=self.bundle.path.parent,
            answering=answering,
        )

    def order(self, request, devices, *people):
        """Return the orders of a request to some devices, signed by people."""
        proofs = inclusion([leaf(one.device, one.nonce) for one in frozen(devices)])
        signatures = tuple(
            signed(
                request,
                operator=name,
                key=self.people[name],
                namespace=REQUESTED if name == "ben" else APPROVED,
            )
            for name in people
        )
        return {
            one.device: Order(request=request, signatures=signatures, included=included)
            for one, included in zip(frozen(devices), proofs, strict=True)
        }

    def state(self, request, device):
        with self.registry.reading() as connection:
            intents = intents_of(connection, [request.request])[request.request]
        return next((i.state, i.why) for i in intents if i.device == device.device)

    def shown(self, request, device):
        """Return what a device shows when it is asked about a request."""
        (reply,) = self.driver.prove([device], request.request)
        assert reply.proof, reply.error
        return reply.proof


def wave_of(devices):
    """Return the wave of some devices."""
    names = tuple(device.device for device in devices)
    times = {"prefetch_s": PATIENCE_S, "apply_s": PATIENCE_S}
    return Wave(site="XAA", coverage=False, devices=names, at_once=4, rate_mbps=50.0, **times)


def made_bundle(workspace, folder):
    """Return a small bundle, under the name by which bundles are kept."""
    bundle = make_bundle(
        workspace,
        generic_source(folder / "source", "2.0", parts=2),
        Wanted(name="kiosk", kind=Kind.GENERIC, version="2.0"),
        folder / "made.tar",
        now=datetime.now(tz=UTC),
    )
    return replace(bundle, path=bundle.path.rename(folder / f"{bundle.sha256}.tar"))


def staff(workspace, folder):
    """Return a new identity with people in it, and their keys by name."""
    identity, _ = Identity.make(workspace, operator="asha")
    roles = {"ben": Role.OPERATOR, "cleo": Role.APPROVER, "vic": Role.VIEWER}
    operators = identity.operators()
    for name, role in roles.items():
        public = " ".join(new_key(folder / name).split()[:2])
        operators = added(operators, Operator(operator=name, role=role, key=public))
    identity.set_operators(operators)
    identity.renew()
    return identity, {name: folder / name for name in roles}

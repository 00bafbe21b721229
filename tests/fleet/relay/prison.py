"""A centre, a relay and simulated devices, with a broker in between that does as it likes."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete

from fleet.approval import Action, new_request
from fleet.approval.order import APPROVED, REQUESTED, signed
from fleet.driver import Order
from fleet.errors import UnreachableError
from fleet.health.rules import Knocking
from fleet.identity import Identity
from fleet.identity.keys import Key, read_private
from fleet.identity.operators import Operator, Role, added
from fleet.identity.statement import sealed
from fleet.reconcile import reconcile
from fleet.registry import Registry
from fleet.registry.relays import RelayedRow
from fleet.registry.requests import (
    intents_of,
    keep_request,
    keep_signature,
)
from fleet.relay.centre import Centre, wave_of
from fleet.relay.driver import RelayDriver
from fleet.relay.message import TO_RELAY, Message
from fleet.relay.node import Node
from fleet.relay.place import Settings, find_place, install
from fleet.simulator import simulate
from fleet.workspace import Workspace
from tests.fleet.conftest import new_key

KNOCKING = Knocking(
    at_once=4,
    at_once_behind={},
    login_timeout_s=1,
    answer_timeout_s=1,
    calm_at_once=2,
    calm_timeout_s=1,
)
PAGE = "Press the cell bell."


@dataclass
class Mail:
    """A broker that carries messages at once, unless it is down, withholds or changes them."""

    node: Node | None = None
    sent: list = field(default_factory=list)
    reports: list = field(default_factory=list)
    withholds: bool = False
    is_down: bool = False
    changes: object = None

    def send(self, message):
        if self.is_down:
            raise UnreachableError("the broker does not answer", stage="connect")
        self.sent.append(message)
        if not self.withholds:
            self.node.take(self.changes(message) if self.changes else message)

    def collect(self, take):
        count = 0
        while self.reports:
            take(self.reports.pop(0))
            count += 1
        return count


class Prison:
    """A centre, the relay of XAA and its four devices; XAB has none, and two devices."""

    def __init__(self, folder):
        self.folder, self.keys, self.spoken_to = folder, {}, []
        self.identity = self.staffed()
        self.registry = Registry.create(f"sqlite:///{folder / 'centre.db'}")
        workspace = Workspace(folder / "relay")
        settings = Settings(prison="XAA", broker="rediss://relay-XAA@localhost")
        trust = self.identity.trust_public()
        made = install(workspace, settings, trust=trust, password="x", authority="x")  # noqa: S106
        self.identity.set_relays([made])
        self.identity.refresh()
        self.estate = simulate(
            self.registry, self.identity.envelope(), KNOCKING, devices=8, prisons=2
        )
        self.place = find_place(workspace)
        self.relay_registry = Registry.create(workspace.settings().database)
        self.mail = Mail()
        self.mail.node = self.node()
        self.centre = Centre(
            registry=self.registry,
            identity=self.identity,
            posts={"XAA": self.mail},
            topology=self.estate.topology,
        )

    def node(self):
        """Return the relay as it is when it begins."""
        return Node(
            place=self.place,
            registry=self.relay_registry,
            driver=lambda: self.estate.driver,
            answering=self.answering,
            report=self.mail.reports.append,
            again_s=0,
        )

    def staffed(self):
        identity, _ = Identity.make(Workspace(self.folder / "centre"), operator="asha")
        operators = identity.operators()
        for name, role in (("ben", Role.OPERATOR), ("cleo", Role.APPROVER)):
            public = " ".join(new_key(self.folder / name).split()[:2])
            self.keys[name] = self.folder / name
            operators = added(operators, Operator(operator=name, role=role, key=public))
        identity.set_operators(operators)
        identity.renew()
        return identity

    def answering(self, devices):
        """Log in to devices, as a relay does; return who answers."""
        self.spoken_to += [device.device for device in devices]
        return frozenset(d.device for d in devices) - self.estate.wire.silent

    def devices(self, prison="XAA"):
        return [d for d in self.registry.devices() if d.prison_id == prison]

    def signature(self, request, name):
        namespace = REQUESTED if name == "ben" else APPROVED
        made = signed(request, operator=name, key=self.keys[name], namespace=namespace)
        return made.signature

    def asked(self, action, devices, *people, registry=None, **parameters):
        """Return a request that is kept, signed by ben and others."""
        now = datetime.now(tz=UTC)
        expires = None if action is Action.LOCK else now + timedelta(hours=1)
        request = new_request(
            action, devices, scope="x", by="ben", now=now, expires=expires, parameters=parameters
        )
        with (registry or self.registry).writing() as connection:
            nonces = {device.device: device.nonce for device in devices}
            keep_request(
                connection,
                request.request,
                nonce=request.nonce,
                encoded=request.encoded(),
                devices=nonces,
                at=now,
            )
            for name in ("ben", *people):
                made = self.signature(request, name)
                keep_signature(connection, request.request, operator=name, signature=made, at=now)
        return request

    def lock(self, devices=None, **more):
        chosen = devices or self.devices()
        return self.asked(Action.LOCK, chosen, level="notice", page=PAGE, **more)

    def carry_out(self):
        self.centre.gather()
        return reconcile(
            self.registry,
            RelayDriver(centre=self.centre, direct=self.estate.driver, patience_s=0.5),
            self.identity.statement().signers,
            now=datetime.now(tz=UTC),
            by="ben",
        )

    def forget_that_relays_were_sent(self, request):
        with self.registry.writing() as connection:
            connection.execute(delete(RelayedRow).where(RelayedRow.request == request.request))

    def states(self, request, registry=None):
        with (registry or self.registry).reading() as connection:
            intents = intents_of(connection, [request.request])[request.request]
        return sorted({intent.state for intent in intents})

    def machines(self, prison="XAA"):
        return [self.estate.wire.machines[d.device] for d in self.devices(prison)]

    def log(self):
        text = self.place.workspace.audit.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def order(self, request, *people):
        """Return a message with an order as the centre would send it."""
        devices = self.devices()
        orders = {
            d.device: Order(request=request, signatures=(), included=proof)
            for d, proof in zip(devices, proofs_of(devices), strict=True)
        }
        said = wave_of(devices, orders, status="open")
        return said | {"signatures": {name: self.signature(request, name) for name in people}}

    def sealed(self, kind, said, number=1000, key=None):
        key = key or read_private(self.identity.path(Key.TRUST))
        message = Message(kind=kind, prison="XAA", number=number, said=said)
        return message.sealed(key, namespace=TO_RELAY)

    def statement_of(self, **changes):
        """Return the statement in force with changes, sealed."""
        changed = replace(self.identity.statement(), **changes)
        return sealed(changed, key=self.identity.path(Key.TRUST))


def proofs_of(devices):
    from fleet.approval import inclusion, leaf

    return inclusion([leaf(device.device, device.nonce) for device in devices])

"""How orders reach devices: the broker lane, or whatever stands in for it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from fleet.approval.order import Proof, Signature, order, read_proof
from fleet.approval.request import Request
from fleet.errors import FleetError, UnreachableError
from fleet.health.probe import Asked, Lane, ask, renewed
from fleet.health.rules import Knocking, read_rules
from fleet.health.sweep import sweep
from fleet.identity import Lane as Authority
from fleet.ssh import Target, open_session
from fleet.topology import Topology, read_topology
from fleet.transport import transport_of

if TYPE_CHECKING:
    from fleet.device import Device
    from fleet.health.probe import Patience
    from fleet.identity import Identity
    from fleet.workspace import Workspace

_CHALLENGE_BYTES = 16
_RENEWED_EVERY_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order to one device: what was signed, and the proof that this device is meant."""

    request: Request
    signatures: tuple[Signature, ...]
    included: Sequence[str]
    allowlist: str = ""

    def encoded(self, challenge: str) -> bytes:
        """Return it as a device reads it."""
        return order(
            self.request,
            self.signatures,
            self.included,
            challenge=challenge,
            allowlist=self.allowlist,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Asked):
    """What came back from a device: a proof, or why there is none.

    `let_in` is whether the device let us in at all: an impostor at its address, or one whose clock
    or list of authorities is wrong, never had the order.
    """

    proof: Proof | None = None
    let_in: bool = True

    @property
    def sent(self) -> bool:
        """Return whether the order may have reached the device."""
        stopped = isinstance(self.error, UnreachableError) and self.error.stage != "command"
        return self.let_in and not stopped


class Driver(Protocol):
    """What carries orders to devices and brings proofs back; one reply for each device."""

    def order(self, devices: Sequence[Device], orders: Mapping[str, Order]) -> Iterator[Reply]:
        """Send each device its order."""

    def prove(self, devices: Sequence[Device], request: str) -> Iterator[Reply]:
        """Ask devices what became of a request."""


class Wire(Protocol):
    """What takes a command of the restricted lane to a device and brings its answer."""

    def said(self, device: Device, patience: Patience, command: str, stdin: bytes) -> bytes:
        """Return what a device says to a command.

        Raises
        ------
        FleetError
            When it says nothing, or not to the end, or is another.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SshWire:
    """One connection for each command, to who holds the pinned key."""

    lane: Lane

    def said(self, device: Device, patience: Patience, command: str, stdin: bytes) -> bytes:
        """Return what a device says to a command."""
        if not device.address:
            raise UnreachableError(f"{device.device} has no known address", stage="connect")
        target = Target(
            device=device.device,
            address=device.address,
            port=device.port,
            user=self.lane.user,
            host_key=device.host_key,
            key_exchange=device.key_exchange,
        )
        with open_session(
            target, self.lane.credential(), self.lane.transport, timeout_s=patience.login_s
        ) as session:
            return session.run(command, stdin=stdin, timeout_s=patience.answer_s).stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerDriver:
    """The broker lane: one exchange with each device, as many at a time as the network bears."""

    wire: Wire
    knocking: Knocking
    topology: Topology | None = None

    def order(self, devices: Sequence[Device], orders: Mapping[str, Order]) -> Iterator[Reply]:
        """Send each device its order."""
        return self._each(
            devices,
            "order",
            lambda device, challenge: orders[device.device].encoded(challenge),
            lambda device: orders[device.device].request.request,
        )

    def prove(self, devices: Sequence[Device], request: str) -> Iterator[Reply]:
        """Ask devices what became of a request."""
        return self._each(
            devices,
            "prove",
            lambda _device, challenge: json.dumps(
                {"request": request, "challenge": challenge}
            ).encode(),
            lambda _device: request,
        )

    def _each(
        self,
        devices: Sequence[Device],
        command: str,
        message: Callable[[Device, str], bytes],
        request: Callable[[Device], str],
    ) -> Iterator[Reply]:
        def ask(device: Device, patience: Patience) -> Reply:
            challenge = secrets.token_hex(_CHALLENGE_BYTES)
            try:
                answer = self.wire.said(device, patience, command, message(device, challenge))
            except UnreachableError as error:  # It says how far it came.
                return Reply(device=device, error=error)
            except FleetError as error:
                return Reply(device=device, error=error, let_in=False)
            try:
                proof = read_proof(answer, device, request=request(device), challenge=challenge)
                return Reply(device=device, proof=proof)
            except FleetError as error:
                return Reply(device=device, error=error)

        return sweep(devices, ask, self.knocking, self.topology)


def lane_of(workspace: Workspace, identity: Identity, *, operator: str) -> Lane:
    """Return how a workspace reaches devices, with certificates for an operator.

    Raises
    ------
    InputError
        When its rehearsal cannot be read.
    """
    issue = partial(identity.credential, Authority.BROKER, operator=operator, purpose="orders")
    credential = renewed(issue, every_s=_RENEWED_EVERY_S)
    return Lane(credential=credential, transport=transport_of(workspace))


def answering(lane: Lane, driver: BrokerDriver, devices: Sequence[Device]) -> frozenset[str]:
    """Ask devices how they are, and return those that answer."""
    asked = sweep(
        devices,
        lambda device, patience: ask(device, lane, patience),
        driver.knocking,
        driver.topology,
    )
    return frozenset(one.device.device for one in asked if not one.is_unreachable)


def driver_of(workspace: Workspace, lane: Lane) -> BrokerDriver:
    """Return the broker lane of a workspace.

    Raises
    ------
    InputError
        When its rules or topology cannot be read.
    """
    return BrokerDriver(
        wire=SshWire(lane=lane),
        knocking=read_rules(workspace.devices_csv.parent).knocking,
        topology=read_topology(workspace.topology) if workspace.topology.exists() else None,
    )

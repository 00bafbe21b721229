"""A simulated estate in a registry: devices in prisons that do not exist, enrolled and live."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from fleet.device import DeviceState, NewDevice
from fleet.driver import BrokerDriver
from fleet.health.rules import Knocking
from fleet.registry import Registry
from fleet.registry.changes import Reason, change_devices
from fleet.rehearsal.example import example_topology
from fleet.simulator.faults import Faults
from fleet.simulator.lane import SimulatedLane
from fleet.simulator.machine import Machine, Program
from fleet.simulator.wire import Clock, SimulatedWire
from fleet.topology import ServedCell, Topology

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.identity.statement import Envelope

_MODELS = ("tab-10", "tab-12")
# Of the addresses for tests of RFC 2544: nobody connects there.
_ADDRESS = "198.18.255.254"
_BY, _WHY = "simulation", "simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A registry full of devices, and the way to them."""

    registry: Registry
    topology: Topology
    wire: SimulatedWire
    knocking: Knocking

    @property
    def driver(self) -> BrokerDriver:
        """Return the broker lane of real devices, over the simulated wire."""
        return BrokerDriver(wire=self.wire, knocking=self.knocking, topology=self.topology)

    def lane(self, *, apply_s: float) -> SimulatedLane:
        """Return the deploy lane, to devices that take so long to apply a bundle."""
        return SimulatedLane(wire=self.wire, login_s=self.knocking.login_timeout_s, apply_s=apply_s)

    def provision(self, name: str, nonce: str) -> None:
        """Set a device up anew: it forgets all that it knew, and keeps its key."""
        machine = self.wire.machines[name]
        machine.nonce, machine.state, machine.used, machine.fails = nonce, {}, {}, ""
        machine.version, machine.fetched = {}, ""


def simulate(  # noqa: PLR0913 - what an estate is made of, by name
    registry: Registry,
    envelope: Envelope,
    knocking: Knocking,
    *,
    devices: int,
    prisons: int,
    faults: Faults | None = None,
) -> Simulation:
    """Fill an empty registry with live devices that trust a statement."""
    chosen = faults or Faults()
    topology = example_topology(devices=devices, prisons=prisons)
    registry.load_locations(topology)
    machines: dict[str, Machine] = {}
    new: list[NewDevice] = []
    for cell in _cells(topology, devices=devices, prisons=prisons):
        machine = _machine(len(new) + 1, cell.prison_id, chosen.seed)
        machines[machine.device] = machine
        new.append(_new(machine, cell.cell))
    registry.add(new, by=_BY, why=_WHY)
    _make_live(registry, machines)
    clock = Clock(time.time(), knocking.at_once)
    program = Program(asdict(envelope), clock.now)
    wire = SimulatedWire(machines=machines, program=program, clock=clock, faults=chosen)
    return Simulation(registry=registry, topology=topology, wire=wire, knocking=knocking)


def _cells(topology: Topology, *, devices: int, prisons: int) -> Iterator[ServedCell]:
    """Yield a cell for each device, as many in each prison as come out even."""
    rooms: dict[str, list[ServedCell]] = {}
    for served in topology.cells:
        rooms.setdefault(served.prison_id, []).append(served)
    for place, cells in enumerate(rooms.values()):
        yield from cells[: devices // prisons + (place < devices % prisons)]


def _machine(number: int, prison_id: str, seed: int) -> Machine:
    name = f"WS-{number:06d}"
    drawn = sha256(f"{seed} {name}".encode())
    return Machine(
        device=name,
        prison_id=prison_id,
        nonce=drawn.hexdigest()[:32],
        key_seed=drawn.digest(),
    )


def _new(machine: Machine, cell: str) -> NewDevice:
    number = machine.device.removeprefix("WS-")
    return NewDevice(
        serial=f"SIM-{number}",
        device=machine.device,
        model=_MODELS[int(number) % len(_MODELS)],
        cell=cell,
        host_key=machine.host_key,
        address=_ADDRESS,
    )


def _make_live(registry: Registry, machines: dict[str, Machine]) -> None:
    reason = Reason.now(by=_BY, why=_WHY)
    enrolled = {
        name: {"nonce": machine.nonce, "state": DeviceState.ENROLLED}
        for name, machine in machines.items()
    }
    live = {name: {"state": DeviceState.LIVE} for name in machines}
    with registry.writing() as connection:
        change_devices(connection, enrolled, reason)
        change_devices(connection, live, reason)

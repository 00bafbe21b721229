"""What a whole estate costs the one who orders: 90,000 simulated devices in 120 prisons.

    python -m benchmarks.scale [--postgresql] [DEVICES…]

A sweep, an update and then a lock of everything, through the same code that real devices get; the
wire alone is simulated (fleet/simulator). 3 % of the devices are off, 1 % fail, and one prison is
cut off while each goes on. Processor time is the controller's: what was spent on being the devices
is taken off. What ssh and Ansible take to reach a real device is not in it; see benchmarks/health,
lockdown and update. The time that it would take is virtual, from round trips measured in the
rehearsal. With --postgresql the registry is in a server of its own, whose processor time is a
column of its own.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import Engine, event

from benchmarks.measuring import aligned
from benchmarks.postgresql import Server, serving
from fleet.approval import Action, new_request
from fleet.approval.order import APPROVED, REQUESTED, signed
from fleet.bundle import Bundle, Kind, Rules, Wanted, make_bundle, parameters_of
from fleet.health.checkup import check_up, desired_state
from fleet.health.rules import read_rules
from fleet.health.sweep import sweep
from fleet.identity import Identity
from fleet.identity.operators import Operator, Role, added
from fleet.reconcile import reconcile
from fleet.registry import Registry
from fleet.registry.readings import store_sweep
from fleet.registry.requests import keep_request, keep_signature
from fleet.simulator import Faults, Simulation, asked, simulate
from fleet.staging import Updates
from fleet.wave import read_rules as read_update_rules
from fleet.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fleet.device import Device

SIZES = (1_000, 10_000, 90_000)
DEVICES_PER_PRISON = 750
PRISONS_MIN = 4  # One of them is cut off, and the others are to be most of it.
# What an order takes on the whole, as measured in the rehearsal.
ROUND_TRIP_S = 0.7
PAYLOAD_BYTES = 1_000_000
# 1 % of the devices fail, and a coverage set that none may fail in would wait for a person.
FAILED_MAX = """\
[setting.coverage_failed_percent_max]
likely = 5
low = 0
high = 5
source = "the benchmark's own faults"
dated = 2026-11-25
"""
APPLY_S = 60.0
_MAXRSS_BYTES = 1024


@dataclass(frozen=True, kw_only=True)
class Scene:
    """An estate, and who acts on it: ben asks, and cleo agrees; their keys are by their names."""

    estate: Simulation
    identity: Identity
    folder: Path
    bundle: Bundle
    server: Server | None

    @property
    def database_bytes(self) -> int:
        """Return the bytes of the database with its log."""
        if self.server:
            return self.server.bytes
        return sum(path.stat().st_size for path in self.folder.glob("fleet.db*"))


@dataclass(kw_only=True)
class Load:
    """What one operation on so many devices took."""

    name: str
    devices: int
    cpu_s: float
    memory_mb: float
    statements: int
    rows: int
    database_mb: float
    database_cpu_s: float
    takes_s: float
    came_to: str


def main() -> None:
    """Print a table for each size, as soon as it is measured."""
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}\n")
    database = "postgresql" if "--postgresql" in sys.argv else "sqlite"
    headings = (
        f"operation, {database}",
        "devices",
        "CPU s",
        "ms/device",
        "MB",
        "statements",
        "rows/device",
        "database B/device",
        "its own CPU s",
        "would take min",
    )
    # A process for each size: memory once taken is seldom given back.
    sizes = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    for devices in sizes or SIZES:
        prisons = max(PRISONS_MIN, round(devices / DEVICES_PER_PRISON))
        with get_context("spawn").Pool(1) as pool:
            loads = [Load(**one) for one in pool.apply(measured, (devices, prisons, database))]
        print(aligned(headings, map(row, loads)))
        came_to = (f"{one.name} of {one.devices:,}: {one.came_to}" for one in loads)
        print("\n".join(("", *came_to, "")), flush=True)


def row(one: Load) -> tuple[str, ...]:
    """Return the line of one operation."""
    return (
        one.name,
        f"{one.devices:,}",
        f"{one.cpu_s:.1f}",
        f"{one.cpu_s / one.devices * 1000:.2f}",
        f"{one.memory_mb:.0f}",
        f"{one.statements:,}",
        f"{one.rows / one.devices:.1f}",
        f"{one.database_mb / one.devices * 1e6:,.0f}",
        f"{one.database_cpu_s:.1f}" if one.database_cpu_s else "",
        f"{one.takes_s / 60:.0f}",
    )


def measured(devices: int, prisons: int, database: str) -> list[dict[str, object]]:
    """Return what each operation took on an estate of a size."""
    with (
        TemporaryDirectory(prefix="wingspan-scale-") as name,
        serving() if database == "postgresql" else nullcontext() as server,
    ):
        folder = Path(name)
        identity = people(folder)
        url = server.url if server else f"sqlite:///{folder / 'fleet.db'}"
        with Registry.create(url) as registry:
            estate = simulate(
                registry,
                identity.envelope(),
                read_rules(folder / "inputs").knocking,
                devices=devices,
                prisons=prisons,
                faults=Faults(seed=1, off=0.03, failing=0.01),
            )
            scene = Scene(
                estate=estate,
                identity=identity,
                folder=folder,
                bundle=bundle_in(folder),
                server=server,
            )
            loads = []
            for label, operation in OPERATIONS.items():
                if operation is not again:
                    cut_one_prison(estate, devices / prisons)
                loads.append(asdict(watched(label, operation, scene)))
                estate.wire.clock.wait(3600)
            return loads


def cut_one_prison(estate: Simulation, each: float) -> None:
    """Have the second prison cut off for half an hour, from when half of it has answered."""
    wire = estate.wire
    begins_s = wire.clock.passed_s + 1.5 * each * ROUND_TRIP_S / estate.knocking.at_once
    wire.faults = replace(wire.faults, cut="XAB", cut_from_s=begins_s, cut_until_s=begins_s + 1800)


def people(folder: Path) -> Identity:
    """Return an identity in which ben may ask and cleo agree, with their keys beside it."""
    identity, _ = Identity.make(Workspace(folder), operator="asha")
    keygen = shutil.which("ssh-keygen") or "ssh-keygen"
    operators = identity.operators()
    for name, role in (("ben", Role.OPERATOR), ("cleo", Role.ADMIN)):
        key = folder / name
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        public = " ".join((folder / f"{name}.pub").read_text(encoding="ascii").split()[:2])
        operators = added(operators, Operator(operator=name, role=role, key=public))
    identity.set_operators(operators)
    identity.renew()
    return identity


def bundle_in(folder: Path) -> Bundle:
    """Return a bundle under the name by which bundles are kept, and rules beside it."""
    files = folder / "source" / "files" / "opt" / "app"
    files.mkdir(parents=True)
    (files / "app").write_bytes(os.urandom(PAYLOAD_BYTES))
    (folder / "updates.toml").write_text(FAILED_MAX, encoding="utf-8")
    wanted = Wanted(name="app", kind=Kind.GENERIC, version="2.0")
    made = folder / "made.tar"
    now = datetime.now(tz=UTC)
    bundle = make_bundle(Workspace(folder), folder / "source", wanted, made, now=now)
    return replace(bundle, path=bundle.path.rename(folder / f"{bundle.sha256}.tar"))


def watched(label: str, operation: Callable[[Scene], str], scene: Scene) -> Load:
    """Run an operation and return what it took."""
    size, wire = scene.database_bytes, scene.estate.wire
    others_s, began_s = wire.cpu_s, wire.clock.passed_s
    served_s = scene.server.cpu_s if scene.server else 0.0
    with counted(scene.estate.registry.engine) as counts:
        used_s = time.process_time()
        came_to = operation(scene)
        used_s = time.process_time() - used_s
    return Load(
        name=label,
        devices=len(wire.machines),
        cpu_s=used_s - (wire.cpu_s - others_s),
        memory_mb=getrusage(RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES / 1e6,
        statements=counts[0],
        rows=counts[1],
        database_mb=(scene.database_bytes - size) / 1e6,
        database_cpu_s=scene.server.cpu_s - served_s if scene.server else 0.0,
        takes_s=wire.clock.passed_s - began_s,
        came_to=came_to,
    )


def swept(scene: Scene) -> str:
    """Ask every device how it is, and keep what it says."""
    estate = scene.estate
    devices = estate.registry.devices()
    desired = desired_state(estate.registry, devices)
    outcomes = sweep(
        devices,
        lambda device, patience: asked(estate.wire, device, patience),
        estate.knocking,
        estate.topology,
    )
    statuses: Counter[str] = Counter()
    readings = {}
    for outcome in outcomes:
        checkup = check_up(outcome, desired[outcome.device.device], ())
        readings[outcome.device.device] = (checkup.status, checkup.facts)
        statuses[checkup.status] += 1
    with estate.registry.writing() as connection:
        now = datetime.now(tz=UTC)
        store_sweep(connection, readings, at=now, by="asha", scope="estate")
    return json.dumps(statuses)


def locked(scene: Scene) -> str:
    """Ask for a lock of everything, and carry it out on who answers."""
    ask_for(scene, Action.LOCK, {"level": "relay-only", "page": "Press the cell bell."})
    return again(scene)


def updated(scene: Scene) -> str:
    """Ask for an update of everything, and carry it out on who answers, wave by wave."""
    terms = {"soak_s": 0, "hold": "", "one_per": ""}
    given = parameters_of(scene.bundle, Rules(battery_percent_min=0))
    ask_for(scene, Action.UPDATE, given | terms)
    return again(scene)


def ask_for(scene: Scene, action: Action, parameters: Mapping[str, str | int | bool]) -> None:
    """Keep a request of ben's for everything, which cleo agreed to."""
    registry = scene.estate.registry
    devices, now = registry.devices(), datetime.now(tz=UTC)
    request = new_request(
        action,
        devices,
        scope="estate",
        by="ben",
        now=now,
        expires=None if action is Action.LOCK else now + timedelta(days=30),
        parameters=parameters,
    )
    with registry.writing() as connection:
        keep_request(
            connection,
            request.request,
            nonce=request.nonce,
            encoded=request.encoded(),
            devices={device.device: device.nonce for device in devices},
            at=now,
        )
        for name, namespace in (("ben", REQUESTED), ("cleo", APPROVED)):
            made = signed(request, operator=name, key=scene.folder / name, namespace=namespace)
            keep_signature(
                connection, request.request, operator=name, signature=made.signature, at=now
            )


def again(scene: Scene) -> str:
    """Carry out what is left."""
    estate = scene.estate
    found = reconcile(
        estate.registry,
        estate.driver,
        scene.identity.statement().signers,
        now=datetime.fromtimestamp(estate.wire.clock.now(), tz=UTC),
        by="ben",
        updates=Updates(
            lane=estate.lane(apply_s=APPLY_S),
            rules=read_update_rules(scene.folder),
            topology=estate.topology,
            bundles=scene.folder,
            answering=partial(answering, estate),
        ),
    )
    lists = ("proven", "unproven", "failed", "waiting")
    return json.dumps({name: len(getattr(found, name)) for name in lists})


def answering(estate: Simulation, devices: Sequence[Device]) -> frozenset[str]:
    """Return which of some devices answer."""
    outcomes = sweep(
        devices,
        lambda device, patience: asked(estate.wire, device, patience),
        estate.knocking,
        estate.topology,
    )
    return frozenset(one.device.device for one in outcomes if not one.is_unreachable)


OPERATIONS = {
    "sweep": swept,
    "update": updated,
    "update, an hour later": again,
    "lock": locked,
    "lock, an hour later": again,
}


@contextmanager
def counted(engine: Engine) -> Iterator[list[int]]:
    """Count the statements of a database, and the rows that they were given."""
    counts = [0, 0]

    def count(*given: object) -> None:
        parameters, many = given[3], given[5]
        counts[0] += 1
        counts[1] += len(parameters) if many else 1  # type: ignore[arg-type]

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield counts
    finally:
        event.remove(engine, "before_cursor_execute", count)


if __name__ == "__main__":
    main()

"""A rehearsal from beginning to end: up, found again, looked at, down."""

from __future__ import annotations

import csv
import io
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fcntl import LOCK_EX, flock
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from fleet.errors import FleetError, InputError
from fleet.rehearsal import network
from fleet.rehearsal.example import PLAN_ID, example_topology
from fleet.rehearsal.factory import write_device
from fleet.rehearsal.host import check_host
from fleet.rehearsal.layout import LabDevice, Layout, layout_of
from fleet.rehearsal.machine import SCRIPTS, Machine, start_machine, until
from fleet.rehearsal.root import shared_root
from fleet.topology import Topology, read_topology
from fleet.transport import Lab, read_lab, start_of
from reports.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from fleet.workspace import Workspace

SERIALS = "LAB-"
_COLUMNS = ("serial", "host_key", "model", "location_key", "address")
_DISK_SIZE = "512M"  # As the devices see it; what they have not written takes no memory.
_SSH_PORT = 22
_ANEW = "wingspan fleet rehearse down, then up again"
_KNOCKING_AT_ONCE = 128
_ANSWER_TIMEOUT_S, _BETWEEN_KNOCKS_S = 3.0, 0.1


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many devices, in how many prisons (None: as is usual), and how many with systemd."""

    devices: int
    prisons: int | None = None
    systemd: int = 0


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked of `up`, which gives the layout."""

    topology: Topology
    size: Size
    ends_at: str

    @cached_property
    def layout(self) -> Layout:
        """Return which devices that makes, and where they hang."""
        size = self.size
        return layout_of(
            self.topology, devices=size.devices, prisons=size.prisons, systemd=size.systemd
        )


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A lab that lives."""

    lab: Lab
    request: Request

    @property
    def machine(self) -> Machine:
        """Return its namespaces."""
        return Machine(self.lab.pid)

    @property
    def layout(self) -> Layout:
        """Return which devices it has, and where they hang."""
        return self.request.layout

    def folder(self, device: LabDevice) -> Path:
        """Return the folder of a device, seen from outside it."""
        return self.machine.files / "devices" / device.serial

    def is_on(self, device: LabDevice) -> bool:
        """Return whether a device has power, be it booting or hanging."""
        folder = self.folder(device)
        return not (folder / "off").exists() and not (folder / "rests").exists()

    def running(self, device: LabDevice) -> int:
        """Return the number of a device's first process, waiting for one that boots.

        Raises
        ------
        FleetError
            When the device is off.
        """
        found: list[int] = []

        def booted() -> bool:
            if not self.is_on(device):
                hint = f"wingspan fleet rehearse restore {device.serial}"
                raise FleetError(f"{device.serial} is off", hint=hint)
            number = _number_in(self.folder(device) / "init")
            # Before it has its own root it is still a script of ours.
            found[:] = [number] if number and self.machine.name_of(number) not in {"", "sh"} else []
            return bool(found)

        until(booted, f"{device.serial} does not boot")
        return found[0]

    def casing(self, device: LabDevice) -> int:
        """Return the number of the process that holds a device's network and disk.

        Raises
        ------
        FleetError
            When it is gone.
        """
        number = _number_in(self.folder(device) / "casing")
        if number is None:
            raise FleetError(f"{device.serial} has no casing", hint=_ANEW)
        return number

    def root(self, device: LabDevice) -> Path:
        """Return the root directory of a device that is on."""
        return self.machine.root_of(self.running(device))

    def on(self, device: LabDevice, command: Sequence[str]) -> str:
        """Run a command on a device that is on, past its network; return what it writes.

        Raises
        ------
        FleetError
            When the device is off or the command fails.
        """
        return self.machine.run_on(self.running(device), command)

    def router(self, site_number: int) -> int:
        """Return the number of the process that holds a prison's network."""
        path = self.machine.files / "sites" / str(site_number) / "router"
        return int(path.read_text(encoding="ascii"))

    def switch_on(self, device: LabDevice) -> None:
        """Press the switch of a device that is off.

        Raises
        ------
        FleetError
            When its casing does not take the order.
        """
        pipe = self.folder(device) / "power"

        def pressed() -> bool:
            try:
                switch = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                return False  # The casing is still putting the last disk away.
            with os.fdopen(switch, "w") as order:
                order.write("on\n")
            return True

        until(pressed, f"{device.serial} cannot be switched on")

    def answering(self, devices: Iterable[LabDevice], *, patience_s: float) -> set[str]:
        """Return the serials of the devices whose sshd greets us before patience runs out."""
        waiting = {device.serial: device for device in devices}
        deadline = time.monotonic() + patience_s
        answered: set[str] = set()
        with ThreadPoolExecutor(_KNOCKING_AT_ONCE) as pool:
            while waiting:
                found = pool.map(self._greets, waiting.values())
                answered.update(s for s, greets in zip(list(waiting), found, strict=True) if greets)
                waiting = {s: device for s, device in waiting.items() if s not in answered}
                if time.monotonic() > deadline:
                    break
                time.sleep(_BETWEEN_KNOCKS_S if waiting else 0)
        return answered

    def _greets(self, device: LabDevice) -> bool:
        try:
            address = str(device.address)
            with self.lab.connect(address, _SSH_PORT, timeout_s=_ANSWER_TIMEOUT_S) as opened:
                return opened.recv(4) == b"SSH-"
        except OSError:
            return False


def find(workspace: Workspace) -> Rehearsal | None:
    """Return the workspace's rehearsal, or None when none lives.

    Raises
    ------
    InputError
        When the file that names it cannot be read.
    """
    lab = read_lab(workspace)
    if lab is None or not lab.lives:
        return None
    try:
        written = (Machine(lab.pid).files / "request.json").read_bytes()
        return Rehearsal(lab=lab, request=msgspec.json.decode(written, type=Request))
    except (OSError, msgspec.MsgspecError) as error:
        what = "the rehearsal that is up was begun by another version, or not to the end"
        raise InputError(what, hint=_ANEW) from error


def up(
    workspace: Workspace, size: Size, *, hours: float, tell: Callable[[str], None]
) -> tuple[Rehearsal, bool]:
    """Return a rehearsal whose devices are switched on, and whether it is a new one.

    `tell` is told when the devices' root has to be made first.

    Raises
    ------
    InputError
        When another lives already, the workspace is not ready, or the topology is too small.
    FleetError
        When this machine cannot carry it.
    """
    with alone(workspace):
        living = find(workspace)
        if living is not None:
            if living.request.size != size:
                what = f"a rehearsal of {living.request.size.devices} devices is up"
                raise InputError(what, hint="wingspan fleet rehearse down ends it")
            return living, False
        trusted = _trusted(workspace)
        _refuse_real_devices(workspace)
        ends_at = datetime.now(tz=UTC) + timedelta(hours=hours)
        request = Request(
            topology=_topology(workspace, size),
            size=size,
            ends_at=ends_at.isoformat(timespec="seconds"),
        )
        request.layout  # noqa: B018 - what is wrong with the size is said before anything is made
        check_host(devices=size.devices, systemd=size.systemd)
        root = shared_root(tell)
        seconds = max(1, round(hours * 3600))
        machine = start_machine(root=root, seconds=seconds, log=workspace.lab / "machine.log")
        try:
            return _furnish(workspace, machine, request, trusted), True
        except BaseException:
            machine.end()
            raise


def down(workspace: Workspace) -> bool:
    """End the workspace's rehearsal; return whether there was one.

    Raises
    ------
    FleetError
        When it does not end.
    """
    with alone(workspace):
        lab = read_lab(workspace)
        living = lab is not None and lab.lives
        if lab is not None and living:
            Machine(lab.pid).end()
        # What names it stays: the workspace's devices are never looked for in a real network.
    return living


@contextmanager
def alone(workspace: Workspace) -> Iterator[None]:
    """Hold the workspace's rehearsal for the block; others that would change it wait."""
    workspace.lab.mkdir(parents=True, exist_ok=True)
    with (workspace.lab / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield


def _trusted(workspace: Workspace) -> str:
    path = workspace.keys / "bootstrap.pub"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        hint = "wingspan fleet init makes the key that new devices trust"
        raise InputError(f"cannot read {path}", hint=hint) from error


def _refuse_real_devices(workspace: Workspace) -> None:
    """Make sure that no list of other devices is written over."""
    try:
        rows = workspace.devices_csv.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return
    if any(not row.startswith(SERIALS) for row in rows):
        what = f"{workspace.devices_csv} lists devices that are not of a rehearsal"
        raise InputError(what, hint="rehearse in another workspace: wingspan -C DIR fleet init")


def _topology(workspace: Workspace, size: Size) -> Topology:
    """Return the workspace's topology; without a plan, one for rehearsals is written there."""
    if workspace.topology.exists():
        topology = read_topology(workspace.topology)
        if topology.plan_id != PLAN_ID:
            return topology
    prisons = size.prisons or min(2, size.devices)
    topology = example_topology(devices=size.devices, prisons=prisons)
    write_text(workspace.topology, msgspec.json.encode(topology).decode() + "\n")
    return topology


def _furnish(workspace: Workspace, machine: Machine, request: Request, trusted: str) -> Rehearsal:
    layout, files = request.layout, machine.files
    rehearsal = Rehearsal(lab=_lab_of(machine), request=request)
    # First of all, so that `down` finds what a killed `up` leaves.
    write_text(workspace.lab / "transport.json", msgspec.json.encode(rehearsal.lab).decode())
    for name in ("device.sh", "boot.sh", "nspawn.sh", "fstab"):
        shutil.copyfile(SCRIPTS / name, files / name)
    for site in layout.sites:
        (files / "sites" / str(site.number)).mkdir()
    host_keys = {
        device.serial: write_device(
            files / "devices" / device.serial, layout, device, trusted=trusted
        )
        for device in layout.devices
    }
    start = (SCRIPTS / "start.sh").read_text(encoding="utf-8")
    machine.run(["sh", "-c", start, "start.sh", _DISK_SIZE])
    casings = _casings(rehearsal)
    routers = {site.number: rehearsal.router(site.number) for site in layout.sites}
    network.lay(machine, layout, sites=routers, devices=casings)
    for device in layout.devices:
        rehearsal.switch_on(device)
    write_text(workspace.devices_csv, _devices_csv(layout, host_keys))
    (files / "request.json").write_bytes(msgspec.json.encode(request))
    return rehearsal


def _lab_of(machine: Machine) -> Lab:
    started = start_of(machine.pid)
    if started is None:
        raise FleetError("the rehearsal has ended before it began", hint="see lab/machine.log")
    return Lab(pid=machine.pid, started=started)


def _number_in(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None


def _casings(rehearsal: Rehearsal) -> dict[str, int]:
    """Return the process that holds each device's network, as soon as all are there."""
    casings: dict[str, int] = {}

    def all_there() -> bool:
        for device in rehearsal.layout.devices:
            if device.serial not in casings:
                pid = _number_in(rehearsal.folder(device) / "casing")
                if pid is None:
                    return False
                casings[device.serial] = pid
        routers = rehearsal.machine.files.glob("sites/*/router")
        return sum(bool(path.read_text()) for path in routers) == len(rehearsal.layout.sites)

    until(all_there, "the devices' casings do not open")
    return casings


def _devices_csv(layout: Layout, host_keys: Mapping[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for device in layout.devices:
        host_key, cell = host_keys[device.serial], device.cell.cell
        writer.writerow([device.serial, host_key, device.model, cell, str(device.address)])
    return text.getvalue()

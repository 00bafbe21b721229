"""What was made to fail in a rehearsal, kept until it is restored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from fleet.errors import InputError
from fleet.rehearsal import cabling, mishap, power
from fleet.rehearsal.target import Target, target_named

if TYPE_CHECKING:
    from fleet.rehearsal.lab import Rehearsal
    from fleet.rehearsal.layout import LabDevice

EVERYTHING = "all"


class Kind(StrEnum):
    """What can be made to fail."""

    CUT = "cut"
    SLOW = "slow"
    LOSE = "lose"
    HANG = "hang"
    FILL = "fill"
    CLOCK = "clock"
    REKEY = "rekey"
    SWAP = "swap"
    POWER_OFF = "power-off"
    POWER_CUT = "power-cut"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that was made to fail: `detail` is how, `kept` what its end needs.

    `devices` are the serials of those that it touches.
    """

    fault: Kind
    target: str
    detail: str = ""
    devices: tuple[str, ...] = ()
    kept: str = field(default="", repr=False)


_OF_CABLES = {Kind.CUT, Kind.SLOW, Kind.LOSE}


def active(rehearsal: Rehearsal) -> list[Fault]:
    """Return what fails now, the first first."""
    try:
        written = (rehearsal.machine.files / "faults.json").read_bytes()
    except FileNotFoundError:
        return []
    return msgspec.json.decode(written, type=list[Fault])


def make(rehearsal: Rehearsal, kind: Kind, name: str, detail: str = "") -> Fault:
    """Make something fail, and return it; the same fault of the same target is made anew.

    `detail` is the rate, the percentage, the shift in seconds or the second device, where the
    kind takes one.

    Raises
    ------
    InputError
        When there is no such target, or the fault cannot happen to it.
    FleetError
        When the rehearsal does not do what it is told.
    """
    target = target_named(rehearsal, name)
    standing = active(rehearsal)
    for fault in [f for f in standing if (f.fault, f.target) == (kind, target.name)]:
        _end(rehearsal, target, fault)
        standing.remove(fault)
        _write(rehearsal, standing)
    if kind in _OF_CABLES:
        kept = _make_on_cables(rehearsal, kind, target, detail)
    else:
        kept = _make_on_device(rehearsal, kind, target, detail)
    touched = [device.serial for device in target.devices]
    if kind == Kind.SWAP:
        detail = _other(rehearsal, target, detail).serial
        touched.append(detail)
    made = Fault(fault=kind, target=target.name, detail=detail, devices=tuple(touched), kept=kept)
    _write(rehearsal, [*standing, made])
    return made


def restore(rehearsal: Rehearsal, name: str) -> list[Fault]:
    """End every fault of a target, or of all, the last made first; return them.

    Raises
    ------
    InputError
        When there is no such target.
    FleetError
        When the rehearsal does not do what it is told.
    """
    target = None if name == EVERYTHING else target_named(rehearsal, name)
    standing = active(rehearsal)
    chosen = [f for f in standing if target is None or target.name in _names(f)]
    # A device without power cannot end what else happened to it, so power comes first.
    off = {Kind.POWER_OFF, Kind.POWER_CUT}
    ended = chosen[::-1]
    ended.sort(key=lambda fault: fault.fault not in off)
    for fault in ended:
        _end(rehearsal, target_named(rehearsal, fault.target), fault)
        standing.remove(fault)
        _write(rehearsal, standing)
    return ended


def _names(fault: Fault) -> set[str]:
    return {fault.target, fault.detail} if fault.fault == Kind.SWAP else {fault.target}


def _write(rehearsal: Rehearsal, faults: list[Fault]) -> None:
    (rehearsal.machine.files / "faults.json").write_bytes(msgspec.json.encode(faults))


def _make_on_cables(rehearsal: Rehearsal, kind: Kind, target: Target, detail: str) -> str:
    match kind:
        case Kind.CUT:
            cabling.cut(rehearsal, target)
        case Kind.SLOW:
            cabling.slow(rehearsal, target, rate=detail)
        case _:
            cabling.lose(rehearsal, target, percent=int(detail))
    return ""


def _make_on_device(rehearsal: Rehearsal, kind: Kind, target: Target, detail: str) -> str:
    """Make something fail on a device, and return what its end needs."""
    device = target.the_device(kind)
    match kind:
        case Kind.HANG:
            mishap.hang(rehearsal, device)
        case Kind.FILL:
            mishap.fill(rehearsal, device)
        case Kind.CLOCK:
            mishap.set_clock(rehearsal, device, shift=timedelta(seconds=float(detail)))
        case Kind.REKEY:
            return mishap.rekey(rehearsal, device)
        case Kind.SWAP:
            _trade(rehearsal, device, _other(rehearsal, target, detail))
        case Kind.POWER_OFF:
            power.switch_off(rehearsal, target)
        case _:
            power.pull_the_plug(rehearsal, target)
    return ""


def _end(rehearsal: Rehearsal, target: Target, fault: Fault) -> None:
    if fault.fault in _OF_CABLES:
        ends = {Kind.CUT: cabling.plug, Kind.SLOW: cabling.speed_up, Kind.LOSE: cabling.keep}
        ends[fault.fault](rehearsal, target)
        return
    device = target.the_device(fault.fault)
    match fault.fault:
        case Kind.HANG:
            mishap.wake(rehearsal, device)
        case Kind.FILL:
            mishap.empty(rehearsal, device)
        case Kind.CLOCK:
            mishap.reset_clock(rehearsal, device)
        case Kind.REKEY:
            mishap.give_key_back(rehearsal, device, had=fault.kept)
        case Kind.SWAP:
            other = _other(rehearsal, target, fault.detail)
            mishap.move_to(rehearsal, device, device.address)
            mishap.move_to(rehearsal, other, other.address)
        case _:
            power.switch_on(rehearsal, target)


def _other(rehearsal: Rehearsal, target: Target, name: str) -> LabDevice:
    """Return the device whose address is swapped with the target's."""
    device, other = (
        target.the_device(Kind.SWAP),
        target_named(rehearsal, name).the_device(Kind.SWAP),
    )
    if device == other or device.site != other.site:
        what = f"{device.serial} and {other.serial} are not two devices of one prison"
        raise InputError(what, hint="an address works only in the prison that it is from")
    return other


def _trade(rehearsal: Rehearsal, device: LabDevice, other: LabDevice) -> None:
    mishap.move_to(rehearsal, device, other.address)
    mishap.move_to(rehearsal, other, device.address)

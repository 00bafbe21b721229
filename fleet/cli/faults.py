"""Commands that make something fail in a rehearsal, and the one that restores it."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import FleetCommand
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet.rehearsal.faults import Fault
    from fleet.rehearsal.lab import Rehearsal
    from fleet.workspace import Workspace

_target = click.argument("target")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _rate(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Return a rate as tc writes it."""
    if not re.fullmatch(r"[1-9]\d*(\.\d+)?[kmg]bit", value.lower()):
        raise click.BadParameter(f"{value!r} is no rate such as 64kbit or 20mbit")
    return value.lower()


def _shift(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Return a span of time with its sign in seconds."""
    if value is None:
        return None
    found = re.fullmatch(r"([+-]?)(\d+)([smhd])", value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no shift such as +1h, -90s or -30d")
    sign, number, unit = found.groups()
    return int(f"{sign}{number}") * _UNITS_S[unit]


@click.command(cls=FleetCommand)
@_target
@json_option
@click.pass_obj
def cut(workspace: Workspace, target: str, as_json: bool) -> None:
    """Cut an uplink, a switch, an access point or a device off from what it hangs from.

    TARGET is an element of out/topology.json, or a device by its serial or the location key of
    its cell. What needs the element, such as all switches on a riser, is cut too.

    \b
    Example:
      wingspan -C out/lab fleet rehearse cut XAA/A/SW-01

    \b
    Fields of --json, as of every fault:
      schema    1
      fault     what fails
      target    the element, or the serial of the device
      detail    how it fails, "" where there is one way only
      devices   serials of the devices that it touches
    """
    _make(workspace, "cut", target, as_json=as_json)


@click.command(cls=FleetCommand)
@_target
@click.option(
    "--rate",
    callback=_rate,
    default="64kbit",
    show_default=True,
    help="What it still carries, such as 64kbit or 20mbit.",
)
@json_option
@click.pass_obj
def slow(workspace: Workspace, target: str, rate: str, as_json: bool) -> None:
    """Let an uplink, a switch, an access point or a device carry only so much each way.

    \b
    Example:
      wingspan -C out/lab fleet rehearse slow XAA/uplink --rate 20mbit
    """
    _make(workspace, "slow", target, rate, as_json=as_json)


@click.command(cls=FleetCommand)
@_target
@click.option(
    "--percent",
    type=click.IntRange(1, 100),
    default=30,
    show_default=True,
    help="How many of a hundred packets are lost each way.",
)
@json_option
@click.pass_obj
def lose(workspace: Workspace, target: str, percent: int, as_json: bool) -> None:
    """Lose packets of an uplink, a switch, an access point or a device at random.

    \b
    Example:
      wingspan -C out/lab fleet rehearse lose XAA/A/AP-001 --percent 30
    """
    _make(workspace, "lose", target, str(percent), as_json=as_json)


@click.command(cls=FleetCommand)
@_target
@json_option
@click.pass_obj
def hang(workspace: Workspace, target: str, as_json: bool) -> None:
    """Stop a device's sshd: it takes connections and says nothing.

    \b
    Example:
      wingspan -C out/lab fleet rehearse hang LAB-0001
    """
    _make(workspace, "hang", target, as_json=as_json)


@click.command(cls=FleetCommand)
@_target
@json_option
@click.pass_obj
def fill(workspace: Workspace, target: str, as_json: bool) -> None:
    """Fill a device's disk to the last byte.

    \b
    Example:
      wingspan -C out/lab fleet rehearse fill LAB-0001
    """
    _make(workspace, "fill", target, as_json=as_json)


@click.command(cls=FleetCommand)
@_target
@click.option(
    "--shift", callback=_shift, help="How far from the true time, such as +1h, -90s or -30d."
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="What the device takes for the time now (UTC), such as 1970-01-01.",
)
@json_option
@click.pass_obj
def clock(
    workspace: Workspace, target: str, shift: int | None, at: datetime | None, as_json: bool
) -> None:
    """Let a device be wrong about the time, over reboots too; by default an hour ahead.

    What sshd checks certificates by and what runs in its sessions see the wrong time. The dates
    of files stay true: the kernel writes them.

    \b
    Example:
      wingspan -C out/lab fleet rehearse clock LAB-0001 --shift -2h
      wingspan -C out/lab fleet rehearse clock LAB-0001 --at 1970-01-01
    """
    if shift is not None and at is not None:
        raise click.UsageError("--shift and --at both say what the time is; give one of them")
    if at is not None:
        # Rounded up, as no program of the device may see a time before the one that was asked for.
        shift = math.ceil((at.replace(tzinfo=UTC) - datetime.now(tz=UTC)).total_seconds())
    seconds = _UNITS_S["h"] if shift is None else shift
    _make(workspace, "clock", target, str(seconds), as_json=as_json)


@click.command(cls=FleetCommand)
@_target
@json_option
@click.pass_obj
def rekey(workspace: Workspace, target: str, as_json: bool) -> None:
    """Give a device another host key, as if another stood in its place.

    \b
    Example:
      wingspan -C out/lab fleet rehearse rekey LAB-0001
    """
    _make(workspace, "rekey", target, as_json=as_json)


@click.command(cls=FleetCommand)
@_target
@click.argument("other")
@json_option
@click.pass_obj
def swap(workspace: Workspace, target: str, other: str, as_json: bool) -> None:
    """Swap the addresses of two devices of one prison.

    \b
    Example:
      wingspan -C out/lab fleet rehearse swap LAB-0001 LAB-0003
    """
    _make(workspace, "swap", target, other, as_json=as_json)


@click.command("power-off", cls=FleetCommand)
@_target
@json_option
@click.pass_obj
def power_off(workspace: Workspace, target: str, as_json: bool) -> None:
    """Switch a device off without a word to anyone; what it has written stays.

    \b
    Example:
      wingspan -C out/lab fleet rehearse power-off LAB-0001
    """
    _make(workspace, "power-off", target, as_json=as_json)


@click.command("power-cut", cls=FleetCommand)
@_target
@json_option
@click.pass_obj
def power_cut(workspace: Workspace, target: str, as_json: bool) -> None:
    """Cut a device's power: what it has not synchronised to its disk is lost.

    \b
    Example:
      wingspan -C out/lab fleet rehearse power-cut LAB-0001
    """
    _make(workspace, "power-cut", target, as_json=as_json)


@click.command(cls=FleetCommand)
@_target
@json_option
@click.pass_obj
def restore(workspace: Workspace, target: str, as_json: bool) -> None:
    """End every fault of a target; TARGET "all" ends every fault.

    A device without power gets it back and boots from its disk as that was left.

    \b
    Example:
      wingspan -C out/lab fleet rehearse restore XAA/A/SW-01
      wingspan -C out/lab fleet rehearse restore all

    \b
    Fields of --json:
      schema   1
      ended    the faults that ended: fault, target, detail, devices
    """
    from fleet.rehearsal import faults
    from fleet.rehearsal.lab import alone

    with alone(workspace):
        ended = faults.restore(_living(workspace), target)
    lines = [_line(fault, "ended") for fault in ended] or [f"nothing of {target} was failing"]
    answer = {"schema": 1, "ended": listed(ended)}
    emit(answer, as_json=as_json, text="\n".join(lines))


COMMANDS = (cut, slow, lose, hang, fill, clock, rekey, swap, power_off, power_cut, restore)


def listed(faults: Iterable[Fault]) -> list[dict[str, Any]]:
    """Return faults as --json shows them."""
    return [
        {
            "fault": fault.fault.value,
            "target": fault.target,
            "detail": fault.detail,
            "devices": list(fault.devices),
        }
        for fault in faults
    ]


def _make(workspace: Workspace, kind: str, target: str, detail: str = "", *, as_json: bool) -> None:
    from fleet.rehearsal import faults
    from fleet.rehearsal.lab import alone

    with alone(workspace):
        fault = faults.make(_living(workspace), faults.Kind(kind), target, detail)
    answer = {"schema": 1, **listed([fault])[0]}
    emit(answer, as_json=as_json, text=_line(fault, "made"))


def _line(fault: Fault, what: str) -> str:
    count = "1 device" if len(fault.devices) == 1 else f"{len(fault.devices)} devices"
    detail = f" {fault.detail}" if fault.detail else ""
    return f"{what}: {fault.fault.value} {fault.target}{detail} ({count})"


def _living(workspace: Workspace) -> Rehearsal:
    from fleet.errors import InputError
    from fleet.rehearsal.lab import find

    rehearsal = find(workspace)
    if rehearsal is None:
        raise InputError("no rehearsal is up", hint="wingspan fleet rehearse up")
    return rehearsal

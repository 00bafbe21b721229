"""Commands of the rehearsal: a lab of real devices on this machine, and what goes wrong in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import LoggedGroup
from fleet.cli.faults import COMMANDS, listed
from reports.terminal import complain, emit, json_option

if TYPE_CHECKING:
    from fleet.rehearsal.lab import Rehearsal
    from fleet.workspace import Workspace

_NOT_UP = "no rehearsal is up"


@click.group("rehearse", cls=LoggedGroup, context_settings={"help_option_names": ["-h", "--help"]})
def rehearse() -> None:
    """Rehearse on a lab of real devices on this machine.

    Each device has its own network, processes, files, sshd and firewall, and hangs behind access
    points, switches and uplinks that can fail. While a rehearsal is up, every other fleet command
    of the workspace acts on its devices. It needs Linux and root, stays inside namespaces of its
    own, and ends by itself.

    \b
    Example:
      wingspan -C out/lab fleet init
      wingspan -C out/lab fleet rehearse up --devices 50
      wingspan -C out/lab fleet rehearse cut XAA/A/SW-01
      wingspan -C out/lab fleet rehearse restore XAA/A/SW-01
      wingspan -C out/lab fleet rehearse down
    """


for _command in COMMANDS:
    rehearse.add_command(_command)


@rehearse.command()
@click.option(
    "--devices", type=click.IntRange(1), default=50, show_default=True, help="How many devices."
)
@click.option(
    "--prisons",
    type=click.IntRange(1),
    help="In how many prisons; by default in two, or in one where the topology has one.",
)
@click.option(
    "--systemd",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="How many of the devices boot systemd; each takes ten times the memory of another.",
)
@click.option(
    "--hours",
    type=click.FloatRange(0, 168, min_open=True),
    default=4.0,
    show_default=True,
    help="After how long the rehearsal ends by itself.",
)
@json_option
@click.pass_obj
def up(  # noqa: PLR0913, PLR0917 - each is an option of the command
    workspace: Workspace,
    devices: int,
    prisons: int | None,
    systemd: int,
    hours: float,
    as_json: bool,
) -> None:
    """Start devices in the cells of out/topology.json, or of a small example without a plan.

    Writes inputs/devices.csv for the enrolment. The first rehearsal on a machine makes the
    devices' Debian, which takes about a minute and 250 MB; later ones find it in
    /var/cache/wingspan, or where the environment's WINGSPAN_CACHE says.

    \b
    Example:
      wingspan -C out/lab fleet rehearse up --devices 50 --prisons 2

    \b
    Fields of --json:
      schema      1
      started     whether this command started it; false when the same was up already
      devices     how many there are
      answering   how many of them greet an SSH client
      silent      serials of the others
      prisons     the uplink of each prison
      ends_at     when the rehearsal ends by itself
    """
    from fleet.errors import NotProvenError
    from fleet.rehearsal.lab import Size
    from fleet.rehearsal.lab import up as start
    from fleet.transport import read_lab

    lab = read_lab(workspace)
    if lab is None or not lab.lives:
        _refuse_a_second(workspace)
    size = Size(devices=devices, prisons=prisons, systemd=systemd)
    rehearsal, started = start(workspace, size, hours=hours, tell=complain)
    answering = rehearsal.answering(rehearsal.layout.devices, patience_s=120 if started else 20)
    silent = sorted({d.serial for d in rehearsal.layout.devices} - answering)
    answer = {
        "schema": 1,
        "started": started,
        "devices": devices,
        "answering": len(answering),
        "silent": silent,
        "prisons": [site.uplink for site in rehearsal.layout.sites],
        "ends_at": rehearsal.request.ends_at,
    }
    state = "answer" if started else "answer; the rehearsal was up already, nothing is changed"
    text = f"{len(answering)} of {devices} devices {state}\nends by itself at {answer['ends_at']}"
    emit(answer, as_json=as_json, text=text)
    if silent and started:
        raise NotProvenError(f"{len(silent)} devices do not answer: {', '.join(silent)}")


def _refuse_a_second(workspace: Workspace) -> None:
    """Refuse new devices where earlier ones are known by their serial numbers and other keys."""
    from fleet.errors import InputError
    from fleet.registry import Registry
    from fleet.rehearsal.lab import SERIALS

    try:
        registry = Registry.open(workspace.settings().database)
    except InputError:  # Nothing is known here yet.
        return
    with registry:
        known = [d for d in registry.devices() if d.serial.startswith(SERIALS) and d.host_key]
    if known:
        what = f"{len(known)} devices of an earlier rehearsal are in the registry, with other keys"
        hint = "rehearse in a new folder: wingspan -C FOLDER fleet init"
        raise InputError(what, hint=hint)


@rehearse.command()
@json_option
@click.pass_obj
def down(workspace: Workspace, as_json: bool) -> None:
    """End the rehearsal with everything in it; its devices and their disks are gone.

    \b
    Example:
      wingspan -C out/lab fleet rehearse down

    \b
    Fields of --json:
      schema   1
      ended    whether there was a rehearsal to end
    """
    from fleet.rehearsal.lab import down as end

    ended = end(workspace)
    text = "the rehearsal is down" if ended else f"{_NOT_UP}, nothing to do"
    emit({"schema": 1, "ended": ended}, as_json=as_json, text=text)


@rehearse.command()
@json_option
@click.pass_obj
def status(workspace: Workspace, as_json: bool) -> None:
    """Show the devices, which of them answer, and what has been made to fail.

    \b
    Example:
      wingspan -C out/lab fleet rehearse status

    \b
    Fields of --json:
      schema    1
      up        whether a rehearsal is up
      ends_at   when it ends by itself; "" when none is up
      devices   of each: serial, cell, element (what serves it), address, kind (namespaced or
                systemd), power (on or off), answers (whether it greets an SSH client)
      faults    of each that is not restored: fault, target, detail, devices (serials)
    """
    from fleet.rehearsal.lab import find

    rehearsal = find(workspace)
    if rehearsal is None:
        answer: dict[str, Any] = {"schema": 1, "up": False, "ends_at": "", "devices": []}
        emit(answer | {"faults": []}, as_json=as_json, text=_NOT_UP)
        return
    answer = _status(rehearsal)
    count = sum(device["answers"] for device in answer["devices"])
    lines = [f"{count} of {len(answer['devices'])} devices answer; ends at {answer['ends_at']}"]
    lines += [
        f"  {device['serial']}  {device['cell']}  {device['element']}  power {device['power']}"
        for device in answer["devices"]
        if not device["answers"]
    ]
    lines += [
        f"  failing: {fault['fault']} {fault['target']} {fault['detail']}".rstrip()
        for fault in answer["faults"]
    ]
    emit(answer, as_json=as_json, text="\n".join(lines))


def _status(rehearsal: Rehearsal) -> dict[str, Any]:
    from fleet.rehearsal.faults import active

    answering = rehearsal.answering(rehearsal.layout.devices, patience_s=0)
    devices = [
        {
            "serial": device.serial,
            "cell": device.cell.cell,
            "element": device.cell.element,
            "address": str(device.address),
            "kind": device.kind.value,
            "power": "on" if rehearsal.is_on(device) else "off",
            "answers": device.serial in answering,
        }
        for device in rehearsal.layout.devices
    ]
    answer = {"schema": 1, "up": True, "ends_at": rehearsal.request.ends_at, "devices": devices}
    return answer | {"faults": listed(active(rehearsal))}

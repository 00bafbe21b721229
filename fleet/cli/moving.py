"""`wingspan fleet move`, `replace` and `ring`: devices that change places, or rings of updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fleet.cli.command import FleetCommand, tell
from fleet.errors import InputError, NotProvenError
from reports.terminal import complain, emit, json_option

if TYPE_CHECKING:
    from fleet.cli.tiering import Tiering
    from fleet.device import Device
    from fleet.enrolment import Centre
    from fleet.workspace import Workspace

SCHEMA = 1

_why = click.option("--why", default="", help="Reason, for the history; never about a prisoner.")
_absent = click.option(
    "--absent",
    is_flag=True,
    help="Record it though the device cannot be told; run it again when the device is back.",
)


@click.command(cls=FleetCommand)
@click.argument("device")
@click.argument("cell")
@_why
@_absent
@json_option
@click.pass_context
def move(  # noqa: PLR0913 - click hands over each option
    ctx: click.Context, /, *, device: str, cell: str, why: str, absent: bool, as_json: bool
) -> None:
    """Record that DEVICE is now in CELL, a location key such as MDI-A-2-014.

    In another prison the device lets that prison's operators in from then on, and no longer those
    of the one before: it is told first, and where it cannot be, nothing is changed. Where
    out/allowlists.json is there it also gets the list of its new place: what that does not allow
    is taken away at once, and what it allows besides waits for a second person.

    \b
    Example:
      wingspan fleet move WS-000001 MDI-A-2-014 --why "wing refurbished"
    """
    from fleet.cli.centre import centre_of
    from fleet.cli.tiering import tiering_of

    workspace: Workspace = ctx.obj
    with centre_of(workspace) as (centre, registry):
        before = registry.device(device)
        placed = registry.placed(before, cell)
        tiering = tiering_of(workspace, registry, placed)
        # Moved to where it is already, it may be one that could not be told the first time.
        if placed.prison_id != before.prison_id or cell == before.cell:
            _tell(centre, before, placed.prison_id, absent=absent)
        moved = registry.move(device, cell, by=centre.operator, why=why or "moved")
    tell(scope=f"device:{device}", before=before.cell, after=cell)
    text = f"{device} is in {cell}, before in {before.cell or 'no cell'}"
    _report(ctx, moved, tiering, as_json=as_json, text=text)


@click.command(cls=FleetCommand)
@click.argument("device")
@click.argument("new")
@_why
@_absent
@json_option
@click.pass_context
def replace(  # noqa: PLR0913 - click hands over each option
    ctx: click.Context, /, *, device: str, new: str, why: str, absent: bool, as_json: bool
) -> None:
    """Record that NEW stands in the cell of DEVICE, which is left without one.

    NEW gets what the place asks for, as with `fleet move`.

    \b
    Example:
      wingspan fleet replace WS-000001 WS-000203 --why "screen broken"
      wingspan fleet retire WS-000001
    """
    from fleet.cli.centre import centre_of
    from fleet.cli.tiering import tiering_of

    workspace: Workspace = ctx.obj
    with centre_of(workspace) as (centre, registry):
        old, other = registry.device(device), registry.device(new)
        if device == new:
            raise InputError(f"{device} cannot replace itself", hint="name two devices")
        if not old.cell:
            hint = f"wingspan fleet move {new} CELL"
            raise InputError(f"{device} is in no cell that {new} could take", hint=hint)
        tiering = tiering_of(workspace, registry, registry.placed(other, old.cell))
        if old.prison_id != other.prison_id:
            _tell(centre, other, old.prison_id, absent=absent)
        placed = registry.replace(device, new, by=centre.operator, why=why or "replaced")
    tell(scope=f"device:{device}", new=new, cell=placed.cell)
    text = f"{new} is in {placed.cell} in the place of {device}"
    _report(ctx, placed, tiering, as_json=as_json, text=text)


@click.command(cls=FleetCommand)
@click.argument("ring")
@click.argument("scope", nargs=-1, required=True)
@_why
@json_option
@click.pass_obj
def ring(workspace: Workspace, ring: str, scope: tuple[str, ...], why: str, as_json: bool) -> None:
    """Put the devices of SCOPE in RING, as updates and scopes name them; `none` takes it away.

    \b
    Example:
      wingspan fleet ring canary MDI/A/2 model=t-1
      wingspan fleet list ring=canary
    """
    from fleet.registry import Registry
    from fleet.scope import Scope

    settings = workspace.settings()
    name = "" if ring == "none" else ring
    with Registry.open(settings.database) as registry:
        devices = registry.devices(Scope.parse(scope), some=True)
        changed = [device.device for device in devices if device.ring != name]
        registry.set_ring(changed, name, by=settings.operator, why=why or f"ring {ring}")
    tell(devices=len(devices), changed=len(changed), ring=name)
    answer = {"schema": SCHEMA, "ring": name, "devices": len(devices), "changed": changed}
    count = "1 device is" if len(devices) == 1 else f"{len(devices):,} devices are"
    where = f"in ring {name}" if name else "in no ring"
    emit(answer, as_json=as_json, text=f"{count} {where}; {len(changed):,} changed")


@click.command(cls=FleetCommand)
@click.argument("device")
@click.argument("address")
@click.option("--port", type=click.IntRange(1, 65535), default=22, help="Its SSH port.")
@_why
@json_option
@click.pass_obj
def address(  # noqa: PLR0913 - click hands over each option
    workspace: Workspace, /, *, device: str, address: str, port: int, why: str, as_json: bool
) -> None:
    """Record that DEVICE is at ADDRESS now, once its pinned key answers there.

    \b
    Example:
      wingspan fleet address WS-000001 10.1.0.17 --why "reservation changed"
    """
    from dataclasses import replace as changed

    from fleet.cli.centre import centre_of
    from fleet.enrolment.contact import check_host_key

    with centre_of(workspace) as (centre, registry):
        known = registry.device(device)
        centre.identity.refuse_elsewhere(centre.operator, known.prison_id)
        if not known.host_key:
            hint = "wingspan fleet enrol takes its address from the list"
            raise InputError(f"{device} has no pinned key that could prove it", hint=hint)
        check_host_key(centre, changed(known, address=address, port=port))
        registry.record_address(
            device, address, port=port, source=why or "its key answers there", by=centre.operator
        )
    tell(scope=f"device:{device}", before=known.address, after=address)
    answer = {"schema": SCHEMA, "device": device, "address": address, "port": port}
    emit(
        answer, as_json=as_json, text=f"{device} is at {address} port {port}: its key answers there"
    )


def _tell(centre: Centre, device: Device, prison: str, *, absent: bool) -> None:
    """Tell a device in use which prison it is in now; others learn it when they are enrolled."""
    from fleet.device import REACHABLE_STATES
    from fleet.errors import UnreachableError, told
    from fleet.trust import place

    if device.state not in REACHABLE_STATES:
        return
    where = prison or "no prison"
    try:
        place(centre, device, prison)
    except UnreachableError as error:
        if not absent:
            what = f"{device.device} cannot be told that it is in {where} now; nothing was changed"
            hint = "try again when it answers, or record it all the same: --absent"
            raise NotProvenError(what, hint=hint) from error
        complain(f"{device.device} does not know yet that it is in {where}: {told(error)}")


def _report(
    ctx: click.Context, device: Device, tiering: Tiering, *, as_json: bool, text: str
) -> None:
    """Say where a device is, and put the list of its new place in force."""
    from fleet.cli.desk import end
    from fleet.cli.tiering import put_in_force

    listed, lines, found = put_in_force(ctx.obj, device, tiering)
    answer = {
        "schema": SCHEMA,
        "device": device.device,
        "cell": device.cell,
        "state": device.state.value,
    }
    emit(answer | listed, as_json=as_json, text="\n".join((text, *lines)))
    if found:
        end(ctx, found)

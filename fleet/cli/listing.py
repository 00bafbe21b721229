"""`wingspan fleet list` and `fleet show`: which devices there are, and all about one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import FleetCommand
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.device import Device
    from fleet.registry import Change
    from fleet.workspace import Workspace


@click.command("list", cls=FleetCommand)
@click.argument("scope", nargs=-1)
@json_option
@click.pass_obj
def listing(workspace: Workspace, scope: tuple[str, ...], as_json: bool) -> None:
    """List the devices of SCOPE; without one, all.

    SCOPE is estate, a prison MDI, a wing MDI/A, a landing MDI/A/2, a cell, device:ID, and filters
    model=, ring=, version= and state=. Places are joined, filters narrow them.

    \b
    Example:
      wingspan fleet list MDI/A ring=canary
    """
    from fleet.registry import Registry
    from fleet.scope import Scope

    with Registry.open(workspace.settings().database) as registry:
        devices = registry.devices(Scope.parse(scope))
    answer = {
        "schema": 1,
        "devices": [
            {
                "device": device.device,
                "cell": device.cell,
                "model": device.model,
                "ring": device.ring,
                "state": device.state.value,
            }
            for device in devices
        ],
    }
    emit(answer, as_json=as_json, text=_table(devices) if devices else "no devices")


@click.command(cls=FleetCommand)
@click.argument("device")
@json_option
@click.pass_obj
def show(workspace: Workspace, device: str, as_json: bool) -> None:
    """Show all that is known of DEVICE: its place, key, facts and history.

    \b
    Example:
      wingspan fleet show WS-000001
    """
    from fleet.registry import Registry

    with Registry.open(workspace.settings().database) as registry:
        found = registry.device(device)
        facts = registry.facts(device)
        history = registry.history(device)
    answer = {
        "schema": 1,
        **asdict(found),
        "facts": [
            {"name": fact.name, "value": fact.value, "since": fact.since.isoformat()}
            for fact in facts
        ],
        "history": [asdict(change) | {"at": change.at.isoformat()} for change in history],
    }
    said = [f"{name:<14}{value}" for name, value in asdict(found).items() if value]
    said += [f"{fact.name:<14}{fact.value}  (since {fact.since:%Y-%m-%d %H:%M})" for fact in facts]
    said += [_line(change) for change in history]
    emit(answer, as_json=as_json, text="\n".join(said))


def _table(devices: list[Device]) -> str:
    head = ("device", "cell", "model", "ring", "version", "state")
    rows = [
        head,
        *(tuple(str(getattr(device, name)) or "-" for name in head) for device in devices),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    count = "1 device" if len(devices) == 1 else f"{len(devices):,} devices"
    return "\n".join([*lines, count])


def _line(change: Change) -> str:
    values: dict[str, Any] = {"before": change.before or "-", "after": change.after or "-"}
    told = f"{change.at:%Y-%m-%d %H:%M}  {change.field}: {values['before']} → {values['after']}"
    return f"{told}  ({change.by}: {change.why})"

"""Make a workspace ready to enrol devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.workspace import Workspace

SCHEMA = 1


@click.command("init")
@json_option
@click.pass_obj
def init(workspace: Workspace, as_json: bool) -> None:
    """Make the keys, the first operator and the registry; nothing that is there is changed.

    \b
    Example:
      wingspan -C out/england-wales fleet init
    """
    from fleet.identity import Identity
    from fleet.registry import Registry

    settings = workspace.settings()
    identity, made = Identity.make(workspace, operator=settings.operator)
    with Registry.create(settings.database) as registry:
        devices = registry.count()
    answer = {
        "schema": SCHEMA,
        "made": made,
        "keys": str(workspace.keys),
        "operator": settings.operator,
        "trust_statement": identity.statement().number,
        "devices": devices,
    }
    lines = [f"made {name}" for name in made] or ["everything is here already"]
    lines += [
        f"keys in {workspace.keys}: guard them as you would guard the keys of the prisons",
        f"{devices:,} devices in the registry",
        f"put {workspace.keys}/bootstrap.pub into root's authorized_keys of each new device, then:",
        f"next: wingspan -C {workspace.root} fleet enrol --from inputs/devices.csv",
    ]
    emit(answer, as_json=as_json, text="\n".join(lines))

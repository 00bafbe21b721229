"""`wingspan fleet init`: registry, keys and log, so that devices can be enrolled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from fleet.cli.command import FleetCommand, tell
from fleet.errors import InputError
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.workspace import Workspace

SCHEMA = 1


class _Init(FleetCommand):
    """The command that begins the log as well."""

    begins: ClassVar = True


@click.command("init", cls=_Init)
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The public key that you sign with, as the first administrator.",
)
@json_option
@click.pass_obj
def init(workspace: Workspace, key: Path | None, as_json: bool) -> None:
    """Make the keys, the first operator, the registry and the log; what is there stays.

    Run it again to take over a newer out/topology.json. Whoever runs it first becomes the first
    administrator, and acts alone on operators and keys until there is a second person who can
    agree. A workspace for the fleet needs no inputs of the estate.

    \b
    Example:
      wingspan -C out/england-wales fleet init --key ~/.ssh/id_ed25519.pub
    """
    from fleet.identity import Identity
    from fleet.identity.keys import checked_public
    from fleet.identity.operators import working
    from fleet.registry import Registry
    from fleet.topology import read_topology

    settings = workspace.settings()
    topology = read_topology(workspace.topology) if workspace.topology.exists() else None
    public = checked_public(key.read_text(encoding="utf-8")) if key else ""
    identity, made = Identity.make(workspace, operator=settings.operator, key=public)
    if public and working(identity.operators(), settings.operator).key != public:
        hint = f"wingspan fleet operator key {settings.operator} --key {key}"
        raise InputError(f"{settings.operator} is on record already, with another key", hint=hint)
    with Registry.create(settings.database) as registry:
        stranded = registry.load_locations(topology) if topology else ()
        answer = {
            "schema": SCHEMA,
            "made": made,
            "keys": str(workspace.keys),
            "operator": settings.operator,
            "trust_statement": identity.statement().number,
            "database": registry.address,
            "devices": registry.count(),
            "cells": len(topology.cells) if topology else 0,
            "stranded": list(stranded),
        }
    tell(made=made, cells=answer["cells"])
    lines = [f"made {name}" for name in made] or ["everything is here already"]
    lines += [
        f"keys in {workspace.keys}: guard them as you would guard the keys of the prisons",
        f"{answer['devices']:,} devices in the registry, {answer['database']}",
        f"{answer['cells']:,} cells in the topology" if topology else "no topology yet",
        *(f"  {cell} has a device, and this topology leaves it out" for cell in stranded),
        f"put {workspace.keys}/bootstrap.pub into root's authorized_keys of each new device, then:",
        f"next: wingspan -C {workspace.root} fleet enrol --from inputs/devices.csv",
    ]
    emit(answer, as_json=as_json, text="\n".join(lines))

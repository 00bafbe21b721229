"""The fleet group; a command is imported when it is named."""

from __future__ import annotations

from typing import ClassVar

import click

from fleet.cli.command import FleetGroup
from reports.terminal import LazyGroup


class _Commands(FleetGroup, LazyGroup):
    """The commands of the fleet half."""

    lazy: ClassVar = {
        "init": ("fleet.cli.init", "init", "Make keys and registry, ready to enrol."),
        "enrol": ("fleet.cli.enrol", "enrol", "Take devices from first contact to live."),
        "operator": ("fleet.cli.operator", "operator", "Say who works with the fleet."),
        "keys": ("fleet.cli.keys", "keys", "See, push and replace what devices trust."),
        "rehearse": ("fleet.cli.rehearse", "rehearse", "Rehearse on a lab of real devices here."),
    }


@click.group(cls=_Commands)
def fleet() -> None:
    """Manage the tablets once they are in the cells.

    \b
    Example:
      wingspan -C out/england-wales fleet init
    """

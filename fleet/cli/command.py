"""What every fleet command shares: its workspace, and which error ends it with which code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.errors import (
    FleetError,
    HostKeyChangedError,
    InputError,
    NotProvenError,
    RefusedError,
    UnreachableError,
)
from fleet.workspace import Workspace
from reports.terminal import Exit, explained

if TYPE_CHECKING:
    from reports.faults import ExplainedError

EXITS: dict[type[ExplainedError], Exit] = {
    FleetError: Exit.BAD_INPUT,
    InputError: Exit.BAD_INPUT,
    NotProvenError: Exit.NOT_PROVEN,
    UnreachableError: Exit.NOT_PROVEN,
    RefusedError: Exit.REFUSED,
    HostKeyChangedError: Exit.REFUSED,
}


class FleetGroup(click.Group):
    """A group whose commands' errors are explained; it hands them the workspace."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the named command of the group."""
        if isinstance(ctx.obj, Path):
            ctx.obj = Workspace(ctx.obj)
        with explained(ctx, EXITS):
            return super().invoke(ctx)

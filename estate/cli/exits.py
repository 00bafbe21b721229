"""Which error of the estate half ends a command with which code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from estate.errors import EstateError, InputError, NoPlanError
from estate.workspace import Workspace
from reports.terminal import Exit, explained

if TYPE_CHECKING:
    from reports.faults import ExplainedError

EXITS: dict[type[ExplainedError], Exit] = {
    InputError: Exit.BAD_INPUT,
    NoPlanError: Exit.NO_PLAN,
    EstateError: Exit.BAD_INPUT,
}


class EstateCommand(click.Command):
    """A command whose errors are explained."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with explained(ctx, EXITS):
            return super().invoke(ctx)


class EstateGroup(click.Group):
    """A group whose commands' errors are explained; it hands them the workspace."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the named command of the group."""
        if isinstance(ctx.obj, Path):
            ctx.obj = Workspace(ctx.obj)
        with explained(ctx, EXITS):
            return super().invoke(ctx)

"""Which error of the estate half ends a command with which code."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from estate.errors import EstateError, InputError, NoPlanError
from estate.workspace import Workspace
from reports.terminal import Exit, complain, explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.faults import ExplainedError

EXITS: dict[type[ExplainedError], Exit] = {
    InputError: Exit.BAD_INPUT,
    NoPlanError: Exit.NO_PLAN,
    EstateError: Exit.BAD_INPUT,
}


@contextmanager
def _ended_well(ctx: click.Context) -> Iterator[None]:
    """Explain errors, and end as shells expect where a person presses Ctrl-C."""
    try:
        with explained(ctx, EXITS):
            yield
    except KeyboardInterrupt:
        complain("stopped: the files that were there before are whole, and designs made are kept")
        ctx.exit(Exit.INTERRUPTED)


class EstateCommand(click.Command):
    """A command whose errors are explained."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _ended_well(ctx):
            return super().invoke(ctx)


class EstateGroup(click.Group):
    """A group whose commands' errors are explained; it hands them the workspace."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the named command of the group."""
        if isinstance(ctx.obj, Path):
            ctx.obj = Workspace(ctx.obj)
        with _ended_well(ctx):
            return super().invoke(ctx)

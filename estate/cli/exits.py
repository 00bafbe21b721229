"""Which error ends a command with which code, and how the person is told."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from estate.errors import EstateError, InputError, NoPlanError
from estate.workspace import Workspace
from reports.terminal import Exit, complain, explain

if TYPE_CHECKING:
    from collections.abc import Iterator

EXITS: dict[type[EstateError], Exit] = {
    InputError: Exit.BAD_INPUT,
    NoPlanError: Exit.NO_PLAN,
    EstateError: Exit.BAD_INPUT,
}


@contextmanager
def explained(ctx: click.Context) -> Iterator[None]:
    """Turn an error that we can explain into its message and exit code.

    A full disk or a folder without permission is explained too; anything else is our fault and
    keeps its traceback. A reader who has seen enough, as `head` has, is left to click.
    """
    try:
        yield
    except EstateError as error:
        complain(explain(error, hint=error.hint))
        for problem in getattr(error, "problems", ()):
            complain(f"  {problem}")
        ctx.exit(EXITS[type(error)])
    except BrokenPipeError:
        raise
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        complain(f"error: cannot read or write{place}\n  because: {error.strerror or error}")
        complain("  try: make room, or choose a folder you may write; the old files are whole")
        ctx.exit(Exit.BAD_INPUT)


class EstateCommand(click.Command):
    """A command whose errors are explained."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with explained(ctx):
            return super().invoke(ctx)


class EstateGroup(click.Group):
    """A group whose commands' errors are explained; it hands them the workspace."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the named command of the group."""
        if isinstance(ctx.obj, Path):
            ctx.obj = Workspace(ctx.obj)
        with explained(ctx):
            return super().invoke(ctx)

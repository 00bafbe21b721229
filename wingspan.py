"""The door: the root command, which loads a command only when it is named."""

from __future__ import annotations

import atexit
import gc
from pathlib import Path
from typing import ClassVar

import click

from reports.terminal import LazyGroup

# What is left at the end goes with the process; to seek cycles in it is a third of a short command.
atexit.register(gc.freeze)


class _Door(LazyGroup):
    """The root's commands."""

    lazy: ClassVar = {
        "init": ("estate.cli.init", "init", "Make a workspace that works at once."),
        "estate": ("estate.cli", "estate", "Plan and price the rollout of a whole estate."),
        "fleet": ("fleet.cli", "fleet", "Manage the tablets once they are in the cells."),
        "report": ("estate.cli.report", "report", "Write what people look at, from a plan."),
    }


@click.group(cls=_Door, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wingspan")
@click.option(
    "-C",
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    envvar="WINGSPAN_DIRECTORY",
    help="Workspace to work in; by default the current folder.",
)
@click.pass_context
def main(ctx: click.Context, directory: Path) -> None:
    """Plan, price and run in-cell connectivity for prisons.

    \b
    Example:
      wingspan init out/england-wales
      wingspan -C out/england-wales estate plan
      wingspan -C out/england-wales report site
    """
    ctx.obj = directory


if __name__ == "__main__":
    main()

"""The door: the root command, which loads a command only when it is named."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

# Command → the module that holds it, its name there, and its line in the help. Nothing of it is
# imported before it is named.
_COMMANDS = {
    "init": ("estate.cli.init", "init", "Make a workspace that works at once."),
    "estate": ("estate.cli", "estate", "Plan and price the rollout of a whole estate."),
    "report": ("estate.cli.report", "report", "Write what people look at, from a plan."),
}


class _Door(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in _COMMANDS.items()])


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

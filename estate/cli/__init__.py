"""The estate group; a command is imported when it is named."""

from __future__ import annotations

from importlib import import_module

import click

from estate.cli.exits import EstateGroup

# Command → the module that holds it, its name there, and its line in the help.
_COMMANDS = {
    "check": ("check", "check", "List every problem in the inputs."),
    "survey": ("survey", "survey", "Write a survey of a prison, to correct in QGIS."),
    "import": ("importing", "import_", "Replace assumed facts with better ones."),
    "plan": ("plan", "plan", "Design, price and rank every prison."),
    "rank": ("rank", "rank", "Show the order of the prisons."),
    "explain": ("explain", "explain", "Say why a prison or wing stands as it does."),
    "compare": ("compare", "compare", "Show what changed between two plans."),
}


class _LazyGroup(EstateGroup):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"estate.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in _COMMANDS.items()])


@click.group(cls=_LazyGroup)
def estate() -> None:
    """Plan and price the rollout of a whole estate.

    \b
    Example:
      wingspan -C out/england-wales estate plan
    """

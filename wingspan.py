"""The door: the root command, which loads a group only when it is named."""

from __future__ import annotations

from importlib import import_module

import click

# Command → the module and the object in it. Nothing heavy is imported before it is named.
_COMMANDS = {
    "init": ("estate.cli.init", "init"),
    "estate": ("estate.cli", "estate"),
    "report": ("estate.cli.report", "report"),
}


class _Door(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

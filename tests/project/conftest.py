"""The commands of `wingspan`, as its own click tree lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
import pytest

import wingspan

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A command or a group with the words that call it: ("estate", "plan"), () for the root."""

    words: tuple[str, ...]
    context: click.Context
    is_group: bool

    @property
    def line(self) -> str:
        """Return what a person types to call it."""
        return " ".join(("wingspan", *self.words))

    @property
    def options(self) -> tuple[click.Option, ...]:
        """Return the options it takes, `--help` left out."""
        # A context keeps `--help` apart from a command's own parameters.
        parameters = self.context.command.params
        return tuple(option for option in parameters if isinstance(option, click.Option))


@pytest.fixture(scope="session")
def commands() -> tuple[Listed, ...]:
    """Return every command and group, the root first."""
    # The entry point may wrap the root, but the door holds one group only.
    (door,) = {value for value in vars(wingspan).values() if isinstance(value, click.Group)}
    return tuple(_listed(door.make_context("wingspan", [], resilient_parsing=True), words=()))


def _listed(context: click.Context, *, words: tuple[str, ...]) -> Iterator[Listed]:
    group = context.command
    yield Listed(words=words, context=context, is_group=isinstance(group, click.Group))
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, f"{context.command_path} lists {name} and has no such command"
        inner = command.make_context(name, [], parent=context, resilient_parsing=True)
        yield from _listed(inner, words=(*words, name))

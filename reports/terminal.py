"""Streams, JSON, exit codes and the wording of errors: what a person sees of a command."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from enum import IntEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import click

from reports.faults import ExplainedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Exit(IntEnum):
    """The documented exit codes."""

    DONE = 0
    OUR_FAULT = 1
    USAGE = 2
    BAD_INPUT = 3
    NO_PLAN = 4
    NOT_PROVEN = 5
    REFUSED = 6
    INTERRUPTED = 130  # As shells count a program that Ctrl-C ended.


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON instead of text.")


def emit(answer: Mapping[str, Any], *, as_json: bool, text: str) -> None:
    """Write the result to stdout: the answer as JSON, or its text for a person."""
    narrow = "utf" not in sys.stdout.encoding.lower()  # Such a terminal has no dash or arrow.
    _echo(_indented(json.dumps(answer, ensure_ascii=narrow)) if as_json else text, err=False)


def _indented(text: str) -> str:
    """Return JSON as people read it; the standard library's own indenting is ten times slower."""
    import msgspec  # noqa: PLC0415 - only an answer in JSON needs it

    return msgspec.json.format(text.encode(), indent=2).decode()


def explain(error: BaseException, *, hint: str = "") -> str:
    """Return what happened, because of what, and what to try, a line each."""
    lines = [f"error: {error}"]
    cause = error.__cause__
    while cause is not None:
        lines.append(f"  because: {cause}")
        cause = cause.__cause__
    if hint:
        lines.append(f"  try: {hint}")
    return "\n".join(lines)


def complain(message: str) -> None:
    """Write a message for a person to stderr."""
    _echo(message, err=True)


def _echo(text: str, *, err: bool) -> None:
    # What a stream cannot write goes out as its number rather than as a traceback.
    encoding = (sys.stderr if err else sys.stdout).encoding
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding), err=err)


@contextmanager
def explained(ctx: click.Context, exits: Mapping[type[ExplainedError], Exit]) -> Iterator[None]:
    """Turn an error that we can explain into its message and exit code.

    A full disk or a folder without permission is explained too; anything else is our fault and
    keeps its traceback. A reader who has seen enough, as `head` has, is left to click.
    """
    try:
        yield
    except ExplainedError as error:
        complain(explain(error, hint=error.hint))
        for problem in error.problems:
            complain(f"  {problem}")
        ctx.exit(exits[type(error)])
    except BrokenPipeError:
        raise
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        complain(f"error: cannot read or write{place}\n  because: {error.strerror or error}")
        complain("  try: make room, or choose a folder you may write; the old files are whole")
        ctx.exit(Exit.BAD_INPUT)


class LazyGroup(click.Group):
    """A group that imports a command when it is named, and nothing of it before.

    `lazy` gives for each command the module that holds it, its name there, and its line in the
    help.
    """

    lazy: ClassVar[Mapping[str, tuple[str, str, str]]]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands in the order of the table."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return the command of that name, or None."""
        if cmd_name not in self.lazy:
            return None
        module, name, _ = self.lazy[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in self.lazy.items()])


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[float], None]]:
    """Yield a function that advances a bar on stderr; silent when that is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console  # noqa: PLC0415 - rich is slow to import and often unused
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda steps: bar.advance(task, steps)

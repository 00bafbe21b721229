"""Streams, JSON, exit codes and the wording of errors: what a person sees of a command."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import click

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


json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON instead of text.")


def emit(answer: Mapping[str, Any], *, as_json: bool, text: str) -> None:
    """Write the result to stdout: the answer as JSON, or its text for a person."""
    narrow = "utf" not in sys.stdout.encoding.lower()  # Such a terminal has no dash or arrow.
    _echo(json.dumps(answer, indent=2, ensure_ascii=narrow) if as_json else text, err=False)


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
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that advances a bar on stderr; silent when that is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console  # noqa: PLC0415 - rich is slow to import and often unused
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda steps: bar.advance(task, steps)

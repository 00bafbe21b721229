"""`wingspan estate check`."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import click

from estate.errors import InputError, Problem
from reports.terminal import Exit, emit, json_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from estate.workspace import Workspace

R = TypeVar("R")


@click.command()
@json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """List every problem in the settings and inputs, or say that there is none.

    Exits with 3 if there is any problem.

    \b
    Example:
      wingspan -C out/england-wales estate check
    """
    from estate.allowlists import input_files, read_allowlists
    from estate.pipeline import read_inputs
    from estate.sources.table import this_day

    workspace: Workspace = ctx.obj
    problems: list[Problem] = []
    _attempted(lambda: workspace.settings({}), problems)
    inputs = _attempted(lambda: read_inputs(workspace), problems)
    if inputs is not None and any(path.exists() for path in input_files(workspace.inputs)):
        known = [one.prison_id for one in inputs.establishments]
        lists = partial(read_allowlists, workspace.inputs, known=known, today=this_day())
        _attempted(lists, problems)
    if inputs is None or problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [*map(str, problems), f"{count} in {workspace.root}"]
        answer = {"schema": 1, "problems": [asdict(problem) for problem in problems]}
        emit(answer, as_json=as_json, text="\n".join(lines))
        ctx.exit(Exit.BAD_INPUT)
    counts = {
        "establishments": len(inputs.establishments),
        "wings": len(inputs.wings),
        "assumptions": len(inputs.assumptions.by_key),
        "rates": len(inputs.rates),
    }
    text = "no problems in " + ", ".join(f"{count} {name}" for name, count in counts.items())
    emit({"schema": 1, "problems": [], "counts": counts}, as_json=as_json, text=text)


def _attempted(read: Callable[[], R], problems: list[Problem]) -> R | None:
    """Return what is read, None where its problems are added to the list."""
    try:
        return read()
    except InputError as error:
        if not error.problems:
            raise
        problems += error.problems
        return None

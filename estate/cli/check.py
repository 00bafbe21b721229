"""`wingspan estate check`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from reports.terminal import Exit, emit, json_option

if TYPE_CHECKING:
    from estate.workspace import Workspace


@click.command()
@json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """List every problem in the inputs, or say that there is none.

    Exits with 3 if there is any problem.

    \b
    Example:
      wingspan -C out/england-wales estate check
    """
    from estate.errors import InputError
    from estate.pipeline import read_inputs

    workspace: Workspace = ctx.obj
    try:
        workspace.settings({})
        inputs = read_inputs(workspace)
    except InputError as error:
        if not error.problems:
            raise
        answer = {"schema": 1, "problems": [asdict(problem) for problem in error.problems]}
        lines = [str(problem) for problem in error.problems]
        emit(answer, as_json=as_json, text="\n".join([*lines, str(error)]))
        ctx.exit(Exit.BAD_INPUT)
    counts = {
        "establishments": len(inputs.establishments),
        "wings": len(inputs.wings),
        "assumptions": len(inputs.assumptions.by_key),
        "rates": len(inputs.rates),
    }
    text = "no problems in " + ", ".join(f"{count} {name}" for name, count in counts.items())
    emit({"schema": 1, "problems": [], "counts": counts}, as_json=as_json, text=text)

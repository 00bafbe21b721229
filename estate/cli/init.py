"""`wingspan init`."""

from __future__ import annotations

from pathlib import Path

import click

from estate.cli.exits import EstateCommand
from estate.workspace import TEMPLATES, create
from reports.terminal import emit, json_option

_USUAL = Path("wingspan-workspace")


@click.command(cls=EstateCommand)
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option(
    "--from",
    "template",
    type=click.Choice(TEMPLATES),
    default="england-wales",
    show_default=True,
    help="The facts to begin with: every prison, or an example of six.",
)
@json_option
@click.pass_obj
def init(chosen: Path, directory: Path | None, template: str, as_json: bool) -> None:
    """Make a workspace in DIRECTORY that works at once.

    Without it, that is the folder of `wingspan -C`, or wingspan-workspace.

    It holds wingspan.toml (settings), inputs/ (the register, the wing schedule, assumptions and
    rates: yours to correct) and out/ (results).

    \b
    Example:
      wingspan init out/england-wales --from england-wales
    """
    if directory is None:
        directory = _USUAL if chosen == Path() else chosen
    workspace = create(directory, template=template)
    answer = {"schema": 1, "workspace": str(workspace.root), "template": template}
    text = f"made {workspace.root}\nnext: wingspan -C {workspace.root} estate plan"
    emit(answer, as_json=as_json, text=text)

"""Commands that bring better facts into a workspace: all of a file, or nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from estate.sources.bulletin import Applied, Bulletin, Update
    from estate.sources.wings import PrisonWings
    from estate.workspace import Workspace

_file = click.argument("file", type=click.Path(path_type=Path))


@click.group("import", context_settings={"help_option_names": ["-h", "--help"]})
def import_() -> None:
    """Bring better facts into the workspace.

    A file is checked whole, and every fault is listed. Nothing is written unless there is none.

    \b
    Example:
      wingspan -C out/england-wales estate import wings survey.xlsx
    """


@import_.command()
@_file
@json_option
@click.pass_obj
def bulletin(workspace: Workspace, file: Path, as_json: bool) -> None:
    """Update capacity and population from the monthly population bulletin (XLSX or ODS).

    Rows are matched to prisons by name. A row for two prisons is shared out in proportion to the
    baseline CNA that they had when last reported apart.

    \b
    Example:
      wingspan -C out/england-wales estate import bulletin prison-pop-october.ods

    \b
    Fields of --json:
      schema        1
      file          name of the bulletin
      report_date   yyyy-mm-dd
      register      path of the register that was updated
      updated       prison_id, baseline_cna, operational_capacity, population (places and
                    prisoners, null where blank) and shared_row (name of the row that several
                    prisons share, or "") of each prison
      unmatched     names of rows that mean no prison of the register
      untouched     ids of prisons that the bulletin does not name; they keep their figures
    """
    from estate.sources.bulletin import apply_bulletin, read_bulletin
    from estate.sources.register import read_register

    register = workspace.inputs / "register.csv"
    report = read_bulletin(file, register=read_register(register))
    applied = apply_bulletin(register, report)
    answer = {
        "schema": 1,
        "file": file.name,
        "report_date": report.report_date.isoformat(),
        "register": str(register),
        "updated": [_update(update) for update in applied.updated],
        "unmatched": list(applied.unmatched),
        "untouched": list(applied.untouched),
    }
    emit(answer, as_json=as_json, text=_bulletin_text(report, applied))


@import_.command()
@_file
@json_option
@click.pass_obj
def wings(workspace: Workspace, file: Path, as_json: bool) -> None:
    """Put wings of a schedule (CSV, XLSX or ODS) in place of what is known of their prisons.

    All earlier rows of each prison that the file names go; other prisons keep theirs.

    \b
    Example:
      wingspan -C out/england-wales estate import wings survey.xlsx

    \b
    Fields of --json:
      schema        1
      file          name of the schedule
      wings         path of the wing schedule that was changed
      prisons       prison_id, wings (rows it has now) and replaced (rows they took the place
                    of) of each prison in the file
    """
    from estate.sources.register import read_register
    from estate.sources.wings import import_wings

    target = workspace.inputs / "wings.csv"
    known = {prison.prison_id for prison in read_register(workspace.inputs / "register.csv")}
    prisons = import_wings(file, into=target, known=known)
    answer = {
        "schema": 1,
        "file": file.name,
        "wings": str(target),
        "prisons": [
            {"prison_id": p.prison_id, "wings": p.wings, "replaced": p.replaced} for p in prisons
        ],
    }
    emit(answer, as_json=as_json, text="\n".join(map(_wings_line, prisons)))


def _update(update: Update) -> dict[str, Any]:
    return {
        "prison_id": update.prison_id,
        "baseline_cna": update.figures.baseline_cna,
        "operational_capacity": update.figures.operational_capacity,
        "population": update.figures.population,
        "shared_row": update.shared_row,
    }


def _bulletin_text(report: Bulletin, applied: Applied) -> str:
    shared = [update for update in applied.updated if update.shared_row]
    lines = [
        f"bulletin of {report.report_date.isoformat()}: {len(applied.updated)} prisons updated",
        *(f"  {update.prison_id}: its share of the row {update.shared_row!r}" for update in shared),
    ]
    if applied.unmatched:
        lines.append(f"rows that mean no prison of the register: {'; '.join(applied.unmatched)}")
    if applied.untouched:
        lines.append(f"prisons that it does not name: {', '.join(applied.untouched)}")
    return "\n".join(lines)


def _wings_line(prison: PrisonWings) -> str:
    came = "1 wing" if prison.wings == 1 else f"{prison.wings} wings"
    gone = f"in place of {prison.replaced}" if prison.replaced else "where there was none"
    return f"{prison.prison_id}: {came} {gone}"

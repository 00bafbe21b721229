"""`wingspan report`: what people look at, from out/plan.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from estate.cli.exits import EstateGroup
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from pathlib import Path

    from estate.workspace import Workspace


@click.group(cls=EstateGroup)
def report() -> None:
    """Write what people look at, from the current plan.

    \b
    Example:
      wingspan -C out/england-wales report site
    """


@report.command()
@click.option(
    "--sensitive",
    is_flag=True,
    help="Show the ways of fibre between buildings too, in out/site-sensitive/. Keep it local.",
)
@json_option
@click.pass_obj
def site(workspace: Workspace, sensitive: bool, as_json: bool) -> None:
    """Write linked pages that open without a network, into out/site/.

    A prison whose ground a survey draws has a drawing of it: its buildings, the ducts between
    them, and which of these have fibre or are to be dug. With --sensitive it also tells the first
    way of fibre from the second, and what is on the only one.

    \b
    Example:
      wingspan -C out/england-wales report site
    """
    from estate.cli.current import current_plan
    from estate.errors import InputError
    from estate.report import site_of
    from reports.html import write_site

    plan = current_plan(workspace)
    if sensitive and not any(each.backbone for each in plan.establishments):
        raise InputError(
            "no survey of the plan draws the ground of a prison: nothing sensitive to show",
            hint="wingspan report site writes the pages without it",
        )
    folder = workspace.out / ("site-sensitive" if sensitive else "site")
    pages = write_site(site_of(plan, sensitive=sensitive), folder)
    _tell(folder / "index.html", plan.plan_id, as_json, pages=len(pages))


@report.command()
@json_option
@click.pass_obj
def workbook(workspace: Workspace, as_json: bool) -> None:
    """Write the bill with live formulas, into out/plan.xlsx.

    \b
    Example:
      wingspan -C out/england-wales report workbook
    """
    from estate.cli.current import current_plan
    from estate.report import workbook_of
    from reports.workbook import write_workbook

    plan = current_plan(workspace)
    book = workbook_of(plan)
    path = workspace.out / "plan.xlsx"
    write_workbook(book, path)
    _tell(path, plan.plan_id, as_json, sheets=len(book.sheets))


@report.command()
@json_option
@click.pass_obj
def geopackage(workspace: Workspace, as_json: bool) -> None:
    """Write styled map layers for QGIS, into out/plan.gpkg.

    \b
    Example:
      wingspan -C out/england-wales report geopackage
    """
    from estate.cli.current import current_plan
    from estate.report import layers_of
    from reports.geopackage import write_geopackage

    plan = current_plan(workspace)
    layers = layers_of(plan)
    path = workspace.out / "plan.gpkg"
    write_geopackage(layers, path, marking=plan.marking)
    _tell(path, plan.plan_id, as_json, layers=len(layers))


def _tell(path: Path, plan_id: str, as_json: bool, **counts: Any) -> None:
    answer = {"schema": 1, "plan_id": plan_id, "file": str(path), **counts}
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    emit(answer, as_json=as_json, text=f"written: {path} ({said})")

"""`wingspan estate survey`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from estate.model import Establishment
    from estate.pipeline import Inputs
    from estate.sources.survey import Survey
    from estate.workspace import Workspace


@click.command()
@click.argument("prison")
@click.option(
    "--out",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE.gpkg",
    help="GeoPackage to write; one that says something else is not replaced.",
)
@json_option
@click.pass_obj
def survey(workspace: Workspace, prison: str, path: Path, as_json: bool) -> None:
    """Write a survey of PRISON for a surveyor to correct in QGIS.

    The draft holds every wing as the inputs have it, drawn as is typical; a prison that was
    surveyed before gives its survey. The layers bring their colours, forms and lists of values.
    Correct what is wrong, draw what is missing, and fill in surveyed_by and surveyed_on of each
    feature that you measured: only those become grade A. Then bring it back with
    estate import survey.

    \b
    Example:
      wingspan -C out/england-wales estate survey LEI --out leeds.gpkg

    \b
    Fields of --json:
      schema        1
      prison_id     id of the prison
      name          its name
      file          path of the GeoPackage
      origin        draft, or survey where one was imported before
      wings         number of wings
      cells         number of cells
      features      number of features in each layer
      signed        number of features that somebody measured
    """
    from estate.pipeline import read_inputs
    from estate.survey import hand_out, read_survey

    settings = workspace.settings({})
    inputs = read_inputs(workspace, surveys=False)
    found = _prison(inputs, prison)
    stored = workspace.inputs / "surveys" / f"{found.prison_id}.gpkg"
    known = read_survey(stored, known=[found.prison_id]) if stored.exists() else None
    drawn = _draft(inputs, found) if known is None else known
    hand_out(drawn, path, prison=found.name, marking=settings.marking)
    answer = {
        "schema": 1,
        "prison_id": found.prison_id,
        "name": found.name,
        "file": str(path),
        "origin": "survey" if known else "draft",
        **_counts(drawn, found.prison_id),
    }
    emit(answer, as_json=as_json, text=_text(answer))


def _prison(inputs: Inputs, wanted: str) -> Establishment:
    from difflib import get_close_matches

    from estate.errors import InputError

    by_id = {prison.prison_id: prison for prison in inputs.establishments}
    if wanted.upper() in by_id:
        return by_id[wanted.upper()]
    named = [p.prison_id for p in by_id.values() if p.name.casefold().startswith(wanted.casefold())]
    near = [*named, *get_close_matches(wanted.upper(), by_id, n=1, cutoff=0.5)]
    hint = f"did you mean {near[0]}?" if near else "estate rank lists them"
    raise InputError(f"the register has no prison {wanted}", hint=hint)


def _draft(inputs: Inputs, prison: Establishment) -> Survey:
    from estate.errors import InputError
    from estate.pipeline import sizings_of
    from estate.report.geography import grid_point
    from estate.survey import draft

    sizing = sizings_of(inputs)[prison.prison_id]
    if sizing.excluded:
        hint = "give its places in inputs/register.csv or its wings in inputs/wings.csv"
        raise InputError(f"{prison.name} cannot be drafted: {sizing.excluded}", hint=hint)
    at = grid_point(prison)
    if at is None:
        hint = "give its latitude and longitude in inputs/register.csv"
        raise InputError(f"{prison.name} has no coordinates to draw it at", hint=hint)
    return draft(sizing, at=at)


def _counts(drawn: Survey, prison_id: str) -> dict[str, Any]:
    from estate.survey.wings import by_wing, cells_of

    return {
        "wings": len(by_wing(drawn, prison_id=prison_id)),
        "cells": len(cells_of(drawn)),
        "features": {layer: len(features) for layer, features in drawn.layers.items()},
        "signed": sum(feature.is_signed for feature in drawn.features()),
    }


def _text(answer: dict[str, Any]) -> str:
    features = sum(answer["features"].values())
    return "\n".join(
        [
            f"{answer['name']}: {answer['wings']} wings, {answer['cells']:,} cells",
            f"written: {answer['file']} ({features:,} features, {answer['signed']:,} signed)",
            "next: correct it in QGIS; sign what you measured by surveyed_by and surveyed_on;",
            f"then: wingspan estate import survey {answer['file']}",
        ]
    )

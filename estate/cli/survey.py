"""`wingspan estate survey`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from estate.model import Establishment
    from estate.pipeline import Inputs
    from estate.sources.drawing.model import Drawing
    from estate.sources.survey import Survey
    from estate.workspace import Workspace

_UNREAD_SHOWN = 12  # Of what was not understood; --json has all.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The drawing that was asked for, and how to read it."""

    drawing: Path
    wing: str
    units: str
    layers: Path | None


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
@click.option(
    "--from",
    "drawing",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Drawing to start from: an IFC or a DXF file.",
)
@click.option(
    "--wing", default="", metavar="CODE", help="The wing that the drawing is of; all without it."
)
@click.option(
    "--units",
    type=click.Choice(["mm", "cm", "m", "in", "ft"]),
    help="Units of a DXF file that does not say, or is wrong.",
)
@click.option(
    "--layers",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.toml",
    help="What the layers of a DXF file mean, and which floor they are.",
)
@json_option
@click.pass_obj
def survey(  # noqa: PLR0913 - click passes each option
    workspace: Workspace,
    prison: str,
    path: Path,
    *,
    drawing: Path | None,
    wing: str,
    units: str | None,
    layers: Path | None,
    as_json: bool,
) -> None:
    """Write a survey of PRISON for a surveyor to correct in QGIS.

    The draft holds every wing as the inputs have it, drawn as is typical; a prison that was
    surveyed before gives its survey. The layers bring their colours, forms and lists of values.
    Correct what is wrong, draw what is missing, and fill in surveyed_by and surveyed_on of each
    feature that you measured: only those become grade A. Then bring it back with
    estate import survey.

    With --from the walls, doors and rooms of a drawing stand in place of a wing's; outlets,
    containment and a distributor are assumed along its landings. What the drawing holds that was
    not understood is listed. A file of --layers names layers, floors by layer, or floors drawn
    side by side by their boxes (west, south, east, north in the units of the drawing):

    \b
      [layers]
      walls = ["A-WALL*"]        # also doors, windows, spaces, labels, ignore
      [floors]
      1 = ["F1-*"]
      [boxes]
      0 = [0, 0, 60000, 30000]

    \b
    Examples:
      wingspan -C out/england-wales estate survey LEI --out leeds.gpkg
      wingspan -C out/england-wales estate survey LEI --from a-hall.ifc --wing A --out leeds.gpkg

    \b
    Fields of --json:
      schema        1
      prison_id     id of the prison
      name          its name
      file          path of the GeoPackage
      origin        draft, drawing, or survey where one was imported before
      wings         number of wings
      cells         number of cells
      features      number of features in each layer
      signed        number of features that somebody measured
      drawing       with --from: file, unit (and who says so), moved (whether its coordinates
                    are its own, so that it lies beside the prison's point), walls, doors, spaces,
                    cells, keys (cells with a location key), and unread: what, layer, why, count
    """
    from estate.pipeline import read_inputs
    from estate.survey import hand_out, read_survey

    if drawing is None and (wing or units or layers):
        raise click.UsageError(
            "--wing, --units and --layers say how to read a drawing: give --from"
        )
    if path.suffix.casefold() != ".gpkg":
        raise click.UsageError(f"a survey is a GeoPackage: end {path.name} in .gpkg")
    settings = workspace.settings({})
    inputs = read_inputs(workspace, surveys=False)
    found = _prison(inputs, prison)
    stored = workspace.inputs / "surveys" / f"{found.prison_id}.gpkg"
    known = read_survey(stored, known=[found.prison_id]) if stored.exists() else None
    drawn = _draft(inputs, found) if known is None else known
    read: dict[str, Any] = {}
    if drawing is not None:
        asked = _Asked(drawing=drawing, wing=wing, units=units or "", layers=layers)
        drawn, read = _from_drawing(asked, drawn, inputs, found)
    hand_out(drawn, path, prison=found.name, marking=settings.marking)
    answer = {
        "schema": 1,
        "prison_id": found.prison_id,
        "name": found.name,
        "file": str(path),
        "origin": "drawing" if read else "survey" if known else "draft",
        **_counts(drawn, found.prison_id),
        **read,
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
    from estate.grid import grid_point
    from estate.pipeline import sizings_of
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


def _from_drawing(
    asked: _Asked, known: Survey, inputs: Inputs, prison: Establishment
) -> tuple[Survey, dict[str, Any]]:
    """Return a drawing as a survey, the prison's other wings with it, and what was read of it."""
    from estate.errors import InputError
    from estate.grid import grid_point
    from estate.pipeline import sizings_of
    from estate.survey import Setting, drawn_survey, without_wing
    from estate.typology import read_typologies

    drawing = _read(asked)
    wings = {wing.wing: wing for wing in sizings_of(inputs)[prison.prison_id].wings}
    if asked.wing and asked.wing not in wings:
        hint = f"use one of {', '.join(wings)}"
        raise InputError(f"{prison.name} is planned without a wing {asked.wing}", hint=hint)
    base = wings[asked.wing] if asked.wing else next(iter(wings.values()))
    typology = read_typologies()[base.shape.typology]
    at = grid_point(prison)
    setting = Setting(
        prison_id=prison.prison_id,
        wing=asked.wing,
        shape=base.shape,
        storey_height_m=typology.storey_height_m,
        drop_m=typology.containment_height_m - typology.outlet_height_m,
        at=at or (0.0, 0.0),
    )
    beside = without_wing(known, asked.wing) if asked.wing else None
    made = drawn_survey(drawing, setting, beside=beside)
    cells = [s for s in made.drawn["spaces"] if s.text("kind") == "cell"]
    read = {
        "file": drawing.file,
        "unit": drawing.unit,
        "moved": made.moved,
        "walls": len(drawing.walls),
        "doors": len(drawing.doors),
        "spaces": len(drawing.spaces),
        "cells": len(cells),
        "keys": sum(bool(cell.text("location_key")) for cell in cells),
        "unread": [asdict(unread) for unread in (*made.left_out, *drawing.unread)],
    }
    return made.survey, {"drawing": read}


def _read(asked: _Asked) -> Drawing:
    from estate.errors import InputError
    from estate.sources.drawing import Layers, read_dxf, read_ifc, read_layers

    kind = asked.drawing.suffix.casefold()
    if kind == ".ifc":
        if asked.units or asked.layers:
            raise click.UsageError(
                "an IFC file has its own units and storeys: leave out the options"
            )
        return read_ifc(asked.drawing)
    if kind == ".dxf":
        layers = read_layers(asked.layers) if asked.layers else Layers()
        return read_dxf(asked.drawing, layers=layers, units=asked.units)
    hint = "export it as DXF or IFC"
    raise InputError(f"{asked.drawing} is neither an IFC nor a DXF file by its name", hint=hint)


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
    wings = "1 wing" if answer["wings"] == 1 else f"{answer['wings']} wings"
    return "\n".join(
        [
            f"{answer['name']}: {wings}, {answer['cells']:,} cells",
            *(_drawing_lines(answer["drawing"]) if "drawing" in answer else []),
            f"written: {answer['file']} ({features:,} features, {answer['signed']:,} signed)",
            "next: correct it in QGIS; sign what you measured by surveyed_by and surveyed_on;",
            f"then: wingspan estate import survey {answer['file']}",
        ]
    )


def _drawing_lines(read: dict[str, Any]) -> list[str]:
    unread = read["unread"]
    shown = [f"  {u['count']:,} {u['what']} on {u['layer']}: {u['why']}" for u in unread]
    more = len(shown) - _UNREAD_SHOWN
    said = [
        f"{read['walls']:,} walls",
        f"{read['doors']:,} doors",
        f"{read['spaces']:,} spaces",
        f"{read['cells']:,} of them cells",
    ]
    lines = [f"read: {read['file']}, in {read['unit']}: {', '.join(said)}"]
    if read["moved"]:
        lines.append("moved: it is not on the National Grid, so it lies by itself")
    if not read["cells"]:
        lines.append("to add: which spaces are cells (kind), and their location keys")
    elif read["keys"] < read["cells"]:
        lines.append(f"to add: the location keys of {read['cells'] - read['keys']:,} cells")
    if shown:
        lines += ["not understood:", *shown[:_UNREAD_SHOWN]]
    return lines + ([f"  and {more} more kinds: see --json"] if more > 0 else [])

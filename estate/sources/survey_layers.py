"""A survey as layers that QGIS opens with their colours, forms and lists of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from estate.sources._survey_shapes import GRID
from estate.sources.survey import GEOMETRIES
from estate.tables import SURVEY
from reports.document import Field, Layer, LayerStyle
from reports.geopackage import write_geopackage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from estate.column import Column, Table
    from estate.sources.survey import Feature, Survey

_DTYPES = {"integer": "Int64", "number": "float64"}  # All else is text.
_SUFFIXES = {"%": "percent", "Mbit/s": "mbps"}  # Units as names of columns write them.
_STATES = (("new", "#c2410c"), ("existing", "#1b6e53"))

WALL_COLOURS = (
    ("brick", "#9a3b26"),
    ("concrete", "#5f6b76"),
    ("stone", "#8a7a5c"),
    ("steel_modular", "#2f6f8f"),
    ("timber", "#b07a3a"),
    ("plasterboard", "#b9a7c9"),
    ("glass", "#7fd0e6"),
)

_STYLES = {
    "spaces": LayerStyle(
        attribute="kind",
        colours=(
            ("cell", "#c9dcef"),
            ("landing", "#f5f5f0"),
            ("hub", "#f3efe4"),
            ("comms_room", "#c98a12"),
        ),
        colour="#d5d9de",
        label="location_key",
    ),
    "walls": LayerStyle(
        attribute="material",
        colours=WALL_COLOURS,
        colour="#444444",
        size=1.6,
    ),
    "doors": LayerStyle(colour="#7a4a1e", size=0.6),
    "spans": LayerStyle(attribute="state", colours=_STATES),
    "distributors": LayerStyle(
        attribute="state", colours=_STATES, size=1.6, label="distributor_id"
    ),
    "outlets": LayerStyle(attribute="state", colours=_STATES, size=0.6),
    "access_points": LayerStyle(attribute="state", colours=_STATES, label="access_point_id"),
    "cables": LayerStyle(attribute="state", colours=_STATES, size=0.7, label="kind"),
    "hazards": LayerStyle(
        attribute="kind", colours=(("asbestos", "#b2182b"), ("listed_fabric", "#762a83"))
    ),
    "site": LayerStyle(attribute="kind", colours=(("perimeter", "#e8ecf1"),), colour="#b9c2cc"),
}


def write_survey(survey: Survey, path: Path, *, prison: str, marking: str) -> None:
    """Write a survey as a GeoPackage in EPSG:27700; equal surveys give equal bytes.

    Raises
    ------
    OSError
        When the file cannot be written, or another program holds unsaved changes to it.
    """
    layers = [_layer(table, survey.layers[table.name], prison) for table in SURVEY]
    write_geopackage(layers, path, marking=marking)


def _layer(table: Table, features: Sequence[Feature], prison: str) -> Layer:
    columns = {column.name: _cells(column, features) for column in table.columns}
    shapes = [feature.geometry for feature in features]
    return Layer(
        name=table.name,
        title=f"{table.name.replace('_', ' ').capitalize()} of {prison}",
        frame=gpd.GeoDataFrame(columns, geometry=shapes, crs=GRID),
        style=_STYLES[table.name],
        description=(
            f"{table.meaning}. What surveyed_by and surveyed_on do not sign is assumed: "
            "typical, not this prison."
        ),
        form=tuple(_field(column) for column in table.columns),
        geometry=GEOMETRIES[table.name],
    )


def _cells(column: Column, features: Sequence[Feature]) -> pd.Series[Any]:
    values = [feature.facts[column.name] for feature in features]
    return pd.Series(values, dtype=_DTYPES.get(column.kind, "str"))


def _field(column: Column) -> Field:
    unit = f" ({column.unit})" if column.unit else ""
    suffix = _SUFFIXES.get(column.unit, column.unit.casefold())
    words = column.name.removesuffix(f"_{suffix}").replace("_", " ").capitalize()
    return Field(
        name=column.name,
        label=f"{words}{unit}",
        choices=column.choices,
        default=column.default,
        day=column.kind == "day",
        needed=not column.blank,
        read_only=column.name == "grade",
    )

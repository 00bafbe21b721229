"""Writing a GeoPackage whose layers carry their marking, and open in QGIS already styled."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

import pandas as pd
import pyogrio
from pyogrio.errors import DataSourceError, FeatureError

from reports.document import Field
from reports.files import written_aside
from reports.forms import add_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from reports.document import Layer, LayerStyle

MARKING = "marking"
STYLES = "layer_styles"

# A clock would make two equal files differ.
_WRITTEN = "2000-01-01T00:00:00.000Z"

_GEOMETRY = "geom"  # What the driver calls the column of geometries.
# The driver takes a column of the first name as the features' identifiers and drops it.
_RESERVED_COLUMNS = ("fid", _GEOMETRY, MARKING)
_RESERVED_LAYERS = ("gpkg_", "rtree_", "sqlite_", STYLES)

_MULTI = "Multi"

_QGIS_VERSION = "3.22.0"  # Of Debian 12; later ones read it too.
_WHITE, _INK = "#ffffff", "#1b2a41"


class _Symbol(NamedTuple):
    """What QGIS calls a symbol for one kind of geometry, and where it puts a label."""

    kind: str
    layer: str
    placement: str


_SYMBOLS: Mapping[str, _Symbol] = {
    "Point": _Symbol("marker", "SimpleMarker", placement="6"),  # Around the point, not on it.
    "LineString": _Symbol("line", "SimpleLine", placement="2"),  # Along the line.
    "Polygon": _Symbol("fill", "SimpleFill", placement="1"),  # On the middle.
}


def write_geopackage(layers: Sequence[Layer], path: Path, *, marking: str) -> None:
    """Write each layer in the CRS of its frame; equal layers give equal bytes.

    The marking is a column of every feature, where an export keeps it, and begins every layer's
    description; it stands in every layer's metadata too. The index of a frame is not written.
    The styles, and the forms, lie in the table that QGIS reads when it opens a layer.

    Raises
    ------
    ValueError
        When there is no layer, two share a name or a title, or one cannot be written faithfully:
        a reserved name, a frame without CRS, several kinds of geometry, a style that names an
        absent column.
    OSError
        When the file cannot be written, or another program holds unsaved changes to it.
    """
    _check(layers)
    _refuse_if_open(path)
    with written_aside(path) as aside, _fixed_clock():
        try:
            for layer in layers:
                _write_layer(layer, aside, marking=marking)
            _write_styles(layers, aside, marking=marking)
        except (DataSourceError, FeatureError) as error:
            # What the driver says of a full disk does not name it.
            raise OSError(f"cannot write {path}; is the disk full?") from error
        if not _has_every_index(aside):
            raise OSError(f"cannot write all of {path}; is the disk full?")


def _check(layers: Sequence[Layer]) -> None:
    if not layers:
        raise ValueError("a GeoPackage needs at least one layer")
    for what, values in (
        ("named", [layer.name.casefold() for layer in layers]),
        ("titled", [layer.title for layer in layers]),
    ):
        twice = [value for value, count in Counter(values).items() if count > 1]
        if twice:
            raise ValueError(f"two layers are {what} '{twice[0]}'")
    for layer in layers:
        _check_layer(layer)


def _check_layer(layer: Layer) -> None:
    where, frame, style = f"layer '{layer.name}'", layer.frame, layer.style
    if layer.name.casefold().startswith(_RESERVED_LAYERS):
        raise ValueError(f"{where} has a name that GeoPackage or QGIS keeps for itself")
    if frame.crs is None:
        raise ValueError(f"{where} has no coordinate reference system")
    columns = [str(name) for name in frame.columns if name != frame.geometry.name]
    for name in columns:
        if name.casefold() in _RESERVED_COLUMNS:
            raise ValueError(f"{where} has a column '{name}', a name that GeoPackage needs")
    for name in (style.attribute, style.label):
        if name and name not in columns:
            raise ValueError(f"{where} is styled by '{name}', which is not one of its columns")
    kinds = _kinds(frame)
    if len(kinds) > 1 or not _SYMBOLS.keys() >= set(kinds):
        raise ValueError(f"{where} holds {' and '.join(kinds)}, expected one of {[*_SYMBOLS]}")


def _refuse_if_open(path: Path) -> None:
    """Refuse to replace a file with pending changes beside it, which would spoil the new one."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise OSError(
            f"{path} has unsaved changes in another program; save and close it there, "
            f"or delete {log.name} if no program has it open"
        )


def _has_every_index(path: Path) -> bool:
    """Return whether each layer has its spatial index.

    The driver builds an index as it closes the file, and hides it when that fails.
    """
    query = (
        "SELECT count(*) FROM gpkg_geometry_columns WHERE table_name NOT IN "
        "(SELECT table_name FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index')"
    )
    with closing(sqlite3.connect(path)) as database:
        (missing,) = database.execute(query).fetchone()
    return bool(missing == 0)


@contextmanager
def _fixed_clock() -> Iterator[None]:
    """Let GDAL write one fixed date into the file instead of today's."""
    option = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(option)
    pyogrio.set_gdal_config_options({option: _WRITTEN})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({option: before})


def _write_layer(layer: Layer, path: Path, *, marking: str) -> None:
    frame = layer.frame.assign(**{MARKING: marking})
    geometry_type = _geometry_type(layer)
    pyogrio.write_dataframe(
        frame,
        path,
        layer=layer.name,
        driver="GPKG",
        append=path.exists(),
        geometry_type=geometry_type,
        promote_to_multi=geometry_type.startswith(_MULTI),
        dataset_options={"VERSION": "1.2"},  # What GDAL in Debian 12 reads without a warning.
        layer_options={
            "GEOMETRY_NAME": _GEOMETRY,
            "IDENTIFIER": layer.title,
            "DESCRIPTION": f"{marking}. {layer.description}".rstrip(),
        },
        # Not the file's own metadata: with that, GDAL litters an .aux.xml beside it on reading.
        layer_metadata={"MARKING": marking},
    )


def _kinds(frame: Any) -> list[str]:
    """Return the kinds of geometry in the frame, each with its multiples, in order."""
    return sorted({name.removeprefix(_MULTI) for name in frame.geom_type.dropna()})


def _geometry_type(layer: Layer) -> str:
    """Return the one type that every geometry of the layer is, or can be made.

    QGIS takes a layer of no type for a plain table, so one without features has a type too.
    """
    types = layer.frame.geom_type.dropna()
    kind = next(iter(_kinds(layer.frame)), layer.geometry)
    return f"{_MULTI}{kind}" if types.str.startswith(_MULTI).any() else kind


def _write_styles(layers: Iterable[Layer], path: Path, *, marking: str) -> None:
    """Write the table of styles as QGIS does when it saves a style into a GeoPackage."""
    styles = pd.DataFrame(
        {
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": layer.name,
            "f_geometry_column": _GEOMETRY,
            "styleName": layer.name,
            "styleQML": _qml(layer, marking=marking),
            "styleSLD": "",
            "useAsDefault": True,
            "description": layer.title,
            "owner": "",
            "ui": "",
            "update_time": pd.Timestamp(_WRITTEN),
        }
        for layer in layers
    )
    options = {"FID": "id", "DESCRIPTION": marking}
    pyogrio.write_dataframe(
        styles, path, layer=STYLES, driver="GPKG", append=True, layer_options=options
    )


def _qml(layer: Layer, *, marking: str) -> str:
    """Return the style and form of a layer as a QGIS style document."""
    kind = _geometry_type(layer).removeprefix(_MULTI)
    symbol, style = _SYMBOLS[kind], layer.style
    parts = "Symbology|Labeling|Fields|Forms" if layer.form else "Symbology|Labeling"
    root = ET.Element("qgis", version=_QGIS_VERSION, styleCategories=parts)
    root.set("labelsEnabled", "1" if style.label else "0")
    renderer = ET.SubElement(root, "renderer-v2", symbollevels="0", enableorderby="0")
    renderer.set("type", "categorizedSymbol" if style.attribute else "singleSymbol")
    colours = [*style.colours, ("", style.colour)] if style.attribute else [("", style.colour)]
    if style.attribute:
        renderer.set("attr", style.attribute)
        _add_categories(renderer, [value for value, _ in colours])
    symbols = ET.SubElement(renderer, "symbols")
    for name, (_, colour) in enumerate(colours):
        _add_symbol(symbols, str(name), symbol, _paint(kind, colour, style.size))
    if style.label:
        _add_labels(root, style, symbol)
    if layer.form:
        # Who draws a feature does not mark it; the form does.
        mark = Field(name=MARKING, label="Protective marking", default=marking, read_only=True)
        add_form(root, [*layer.form, mark])
    return ET.tostring(root, encoding="unicode")


def _add_categories(renderer: ET.Element, values: Iterable[str]) -> None:
    """Add a category for each value; the empty one stands for every other value."""
    categories = ET.SubElement(renderer, "categories")
    for name, value in enumerate(values):
        label = value.replace("_", " ") or "other"
        category = ET.SubElement(categories, "category", value=value, label=label, render="true")
        category.set("symbol", str(name))


def _add_symbol(symbols: ET.Element, name: str, symbol: _Symbol, paint: Mapping[str, str]) -> None:
    element = ET.SubElement(symbols, "symbol", name=name, type=symbol.kind, alpha="1")
    layer = ET.SubElement(element, "layer", {"class": symbol.layer, "enabled": "1", "pass": "0"})
    options = ET.SubElement(layer, "Option", type="Map")
    for key, value in paint.items():
        ET.SubElement(options, "Option", name=key, type="QString", value=value)


def _paint(kind: str, colour: str, size: float) -> dict[str, str]:
    """Return the properties of a symbol; sizes in millimetres on paper, at size 1.0."""
    if kind == "Point":
        return {
            "name": "circle",
            "color": _rgba(colour),
            "outline_color": _rgba(_WHITE),
            "outline_width": "0.25",
            "size": f"{2.4 * size:g}",
        }
    if kind == "LineString":
        width = f"{0.5 * size:g}"
        ends = {"capstyle": "round", "joinstyle": "round"}
        return {"line_color": _rgba(colour), "line_width": width, **ends}
    return {
        "color": _rgba(colour, opacity=0.8),
        "style": "solid",
        "outline_color": _rgba(colour, shade=0.6),
        "outline_style": "solid",
        "outline_width": f"{0.2 * size:g}",
        "joinstyle": "miter",
    }


def _rgba(colour: str, *, shade: float = 1.0, opacity: float = 1.0) -> str:
    """Return "#rrggbb", darkened by a factor, as QGIS writes it: "r,g,b,a"."""
    channels = (round(channel * shade) for channel in bytes.fromhex(colour.removeprefix("#")))
    return ",".join(str(channel) for channel in (*channels, round(255 * opacity)))


def _add_labels(root: ET.Element, style: LayerStyle, symbol: _Symbol) -> None:
    """Label the features by a column, in dark text with a light edge, where there is room."""
    labeling = ET.SubElement(root, "labeling", type="simple")
    settings = ET.SubElement(labeling, "settings", calloutType="simple")
    text = ET.SubElement(settings, "text-style", fieldName=style.label, isExpression="0")
    # A font that is not there is replaced; none at all may come out as the thinnest of all.
    text.attrib |= {"fontFamily": "Arial", "namedStyle": "Regular", "fontWeight": "50"}
    text.attrib |= {"fontSize": "8", "fontSizeUnit": "Point", "textColor": _rgba(_INK)}
    buffer = {"bufferDraw": "1", "bufferSize": "0.7", "bufferSizeUnits": "MM"}
    ET.SubElement(text, "text-buffer", {**buffer, "bufferColor": _rgba(_WHITE)})
    placement = ET.SubElement(settings, "placement", placement=symbol.placement)
    placement.attrib |= {"dist": "0.6", "distUnits": "MM"}
    # From the edge of a point's symbol rather than its middle; above a line, readable.
    placement.attrib |= {"offsetType": "1", "placementFlags": "10"}
    fit = "1" if symbol.kind == "fill" else "0"
    # A polygon that labels keep clear of would leave none to the points that lie in it.
    clear = "0" if symbol.kind == "fill" else "1"
    ET.SubElement(settings, "rendering", drawLabels="1", fitInPolygonOnly=fit, obstacle=clear)

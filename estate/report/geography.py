"""Where prisons lie on the British National Grid, and the coast they lie in."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pyproj import Transformer

if TYPE_CHECKING:
    from estate.model import Establishment, Point

CRS = "EPSG:27700"
COAST_ATTRIBUTION = "Outline: Natural Earth 1:10m, public domain."

_COAST = Path(__file__).resolve().parents[1] / "data" / "coast.geojson"


@lru_cache(maxsize=1)
def _to_grid() -> Transformer:
    return Transformer.from_crs("EPSG:4326", CRS, always_xy=True)


def grid_point(prison: Establishment) -> Point | None:
    """Return easting and northing in whole metres of EPSG:27700, None without coordinates."""
    if prison.latitude is None or prison.longitude is None:
        return None
    easting, northing = _to_grid().transform(prison.longitude, prison.latitude)
    return (float(round(easting)), float(round(northing)))


def coast() -> tuple[tuple[Point, ...], ...]:
    """Return rings of land and lines of border in metres of EPSG:27700."""
    features = json.loads(_COAST.read_text(encoding="utf-8"))["features"]
    lines: list[tuple[Point, ...]] = []
    for feature in features:
        shape = feature["geometry"]
        if shape["type"] == "MultiPolygon":
            lines += [tuple(map(tuple, polygon[0])) for polygon in shape["coordinates"]]
        else:
            lines.append(tuple(map(tuple, shape["coordinates"])))
    return tuple(lines)

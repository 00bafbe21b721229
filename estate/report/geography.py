"""The coast that prisons lie in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estate.model import Point

COAST_ATTRIBUTION = "Outline: Natural Earth 1:10m, public domain."

_COAST = Path(__file__).resolve().parents[1] / "data" / "coast.geojson"


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

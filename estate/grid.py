"""Places on the British National Grid, in metres of EPSG:27700."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from pyproj import Transformer

if TYPE_CHECKING:
    from estate.model import Establishment, Point

GRID, DEGREES = "EPSG:27700", "EPSG:4326"


def on_grid(point: Point, system: str) -> Point:
    """Return a point of another system in metres, infinitely far where it has no place there.

    Of degrees, longitude comes first.
    """
    east, north = _to_grid(system).transform(*point)
    return (float(east), float(north))


def grid_point(prison: Establishment) -> Point | None:
    """Return easting and northing in whole metres of EPSG:27700, None without coordinates."""
    if prison.latitude is None or prison.longitude is None:
        return None
    easting, northing = on_grid((prison.longitude, prison.latitude), DEGREES)
    return (float(round(easting)), float(round(northing)))


@lru_cache
def _to_grid(system: str) -> Transformer:
    return Transformer.from_crs(system, GRID, always_xy=True)

"""The geometry of a survey's features: read one by one, with what is wrong with each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from estate.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

GRID = "EPSG:27700"

_GRID_M = (0.0, 0.0, 700_000.0, 1_300_000.0)  # What the British National Grid covers.
_FARTHEST_M = 1e9  # Farther than any place in any system, and near enough to reckon with.
_WORDS = {"Polygon": "a polygon", "LineString": "a line", "Point": "a point"}

Fault = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """A geometry in EPSG:27700, None where there is none to go by, and (what, cure) of faults."""

    geometry: Any
    faults: tuple[Fault, ...]


def crs_problems(file: str, layer: str, crs: str | None) -> Iterator[Problem]:
    """Yield a problem if a layer's coordinates are not metres of the British National Grid."""
    if _known(crs) != CRS(GRID):
        known = _known(crs)
        what = f"its coordinates are in {known.name if known else 'an unknown system'}"
        yield Problem(file, f"layer {layer}", what, f"save it in {GRID}, British National Grid")


def read_shapes(blobs: NDArray[np.object_], *, kind: str, crs: str | None) -> list[Shape]:
    """Return the geometries of well-known binary, each with its faults.

    Those of another known system come out on the grid, so that nothing else seems wrong there.
    """
    with np.errstate(invalid="ignore"):  # Of what is no number; it is reported below.
        read = shapely.from_wkb(blobs, on_invalid="ignore")
    known = _known(crs)
    if known is not None and known != CRS(GRID):
        to_grid = Transformer.from_crs(known, GRID, always_xy=True)
        moved = shapely.transform(
            read, lambda points: np.column_stack(to_grid.transform(*points.T))
        )
        # Metres that are called degrees lie nowhere: then only what they are called is wrong.
        read = moved if np.isfinite(shapely.get_coordinates(moved)).any() else read
    return [
        _shape(geometry, is_stored=blob is not None, kind=kind)
        for geometry, blob in zip(read, blobs, strict=True)
    ]


def _known(crs: str | None) -> CRS | None:
    try:
        return CRS.from_user_input(crs) if crs else None
    except CRSError:
        return None


def _shape(geometry: Any, *, is_stored: bool, kind: str) -> Shape:
    if geometry is None:
        what = "its geometry cannot be read, as of an outline that does not close"
        return _useless(what if is_stored else "it has no geometry", "draw it again")
    # A comparison with what is no number is false, so this finds it too.
    is_placed = (np.abs(shapely.get_coordinates(geometry)) < _FARTHEST_M).all()
    if geometry.is_empty or not is_placed:
        nowhere = "it has a coordinate that is no place on Earth"
        return _useless("it has no geometry" if geometry.is_empty else nowhere, "draw it again")
    faults = []
    if geometry.has_z:
        faults.append(("it has heights, in 3D", "save the layer in 2D; floor says how high it is"))
        geometry = shapely.force_2d(geometry)
    parts = shapely.get_parts(geometry)
    if len(parts) > 1:
        return _useless(f"it has {len(parts)} parts", "split it into features of one part each")
    geometry = parts[0]
    if geometry.geom_type != kind:
        return _useless(f"it is a {geometry.geom_type}", f"draw it as {_WORDS[kind]}")
    if geometry.geom_type == "LineString" and geometry.length == 0:
        return _useless("it has no length", "delete it, or draw it from end to end")
    return Shape(geometry, (*faults, *_faults(geometry)))


def _useless(what: str, cure: str) -> Shape:
    return Shape(None, ((what, cure),))


def _faults(geometry: Any) -> Iterable[Fault]:
    if not geometry.is_valid:
        yield f"its outline is not valid: {shapely.is_valid_reason(geometry)}", "draw it again"
    elif not geometry.is_simple:
        yield "it crosses itself", "draw it without a crossing, or as several features"
    west, south, east, north = geometry.bounds
    inside = _GRID_M[0] <= west <= east <= _GRID_M[2] and _GRID_M[1] <= south <= north <= _GRID_M[3]
    if not inside:
        what = f"it lies at {west:,.0f}, {south:,.0f}, outside the British National Grid"
        yield what, f"give coordinates in metres of {GRID}"

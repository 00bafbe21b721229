"""Drawings of buildings: DXF and IFC files, read as walls, doors and spaces in metres."""

from __future__ import annotations

from estate.sources.drawing.dxf import read_dxf
from estate.sources.drawing.ifc import read_ifc
from estate.sources.drawing.layers import Layers, read_layers

__all__ = ["Layers", "read_dxf", "read_ifc", "read_layers"]

"""An IFC model → walls, doors and spaces, storey by storey, from the bodies of its products."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.affinity import affine_transform

from estate.errors import InputError
from estate.sources.drawing.model import (
    Drawing,
    DrawnDoor,
    DrawnSpace,
    DrawnWall,
    counted,
    material_in,
)
from estate.sources.drawing.rooms import rooms_between
from estate.sources.sheet import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_STRAIGHT = 0.8  # Of its box, a straight wall covers at least so much.
_FLAT = 0.999  # The least upward share of a face that lies flat.
_SQUARE_M = 0.05  # Longer than thick by less, a wall is a pier, and its direction unclear.
_CORNER_M = 0.005
_GRID_CODE, _GRID_M = "27700", (700_000.0, 1_300_000.0)  # The British National Grid's extent.
_ENDS_BYTES = 200  # Where a file says what it is, and that it is whole.
_UNNAMED = "a storey without a name"
_LEVEL = "it is as high as another: floors are counted in the order of the file"
_READ = ("IfcWall", "IfcDoor", "IfcSpace")
# Where products are, and the holes in them.
_STRUCTURE = ("IfcSite", "IfcBuilding", "IfcBuildingStorey", "IfcOpeningElement", "IfcPort")


def read_ifc(path: Path) -> Drawing:
    """Return what an IFC file says, in metres.

    The storey at height 0, or else the lowest above it, is floor 0; the others count from there.
    Where a storey has no spaces, they are what its walls enclose.

    Raises
    ------
    InputError
        When ifcopenshell is not installed, the file cannot be read, its unit of length is not
        stated, or it has no wall.
    """
    model = _opened(path)
    unit = _unit(model, path)
    reading = _Reading(model)
    walls = tuple(reading.walls())
    if not walls:
        hint = "export the building's walls with their bodies, as a reference or coordination view"
        raise InputError(f"{path.name} has no wall whose body can be read", hint=hint)
    doors, spaces = tuple(reading.doors()), tuple(reading.spaces(walls))
    return Drawing(
        file=path.name,
        unit=unit,
        walls=walls,
        doors=doors,
        spaces=spaces,
        unread=counted([*reading.unread, *reading.others()]),
    )


def _opened(path: Path) -> Any:
    try:
        import ifcopenshell  # noqa: PLC0415 - an optional extra, and slow to import
    except ImportError as error:
        hint = "install it: pip install 'wingspan[ifc]'"
        what = "reading an IFC file needs ifcopenshell, which is not installed"
        raise InputError(what, hint=hint) from error
    try:
        content = path.read_bytes()
        if b"ISO-10303-21" not in content[:_ENDS_BYTES]:
            raise refusal(path, "it is no IFC file", "export it as IFC, not zipped")
        # What was cut short is read without a word of it, as far as it goes.
        if b"END-ISO-10303-21" not in content[-_ENDS_BYTES:]:
            raise refusal(path, "it is damaged or half-copied", "export it as IFC again")
        return ifcopenshell.open(str(path))
    except FileNotFoundError as error:
        raise refusal(path, "there is no such file", "check the name and the folder") from error
    except (OSError, RuntimeError, ifcopenshell.Error) as error:
        raise refusal(path, "it is damaged or half-copied", "export it as IFC again") from error


def _unit(model: Any, path: Path) -> str:
    """Return the unit of length that a model states; its bodies are read in metres.

    Raises
    ------
    InputError
        When none is stated.
    """
    from ifcopenshell.util.unit import get_project_unit  # noqa: PLC0415 - an optional extra

    unit = get_project_unit(model, "LENGTHUNIT") if model.by_type("IfcProject") else None
    if unit is None:
        hint = "export it with its units (IfcUnitAssignment)"
        raise InputError(f"{path.name} does not say in which units it is drawn", hint=hint)
    prefix = getattr(unit, "Prefix", None) or ""
    return f"{prefix}{unit.Name}".casefold()


class _Reading:
    """A model being read; what says nothing to a survey gathers in `unread`."""

    def __init__(self, model: Any) -> None:
        from ifcopenshell import geom  # noqa: PLC0415 - an optional extra

        self._geom = geom
        self._settings = geom.settings()
        self._settings.set("use-world-coords", True)  # noqa: FBT003 - it takes no names
        self._model = model
        self._floors, level = _floors(model)
        self.unread = [("IfcBuildingStorey", each.Name or _UNNAMED, _LEVEL) for each in level]
        self._strays: dict[int, Any] = {}
        self._to_grid = self._conversion()

    def _conversion(self) -> list[float]:
        """Return the affine map from the model's metres to EPSG:27700, if it says any.

        Eastings that lie beyond the grid are in the model's own unit. IFC2X3 has no such words.
        """
        here = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
        kind = "IfcCoordinateOperation"
        stated = [] if self._model.schema == "IFC2X3" else self._model.by_type(kind)
        found = [operation for operation in stated if hasattr(operation, "Eastings")]
        if not found:
            return here
        conversion, system = found[0], found[0].TargetCRS.Name or "a system without a name"
        if _GRID_CODE not in system:
            why = (
                f"its map system is {system}, not EPSG:{_GRID_CODE}: the coordinates stay as drawn"
            )
            self.unread.append((conversion.is_a(), "the project", why))
            return here
        east, north = float(conversion.Eastings), float(conversion.Northings)
        if east > _GRID_M[0] or north > _GRID_M[1]:
            from ifcopenshell.util.unit import calculate_unit_scale  # noqa: PLC0415 - optional

            unit_m = calculate_unit_scale(self._model)
            east, north = east * unit_m, north * unit_m
        x, y = conversion.XAxisAbscissa, conversion.XAxisOrdinate
        if x is None or y is None or not hypot(x, y):
            x, y = 1.0, 0.0
        cosine, sine = x / hypot(x, y), y / hypot(x, y)
        return [cosine, -sine, sine, cosine, east, north]

    def walls(self) -> Iterator[DrawnWall]:
        """Yield each straight wall along the middle of its body."""
        for wall in self._products("IfcWall"):
            area = self._footprint(wall)
            if area is None:
                continue
            box = shapely.minimum_rotated_rectangle(area)
            a, b, c, d = shapely.get_coordinates(box)[:4]
            one_m, other_m = float(np.hypot(*(b - a))), float(np.hypot(*(c - b)))
            if area.area < _STRAIGHT * box.area or abs(one_m - other_m) < _SQUARE_M:
                self._leave(wall, "its body is not one straight wall")
                continue
            # From the middle of one short side to that of the other.
            ends = [(b + c) / 2, (d + a) / 2] if one_m > other_m else [(a + b) / 2, (c + d) / 2]
            yield DrawnWall(
                floor=self._floor(wall),
                line=shapely.LineString(np.round(ends, 4)),
                thickness_m=round(min(one_m, other_m), 3),
                material=_material(wall),
                layer=wall.is_a(),
            )

    def doors(self) -> Iterator[DrawnDoor]:
        """Yield each door in the middle of the opening that it fills, or else of its own body."""
        for door in self._products("IfcDoor"):
            fills = getattr(door, "FillsVoids", ())
            area = self._footprint(fills[0].RelatingOpeningElement if fills else door)
            if area is not None:
                yield DrawnDoor(floor=self._floor(door), at=area.centroid)

    def spaces(self, walls: tuple[DrawnWall, ...]) -> Iterator[DrawnSpace]:
        """Yield each space, or what walls enclose on a storey that has none."""
        told = set()
        for space in self._products("IfcSpace"):
            area = self._footprint(space)
            if area is not None:
                told.add(self._floor(space))
                name, longer = space.Name or "", space.LongName or ""
                label = name if longer in name else f"{longer} {name}".strip()
                outline = shapely.simplify(shapely.Polygon(area.exterior), _CORNER_M)
                yield DrawnSpace(floor=self._floor(space), outline=outline, label=label)
        for floor in sorted({wall.floor for wall in walls} - told):
            bodies = [
                shapely.buffer(wall.line, (wall.thickness_m or 0) / 2, cap_style="square")
                for wall in walls
                if wall.floor == floor
            ]
            for room in rooms_between(bodies):
                yield DrawnSpace(floor=floor, outline=room, label="")

    def others(self) -> Iterator[tuple[str, str, str]]:
        """Yield the products of no storey, and those that a survey has no use for."""
        for stray in self._strays.values():
            yield stray.is_a(), "no storey", "taken to be on floor 0"
        for product in self._model.by_type("IfcProduct"):
            if any(product.is_a(kind) for kind in (*_READ, *_STRUCTURE)):
                continue
            kind = product.is_a()
            why = "taken as part of its wall" if kind == "IfcWindow" else "not part of a survey"
            yield kind, self._storey_name(product), why

    def _products(self, *kinds: str) -> Iterator[Any]:
        for kind in kinds:
            yield from sorted(self._model.by_type(kind), key=lambda product: product.id())

    def _footprint(self, product: Any) -> Any:
        """Return what a product covers on the plan; None, and a note of it, without a body."""
        try:
            shape = self._geom.create_shape(self._settings, product)
        except RuntimeError:
            self._leave(product, "it has no body that can be read")
            return None
        points = np.array(shape.geometry.verts, dtype=float).reshape(-1, 3)
        faces = np.array(shape.geometry.faces, dtype=int).reshape(-1, 3)
        corners = points[faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        lengths = np.linalg.norm(normals, axis=1)
        flat = (lengths > 0) & (np.abs(normals[:, 2]) >= _FLAT * lengths)
        area = shapely.union_all(shapely.polygons(corners[flat][:, :, :2]), grid_size=0.0001)
        placed = affine_transform(area, self._to_grid)
        parts = [part for part in shapely.get_parts(placed) if part.geom_type == "Polygon"]
        if not parts:
            self._leave(product, "its body has no level face")
            return None
        return (
            max(parts, key=lambda part: part.area)
            if len(parts) == 1
            else shapely.convex_hull(placed)
        )

    def _leave(self, product: Any, why: str) -> None:
        self.unread.append((product.is_a(), self._storey_name(product), why))

    def _floor(self, product: Any) -> int:
        """Return the floor of a product; one of no storey is on the ground, and said to be."""
        storey = _storey(product)
        if storey is None:
            self._strays[product.id()] = product
        return self._floors.get(storey.id(), 0) if storey is not None else 0

    def _storey_name(self, product: Any) -> str:
        storey = _storey(product)
        return (storey.Name or _UNNAMED) if storey is not None else "no storey"


def _storey(product: Any) -> Any:
    from ifcopenshell.util.element import get_container  # noqa: PLC0415 - an optional extra

    container = get_container(product, ifc_class="IfcBuildingStorey")
    if container is None and product.is_a("IfcSpace"):
        above = [r.RelatingObject for r in getattr(product, "Decomposes", ())]
        container = next((each for each in above if each.is_a("IfcBuildingStorey")), None)
    return container


def _floors(model: Any) -> tuple[Mapping[int, int], list[Any]]:
    """Return the floor of each storey by its number in the file, and storeys as high as another."""
    storeys = model.by_type("IfcBuildingStorey")
    known = sorted((_height(storey), storey.id(), storey) for storey in storeys)
    heights = [height for height, _, _ in known]
    ground = next((i for i, height in enumerate(heights) if height >= 0), 0)
    floors = {number: index - ground for index, (_, number, _) in enumerate(known)}
    return floors, [storey for height, _, storey in known if heights.count(height) > 1]


def _height(storey: Any) -> float:
    """Return the height of a storey in the model's unit: as stated, or else as it is placed."""
    from ifcopenshell.util.placement import (  # noqa: PLC0415 - an optional extra
        get_storey_elevation,
    )

    stated = storey.Elevation
    return float(get_storey_elevation(storey) if stated is None else stated)


def _material(wall: Any) -> str:
    """Return the material of a wall's thickest layer, or what its names say; "" for neither."""
    from ifcopenshell.util.element import get_material, get_type  # noqa: PLC0415 - an optional extra

    found = get_material(wall, should_skip_usage=True)
    names: list[str] = []
    if found is not None and found.is_a("IfcMaterialLayerSet"):
        layers = sorted(found.MaterialLayers, key=lambda layer: -layer.LayerThickness)
        names += [layer.Material.Name for layer in layers if layer.Material]
    elif found is not None and found.is_a("IfcMaterial"):
        names.append(found.Name)
    elif found is not None and hasattr(found, "Materials"):
        names += [material.Name for material in found.Materials]
    kind = get_type(wall)
    names += [wall.Name or "", (kind.Name or "") if kind is not None else ""]
    return next((material for name in names if (material := material_in(name or ""))), "")

"""A DXF file → walls, doors and spaces, by layers and units that are stated or asked for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from math import isclose, isfinite
from typing import TYPE_CHECKING, Any

import shapely
from shapely.affinity import scale, translate

from estate.errors import InputError
from estate.sources.drawing.model import (
    Drawing,
    DrawnDoor,
    DrawnSpace,
    DrawnWall,
    counted,
    material_in,
)
from estate.sources.drawing.rooms import door_at, labelled, rooms_between
from estate.sources.drawing.walls import Piece, body, faces_of, joined, paired
from estate.sources.sheet import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from estate.sources.drawing.layers import Layers

UNITS_M = {"mm": 0.001, "cm": 0.01, "m": 1.0, "in": 0.0254, "ft": 0.3048}

# $INSUNITS of the DXF reference: 0 means that nobody said.
_INSUNITS = {1: "in", 2: "ft", 4: "mm", 5: "cm", 6: "m"}
_WIDTH_M = (2.0, 1500.0)  # Of a building or a site.
_LINES = frozenset({"LINE", "LWPOLYLINE", "POLYLINE"})
_CURVES = frozenset({"ARC", "CIRCLE", "ELLIPSE", "SPLINE"})
_WORDS = frozenset({"TEXT", "MTEXT", "ATTRIB"})
_FLAT_M = 0.01  # A curve is this far from the lines that it is read as.
_BINARY = b"AutoCAD Binary DXF"
_TAIL_BYTES = 200  # Every whole DXF file ends with EOF.
_HEAD_BYTES = 10_000  # Every DXF file begins with a section, a binary one too.
_DEPTH_MAX = 8  # Of blocks within blocks.
_DOOR_REACH_M = 0.5
_ALONE = "no other face of a wall is beside it, and it is short for one of a single line"
_WINDOW = "window: taken as part of its wall"


@dataclass(slots=True)
class _Floor:
    """What is drawn of one floor, in metres."""

    walls: list[tuple[Any, str]] = field(default_factory=list)
    doors: list[Any] = field(default_factory=list)
    leaves: list[Any] = field(default_factory=list)
    windows: list[Any] = field(default_factory=list)
    outlines: list[Any] = field(default_factory=list)
    words: list[tuple[Any, str]] = field(default_factory=list)


def read_dxf(path: Path, *, layers: Layers, units: str = "") -> Drawing:
    """Return what a DXF file says.

    Parameters
    ----------
    units
        "mm", "cm", "m", "in" or "ft"; "" to take what the file states.

    Raises
    ------
    InputError
        When the file cannot be read, has no walls, or its units are missing or cannot be right.
    """
    document, mended = _opened(path)
    reading = _Reading(layers)
    reading.unread += [("entity", "the file", "damaged: mended or left out")] * mended
    reading.scan(document.modelspace())
    if not reading.width:
        raise _no_wall(path, reading)
    scale_m, said = _scale(document, reading, path, units)
    walls: list[DrawnWall] = []
    doors: list[DrawnDoor] = []
    spaces: list[DrawnSpace] = []
    for number, floor in sorted(reading.floors(scale_m).items()):
        found = _Found(number, floor)
        walls += found.walls(reading.unread)
        doors += found.doors(reading.unread)
        spaces += found.spaces(reading.unread)
    if not walls:
        raise _no_wall(path, reading)
    return Drawing(
        file=path.name,
        unit=said,
        walls=tuple(walls),
        doors=tuple(doors),
        spaces=tuple(spaces),
        unread=counted(reading.unread),
    )


def _opened(path: Path) -> tuple[Any, int]:
    """Return the document of a file, and how much in it had to be mended.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        from ezdxf import readfile, recover  # noqa: PLC0415 - an optional extra, and slow to import
        from ezdxf.lldxf.const import DXFError  # noqa: PLC0415 - as above
    except ImportError as error:
        hint = "install it: pip install 'wingspan[dxf]'"
        raise InputError(
            "reading a DXF file needs ezdxf, which is not installed", hint=hint
        ) from error
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        if head.startswith(b"AC10"):
            raise refusal(path, "it is a DWG file", "save it as DXF")
        if b"SECTION" not in head:
            raise refusal(path, "it is no DXF file, or damaged", "save it as DXF again")
        if b"EOF" not in _tail(path):
            raise refusal(path, "it is damaged or half-copied", "save it as DXF again")
        if head.startswith(_BINARY):
            document = readfile(path)
            auditor = document.audit()
        else:
            document, auditor = recover.readfile(path)
    except FileNotFoundError as error:
        raise refusal(path, "there is no such file", "check the name and the folder") from error
    except (OSError, DXFError, ValueError, KeyError, IndexError) as error:
        raise refusal(path, "it is no DXF file, or damaged", "save it as DXF again") from error
    return document, len(auditor.errors) + len(auditor.fixes)


def _no_wall(path: Path, reading: _Reading) -> InputError:
    """Return the error of a drawing in which no wall was found, and what it holds instead."""
    names = sorted({layer for _, layer, _ in reading.unread} - {"the file"})
    on_walls = {why for _, layer, why in reading.unread if reading.layers.part(layer) == "walls"}
    if reading.width or on_walls:
        hint = "; ".join(
            ["draw its walls as straight lines, the two faces of each", *sorted(on_walls)]
        )
        return InputError(f"{path.name} has no straight wall on its layers of walls", hint=hint)
    known = ", ".join(names) or "nothing"
    hint = f"name them in --layers FILE.toml: [layers], walls = [...]; it has {known}"
    return InputError(f"{path.name} has no layer that is known to hold walls", hint=hint)


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read()


def _scale(document: Any, reading: _Reading, path: Path, units: str) -> tuple[float, str]:
    """Return metres for each unit of a drawing, and who says so.

    Raises
    ------
    InputError
        When nobody says, or what is said makes no building.
    """
    width = reading.width
    stated = _INSUNITS.get(document.header.get("$INSUNITS", 0), "")
    unit, said = (units, "--units") if units else (stated, "$INSUNITS")
    fitting = [name for name, each in UNITS_M.items() if _WIDTH_M[0] <= width * each <= _WIDTH_M[1]]
    likely = ", ".join(f"{width * UNITS_M[name]:,.1f} m wide in {name}" for name in fitting)
    hint = f"give --units: its walls are {likely}" if fitting else "give --units, or name the walls"
    if not unit:
        raise InputError(f"{path.name} does not say in which units it is drawn", hint=hint)
    if unit not in fitting:
        wide = f"{width * UNITS_M[unit]:,.4g} m wide"
        what = f"{path.name} would be {wide}, no building, if drawn in {unit} as by {said}"
        raise InputError(what, hint=hint)
    return UNITS_M[unit], f"{unit}, by {said}"


class _Reading:
    """The entities of a drawing by what they mean, in its own units; `unread` says the rest."""

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self.unread: list[tuple[str, str, str]] = []
        self._found: list[tuple[str, str, Any, str]] = []  # Part, layer, geometry, words.

    @property
    def width(self) -> float:
        """Return the longer side of what the walls cover."""
        walls = [geometry for part, _, geometry, _ in self._found if part == "walls"]
        if not walls:
            return 0.0
        west, south, east, north = shapely.total_bounds(walls)
        return float(max(east - west, north - south))

    def floors(self, scale_m: float) -> dict[int, _Floor]:
        """Return what is drawn of each floor, in metres, each above the other."""
        floors: defaultdict[int, _Floor] = defaultdict(_Floor)
        for part, layer, geometry, words in self._found:
            middle = shapely.centroid(shapely.envelope(geometry))
            number = self.layers.floor(layer, (middle.x, middle.y))
            if number is None:
                self.unread.append(
                    (part.removesuffix("s"), layer, "outside the box of every floor")
                )
                continue
            east, north = self.layers.shift(number)
            placed = scale(translate(geometry, east, north), scale_m, scale_m, origin=(0.0, 0.0))
            floor = floors[number]
            if part == "walls" or (part == "windows" and not words):
                floor.walls.append((placed, layer))  # A window drawn in lines may be a glazed wall.
            elif part == "labels":
                floor.words.append((placed, words))
            else:
                kept = {
                    "doors": floor.doors if words else floor.leaves,
                    "windows": floor.windows,
                    "spaces": floor.outlines,
                }
                kept[part].append(placed)
        return dict(floors)

    def scan(self, entities: Any, *, depth: int = 0, within: str = "") -> None:
        """Take up entities; those of a block on layer "0" belong to the layer it is put on."""
        for entity in entities:
            layer = within if within and entity.dxf.layer == "0" else entity.dxf.layer
            kind = entity.dxftype()
            if kind == "INSERT":
                for insert in entity.multi_insert() if entity.mcount > 1 else (entity,):
                    self._insert(insert, layer, depth=depth)
            else:
                self._entity(entity, kind, layer)

    def _insert(self, insert: Any, layer: str, *, depth: int) -> None:
        part = self.layers.part(layer)
        named = self.layers.part(insert.dxf.name)
        if named in {"doors", "windows"} and part != "ignore":
            part = named  # A block says best what it is: windows are often put on a layer of doors.
        if part in {"doors", "windows"}:
            self._take(part, layer, _area_of(insert), insert.dxf.name)
        elif part == "ignore":
            self.unread.append(("INSERT", layer, "its layer says nothing to a survey"))
        elif insert.block() is None or insert.block().block.is_xref:
            why = f"its block {insert.dxf.name} is in another file"
            self.unread.append(("INSERT", layer, why))
        elif depth >= _DEPTH_MAX:
            self.unread.append(
                ("INSERT", layer, f"more than {_DEPTH_MAX} blocks within each other")
            )
        else:
            self.scan(insert.attribs, within=layer)
            self.scan(insert.virtual_entities(), depth=depth + 1, within=layer)

    def _entity(self, entity: Any, kind: str, layer: str) -> None:
        part = self.layers.part(layer)
        if part == "ignore":
            self.unread.append((kind, layer, "its layer says nothing to a survey"))
        elif kind in _WORDS:
            text = entity.plain_text() if kind == "MTEXT" else entity.dxf.text
            self._take("labels", layer, _place_of(entity), " ".join(text.split()))
        elif part not in {"walls", "doors", "windows", "spaces"}:
            self.unread.append((kind, layer, "its layer has no known meaning: see --layers"))
        elif part == "walls" and getattr(entity, "has_arc", False):
            # Its straight stretches are walls, and its bows are said to be curved ones.
            for piece in entity.virtual_entities():
                self._entity(piece, piece.dxftype(), layer)
        elif kind in _LINES or (kind in _CURVES and part != "walls"):
            self._take(part, layer, _line_of(entity), "")
        elif kind in _CURVES:
            self.unread.append((kind, layer, "a curved wall: draw it as straight pieces"))
        else:
            self.unread.append((kind, layer, f"not read as {part}"))

    def _take(self, part: str, layer: str, geometry: Any, words: str) -> None:
        if geometry is None or shapely.is_empty(geometry):
            self.unread.append(
                (part.removesuffix("s"), layer, "it is no line or place on the plan")
            )
        else:
            self._found.append((part, layer, geometry, words))


def _place_of(text: Any) -> Any:
    """Return where words stand, None where that is no place."""
    # Of a block that is put down mirrored, words lie in a system of their own.
    at = text.dxf.insert if text.dxftype() == "MTEXT" else text.ocs().to_wcs(text.dxf.insert)
    return shapely.Point(at.x, at.y) if isfinite(at.x) and isfinite(at.y) else None


def _line_of(entity: Any) -> Any:
    """Return the line of an entity, curves as short pieces; None where it has no length."""
    from ezdxf.path import make_path  # noqa: PLC0415 - an optional extra

    try:
        path = make_path(entity)
    except TypeError:  # A mesh is written as a polyline too.
        return None
    if not (path and all(isfinite(x) for at in path.control_vertices() for x in (at.x, at.y))):
        return None
    span = (path.end - path.start).magnitude + path.control_vertices()[0].magnitude
    points = [(point.x, point.y) for point in path.flattening(max(span, 1.0) * _FLAT_M / 100)]
    if entity.dxftype() in {"LWPOLYLINE", "POLYLINE"} and entity.is_closed:
        points.append(points[0])
    closes = next((i for i, point in enumerate(points) if i > 2 and _same(point, points[0])), None)  # noqa: PLR2004 - a triangle at least
    if closes is not None:
        points = [*points[:closes], points[0]]  # Outlines are often drawn on past their start.
    kept = [point for index, point in enumerate(points) if not index or point != points[index - 1]]
    return shapely.LineString(kept) if len(kept) > 1 else None


def _same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return isclose(one[0], other[0], abs_tol=1e-6) and isclose(one[1], other[1], abs_tol=1e-6)


def _area_of(insert: Any) -> Any:
    """Return the box that a block takes up on the plan, None where it is empty."""
    from ezdxf import bbox  # noqa: PLC0415 - an optional extra

    box = bbox.extents([insert])
    if not box.has_data:
        return None
    return shapely.box(box.extmin.x, box.extmin.y, box.extmax.x, box.extmax.y)


class _Found:
    """The walls, doors and spaces of one floor."""

    def __init__(self, number: int, floor: _Floor) -> None:
        self._number = number
        self._floor = floor
        faces = [face for line, layer in floor.walls for face in faces_of(line, layer=layer)]
        outlines = [line for line, _ in floor.walls if line.is_ring and len(line.coords) > 3]  # noqa: PLR2004 - a triangle at least
        self._bodies = [shapely.make_valid(shapely.Polygon(line)) for line in outlines]
        pieces, self._short = paired(faces, bodies=shapely.union_all(self._bodies))
        self._solid = shapely.union_all([body(p) for p in pieces])
        self._doors = [*floor.doors, *_clusters(floor.leaves)]
        self._walls: list[Piece] = joined(pieces, openings=[*self._doors, *floor.windows])

    def walls(self, unread: list[tuple[str, str, str]]) -> Iterator[DrawnWall]:
        """Yield each wall; a line that is part of none adds to what was not understood."""
        unread += [("line", face.layer, _ALONE) for face in self._short]
        for wall in self._walls:
            yield DrawnWall(
                floor=self._number,
                line=wall.line,
                thickness_m=wall.thickness_m,
                material=material_in(wall.layer),
                layer=wall.layer,
            )

    def doors(self, unread: list[tuple[str, str, str]]) -> Iterator[DrawnDoor]:
        """Yield each door in its wall; one that is near none adds to what was not understood."""
        lines = [wall.line for wall in self._walls]
        for opening in self._doors:
            at = door_at(opening, lines, solid=self._solid, reach_m=_DOOR_REACH_M)
            if at is None:
                middle = shapely.centroid(opening)
                where = f"at {middle.x:.1f}, {middle.y:.1f} m"
                unread.append(("door", f"floor {self._number}", f"no wall is near it, {where}"))
            else:
                yield DrawnDoor(floor=self._number, at=at)
        unread += [("window", f"floor {self._number}", _WINDOW)] * len(self._floor.windows)

    def spaces(self, unread: list[tuple[str, str, str]]) -> Iterator[DrawnSpace]:
        """Yield each room: as outlined on a layer of spaces, else as walls enclose it."""
        drawn = [shapely.Polygon(line) for line in self._floor.outlines if line.is_ring]
        unread += [
            ("outline", f"floor {self._number}", "a space whose outline does not close")
            for line in self._floor.outlines
            if not line.is_ring
        ]
        bodies = [*self._bodies, *(body(wall) for wall in self._walls)]
        rooms = drawn or rooms_between(bodies)
        for room, label in zip(rooms, labelled(rooms, self._floor.words), strict=True):
            yield DrawnSpace(floor=self._number, outline=room, label=label)


def _clusters(openings: list[Any]) -> list[Any]:
    """Return doors as areas: a leaf and its swing, drawn apart, are one."""
    if not openings:
        return []
    boxes = shapely.union_all(shapely.envelope(openings))
    return [shapely.envelope(part) for part in shapely.get_parts(boxes)]

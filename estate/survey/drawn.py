"""A drawing as a draft survey: what it shows, and the plant that is assumed to go with it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import shapely
from shapely.affinity import translate

from estate.model import Grade, Point, WingShape
from estate.sources.drawing.model import Unread, counted, kind_in
from estate.sources.survey import Feature, Survey
from estate.survey.assumed import Routed, assumed_plant
from estate.survey.draft import BLANK
from estate.survey.places import DOOR_REACH_M
from estate.tables import SURVEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.column import Value
    from estate.sources.drawing.model import Drawing, DrawnDoor

_GAP_M = 20.0  # From what is drawn already.
_THERE_M = 5_000.0  # A drawing that lies so near its prison is on the National Grid.
_CELL_M2 = (3.5, 16.0)  # Of a room without a label that may be a cell for one or two.
_DIGITS = re.compile(r"\d+")
_THICKNESS_MM = (20, 2000)  # As the layer takes it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a drawing belongs: its prison, wing ("" for several) and place on the grid.

    `shape` is that of the wing, or of one like it: what a drawing does not say is taken from it.
    """

    prison_id: str
    wing: str
    shape: WingShape
    storey_height_m: float
    drop_m: float
    at: Point

    @property
    def prefix(self) -> str:
        """Return what the names of features begin with."""
        return f"{self.prison_id}-{self.wing}" if self.wing else self.prison_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSurvey:
    """A survey made from a drawing, and the part of it, by layer, that the drawing gave.

    `moved` where the drawing's own coordinates are not on the grid; `left_out` are parts of the
    drawing that the survey has no use for.
    """

    survey: Survey
    drawn: Mapping[str, tuple[Feature, ...]]
    moved: bool
    left_out: tuple[Unread, ...]


def drawn_survey(
    drawing: Drawing, setting: Setting, *, beside: Survey | None = None
) -> DrawnSurvey:
    """Return a drawing as the survey of a wing, together with that of the prison's other wings.

    All of it is of grade D until somebody signs it. Rooms are cells if their label says so; in a
    drawing without labels, those of a cell's size that one door leads to. Outlets, containment
    and a distributor are assumed. Location keys are given only where a label has one number.
    """
    sheet = _Sheet(drawing, setting)
    offset, moved = _placed(drawing, setting, beside)
    features: defaultdict[str, list[Feature]] = defaultdict(list)
    for layer, facts, geometry in sheet.features():
        every = {**BLANK[layer], **facts, **sheet.known(facts)}
        placed = translate(geometry, *offset)
        features[layer].append(Feature(layer=layer, facts=every, geometry=placed))
    others = beside.layers if beside else {}
    layers = {table.name: (*others.get(table.name, ()), *features[table.name]) for table in SURVEY}
    return DrawnSurvey(
        survey=Survey(layers=layers),
        drawn={table.name: tuple(features[table.name]) for table in SURVEY},
        moved=moved,
        left_out=counted(sheet.left_out),
    )


def without_wing(survey: Survey, wing: str) -> Survey:
    """Return a survey of which no feature names this wing."""
    return replace(
        survey,
        layers={
            name: tuple(f for f in features if f.facts.get("wing") != wing)
            for name, features in survey.layers.items()
        },
    )


def _placed(
    drawing: Drawing, setting: Setting, beside: Survey | None
) -> tuple[tuple[float, float], bool]:
    """Return what to move a drawing by, and whether it has to be moved."""
    parts = [*(wall.line for wall in drawing.walls), *(space.outline for space in drawing.spaces)]
    west, south, east, north = shapely.total_bounds(parts)
    here = shapely.Point((west + east) / 2, (south + north) / 2)
    if here.distance(shapely.Point(setting.at)) <= _THERE_M:
        return (0.0, 0.0), False
    drawn = [f.geometry for f in beside.features() if f.geometry is not None] if beside else []
    lowest = float(shapely.total_bounds(drawn)[1]) if drawn else setting.at[1]
    move = (setting.at[0] + _GAP_M - west, lowest - _GAP_M - north)
    return (round(move[0], 3), round(move[1], 3)), True


class _Sheet:
    """A drawing being turned into features, in its own coordinates."""

    def __init__(self, drawing: Drawing, setting: Setting) -> None:
        self.drawing = drawing
        self.setting = setting
        self.left_out: list[tuple[str, str, str]] = []
        self._doors: list[tuple[DrawnDoor, tuple[int, ...]]] = list(self._joining())
        self._of_space: defaultdict[int, list[tuple[Any, int]]] = defaultdict(list)
        for door, (one, other) in self._doors:
            self._of_space[one].append((door.at, other))
            self._of_space[other].append((door.at, one))
        self._kinds = self._told() if self._is_labelled() else self._guessed()

    def _joining(self) -> Iterator[tuple[DrawnDoor, tuple[int, int]]]:
        """Yield each door with the two spaces that it joins; others are left out."""
        spaces = self.drawing.spaces
        floors = {space.floor for space in spaces}
        on = {n: [i for i, space in enumerate(spaces) if space.floor == n] for n in floors}
        trees = {n: shapely.STRtree([spaces[i].outline for i in on[n]]) for n in floors}
        for door in self.drawing.doors:
            near: list[int] = []
            if door.floor in trees:
                found = trees[door.floor].query(door.at, "dwithin", DOOR_REACH_M).tolist()
                near = [on[door.floor][position] for position in found]
            near.sort(key=lambda index: (spaces[index].outline.distance(door.at), index))
            if len(near) > 1:
                yield door, (near[0], near[1])
            else:
                self.left_out.append(("door", f"floor {door.floor}", "no two rooms are at it"))

    def known(self, facts: Mapping[str, Value]) -> dict[str, Value]:
        """Return how well a feature is known, and what else its layer asks of all."""
        assumed = "assumed for " if facts.get("source") else ""
        source = f"{assumed}drawing {self.drawing.file}"
        return {"wing": self.setting.wing, "grade": str(Grade.ASSUMED), "source": source}

    def features(self) -> Iterator[tuple[str, dict[str, Value], Any]]:
        """Yield (layer, facts, geometry) of each feature."""
        yield from self._spaces()
        yield from self._walls()
        prefix = self.setting.prefix
        for number, (door, _) in enumerate(self._doors, start=1):
            yield "doors", {"door_id": f"{prefix}/door-{number}", "floor": door.floor}, door.at
        yield from assumed_plant(
            self._routed(),
            prefix=prefix,
            storey_height_m=self.setting.storey_height_m,
            drop_m=self.setting.drop_m,
        )

    def _spaces(self) -> Iterator[tuple[str, dict[str, Value], Any]]:
        keys = self._keys()
        for number, (space, kind) in enumerate(
            zip(self.drawing.spaces, self._kinds, strict=True), start=1
        ):
            facts: dict[str, Value] = {
                "space_id": f"{self.setting.prefix}/space-{number}",
                "floor": space.floor,
                "kind": kind,
                "location_key": keys[number - 1],
                "notes": space.label,
            }
            if kind != "other" and not kind_in(space.label):
                facts["notes"] = f"{space.label}; taken for a {kind} by size and doors".lstrip("; ")
            yield "spaces", facts, space.outline

    def _walls(self) -> Iterator[tuple[str, dict[str, Value], Any]]:
        shape, (low, high) = self.setting.shape, _THICKNESS_MM
        for number, wall in enumerate(self.drawing.walls, start=1):
            assumed = [] if wall.material else ["material"]
            if wall.thickness_m is None:
                assumed.append("thickness")
            thickness_mm = round((wall.thickness_m or 0.0) * 1000) or shape.thickness_mm
            facts: dict[str, Value] = {
                "wall_id": f"{self.setting.prefix}/wall-{number}",
                "floor": wall.floor,
                "material": wall.material or shape.material,
                "thickness_mm": min(max(thickness_mm, low), high),
                "notes": f"{' and '.join(assumed)} assumed" if assumed else "",
            }
            yield "walls", facts, wall.line

    def _is_labelled(self) -> bool:
        return any(kind_in(space.label) for space in self.drawing.spaces)

    def _told(self) -> list[str]:
        return [kind_in(space.label) or "other" for space in self.drawing.spaces]

    def _guessed(self) -> list[str]:
        """Return kinds by size and doors: cells have one door, and landings the doors of cells."""
        low, high = _CELL_M2
        doors, spaces = self._of_space, self.drawing.spaces
        cells = {
            index
            for index, space in enumerate(spaces)
            if low <= space.outline.area <= high and len(doors[index]) == 1
        }
        beyond = Counter(doors[index][0][1] for index in cells)
        landings = {index for index, count in beyond.items() if count > 1} - cells
        return [
            "cell" if index in cells else "landing" if index in landings else "other"
            for index in range(len(spaces))
        ]

    def _keys(self) -> list[str]:
        """Return a location key for each cell whose label has one number of its own, else ""."""
        keys = []
        for space, kind in zip(self.drawing.spaces, self._kinds, strict=True):
            numbers = _DIGITS.findall(space.label)
            clear = kind == "cell" and self.setting.wing and len(numbers) == 1
            landing = f"{self.setting.prefix}-{space.floor + 1}"
            keys.append(f"{landing}-{int(numbers[0]):03d}" if clear else "")
        counts = Counter(keys)
        return [key if counts[key] == 1 else "" for key in keys]

    def _routed(self) -> Iterator[Routed]:
        """Yield what assumed plant follows, floor by floor from the lowest up."""
        spaces = list(enumerate(zip(self.drawing.spaces, self._kinds, strict=True)))
        for floor in sorted({space.floor for space in self.drawing.spaces}):
            here = [(i, space.outline, kind) for i, (space, kind) in spaces if space.floor == floor]
            yield Routed(
                floor=floor,
                cells=tuple(
                    (outline, self._of_space[i][0][0])
                    for i, outline, kind in here
                    if kind == "cell" and self._of_space[i]
                ),
                others=tuple(outline for _, outline, kind in here if kind != "cell"),
                comms_rooms=tuple(outline for _, outline, kind in here if kind == "comms_room"),
            )

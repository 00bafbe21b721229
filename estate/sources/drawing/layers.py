"""What the layers of a drawing mean: by their names, or as a file of the user says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from estate.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARTS = ("walls", "doors", "windows", "spaces", "labels", "ignore")

# Names that layers have by AIA, by BS 1192 and by habit; walls last, as "wall" is in many names.
_BY_NAME: Mapping[str, tuple[str, ...]] = {
    "ignore": ("*furn*", "*dim*", "*hatch*", "*patt*", "*demo*", "*ceiling*"),
    "doors": ("*door*",),
    "windows": ("*wind*", "*glaz*"),
    "spaces": ("*room*", "*space*", "*area*", "*zone*"),
    "labels": ("*text*", "*txt*", "*label*", "*anno*", "*iden*"),
    "walls": ("*wall*", "*partition*", "*brick*", "*mason*", "*block*", "*concr*"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Which layers are walls, doors and so on, and which floor a layer or place belongs to.

    `parts` and `floors` hold patterns such as "A-WALL*" in lower case; `boxes` the corner
    coordinates (west, south, east, north), in the drawing's own units, of floors that are drawn
    side by side. `origins` are the points of those floors that stand above each other.
    """

    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    floors: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    boxes: Mapping[int, tuple[float, float, float, float]] = field(default_factory=dict)

    def part(self, layer: str) -> str:
        """Return what a layer holds, "" where neither the user nor its name says."""
        name = layer.casefold()
        for rules in (self.parts, _BY_NAME):
            for part, patterns in rules.items():
                if any(fnmatchcase(name, pattern) for pattern in patterns):
                    return part
        return ""

    def floor(self, layer: str, at: tuple[float, float]) -> int | None:
        """Return the floor of something, None where floors are drawn apart and this is on none."""
        name = layer.casefold()
        for floor, patterns in self.floors.items():
            if any(fnmatchcase(name, pattern) for pattern in patterns):
                return floor
        for floor, (west, south, east, north) in self.boxes.items():
            if west <= at[0] <= east and south <= at[1] <= north:
                return floor
        return None if self.boxes else 0

    def shift(self, floor: int) -> tuple[float, float]:
        """Return what brings a floor's box over the lowest one's: they stand above each other."""
        if floor not in self.boxes:
            return (0.0, 0.0)
        lowest = self.boxes[min(self.boxes)]
        return (lowest[0] - self.boxes[floor][0], lowest[1] - self.boxes[floor][1])


def read_layers(path: Path) -> Layers:
    """Return the rules of a TOML file: tables `layers`, `floors` and `boxes`.

    Raises
    ------
    InputError
        When the file cannot be read or says something else; every fault is listed.
    """
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path} cannot be read", hint="check the name and the folder") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        hint = 'write it as in: [layers], then walls = ["A-WALL*"]'
        raise InputError(f"{path} is not TOML", hint=hint) from error
    problems = list(_problems(stated, path.name))
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{count} in {path.name}", problems=problems)
    return Layers(
        parts={part: _folded(names) for part, names in stated.get("layers", {}).items()},
        floors={int(floor): _folded(names) for floor, names in stated.get("floors", {}).items()},
        boxes={int(floor): tuple(box) for floor, box in stated.get("boxes", {}).items()},
    )


def _folded(names: list[str]) -> tuple[str, ...]:
    return tuple(name.casefold() for name in names)


def _problems(stated: dict[str, Any], file: str) -> Iterator[Problem]:
    tables = {"layers": _names_problem, "floors": _names_problem, "boxes": _box_problem}
    for name, table in stated.items():
        if name not in tables or not isinstance(table, dict):
            cure = f"use the tables {', '.join(f'[{known}]' for known in tables)}"
            yield Problem(file, name, "it is no table of this file", cure)
            continue
        for key, value in table.items():
            place = f"[{name}] {key}"
            if name == "layers" and key not in PARTS:
                yield Problem(file, place, "it is no part", f"use {', '.join(PARTS)}")
            elif name != "layers" and not key.lstrip("-").isdecimal():
                yield Problem(file, place, "it is no floor", "write 0 for the ground, 1, 2, -1")
            yield from tables[name](file, place, value)


def _names_problem(file: str, place: str, value: Any) -> Iterator[Problem]:
    if not (isinstance(value, list) and value and all(isinstance(each, str) for each in value)):
        yield Problem(file, place, f"it is {value!r}", 'list names of layers: ["A-WALL*"]')


def _box_problem(file: str, place: str, value: Any) -> Iterator[Problem]:
    numbers = isinstance(value, list) and all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in value
    )
    if not (numbers and len(value) == 4 and value[0] < value[2] and value[1] < value[3]):  # noqa: PLR2004 - a box has four sides
        cure = "give west, south, east, north in the units of the drawing"
        yield Problem(file, place, f"it is {value!r}", cure)

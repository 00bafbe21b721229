"""What a drawing of a building says: walls, doors and spaces, and what was not understood."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnWall:
    """A straight wall along its centre line, in metres; `None` and "" mean "not drawn"."""

    floor: int
    line: Any
    thickness_m: float | None
    material: str
    layer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnDoor:
    """A door, by its middle in metres."""

    floor: int
    at: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSpace:
    """A room by its outline in metres, without what stands free in it, and the words in it."""

    floor: int
    outline: Any
    label: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Unread:
    """So many parts of a drawing that say nothing to a survey, where they are, and why."""

    what: str
    layer: str
    why: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing in metres, with the unit that it was read in and who says so."""

    file: str
    unit: str
    walls: tuple[DrawnWall, ...]
    doors: tuple[DrawnDoor, ...]
    spaces: tuple[DrawnSpace, ...]
    unread: tuple[Unread, ...]


def counted(found: Iterable[tuple[str, str, str]]) -> tuple[Unread, ...]:
    """Return what was not understood, counted by (what, layer, why), the most frequent first."""
    counts = Counter(found)
    unread = [Unread(what=a, layer=b, why=c, count=n) for (a, b, c), n in counts.items()]
    return tuple(sorted(unread, key=lambda each: (-each.count, each)))


# Words of layers, materials and labels → the words of a survey; the first that fits is meant.
_MATERIALS = (
    ("brick", ("brick", "masonry", "block", "mason")),
    ("concrete", ("concr", "precast", "rc wall", "beton")),
    ("stone", ("stone",)),
    ("steel_modular", ("steel", "metal")),
    ("timber", ("timber", "wood")),
    ("glass", ("glass", "glaz", "wind")),
    ("plasterboard", ("plaster", "gypsum", "stud", "partition", "drywall")),
)
_KINDS = (
    ("comms_room", ("comms", "server", "telecom", "data room", "ict room", "hub room")),
    ("stairs", ("stair",)),
    ("cell", ("cell",)),
    ("landing", ("landing", "corridor", "circulation", "hall", "lobby", "gallery")),
    ("atrium", ("atrium", "void")),
    ("office", ("office",)),
)


def material_in(words: str) -> str:
    """Return the material that words name, "" for none."""
    return _first(words, _MATERIALS)


def kind_in(words: str) -> str:
    """Return the kind of space that a label names, "" for none."""
    return _first(words, _KINDS)


def _first(words: str, choices: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    said = words.casefold()
    return next((name for name, signs in choices if any(sign in said for sign in signs)), "")

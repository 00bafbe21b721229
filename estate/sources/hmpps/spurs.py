"""Cells in HMPPS's tree of locations → landings and spurs.

Spurs are a level of the tree, or a rule of data/spur_rules.csv tells them; where neither is, a
landing is one spur.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from estate.sources.table import read_table
from estate.tables import SPUR_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_RULES = Path(__file__).resolve().parents[2] / "data" / "spur_rules.csv"

SPUR, LANDING = "SPUR", "LANDING"


class Level(NamedTuple):
    """A location between a wing and a cell: "SPUR", "LANDING" or another type, and its code."""

    role: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell by its code, and the levels above it from the wing down, the wing left out."""

    code: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpurRule:
    """How to tell the spurs of one wing; `spurs` are cell-number ranges or endings, in order."""

    kind: str
    spurs: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WingLayout:
    """The cells of each spur for every landing, in the order of their codes.

    `members` holds for each landing and spur which of the wing's cells stand there, by their number
    from 0. `remark` says where the spurs are from; `inferred` is true where no level of the tree
    says it.
    """

    members: tuple[tuple[tuple[int, ...], ...], ...]
    remark: str
    inferred: bool = False

    @property
    def layout(self) -> tuple[tuple[int, ...], ...]:
        """Return how many cells each spur has on every landing."""
        return tuple(tuple(map(len, landing)) for landing in self.members)


class _Spot(NamedTuple):
    """The landing and the spur of a cell, "" for none."""

    landing: str
    spur: str


@lru_cache(maxsize=1)
def spur_rules() -> Mapping[tuple[str, str], SpurRule]:
    """Return the shipped rule of each wing that has one, by prison and wing."""
    return {
        (row.text("prison_id"), row.text("wing")): SpurRule(
            kind=row.text("kind"),
            spurs=tuple(filter(None, row.text("parameters").split("+"))),
            source=row.text("source"),
        )
        for row in read_table(_RULES, SPUR_RULES)
    }


def wing_layout(cells: Sequence[Cell], rule: SpurRule | None) -> WingLayout:
    """Return the landings and spurs of a wing's cells.

    Landings and spurs stand in the order of their codes, numbers by value: no export says which
    landing is the lowest. A spur that has no cell on some landing keeps its place with a 0. A
    rule is used only where the tree has no level for spurs, and only if it fits every cell.
    """
    spots = [_by_level(cell) for cell in cells]
    if any(spot.spur for spot in spots):
        return _by_spur_level(spots)
    if rule is None:
        return WingLayout(
            members=_grouped(spots),
            remark="one spur a landing, with no spur level and no spur rule",
        )
    placed = [_READERS[rule.kind](cell, rule.spurs) for cell in cells]
    stray = next((cell for cell, spot in zip(cells, placed, strict=True) if spot is None), None)
    label = f"spur rule {rule.kind} {'+'.join(rule.spurs)}".rstrip()
    if stray is not None:
        remark = f"{label} does not fit cell {stray.code}, so one spur a landing"
        return WingLayout(members=_grouped(spots), remark=remark)
    order = rule.spurs or None
    members = _grouped([spot for spot in placed if spot is not None], spurs=order)
    return WingLayout(members=members, remark=f"{label} ({rule.source})", inferred=True)


def natural(code: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts the code 2 before 10, and numbers before letters."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.findall(r"[0-9]+|[^0-9]+", code)
    )


def _by_level(cell: Cell) -> _Spot:
    """Return the outermost landing and the outermost spur above a cell."""
    codes = {level.role: level.code for level in reversed(cell.levels)}
    return _Spot(codes.get(LANDING, ""), codes.get(SPUR, ""))


def _by_spur_level(spots: Sequence[_Spot]) -> WingLayout:
    """Return the layout of a wing whose tree has spurs.

    A landing has the same code in each spur that it runs through. Where no code occurs in two
    spurs, as with A1 and B1, the first landing of each makes one landing, and so on.
    """
    landings: dict[str, set[str]] = {}
    for spot in spots:
        landings.setdefault(spot.spur, set()).add(spot.landing)
    every = [code for codes in landings.values() for code in codes]
    if len(landings) == 1 or len(set(every)) < len(every):
        return WingLayout(members=_grouped(spots), remark="spurs as in the tree")
    rank = {
        (spur, code): str(number)
        for spur, codes in landings.items()
        for number, code in enumerate(sorted(codes, key=natural), start=1)
    }
    paired = [_Spot(rank[spot.spur, spot.landing], spot.spur) for spot in spots]
    remark = "spurs as in the tree, their landings paired in order, as no code occurs in two"
    return WingLayout(members=_grouped(paired), remark=remark, inferred=True)


def _grouped(
    spots: Iterable[_Spot], *, spurs: Sequence[str] | None = None
) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Return the numbers of the cells on each landing and spur, in the order given."""
    members: dict[_Spot, list[int]] = {}
    for number, spot in enumerate(spots):
        members.setdefault(spot, []).append(number)
    landings = sorted({spot.landing for spot in members}, key=natural)
    found = {spot.spur for spot in members}
    order = [s for s in spurs if s in found] if spurs else sorted(found, key=natural)
    return tuple(
        tuple(tuple(members.get(_Spot(landing, spur), ())) for spur in order)
        for landing in landings
    )


def _by_cell_number(cell: Cell, spurs: Sequence[str]) -> _Spot | None:
    if not cell.code.isdecimal():
        return None
    for spur in spurs:
        first, last = map(int, spur.split("-"))
        if first <= int(cell.code) <= last:
            return _Spot(_by_level(cell).landing, spur)
    return None


def _by_cell_suffix(cell: Cell, spurs: Sequence[str]) -> _Spot | None:
    spur = next((spur for spur in spurs if cell.code.endswith(spur)), None)
    return None if spur is None else _Spot(_by_level(cell).landing, spur)


def _by_landing_suffix(cell: Cell, spurs: Sequence[str]) -> _Spot | None:
    landing = _by_level(cell).landing
    spur = next((spur for spur in spurs if landing.endswith(spur)), None)
    return None if spur is None else _Spot(landing.removesuffix(spur), spur)


def _by_level_below_landing(cell: Cell, _spurs: Sequence[str]) -> _Spot | None:
    codes = [level.code for level in cell.levels]
    roles = [level.role for level in cell.levels]
    below = roles.index(LANDING) + 1 if LANDING in roles else len(codes)
    return _Spot(codes[below - 1], codes[below]) if below < len(codes) else None


_READERS: Mapping[str, Callable[[Cell, Sequence[str]], _Spot | None]] = {
    "cell_numbers": _by_cell_number,
    "cell_suffix": _by_cell_suffix,
    "landing_suffix": _by_landing_suffix,
    "level_below_landing": _by_level_below_landing,
}

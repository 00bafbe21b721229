"""Problems that are one fault of many features, as a cleared layer is, said in one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from estate.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

_EACH_MAX = 9  # So many are each worth a line: they may be slips of the hand.
_NAMED = 2
_LAYER = re.compile(r"(layer \w+), (.+)")
_OWN = re.compile(r"\S*\d\S*")  # A name or a number, by which problems that are alike differ.


def gathered(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with those of many features of a layer that are alike made into one.

    They are alike where they say the same but for names and numbers, and have the same cure. The
    one stands where the first of them stood, names the first features and counts the others.
    """
    groups: dict[tuple[str, ...], list[Problem]] = {}
    for problem in problems:
        match = _LAYER.fullmatch(problem.place)
        alike = (match[1], _OWN.sub("", problem.what)) if match else (problem.place, problem.what)
        groups.setdefault((problem.file, *alike, problem.cure), []).append(problem)
    return [each for group in groups.values() for each in _said(group)]


def _said(group: list[Problem]) -> list[Problem]:
    first = group[0]
    names = dict.fromkeys(match[2] for p in group if (match := _LAYER.fullmatch(p.place)))
    if len(group) <= _EACH_MAX or len(names) <= _NAMED:
        return group
    layer = first.place.partition(", ")[0]
    place = f"{layer}, {', '.join(list(names)[:_NAMED])} and {len(names) - _NAMED:,} others"
    differ = any(problem.what != first.what for problem in group)
    what = f"{first.what}, and so on" if differ else first.what
    return [Problem(first.file, place, what, first.cure)]

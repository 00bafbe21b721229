"""The cells of a survey beside those that an import of HMPPS's export names."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING

from estate.survey.wings import cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from estate.errors import Problem
    from estate.model import Wing
    from estate.sizing import Sizing
    from estate.sources.survey import Survey


def unknown_key_problems(parts: Mapping[str, Survey], sizing: Sizing) -> Iterator[Problem]:
    """Yield each cell whose location key is none of its wing's, where those were imported.

    A key that is not of the wing at all is told elsewhere.

    Parameters
    ----------
    parts
        The part of the survey that each wing is, by its code.
    sizing
        The wings as register, schedule and import have them.
    """
    for wing, known in _known(sizing):
        part = parts.get(wing.wing)
        cells = cells_of(part) if part else []
        used = {cell.text("location_key") for cell in cells}
        left = [key for key in known if key not in used]
        for cell in cells:
            key = cell.text("location_key")
            if key.startswith(f"{wing.key}-") and key not in known:
                source = wing.source.partition("; ")[0]
                what = f"its location_key {key} is none of the {len(known)} cells of {wing.key}"
                near = get_close_matches(key, left, n=1) or get_close_matches(key, known, n=1)
                cure = f"did you mean {near[0]}?" if near else f"use one of {known[0]} …"
                newer = "or import a newer certificate first"
                yield cell.problem(f"{what} ({source})", f"{cure} {newer}")


def missing_keys(parts: Mapping[str, Survey], sizing: Sizing) -> dict[str, tuple[str, ...]]:
    """Return the keys of imported cells that no space of the survey has, by the wing's code.

    A wing that the survey leaves out altogether is told elsewhere.
    """
    drawn = {
        code: {space.text("location_key") for space in part.layers["spaces"]}
        for code, part in parts.items()
    }
    missing = {
        wing.wing: tuple(key for key in known if key not in drawn[wing.wing])
        for wing, known in _known(sizing)
        if wing.wing in drawn
    }
    return {code: keys for code, keys in missing.items() if keys}


def _known(sizing: Sizing) -> Iterator[tuple[Wing, tuple[str, ...]]]:
    for wing in sizing.wings:
        if wing.cell_keys:
            yield wing, tuple(chain.from_iterable(wing.cell_keys))

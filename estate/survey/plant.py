"""Whether a survey knows how a wing is built and what runs in it, or repeats a draft.

A draft has rooms, walls and plant as the typology lays them out. That says nothing of a prison
until somebody signs it or draws it otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from estate.sizing import Sizing
from estate.survey.draft import draft
from estate.survey.wings import cells_of
from estate.tables import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estate.column import Value
    from estate.model import Wing
    from estate.sources.survey import Survey

_LAYERS = (
    *("spaces", "walls", "doors"),
    *("spans", "distributors", "outlets", "access_points", "cables"),
)
_SAME_M = 0.01  # A draft writes places to the millimetre.

_Key = tuple[str, str]


def knows_wing(part: Survey, wing: Wing) -> bool:
    """Return whether some of a wing is signed, or other than in a draft, wherever that lies."""
    if any(feature.is_signed for layer in _LAYERS for feature in part.layers[layer]):
        return True
    drafted = draft(Sizing(wings=(wing,), basis=""), at=(0.0, 0.0))
    if _facts(part) != _facts(drafted):
        return True
    here, there = _places(part), _places(drafted)
    return any(
        len(at) != len(there[key]) or not np.allclose(at, there[key], rtol=0, atol=_SAME_M)
        for key, at in here.items()
    )


def _facts(part: Survey) -> dict[_Key, Mapping[str, Value]]:
    """Return what is said of each feature, by layer and name, save who says so."""
    who = {column.name for column in SIGNATURE}
    return {
        (layer, feature.name): {k: v for k, v in feature.facts.items() if k not in who}
        for layer in _LAYERS
        for feature in part.layers[layer]
    }


def _places(part: Survey) -> dict[_Key, np.ndarray]:
    """Return the corners of each feature, from the south-western corner of the cells."""
    corner = shapely.total_bounds([cell.geometry for cell in cells_of(part)])[:2]
    return {
        (layer, feature.name): shapely.get_coordinates(feature.geometry) - corner
        for layer in _LAYERS
        for feature in part.layers[layer]
    }

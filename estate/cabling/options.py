"""What may be built on a landing."""

from __future__ import annotations

from enum import StrEnum


class Option(StrEnum):
    """A technology for all cells of a landing; nothing leaves them without service."""

    OUTLETS = "outlet_per_cell"
    CELL_ACCESS_POINTS = "access_points_in_cells"
    LANDING_ACCESS_POINTS = "access_points_on_landing"
    PASSIVE_OPTICAL = "passive_optical"
    EXISTING_PAIRS = "existing_pairs"
    NOTHING = "nothing"


LABELS = {
    Option.OUTLETS: "Cat 6A outlet in each cell",
    Option.CELL_ACCESS_POINTS: "access points in cells",
    Option.LANDING_ACCESS_POINTS: "access points on the landing",
    Option.PASSIVE_OPTICAL: "passive optical to each cell",
    Option.EXISTING_PAIRS: "existing pairs",
    Option.NOTHING: "nothing",
}

# A design numbers its modes as this lists them.
BUILT = tuple(option for option in Option if option != Option.NOTHING)

WIRELESS = frozenset({Option.CELL_ACCESS_POINTS, Option.LANDING_ACCESS_POINTS})

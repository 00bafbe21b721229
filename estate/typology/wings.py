"""A number of cells → wings of a typology, their landings and spurs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.typology.shares import in_proportion

if TYPE_CHECKING:
    from estate.typology.table import Typology

# The cells of each spur, for each landing from the lowest up.
Layout = tuple[tuple[int, ...], ...]

# A remainder below this share of a typical wing is no wing of its own (our assumption).
_REMAINDER_SHARE_MIN = 0.25


def spread(
    cells: int, *, typology: Typology, landings: int | None = None, spurs: int | None = None
) -> Layout:
    """Return a layout of exactly that many cells, by default with the typology's own proportions.

    Landings are as even as they can be, the remainder on the lowest. The spurs of a landing
    follow the typology's (12 + 14 + 12) where their number is the typology's, and are even
    otherwise. No spur is left without cells: a wing too small for its landings or spurs gets
    fewer.

    Raises
    ------
    ValueError
        When the number of cells is negative.
    """
    _check(cells)
    if cells == 0:
        return ()
    landing_count = min(landings or typology.landings, cells)
    spur_count = min(spurs or typology.spurs, cells // landing_count)
    weights = typology.cells_per_spur if spur_count == typology.spurs else (1,) * spur_count
    return tuple(
        in_proportion(landing_cells, weights)
        for landing_cells in in_proportion(cells, (1,) * landing_count)
    )


def wings_for(cells: int, typology: Typology) -> tuple[Layout, ...]:
    """Return the layouts of the fewest wings, none above the typical size, that hold all cells.

    As many as possible are typical and so identical, which lets them be designed once. What
    remains is one more wing; where it would be tiny, it and the last typical wing share evenly.

    Raises
    ------
    ValueError
        When the number of cells is negative.
    """
    _check(cells)
    typical = typology.typical_cells
    full, remainder = divmod(cells, typical)
    sizes = [typical] * full
    if sizes and 0 < remainder < _REMAINDER_SHARE_MIN * typical:
        sizes[-1:] = in_proportion(typical + remainder, (1, 1))
    elif remainder:
        sizes.append(remainder)
    return tuple(spread(size, typology=typology) for size in sizes)


def _check(cells: int) -> None:
    if cells < 0:
        raise ValueError(f"expected a number of cells of 0 or more, not {cells}")

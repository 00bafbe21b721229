"""Wings of an export → rows of a wing schedule, and of the table of cells."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from estate.column import UnfitValueError
from estate.model import Grade
from estate.sources.cells import is_key_of
from estate.sources.hmpps.export import CELL, Kind
from estate.sources.hmpps.places import certificate_label
from estate.sources.hmpps.statements import Use
from estate.tables import WINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from estate.errors import Problem
    from estate.sources.hmpps.places import Places
    from estate.sources.hmpps.prison import WingCells
    from estate.sources.hmpps.statements import PrisonStatements

# What an export says of a wing. All else that a row holds is kept, for no export says it.
_STATED = {
    "prison_id",
    "wing",
    "spurs",
    "landings",
    "cells_per_landing",
    "cells",
    "cells_max",
    "layout",
    "grade",
    "source",
    "whole_prison",
    "notes",
}
_FLOORS = next(column for column in WINGS.columns if column.name == "floors")
_UNGRADED = {"name", "typology", "era"}  # Words, on which no quantity rests by itself.
# Specialist cells in which little may be fixed to a wall.
_BARE = frozenset({"CONSTANT_SUPERVISION", "DRY", "SAFE_CELL", "UNFURNISHED"})
_INFERRED = "; spurs inferred by rule, grade C"  # Ends the source of such a wing.
_KEPT_FROM = "kept from: "  # Ends the notes of a row, before the source of what was kept.


def source_of(prison: PrisonStatements, places: Places) -> tuple[str, bool]:
    """Return which exports the cells come from, and whether they hold the whole prison."""
    kinds = {statement.document.kind for statement in prison.statements}
    if places.approved_on and Kind.CERTIFICATE in kinds:
        return certificate_label(places.approved_on), True
    labels = " and ".join(kind.label for kind in sorted(kinds))
    hierarchy = [s for s in prison.statements if s.document.kind is Kind.HIERARCHY]
    from_top = any(not statement.parent for statement in hierarchy)
    to_cells = any(statement.location_type == CELL for statement in hierarchy)
    return f"HMPPS {labels}", from_top and to_cells


def wing_row(
    wing: WingCells, *, prison_id: str, source: tuple[str, bool], before: Mapping[str, str]
) -> dict[str, str]:
    """Return the row of a wing by column.

    What no export says (typology, construction, cabling, hazards and so on) is kept from the
    row that it replaces. The grade is B; it is C where spurs are inferred, and that of the
    earlier row where quantities are kept from it and that is worse.

    Parameters
    ----------
    before
        The row that it replaces by column, empty for none.
    """
    layout = wing.layout.layout
    spurs = layout[0] if len(set(layout)) == 1 and len(layout[0]) > 1 else ()
    per_landing = {sum(landing) for landing in layout}
    kept = _kept(before, landings=len(layout))
    facts = [column for column in kept if column in WINGS.names and column != "name"]
    grades = [Grade.SCHEDULED if wing.layout.inferred else Grade.CERTIFIED]
    if not _UNGRADED.issuperset(facts):
        grades.append(Grade(before.get("grade") or Grade.SCHEDULED))
    notes = list(_remarks(wing))
    if facts:
        origin = before.get("notes", "").partition(_KEPT_FROM)[2]
        origin = origin or before.get("source", "").removesuffix(_INFERRED)
        notes.append(f"{', '.join(facts)} {_KEPT_FROM}{origin or 'the schedule'}")
    return {
        **kept,
        "prison_id": prison_id,
        "wing": wing.node.path,
        "name": wing.node.name or kept.get("name", ""),
        "spurs": "+".join(map(str, spurs)),
        "landings": str(len(layout)),
        "cells_per_landing": str(*per_landing) if len(per_landing) == 1 else "",
        "cells": str(len(wing.cells)),
        "layout": "/".join("+".join(map(str, landing)) for landing in layout),
        "grade": max(grades),
        "source": source[0] + (_INFERRED if wing.layout.inferred else ""),
        "whole_prison": "yes" if source[1] else "",
        "notes": "; ".join(notes),
    }


def cell_rows(wing: WingCells, *, prison_id: str, source: str) -> list[dict[str, str]]:
    """Return a row for each cell of a wing, through the spurs of each landing in order.

    There are none where the key of any cell has more levels than a survey or plan can hold.
    """
    wing_key = f"{prison_id}-{wing.node.path}"
    keys = [f"{prison_id}-{cell.path}" for cell in wing.cells]
    if not all(is_key_of(key, wing_key=wing_key) for key in keys):
        return []
    return [
        {
            "prison_id": prison_id,
            "wing": wing.node.path,
            "landing": str(landing),
            "spur": str(spur),
            "location_key": keys[number],
            "source": source,
        }
        for landing, spurs in enumerate(wing.layout.members, start=1)
        for spur, numbers in enumerate(spurs, start=1)
        for number in numbers
    ]


def unnamed(wings: Iterable[WingCells], cells: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the wings that have cells and no row among those of the table of cells."""
    named = {row["wing"] for row in cells}
    return [wing.node.path for wing in wings if wing.node.path not in named]


def _kept(before: Mapping[str, str], *, landings: int) -> dict[str, str]:
    """Return what stays of an earlier row; storeys that are fewer than the landings do not."""
    kept = {
        column: text
        for column, text in before.items()
        if column not in _STATED and text not in {"", "unknown"}
    }
    floors = _FLOORS.parse(kept.get("floors", ""), today=date.max)
    if isinstance(floors, int) and floors < landings:
        del kept["floors"]
    return kept


def row_problems(wing: WingCells, row: Mapping[str, str], *, today: date) -> Iterator[Problem]:
    """Yield what in a row the wing schedule does not allow, at the wing's place in its export."""
    for column in WINGS.columns:
        try:
            column.parse(row.get(column.name, ""), today=today)
        except UnfitValueError as fault:
            yield wing.node.statements[0].problem(fault.what, fault.cure)


def _remarks(wing: WingCells) -> Iterator[str]:
    rooms = sum(cell.location_type != CELL for cell in wing.cells)
    inactive = sum(cell.use is Use.INACTIVE for cell in wing.cells)
    if rooms:
        yield f"{rooms} of the cells are rooms"
    if inactive:
        yield f"{inactive} inactive"
    bare = sum(not _BARE.isdisjoint(cell.listed(lambda s: s.specialist)) for cell in wing.cells)
    if bare:
        yield (
            f"{bare} safe, dry, unfurnished or of constant supervision: fittings without ligature "
            "points, maybe no fixed device"
        )
    yield wing.layout.remark
    yield "landings in the order of their codes"

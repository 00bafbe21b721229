"""Bringing HMPPS's exports into a workspace: its wing schedule, cells and register."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from estate.model import Establishment
from estate.sources.cells import CELLS_FILE, put_cells, read_cells
from estate.sources.hmpps.export import ROOM
from estate.sources.hmpps.places import Places, differences, places_of, register_texts
from estate.sources.hmpps.prison import Conflict, PrisonCells, Tree, merged, planned_cells
from estate.sources.hmpps.rows import cell_rows, row_problems, source_of, unnamed, wing_row
from estate.sources.hmpps.statements import PrisonStatements, Reader, Use
from estate.sources.register import read_register, update_register
from estate.sources.table import read_table, require_sound, this_day
from estate.sources.wings import put_wings, read_wings
from estate.tables import PROVISIONAL, WINGS
from reports.files import written_aside

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import date

    from estate.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPrison:
    """What an import did for one prison.

    Attributes
    ----------
    rows
        Its rows of the wing schedule by column; none where no file holds a cell to plan for.
    named
        Its rows of the table of cells by column: the location key of each cell.
    replaced
        How many rows they took the place of.
    register
        The new texts of its row of the register by column; none where the register stays.
    """

    prison_id: str
    cells: PrisonCells
    places: Places
    rows: tuple[Mapping[str, str], ...]
    named: tuple[Mapping[str, str], ...]
    replaced: int
    register: Mapping[str, str]
    conflicts: tuple[Conflict, ...]
    notes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Return how many cells are planned for and how many of which are not, by name."""
        planned = self.cells.cells
        names = (Use.ARCHIVED, Use.CONVERTED, Use.NON_RESIDENTIAL, Use.DRAFT)
        return {
            "cells": len(planned),
            "rooms": sum(cell.location_type == ROOM for cell in planned),
            "inactive": sum(cell.use is Use.INACTIVE for cell in planned),
            **{use.name.lower(): self.cells.left_out.get(use, 0) for use in names},
            "other_locations": self.cells.other,
        }

    @property
    def spurs_inferred(self) -> tuple[str, ...]:
        """Return the wings whose spurs no level of the tree says."""
        return tuple(wing.node.path for wing in self.cells.wings if wing.layout.inferred)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The files of a workspace that an import changes, as they stand.

    The table of cells lies beside the schedule.
    """

    wings: Path
    register: Path
    prisons: Mapping[str, Establishment]
    rows: tuple[Mapping[str, str], ...]

    @classmethod
    def of(cls, *, wings: Path, register: Path, today: date) -> Target:
        """Return the files with their content.

        Raises
        ------
        InputError
            When either has a fault.
        """
        rows = read_table(wings, WINGS, today=today) if wings.exists() else ()
        return cls(
            wings=wings,
            register=register,
            prisons={prison.prison_id: prison for prison in read_register(register, today=today)},
            rows=tuple(row.as_written() for row in rows),
        )

    @property
    def cells(self) -> Path:
        """Return where the table of cells is, or would be."""
        return self.wings.with_name(CELLS_FILE)

    def wings_of(self, prison_id: str) -> dict[str, Mapping[str, str]]:
        """Return the rows of a prison by wing."""
        return {row["wing"]: row for row in self.rows if row["prison_id"] == prison_id}


def import_hmpps(
    paths: Sequence[Path],
    *,
    wings: Path,
    register: Path,
    prison_id: str = "",
    today: date | None = None,
) -> tuple[ImportedPrison, ...]:
    """Put what exports state of prisons into a wing schedule, a table of cells and a register.

    All rows of those prisons are replaced. The files are written aside and flushed to the disk
    before any takes its place, so a fault or a full disk leaves all as they were. They take their
    places one after the other, the schedule first: a process killed in that instant leaves a new
    schedule beside older files, each whole, and importing again ends it.

    Parameters
    ----------
    prison_id
        The prison of files that do not name one.

    Raises
    ------
    InputError
        When a file cannot be read, breaks a rule of the service or contradicts itself, names no
        prison of the register, or lacks the locations that others stand in; when nothing is in
        the files; or when the schedule or the register has a fault. It lists every fault.
    """
    day = today or this_day()
    target = Target.of(wings=wings, register=register, today=day)
    known = [prison for prison in target.prisons if not prison.startswith(PROVISIONAL)]
    reader = Reader(known=known, today=day)
    reader.read(paths, prison_id=prison_id)
    label = paths[0].name if len(paths) == 1 else "the files"
    problems, imported = list(reader.problems), []
    for prison in reader.prisons.values():
        problems += _counting_problems(prison, target.prisons[prison.prison_id])
        tree = merged(prison)
        problems += tree.missing()
        if tree.is_connected:
            outcome = _imported(prison, tree, target)
            imported.append(outcome)
            problems += _row_problems(outcome, today=day)
            problems += [] if problems else _emptiness(prison, outcome)
    require_sound(label, problems)
    _write(imported, target, today=day)
    return tuple(imported)


def _counting_problems(prison: PrisonStatements, entry: Establishment) -> Iterator[Problem]:
    if entry.counted_in:
        what = f"the register counts {entry.prison_id} in {entry.counted_in}"
        cure = f"blank counted_in of {entry.prison_id} in the register, then import both"
        yield prison.documents[0].problem("", what, cure)


def _imported(prison: PrisonStatements, tree: Tree, target: Target) -> ImportedPrison:
    cells = planned_cells(tree)
    places = places_of(prison, cells)
    source = source_of(prison, places)
    before = target.wings_of(tree.prison_id)
    rows = tuple(
        wing_row(
            wing,
            prison_id=tree.prison_id,
            source=source,
            before=before.get(wing.node.path, {}),
        )
        for wing in cells.wings
    )
    named = tuple(
        row
        for wing in cells.wings
        for row in cell_rows(wing, prison_id=tree.prison_id, source=source[0])
    )
    register, remarks = register_texts(target.prisons[tree.prison_id], places)
    notes = [*_schedule_notes(cells, before), *differences(prison, cells), *remarks]
    return ImportedPrison(
        prison_id=tree.prison_id,
        cells=cells,
        places=places,
        rows=rows,
        named=named,
        replaced=len(before) if rows else 0,
        register=register,
        conflicts=tree.conflicts,
        notes=(*notes, *_naming_notes(cells, named), *_holding_notes(tree.prison_id, target)),
    )


def _row_problems(outcome: ImportedPrison, *, today: date) -> Iterator[Problem]:
    for wing, row in zip(outcome.cells.wings, outcome.rows, strict=True):
        yield from row_problems(wing, row, today=today)


def _emptiness(prison: PrisonStatements, outcome: ImportedPrison) -> Iterator[Problem]:
    """Yield a problem if no file holds a cell of a prison to plan for."""
    # Totals without cells would change the register and leave the wings to contradict it.
    if not outcome.rows:
        what = f"there is nothing of {outcome.prison_id} to import: {'; '.join(outcome.notes)}"
        yield prison.documents[0].problem("", what, "import its cell certificate, with its cells")


def _schedule_notes(cells: PrisonCells, before: Collection[str]) -> Iterator[str]:
    if not cells.wings:
        yield "no file holds a cell to plan for, so its wings stay as they are"
        return
    held = {wing.node.path for wing in cells.wings}
    gone = [wing for wing in before if wing not in held]
    if gone:
        yield f"wings of the schedule that no file holds, now gone: {', '.join(gone)}"
    yield from (f"{wing.node.path}: {wing.layout.remark}" for wing in cells.wings)


def _naming_notes(cells: PrisonCells, named: Sequence[Mapping[str, str]]) -> Iterator[str]:
    deep = unnamed(cells.wings, named)
    if deep:
        what = "cells below more levels than spur and landing, whose keys are not kept"
        yield f"{what}: wing {', '.join(deep)}"


def _holding_notes(prison_id: str, target: Target) -> Iterator[str]:
    held = [held for held, entry in target.prisons.items() if entry.counted_in == prison_id]
    if held:
        names = ", ".join(held)
        yield f"the register counts {names} in it: blank their counted_in and import them as well"


def _write_cells(
    imported: Sequence[ImportedPrison], target: Target, places: ExitStack
) -> Path | None:
    """Write the table of cells aside and return where, None where there is none to write."""
    # What has no keys now, as a prison whose tree is too deep, keeps no old ones.
    held = {prison.prison_id for prison in imported if prison.rows}
    named = [row for prison in imported for row in prison.named]
    if not named and not target.cells.exists():
        return None
    cells = places.enter_context(written_aside(target.cells))
    put_cells(
        named,
        path=target.cells,
        into=cells,
        replaces=lambda place, _keys: place[0] in held,
    )
    return cells


def _write(imported: Sequence[ImportedPrison], target: Target, *, today: date) -> None:
    """Write the files aside, then let the schedule take its place, the cells and the register."""
    rows = [row for prison in imported for row in prison.rows]
    changes = {prison.prison_id: prison.register for prison in imported if prison.register}
    with ExitStack() as places:  # What was entered last takes its place first.
        if changes:
            register = places.enter_context(written_aside(target.register))
            shutil.copyfile(target.register, register)
            update_register(register, changes, today=today)
            read_register(register, today=today)  # What is written must be fit to be read again.
        if rows:
            cells = _write_cells(imported, target, places)
            wings = places.enter_context(written_aside(target.wings))
            if target.wings.exists():
                shutil.copyfile(target.wings, wings)
            put_wings(rows, into=wings, known=target.prisons.keys(), today=today)
            counted = read_wings(wings, known=target.prisons.keys(), today=today)
            if cells is not None:
                read_cells(cells, wings=counted, today=today)

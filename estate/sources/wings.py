"""The wing schedule: what is known of each wing, one row each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING

from estate.errors import Problem
from estate.model import Grade, WingRecord
from estate.sources.cells import CELLS_FILE, fits, put_cells, read_cells
from estate.sources.table import Reading, Row, require_sound, scan_table, write_rows
from estate.tables import CELLS, WINGS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PrisonWings:
    """What an import did for one prison: the wings it has now, and how many rows they replaced."""

    prison_id: str
    wings: int
    replaced: int


def read_wings(
    path: Path, *, known: Collection[str], today: date | None = None
) -> tuple[WingRecord, ...]:
    """Return the wings of a schedule, in the order of the file.

    Where a table of cells lies beside it, wings have the location keys of theirs.

    Parameters
    ----------
    known
        Ids of the prisons of the register.

    Raises
    ------
    InputError
        When the file cannot be read, or breaks a rule of the table or one of these: a known
        prison; a typology, a layout or a number of landings; spurs that add up to the cells of
        a landing; landings that add up to the cells of the wing; a layout that agrees with the
        numbers stated beside it; cells within their bound. When the table of cells has a fault.
    """
    wings = _read_counts(path, known=known, today=today)
    cells = read_cells(path.with_name(CELLS_FILE), wings=wings, today=today)
    return tuple(
        replace(wing, cell_keys=cells.get((wing.prison_id, wing.wing), ())) for wing in wings
    )


def _read_counts(
    path: Path, *, known: Collection[str], today: date | None = None
) -> tuple[WingRecord, ...]:
    """Return the wings of a schedule, without the keys of their cells."""
    reading = _scan(path, known=known, today=today)
    require_sound(path.name, reading.problems)
    return tuple(_wing_record(row) for row in reading.rows)


def import_wings(
    path: Path, *, into: Path, known: Collection[str], today: date | None = None
) -> tuple[PrisonWings, ...]:
    """Put a schedule's wings into another: they replace all earlier rows of their prisons.

    Prisons that the new schedule does not name keep their rows. Columns that the table does not
    declare are kept as they are. The location keys of cells that an export named stay with a wing
    while its layout has as many cells on each landing, and go otherwise.

    Raises
    ------
    InputError
        When either schedule has a fault, or the new one no row; nothing is written then.
    """
    arriving = _scan(path, known=known, today=today)
    standing = _scan(into, known=known, today=today) if into.exists() else None
    cells = into.with_name(CELLS_FILE)
    problems = [*arriving.problems, *(standing.problems if standing else ())]
    problems += scan_table(cells, CELLS, today=today).problems if cells.exists() else ()
    if not arriving.rows:
        problems.append(Problem(path.name, "", "there is no wing in it", "give at least one row"))
    require_sound(path.name, problems)
    outcome = _replaced(standing, [row.as_written() for row in arriving.rows], into=into)
    changed = {prison.prison_id for prison in outcome}
    wings = {(row.text("prison_id"), row.text("wing")): _wing_record(row) for row in arriving.rows}
    put_cells(
        (),
        path=cells,
        into=cells,
        replaces=lambda place, keys: place[0] in changed and not fits(keys, wings.get(place)),
    )
    return outcome


def put_wings(
    rows: Sequence[Mapping[str, str]],
    *,
    into: Path,
    known: Collection[str],
    today: date | None = None,
) -> tuple[PrisonWings, ...]:
    """Put rows, each a text by column, in place of all rows of their prisons.

    Raises
    ------
    InputError
        When the schedule that is changed has a fault; nothing is written then.
    """
    standing = _scan(into, known=known, today=today) if into.exists() else None
    require_sound(into.name, standing.problems if standing else ())
    return _replaced(standing, rows, into=into)


def _replaced(
    standing: Reading | None, rows: Iterable[Mapping[str, str]], *, into: Path
) -> tuple[PrisonWings, ...]:
    before = _by_prison(row.as_written() for row in standing.rows) if standing else {}
    after = _by_prison(rows)
    headings = dict.fromkeys(WINGS.names)
    for row in (standing.layout.headings if standing else {}, *chain.from_iterable(after.values())):
        headings |= dict.fromkeys(row)
    write_rows(into, list(headings), chain.from_iterable({**before, **after}.values()))
    return tuple(
        PrisonWings(prison_id=prison_id, wings=len(rows), replaced=len(before.get(prison_id, ())))
        for prison_id, rows in after.items()
    )


def _scan(path: Path, *, known: Collection[str], today: date | None) -> Reading:
    reading = scan_table(path, WINGS, today=today)
    problems = [*reading.problems]
    for row in reading.rows:
        problems += _identity_problems(row, known)
        problems += _sum_problems(row)
        problems += _storey_problems(row)
    problems += _lookalikes(reading.rows)
    return Reading(layout=reading.layout, rows=reading.rows, problems=tuple(problems))


def _identity_problems(row: Row, known: Collection[str]) -> Iterator[Problem]:
    prison_id = row.text("prison_id")
    if row.is_sound("prison_id") and prison_id not in known:
        near = get_close_matches(prison_id.upper(), sorted(known), n=1)
        cure = f"did you mean {near[0]}?" if near else "give an id of the register"
        yield row.problem(f"the prison {prison_id!r} is unknown", cure, column="prison_id")
    shape = ("typology", "landings", "layout")
    if row.is_sound(*shape, "prison_id", "wing") and all(
        row.values[column] in {"", None} for column in shape
    ):
        what = "neither the typology nor the number of landings is given"
        yield row.problem(what, "give at least one of the two, or the layout")


def _lookalikes(rows: Sequence[Row]) -> Iterator[Problem]:
    """Yield a problem for each wing whose code differs from another's in its letters' case only."""
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        code = row.text("wing")
        earlier = first.setdefault((row.text("prison_id"), code.casefold()), row)
        if earlier.text("wing") != code:
            what = (
                f"wing {code} is wing {earlier.text('wing')} of row {earlier.number} but for case"
            )
            yield row.problem(what, "keep one, or name them apart", column="wing")


def _storey_problems(row: Row) -> Iterator[Problem]:
    """Yield what landings, storeys and cells contradict of each other."""
    landings, floors, cells = (row.integer(name) for name in ("landings", "floors", "cells"))
    if landings and floors and landings > floors:
        what = f"{landings} landings do not fit on {floors} floors"
        yield row.problem(what, "correct either", column="floors")
    if landings and cells and cells < landings:
        what = f"{cells} cells cannot fill {landings} landings"
        yield row.problem(what, "correct either", column="cells")


def _sum_problems(row: Row) -> Iterator[Problem]:
    """Yield each sum that contradicts a stated number; what is not stated contradicts nothing."""
    layout = row.landings("layout")
    if layout is not None:
        yield from _layout_problems(row, layout)
        return
    spurs, stated = row.counts("spurs"), row.integer("cells_per_landing")
    if spurs is not None and stated is not None and sum(spurs) != stated:
        what = f"the spurs add up to {sum(spurs)}, not to {stated} cells per landing"
        yield row.problem(what, "correct either", column="spurs")
        return
    per_landing = sum(spurs) if spurs is not None else stated
    landings, cells = row.integer("landings"), row.integer("cells")
    product = None if landings is None or per_landing is None else landings * per_landing
    if product is not None and cells is not None and product != cells:
        what = f"{landings} landings of {per_landing} cells are {product}, not {cells}"
        yield row.problem(what, "correct any of the three", column="cells")
        return
    bound, counted = row.integer("cells_max"), product if cells is None else cells
    if bound is not None and counted is not None and counted > bound:
        what = f"there are {counted} cells, more than the bound of {bound}"
        yield row.problem(what, "correct either", column="cells_max")


def _layout_problems(row: Row, layout: Sequence[Sequence[int]]) -> Iterator[Problem]:
    spurs, per_landing = row.counts("spurs"), row.integer("cells_per_landing")
    landings, cells, bound = (row.integer(name) for name in ("landings", "cells", "cells_max"))
    total = sum(map(sum, layout))
    whats = []
    if landings is not None and len(layout) != landings:
        whats.append(f"the layout has {len(layout)} landings, not {landings}")
    for number, landing in enumerate(layout, start=1):
        if spurs is not None and tuple(landing) != spurs:
            stated = "+".join(map(str, spurs))
            written = "+".join(map(str, landing))
            whats.append(f"landing {number} of the layout is {written}, not the spurs {stated}")
        elif per_landing is not None and sum(landing) != per_landing:
            whats.append(
                f"landing {number} of the layout has {sum(landing)} cells of {per_landing}"
            )
    if cells is not None and total != cells:
        whats.append(f"the layout adds up to {total} cells, not {cells}")
    if bound is not None and total > bound:
        whats.append(f"the layout adds up to {total} cells, more than the bound of {bound}")
    for what in whats:
        yield row.problem(what, "correct either", column="layout")


def _by_prison(rows: Iterable[Mapping[str, str]]) -> dict[str, list[Mapping[str, str]]]:
    """Return the rows of each prison, in the order in which the prisons first appear."""
    groups: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        groups.setdefault(row["prison_id"], []).append(row)
    return groups


def _wing_record(row: Row) -> WingRecord:
    return WingRecord(
        prison_id=row.text("prison_id"),
        wing=row.text("wing"),
        name=row.text("name"),
        typology=row.text("typology"),
        spurs=row.counts("spurs"),
        landings=row.integer("landings"),
        cells_per_landing=row.integer("cells_per_landing"),
        cells=row.integer("cells"),
        cells_max=row.integer("cells_max"),
        layout=row.landings("layout"),
        floors=row.integer("floors"),
        material=row.text("material"),
        thickness_mm=row.integer("thickness_mm"),
        era=row.text("era"),
        distance_to_comms_m=row.number_of("distance_to_comms_m"),
        containment=row.text("containment"),
        cabling=row.text("cabling"),
        comms_rooms=row.integer("comms_rooms"),
        power=row.text("power"),
        asbestos=row.text("asbestos"),
        listed=row.text("listed"),
        decant_possible=row.text("decant_possible"),
        surveyed_on=row.text("surveyed_on"),
        grade=Grade(row.text("grade")),
        source=row.text("source"),
        whole_prison=row.text("whole_prison"),
        notes=row.text("notes"),
    )

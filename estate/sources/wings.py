"""The wing schedule: what is known of each wing, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from estate.errors import Problem
from estate.model import Grade, WingRecord
from estate.sources.table import Reading, Row, require_sound, scan_table, write_rows
from estate.tables import WINGS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
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

    Parameters
    ----------
    known
        Ids of the prisons of the register.

    Raises
    ------
    InputError
        When the file cannot be read, or breaks a rule of the table or one of these: a known
        prison; a typology or a number of landings; spurs that add up to the cells of a
        landing; landings that add up to the cells of the wing; cells within their bound.
    """
    reading = _scan(path, known=known, today=today)
    require_sound(path.name, reading.problems)
    return tuple(_wing_record(row) for row in reading.rows)


def import_wings(
    path: Path, *, into: Path, known: Collection[str], today: date | None = None
) -> tuple[PrisonWings, ...]:
    """Put a schedule's wings into another: they replace all earlier rows of their prisons.

    Prisons that the new schedule does not name keep their rows. Columns that the table does not
    declare are kept as they are.

    Raises
    ------
    InputError
        When either schedule has a fault, or the new one no row; nothing is written then.
    """
    arriving = _scan(path, known=known, today=today)
    problems = list(arriving.problems)
    standing = None
    if into.exists():
        standing = _scan(into, known=known, today=today)
        problems += standing.problems
    if not arriving.rows:
        problems.append(Problem(path.name, "", "there is no wing in it", "give at least one row"))
    require_sound(path.name, problems)

    before = _by_prison(standing.rows if standing else ())
    after = _by_prison(arriving.rows)
    headings = dict.fromkeys(WINGS.names)
    for reading in (standing, arriving):
        headings |= dict.fromkeys(reading.layout.headings if reading else ())
    write_rows(into, list(headings), _written({**before, **after}.values()))
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
    return Reading(layout=reading.layout, rows=reading.rows, problems=tuple(problems))


def _identity_problems(row: Row, known: Collection[str]) -> Iterator[Problem]:
    prison_id = row.text("prison_id")
    if row.is_sound("prison_id") and prison_id not in known:
        near = get_close_matches(prison_id.upper(), sorted(known), n=1)
        cure = f"did you mean {near[0]}?" if near else "give an id of the register"
        yield row.problem(f"the prison {prison_id!r} is unknown", cure, column="prison_id")
    shape = ("typology", "landings")
    if row.is_sound(*shape) and not row.text("typology") and row.integer("landings") is None:
        what = "neither the typology nor the number of landings is given"
        yield row.problem(what, "give at least one of the two")


def _sum_problems(row: Row) -> Iterator[Problem]:
    """Yield each sum that contradicts a stated number; what is not stated contradicts nothing."""
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


def _by_prison(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the rows of each prison, in the order in which the prisons first appear."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.text("prison_id"), []).append(row)
    return groups


def _written(groups: Iterable[Iterable[Row]]) -> Iterator[dict[str, str]]:
    return (row.as_written() for rows in groups for row in rows)


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
        notes=row.text("notes"),
    )

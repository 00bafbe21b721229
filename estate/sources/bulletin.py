"""The monthly population bulletin of HMPPS: capacity and population of each prison."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from estate.column import starts_on
from estate.errors import InputError, Problem
from estate.sources._bulletin_layout import FIGURES, Body, read_body
from estate.sources.names import Meaning, meanings
from estate.sources.register import read_register, update_register
from estate.sources.sheet import open_sheet
from estate.sources.table import Row, require_sound, this_day
from estate.tables import BULLETIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from estate.model import Establishment


class Figures(NamedTuple):
    """Places and prisoners, None where the bulletin leaves the cell blank."""

    baseline_cna: int | None
    in_use_cna: int | None
    operational_capacity: int | None
    population: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulletinRow:
    """One prison row of a bulletin; `meaning` is None where no prison of the register is meant."""

    name: str
    figures: Figures
    meaning: Meaning | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """A bulletin whose rows add up to its Total row.

    The operational capacity of `total` is the useable one, so at most the sum of the rows.
    """

    report_date: date
    rows: tuple[BulletinRow, ...]
    total: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The new figures of one prison; `shared_row` is the row that it shares, "" for none."""

    prison_id: str
    figures: Figures
    shared_row: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a bulletin did to a register.

    `unmatched` are rows of the bulletin that mean no prison of the register; `untouched` are
    prisons of the register that the bulletin does not name, whose figures stay.
    """

    updated: tuple[Update, ...]
    unmatched: tuple[str, ...]
    untouched: tuple[str, ...]


def read_bulletin(
    path: Path, *, register: Sequence[Establishment], today: date | None = None
) -> Bulletin:
    """Return a bulletin, its rows matched to the prisons of a register.

    Raises
    ------
    InputError
        When the file cannot be read; lacks the report date, the heading or the Total row; holds
        what is not a number; does not add up; names a prison twice or one that is counted in
        another; or is older than figures of the register that it would replace.
    """
    sheet = open_sheet(path, sheet=BULLETIN.name)
    body, problems = read_body(sheet, today=today or this_day())
    matched = meanings([row.text("prison_name") for row in body.prisons], register)
    problems += _matching_problems(body, matched, register)
    problems += _age_problems(body, matched, register, file=sheet.file)
    require_sound(sheet.file, problems)
    if body.report_date is None or body.total is None:
        raise InputError(f"{sheet.file} is not complete")  # Not reached: both are problems.
    rows = tuple(
        BulletinRow(name=row.text("prison_name"), figures=_figures(row), meaning=meaning)
        for row, meaning in zip(body.prisons, matched, strict=True)
    )
    return Bulletin(report_date=body.report_date, rows=rows, total=_figures(body.total))


def apply_bulletin(path: Path, bulletin: Bulletin, *, today: date | None = None) -> Applied:
    """Write a bulletin's capacities and populations into a register, all or nothing.

    Raises
    ------
    InputError
        When the register has a fault; it then stays as it was.
    """
    known = [prison.prison_id for prison in read_register(path, today=today)]
    updates = {
        update.prison_id: update
        for row in bulletin.rows
        for update in _updates(row, bulletin.report_date)
    }
    dated = bulletin.report_date.isoformat()
    changes = {prison_id: _cells(update, dated) for prison_id, update in updates.items()}
    update_register(path, changes, today=today)
    return Applied(
        updated=tuple(updates[prison_id] for prison_id in known if prison_id in updates),
        unmatched=tuple(row.name for row in bulletin.rows if row.meaning is None),
        untouched=tuple(prison_id for prison_id in known if prison_id not in updates),
    )


def _matching_problems(
    body: Body, matched: Sequence[Meaning | None], register: Sequence[Establishment]
) -> Iterator[Problem]:
    homes = {prison.prison_id: prison.counted_in for prison in register}
    first: dict[str, Row] = {}
    for row, meaning in zip(body.prisons, matched, strict=True):
        name = row.text("prison_name")
        for prison_id in meaning.prison_ids if meaning else ():
            earlier = first.setdefault(prison_id, row)
            if earlier is not row:
                what = f"{name!r} means {prison_id}, which row {earlier.number} means already"
                yield row.problem(what, "keep one row for each prison", column="prison_name")
            if home := homes.get(prison_id):
                what = f"{name!r} means {prison_id}, which the register counts in {home}"
                cure = f"blank counted_in of {prison_id} in the register if it is reported apart"
                yield row.problem(what, cure, column="prison_name")


def _age_problems(
    body: Body,
    matched: Sequence[Meaning | None],
    register: Sequence[Establishment],
    *,
    file: str,
) -> Iterator[Problem]:
    """Yield one problem if the register holds newer figures of prisons that would be replaced."""
    named = {prison_id for meaning in matched if meaning for prison_id in meaning.prison_ids}
    newer = [
        f"{prison.prison_id} {prison.capacity_dated}"
        for prison in register
        if prison.prison_id in named
        and prison.capacity_dated
        and body.report_date is not None
        and starts_on(prison.capacity_dated) > body.report_date
    ]
    if newer:
        shown = ", ".join([*newer[:3], *(["..."] if newer[3:] else [])])
        what = f"the report date {body.report_date} is older than figures of the register ({shown})"
        yield Problem(file, body.date_place, what, "import bulletins in order, the newest last")


def _figures(row: Row) -> Figures:
    return Figures(*(row.integer(column) for column in FIGURES))


def shared_out(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Return whole shares in proportion to the weights that sum exactly to the total.

    Largest remainders first; of equal remainders, the earlier.
    """
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return tuple(shares)


def _updates(row: BulletinRow, report_date: date) -> Iterator[Update]:
    if row.meaning is None:
        return
    ids, weights = row.meaning.prison_ids, row.meaning.weights
    source, shared_row = f"bulletin {report_date.isoformat()}", ""
    if len(ids) > 1:
        shared_row = row.name
        source += f"; row {row.name!r} shared {':'.join(map(str, weights))} between"
        source += f" {' and '.join(ids)}, their baseline CNA when last reported apart"
    columns = [
        (None,) * len(ids) if figure is None else shared_out(figure, weights)
        for figure in row.figures
    ]
    for prison_id, *figures in zip(ids, *columns, strict=True):
        yield Update(
            prison_id=prison_id,
            figures=Figures(*figures),
            shared_row=shared_row,
            source=source,
        )


def _cells(update: Update, dated: str) -> dict[str, str]:
    figures = update.figures
    texts = {
        "baseline_cna": figures.baseline_cna,
        "operational_capacity": figures.operational_capacity,
        "population": figures.population,
    }
    return {
        **{column: "" if figure is None else str(figure) for column, figure in texts.items()},
        "capacity_dated": dated,
        "capacity_source": update.source,
    }

"""Scopes as SQL: which rows they name, and which places there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
)

from fleet.device import Device
from fleet.errors import InputError, Problem
from fleet.registry.tables import DeviceRow, LocationRow
from fleet.scope import DEVICE, near

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fleet.scope import Scope

_FILTERED = {
    "model": DeviceRow.model,
    "ring": DeviceRow.ring,
    "version": DeviceRow.version,
    "state": DeviceRow.state,
}

# In the order of the fields of `Device`, which come from two tables.
_DEVICE_COLUMNS = (
    DeviceRow.device,
    DeviceRow.serial,
    DeviceRow.model,
    DeviceRow.cell,
    func.coalesce(LocationRow.prison_id, "").label("prison_id"),
    func.coalesce(LocationRow.wing, "").label("wing"),
    func.coalesce(LocationRow.spur, "").label("spur"),
    func.coalesce(LocationRow.landing, "").label("landing"),
    func.coalesce(LocationRow.element, "").label("element"),
    DeviceRow.ring,
    DeviceRow.version,
    DeviceRow.state,
    DeviceRow.host_key,
    DeviceRow.nonce,
    DeviceRow.address,
    DeviceRow.port,
    DeviceRow.key_exchange,
)


def device_of(row: Row[Any]) -> Device:
    """Return the device of a row with all the columns of one."""
    return Device(**row._asdict())


def select_devices() -> Select[Any]:
    """Return a query for devices with their places."""
    columns: tuple[Any, ...] = _DEVICE_COLUMNS
    return located(select(*columns))


def located(query: Select[Any]) -> Select[Any]:
    """Return a query on devices joined to where their cells are."""
    return query.select_from(DeviceRow).outerjoin(LocationRow, LocationRow.cell == DeviceRow.cell)


def within(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a located device is in a scope."""
    places = [_place(place) for place in scope.places]
    filters = [_FILTERED[key].in_(values) for key, values in scope.wanted.items()]
    return and_(or_(*places) if places else True, *filters)


def refuse_unknown(connection: Connection, scope: Scope) -> None:
    """Refuse a scope that names places or devices that are not there.

    Raises
    ------
    InputError
        With all of them, and names like theirs that are there.
    """
    problems = [
        Problem("scope", place, "there is no such place or device", _cure(connection, place))
        for place in scope.places
        if not _is_known(connection, place)
    ]
    if problems:
        named = " ".join(scope.places)  # Not the states that a command adds by itself.
        raise InputError(f"the scope {named} names what is not there", problems=problems)


def refuse_unknown_cells(
    connection: Connection,
    cells: Iterable[str],
    *,
    stated: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Refuse cells that the topology does not have; without one any cell will do.

    `stated` is where each cell was read: the file, and the place in it.

    Raises
    ------
    InputError
        With all of them, and cells like them that are there.
    """
    known = set(connection.scalars(select(LocationRow.cell)))
    unknown = sorted({cell for cell in cells if cell} - known) if known else []
    if unknown:
        problems = [
            Problem(
                *(stated or {}).get(cell, ("topology.json", "")),
                f"there is no such cell as {cell}",
                cure,
            )
            for cell in unknown[:_LISTED_MAX]
            for cure in (near(cell, known) or _LOAD,)
        ]
        what = f"{len(unknown)} cells are" if len(unknown) > 1 else "1 cell is"
        raise InputError(f"{what} not in the topology", problems=problems)


_LOAD = "see wingspan fleet list, or take over a newer topology with wingspan fleet init"
_LISTED_MAX = 50


def _place(place: str) -> ColumnElement[bool]:
    if place.startswith(DEVICE):
        return DeviceRow.device == place.removeprefix(DEVICE)
    # By the cells of the place, so that the devices of other places are not looked at.
    match place.split("/"):
        case [prison_or_cell]:
            # A prison and a cell are told apart by what there is, never by the form of a key.
            cells = select(LocationRow.cell).where(LocationRow.prison_id == prison_or_cell)
            return DeviceRow.cell.in_(cells.union_all(select(literal(prison_or_cell))))
        case parts:
            levels = (column == part for column, part in _levels(parts))
            return DeviceRow.cell.in_(select(LocationRow.cell).where(*levels))


def _levels(parts: list[str]) -> list[tuple[ColumnElement[str], str]]:
    """Return the columns that a place's parts are about: prison, wing, landing, or with spur."""
    columns: list[Any] = [LocationRow.prison_id, LocationRow.wing, LocationRow.landing]
    if len(parts) > len(columns):
        columns.insert(2, LocationRow.spur)
    return list(zip(columns, parts, strict=False))


def _is_known(connection: Connection, place: str) -> bool:
    if place.startswith(DEVICE):
        there = exists().where(DeviceRow.device == place.removeprefix(DEVICE))
        return bool(connection.scalar(select(there)))
    parts = place.split("/")
    if len(parts) > 1:
        there = exists().where(*(column == part for column, part in _levels(parts)))
        return bool(connection.scalar(select(there)))
    wheres = (LocationRow.prison_id == place, LocationRow.cell == place, DeviceRow.cell == place)
    return any(connection.scalar(select(exists().where(where))) for where in wheres)


def _cure(connection: Connection, place: str) -> str:
    if place.startswith(DEVICE):
        name = place.removeprefix(DEVICE)
        return near(name, connection.scalars(select(DeviceRow.device))) or "see wingspan fleet list"
    *upper, last = place.split("/")
    if not upper:
        prisons = select(LocationRow.prison_id).distinct()
        cells = (select(LocationRow.cell), select(DeviceRow.cell).distinct())
        known = {word for query in (prisons, *cells) for word in connection.scalars(query)}
        return near(place, known) or _LOAD
    if not _is_known(connection, "/".join(upper)):
        return _cure(connection, "/".join(upper))
    column = _levels([*upper, last])[-1][0]
    siblings = select(column).where(*(c == part for c, part in _levels(upper))).distinct()
    names = sorted(name for name in connection.scalars(siblings) if name)
    return near(last, names) or f"{'/'.join(upper)} has {', '.join(names[:20]) or 'no parts'}"

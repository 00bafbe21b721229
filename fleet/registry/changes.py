"""Changes of devices, each with its rows of history in the same transaction."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, insert, select, update

from fleet.device import NEXT_STATES, DeviceState, field_faults, pinned_key
from fleet.errors import InputError, Problem, RefusedError
from fleet.privacy import refuse_personal
from fleet.registry.database import count_anew
from fleet.registry.tables import CounterRow, DeviceRow, HistoryRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fleet.device import NewDevice

# Both databases limit the values of one statement; this stays well below.
_CHUNK = 5_000
_DEVICES = "devices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one field of a device, with who made it and why."""

    at: datetime
    device: str
    field: str
    before: str
    after: str
    why: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Who changes something, and why; `at` is when."""

    by: str
    why: str
    at: datetime

    @classmethod
    def now(cls, *, by: str, why: str) -> Reason:
        """Return a reason of this moment, refusing one that names a prisoner."""
        refuse_personal("the reason", text=why)
        return cls(by=by, why=why, at=datetime.now(UTC))


def add_devices(connection: Connection, new: Sequence[NewDevice], reason: Reason) -> list[str]:
    """Add devices as spares, and return their names in the order given."""
    _refuse_faults(connection, new)
    numbers = iter(_next_numbers(connection, sum(not device.device for device in new)))
    names = [device.device or f"WS-{next(numbers):06d}" for device in new]
    rows = [
        asdict(device)
        | {
            "device": name,
            "host_key": pinned_key(device.host_key) if device.host_key else "",
            "state": DeviceState.SPARE,
        }
        for name, device in zip(names, new, strict=True)
    ]
    if rows:
        connection.execute(insert(DeviceRow), rows)
        count_anew(connection, DeviceRow, added=len(rows))
        added = [
            _history(row["device"], field, "", row[field], reason)
            for row in rows
            for field in ("serial", "model", "cell", "ring", "host_key", "address")
            if row[field]
        ]
        connection.execute(insert(HistoryRow), added)
    return names


def change_devices(
    connection: Connection, wanted: Mapping[str, Mapping[str, Any]], reason: Reason
) -> None:
    """Set fields of devices, and write down what each was before; same values change nothing.

    Raises
    ------
    InputError
        When one of the devices is not there.
    RefusedError
        When a state cannot follow the one that a device has.
    """
    rows = locked(connection, wanted)
    refused = [
        f"{name} is {rows[name].state} and cannot become {fields['state']}"
        for name, fields in wanted.items()
        if "state" in fields
        and fields["state"] != rows[name].state
        and fields["state"] not in NEXT_STATES[rows[name].state]
    ]
    if refused:
        more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
        raise RefusedError(refused[0] + more, hint="wingspan fleet show DEVICE tells its history")
    changed = {
        name: {
            field: value for field, value in fields.items() if value != getattr(rows[name], field)
        }
        for name, fields in wanted.items()
    }
    added = [
        _history(name, field, str(getattr(rows[name], field)), str(value), reason)
        for name, fields in changed.items()
        for field, value in fields.items()
    ]
    if added:
        connection.execute(insert(HistoryRow), added)
        _update(connection, changed)


def locked(connection: Connection, names: Iterable[str]) -> dict[str, Any]:
    """Return the rows of devices, kept from other writers until the transaction ends.

    Raises
    ------
    InputError
        When one of them is not there.
    """
    asked = sorted(set(names))
    rows: dict[str, Any] = {}
    for chunk in chunks(asked):
        query = select(DeviceRow.__table__).where(DeviceRow.device.in_(chunk))
        # Everyone locks in the same order, so that nobody waits for one who waits for them.
        query = query.order_by(DeviceRow.device).with_for_update()
        rows |= {row.device: row for row in connection.execute(query)}
    missing = [name for name in asked if name not in rows]
    if missing:
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"there is no device {missing[0]}{more}", hint="wingspan fleet list")
    return rows


def note(
    connection: Connection, device: str, field: str, values: tuple[str, str], reason: Reason
) -> None:
    """Write a row of history that no column of the device shows; values are before and after."""
    connection.execute(insert(HistoryRow), [_history(device, field, *values, reason)])


def chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield names in pieces small enough for one statement."""
    for start in range(0, len(names), _CHUNK):
        yield names[start : start + _CHUNK]


def _history(device: str, field: str, before: str, after: str, reason: Reason) -> dict[str, Any]:
    return {
        "at": reason.at,
        "device": device,
        "field": field,
        "before": before,
        "after": after,
        "why": reason.why,
        "by": reason.by,
    }


def _update(connection: Connection, changed: Mapping[str, Mapping[str, Any]]) -> None:
    """Update many devices, those with the same fields in one statement."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for name, fields in changed.items():
        if fields:
            values = {f"new_{field}": value for field, value in fields.items()}
            groups.setdefault(tuple(fields), []).append({"named": name} | values)
    for names, rows in groups.items():
        statement = update(DeviceRow).where(DeviceRow.device == bindparam("named"))
        setting: dict[str, Any] = {field: bindparam(f"new_{field}") for field in names}
        connection.execute(statement.values(setting), rows)


def _next_numbers(connection: Connection, count: int) -> range:
    """Take the next numbers for devices; whoever comes second waits, and gets later ones."""
    if not count:
        return range(0)
    raised = (
        update(CounterRow)
        .where(CounterRow.name == _DEVICES)
        .values(value=CounterRow.value + count)
        .returning(CounterRow.value)
    )
    last = connection.scalar(raised)
    if last is None:  # The first device of this registry.
        connection.execute(insert(CounterRow), {"name": _DEVICES, "value": count})
        last = count
    return range(last - count + 1, last + 1)


def _refuse_faults(connection: Connection, new: Sequence[NewDevice]) -> None:
    problems = []
    for device in new:
        where = f"serial {device.serial or '(none)'}"
        problems += [
            Problem("devices", f"{where} {field}", f"{getattr(device, field)!r} will not do", cure)
            for field, cure in field_faults(device).items()
        ]
    for field, cure in _UNIQUE.items():
        values = [value for device in new if (value := _unique(device, field))]
        twice = {value for value, count in Counter(values).items() if count > 1}
        column = getattr(DeviceRow, field)
        for chunk in chunks(values):
            twice.update(connection.scalars(select(column).where(column.in_(chunk))))
        problems += [
            Problem(
                "devices", f"serial {device.serial}", f"another device has the same {field}", cure
            )
            for device in new
            if _unique(device, field) in twice
        ]
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{count} in the devices to add", problems=problems)


_UNIQUE = {
    "serial": "a device is added once; wingspan fleet list shows it",
    "device": "leave the name out, and it gets a free one",
    "host_key": "a cloned image: let each device make its own key (ssh-keygen -A)",
}


def _unique(device: NewDevice, field: str) -> str:
    value: str = getattr(device, field)
    return " ".join(value.split()[:2]) if field == "host_key" else value

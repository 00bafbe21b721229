"""What devices say of themselves: the latest, and for as long as the policy has it the past."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from fleet.errors import InputError
from fleet.privacy import refuse_personal
from fleet.registry.changes import chunks, locked
from fleet.registry.tables import DeviceRow, FactRow, PastFactRow

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_VALUE_LENGTH_MAX = 4_000
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a device said; `until` is when it said otherwise, None while it holds."""

    name: str
    value: Any
    since: datetime
    until: datetime | None = None


def store_facts(
    connection: Connection, reports: Mapping[str, Mapping[str, Any]], at: datetime
) -> None:
    """Store what devices said at a moment; a value that they said before takes no room.

    What is older than what a device said last is left out.

    Raises
    ------
    InputError
        When a device is not there, a fact cannot be stored or is about a person.
    """
    told = {device: _texts(device, facts) for device, facts in reports.items()}
    fresh = [
        device
        for device, row in locked(connection, told).items()
        if row.facts_at is None or row.facts_at <= at
    ]
    known: dict[tuple[str, str], Any] = {}
    for chunk in chunks(fresh):
        query = select(FactRow.__table__).where(FactRow.device.in_(chunk))
        known |= {(row.device, row.name): row for row in connection.execute(query)}
    new, past = [], []
    for device in fresh:
        for name, value in told[device].items():
            row = known.get((device, name))
            if row is not None and row.value == value:
                continue
            new.append({"device": device, "name": name, "value": value, "since": at})
            if row is not None and row.since < at:
                past.append(row._asdict() | {"until": at})
    _write(connection, new, known)
    if past:
        connection.execute(insert(PastFactRow), past)
    seen = update(DeviceRow).where(DeviceRow.device == bindparam("named")).values(facts_at=at)
    if fresh:
        connection.execute(seen, [{"named": device} for device in fresh])


def facts_of(connection: Connection, device: str) -> list[Fact]:
    """Return what a device last said, by name."""
    query = select(FactRow.__table__).where(FactRow.device == device).order_by(FactRow.name)
    return [
        Fact(name=row.name, value=json.loads(row.value), since=row.since)
        for row in connection.execute(query)
    ]


def said(connection: Connection, name: str) -> dict[str, Any]:
    """Return what each device last said under a name; who said nothing is left out."""
    query = select(FactRow.device, FactRow.value).where(FactRow.name == name)
    return {row.device: json.loads(row.value) for row in connection.execute(query)}


def past_facts_of(connection: Connection, device: str, name: str) -> list[Fact]:
    """Return what a device said before under a name, oldest first."""
    query = select(PastFactRow.__table__).where(
        PastFactRow.device == device, PastFactRow.name == name
    )
    return [
        Fact(name=row.name, value=json.loads(row.value), since=row.since, until=row.until)
        for row in connection.execute(query.order_by(PastFactRow.since))
    ]


def forget_facts(connection: Connection, *, before: datetime) -> int:
    """Delete past facts that ended before a moment; what a device last said stays."""
    return connection.execute(delete(PastFactRow).where(PastFactRow.until < before)).rowcount


def _texts(device: str, facts: Mapping[str, Any]) -> dict[str, str]:
    refuse_personal(f"the facts of {device}", fields=facts)
    texts = {}
    for name, value in facts.items():
        if not _NAME.fullmatch(name):
            hint = "name it in small letters, digits, dots and underscores"
            raise InputError(f"{device} has a fact named {name!r}", hint=hint)
        text = _ENCODER.encode(value)
        if len(text) > _VALUE_LENGTH_MAX:
            raise InputError(f"the fact {name} of {device} is {len(text)} characters long")
        texts[name] = text
    return texts


def _write(
    connection: Connection, rows: list[dict[str, Any]], known: Mapping[tuple[str, str], Any]
) -> None:
    added = [row for row in rows if (row["device"], row["name"]) not in known]
    if added:
        connection.execute(insert(FactRow), added)
    changed = [
        {"its_device": r["device"], "its_name": r["name"], "value": r["value"], "since": r["since"]}
        for r in rows
        if (r["device"], r["name"]) in known
    ]
    if changed:
        statement = update(FactRow).where(
            FactRow.device == bindparam("its_device"), FactRow.name == bindparam("its_name")
        )
        new: dict[str, Any] = {"value": bindparam("value"), "since": bindparam("since")}
        connection.execute(statement.values(new), changed)

"""What sweeps found: a narrow row for each device and sweep, what is amiss, what should be.

Numbers change with every sweep and are kept here, as whole numbers of a unit that fits; texts
change seldom and are kept by `fleet.registry.facts`, once for each change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Connection,
    ForeignKey,
    Integer,
    SmallInteger,
    String,
    Text,
    bindparam,
    delete,
    insert,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from fleet.registry.changes import chunks
from fleet.registry.tables import Base, DeviceRow, UtcTime

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Each number that is kept: its column, and how many of the column's unit make one of the fact's.
KEPT: Final[Mapping[str, tuple[str, int]]] = {
    "battery_percent": ("battery_percent", 1),
    "disk_free_percent": ("disk_free_percent", 1),
    "memory_free_percent": ("memory_free_percent", 1),
    "signal_dbm": ("signal_dbm", 1),
    "load_1m": ("load_1m_hundredths", 100),
    "uptime_s": ("uptime_s", 1),
    "clock_offset_s": ("clock_offset_ms", 1000),
    "round_trip_s": ("round_trip_ms", 1000),
}
# What PostgreSQL's INTEGER holds; a clock that is further off than 24 days is held at that.
_LARGEST: Final = 2**31 - 1
STATUSES: Final = ("ok", "warn", "fail", "unreachable")


class SweepRow(Base):
    """One sweep: when it ended, who asked for it, and over which scope."""

    __tablename__ = "sweeps"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    by: Mapped[str] = mapped_column(String)
    scope: Mapped[str] = mapped_column(Text)


class ReadingRow(Base):
    """What one sweep read of one device; the sweep comes first, so that rows are only appended."""

    __tablename__ = "readings"
    __table_args__ = ({"sqlite_with_rowid": False},)

    sweep: Mapped[int] = mapped_column(ForeignKey("sweeps.id"), primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("devices.device"), primary_key=True)
    status: Mapped[int] = mapped_column(SmallInteger)
    battery_percent: Mapped[int | None] = mapped_column(Integer)
    disk_free_percent: Mapped[int | None] = mapped_column(Integer)
    memory_free_percent: Mapped[int | None] = mapped_column(Integer)
    signal_dbm: Mapped[int | None] = mapped_column(Integer)
    load_1m_hundredths: Mapped[int | None] = mapped_column(Integer)
    uptime_s: Mapped[int | None] = mapped_column(Integer)
    clock_offset_ms: Mapped[int | None] = mapped_column(Integer)
    round_trip_ms: Mapped[int | None] = mapped_column(Integer)


class FindingRow(Base):
    """Something amiss with a device as of the last sweep over it, and since when."""

    __tablename__ = "findings"

    device: Mapped[str] = mapped_column(ForeignKey("devices.device"), primary_key=True)
    policy: Mapped[str] = mapped_column(String, primary_key=True)
    fact: Mapped[str] = mapped_column(String, primary_key=True)
    level: Mapped[str] = mapped_column(String)
    says: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcTime)


class DesiredRow(Base):
    """What a fact of a device should be, because we ordered or accepted it."""

    __tablename__ = "desired"

    device: Mapped[str] = mapped_column(ForeignKey("devices.device"), primary_key=True)
    name: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a sweep read of a device: when, its status, and the numbers that are kept."""

    at: datetime
    status: str
    facts: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amiss:
    """A finding as it is kept; `fact` tells two findings of one policy apart."""

    policy: str
    fact: str
    level: str
    says: str


def store_sweep(
    connection: Connection,
    readings: Mapping[str, tuple[str, Mapping[str, Any]]],
    *,
    at: datetime,
    by: str,
    scope: str,
) -> None:
    """Keep a sweep: for each device its status and facts."""
    sweep = connection.execute(insert(SweepRow).values(at=at, by=by, scope=scope))
    (number,) = sweep.inserted_primary_key or (0,)
    rows = [
        {"sweep": number, "device": device, "status": STATUSES.index(status)} | _columns(facts)
        for device, (status, facts) in sorted(readings.items())
    ]
    if rows:
        connection.execute(insert(ReadingRow), rows)


def readings_of(connection: Connection, device: str) -> list[Reading]:
    """Return what sweeps read of a device, oldest first."""
    columns = {fact: getattr(ReadingRow, column) for fact, (column, _) in KEPT.items()}
    query = (
        select(SweepRow.at, ReadingRow.status, *columns.values())
        .join(SweepRow, ReadingRow.sweep == SweepRow.id)
        .where(ReadingRow.device == device)
        .order_by(SweepRow.at, SweepRow.id)
    )
    return [
        Reading(
            at=at,
            status=STATUSES[status],
            facts={
                fact: value / scale
                for (fact, (_, scale)), value in zip(KEPT.items(), values, strict=True)
                if value is not None
            },
        )
        for at, status, *values in connection.execute(query)
    ]


def last_statuses(connection: Connection, *, since: datetime) -> dict[str, tuple[str, datetime]]:
    """Return the status that each device last had, and when, leaving out what is older."""
    query = (
        select(ReadingRow.device, ReadingRow.status, SweepRow.at)
        .join(SweepRow, ReadingRow.sweep == SweepRow.id)
        .where(SweepRow.at >= since)
        .order_by(SweepRow.at, SweepRow.id)
    )
    # A later row takes the place of an earlier one.
    return {device: (STATUSES[status], at) for device, status, at in connection.execute(query)}


def last_numbers(connection: Connection, fact: str, *, since: datetime) -> dict[str, float]:
    """Return the last number of a fact that each device said since then."""
    column, scale = KEPT[fact]
    kept = getattr(ReadingRow, column)
    query = (
        select(ReadingRow.device, kept)
        .join(SweepRow, ReadingRow.sweep == SweepRow.id)
        .where(SweepRow.at >= since, kept.is_not(None))
        .order_by(SweepRow.at, SweepRow.id)
    )
    return {device: value / scale for device, value in connection.execute(query)}


def store_findings(
    connection: Connection, found: Mapping[str, Sequence[Amiss]], at: datetime
) -> dict[tuple[str, str, str], datetime]:
    """Let these be all that is amiss with these devices; return since when each is.

    The answer is by device, policy and fact. A finding that was there before keeps its moment.
    """
    before: dict[tuple[str, str, str], datetime] = {}
    for chunk in chunks(sorted(found)):
        known = select(FindingRow.__table__).where(FindingRow.device.in_(chunk))
        before |= {(r.device, r.policy, r.fact): r.since for r in connection.execute(known)}
        connection.execute(delete(FindingRow).where(FindingRow.device.in_(chunk)))
    rows = {
        (device, one.policy, one.fact): {"level": one.level, "says": one.says}
        for device, several in found.items()
        for one in several
    }
    since = {key: before.get(key, at) for key in rows}
    if rows:
        keys = ("device", "policy", "fact")
        connection.execute(
            insert(FindingRow),
            [
                dict(zip(keys, key, strict=True)) | row | {"since": since[key]}
                for key, row in rows.items()
            ],
        )
    return since


def set_desired(connection: Connection, wanted: Mapping[str, Mapping[str, str]]) -> None:
    """Set what facts of devices should be: by device, then by name."""
    rows = [
        {"device": device, "name": name, "value": value}
        for device, values in sorted(wanted.items())
        for name, value in sorted(values.items())
    ]
    if not rows:
        return
    # One by one, by the key: a list of pairs is looked for from end to end of the table.
    named = (DesiredRow.device == bindparam("of"), DesiredRow.name == bindparam("named"))
    gone = [{"of": row["device"], "named": row["name"]} for row in rows]
    connection.execute(delete(DesiredRow).where(*named), gone)
    connection.execute(insert(DesiredRow), rows)


def desired_of(connection: Connection, devices: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what facts of devices should be: by device, then by name."""
    wanted: dict[str, dict[str, str]] = defaultdict(dict)
    for chunk in chunks(sorted(set(devices))):
        query = select(DesiredRow.__table__).where(DesiredRow.device.in_(chunk))
        for row in connection.execute(query):
            wanted[row.device][row.name] = row.value
    return dict(wanted)


def holders_of(connection: Connection, host_keys: Iterable[str]) -> dict[str, str]:
    """Return the devices that some keys are pinned to: device by key."""
    holders: dict[str, str] = {}
    for chunk in chunks(sorted(host_keys)):
        query = select(DeviceRow.host_key, DeviceRow.device).where(DeviceRow.host_key.in_(chunk))
        holders |= {row.host_key: row.device for row in connection.execute(query)}
    return holders


def forget_readings(
    connection: Connection, *, now: datetime, keep_every_sweep_days: int, keep_daily_days: int
) -> None:
    """Delete readings that are too old, and of days gone by all but each device's last."""
    oldest = now - timedelta(days=keep_daily_days)
    gone = select(SweepRow.id).where(SweepRow.at < oldest)
    connection.execute(delete(ReadingRow).where(ReadingRow.sweep.in_(gone)))
    days: dict[Any, list[int]] = defaultdict(list)
    aged = select(SweepRow.id, SweepRow.at).where(
        SweepRow.at < now - timedelta(days=keep_every_sweep_days), SweepRow.at >= oldest
    )
    for number, at in connection.execute(aged.order_by(SweepRow.at, SweepRow.id)):
        days[at.date()].append(number)
    for sweeps in days.values():
        for place, number in enumerate(sweeps[:-1], start=1):
            again = select(ReadingRow.device).where(ReadingRow.sweep.in_(sweeps[place:]))
            connection.execute(
                delete(ReadingRow).where(ReadingRow.sweep == number, ReadingRow.device.in_(again))
            )
    kept = select(ReadingRow.sweep)
    old = SweepRow.at < now - timedelta(days=keep_every_sweep_days)
    connection.execute(delete(SweepRow).where(old, SweepRow.id.not_in(kept)))


def _columns(facts: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the kept numbers as whole ones, held within what a column takes."""
    return {
        column: max(-_LARGEST, min(_LARGEST, round(facts[fact] * scale))) if fact in facts else None
        for fact, (column, scale) in KEPT.items()
    }

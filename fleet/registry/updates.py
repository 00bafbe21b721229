"""How far updates have come: what devices ran before, what they have fetched, and what holds them.

Intents say where each device stands; this is what the next wave is chosen from besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Connection, ForeignKey, String, Text, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from fleet.registry.changes import chunks
from fleet.registry.database import count_anew
from fleet.registry.tables import Base, UtcTime

if TYPE_CHECKING:
    from collections.abc import Iterable


class UpdateRow(Base):
    """An update: when its coverage set was through, and why it was halted."""

    __tablename__ = "updates"

    request: Mapped[str] = mapped_column(ForeignKey("requests.request"), primary_key=True)
    covered_at: Mapped[datetime | None] = mapped_column(UtcTime)
    halted: Mapped[str] = mapped_column(Text, default="")


class UpdatedDeviceRow(Base):
    """A device of an update: its version when that was asked for, and whether it has the bundle."""

    __tablename__ = "updated_devices"

    request: Mapped[str] = mapped_column(ForeignKey("requests.request"), primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("devices.device"), primary_key=True)
    version: Mapped[str] = mapped_column(String)
    fetched: Mapped[bool] = mapped_column(Boolean, default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an update has come.

    `versions` are those that its devices had when it began, `fetched` the devices that have the
    bundle; `halted` says why it was halted by us, "" where it was not.
    """

    covered_at: datetime | None
    halted: str
    versions: Mapping[str, str] = field(default_factory=dict)
    fetched: frozenset[str] = frozenset()


def begin_update(connection: Connection, request: str, versions: Mapping[str, str]) -> None:
    """Note what the devices of an update run before it; what is noted already stays."""
    if connection.scalar(select(UpdateRow.request).where(UpdateRow.request == request)):
        return
    connection.execute(insert(UpdateRow).values(request=request, covered_at=None, halted=""))
    rows = [
        {"request": request, "device": device, "version": version, "fetched": False}
        for device, version in sorted(versions.items())
    ]
    connection.execute(insert(UpdatedDeviceRow), rows)
    count_anew(connection, UpdatedDeviceRow, added=len(rows))


def progress_of(connection: Connection, request: str) -> Progress:
    """Return how far an update has come; nowhere, where it has not begun."""
    query = select(UpdateRow.covered_at, UpdateRow.halted).where(UpdateRow.request == request)
    row = connection.execute(query).one_or_none()
    if row is None:
        return Progress(covered_at=None, halted="")
    devices = connection.execute(
        select(UpdatedDeviceRow.device, UpdatedDeviceRow.version, UpdatedDeviceRow.fetched).where(
            UpdatedDeviceRow.request == request
        )
    ).all()
    return Progress(
        covered_at=row.covered_at,
        halted=row.halted,
        versions={one.device: one.version for one in devices},
        fetched=frozenset(one.device for one in devices if one.fetched),
    )


def halts(connection: Connection) -> dict[str, str]:
    """Return why updates were halted, by request; those that were not are left out."""
    query = select(UpdateRow.request, UpdateRow.halted).where(UpdateRow.halted != "")
    return {row.request: row.halted for row in connection.execute(query)}


def note_fetched(connection: Connection, request: str, devices: Iterable[str]) -> None:
    """Note that devices have the whole bundle."""
    for chunk in chunks(sorted(devices)):
        connection.execute(
            update(UpdatedDeviceRow)
            .where(UpdatedDeviceRow.request == request, UpdatedDeviceRow.device.in_(chunk))
            .values(fetched=True)
        )


def note_update(connection: Connection, request: str, **values: Any) -> None:
    """Note when the coverage set was through (`covered_at`), or what holds an update (`halted`)."""
    connection.execute(update(UpdateRow).where(UpdateRow.request == request).values(**values))

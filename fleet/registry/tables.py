"""The tables of the registry; the migrations make them, and a test compares the two.

No column holds anything about a prisoner: a device is known by its serial number and its cell.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from fleet.device import DeviceState


class UtcTime(TypeDecorator[datetime]):
    """A moment; SQLite keeps no zone, so it is stored and read as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the moment in UTC, refusing one without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the moment with its zone."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class StateText(TypeDecorator[DeviceState]):
    """A state by its word."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the word of a state."""
        return None if value is None else DeviceState(value).value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> DeviceState | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the state of a word."""
        return None if value is None else DeviceState(value)


class Base(DeclarativeBase):
    """What the tables share."""


class DeviceRow(Base):
    """A device as it is now; see `fleet.device.Device`."""

    __tablename__ = "devices"
    __table_args__ = (
        # Two devices with one key would be one identity: a cloned image. The migration says the
        # same for PostgreSQL; saying it here would load that dialect for every command.
        Index("devices_host_key", "host_key", unique=True, sqlite_where=text("host_key <> ''")),
    )

    device: Mapped[str] = mapped_column(String, primary_key=True)
    serial: Mapped[str] = mapped_column(String, unique=True)
    model: Mapped[str] = mapped_column(String, default="")
    ring: Mapped[str] = mapped_column(String, default="")
    version: Mapped[str] = mapped_column(String, default="")
    cell: Mapped[str] = mapped_column(String, default="", index=True)
    state: Mapped[DeviceState] = mapped_column(StateText, default=DeviceState.SPARE)
    host_key: Mapped[str] = mapped_column(String, default="")
    nonce: Mapped[str] = mapped_column(String, default="")
    address: Mapped[str] = mapped_column(String, default="")
    port: Mapped[int] = mapped_column(Integer, default=22)
    key_exchange: Mapped[str] = mapped_column(String, default="")
    facts_at: Mapped[datetime | None] = mapped_column(UtcTime)


class LocationRow(Base):
    """A cell, where it is and what serves it, as the topology says."""

    __tablename__ = "locations"
    __table_args__ = (Index("locations_place", "prison_id", "wing", "landing"),)

    cell: Mapped[str] = mapped_column(String, primary_key=True)
    prison_id: Mapped[str] = mapped_column(String, default="")
    wing: Mapped[str] = mapped_column(String, default="")
    spur: Mapped[str] = mapped_column(String, default="")
    landing: Mapped[str] = mapped_column(String, default="")
    element: Mapped[str] = mapped_column(String, default="", index=True)


class ElementRow(Base):
    """A piece of the network, and what it hangs from."""

    __tablename__ = "elements"

    id: Mapped[str] = mapped_column(String, primary_key=True)
    kind: Mapped[str] = mapped_column(String)
    parent: Mapped[str] = mapped_column(String, default="")
    prison_id: Mapped[str] = mapped_column(String, default="")
    wing: Mapped[str] = mapped_column(String, default="")


class HistoryRow(Base):
    """One change of one field of a device. Rows are added, never changed."""

    __tablename__ = "history"
    __table_args__ = (Index("history_device", "device", "id"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    device: Mapped[str] = mapped_column(ForeignKey("devices.device"))
    field: Mapped[str] = mapped_column(String)
    before: Mapped[str] = mapped_column(String)
    after: Mapped[str] = mapped_column(String)
    why: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String)


class FactRow(Base):
    """What a device last said of itself, and since when it says so; the value is JSON."""

    __tablename__ = "facts"

    device: Mapped[str] = mapped_column(ForeignKey("devices.device"), primary_key=True)
    name: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcTime)


class PastFactRow(Base):
    """What a device said of itself before, kept as long as the policy has it."""

    __tablename__ = "past_facts"

    device: Mapped[str] = mapped_column(ForeignKey("devices.device"), primary_key=True)
    name: Mapped[str] = mapped_column(String, primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcTime, primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcTime, index=True)
    value: Mapped[str] = mapped_column(Text)


class CounterRow(Base):
    """The last number given out under a name."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger, default=0)

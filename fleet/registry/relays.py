"""What the centre knows of relays: when each was last heard, and what it reported of requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, ForeignKey, Integer, String, Text, delete, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from fleet.device import DeviceState
from fleet.registry.requests import UNFINISHED, IntentRow
from fleet.registry.tables import Base, DeviceRow, UtcTime

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet.device import Device


class RelayRow(Base):
    """A relay as it was last heard; numbers count messages of each direction from 1."""

    __tablename__ = "relays"

    prison: Mapped[str] = mapped_column(String, primary_key=True)
    sent: Mapped[int] = mapped_column(Integer, default=0)
    reported: Mapped[int] = mapped_column(Integer, default=0)
    heard_at: Mapped[datetime | None] = mapped_column(UtcTime)
    trust: Mapped[int] = mapped_column(Integer, default=0)
    roster: Mapped[int] = mapped_column(Integer, default=0)
    roster_sent: Mapped[int] = mapped_column(Integer, default=0)
    roster_sha256: Mapped[str] = mapped_column(String, default="")
    bundles: Mapped[str] = mapped_column(Text, default="")
    audit_entries: Mapped[int] = mapped_column(Integer, default=0)
    audit_hash: Mapped[str] = mapped_column(String, default="")
    fault: Mapped[str] = mapped_column(Text, default="")


class RelayedRow(Base):
    """A request as a relay has it: when it was sent there, and what was reported of it, JSON."""

    __tablename__ = "relayed"

    prison: Mapped[str] = mapped_column(ForeignKey("relays.prison"), primary_key=True)
    request: Mapped[str] = mapped_column(String, primary_key=True)
    sent_at: Mapped[datetime | None] = mapped_column(UtcTime)
    reported: Mapped[str] = mapped_column(Text, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayState:
    """A relay as it was last heard.

    Attributes
    ----------
    sent, reported
        The numbers of the last message to it and of its last report.
    trust, roster
        The statement and the roster that it holds, by their numbers.
    roster_sent, roster_sha256
        The last roster that was sent: its message's number and its content.
    bundles
        The parts of bundles that it has, JSON: numbers by the bundle's hash.
    audit_entries, audit_hash
        The head of its log.
    fault
        What is wrong with what it reported, "" for nothing.
    """

    prison: str
    sent: int = 0
    reported: int = 0
    heard_at: datetime | None = None
    trust: int = 0
    roster: int = 0
    roster_sent: int = 0
    roster_sha256: str = ""
    bundles: str = ""
    audit_entries: int = 0
    audit_hash: str = ""
    fault: str = ""


def relay_states(connection: Connection) -> dict[str, RelayState]:
    """Return the relays that something was ever sent to, by prison."""
    rows = connection.execute(select(RelayRow.__table__))
    return {row.prison: RelayState(**row._asdict()) for row in rows}


def note_relay(connection: Connection, prison: str, **changes: Any) -> None:
    """Set what is known of a relay."""
    known = connection.scalar(select(RelayRow.prison).where(RelayRow.prison == prison))
    if known is not None and changes:
        connection.execute(update(RelayRow).where(RelayRow.prison == prison).values(**changes))
    elif known is None:
        blank = {"sent": 0, "reported": 0, "trust": 0, "roster": 0, "roster_sent": 0}
        blank |= {"audit_entries": 0}
        texts = {"roster_sha256": "", "bundles": "", "audit_hash": "", "fault": ""}
        connection.execute(insert(RelayRow).values(blank | texts | {"prison": prison} | changes))


def next_number(connection: Connection, prison: str) -> int:
    """Take the next number for a message to a relay."""
    raised = update(RelayRow).where(RelayRow.prison == prison).values(sent=RelayRow.sent + 1)
    if not connection.execute(raised).rowcount:
        note_relay(connection, prison, sent=1)
    query = select(RelayRow.sent).where(RelayRow.prison == prison)
    return connection.execute(query).scalar_one()


def note_relayed(connection: Connection, prison: str, request: str, **changes: Any) -> None:
    """Set when a request was sent to a relay, or what it reported of it."""
    mine = (RelayedRow.prison == prison, RelayedRow.request == request)
    if not connection.execute(update(RelayedRow).where(*mine).values(**changes)).rowcount:
        row = {"prison": prison, "request": request, "reported": ""} | changes
        connection.execute(insert(RelayedRow).values(row))


def relayed(connection: Connection, request: str) -> dict[str, tuple[datetime | None, str]]:
    """Return when a request was sent to each prison's relay, and what that reported."""
    query = select(RelayedRow.__table__).where(RelayedRow.request == request)
    rows = connection.execute(query)
    return {row.prison: (row.sent_at, row.reported) for row in rows}


def reported_unknown(connection: Connection, known: Iterable[str]) -> list[tuple[str, str, str]]:
    """Return what was reported of requests that are not among those known: prison, name, report."""
    names = set(known)
    query = select(RelayedRow.prison, RelayedRow.request, RelayedRow.reported)
    rows = connection.execute(query.where(RelayedRow.sent_at.is_(None)))
    return [(row.prison, row.request, row.reported) for row in rows if row.request not in names]


def overdue(connection: Connection, *, before: datetime) -> dict[str, int]:
    """Return how many intents of each prison's relay were sent before a moment and are not over."""
    query = (
        select(RelayedRow.prison, IntentRow.device)
        .join(IntentRow, IntentRow.request == RelayedRow.request)
        .where(RelayedRow.sent_at < before, IntentRow.state.in_(UNFINISHED))
    )
    counts: dict[str, int] = {}
    for prison, _ in connection.execute(query):
        counts[prison] = counts.get(prison, 0) + 1
    return counts


def mirror_devices(connection: Connection, devices: Iterable[Device]) -> None:
    """Let a registry hold these devices as another has them; all others are out of reach.

    Rows that requests refer to are never deleted.
    """
    nobody = {"state": DeviceState.SPARE, "nonce": "", "host_key": "", "cell": ""}
    connection.execute(update(DeviceRow).values(**nobody))
    known = set(connection.scalars(select(DeviceRow.device)))
    rows = [{name: getattr(device, name) for name in _MIRRORED} for device in devices]
    new = [row for row in rows if row["device"] not in known]
    if new:
        connection.execute(insert(DeviceRow), new)
    for row in rows:
        if row["device"] in known:
            mine = update(DeviceRow).where(DeviceRow.device == row["device"])
            connection.execute(mine.values(**row))


_MIRRORED = (
    "device",
    "serial",
    "model",
    "ring",
    "version",
    "cell",
    "state",
    "host_key",
    "nonce",
    "address",
    "port",
    "key_exchange",
)


def forget_relay(connection: Connection, prison: str) -> None:
    """Forget what was heard of a relay: another takes its place and counts anew."""
    connection.execute(delete(RelayedRow).where(RelayedRow.prison == prison))
    connection.execute(delete(RelayRow).where(RelayRow.prison == prison))

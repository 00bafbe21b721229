"""What was asked of devices, who signed it, and where each device stands with it.

A request is kept as the very bytes that people signed. Rows of intents are one for each device
and request; an intent that ended keeps the proof that ended it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    Connection,
    ForeignKey,
    Index,
    String,
    Text,
    bindparam,
    exists,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from fleet.errors import InputError, RefusedError
from fleet.registry.changes import chunks
from fleet.registry.database import count_anew
from fleet.registry.tables import Base, UtcTime
from fleet.scope import near

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OPEN: Final = "open"
PAUSED: Final = "paused"
STOPPED: Final = "stopped"
# Carried out at the centre; requests of devices are over when their intents are.
DONE: Final = "done"
# The states of intents that something can still come of; see `fleet.intent`.
UNFINISHED: Final = ("waiting", "sent", "suspended")
# Word for word as the index of what is left has it: with values bound it would not be used.
_LEFT: Final = f"state IN {UNFINISHED}"


class RequestRow(Base):
    """A request: its bytes, what goes with them, and whether it may go on."""

    __tablename__ = "requests"

    request: Mapped[str] = mapped_column(String, primary_key=True)
    nonce: Mapped[str] = mapped_column(String, unique=True)
    encoded: Mapped[str] = mapped_column(Text)
    allowlist: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(String, index=True)
    at: Mapped[datetime] = mapped_column(UtcTime)


class SignatureRow(Base):
    """What one person signed: to ask, or to agree."""

    __tablename__ = "signatures"

    request: Mapped[str] = mapped_column(ForeignKey("requests.request"), primary_key=True)
    operator: Mapped[str] = mapped_column(String, primary_key=True)
    signature: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcTime)


class IntentRow(Base):
    """A change of one device: of which provisioning, where it stands, since when, and why."""

    __tablename__ = "intents"
    __table_args__ = (
        Index("intents_state", "state", "device"),
        # Asked before each wave of an update. The migration says the same for PostgreSQL.
        Index("intents_left", "request", sqlite_where=text(_LEFT)),
    )

    request: Mapped[str] = mapped_column(ForeignKey("requests.request"), primary_key=True)
    device: Mapped[str] = mapped_column(ForeignKey("devices.device"), primary_key=True)
    provisioning: Mapped[str] = mapped_column(String)
    state: Mapped[str] = mapped_column(String)
    since: Mapped[datetime] = mapped_column(UtcTime)
    why: Mapped[str] = mapped_column(Text, default="")
    proof: Mapped[str] = mapped_column(Text, default="")


_INTENTS = select(
    IntentRow.request,
    IntentRow.device,
    IntentRow.provisioning,
    IntentRow.state,
    IntentRow.since,
    IntentRow.why,
).order_by(IntentRow.device)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A request as it is kept, with the signatures by operator."""

    request: str
    encoded: bytes
    allowlist: str
    status: str
    at: datetime
    signatures: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A change of one device as it is kept."""

    request: str
    device: str
    provisioning: str
    state: str
    since: datetime
    why: str


def keep_request(  # noqa: PLR0913 - each is a column, by its name
    connection: Connection,
    request: str,
    *,
    nonce: str,
    encoded: bytes,
    devices: Mapping[str, str],
    at: datetime,
    allowlist: str = "",
) -> None:
    """Keep a request with an intent for each device, by its provisioning.

    Raises
    ------
    RefusedError
        When a request with that nonce is there already: a replay.
    """
    row = {"request": request, "nonce": nonce, "encoded": encoded.decode(), "at": at}
    try:
        connection.execute(
            insert(RequestRow).values(row | {"allowlist": allowlist, "status": OPEN})
        )
    except IntegrityError as error:
        raise RefusedError(f"{request} was asked for before") from error
    add_intents(connection, request, devices, at=at)


def add_intents(
    connection: Connection, request: str, devices: Mapping[str, str], *, at: datetime
) -> None:
    """Add an intent for each device that has none of this request yet, by its provisioning."""
    known = set(connection.scalars(select(IntentRow.device).where(IntentRow.request == request)))
    rows = [
        {
            "request": request,
            "device": device,
            "provisioning": provisioning,
            "state": "waiting",
            "since": at,
            "why": "",
            "proof": "",
        }
        for device, provisioning in sorted(devices.items())
        if device not in known
    ]
    if rows:
        connection.execute(insert(IntentRow), rows)
        count_anew(connection, IntentRow, added=len(rows))


def keep_signature(
    connection: Connection, request: str, *, operator: str, signature: str, at: datetime
) -> None:
    """Keep a signature; one that a person gave before stays as it is.

    Raises
    ------
    RefusedError
        When that person signed it already.
    """
    try:
        connection.execute(
            insert(SignatureRow).values(
                request=request, operator=operator, signature=signature, at=at
            )
        )
    except IntegrityError as error:
        raise RefusedError(f"{operator} has signed {request} already") from error


def requests_kept(
    connection: Connection, *, statuses: Iterable[str] = (OPEN, PAUSED, STOPPED, DONE)
) -> list[Kept]:
    """Return requests in the order in which they were asked for."""
    query = select(RequestRow.__table__).where(RequestRow.status.in_(tuple(statuses)))
    return _kept(connection, connection.execute(query.order_by(RequestRow.at, RequestRow.request)))


def requests_left(connection: Connection) -> list[Kept]:
    """Return the requests that some device is not done with, in the order of their asking.

    What is over is not looked at, however many years of it there are.
    """
    left = exists().where(IntentRow.request == RequestRow.request, text(f"intents.{_LEFT}"))
    query = select(RequestRow.__table__).where(left)
    return _kept(connection, connection.execute(query.order_by(RequestRow.at, RequestRow.request)))


def requests_like(connection: Connection, *words: str) -> list[bytes]:
    """Return the bytes of the requests that have any of some words in them."""
    has_any = or_(*(RequestRow.encoded.contains(one, autoescape=True) for one in words))
    query = select(RequestRow.encoded).where(has_any).order_by(RequestRow.at, RequestRow.request)
    return [encoded.encode() for encoded in connection.scalars(query)]


def taken(
    connection: Connection, requests: Iterable[str], provisionings: Mapping[str, str]
) -> dict[str, str]:
    """Return which devices have shown that they had one of some requests, and the last of these.

    `provisionings` are nonces by device; what was shown in another is not counted.
    """
    found: dict[str, str] = {}
    for request in requests:
        query = select(IntentRow.device, IntentRow.provisioning).where(
            IntentRow.request == request, IntentRow.proof != ""
        )
        for row in connection.execute(query):
            if provisionings.get(row.device) == row.provisioning:
                found[row.device] = request
    return found


def request_kept(connection: Connection, request: str) -> Kept:
    """Return one request.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    query = select(RequestRow.__table__).where(RequestRow.request == request)
    found = _kept(connection, connection.execute(query))
    if not found:
        known = connection.scalars(select(RequestRow.request)).all()
        hint = near(request, known) or "wingspan fleet requests"
        raise InputError(f"there is no request {request}", hint=hint)
    return found[0]


def _kept(connection: Connection, rows: Iterable[Any]) -> list[Kept]:
    found = list(rows)
    signatures: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for chunk in chunks([row.request for row in found]):
        query = select(SignatureRow.__table__).where(SignatureRow.request.in_(chunk))
        for row in connection.execute(query.order_by(SignatureRow.at, SignatureRow.operator)):
            signatures[row.request][row.operator] = row.signature
    return [
        Kept(
            request=row.request,
            encoded=row.encoded.encode(),
            allowlist=row.allowlist,
            status=row.status,
            at=row.at,
            signatures=signatures[row.request],
        )
        for row in found
    ]


def set_status(connection: Connection, request: str, status: str) -> None:
    """Let a request go on, wait, or end."""
    changed = update(RequestRow).where(RequestRow.request == request).values(status=status)
    connection.execute(changed)


def intents_of(connection: Connection, requests: Iterable[str]) -> dict[str, list[Intent]]:
    """Return the intents of requests, by request, in the order of the devices."""
    found: dict[str, list[Intent]] = {name: [] for name in requests}
    for chunk in chunks(sorted(found)):
        for row in connection.execute(_INTENTS.where(IntentRow.request.in_(chunk))):
            found[row.request].append(Intent(**row._asdict()))
    return found


def failed_intents(connection: Connection) -> list[tuple[Intent, str]]:
    """Return the intents that failed, each with its action, in the order of the devices.

    One that a later request of its kind made good is left out.
    """
    found = connection.execute(_INTENTS.where(IntentRow.state == "failed")).all()
    proven = _INTENTS.where(IntentRow.state == "proven")
    good = [
        row
        for chunk in chunks(sorted({row.device for row in found}))
        for row in connection.execute(proven.where(IntentRow.device.in_(chunk)))
    ]
    names = sorted({row.request for row in (*found, *good)})
    actions: dict[str, str] = {}
    for chunk in chunks(names):
        query = select(RequestRow.request, RequestRow.encoded).where(RequestRow.request.in_(chunk))
        actions |= {
            row.request: json.loads(row.encoded)["action"] for row in connection.execute(query)
        }
    latest: dict[tuple[str, str], datetime] = {}
    for row in good:
        kind = (row.device, actions[row.request])
        latest[kind] = max(row.since, latest.get(kind, row.since))
    return [
        (Intent(**row._asdict()), action)
        for row in found
        if (action := actions[row.request])
        and row.since >= latest.get((row.device, action), row.since)
    ]


def allowlists_of(connection: Connection, provisionings: Mapping[str, str]) -> dict[str, str]:
    """Return the allowlist that each device last proved in its present provisioning, by device.

    `provisionings` are nonces by device; who never proved one is left out.
    """
    query = (
        select(IntentRow.device, IntentRow.provisioning, RequestRow.allowlist)
        .join(RequestRow, RequestRow.request == IntentRow.request)
        .where(RequestRow.allowlist != "", IntentRow.state == "proven")
        .order_by(IntentRow.since)
    )
    return {
        row.device: row.allowlist
        for row in connection.execute(query)
        if provisionings.get(row.device) == row.provisioning
    }


def proof_of(connection: Connection, request: str, device: str) -> str:
    """Return the proof that ended an intent, "" where there is none."""
    query = select(IntentRow.proof).where(IntentRow.request == request, IntentRow.device == device)
    return connection.scalar(query) or ""


def proofs_of(connection: Connection, request: str) -> dict[str, str]:
    """Return the proofs of a request's intents, by device; who has none is left out."""
    query = select(IntentRow.device, IntentRow.proof).where(IntentRow.request == request)
    return {row.device: row.proof for row in connection.execute(query) if row.proof}


def set_intents(
    connection: Connection, request: str, changes: Sequence[Mapping[str, Any]], at: datetime
) -> None:
    """Set state, reason and proof of intents; each change names its `device`.

    An intent moves only from the `before` that it was read in: of two who move it at once, the
    second moves nothing.
    """
    if not changes:
        return
    statement = (
        update(IntentRow)
        .where(
            IntentRow.request == request,
            IntentRow.device == bindparam("named"),
            IntentRow.state == bindparam("before"),
        )
        .values(
            state=bindparam("after"),
            why=bindparam("because"),
            proof=bindparam("shown"),
            since=at,
        )
    )
    connection.execute(
        statement,
        [
            {
                "named": change["device"],
                "before": change["before"],
                "after": change["state"],
                "because": change.get("why", ""),
                "shown": change.get("proof", ""),
            }
            for change in changes
        ],
    )

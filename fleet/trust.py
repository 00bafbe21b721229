"""Telling devices whom to trust: pushing the statement in force, and replacing an authority."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from fleet.device import REACHABLE_STATES
from fleet.enrolment.contact import TRUST_FACT, ordered, probe
from fleet.errors import (
    FleetError,
    HostKeyChangedError,
    NotProvenError,
    RefusedError,
    UnreachableError,
    told,
)
from fleet.identity import Lane
from fleet.identity.identity import Authorities
from fleet.identity.statement import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fleet.device import Device
    from fleet.enrolment import Centre
    from fleet.registry import Registry
    from fleet.ssh import Session

_PURPOSE = "trust"


class Outcome(StrEnum):
    """What came of telling one device."""

    TAKEN = "taken"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One device's result."""

    device: str
    cell: str
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a statement reaches devices, and what is tried before they keep it.

    Attributes
    ----------
    lanes
        The lanes it may travel over, the better first. A device that was away while an authority
        was replaced is still open to the other one.
    tried
        The authorities that new logins are made with, where not those in use.
    gone
        Authorities by lane whose certificates the device has to refuse afterwards.
    """

    lanes: tuple[Lane, ...] = (Lane.DEPLOY, Lane.BROKER)
    tried: Mapping[Lane, str] = field(default_factory=dict)
    gone: tuple[tuple[Lane, str], ...] = ()


def behind(registry: Registry, number: int) -> list[Device]:
    """Return the devices in service that are not known to hold a statement, or a newer one."""
    held = registry.said(TRUST_FACT)
    return [
        device
        for device in registry.devices()
        if device.state in REACHABLE_STATES and held.get(device.device, 0) < number
    ]


def push(
    centre: Centre,
    registry: Registry,
    way: Way | None = None,
    *,
    advance: Callable[[int], None] = lambda _steps: None,
    workers: int = 16,
) -> list[Told]:
    """Tell every device that is behind the statement in force; one result for each."""
    chosen = way or Way()
    envelope = centre.identity.envelope()
    number = centre.identity.statement().number

    def attempt(device: Device) -> Told:
        try:
            _tell(centre, device, chosen, _Message(envelope=envelope, number=number))
        except FleetError as error:
            return _result(device, _outcome(error), told(error))
        finally:
            advance(1)
        return _result(device, Outcome.TAKEN)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        results = list(pool.map(attempt, behind(registry, number)))
    taken = {one.device: {TRUST_FACT: number} for one in results if one.outcome is Outcome.TAKEN}
    registry.record_facts(taken, at=datetime.now(UTC))
    return results


def missed(results: Iterable[Told]) -> list[Told]:
    """Return those that do not hold the statement."""
    return [one for one in results if one.outcome is not Outcome.TAKEN]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """How far the replacement of an authority has come.

    `done` says that the new one signs; until then devices are asked to trust both.
    """

    authority: str
    done: bool
    results: tuple[Told, ...]


def rotate(
    centre: Centre,
    registry: Registry,
    lane: Lane,
    *,
    at_once: bool = False,
    advance: Callable[[int], None] = lambda _steps: None,
) -> Rotation:
    """Replace a lane's authority, over the other lane, or go on with doing so.

    First every device is to trust both. Once all have proved that the new one opens them, it
    signs, and the old one goes. `at_once` leaves that out: for an authority that was stolen, and
    for devices that will not be reached; these are then behind, and still to be told over the
    other lane.
    """
    identity = centre.identity
    now = identity.authorities()[lane]
    new = now.trusted[-1] if len(now.trusted) > 1 else identity.add_authority(lane)
    old = now.signing
    over = Lane.DEPLOY if lane is Lane.BROKER else Lane.BROKER
    if not at_once:
        identity.refresh()
        way = Way(lanes=(over,), tried={lane: new})
        results = push(centre, registry, way, advance=advance)
        if missed(results):
            return Rotation(authority=new, done=False, results=tuple(results))
    identity.set_authorities(lane, Authorities(signing=new, trusted=(new,)))
    identity.refresh()
    way = Way(lanes=(over,), gone=((lane, old),))
    results = push(centre, registry, way, advance=advance)
    return Rotation(authority=new, done=True, results=tuple(results))


def place(centre: Centre, device: Device, prison_id: str) -> bool:
    """Let a device take the operators of another prison in, and those of the one before no more.

    Returns whether it had to change. It is tried by new logins, and taken back where they fail.

    Raises
    ------
    UnreachableError, RefusedError, NotProvenError
        When the device is as it was.
    """
    centre.identity.refuse_elsewhere(centre.operator, prison_id)
    with centre.session(device, Lane.DEPLOY, purpose="move") as session:
        order = {"device": device.device, "prison_id": prison_id}
        answer = ordered(centre, session, "place", order)
        if answer["changed"]:
            try:
                _try_anew(centre, device, Way(), answer["number"])
            except FleetError:
                ordered(centre, session, "revert")
                raise
    return bool(answer["changed"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    envelope: Envelope
    number: int


def _tell(centre: Centre, device: Device, way: Way, message: _Message) -> None:
    """Let a device take the statement, try both lanes anew, and confirm; or take it back."""
    lane, session = _way_in(centre, device, way.lanes)
    with session:
        if lane is Lane.DEPLOY:
            ordered(centre, session, "take", asdict(message.envelope))
        else:
            _taken(session, message.envelope.encoded(), timeout_s=centre.timeout_s)
        try:
            _try_anew(centre, device, way, message.number)
        except FleetError:
            if lane is Lane.DEPLOY:  # Over the other one, the device does so by itself.
                ordered(centre, session, "revert")
            raise


def _way_in(centre: Centre, device: Device, lanes: Sequence[Lane]) -> tuple[Lane, Session]:
    """Open a session over the first lane that lets us in."""
    first, *others = lanes
    try:
        return first, centre.session(device, first, purpose=_PURPOSE)
    except HostKeyChangedError:
        raise
    except RefusedError:
        if not others:
            raise
        return _way_in(centre, device, others)


def _taken(session: Session, envelope: bytes, *, timeout_s: float) -> None:
    answer = session.run("trust", stdin=envelope, timeout_s=timeout_s)
    try:
        said: dict[str, Any] = json.loads(answer.stdout)
    except ValueError as error:
        why = answer.stderr.decode(errors="replace").strip() or f"status {answer.status}"
        raise NotProvenError(f"{session.device} gave no answer: {why}") from error
    if "refused" in said:
        raise RefusedError(f"{session.device} refuses the statement: {said['refused']}")


def _try_anew(centre: Centre, device: Device, way: Way, number: int) -> None:
    probe(centre, device, purpose=_PURPOSE, authority=way.tried.get(Lane.BROKER, ""))
    tried = way.tried.get(Lane.DEPLOY, "")
    with centre.session(device, Lane.DEPLOY, purpose=_PURPOSE, authority=tried) as session:
        for lane, authority in way.gone:
            _refused(centre, device, lane, authority)
        ordered(centre, session, "confirm", {"number": number})


def _refused(centre: Centre, device: Device, lane: Lane, authority: str) -> None:
    try:
        session = centre.session(device, lane, purpose=_PURPOSE, authority=authority)
    except RefusedError:
        return
    session.close()
    raise NotProvenError(f"{device.device} still takes certificates of {authority}")


def _result(device: Device, outcome: Outcome, why: str = "") -> Told:
    return Told(device=device.device, cell=device.cell, outcome=outcome, why=why)


def _outcome(error: FleetError) -> Outcome:
    if isinstance(error, RefusedError):
        return Outcome.REFUSED
    return Outcome.UNREACHABLE if isinstance(error, UnreachableError) else Outcome.FAILED


def summary(results: Sequence[Told]) -> dict[str, int]:
    """Return how many devices had which outcome."""
    counts: dict[str, int] = {}
    for one in results:
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    return dict(sorted(counts.items()))

"""A request: what is to change, on exactly which devices, until when, and who asks.

Its bytes are what people sign and what devices check, so there is one way to write each.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from fleet.approval.tree import leaf, root
from fleet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from fleet.device import Device

SCHEMA = 1
_NONCE_BYTES = 16


class Action(StrEnum):
    """What a request can ask of devices."""

    LOCK = "lock"
    UNLOCK = "unlock"
    QUARANTINE = "quarantine"
    RELEASE = "release"
    ALLOWLIST = "allowlist"
    UPDATE = "update"
    WIPE = "wipe"
    READMIT = "readmit"
    DEAD_MAN = "dead-man"
    # Of the centre, not of a device: who works here, and which keys sign.
    OPERATOR = "operator"
    KEYS = "keys"


class Reach(StrEnum):
    """The smallest kind of place that holds all the devices of a request."""

    DEVICE = "device"
    LANDING = "landing"
    WING = "wing"
    PRISON = "prison"
    ESTATE = "estate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A change that was asked for.

    Attributes
    ----------
    request
        Its name, "R-" and eight hexadecimal digits of its nonce.
    parameters
        What the action needs to know: a level of lock, the hash of a bundle or an allowlist.
    scope
        The devices as they were named, for people to read; `devices_root` is which they are.
    reach
        The smallest kind of place that holds all of them.
    devices_root, count
        The root of the tree of their names and provisionings, hexadecimal, and how many.
    nonce
        Hexadecimal; a request with a nonce that was seen before is a replay.
    requested_s, expires_s
        Unix seconds; a lock has no end by itself, and so no expiry.
    priority
        Higher goes first; a lock goes before all else.
    supersedes
        The request whose place it takes, "" for none.
    """

    schema: int = SCHEMA
    request: str
    action: Action
    parameters: Mapping[str, str | int | bool] = field(default_factory=dict)
    scope: str
    reach: Reach
    devices_root: str
    count: int
    nonce: str
    requested_by: str
    requested_s: int
    expires_s: int | None
    priority: int
    supersedes: str = ""

    def encoded(self) -> bytes:
        """Return its bytes: JSON with sorted names, no spaces, in UTF-8."""
        text = json.dumps(
            asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
        )
        return text.encode()

    @property
    def due(self) -> datetime | None:
        """Return when it may begin, None where that is at once."""
        due_s = self.parameters.get("due_s")
        return moment(int(due_s)) if due_s else None

    def has_expired(self, now: datetime) -> bool:
        """Return whether it is too late to begin it."""
        return self.expires_s is not None and now.timestamp() >= self.expires_s


# Of these a device has one at a time, and the one that was asked for last counts.
LATEST_COUNTS = frozenset({Action.ALLOWLIST, Action.DEAD_MAN})

# Locks overtake everything; what closes a danger overtakes what brings something new.
PRIORITIES = {
    Action.LOCK: 100,
    Action.QUARANTINE: 90,
    Action.WIPE: 80,
    Action.READMIT: 50,
    Action.UNLOCK: 50,
    Action.RELEASE: 50,
    Action.ALLOWLIST: 40,
    Action.DEAD_MAN: 40,
    Action.UPDATE: 10,
    Action.OPERATOR: 0,
    Action.KEYS: 0,
}


def takes_the_place_of(later: Request, request: Request) -> bool:
    """Return whether a device that did one request has no room for another, as devices judge."""
    if later.supersedes == request.request:
        return True
    is_newer = later.requested_s > request.requested_s
    return request.action in LATEST_COUNTS and later.action is request.action and is_newer


def frozen(devices: Iterable[Device]) -> tuple[Device, ...]:
    """Return devices in the order of a tree's leaves."""
    return tuple(sorted(devices, key=lambda device: device.device))


def root_of(devices: Iterable[Device]) -> str:
    """Return the root that names some devices in their present provisioning, hexadecimal."""
    return root([leaf(device.device, device.nonce) for device in frozen(devices)]).hex()


def reach_of(devices: Collection[Device]) -> Reach:
    """Return the smallest kind of place that holds all of some devices."""
    if len(devices) == 1:
        return Reach.DEVICE
    if len({device.prison_id for device in devices}) > 1:
        return Reach.ESTATE
    if len({device.wing for device in devices}) > 1:
        return Reach.PRISON
    if len({(device.spur, device.landing) for device in devices}) > 1:
        return Reach.WING
    # Devices whose place nobody knows may be anywhere.
    (place,) = {(d.prison_id, d.wing, d.landing) for d in devices}
    return Reach.LANDING if all(place) else Reach.ESTATE


def new_request(  # noqa: PLR0913 - each is a fact of the request, by its name
    action: Action,
    devices: Iterable[Device],
    *,
    scope: str,
    by: str,
    now: datetime,
    expires: datetime | None = None,
    parameters: Mapping[str, str | int | bool] | None = None,
    supersedes: str = "",
) -> Request:
    """Return a request for some devices as they are now.

    Raises
    ------
    InputError
        When there is no device, or it would have expired already; an expiry that is missing, or
        one of a lock.
    """
    chosen = frozen(devices)
    if not chosen:
        raise InputError(f"{scope} names no device", hint="wingspan fleet list SCOPE")
    if (expires is None) is not (action is Action.LOCK):
        what = "a lock has no expiry" if action is Action.LOCK else f"{action} needs an expiry"
        raise InputError(what, hint="an end of a lock makes its release due: --until")
    if expires is not None and expires <= now:
        raise InputError(f"{expires:%Y-%m-%d %H:%M} is over", hint="give a later --expires")
    nonce = secrets.token_hex(_NONCE_BYTES)
    return Request(
        request=f"R-{nonce[:8]}",
        action=action,
        parameters=dict(parameters or {}),
        scope=scope,
        reach=reach_of(chosen),
        devices_root=root_of(chosen),
        count=len(chosen),
        nonce=nonce,
        requested_by=by,
        requested_s=int(now.timestamp()),
        expires_s=None if expires is None else int(expires.timestamp()),
        priority=PRIORITIES[action],
        supersedes=supersedes,
    )


def central_request(  # noqa: PLR0913 - each is a fact of the request, by its name
    action: Action,
    parameters: Mapping[str, str | int | bool],
    *,
    what: str,
    by: str,
    now: datetime,
    expires: datetime,
) -> Request:
    """Return a request for a change of the centre itself, of which `what` tells people."""
    nonce = secrets.token_hex(_NONCE_BYTES)
    return Request(
        request=f"R-{nonce[:8]}",
        action=action,
        parameters=dict(parameters),
        scope=what,
        reach=Reach.ESTATE,
        devices_root="",
        count=0,
        nonce=nonce,
        requested_by=by,
        requested_s=int(now.timestamp()),
        expires_s=int(expires.timestamp()),
        priority=PRIORITIES[action],
    )


def read_request(encoded: bytes) -> Request:
    """Return the request of some bytes, which must be exactly those that it is written in.

    Raises
    ------
    InputError
        When they are not a request, or another way to write one: two texts that mean the same
        could be signed for one and shown for the other.
    """
    hint = "ask for it anew"
    try:
        request = msgspec.json.decode(encoded, type=Request)
    except msgspec.MsgspecError as error:
        raise InputError("that is not a request", hint=hint) from error
    if request.schema != SCHEMA:
        raise InputError(f"that request has schema {request.schema}, not {SCHEMA}", hint=hint)
    if request.encoded() != encoded:
        raise InputError("that request is not written as requests are", hint=hint)
    return request


def moment(seconds: int) -> datetime:
    """Return a moment of a request, in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC)

"""The list that a device's place asks for: put in force when the device moves there.

What the new place does not allow is taken away at once, which is one person's to say; what it
allows besides waits for a second one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from fleet import change
from fleet.allowlist import Allowlists, Chosen, common, read_allowlist, widens
from fleet.approval import Action, new_request
from fleet.registry.requests import allowlists_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fleet.change import Desk
    from fleet.device import Device
    from fleet.registry import Registry

# How long a list waits for a device that does not answer.
_WITHIN = timedelta(days=28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is asked for so that a device has the list of its new place.

    `text` is the list to be in force, `widens` whether that takes a second person.
    """

    tier: str
    text: str
    widens: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was asked for, and which approvals it still needs, in words."""

    request: str
    missing: tuple[str, ...]


def lists_of(path: Path) -> Allowlists | None:
    """Return the compiled lists of a workspace, None where nobody compiled any.

    Raises
    ------
    InputError
        When they cannot be read.
    """
    read = read_allowlist(path) if path.exists() else None
    return read if isinstance(read, Allowlists) else None


def steps_to(registry: Registry, device: Device, chosen: Chosen) -> tuple[Step, ...]:
    """Return how a device comes to a list: first what narrows, then what widens; none if it has it.

    A device that never proved a list may go nowhere yet.
    """
    with registry.reading() as connection:
        before = allowlists_of(connection, {device.device: device.nonce}).get(device.device)
    shared = common(before or "[]", chosen.text)
    steps = []
    if before is not None and shared not in {before, chosen.text}:
        steps.append(Step(tier=chosen.tier, text=shared, widens=False))
    if before != chosen.text:
        is_wider = before is None or widens(before, chosen.text)
        steps.append(Step(tier=chosen.tier, text=chosen.text, widens=is_wider))
    return tuple(steps)


def ask_for(desk: Desk, device: Device, steps: Sequence[Step], *, now: datetime) -> list[Asked]:
    """Ask for each step of a device, under the operator's signature.

    Raises
    ------
    RefusedError
        When the operator may not ask for it.
    """
    asked = []
    for step in steps:
        request = new_request(
            Action.ALLOWLIST,
            [device],
            scope=f"device:{device.device}",
            by=desk.operator,
            now=now,
            expires=now + _WITHIN,
            parameters=parameters_of(Chosen(tier=step.tier, text=step.text), widens=step.widens),
        )
        agreed = change.ask(desk, request, [device], now=now, allowlist=step.text)
        missing = tuple(change.missing_of(request, agreed))
        asked.append(Asked(request=request.request, missing=missing))
    return asked


def parameters_of(chosen: Chosen, *, widens: bool) -> dict[str, str | bool]:
    """Return what is signed of a list: its hash, whether it opens a way, and its tier if it has."""
    digest = sha256(chosen.text.encode()).hexdigest()
    tier = {"tier": chosen.tier} if chosen.tier else {}
    return {"allowlist_sha256": digest, "widens": widens, **tier}


def wider_for(registry: Registry, devices: Sequence[Device], text: str) -> bool:
    """Return whether a list opens a way to any of some devices, as far as we know."""
    nonces = {device.device: device.nonce for device in devices}
    with registry.reading() as connection:
        before = allowlists_of(connection, nonces)
    return len(before) < len(nonces) or any(widens(each, text) for each in set(before.values()))

"""What is not proven, on which device, and which cell to walk to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from fleet.approval.request import moment
from fleet.enrolment.contact import TRUST_FACT
from fleet.reconcile import works
from fleet.registry.relays import RelayState, relay_states
from fleet.registry.requests import Intent, failed_intents
from fleet.trust import behind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fleet.device import Device
    from fleet.identity.statement import Statement
    from fleet.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What one device has not proven.

    `intent` is the request, or "trust" for the statement of whom to trust; `state` that of the
    intent, or "behind".
    """

    device: str
    cell: str
    intent: str
    action: str
    state: str
    why: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayLeft:
    """A prison's relay whose list of signers and authorities, as last heard, is an older one."""

    prison: str
    intent: str
    state: str
    why: str
    since: datetime


def relays_behind(
    registry: Registry, statement: Statement, prisons: Iterable[str]
) -> list[RelayLeft]:
    """Return those of some prisons' relays that are not known to hold a statement."""
    with registry.reading() as connection:
        heard = relay_states(connection)
    found = []
    for prison in sorted(prisons):
        state = heard.get(prison, RelayState(prison=prison))
        if state.trust < statement.number:
            has = f"list {state.trust}" if state.trust else "no list known to us"
            at = f"{state.heard_at:%Y-%m-%d %H:%M} UTC" if state.heard_at else "never"
            why = f"it holds {has} of signers and authorities, not {statement.number}"
            found.append(
                RelayLeft(
                    prison=prison,
                    intent="trust",
                    state="behind",
                    why=f"{why}; last heard {at}",
                    since=moment(statement.issued_s),
                )
            )
    return found


def residue(registry: Registry, statement: Statement, devices: Sequence[Device]) -> list[Left]:
    """Return what some devices have not proven, in the order of their cells.

    What failed is listed until a later request for the same is proven, or the device is
    provisioned anew: it needs a person.
    """
    chosen = {device.device: device for device in devices}
    found = [*_open(registry, statement, chosen), *_failed(registry, chosen)]
    found += _behind(registry, statement, chosen)
    return sorted(found, key=lambda one: (one.cell, one.device, one.intent))


def _open(registry: Registry, statement: Statement, chosen: dict[str, Device]) -> Iterator[Left]:
    for work in works(registry, statement.signers):
        for intent in work.intents:
            if intent.device in chosen:
                why = intent.why or work.agreement.why
                yield _left(chosen[intent.device], intent, work.request.action, why)


def _failed(registry: Registry, chosen: dict[str, Device]) -> Iterator[Left]:
    with registry.reading() as connection:
        failed = failed_intents(connection)
    for intent, action in failed:
        device = chosen.get(intent.device)
        if device is not None and device.nonce == intent.provisioning:
            yield _left(device, intent, action, intent.why)


def _left(device: Device, intent: Intent, action: str, why: str) -> Left:
    return Left(
        device=device.device,
        cell=device.cell,
        intent=intent.request,
        action=action,
        state=intent.state,
        why=why,
        since=intent.since,
    )


def _behind(registry: Registry, statement: Statement, chosen: dict[str, Device]) -> Iterator[Left]:
    """Yield devices whose list of signers and authorities is an older one."""
    held = registry.said(TRUST_FACT)
    for device in behind(registry, statement.number):
        if device.device in chosen:
            has = f"list {held[device.device]}" if device.device in held else "no list known to us"
            yield Left(
                device=device.device,
                cell=device.cell,
                intent="trust",
                action="trust",
                state="behind",
                why=f"it holds {has} of signers and authorities, not {statement.number}",
                since=moment(statement.issued_s),
            )

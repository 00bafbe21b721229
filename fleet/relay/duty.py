"""What is due on a relay's devices, be it the service that does it or a person beside it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fleet.approval import Action
from fleet.errors import InputError
from fleet.reconcile import reconcile, standings
from fleet.registry.requests import requests_kept, requests_left
from fleet.relay.place import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet.approval import Request
    from fleet.driver import Driver
    from fleet.reconcile import Reconciled
    from fleet.registry import Registry
    from fleet.relay.place import Place

_JUST_NOW = timedelta(minutes=5)


def hindered(place: Place, request: Request) -> str:
    """Return why a relay may not send a request now: its list of signers may be too old."""
    statement = place.statement()
    if statement is None:
        return "the relay knows nobody who may sign yet"
    if statement.is_too_old(time.time()) and request.action is not Action.LOCK:
        issued = datetime.fromtimestamp(statement.issued_s, tz=UTC)
        return f"the list of signers is from {issued:%Y-%m-%d}, too old for anything but locks"
    return ""


def carry_out_here(
    place: Place, registry: Registry, driver: Callable[[], Driver], *, only: str = ""
) -> Reconciled:
    """Carry out what is due on the devices of a relay's prison, or `only` one request.

    Raises
    ------
    InputError
        When the relay has not heard from the centre yet.
    """
    statement = place.statement()
    if statement is None:
        hint = "its service has to reach the broker once: wingspan fleet relay status"
        raise InputError("this relay knows nobody who may sign yet", hint=hint)
    return reconcile(
        registry,
        driver(),
        statement.signers,
        now=datetime.now(tz=UTC),
        by=OPERATOR,
        hindered=lambda request: hindered(place, request),
        included=lambda name: place.kept(f"orders/{name}"),
        only=only,
    )


def carry_out_beside(place: Place, registry: Registry, driver: Callable[[], Driver]) -> Reconciled:
    """Carry out what is due as a person who works on a relay, beside its service.

    Returns where the devices stand with all that is not over or was asked for just now: the
    service may have been the one that carried it out.

    Raises
    ------
    InputError
        When the relay has not heard from the centre yet.
    """
    just_now = datetime.now(tz=UTC) - _JUST_NOW
    with registry.reading() as connection:
        kept = requests_kept(connection)
        names = {one.request for one in requests_left(connection)}
    names |= {one.request for one in kept if one.at >= just_now}
    with place.alone():
        carry_out_here(place, registry, driver)
    return standings(registry, names)

"""Devices of two landings, and a request for some of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from fleet.approval import Action, Request, new_request
from fleet.device import Device

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)


@pytest.fixture
def device() -> Callable[..., Device]:
    """Return a function that makes a device in a place."""

    def make(number: int, place: str = "MDI/A/1", *, nonce: str = "") -> Device:
        prison_id, wing, landing = place.split("/")
        return Device(
            device=f"WS-{number:06d}",
            serial=f"S{number}",
            prison_id=prison_id,
            wing=wing,
            landing=landing,
            nonce=nonce or f"{number:032x}",
        )

    return make


@pytest.fixture
def ask(device: Callable[..., Device]) -> Callable[..., Request]:
    """Return a function that asks for something of devices in places, an hour at the most."""

    def make(action: Action, *places: str, **parameters: str | int | bool) -> Request:
        return new_request(
            action,
            [device(number, place) for number, place in enumerate(places, start=1)],
            scope=" ".join(sorted(set(places))),
            by="asha",
            now=NOW,
            expires=None if action is Action.LOCK else NOW + timedelta(hours=1),
            parameters=parameters,
        )

    return make

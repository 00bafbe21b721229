"""`wingspan fleet lost`, `found` and `retire`: what becomes of a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from fleet.cli.command import FleetCommand, tell
from fleet.device import DeviceState
from fleet.workspace import Workspace
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.device import Device

_why = click.option("--why", default="", help="Reason, for the history; never about a prisoner.")


@click.command(cls=FleetCommand)
@click.argument("device")
@_why
@json_option
@click.pass_obj
def lost(workspace: Workspace, device: str, why: str, as_json: bool) -> None:
    """Record that DEVICE is lost; it keeps its cell, as the last place where it was known.

    \b
    Example:
      wingspan fleet lost WS-000001 --why "not in the cell at the check"
    """
    _Step(workspace, device, why or "lost", as_json).to(DeviceState.LOST)


@click.command(cls=FleetCommand)
@click.argument("device")
@_why
@json_option
@click.pass_obj
def found(workspace: Workspace, device: str, why: str, as_json: bool) -> None:
    """Record that DEVICE is found. It has been out of sight: it comes back quarantined.

    \b
    Example:
      wingspan fleet found WS-000001
    """
    _Step(workspace, device, why or "found", as_json).to(
        DeviceState.QUARANTINED, only=DeviceState.LOST
    )


@click.command(cls=FleetCommand)
@click.argument("device")
@_why
@json_option
@click.pass_obj
def retire(workspace: Workspace, device: str, why: str, as_json: bool) -> None:
    """Record that DEVICE is out of service for good; its cell is free again.

    A wipe that still waits for it would never be done then: stop it first, or let it be done.

    \b
    Example:
      wingspan fleet retire WS-000001 --why "screen broken"
    """
    _refuse_unwiped(workspace, device)
    _Step(workspace, device, why or "retired", as_json).to(DeviceState.RETIRED)


def _refuse_unwiped(workspace: Workspace, device: str) -> None:
    """Refuse while a wipe is under way that nobody would carry out any more."""
    from fleet.approval import Action, read_request
    from fleet.errors import RefusedError
    from fleet.intent import ENDED, IntentState
    from fleet.registry import Registry
    from fleet.registry.requests import intents_of, requests_left

    with (
        Registry.open(workspace.settings().database) as registry,
        registry.reading() as connection,
    ):
        left = [read_request(kept.encoded) for kept in requests_left(connection)]
        wipes = [request.request for request in left if request.action is Action.WIPE]
        for name, intents in intents_of(connection, wipes).items():
            waits = {i.device for i in intents if IntentState(i.state) not in ENDED}
            if device in waits:
                hint = f"wingspan fleet reconcile --once, or wingspan fleet stop {name}"
                raise RefusedError(f"{device} is to be wiped by {name}", hint=hint)


@dataclass(frozen=True, slots=True)
class _Step:
    """One device's next step in its life, and why."""

    workspace: Workspace
    device: str
    why: str
    as_json: bool

    def to(self, state: DeviceState, *, only: DeviceState | None = None) -> None:
        """Record the state; with `only`, for a device that has that one."""
        from fleet.errors import RefusedError
        from fleet.registry import Registry

        settings = self.workspace.settings()
        with Registry.open(settings.database) as registry:
            before = registry.device(self.device).state
            if only not in {None, before}:
                hint = f"wingspan fleet show {self.device} tells its history"
                raise RefusedError(f"{self.device} is {before}, not {only}", hint=hint)
            registry.set_state(self.device, state, by=settings.operator, why=self.why)
            after = registry.device(self.device)
        tell(scope=f"device:{self.device}", before=before.value, after=state.value)
        text = f"{self.device} is {state}, before {before}"
        _report(after, as_json=self.as_json, text=text)


def _report(device: Device, *, as_json: bool, text: str) -> None:
    answer = {
        "schema": 1,
        "device": device.device,
        "cell": device.cell,
        "state": device.state.value,
    }
    emit(answer, as_json=as_json, text=text)

"""What commands that change devices share: the operator's desk, and carrying out what is due."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from fleet.cli.command import tell
from reports.terminal import Exit, complain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import click

    from fleet.change import Desk
    from fleet.device import Device
    from fleet.driver import BrokerDriver
    from fleet.health.probe import Lane
    from fleet.mandate import Mandate
    from fleet.reconcile import Reconciled, Standing
    from fleet.staging import Updates
    from fleet.workspace import Workspace

SCHEMA = 1
_RENEWED_EVERY_S = 300
_LISTED_MAX = 20
_BUCKETS = ("proven", "unproven", "failed", "waiting")


@contextmanager
def desk_of(workspace: Workspace) -> Iterator[Desk]:
    """Have the operator's desk open for the block."""
    from fleet.change import Desk
    from fleet.identity import Identity
    from fleet.registry import Registry

    settings = workspace.settings()
    identity = Identity.open(workspace)
    with Registry.open(settings.database) as registry:
        yield Desk(
            registry=registry,
            identity=identity,
            operator=settings.operator,
            signing_key=settings.signing_key,
        )


def carry_out(workspace: Workspace, desk: Desk) -> Reconciled:
    """Carry out what is due on the devices that answer; Ctrl-C ends it after asking devices."""
    from datetime import UTC, datetime

    from fleet.driver import BrokerDriver, SshWire
    from fleet.health.probe import Lane, renewed
    from fleet.health.rules import read_rules
    from fleet.identity import Lane as Authority
    from fleet.reconcile import reconcile
    from fleet.topology import read_topology
    from fleet.transport import transport_of

    issue = partial(
        desk.identity.credential, Authority.BROKER, operator=desk.operator, purpose="orders"
    )
    lane = Lane(
        credential=renewed(issue, every_s=_RENEWED_EVERY_S), transport=transport_of(workspace)
    )
    driver = BrokerDriver(
        wire=SshWire(lane=lane),
        knocking=read_rules(workspace.devices_csv.parent).knocking,
        topology=read_topology(workspace.topology) if workspace.topology.exists() else None,
    )
    with interrupted("stopping; devices that may have begun are asked") as stopped:
        return reconcile(
            desk.registry,
            driver,
            desk.identity.statement().signers,
            now=datetime.now(tz=UTC),
            by=desk.operator,
            updates=_updates(workspace, desk, driver, lane, stopped),
        )


def _updates(
    workspace: Workspace,
    desk: Desk,
    driver: BrokerDriver,
    lane: Lane,
    stopped: Callable[[], bool],
) -> Updates:
    from fleet.deploy import DeployLane, issued_by
    from fleet.health.probe import ask
    from fleet.health.sweep import sweep
    from fleet.staging import Updates
    from fleet.transport import transport_of
    from fleet.wave import read_rules

    def answering(devices: Sequence[Device]) -> frozenset[str]:
        asked = sweep(
            devices,
            lambda device, patience: ask(device, lane, patience),
            driver.knocking,
            driver.topology,
        )
        return frozenset(one.device.device for one in asked if not one.is_unreachable)

    return Updates(
        lane=DeployLane(
            credential=issued_by(desk.identity, desk.operator),
            carrier=transport_of(workspace),
            stopped=stopped,
        ),
        rules=read_rules(workspace.devices_csv.parent),
        topology=driver.topology,
        bundles=workspace.bundles,
        answering=answering,
        stopped=stopped,
        tell=complain if sys.stderr.isatty() else lambda _words: None,
    )


@contextmanager
def interrupted(words: str) -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C end the work in hand instead of us; yield whether it was pressed.

    Pressed again, it ends us after all.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    pressed = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def press(_number: int, _frame: Any) -> None:
        pressed.set()
        complain(words)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def as_answer(found: Reconciled) -> dict[str, list[dict[str, str]]]:
    """Return what a pass came to, as --json has it."""
    return {name: [_entry(one) for one in getattr(found, name)] for name in _BUCKETS}


def as_lines(found: Reconciled) -> list[str]:
    """Return what a pass came to, for a person: counts, then who is not proven and why."""
    counts = ", ".join(f"{len(getattr(found, name))} {name}" for name in _BUCKETS)
    lines = [counts]
    for name in ("failed", "unproven", "waiting"):
        standings = getattr(found, name)
        lines += [f"  {name} {one.device} ({one.intent}): {one.why}" for one in standings][
            :_LISTED_MAX
        ]
        if len(standings) > _LISTED_MAX:
            lines.append(f"  and {len(standings) - _LISTED_MAX} more {name}")
    return lines


def end(ctx: click.Context, found: Reconciled) -> None:
    """Tell the log what a pass came to, and end with 5 where not all is proven."""
    counts: dict[str, Any] = {name: len(getattr(found, name)) for name in _BUCKETS}
    tell(**counts)
    if found.unproven or found.failed:
        ctx.exit(Exit.NOT_PROVEN)


def _entry(one: Standing) -> dict[str, str]:
    return {"device": one.device, "intent": one.intent, "why": one.why}


def request_fields(encoded: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a request that people look at."""
    names = ("request", "action", "scope", "reach", "count", "parameters", "requested_by")
    return {name: encoded[name] for name in names}


def missing_lines(given: Mandate, what: str) -> list[str]:
    """Return what is to be done before a change of the centre may be; nothing where it may."""
    if not given.missing:
        return []
    return [
        f"asked for {given.request}: {what}",
        *(f"missing: {one}" for one in given.missing),
        f"next: another person runs wingspan fleet approve {given.request}; then the same again",
    ]

"""What commands that change devices share: the operator's desk, and carrying out what is due."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fleet.cli.command import tell
from reports.terminal import Exit, complain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import click

    from fleet.change import Desk
    from fleet.deploy import WaveLane
    from fleet.device import Device
    from fleet.driver import BrokerDriver, Driver
    from fleet.health.probe import Lane
    from fleet.identity import Identity
    from fleet.mandate import Mandate
    from fleet.reconcile import Reconciled, Standing
    from fleet.registry import Registry
    from fleet.relay.centre import Centre
    from fleet.staging import Updates
    from fleet.workspace import Workspace

SCHEMA = 1
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
    """Carry out what is due on the devices that answer; Ctrl-C ends it after asking devices.

    Where a prison has a relay it goes by that. On a relay it is what it does by itself as well; one
    of the two at a time.
    """
    from datetime import UTC, datetime

    from fleet.driver import driver_of, lane_of
    from fleet.reconcile import reconcile
    from fleet.relay.driver import RelayDriver
    from fleet.relay.duty import carry_out_beside
    from fleet.relay.place import OPERATOR, find_place

    place = find_place(workspace)
    if place is not None:
        way = driver_of(workspace, lane_of(workspace, desk.identity, operator=OPERATOR))
        return carry_out_beside(place, desk.registry, lambda: way)
    lane = lane_of(workspace, desk.identity, operator=desk.operator)
    direct = driver_of(workspace, lane)
    driver = _by_relays(workspace, desk, direct) if desk.identity.relays() else direct
    relays = driver.centre if isinstance(driver, RelayDriver) else None
    with interrupted("stopping; devices that may have begun are asked") as stopped:
        return reconcile(
            desk.registry,
            driver,
            desk.identity.statement().signers,
            now=datetime.now(tz=UTC),
            by=desk.operator,
            updates=_updates(workspace, desk, (lane, direct, relays), stopped),
        )


def _by_relays(workspace: Workspace, desk: Desk, direct: Driver) -> Driver:
    """Return the way by relays, once their reports are here and what they did is known."""
    from fleet.relay.driver import RelayDriver

    centre = relays_of(workspace, desk.registry, desk.identity)
    adopted = centre.gather()
    centre.remind()
    states = centre.states()
    heads = {name: [one.audit_entries, one.audit_hash] for name, one in states.items()}
    tell(relay_logs=heads)
    if adopted:
        tell(ordered_inside=adopted)
    patience_s = workspace.settings().relay_patience_s
    return RelayDriver(centre=centre, direct=direct, patience_s=patience_s)


def relays_of(workspace: Workspace, registry: Registry, identity: Identity) -> Centre:
    """Return the relays of a workspace and the way to each.

    Raises
    ------
    InputError
        When it does not say where the broker is, or how to log in.
    """
    from fleet.errors import InputError
    from fleet.relay.broker import Broker, Post, app_of, password_of
    from fleet.relay.centre import Centre
    from fleet.topology import Topology, read_topology

    settings = workspace.settings()
    if not (settings.broker and settings.broker_authority):
        what = "relays were admitted, and there is no broker to reach them"
        raise InputError(what, hint="[fleet] broker and broker_authority in wingspan.toml")
    broker = Broker(
        url=settings.broker,
        authority=workspace.root / settings.broker_authority,
        password=password_of(workspace.keys),
    )
    topology = read_topology(workspace.topology) if workspace.topology.exists() else Topology()
    prisons = [relay.prison for relay in identity.relays()]
    posts = {name: Post(app=app_of(broker, name), prison=name) for name in prisons}
    return Centre(registry=registry, identity=identity, posts=posts, topology=topology)


def to_relays(
    workspace: Workspace,
    registry: Registry,
    identity: Identity,
    send: Callable[[Centre], tuple[list[str], list[str]]],
) -> dict[str, list[str]]:
    """Send relays something now; return the prisons whose relays were sent it, and the others."""
    from fleet.errors import InputError

    told, missed = list[str](), [relay.prison for relay in identity.relays()]
    if missed:
        with suppress(InputError):  # No broker: what is to be done here is done all the same.
            told, missed = send(relays_of(workspace, registry, identity))
    return {"relays_told": told, "relays_missed": missed}


def relay_lines(relays: Mapping[str, Sequence[str]]) -> list[str]:
    """Return which relays were sent something and which not, for a person."""
    told, missed = relays["relays_told"], relays["relays_missed"]
    lines = [f"sent to the relays of {', '.join(told)}"] if told else []
    if missed:
        until = "it goes with the next wingspan fleet reconcile that reaches them"
        lines.append(f"no way to the relays of {', '.join(missed)}: {until}")
    return lines


def _updates(
    workspace: Workspace,
    desk: Desk,
    way: tuple[Lane, BrokerDriver, Centre | None],
    stopped: Callable[[], bool],
) -> Updates | None:
    """Return how updates are carried out; None for who may not, and leaves them to who may."""
    from fleet.deploy import DeployLane, issued_by
    from fleet.driver import answering as answering_by
    from fleet.identity import Lane as Ways
    from fleet.relay.lane import RelayLane
    from fleet.staging import Updates
    from fleet.transport import transport_of
    from fleet.wave import read_rules

    if not desk.identity.opens(desk.operator, Ways.DEPLOY):
        return None
    lane, driver, relays = way
    deploy: WaveLane = DeployLane(
        credential=issued_by(desk.identity, desk.operator),
        carrier=transport_of(workspace),
        stopped=stopped,
    )
    answering: Callable[[Sequence[Device]], frozenset[str]] = partial(answering_by, lane, driver)
    if relays is not None:
        deploy = RelayLane(
            centre=relays, direct=deploy, asks=answering, operator=desk.operator, stopped=stopped
        )
        answering = deploy.answering
    return Updates(
        lane=deploy,
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

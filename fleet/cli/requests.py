"""What was asked for: the second person, and control of what is under way."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import fleet
from fleet.cli.command import FleetCommand, tell
from fleet.cli.desk import (
    SCHEMA,
    as_answer,
    as_lines,
    carry_out,
    desk_of,
    end,
    relay_lines,
    request_fields,
    to_relays,
)
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.workspace import Workspace


@click.command("requests", cls=FleetCommand)
@click.option("--all", "everything", is_flag=True, help="Those that are over too.")
@json_option
@click.pass_obj
def requests(workspace: Workspace, everything: bool, as_json: bool) -> None:
    """Show what was asked for, who agreed, and where the devices stand.

    A lock stays in the list until a second person has reviewed it: `fleet approve` says so.

    \b
    Example:
      wingspan fleet requests
    """
    from fleet.approval import people_for, read_request
    from fleet.intent import ENDED
    from fleet.registry.requests import DONE, intents_of, requests_kept
    from fleet.registry.updates import halts

    now = datetime.now(tz=UTC)
    with desk_of(workspace) as desk, desk.registry.reading() as connection:
        kept = requests_kept(connection)
        intents = intents_of(connection, [one.request for one in kept])
        halted = halts(connection)
    shown = []
    for one in kept:
        request = read_request(one.encoded)
        states = Counter(intent.state for intent in intents[one.request])
        people = people_for(request)
        reviewers = [who for who in one.signatures if who != request.requested_by]
        unreviewed = people.reviewed_later and not reviewers
        # One of the centre's own has no device: it is under way until it is done or too late.
        waits = not request.count and one.status != DONE and not request.has_expired(now)
        if everything or unreviewed or waits or not set(states) <= set(ENDED):
            shown.append(
                {
                    **request_fields(asdict(request)),
                    "status": one.status,
                    "halted": halted.get(one.request, ""),
                    "requested_at": one.at.isoformat(timespec="seconds"),
                    "signed_by": list(one.signatures),
                    "people": people.count,
                    "why": people.why,
                    "unreviewed": unreviewed,
                    "states": dict(sorted(states.items())),
                }
            )
    lines = [_line(one) for one in shown] or ["nothing is under way"]
    emit({"schema": SCHEMA, "requests": shown}, as_json=as_json, text="\n".join(lines))


def _line(one: dict[str, Any]) -> str:
    from fleet.approval.request import moment

    states = [f"{count} {state}" for state, count in one["states"].items()]
    signed = ", ".join(one["signed_by"])
    what = f"{one['action']} {one['scope']} ({one['count']})" if one["count"] else one["scope"]
    halted = one["halted"]
    review_s = one["parameters"].get("review_s")
    due = f" by {moment(review_s):%Y-%m-%d %H:%M}" if review_s else ""
    parts = [
        f"{one['request']}  {what}, {one['status']}{f' ({halted})' if halted else ''}",
        f"signed by {signed} ({len(one['signed_by'])} of {one['people']}: {one['why']})",
        *([", ".join(states)] if states else []),
        *([f"not yet reviewed{due}"] if one["unreviewed"] else []),
    ]
    return "; ".join(parts)


@click.command("approve", cls=FleetCommand)
@click.argument("request")
@json_option
@click.pass_obj
def approve(workspace: Workspace, request: str, as_json: bool) -> None:
    """Agree to what another person asked for, under your own signature.

    Of a lock, which one person may order, this is the review afterwards.

    Look at it first: wingspan fleet requests. `fleet reconcile` then carries it out.

    \b
    Example:
      wingspan fleet approve R-1f2e3d4c
    """
    from fleet import change

    with desk_of(workspace) as desk:
        asked, agreed = change.agree(desk, request, now=datetime.now(tz=UTC))
    tell(scope=asked.scope, request=request)
    missing = change.missing_of(asked, agreed)
    answer = {
        "schema": SCHEMA,
        **request_fields(asdict(asked)),
        "approvals_missing": missing,
    }
    what = f"{asked.action} of {asked.count} devices in {asked.scope}"
    lines = [f"agreed to {request}: {what if asked.count else asked.scope}"]
    lines += [f"still missing: {one}" for one in missing]
    if not missing and asked.count:
        lines.append("next: wingspan fleet reconcile --once")
    elif not missing:
        lines.append(f"next: {asked.requested_by} gives the same command again")
    emit(answer, as_json=as_json, text="\n".join(lines))


def _control(name: str, status: str, done: str, help_text: str) -> click.Command:
    @click.command(name, cls=FleetCommand, help=help_text)
    @click.argument("request")
    @json_option
    @click.pass_obj
    def command(workspace: Workspace, request: str, as_json: bool) -> None:
        from fleet.registry.requests import OPEN, request_kept, set_status
        from fleet.registry.updates import note_update

        with desk_of(workspace) as desk:
            with desk.registry.writing() as connection:
                request_kept(connection, request)
                set_status(connection, request, status)
                if status == OPEN:  # Whoever resumes it has looked at what halted it.
                    note_update(connection, request, halted="")
            relays = to_relays(
                workspace, desk.registry, desk.identity, lambda centre: centre.pass_on(request)
            )
        told, missed = relays["relays_told"], relays["relays_missed"]
        tell(request=request, relays_told=told, relays_missed=missed)
        answer = {"schema": SCHEMA, "request": request, "status": status, **relays}
        lines = [f"{request} {done}", *relay_lines(relays)]
        emit(answer, as_json=as_json, text="\n".join(lines))

    return command


pause = _control(
    "pause",
    "paused",
    "is paused: nothing more is sent",
    """Send nothing more of a request until it is resumed.

    \b
    Example:
      wingspan fleet pause R-1f2e3d4c
    """,
)
resume = _control(
    "resume",
    "open",
    "goes on",
    """Let a paused request go on.

    \b
    Example:
      wingspan fleet resume R-1f2e3d4c
    """,
)
stop = _control(
    "stop",
    "stopped",
    "is stopped: what was sent is asked about, and no more is sent",
    """End a request; what was not sent never will be.

    \b
    Example:
      wingspan fleet stop R-1f2e3d4c
    """,
)


@click.command("reconcile", cls=FleetCommand)
@click.option("--once", is_flag=True, help="One pass, and end.")
@click.option(
    "--every",
    "every_s",
    type=click.IntRange(1),
    default=60,
    show_default=True,
    help="Seconds between passes.",
)
@click.option("--unit", is_flag=True, help="Print the unit of a systemd service that does it.")
@json_option
@click.pass_context
def reconcile(
    ctx: click.Context, /, *, once: bool, every_s: int, unit: bool, as_json: bool
) -> None:
    """Carry out what is due on the devices that answer, and have them prove it.

    Devices that may have acted before an interruption are asked first. Silent ones keep what they
    are to do until it expires. With --once it ends with 5 when something is unproven or failed;
    as a service it goes on until it is told to end, and then ends between two passes.

    \b
    Example:
      wingspan fleet reconcile --once
      wingspan fleet reconcile --unit >/etc/systemd/system/wingspan-reconcile.service
    """
    import signal
    from threading import Event

    workspace: Workspace = ctx.obj
    if unit:
        text = _unit(workspace, every_s=every_s)
        emit({"schema": SCHEMA, "unit": text}, as_json=as_json, text=text)
        return
    told = Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: told.set())
    while not told.is_set():
        with desk_of(workspace) as desk:
            found = carry_out(workspace, desk)
        emit(
            {"schema": SCHEMA} | as_answer(found),
            as_json=as_json,
            text="\n".join(as_lines(found)),
        )
        if once:
            end(ctx, found)
            return
        told.wait(every_s)


def _unit(workspace: Workspace, *, every_s: int) -> str:
    """Return the unit of a service that does it in this workspace, as whoever owns that."""
    from fleet.unit import unit_text

    shipped = Path(fleet.__file__).with_name("wingspan-reconcile.service")
    folder = workspace.root.resolve()
    program = Path(shutil.which("wingspan") or Path(sys.executable).with_name("wingspan"))
    return unit_text(shipped, program=program, folder=folder, user=folder.owner(), every_s=every_s)


@click.command("residue", cls=FleetCommand)
@click.argument("scope", nargs=-1)
@json_option
@click.pass_obj
def residue(workspace: Workspace, scope: tuple[str, ...], as_json: bool) -> None:
    """Say who is not proven, why, since when, and which cell to walk to.

    What failed stays in the list until a later request of its kind is proven; so does a device
    that holds an older list of signers than the one in force, and a relay, as it was last heard.

    \b
    Example:
      wingspan fleet residue MDI
    """
    from fleet.residue import relays_behind
    from fleet.residue import residue as left
    from fleet.scope import Scope

    with desk_of(workspace) as desk:
        devices = desk.registry.devices(Scope.parse(scope))
        statement = desk.identity.statement()
        found = left(desk.registry, statement, devices)
        here = {device.prison_id for device in devices}
        prisons = [one.prison for one in desk.identity.relays() if not scope or one.prison in here]
        late = relays_behind(desk.registry, statement, prisons)
    rows = [asdict(one) | {"since": one.since.isoformat(timespec="seconds")} for one in found]
    relays = [asdict(one) | {"since": one.since.isoformat(timespec="seconds")} for one in late]
    lines = [
        f"{row['cell'] or '(no cell)'}  {row['device']}  {row['action']} {row['intent']} "
        f"{row['state']} since {row['since']}: {row['why']}"
        for row in rows
    ]
    lines += [
        f"(relay)  {row['prison']}  trust {row['state']} since {row['since']}: {row['why']}"
        for row in relays
    ]
    answer = {"schema": SCHEMA, "devices": rows, "relays": relays}
    emit(answer, as_json=as_json, text="\n".join(lines or ["everything is proven"]))

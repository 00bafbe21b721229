"""Commands that change devices: lock and unlock, quarantine and release, allowlists.

Each shows its effect first; with --yes it is asked for, under the operator's signature, and, where
nobody else has to agree, carried out at once.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import FleetCommand, tell
from fleet.cli.desk import SCHEMA, as_answer, as_lines, carry_out, desk_of, end, request_fields
from fleet.errors import InputError
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleet.approval import Action
    from fleet.change import Desk
    from fleet.device import Device
    from fleet.workspace import Workspace

_PAGE = Path("inputs") / "notice.txt"
_DEFAULT_PAGE = """\
This tablet has been locked by the prison.

In an emergency press the cell bell.
Samaritans: dial 116 123 on the telephone, free, at any hour."""

scope_argument = click.argument("scope", nargs=-1, required=True)
yes_option = click.option("--yes", is_flag=True, help="Ask for it; without, only show the effect.")
expect_option = click.option(
    "--expect",
    type=click.IntRange(1),
    help="How many devices that is; has to be said beyond one prison.",
)
hours_option = click.option(
    "--hours",
    type=click.FloatRange(0, 24 * 28, min_open=True),
    default=24.0,
    show_default=True,
    help="After how long it is too late to begin it on a device.",
)


def _command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    def made(function: Callable[..., None]) -> click.Command:
        for option in (click.pass_context, json_option, yes_option, expect_option, scope_argument):
            function = option(function)
        return click.command(name, cls=FleetCommand)(function)

    return made


@_command("lock")
@click.option(
    "--level",
    type=click.Choice(["notice", "relay-only", "screen-off"]),
    required=True,
    help="A notice on the screen; no network but the relay as well; the screen dark as well.",
)
@click.option("--reason", default="", help="Why; screen-off asks for it.")
@click.option("--review-in", "review_h", type=click.FloatRange(0, min_open=True), help="Hours.")
def lock(ctx: click.Context, level: str, reason: str, review_h: float | None, **given: Any) -> None:
    """Lock devices, which one person may do; unlocking takes two.

    A lock has no end by itself and is not weakened by another. inputs/notice.txt is what a locked
    screen shows without a network: emergency instructions, support lines.

    \b
    Example:
      wingspan fleet lock MDI/A --level relay-only --yes
      wingspan fleet lock MDI --level screen-off --reason "disorder" --review-in 2 --yes
    """
    from fleet.approval import Action
    from fleet.registry import refuse_personal

    if level == "screen-off" and not (reason and review_h):
        hint = "--reason TEXT --review-in HOURS"
        raise InputError("screen-off leaves a cell without its emergency page", hint=hint)
    refuse_personal("the reason", text=reason)
    workspace: Workspace = ctx.obj
    page = workspace.root / _PAGE
    parameters: dict[str, Any] = {
        "level": level,
        "page": page.read_text(encoding="utf-8") if page.exists() else _DEFAULT_PAGE,
        "reason": reason,
    }
    if review_h:
        parameters["review_s"] = int((datetime.now(tz=UTC) + _hours(review_h)).timestamp())
    _change(ctx, Action.LOCK, parameters, hours=None, **given)


@_command("unlock")
@click.option("--lock", "locks", multiple=True, help="Only this lock; all that hold, if not.")
@hours_option
def unlock(ctx: click.Context, locks: tuple[str, ...], hours: float, **given: Any) -> None:
    """Take locks away; a second person has to agree.

    It names the locks that hold when it is asked for: one that comes later still holds.

    \b
    Example:
      wingspan fleet unlock MDI/A --yes
    """
    from fleet.approval import Action

    workspace: Workspace = ctx.obj
    named = locks or _locks_that_hold(workspace)
    if not named:
        raise InputError("no lock was asked for", hint="wingspan fleet requests --all")
    _change(ctx, Action.UNLOCK, {"locks": ",".join(named)}, hours=hours, **given)


@_command("quarantine")
@hours_option
def quarantine(ctx: click.Context, hours: float, **given: Any) -> None:
    """Let devices reach nothing but their relay.

    \b
    Example:
      wingspan fleet quarantine device:WS-000123 --yes
    """
    from fleet.approval import Action

    _change(ctx, Action.QUARANTINE, {}, hours=hours, **given)


@_command("release")
@hours_option
def release(ctx: click.Context, hours: float, **given: Any) -> None:
    """Let quarantined devices back in; a second person has to agree.

    \b
    Example:
      wingspan fleet release device:WS-000123 --yes
    """
    from fleet.approval import Action

    _change(ctx, Action.RELEASE, {}, hours=hours, **given)


@_command("allowlist")
@click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="JSON: a list of network, protocol (tcp or udp) and port.",
)
@hours_option
def allowlist(ctx: click.Context, source: Path, hours: float, **given: Any) -> None:
    """Say where devices may go while nothing is locked; nowhere else is left open.

    A list that lets a device go where it could not before needs a second person.

    \b
    Example:
      wingspan fleet allowlist MDI --file allowlist.json --yes
    """
    from hashlib import sha256

    from fleet.allowlist import read_allowlist
    from fleet.approval import Action

    text = read_allowlist(source)
    digest = sha256(text.encode()).hexdigest()
    parameters = {"allowlist_sha256": digest, "widens": True}
    _change(ctx, Action.ALLOWLIST, parameters, hours=hours, allowlist=text, **given)


def _change(  # noqa: PLR0913 - what every change has, by name
    ctx: click.Context,
    action: Action,
    parameters: dict[str, Any],
    *,
    hours: float | None,
    scope: tuple[str, ...],
    yes: bool,
    expect: int | None,
    as_json: bool,
    allowlist: str = "",
) -> None:
    from fleet import change
    from fleet.approval import new_request
    from fleet.device import REACHABLE_STATES
    from fleet.scope import Scope

    workspace: Workspace = ctx.obj
    now = datetime.now(tz=UTC)
    with desk_of(workspace) as desk:
        wanted = Scope.parse(scope).in_states(REACHABLE_STATES)
        devices = desk.registry.devices(wanted, some=True)
        request = new_request(
            action,
            devices,
            scope=str(Scope.parse(scope)),
            by=desk.operator,
            now=now,
            expires=None if hours is None else now + _hours(hours),
            parameters=parameters,
        )
        tell(scope=request.scope, devices=request.count, devices_root=request.devices_root)
        if not yes:
            _show(request, devices, change.missing_of(request), as_json=as_json)
            return
        change.refuse_by_accident(request, expected=expect)
        agreed = change.ask(desk, request, devices, now=now, allowlist=allowlist)
        tell(request=request.request)
        missing = change.missing_of(request, agreed)
        answer = {
            "schema": SCHEMA,
            **request_fields(asdict(request)),
            "approvals_missing": missing,
        }
        if missing:
            lines = [f"asked for {request.request}: {action} of {request.count} devices"]
            lines += [f"missing: {one}" for one in missing]
            lines.append(f"next: another person runs wingspan fleet approve {request.request}")
            emit(answer, as_json=as_json, text="\n".join(lines))
            return
        _carry_out(ctx, desk, answer, request.request, as_json=as_json)


def _carry_out(
    ctx: click.Context, desk: Desk, answer: dict[str, Any], name: str, *, as_json: bool
) -> None:
    found = carry_out(ctx.obj, desk)
    lines = [f"{name}: {answer['action']} of {answer['count']} devices", *as_lines(found)]
    emit(answer | as_answer(found), as_json=as_json, text="\n".join(lines))
    end(ctx, found)


def _show(
    request: Any, devices: Sequence[Device], missing: Sequence[str], *, as_json: bool
) -> None:
    answer = {
        "schema": SCHEMA,
        "request": None,
        "action": request.action,
        "scope": request.scope,
        "reach": request.reach,
        "parameters": dict(request.parameters),
        "count": request.count,
        "devices": [device.device for device in devices],
        "waves": [{"devices": request.count, "seconds": None, "peak_load": {}}],
        "uncovered": [],
        "approvals_missing": list(missing),
    }
    places = sorted({"/".join(filter(None, (d.prison_id, d.wing))) for d in devices})
    lines = [
        f"{request.action} would reach {request.count} devices in {', '.join(places)}",
        *(f"  {name}: {value}" for name, value in request.parameters.items() if value),
        *(f"needs {one}" for one in missing),
        "nothing was changed; --yes asks for it",
    ]
    emit(answer, as_json=as_json, text="\n".join(lines))


def _locks_that_hold(workspace: Workspace) -> tuple[str, ...]:
    """Return the locks that were asked for and not taken away since, as far as we know."""
    from fleet.approval import Action, read_request
    from fleet.registry import Registry
    from fleet.registry.requests import requests_kept

    with (
        Registry.open(workspace.settings().database) as registry,
        registry.reading() as connection,
    ):
        kept = [read_request(one.encoded) for one in requests_kept(connection)]
    return tuple(one.request for one in kept if one.action is Action.LOCK)


def _hours(hours: float) -> timedelta:
    return timedelta(hours=hours)

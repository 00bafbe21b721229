"""What all commands that change devices have in common: show it, ask for it, carry it out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from fleet.cli import effect
from fleet.cli.command import FleetCommand, tell
from fleet.cli.desk import SCHEMA, as_answer, as_lines, carry_out, desk_of, end, request_fields
from fleet.device import REACHABLE_STATES, DeviceState
from fleet.errors import InputError
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.approval import Request
    from fleet.change import Desk
    from fleet.device import Device
    from fleet.wave import Plan
    from fleet.workspace import Workspace

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


def change_command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Return a decorator that makes a command which changes the devices of a scope."""

    def made(function: Callable[..., None]) -> click.Command:
        for option in (click.pass_context, json_option, yes_option, expect_option, scope_argument):
            function = option(function)
        return click.command(name, cls=FleetCommand)(function)

    return made


def nothing_more(_desk: Desk, _request: Request, _devices: Sequence[Device]) -> dict[str, Any]:
    """Return nothing more for the answer of a command."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A change that somebody may ask for.

    `hours` is until when it may begin, None for a lock. `states` are those of the devices that it
    is for, and `unwanted` says why it is not for one of them, "" where it is. `plan` says in which
    waves it would happen, given the devices that it is for and, with the reason, those of its scope
    that it is not for; `keep` is called before it is asked for, and `after` once it is kept, for
    what else the answer has; `lines` say more of it to people.
    """

    action: str
    parameters: dict[str, Any]
    hours: float | None
    allowlist: str = ""
    unwanted: Callable[..., str] = lambda _device: ""
    plan: Callable[..., Any] = effect.order_plan
    keep: Callable[[], None] = lambda: None
    lines: Callable[..., Sequence[str]] = effect.wave_lines
    states: tuple[DeviceState, ...] = REACHABLE_STATES
    after: Callable[..., dict[str, Any]] = nothing_more


def ask_for(  # noqa: PLR0913 - what every change is given, by name
    ctx: click.Context,
    wish: Wish,
    *,
    scope: tuple[str, ...],
    yes: bool,
    expect: int | None,
    as_json: bool,
) -> None:
    """Show what a change would do, or ask for it and carry it out where nobody else must agree."""
    from fleet import change
    from fleet.scope import Scope

    workspace: Workspace = ctx.obj
    now = datetime.now(tz=UTC)
    with desk_of(workspace) as desk:
        meant = Scope.parse(scope)
        there = desk.registry.devices(meant.in_states(wish.states), some=True)
        reasons = {d.device: why for d in there if (why := wish.unwanted(d))}
        devices = [device for device in there if device.device not in reasons]
        if not devices:
            what = f"none of {len(there)} devices is meant: {reasons[there[0].device]}"
            raise InputError(what, hint="wingspan fleet list SCOPE")
        request = _request(wish, devices, scope=str(meant), by=desk.operator, now=now)
        tell(scope=request.scope, devices=request.count, devices_root=request.devices_root)
        if not yes:
            if DeviceState.LOST not in wish.states:
                lost = desk.registry.devices(meant.in_states([DeviceState.LOST]))
                reasons |= {device.device: "it is lost" for device in lost}
            plan = wish.plan(workspace, desk, devices, reasons)
            _show(request, devices, plan, wish.lines(plan), as_json=as_json)
            return
        change.refuse_by_accident(request, expected=expect)
        wish.keep()
        agreed = change.ask(desk, request, devices, now=now, allowlist=wish.allowlist)
        tell(request=request.request)
        missing = change.missing_of(request, agreed)
        answer = {
            "schema": SCHEMA,
            **request_fields(asdict(request)),
            "approvals_missing": missing,
            **wish.after(desk, request, devices),
        }
        if missing:
            lines = [f"asked for {request.request}: {request.action} of {request.count} devices"]
            lines += [f"missing: {one}" for one in missing]
            lines.append(f"next: another person runs wingspan fleet approve {request.request}")
            emit(answer, as_json=as_json, text="\n".join(lines))
            return
        found = carry_out(workspace, desk)
        lines = [f"{request.request}: {request.action} of {request.count} devices"]
        emit(answer | as_answer(found), as_json=as_json, text="\n".join(lines + as_lines(found)))
        end(ctx, found)


def _request(
    wish: Wish, devices: Sequence[Device], *, scope: str, by: str, now: datetime
) -> Request:
    from fleet.approval import Action, new_request

    return new_request(
        Action(wish.action),
        devices,
        scope=scope,
        by=by,
        now=now,
        expires=None if wish.hours is None else now + timedelta(hours=wish.hours),
        parameters=wish.parameters,
    )


def _show(
    request: Request, devices: Sequence[Device], plan: Plan, more: Sequence[str], *, as_json: bool
) -> None:
    from fleet.change import missing_of

    missing = missing_of(request)
    answer = {
        "schema": SCHEMA,
        "request": None,
        "action": request.action,
        "scope": request.scope,
        "reach": request.reach,
        "parameters": dict(request.parameters),
        "count": request.count,
        "devices": [device.device for device in devices],
        **effect.as_answer(plan),
        "approvals_missing": missing,
    }
    places = sorted({"/".join(filter(None, (d.prison_id, d.wing))) for d in devices})
    lines = [
        f"{request.action} would reach {request.count} devices in {', '.join(places)}",
        *(f"  {name}: {value}" for name, value in request.parameters.items() if value),
        *more,
        *effect.left_lines(plan),
        *(f"needs {one}" for one in missing),
        "nothing was changed; --yes asks for it",
    ]
    emit(answer, as_json=as_json, text="\n".join(lines))

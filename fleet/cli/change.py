"""Commands that change devices: lock and unlock, quarantine and release, allowlists.

Each shows its effect first; with --yes it is asked for, under the operator's signature, and, where
nobody else has to agree, carried out at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.asking import Wish, ask_for, change_command, hours_option, nothing_more
from fleet.errors import InputError
from reports.terminal import complain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet.approval import Request
    from fleet.change import Desk
    from fleet.device import Device
    from fleet.workspace import Workspace

_PAGE = Path("inputs") / "notice.txt"
# A release that is due waits so long for devices that do not answer.
_RELEASED_WITHIN = timedelta(days=28)
_DEFAULT_PAGE = """\
This tablet has been locked by the prison.

In an emergency press the cell bell.
Samaritans: dial 116 123 on the telephone, free, at any hour."""


@change_command("lock")
@click.option(
    "--level",
    type=click.Choice(["notice", "relay-only", "screen-off"]),
    required=True,
    help="A notice on the screen; no network but the relay as well; the screen dark as well.",
)
@click.option("--reason", default="", help="Why; screen-off asks for it.")
@click.option("--review-in", "review_h", type=click.FloatRange(0, min_open=True), help="Hours.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]),
    help="When its release is due (UTC): asked for at once, and agreed to by a second person.",
)
def lock(
    ctx: click.Context,
    /,
    level: str,
    reason: str,
    review_h: float | None,
    until: datetime | None,
    **given: Any,
) -> None:
    """Lock devices, which one person may do; unlocking takes two.

    A lock has no end by itself and is not weakened by another. --until makes its release due: a
    second person may agree to it beforehand, and no device opens by its own clock.
    inputs/notice.txt is what a locked screen shows without a network: emergency instructions,
    support lines.

    \b
    Example:
      wingspan fleet lock MDI/A --level relay-only --yes
      wingspan fleet lock MDI/A --level notice --until "2027-01-05 07:30" --yes
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
        parameters["review_s"] = int((datetime.now(tz=UTC) + timedelta(hours=review_h)).timestamp())
    ends = until.replace(tzinfo=UTC) if until else None
    if ends and ends <= datetime.now(tz=UTC):
        raise InputError(f"{until:%Y-%m-%d %H:%M} is over", hint="give a later --until, in UTC")
    after = partial(_release_at, ends) if ends else nothing_more
    wish = Wish(action=Action.LOCK, parameters=parameters, hours=None, after=after)
    ask_for(ctx, wish, **given)


def _release_at(
    ends: datetime, desk: Desk, locked: Request, devices: Sequence[Device]
) -> dict[str, Any]:
    """Ask for the release of a lock at a later moment, for a second person to agree to."""
    from fleet import change
    from fleet.approval import Action, new_request

    release = new_request(
        Action.UNLOCK,
        devices,
        scope=locked.scope,
        by=desk.operator,
        now=datetime.now(tz=UTC),
        expires=ends + _RELEASED_WITHIN,
        parameters={"locks": locked.request, "due_s": int(ends.timestamp())},
    )
    agreed = change.ask(desk, release, devices, now=datetime.now(tz=UTC))
    missing = change.missing_of(release, agreed)
    complain(
        f"its release {release.request} is due at {ends:%Y-%m-%d %H:%M}, once another person ran "
        f"wingspan fleet approve {release.request}"
    )
    return {
        "release": {
            "request": release.request,
            "due_at": ends.isoformat(timespec="seconds"),
            "approvals_missing": missing,
        }
    }


@change_command("unlock")
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
    ask_for(
        ctx, Wish(action=Action.UNLOCK, parameters={"locks": ",".join(named)}, hours=hours), **given
    )


@change_command("quarantine")
@hours_option
def quarantine(ctx: click.Context, hours: float, **given: Any) -> None:
    """Let devices reach nothing but their relay.

    \b
    Example:
      wingspan fleet quarantine device:WS-000123 --yes
    """
    from fleet.approval import Action

    ask_for(ctx, Wish(action=Action.QUARANTINE, parameters={}, hours=hours), **given)


@change_command("release")
@hours_option
def release(ctx: click.Context, hours: float, **given: Any) -> None:
    """Let quarantined devices back in; a second person has to agree.

    \b
    Example:
      wingspan fleet release device:WS-000123 --yes
    """
    from fleet.approval import Action

    ask_for(ctx, Wish(action=Action.RELEASE, parameters={}, hours=hours), **given)


@change_command("allowlist")
@click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="What wingspan estate allowlists wrote; or one list: network or host, protocol, port.",
)
@click.option("--tier", default="", help="Only the devices of this tier of a compiled file.")
@hours_option
def allowlist(ctx: click.Context, source: Path, tier: str, hours: float, **given: Any) -> None:
    """Say where devices may go while nothing is locked; nowhere else is left open.

    A compiled file has a list for each tier, and a device gets the list of its place. A list that
    lets a device go where the one before did not needs a second person, and so does the first list
    of a device. A host stands for itself and whatever is below it.

    \b
    Example:
      wingspan fleet allowlist MDI --file out/allowlists.json --tier standard --yes
      wingspan fleet allowlist device:WS-000123 --file allowlist.json --yes
    """
    from fleet.allowlist import Allowlists, Chosen, read_allowlist
    from fleet.approval import Action
    from fleet.device import REACHABLE_STATES
    from fleet.registry import Registry
    from fleet.scope import Scope
    from fleet.tier import parameters_of, wider_for

    read = read_allowlist(source)
    workspace: Workspace = ctx.obj
    with Registry.open(workspace.settings().database) as registry:
        meant = Scope.parse(given["scope"]).in_states(REACHABLE_STATES)
        devices = registry.devices(meant, some=True)
        chosen = Chosen(tier=tier, text=str(read))
        if isinstance(read, Allowlists):
            chosen, devices = read.one_for(devices, tier=tier)
        elif tier:
            raise InputError(f"{source} is one list and has no tiers", hint="leave --tier out")
        parameters = parameters_of(chosen, widens=wider_for(registry, devices, chosen.text))
    names = {device.device for device in devices}
    wish = Wish(
        action=Action.ALLOWLIST,
        parameters=parameters,
        hours=hours,
        allowlist=chosen.text,
        unwanted=lambda device: "" if device.device in names else f"its tier is not {tier}",
    )
    ask_for(ctx, wish, **given)


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

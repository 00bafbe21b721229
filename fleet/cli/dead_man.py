"""`wingspan fleet dead-man`: devices that lock themselves when nobody of ours speaks to them."""

from __future__ import annotations

from typing import Any

import click

from fleet.cli.asking import Wish, ask_for, change_command, hours_option
from fleet.errors import InputError

_DAYS_MIN = 7


@change_command("dead-man")
@click.option("--days", type=click.IntRange(_DAYS_MIN), help="Days powered on and alone.")
@click.option("--off", is_flag=True, help="Switch the rule off.")
@click.option(
    "--level",
    type=click.Choice(["notice", "relay-only", "screen-off"]),
    default="relay-only",
    show_default=True,
    help="How the device then locks itself.",
)
@hours_option
def dead_man(
    ctx: click.Context, days: int | None, off: bool, level: str, hours: float, **given: Any
) -> None:
    """Let devices lock themselves when they are on and alone for too long; two people.

    Off unless you switch it on. What counts is the time powered on since a login of ours or a
    signed time, from the relay or the centre: the relay gives both while the WAN is down, and a
    device whose prison has no relay, or that has no way to it, refuses the rule. `fleet health`
    warns at half. Afterwards two people take it away: `fleet unlock SCOPE --lock dead-man`.

    \b
    Example:
      wingspan fleet dead-man MDI --days 14 --yes
    """
    from fleet.approval import Action

    if off is (days is not None):
        raise InputError("say how many days, or --off", hint="--days 14")
    parameters = {"days": days or 0, "level": level}
    ask_for(ctx, Wish(action=Action.DEAD_MAN, parameters=parameters, hours=hours), **given)

"""`wingspan fleet wipe` and `readmit`: getting rid of what is on a device, and its way back."""

from __future__ import annotations

from typing import Any

import click

from fleet.cli.asking import Wish, ask_for, change_command, hours_option
from fleet.device import REACHABLE_STATES, DeviceState


@change_command("wipe")
@click.option(
    "--days",
    type=click.FloatRange(0, min_open=True),
    default=365.0,
    show_default=True,
    help="For how long it waits for devices that do not answer.",
)
def wipe(ctx: click.Context, days: float, **given: Any) -> None:
    """Destroy what a resident left on devices; two people have to agree.

    The key of an encrypted volume is destroyed, or, where there is none, the places of data are
    emptied; the device shows what is left. It names the provisioning that each device has now: one
    that was enrolled anew since is never hit. A lost device is wiped when it answers. Wiped ones
    stay closed, and come back by `fleet readmit` and `fleet enrol`.

    \b
    Example:
      wingspan fleet wipe device:WS-000123 --yes
    """
    from fleet.approval import Action

    states = (*REACHABLE_STATES, DeviceState.LOST)
    ask_for(ctx, Wish(action=Action.WIPE, parameters={}, hours=24 * days, states=states), **given)


@change_command("readmit")
@hours_option
def readmit(ctx: click.Context, hours: float, **given: Any) -> None:
    """Let wiped devices be enrolled again; a second person has to agree.

    \b
    Example:
      wingspan fleet readmit device:WS-000123 --yes
      wingspan fleet enrol --yes
    """
    from fleet.approval import Action

    states = (DeviceState.WIPED,)
    ask_for(ctx, Wish(action=Action.READMIT, parameters={}, hours=hours, states=states), **given)

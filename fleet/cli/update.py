"""`wingspan fleet update`: a signed bundle to devices, wave by wave."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli import effect
from fleet.cli.asking import Wish, ask_for, change_command, hours_option
from fleet.cli.command import tell
from fleet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleet.bundle import Bundle
    from fleet.change import Desk
    from fleet.device import Device
    from fleet.wave import Plan
    from fleet.workspace import Workspace

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)\Z")
_HOUR_S, _MINUTE_S = 3600, 60


@change_command("update")
@click.option(
    "--bundle",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="A signed bundle; wingspan fleet bundle make writes one.",
)
@click.option("--window", default="", help="When it may be applied, in UTC: 22:00-06:00.")
@click.option("--soak", "soak_m", type=click.FloatRange(0), help="Minutes after the coverage set.")
@click.option(
    "--hold",
    type=click.Choice(["coverage", "wave"]),
    default=None,
    help="Pause after the coverage set, or after each wave, until it is resumed.",
)
@click.option(
    "--one-per",
    type=click.Choice(["landing", "wing"]),
    default=None,
    help="No two devices of one such place in a wave.",
)
@click.option("--charger", is_flag=True, help="Only on devices that are charging.")
@hours_option
def update(ctx: click.Context, file: Path, hours: float, **given: Any) -> None:
    """Bring a bundle to devices: first one of each kind, then in waves that every link bears.

    One device for each model, access point, wing and version goes first and is watched; the others
    follow in waves. Each fetches the bundle slowly, then applies it and shows that it runs, or
    goes back by itself. Too many failures halt it: `fleet resume` lets it go on, and `fleet
    reconcile` carries it on. inputs/updates.toml replaces what is assumed of links.

    \b
    Example:
      wingspan fleet update MDI --bundle dec.tar
      wingspan fleet update MDI/A/2 --bundle dec.tar --window 22:00-06:00 --yes
    """
    from fleet.bundle import open_bundle
    from fleet.wave import read_rules

    workspace: Workspace = ctx.obj
    rules = read_rules(workspace.devices_csv.parent)
    bundle = open_bundle(file, workspace)
    tell(bundle=f"{bundle.name}/{bundle.version}", bundle_sha256=bundle.sha256)
    soak_m, window = given.pop("soak_m"), given.pop("window")
    staged = {
        "soak_s": round(rules["soak_s"] if soak_m is None else soak_m * _MINUTE_S),
        "hold": given.pop("hold") or "",
        "one_per": given.pop("one_per") or "",
    }
    battery = rules.count("battery_percent_min")
    parameters = _parameters(bundle, battery, window, charger=given.pop("charger")) | staged
    wish = Wish(
        action="update",
        parameters=parameters,
        hours=hours,
        unwanted=partial(_unwanted, bundle),
        plan=partial(_plan, parameters),
        keep=partial(_keep, bundle, workspace),
        lines=partial(_lines, workspace),
    )
    ask_for(ctx, wish, **given)


def _parameters(bundle: Bundle, battery: int, window: str, *, charger: bool) -> dict[str, Any]:
    from fleet.bundle import Rules, parameters_of

    start_s, end_s = _window(window)
    rules = Rules(
        battery_percent_min=battery, charger=charger, window_start_s=start_s, window_end_s=end_s
    )
    return parameters_of(bundle, rules)


def _window(words: str) -> tuple[int, int]:
    """Return the ends of a window in seconds of the UTC day; equal ones for any time."""
    if not words:
        return 0, 0
    found = _WINDOW.match(words)
    if found is None:
        raise InputError(f"--window {words} is no window", hint="write it as 22:00-06:00, in UTC")
    hours = [int(part) for part in found.groups()]
    return hours[0] * _HOUR_S + hours[1] * _MINUTE_S, hours[2] * _HOUR_S + hours[3] * _MINUTE_S


def _unwanted(bundle: Bundle, device: Device) -> str:
    """Return why a bundle is not for a device, "" where it is."""
    if device.version == bundle.version:
        return f"it runs {bundle.version} already"
    if not bundle.accepts(device.version):
        meant = " or ".join(bundle.from_versions)
        return f"it runs {device.version or 'no known version'}, and the bundle is for {meant}"
    return ""


def _plan(
    parameters: Mapping[str, Any],
    workspace: Workspace,
    desk: Desk,
    devices: Sequence[Device],
    reasons: Mapping[str, str],
) -> Plan:
    """Return the waves, and with those who cannot be covered the devices that are left out."""
    from dataclasses import replace

    from fleet.hindrance import hindrances
    from fleet.wave import Terms, read_rules, waves_of

    hindered = hindrances(
        desk.registry,
        devices,
        now=datetime.now(tz=UTC),
        battery_percent_min=parameters["battery_percent_min"],
    )
    terms = Terms(
        bytes_total=parameters["bytes"],
        one_per=parameters["one_per"],
        soak_s=parameters["soak_s"],
    )
    rules = read_rules(workspace.devices_csv.parent)
    plan = waves_of(devices, effect.topology_of(workspace), rules, terms, hindered=hindered)
    return replace(plan, uncovered=(*plan.uncovered, *effect.by_reason(reasons)))


def _keep(bundle: Bundle, workspace: Workspace) -> None:
    """Keep the bundle where waves take it from, under its hash."""
    target = workspace.bundles / f"{bundle.sha256}.tar"
    if target.is_file():
        with target.open("rb") as kept:
            if file_digest(kept, "sha256").hexdigest() == bundle.sha256:
                return
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_suffix(".writing")
    shutil.copyfile(bundle.path, aside)
    aside.replace(target)


def _lines(workspace: Workspace, plan: Plan) -> list[str]:
    from fleet.wave import read_rules

    rules = read_rules(workspace.devices_csv.parent)
    sites = Counter(wave.site for wave in plan.waves)
    lines = effect.wave_lines(plan)
    if len(sites) > 1:
        lines.append(f"prisons side by side, {rules.count('waves_side_by_side')} at the most")
    return [*lines, *effect.peak_lines(plan, rules, effect.topology_of(workspace))]

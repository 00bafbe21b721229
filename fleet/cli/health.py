"""`wingspan fleet health`: how the devices are, and what to check first."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import FleetCommand, tell
from reports.terminal import Exit, complain, emit, json_option, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet.device import Device
    from fleet.health.checkup import Checkup
    from fleet.health.probe import Outcome
    from fleet.health.rules import Knocking
    from fleet.workspace import Workspace

# A certificate lives for ten minutes, and the calm second round of a device may take one.
_RENEWED_EVERY_S = 300
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


@click.command(cls=FleetCommand)
@click.argument("scope", nargs=-1)
@click.option(
    "--accept",
    is_flag=True,
    help="Let the versions and firewall rules found be those that should be there from now on.",
)
@json_option
@click.pass_context
def health(ctx: click.Context, scope: tuple[str, ...], accept: bool, as_json: bool) -> None:
    """Ask the devices of SCOPE how they are; without one, all that are in use.

    Each is asked once over the broker lane, and held against the policies (inputs/health.toml
    changes them) and against what it should be. One that does not answer is asked again, more
    calmly, before it is called unreachable. The answers are kept in the registry.

    Ends with 5 when a device is unreachable or refuses us.

    \b
    Example:
      wingspan fleet health MDI/A
      wingspan fleet health ring=canary --json

    \b
    Fields of --json:
      schema    1
      devices   each with device, cell, status (ok, warn, fail, unreachable), facts and findings
      summary   the counts in all and by place, how many were asked again, and the seconds taken
    """
    # A sweep makes many objects that live to its end; seeking cycles among them costs a tenth.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    from fleet.device import REACHABLE_STATES
    from fleet.health.checkup import accept as accept_as_desired
    from fleet.health.checkup import check_up, desired_state, key_holders, record
    from fleet.health.overview import overview, summary
    from fleet.health.rules import read_rules
    from fleet.registry import Registry
    from fleet.scope import Scope

    workspace: Workspace = ctx.obj
    settings = workspace.settings()
    rules = read_rules(workspace.devices_csv.parent)
    asked = Scope.parse(scope)
    tell(scope=str(asked))
    with Registry.open(settings.database) as registry:
        devices = registry.devices(asked.in_states(REACHABLE_STATES), some=True)
        began, began_s = datetime.now(tz=UTC), monotonic()
        outcomes = _swept(workspace, settings.operator, devices, rules.knocking)
        seconds = monotonic() - began_s
        desired = desired_state(registry, devices)
        holders = key_holders(registry, outcomes.values())
        checkups = [
            check_up(outcomes[d.device], desired[d.device], rules.policies, holders)
            for d in devices
        ]
        checkups = record(registry, checkups, rules.keeping, by=settings.operator, scope=str(asked))
        accepted = accept_as_desired(registry, checkups) if accept else 0
    counts = summary(checkups, seconds=seconds)
    tell(**{name: counts[name] for name in ("devices", "ok", "warn", "fail", "unreachable")})
    answer = {"schema": 1, "devices": list(map(_shown, checkups)), "summary": counts}
    text = overview(checkups, began=began, seconds=seconds)
    if accept:
        tell(accepted=accepted)
        text += f"\nwhat {accepted} devices run is from now on what they should run"
    emit(answer, as_json=as_json, text=text)
    if any(checkup.report is None for checkup in checkups):
        ctx.exit(Exit.NOT_PROVEN)


def _swept(
    workspace: Workspace, operator: str, devices: Sequence[Device], knocking: Knocking
) -> dict[str, Outcome]:
    from fleet.health.probe import Lane, ask, renewed
    from fleet.health.sweep import sweep
    from fleet.identity.identity import Identity
    from fleet.identity.identity import Lane as Authority
    from fleet.topology import read_topology
    from fleet.transport import transport_of

    issue = partial(
        Identity.open(workspace).credential, Authority.BROKER, operator=operator, purpose="health"
    )
    lane = Lane(
        credential=renewed(issue, every_s=_RENEWED_EVERY_S), transport=transport_of(workspace)
    )
    topology = read_topology(workspace.topology) if workspace.topology.exists() else None
    if topology is None:
        complain("no topology: the sweep cannot spare access points, only itself")
    found: dict[str, Outcome] = {}
    with progress("Asking", len(devices)) as advance:
        for outcome in sweep(
            devices, lambda d, patience: ask(d, lane, patience), knocking, topology
        ):
            found[outcome.device.device] = outcome
            advance(1)
    return found


def _shown(checkup: Checkup) -> dict[str, Any]:
    return {
        "device": checkup.device.device,
        "cell": checkup.device.cell,
        "status": checkup.status.value,
        "facts": checkup.facts,
        "findings": [
            {
                "policy": finding.policy,
                "fact": finding.fact,
                "level": finding.level.value,
                "says": finding.says,
                "check": finding.check,
                "since": finding.since.isoformat() if finding.since else None,
            }
            for finding in checkup.findings
        ],
    }

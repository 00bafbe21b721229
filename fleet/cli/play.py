"""`wingspan fleet play`: one of our playbooks on devices, through Ansible."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.cli.command import FleetCommand, tell
from fleet.cli.desk import interrupted
from fleet.errors import InputError, NotProvenError
from reports.terminal import emit, json_option, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet.device import Device
    from fleet.enrolment import Centre
    from fleet.operation import Operation
    from fleet.playbook import Result
    from fleet.workspace import Workspace

SCHEMA = 1
_LISTED_MAX = 20
_STOPPING = "stopping; the devices that nothing was heard of are asked"


@click.command("play", cls=FleetCommand)
@click.argument("playbook", type=click.Choice(["facts", "baseline", "enrol"]))
@click.argument("scope", nargs=-1)
@click.option("--yes", is_flag=True, help="Do it; without, only say what would be done.")
@json_option
@click.pass_obj
def play(
    workspace: Workspace, /, playbook: str, scope: tuple[str, ...], yes: bool, as_json: bool
) -> None:
    """Run a playbook on the devices of SCOPE, as root, with certificates of minutes.

    `facts` asks and changes nothing. `baseline` puts kiosk, firewall, time and updates in force as
    inputs/baseline.toml says. `enrol` brings an enrolled device's programs, settings of sshd and
    trust up to date. What changes devices stays in one prison, and meets one device first: the
    others only when that one answers afterwards. Ctrl-C ends the run and asks the devices.

    \b
    Example:
      wingspan fleet play facts MDI/A
      wingspan fleet play baseline MDI/A --yes
    """
    from fleet.cli.centre import centre_of
    from fleet.device import REACHABLE_STATES
    from fleet.operation import operate
    from fleet.scope import Scope
    from fleet.transport import transport_of

    asked = Scope.parse(scope)
    tell(scope=str(asked), playbook=playbook)
    with centre_of(workspace) as (centre, registry), tempfile.TemporaryDirectory() as folder:
        devices = registry.devices(asked.in_states(REACHABLE_STATES), some=True)
        operation = _operation(workspace, centre, playbook, devices, Path(folder))
        for prison in sorted({device.prison_id for device in devices}):
            centre.identity.refuse_elsewhere(centre.operator, prison)
        if operation.changes and not yes:
            answer = {"schema": SCHEMA, "playbook": playbook, "to_be_met": len(devices)}
            met = "1 device" if len(devices) == 1 else f"{len(devices):,} devices"
            line = f"{playbook} would meet {met}; add --yes to do it"
            emit(answer, as_json=as_json, text=line)
            return
        with interrupted(_STOPPING) as stopped, progress(playbook, len(devices)) as advance:
            results = operate(
                centre,
                transport_of(workspace),
                operation,
                devices,
                stopped=stopped,
                advance=advance,
            )
    _report(playbook, results, as_json=as_json)


def _operation(
    workspace: Workspace, centre: Centre, playbook: str, devices: Sequence[Device], folder: Path
) -> Operation:
    from fleet.baseline import read_baseline
    from fleet.operation import Operation, order_variables

    if playbook == "facts":
        return Operation(playbook=playbook, changes=False)
    prisons = sorted({device.prison_id for device in devices})
    if len(prisons) > 1:
        hint = "name one prison, or a part of it"
        raise InputError(f"{playbook} stays in one prison, this is {len(prisons)}", hint=hint)
    if playbook == "baseline":
        baseline = read_baseline(workspace.baseline)
        if {relay.prison for relay in centre.identity.relays()} & {*prisons}:
            baseline.refuse_to_shut_out(*prisons)
        variables = baseline.variables
    else:
        variables = order_variables(centre, devices, folder)
    return Operation(playbook=playbook, changes=True, variables=variables)


def _report(playbook: str, results: Sequence[Result], *, as_json: bool) -> None:
    from collections import Counter

    from fleet.playbook import Outcome

    counts = Counter(result.outcome.value for result in results)
    tell(devices=len(results), outcomes=dict(counts))
    answer = {
        "schema": SCHEMA,
        "playbook": playbook,
        "devices": [
            {
                "device": result.device,
                "outcome": result.outcome.value,
                "why": result.why,
                "facts": result.answer.get("facts", {}),
                "differed": result.answer.get("differed", []),
            }
            for result in results
        ],
        "summary": dict(sorted(counts.items())),
    }
    missed = [r for r in results if r.outcome not in {Outcome.CHANGED, Outcome.UNCHANGED}]
    alike: dict[tuple[str, str], list[str]] = {}
    for r in missed:
        alike.setdefault((r.outcome.value, r.why), []).append(r.device)
    lines = [", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))]
    lines += [
        f"{outcome}: {_named(names)}: {why}"
        for (outcome, why), names in [*alike.items()][:_LISTED_MAX]
    ]
    if len(alike) > _LISTED_MAX:
        lines.append(f"and {len(alike) - _LISTED_MAX} more; --json has all")
    elif playbook == "facts":
        lines.append("--json has the facts")
    emit(answer, as_json=as_json, text="\n".join(lines))
    if missed:
        hint = "see to them, then run the same command again: it finds what is left"
        raise NotProvenError(f"{len(missed)} of {len(results)} are not proven", hint=hint)


def _named(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names):,} devices from {names[0]} on"

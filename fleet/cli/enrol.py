"""Enrol devices: a list of them, or one by hand."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import FleetCommand, tell
from fleet.errors import InputError, NotProvenError, RefusedError
from reports.terminal import complain, emit, json_option, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet.device import NewDevice
    from fleet.enrolment import Centre, Enrolled, Plan
    from fleet.registry import Registry
    from fleet.workspace import Workspace

SCHEMA = 1
_LISTED_MAX = 20


@click.command("enrol", cls=FleetCommand)
@click.option("--from", "source", type=click.Path(path_type=Path), help="CSV file of devices.")
@click.option("--address", help="Where one device is: IP address or host name.")
@click.option("--port", type=click.IntRange(1, 65535), default=22, help="Its SSH port.")
@click.option("--serial", help="Its serial number.")
@click.option("--cell", default="", help="The location key of its cell.")
@click.option("--model", default="", help="Its model.")
@click.option("--fingerprint", help="Its host key's fingerprint, as its own label shows it.")
@click.option("--workers", type=click.IntRange(1, 200), default=16, help="How many at a time.")
@click.option("--yes", is_flag=True, help="Do it; without, only say what would be done.")
@json_option
@click.pass_obj
def enrol(
    workspace: Workspace,
    /,
    source: Path | None,
    workers: int,
    yes: bool,
    as_json: bool,
    **one: Any,
) -> None:
    """Take devices from first contact to live.

    Each device's host key is compared with the list, or shown and confirmed; a device with another
    key is refused and stops nobody else. Run it again, and it goes on where it stopped.

    \b
    Example:
      wingspan fleet enrol --from inputs/devices.csv --yes
      wingspan fleet enrol --address 10.1.0.17 --serial C02X1 --cell MDI-A-1-001 --yes
    """
    from fleet.clock import places
    from fleet.enrolment import Centre, enrol_devices, plan, read_candidates
    from fleet.identity import Identity
    from fleet.registry import Registry
    from fleet.transport import transport_of

    settings = workspace.settings()
    identity = Identity.open(workspace)
    centre = Centre(
        identity=identity,
        transport=transport_of(workspace),
        operator=settings.operator,
        clocks=places(settings.clock),
    )
    file = ""
    if one["address"]:
        candidates = [_one(centre, **one)]
    else:
        path = source or workspace.devices_csv
        elsewhere = source is not None and not source.exists()
        path = workspace.root / path if elsewhere else path
        candidates, file = read_candidates(path), path.name
    tell(scope=one["address"] or str(source or workspace.devices_csv), devices=len(candidates))
    with Registry.open(settings.database) as registry:
        _load_places(workspace, registry)
        planned = plan(registry, candidates, file=file)
        if not yes:
            emit(_intended(planned), as_json=as_json, text=_intended_text(planned))
            return
        with progress("enrolling", len(candidates)) as advance:
            results = enrol_devices(centre, registry, planned, workers=workers, advance=advance)
    _report(results, as_json=as_json)


def _load_places(workspace: Workspace, registry: Registry) -> None:
    from fleet.topology import read_topology

    if workspace.topology.exists():
        registry.load_locations(read_topology(workspace.topology))


def _one(centre: Centre, **given: Any) -> NewDevice:
    """Return the device of the options, its key confirmed by a person or by its fingerprint."""
    from fleet.device import NewDevice
    from fleet.ssh import fingerprint, host_key_of

    if not given["serial"]:
        raise InputError("one device needs its serial number", hint="--serial NUMBER")
    where = (given["address"], given["port"])
    key = host_key_of(*where, centre.transport, timeout_s=centre.timeout_s)
    found = fingerprint(key)
    if given["fingerprint"] and given["fingerprint"] != found:
        message = f"what answers at {where[0]} port {where[1]} holds {found}, not that key"
        raise RefusedError(message, hint="see which device stands there")
    if not given["fingerprint"]:
        complain(f"{where[0]} port {where[1]} holds the key {found}")
        if not sys.stdin.isatty():
            hint = "--fingerprint SHA256:…, read from the device itself"
            raise RefusedError("nobody is here to confirm the key", hint=hint)
        if not click.confirm("Is that what the device itself shows?", err=True):
            raise RefusedError("the key was not confirmed")
    return NewDevice(
        serial=given["serial"],
        model=given["model"],
        cell=given["cell"],
        host_key=key,
        address=given["address"],
        port=given["port"],
    )


def _intended(planned: Plan) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "new": len(planned.new),
        "resumed": len(planned.resumed),
        "devices": [asdict(one) for one in planned.passed_over],
    }


def _intended_text(planned: Plan) -> str:
    lines = [f"{len(planned.new)} new devices to enrol"]
    if planned.resumed:
        lines.append(f"{len(planned.resumed)} to go on with")
    lines += [_line(one) for one in planned.passed_over[:_LISTED_MAX]]
    lines.append("nothing was changed; add --yes to do it")
    return "\n".join(lines)


def _report(results: Sequence[Enrolled], *, as_json: bool) -> None:
    from collections import Counter

    counts = Counter(str(one.outcome) for one in results)
    missed = [one for one in results if not one.done]
    answer = {
        "schema": SCHEMA,
        "devices": [asdict(one) for one in results],
        "summary": {outcome.replace(" ", "_"): count for outcome, count in sorted(counts.items())},
    }
    summary = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    lines = [summary or "no devices", *(_line(one) for one in missed)]
    emit(answer, as_json=as_json, text="\n".join(lines))
    if missed:
        hint = "see to them, then run the same command again: it goes on where it stopped"
        raise NotProvenError(f"{len(missed)} of {len(results)} are not live", hint=hint)


def _line(one: Enrolled) -> str:
    name = one.device or one.serial
    return f"{one.outcome}: {name} {one.cell}: {one.why}" if one.why else f"{one.outcome}: {name}"

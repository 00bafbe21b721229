"""Trace silent devices to what they share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import FleetCommand
from fleet.errors import InputError
from reports.terminal import complain, emit, json_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleet.device import Device
    from fleet.diagnosis import Cause, Diagnosis
    from fleet.topology import Topology
    from fleet.workspace import Workspace

SCHEMA = 1
_CELLS_MAX = 12
_ALONE_MAX = 20
_CERTAIN = 0.999


@click.command("diagnose", cls=FleetCommand)
@click.argument("scope", nargs=-1)
@click.option(
    "--within",
    "within_h",
    type=click.FloatRange(0, min_open=True),
    default=24.0,
    show_default=True,
    help="How many hours ago a device was last asked, at the most.",
)
@json_option
@click.pass_obj
def diagnose(
    workspace: Workspace, /, scope: tuple[str, ...], within_h: float, as_json: bool
) -> None:
    """Say what silent devices share: an access point, a switch, an uplink.

    Weighs what the last health sweeps found of each device with what serves its cell, and names
    the failures that explain it, how sure that is, and what a technician checks first. It asks no
    device itself.

    \b
    Example:
      wingspan -C out/lab fleet health
      wingspan -C out/lab fleet diagnose
      wingspan -C out/lab fleet diagnose MDI --within 2
    """
    from fleet import diagnosis
    from fleet.device import REACHABLE_STATES
    from fleet.registry import Registry
    from fleet.registry.readings import last_statuses
    from fleet.scope import Scope

    since = datetime.now(tz=UTC) - timedelta(hours=within_h)
    with Registry.open(workspace.settings().database) as registry:
        chosen = Scope.parse(scope).in_states(REACHABLE_STATES)
        devices = {device.device: device for device in registry.devices(chosen, some=True)}
        with registry.reading() as connection:
            statuses = last_statuses(connection, since=since)
    asked = {name: statuses[name] for name in devices if name in statuses}
    if not asked:
        what = f"none of {len(devices)} devices was asked in the last {within_h:g} hours"
        raise InputError(what, hint="wingspan fleet health asks them; --within looks further back")
    sightings = [
        _sighting(devices[name], status == "unreachable") for name, (status, _) in asked.items()
    ]
    found = diagnosis.diagnose(sightings, _topology(workspace))
    last = max(at for _, at in asked.values())
    emit(
        _answer(found, devices, last),
        as_json=as_json,
        text="\n".join(_lines(found, devices, last, unasked=len(devices) - len(asked))),
    )


def _sighting(device: Device, silent: bool) -> Any:
    from fleet.diagnosis import Sighting

    return Sighting(
        device=device.device,
        cell=device.cell,
        silent=silent,
        prison_id=device.prison_id,
        wing=device.wing,
        landing=device.landing,
    )


def _topology(workspace: Workspace) -> Topology | None:
    """Return what serves which cell; without it, wings and landings have to stand in."""
    from fleet.topology import read_topology

    if workspace.topology.exists():
        return read_topology(workspace.topology)
    complain(f"note: there is no {workspace.topology}: weighing wings and landings instead")
    return None


def _answer(found: Diagnosis, devices: Mapping[str, Device], last: datetime) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "asked_at": last.isoformat(timespec="seconds"),
        "devices": found.devices,
        "silent": found.silent,
        "causes": [_cause(cause) for cause in found.causes],
        "suspected": [_cause(cause) for cause in found.suspected],
        "unexplained": [{"device": name, "cell": devices[name].cell} for name in found.unexplained],
        "unplaced": list(found.unplaced),
        "by_place": found.by_place,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "element": cause.element,
        "kind": cause.kind,
        "prison_id": cause.prison_id,
        "wing": cause.wing,
        "confidence": round(cause.confidence, 4),
        "devices": list(cause.devices),
        "cells": list(cause.cells),
        "talking": cause.talking,
        "same_as": list(cause.same_as),
        "check_first": cause.check_first,
    }


def _lines(
    found: Diagnosis, devices: Mapping[str, Device], last: datetime, *, unasked: int
) -> list[str]:
    lines = [
        f"asked until {last:%Y-%m-%d %H:%M} UTC: {found.silent} of {found.devices} devices silent"
        + (f"; {unasked} not asked" if unasked else "")
    ]
    for number, cause in enumerate(found.causes, start=1):
        lines += [f"{number}. {_headline(cause)}", *_details(cause)]
    if not found.causes and found.silent:
        lines.append("nothing that they share explains it")
    for cause in found.suspected:
        lines.append(f"perhaps {_headline(cause)}: {', '.join(_some(cause.cells, _CELLS_MAX))}")
    if found.unexplained:
        alone = [f"{name} {devices[name].cell}".strip() for name in found.unexplained]
        lines.append(f"silent by themselves ({len(alone)}): {', '.join(_some(alone, _ALONE_MAX))}")
    if found.unplaced:
        lines.append(f"in no cell that the topology knows: {', '.join(found.unplaced)}")
    return lines


def _headline(cause: Cause) -> str:
    sure = "certain" if cause.confidence >= _CERTAIN else f"{cause.confidence:.1%} sure"
    return f"{cause.kind.replace('_', ' ')} {cause.element}, {sure}"


def _details(cause: Cause) -> list[str]:
    where = f"{cause.wing} wing of {cause.prison_id}" if cause.wing else cause.prison_id
    silent = f"{len(cause.devices)} devices silent"
    talking = f", {cause.talking} answer all the same" if cause.talking else ""
    lines = [f"   {where}: {silent}{talking}"]
    lines.append(f"   cells: {', '.join(_some(cause.cells, _CELLS_MAX))}")
    if cause.same_as:
        lines.append(f"   or, which looks the same from here: {', '.join(cause.same_as)}")
    lines.append(f"   check first: {cause.check_first}")
    return lines


def _some(words: Sequence[str], most: int) -> list[str]:
    if len(words) <= most:
        return list(words)
    return [*words[: most - 1], f"and {len(words) - most + 1} more"]

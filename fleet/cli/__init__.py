"""The fleet group; a command is imported when it is named."""

from __future__ import annotations

from typing import ClassVar

import click

from fleet.cli.command import FleetGroup
from reports.terminal import LazyGroup


class _Commands(FleetGroup, LazyGroup):
    """The commands of the fleet half."""

    lazy: ClassVar = {
        "init": ("fleet.cli.init", "init", "Make the registry, the keys and the log."),
        "enrol": ("fleet.cli.enrol", "enrol", "Take devices from first contact to live."),
        "operator": ("fleet.cli.operator", "operator", "Say who works with the fleet."),
        "keys": ("fleet.cli.keys", "keys", "See, push and replace what devices trust."),
        "list": ("fleet.cli.listing", "listing", "List devices."),
        "show": ("fleet.cli.listing", "show", "Show all that is known of a device."),
        "move": ("fleet.cli.moving", "move", "Record that a device is in another cell."),
        "replace": ("fleet.cli.moving", "replace", "Put a device in the cell of another."),
        "address": ("fleet.cli.moving", "address", "Record where a device answers now."),
        "ring": ("fleet.cli.moving", "ring", "Put devices in a ring of updates."),
        "lost": ("fleet.cli.life", "lost", "Record that a device is lost."),
        "found": ("fleet.cli.life", "found", "Record that a lost device is found."),
        "retire": ("fleet.cli.life", "retire", "Record that a device is out of service."),
        "audit": ("fleet.cli.audit", "audit", "Show the log; verify and anchor it."),
        "health": ("fleet.cli.health", "health", "Ask devices how they are."),
        "play": ("fleet.cli.play", "play", "Run one of our playbooks on devices."),
        "diagnose": ("fleet.cli.diagnose", "diagnose", "Trace silent devices to what they share."),
        "backup": ("fleet.cli.backup", "backup", "Write the fleet to a file for one recipient."),
        "restore": ("fleet.cli.backup", "restore", "Bring back what a backup holds."),
        "clock": ("fleet.cli.clock", "clock", "Tell devices the time."),
        "update": ("fleet.cli.update", "update", "Bring a bundle to devices, wave by wave."),
        "lock": ("fleet.cli.change", "lock", "Lock devices; one person may."),
        "unlock": ("fleet.cli.change", "unlock", "Take locks away; two people have to agree."),
        "quarantine": ("fleet.cli.change", "quarantine", "Let devices reach their relay alone."),
        "release": ("fleet.cli.change", "release", "Let quarantined devices back in."),
        "allowlist": ("fleet.cli.change", "allowlist", "Say where devices may go."),
        "bundle": ("fleet.cli.bundle", "bundle", "Make the bundles that updates bring."),
        "wipe": ("fleet.cli.wiping", "wipe", "Destroy what is on devices; two people."),
        "readmit": ("fleet.cli.wiping", "readmit", "Let wiped devices be enrolled again."),
        "dead-man": ("fleet.cli.dead_man", "dead_man", "Let devices lock themselves when alone."),
        "break-glass": ("fleet.cli.glass", "break_glass", "Unlock when all else is gone."),
        "requests": ("fleet.cli.requests", "requests", "Show what was asked for, and by whom."),
        "approve": ("fleet.cli.requests", "approve", "Agree to what another asked for."),
        "pause": ("fleet.cli.requests", "pause", "Send nothing more of a request for now."),
        "resume": ("fleet.cli.requests", "resume", "Let a paused request go on."),
        "stop": ("fleet.cli.requests", "stop", "End a request."),
        "reconcile": ("fleet.cli.requests", "reconcile", "Carry out what is due; have it proven."),
        "residue": ("fleet.cli.requests", "residue", "Say who is not proven, and where."),
        "relay": ("fleet.cli.relay", "relay", "Let a machine in each prison carry orders out."),
        "rehearse": ("fleet.cli.rehearse", "rehearse", "Rehearse on a lab of real devices here."),
    }


@click.group(cls=_Commands)
def fleet() -> None:
    """Manage the tablets once they are in the cells.

    \b
    Example:
      wingspan -C out/england-wales fleet init
    """

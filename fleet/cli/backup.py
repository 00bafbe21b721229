"""Keeping a fleet's registry, keys and log safe, and bringing them back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.cli.command import FleetCommand, tell
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.workspace import Workspace

SCHEMA = 1
# Statements signed since the backup are lost, and devices hold them: the next one is well above.
_SKIPPED = 1_000


@click.command("backup", cls=FleetCommand)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File to write.")
@click.option("--recipient", required=True, help="Who alone can open it: an age or SSH public key.")
@json_option
@click.pass_obj
def backup(workspace: Workspace, out: Path, recipient: str, as_json: bool) -> None:
    """Write registry, keys, log and settings to one file that only its recipient can open.

    Make the recipient's key on another machine with `age-keygen -o backup.key`, and keep it there:
    who has it and the file has the fleet.

    \b
    Example:
      wingspan fleet backup --out fleet.age --recipient age1…
    """
    from fleet.backup import back_up

    manifest = back_up(workspace, out, recipient)
    tell(scope=str(out), files=len(manifest.files))
    devices = manifest.tables["devices"]
    answer = {
        "schema": SCHEMA,
        "file": str(out),
        "made_at": manifest.made_at,
        "devices": devices,
        "files": sorted(manifest.files),
    }
    text = f"written: {out} ({devices:,} devices, {len(manifest.files)} files)"
    emit(answer, as_json=as_json, text=text)


@click.command("restore", cls=FleetCommand)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--identity", type=click.Path(path_type=Path), required=True, help="Private key that opens it."
)
@click.option("--replace", is_flag=True, help="In the place of the fleet here, kept beside it.")
@json_option
@click.pass_obj
def restore(
    workspace: Workspace, /, file: Path, *, identity: Path, replace: bool, as_json: bool
) -> None:
    """Bring back what `fleet backup` wrote, after checking that it is whole.

    Operators removed and keys replaced since the backup are as they were then: see to them again,
    then push.

    \b
    Example:
      wingspan -C out/restored fleet restore fleet.age --identity backup.key
    """
    from fleet.audit import AuditLog, begin
    from fleet.backup import restore as bring_back
    from fleet.bundle import skip_numbers
    from fleet.identity import Identity

    begun = workspace.is_begun()
    restored = bring_back(workspace, file, identity, replace=replace)
    manifest = restored.manifest
    ours = Identity.open(workspace)
    ours.renew(skipped=_SKIPPED)
    skip_numbers(workspace, _SKIPPED, now=datetime.now(tz=UTC))
    number = ours.statement().number
    tell(scope=str(file), made_at=manifest.made_at)
    if not begun:  # There was no log to note the beginning in; the restored one notes the act.
        operator = workspace.settings().operator
        log = AuditLog(workspace.audit)
        begin(log, operator=operator, action="fleet restore", scope=str(file)).end("done")
    answer = {
        "schema": SCHEMA,
        "made_at": manifest.made_at,
        "devices": manifest.tables["devices"],
        "files": sorted(manifest.files),
        "trust_statement": number,
        "suspended": restored.suspended,
    }
    lines = [
        f"restored {answer['devices']:,} devices as of {manifest.made_at}",
        f"{restored.suspended:,} changes of devices are suspended until the devices were asked",
        f"trust statement {number}; operators and keys are as they were then",
        "next: wingspan fleet operator list, then wingspan fleet keys push",
    ]
    emit(answer, as_json=as_json, text="\n".join(lines))

"""`wingspan fleet audit`: the log of what was done, and whether it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.cli.command import FleetCommand, tell
from fleet.errors import InputError
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet.audit import Anchor, Verdict
    from fleet.audit.seal import Seal
    from fleet.workspace import Workspace


@click.group(invoke_without_command=True)
@click.option("--last", default=20, show_default=True, help="How many entries to show.")
@json_option
@click.pass_context
def audit(ctx: click.Context, last: int, as_json: bool) -> None:
    """Show who did what to which devices, newest last.

    \b
    Example:
      wingspan fleet audit --last 5
    """
    if ctx.invoked_subcommand is not None:
        return
    from collections import deque
    from dataclasses import asdict

    from fleet.audit import AuditLog

    workspace: Workspace = ctx.obj
    shown = deque(AuditLog(workspace.audit).entries(), maxlen=max(0, last))
    lines = [
        f"{e.number:>6}  {e.at[:19]}  {e.operator}  {e.action}  {e.scope or '-'}  {e.outcome}"
        for e in shown
    ]
    answer = {"schema": 1, "entries": [asdict(entry) for entry in shown]}
    emit(answer, as_json=as_json, text="\n".join(lines) or "no entries")


@audit.command()
@click.option(
    "--anchor",
    "anchor_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Anchor exported before: nothing up to it can have been cut off unseen.",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Public key that signed anchor and archives; by default keys/audit.pub.",
)
@click.option(
    "--archive",
    "archive_files",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Archive of older entries, to be checked with the log; once for each.",
)
@json_option
@click.pass_obj
def verify(
    workspace: Workspace,
    anchor_file: Path | None,
    key: Path | None,
    archive_files: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Check that no entry was changed, taken out, added or moved; exit 3 when one was.

    A log whose older entries were archived begins with the signed seal of the last archive. Name
    the archives, and each has to fit the next one and the log.

    \b
    Example:
      wingspan fleet audit verify --anchor /media/safe/anchor.json
      wingspan fleet audit verify --archive audit-archive/audit-00000001-00004210.jsonl.gz
    """
    from dataclasses import asdict

    from fleet.audit import AuditLog
    from fleet.audit.archive import read_archive

    if not workspace.is_begun():
        raise InputError(f"there is no log in {workspace.root}", hint="wingspan fleet init")
    public = key or workspace.keys / "audit.pub"
    anchor = _checked_anchor(anchor_file, public) if anchor_file else None
    verdict = AuditLog(workspace.audit).verify(
        anchor, archives=[read_archive(file) for file in archive_files], holds=_signed_by(public)
    )
    emit({"schema": 1, **asdict(verdict)}, as_json=as_json, text=_text(verdict))
    if verdict.first_fault:
        hint = "keep the file as it is, and compare it with a copy"
        raise InputError(f"{workspace.audit.name} is not whole", hint=hint)


@audit.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; keep it where those who may write the log may not.",
)
@json_option
@click.pass_obj
def anchor(workspace: Workspace, out: Path, as_json: bool) -> None:
    """Write down, signed, how far the log has come: what is before it cannot be cut off unseen.

    \b
    Example:
      wingspan fleet audit anchor --out /media/safe/anchor.json
    """
    import msgspec

    from fleet.audit import AuditLog
    from fleet.audit.anchor import NAMESPACE, anchor_of
    from fleet.identity.signature import sign
    from reports.files import write_text

    key = _audit_key(workspace)
    taken = anchor_of(AuditLog(workspace.audit), holds=_signed_by(workspace.keys / "audit.pub"))
    signature = sign(taken.signed_bytes(), key=key, namespace=NAMESPACE)
    answer = msgspec.to_builtins(msgspec.structs.replace(taken, signature=signature))
    write_text(out, msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")
    emit(answer, as_json=as_json, text=f"{taken.entries} entries anchored in {out}")


@audit.command(cls=FleetCommand)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write it in; by default audit-archive in the workspace.",
)
@click.option(
    "--keep-days",
    type=click.IntRange(0),
    help="Leave so many days in the log; keep_log_days of the health policies, if not given.",
)
@json_option
@click.pass_obj
def archive(workspace: Workspace, out: Path | None, keep_days: int | None, as_json: bool) -> None:
    """Move older entries of the log to a compressed archive, signed by the audit key.

    What is left begins with the archive's seal, so that verify finds the log whole without the
    archive, and both whole together. Nothing is ever deleted.

    \b
    Example:
      wingspan fleet audit archive --out /media/archive
    """
    from datetime import UTC, datetime, timedelta
    from functools import partial

    from fleet.audit import AuditLog
    from fleet.audit.archive import archive as move
    from fleet.audit.seal import NAMESPACE
    from fleet.health.rules import read_rules
    from fleet.identity.signature import sign

    if keep_days is None:
        keep_days = read_rules(workspace.devices_csv.parent).keeping.keep_log_days
    moved = move(
        AuditLog(workspace.audit),
        out or workspace.audit_archive,
        before=datetime.now(UTC) - timedelta(days=keep_days),
        sign=partial(sign, key=_audit_key(workspace), namespace=NAMESPACE),
        holds=_signed_by(workspace.keys / "audit.pub"),
    )
    answer = {
        "schema": 1,
        "file": str(moved.file) if moved else None,
        "first": moved.first if moved else None,
        "last": moved.last if moved else None,
        "keep_days": keep_days,
    }
    tell(file=answer["file"], first=answer["first"], last=answer["last"])
    text = f"no entry is older than {keep_days} days"
    if moved:
        text = f"entries {moved.first} to {moved.last} are now in {moved.file}"
    emit(answer, as_json=as_json, text=text)


def _audit_key(workspace: Workspace) -> Path:
    key = workspace.keys / "audit"
    if not key.exists():
        raise InputError(f"there is no {key}", hint="wingspan fleet init")
    return key


def _public(key: Path) -> str:
    try:
        return key.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        hint = "name the public key that signed it with --key"
        raise InputError(f"cannot read {key}", hint=hint) from error


def _signed_by(key: Path) -> Callable[[Seal], bool]:
    """Return what says whether a seal is signed by the key of a file."""
    from fleet.audit.seal import NAMESPACE
    from fleet.errors import RefusedError
    from fleet.identity.signature import verify as verify_signature

    def holds(seal: Seal) -> bool:
        said, signature = seal.signed_bytes(), seal.signature
        try:
            verify_signature(said, signature, public=_public(key), namespace=NAMESPACE)
        except (RefusedError, ValueError):
            return False
        return True

    return holds


def _checked_anchor(path: Path, key: Path) -> Anchor:
    from fleet.audit.anchor import NAMESPACE, read_anchor
    from fleet.errors import RefusedError
    from fleet.identity.signature import verify as verify_signature

    anchor = read_anchor(path)
    public = _public(key)
    try:
        verify_signature(
            anchor.signed_bytes(), anchor.signature, public=public, namespace=NAMESPACE
        )
    except (RefusedError, ValueError) as error:
        hint = "take the anchor from where it was kept, and the key of then with --key"
        raise InputError(f"{path} is not signed by {key}", hint=hint) from error
    return anchor


def _text(verdict: Verdict) -> str:
    entries = "1 entry" if verdict.entries == 1 else f"{verdict.entries} entries"
    if verdict.first_fault:
        fault = verdict.first_fault
        place = f"line {fault.line}: " if fault.line else ""
        file = f"{fault.file}, " if fault.file else ""
        return f"{entries} in order, then {file}{place}{fault.what}"
    if verdict.archives:
        some = "1 archive" if verdict.archives == 1 else f"{verdict.archives} archives"
        entries += f", {some} among them"
    elif verdict.archived:
        entries += f", of which {verdict.archived} are in archives not looked at"
    if verdict.anchored_to is None:
        return f"{entries}, whole; without --anchor, what was cut off the end does not show"
    return f"{entries}, whole; nothing up to entry {verdict.anchored_to} was cut off"

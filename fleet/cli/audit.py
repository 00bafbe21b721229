"""`wingspan fleet audit`: the log of what was done, and whether it is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.errors import InputError
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.audit import Anchor, Verdict
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
    help="Public key that signed the anchor; by default keys/audit.pub.",
)
@json_option
@click.pass_obj
def verify(workspace: Workspace, anchor_file: Path | None, key: Path | None, as_json: bool) -> None:
    """Check that no entry was changed, taken out, added or moved; exit 3 when one was.

    \b
    Example:
      wingspan fleet audit verify --anchor /media/safe/anchor.json
    """
    from dataclasses import asdict

    from fleet.audit import AuditLog

    if not workspace.is_begun():
        raise InputError(f"there is no log in {workspace.root}", hint="wingspan fleet init")
    anchor = None
    if anchor_file:
        anchor = _checked_anchor(anchor_file, key or workspace.keys / "audit.pub")
    verdict = AuditLog(workspace.audit).verify(anchor)
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

    key = workspace.keys / "audit"
    if not key.exists():
        raise InputError(f"there is no {key}", hint="wingspan fleet init")
    taken = anchor_of(AuditLog(workspace.audit))
    signature = sign(taken.signed_bytes(), key=key, namespace=NAMESPACE)
    answer = msgspec.to_builtins(msgspec.structs.replace(taken, signature=signature))
    write_text(out, msgspec.json.format(msgspec.json.encode(answer)).decode() + "\n")
    emit(answer, as_json=as_json, text=f"{taken.entries} entries anchored in {out}")


def _checked_anchor(path: Path, key: Path) -> Anchor:
    from fleet.audit.anchor import NAMESPACE, read_anchor
    from fleet.errors import RefusedError
    from fleet.identity.signature import verify as verify_signature

    anchor = read_anchor(path)
    try:
        public = key.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        hint = "name the public key that signed it with --key"
        raise InputError(f"cannot read {key}", hint=hint) from error
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
        return f"{entries} in order, then {place}{fault.what}"
    if verdict.anchored_to is None:
        return f"{entries}, whole; without --anchor, what was cut off the end does not show"
    return f"{entries}, whole; nothing up to entry {verdict.anchored_to} was cut off"

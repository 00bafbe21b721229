"""`wingspan fleet break-glass`: a sealed key for the day when all else is gone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.cli.command import FleetCommand, tell
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.workspace import Workspace

SCHEMA = 1


class _Group(click.Group):
    command_class = FleetCommand


@click.group("break-glass", cls=_Group)
def break_glass() -> None:
    """Unlock a device when relay, authorities and people are gone.

    \b
    Example:
      wingspan fleet break-glass seal --out glass.age --recipient age1…
    """


@break_glass.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where to write it.")
@click.option("--recipient", required=True, help="Who can open it: age1…, or an SSH public key.")
@click.option("--name", default="break-glass", show_default=True, help="What it signs under.")
@click.option("--prison", default="", help="The only prison whose devices take it.")
@json_option
@click.pass_obj
def seal(  # noqa: PLR0913 - click hands over each option
    workspace: Workspace, /, *, out: Path, recipient: str, name: str, prison: str, as_json: bool
) -> None:
    """Make a sealed key, encrypted to one recipient; a second person has to agree.

    Then the command only asks; given again when the other has agreed, it acts, and devices take
    the key with the next push. The recipient's own key belongs in a sealed envelope, away from this
    machine.

    \b
    Example:
      wingspan fleet break-glass seal --out glass.age --recipient age1…
      wingspan fleet keys push
    """
    from datetime import UTC, datetime

    from fleet.approval import Action
    from fleet.cli.desk import desk_of, missing_lines
    from fleet.glass import Sealing, check_sealing
    from fleet.glass import seal as made
    from fleet.mandate import fulfil, mandate

    with desk_of(workspace) as desk:
        sealing = Sealing(recipient=recipient, name=name, prison=prison, by=desk.operator)
        check_sealing(desk.identity, out, sealing)
        what = f"seal a key that unlocks {prison or 'the estate'} alone, named {name}"
        parameters = {"change": "seal", "name": name, "prison": prison, "key": recipient}
        now = datetime.now(tz=UTC)
        given = mandate(desk, Action.OPERATOR, parameters, what=what, now=now)
        tell(scope=prison or "estate", request=given.request, change=what)
        lines = missing_lines(given, what)
        if not lines:
            made(desk.identity, out, sealing)
            fulfil(desk, given)
            lines = [f"sealed {name} into {out}", "next: wingspan fleet keys push"]
        answer = {
            "schema": SCHEMA,
            "name": name,
            "prison": prison,
            "file": None if given.missing else str(out),
            "trust_statement": desk.identity.statement().number,
            "request": given.request or None,
            "approvals_missing": list(given.missing),
        }
    emit(answer, as_json=as_json, text="\n".join(lines))


@break_glass.command("open")
@click.argument("device")
@click.option(
    "--key",
    "source",
    type=click.Path(path_type=Path),
    required=True,
    help="The file that `seal` wrote.",
)
@click.option(
    "--identity",
    type=click.Path(path_type=Path),
    required=True,
    help="The file of the private key that opens it.",
)
@json_option
@click.pass_obj
def open_(
    workspace: Workspace, /, device: str, *, source: Path, identity: Path, as_json: bool
) -> None:
    """Take every lock of DEVICE away by a sealed key alone.

    No certificate, relay or second person takes part. The device writes it down and reports it at
    the next contact, until two people act on it again.

    \b
    Example:
      wingspan fleet break-glass open WS-000123 --key glass.age --identity envelope.key
    """
    from fleet.glass import break_glass as broken
    from fleet.glass import opened
    from fleet.registry import Registry
    from fleet.transport import transport_of

    key = opened(source, identity)
    with Registry.open(workspace.settings().database) as registry:
        known = registry.device(device)
    proof = broken(known, key, transport_of(workspace))
    tell(scope=f"device:{device}", request=proof.request, by_key=key.name)
    answer = {
        "schema": SCHEMA,
        "device": device,
        "request": proof.request,
        "outcome": proof.outcome,
        "why": proof.why,
        "level": proof.level,
    }
    text = f"{device}: {proof.outcome}{f', {proof.why}' if proof.why else ''}; nothing is locked"
    emit(answer, as_json=as_json, text=text)

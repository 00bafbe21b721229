"""Who works with the fleet."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fleet.cli.command import LoggedGroup
from reports.terminal import emit, json_option, progress

if TYPE_CHECKING:
    from fleet.identity.operators import Operator
    from fleet.workspace import Workspace

SCHEMA = 1


@click.group("operator", cls=LoggedGroup, context_settings={"help_option_names": ["-h", "--help"]})
def operator() -> None:
    """Say who works with the fleet, in which role and where.

    \b
    Example:
      wingspan fleet operator add ben --role approver --prison MDI --key ben.pub
      wingspan fleet operator remove ben --yes
    """


@operator.command("list")
@json_option
@click.pass_obj
def list_operators(workspace: Workspace, as_json: bool) -> None:
    """Show everyone on record, those removed too.

    \b
    Example:
      wingspan fleet operator list
    """
    from fleet.identity import Identity

    everyone = Identity.open(workspace).operators()
    answer = {"schema": SCHEMA, "operators": [asdict(one) for one in everyone]}
    emit(answer, as_json=as_json, text="\n".join(map(_line, everyone)))


@operator.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["viewer", "operator", "approver", "admin"]),
    required=True,
    help="What they may do.",
)
@click.option("--prison", default="", help="The only prison they may touch; the estate if not.")
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The public key they sign with; a FIDO2 key is best.",
)
@json_option
@click.pass_obj
def add(  # noqa: PLR0913 - click hands over each option
    workspace: Workspace, /, *, name: str, role: str, prison: str, key: Path | None, as_json: bool
) -> None:
    """Let someone work with the fleet.

    Devices learn who may sign with the next push.

    \b
    Example:
      wingspan fleet operator add ben --role approver --prison MDI --key ben.pub
    """
    from fleet.identity import Identity
    from fleet.identity.keys import checked_public
    from fleet.identity.operators import Operator, Role, added

    identity = Identity.open(workspace)
    by = workspace.settings().operator
    identity.require(by, Role.ADMIN)
    new = Operator(
        operator=name,
        role=Role(role),
        prison=prison,
        key=checked_public(key.read_text(encoding="utf-8")) if key else "",
        added_at=_now(),
        added_by=by,
    )
    identity.set_operators(added(identity.operators(), new))
    identity.refresh()
    number = identity.statement().number
    answer = {"schema": SCHEMA, "operator": asdict(new), "trust_statement": number}
    lines = [f"added {_line(new)}", f"trust statement {number}; next: wingspan fleet keys push"]
    emit(answer, as_json=as_json, text="\n".join(lines))


@operator.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it; without, only say what would be done.")
@json_option
@click.pass_obj
def remove(workspace: Workspace, name: str, yes: bool, as_json: bool) -> None:
    """Off-board someone in one step: no new certificate, theirs revoked, devices told.

    \b
    Example:
      wingspan fleet operator remove ben --yes
    """
    from fleet.cli.centre import centre_of, report_push
    from fleet.identity.operators import Role, removed
    from fleet.trust import behind, push

    with centre_of(workspace) as (centre, registry):
        identity = centre.identity
        identity.require(centre.operator, Role.ADMIN)
        without = removed(identity.operators(), name, at=_now(), by=centre.operator)
        if not yes:
            told = len(behind(registry, identity.statement().number + 1))
            lines = [f"{name} would be removed and {told:,} devices told", "add --yes to do it"]
            answer = {"schema": SCHEMA, "operator": name, "to_be_told": told}
            emit(answer, as_json=as_json, text="\n".join(lines))
            return
        identity.set_operators(without)
        revoked = identity.revoke_of(name)
        identity.renew()
        number = identity.statement().number
        with progress("telling devices", len(behind(registry, number))) as advance:
            results = push(centre, registry, advance=advance)
    done = [f"removed {name}; {revoked} of their certificates revoked"]
    report_push(done, number, results, as_json=as_json, operator=name, revoked=revoked)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _line(one: Operator) -> str:
    place = one.prison or "estate"
    signs = "signs" if one.key else "signs nothing"
    gone = f", removed {one.removed_at} by {one.removed_by}" if one.removed_at else ""
    return f"{one.operator}  {one.role}  {place}  {signs}{gone}"

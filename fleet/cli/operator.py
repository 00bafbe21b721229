"""Who works with the fleet."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import LoggedGroup, tell
from fleet.cli.desk import missing_lines
from reports.terminal import emit, json_option, progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.change import Desk
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
    """Let someone work with the fleet; a second person has to agree, once there is one.

    Then the command only asks; given again when the other has agreed, it acts. Devices learn who
    may sign with the next push.

    \b
    Example:
      wingspan fleet operator add ben --role approver --key ben.pub
    """
    from fleet.identity.operators import Operator, Role, added

    new = Operator(
        operator=name,
        role=Role(role),
        prison=prison,
        key=_public(key),
        added_at=_now(),
        added_by=workspace.settings().operator,
    )
    where = f" of {prison}" if prison else ""
    what = f"add {name} as {role}{where}{', who signs' if key else ''}"
    parameters = {"change": "add", "name": name, "role": role, "prison": prison, "key": new.key}
    with _changing(workspace) as (desk, operators):
        everyone = added(operators, new)
        answer, lines = _agreed(desk, everyone, parameters, what=what)
    shown = asdict(new) if not answer["approvals_missing"] else None
    lines = lines or [f"added {_line(new)}", *_pushed(answer)]
    emit(answer | {"operator": shown}, as_json=as_json, text="\n".join(lines))


@operator.command("key")
@click.argument("name")
@click.option(
    "--key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The public key they sign with from now on.",
)
@json_option
@click.pass_obj
def change_key(workspace: Workspace, name: str, key: Path, as_json: bool) -> None:
    """Give someone the key that they sign with, or another one; a second person has to agree.

    The administrator who has none yet may take one alone.

    \b
    Example:
      wingspan fleet operator key asha --key asha.pub
    """
    from fleet.identity.operators import rekeyed, working

    public = _public(key)
    with _changing(workspace) as (desk, operators):
        everyone = rekeyed(operators, name, key=public)
        own_first = name == desk.operator and not working(operators, name).key
        parameters = {"change": "key", "name": name, "key": public}
        what = f"give {name} another key to sign with"
        answer, lines = _agreed(desk, everyone, parameters, what=what, alone=own_first)
        shown = asdict(working(desk.identity.operators(), name))
    lines = lines or [f"{name} signs with that key from now on", *_pushed(answer)]
    emit(answer | {"operator": shown}, as_json=as_json, text="\n".join(lines))


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
    from fleet.cli.centre import centre_of, report_push, tell_relays
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
        relays = tell_relays(workspace, centre, registry)
        with progress("telling devices", len(behind(registry, number))) as advance:
            results = push(centre, registry, advance=advance)
    done = [f"removed {name}; {revoked} of their certificates revoked"]
    further = {"operator": name, "revoked": revoked, **relays}
    report_push(done, number, results, as_json=as_json, **further)


@contextmanager
def _changing(workspace: Workspace) -> Iterator[tuple[Desk, tuple[Operator, ...]]]:
    """Yield an administrator's desk, and everyone on record."""
    from fleet.cli.desk import desk_of
    from fleet.identity.operators import Role

    with desk_of(workspace) as desk:
        desk.identity.require(desk.operator, Role.ADMIN)
        yield desk, desk.identity.operators()


def _agreed(
    desk: Desk,
    everyone: tuple[Operator, ...],
    parameters: dict[str, str],
    *,
    what: str,
    alone: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """Put operators on record if that is agreed on; return what to answer, and what is missing."""
    from datetime import UTC, datetime

    from fleet.approval import Action
    from fleet.mandate import Mandate, fulfil, mandate

    given = Mandate()
    if not alone:
        now = datetime.now(tz=UTC)
        given = mandate(desk, Action.OPERATOR, parameters, what=what, now=now)
    tell(request=given.request, change=what)
    lines = missing_lines(given, what)
    if not lines:
        desk.identity.set_operators(everyone)
        desk.identity.refresh()
        fulfil(desk, given)
    answer = {
        "schema": SCHEMA,
        "trust_statement": desk.identity.statement().number,
        "request": given.request or None,
        "approvals_missing": list(given.missing),
    }
    return answer, lines


def _pushed(answer: dict[str, Any]) -> list[str]:
    return [f"trust statement {answer['trust_statement']}; next: wingspan fleet keys push"]


def _public(key: Path | None) -> str:
    from fleet.identity.keys import checked_public

    return checked_public(key.read_text(encoding="utf-8")) if key else ""


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _line(one: Operator) -> str:
    place = one.prison or "estate"
    signs = "signs" if one.key else "signs nothing"
    gone = f", removed {one.removed_at} by {one.removed_by}" if one.removed_at else ""
    return f"{one.operator}  {one.role}  {place}  {signs}{gone}"

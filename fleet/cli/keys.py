"""The authorities that devices trust: shown, pushed, replaced."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import LoggedGroup
from fleet.cli.command import tell as log
from reports.terminal import emit, json_option, progress

if TYPE_CHECKING:
    from fleet.identity import Identity
    from fleet.workspace import Workspace

SCHEMA = 1
_DAY_S = 24 * 3600


@click.group("keys", cls=LoggedGroup, context_settings={"help_option_names": ["-h", "--help"]})
def keys() -> None:
    """See, push and replace the authorities that devices trust.

    \b
    Example:
      wingspan fleet keys show
      wingspan fleet keys rotate --ca broker --yes
    """


@keys.command()
@json_option
@click.pass_obj
def show(workspace: Workspace, as_json: bool) -> None:
    """Show the authorities, the statement in force, and which devices do not hold it yet.

    \b
    Example:
      wingspan fleet keys show
    """
    from fleet.identity import Identity
    from fleet.registry import Registry
    from fleet.trust import behind

    identity = Identity.open(workspace)
    statement = identity.statement()
    with Registry.open(workspace.settings().database) as registry:
        left = [device.device for device in behind(registry, statement.number)]
    age_days = round((time.time() - statement.issued_s) / _DAY_S, 1)
    authorities = _authorities(identity)
    answer = {
        "schema": SCHEMA,
        "authorities": authorities,
        "trust_statement": statement.number,
        "age_days": age_days,
        "age_days_max": statement.age_days_max,
        "signers": len(statement.signers),
        "behind": left,
    }
    lines = [
        f"{one['lane']:<7} {one['authority']:<14} {one['fingerprint']}"
        f"{'  signs' if one['signs'] else '  trusted'}"
        for one in authorities
    ]
    aged = f"{age_days} of at most {statement.age_days_max} days old"
    lines += [f"trust statement {statement.number}, {aged}, {len(statement.signers)} signers"]
    lines += [f"behind: {name}" for name in left] or ["every device in service holds it"]
    emit(answer, as_json=as_json, text="\n".join(lines))


@keys.command()
@json_option
@click.pass_obj
def push(workspace: Workspace, as_json: bool) -> None:
    """Tell every device that is behind whom to trust now; renew an old statement first.

    \b
    Example:
      wingspan fleet keys push
    """
    from fleet.cli.centre import centre_of, report_push, tell_relays
    from fleet.identity.operators import Role
    from fleet.trust import behind
    from fleet.trust import push as tell

    with centre_of(workspace) as (centre, registry):
        identity = centre.identity
        identity.require(centre.operator, Role.ADMIN, Role.OPERATOR)
        statement = identity.statement()
        # At half its greatest age, so that nobody holds one that is too old.
        if (time.time() - statement.issued_s) / _DAY_S > statement.age_days_max / 2:
            identity.renew()
        number = identity.statement().number
        relays = tell_relays(workspace, centre, registry)
        with progress("telling devices", len(behind(registry, number))) as advance:
            results = tell(centre, registry, advance=advance)
    report_push([], number, results, as_json=as_json, **relays)


@keys.command()
@click.option(
    "--ca", type=click.Choice(["broker", "deploy"]), required=True, help="Which authority."
)
@click.option("--compromised", is_flag=True, help="It was stolen: trust the new one alone, now.")
@click.option("--finish", is_flag=True, help="Do not wait for devices that were not reached.")
@click.option("--yes", is_flag=True, help="Do it; without, only say what would be done.")
@json_option
@click.pass_obj
def rotate(  # noqa: PLR0913 - click hands over each option
    workspace: Workspace, /, *, ca: str, compromised: bool, finish: bool, yes: bool, as_json: bool
) -> None:
    """Replace an authority over the other lane; no cell has to be visited.

    A second person has to agree, once there is one: the command asks, and given again it acts.
    Devices are first told to trust both. When all have shown that the new one opens them, it signs
    and the old one goes; until then the same command goes on where it stopped.

    \b
    Example:
      wingspan fleet keys rotate --ca broker --yes
      wingspan fleet keys rotate --ca deploy --compromised --yes
    """
    from datetime import UTC, datetime

    from fleet.approval import Action
    from fleet.change import Desk
    from fleet.cli.centre import centre_of, report_push, tell_relays
    from fleet.cli.desk import missing_lines
    from fleet.identity import Lane
    from fleet.identity.operators import Role
    from fleet.mandate import fulfil, mandate
    from fleet.trust import behind
    from fleet.trust import rotate as replace_authority

    lane = Lane(ca)
    with centre_of(workspace) as (centre, registry):
        identity = centre.identity
        identity.require(centre.operator, Role.ADMIN)
        told = len(behind(registry, identity.statement().number + 1))
        if not yes:
            signing = identity.authorities()[lane].signing
            line = f"{signing} would be replaced and {told:,} devices told; add --yes to do it"
            answer = {"schema": SCHEMA, "authority": signing, "to_be_told": told}
            emit(answer, as_json=as_json, text=line)
            return
        desk = Desk(
            registry=registry,
            identity=identity,
            operator=centre.operator,
            signing_key=workspace.settings().signing_key,
        )
        what = f"replace the {ca} authority{_how(compromised=compromised, finish=finish)}"
        parameters: dict[str, str | bool] = {"ca": ca, "compromised": compromised, "finish": finish}
        given = mandate(desk, Action.KEYS, parameters, what=what, now=datetime.now(tz=UTC))
        log(request=given.request, change=what)
        if given.missing:
            asked = {"request": given.request, "approvals_missing": list(given.missing)}
            text = "\n".join(missing_lines(given, what))
            emit(
                {"schema": SCHEMA, "authority": ca, "done": False} | asked,
                as_json=as_json,
                text=text,
            )
            return
        with progress("telling devices", 2 * told) as advance:
            at_once = compromised or finish
            rotation = replace_authority(centre, registry, lane, at_once=at_once, advance=advance)
        if rotation.done:  # Until then the same request lets it go on.
            fulfil(desk, given)
        number = identity.statement().number
        relays = tell_relays(workspace, centre, registry)
    signs = f"{rotation.authority} signs now" if rotation.done else "the old one signs still"
    further = {"authority": rotation.authority, "done": rotation.done, **relays}
    report_push([f"{ca}: {signs}"], number, rotation.results, as_json=as_json, **further)


def _how(*, compromised: bool, finish: bool) -> str:
    if compromised:
        return ", which was stolen"
    return " without the devices that were not reached" if finish else ""


def _authorities(identity: Identity) -> list[dict[str, Any]]:
    from fleet.identity.keys import read_public
    from fleet.ssh import fingerprint

    return [
        {
            "lane": lane.value,
            "authority": name,
            "fingerprint": fingerprint(read_public(identity.path(name))),
            "signs": name == which.signing,
        }
        for lane, which in identity.authorities().items()
        for name in which.trusted
    ]

"""Relays: a machine in each prison that carries orders out there, with or without the WAN."""

from __future__ import annotations

import json
import secrets
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import FleetCommand, LoggedGroup, tell
from fleet.errors import InputError, RefusedError
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.change import Desk
    from fleet.identity.relays import Relay
    from fleet.registry import RelayState
    from fleet.relay.place import Place
    from fleet.workspace import Workspace

SCHEMA = 1
_PASSWORD_BYTES = 24


class _Installs(FleetCommand):
    """It may be the first to write in a workspace."""

    begins = True


@click.group(cls=LoggedGroup)
def relay() -> None:
    """Let a machine in each prison carry orders out there, with or without the WAN.

    \b
    Example:
      wingspan fleet relay status
    """


@relay.command(cls=_Installs)
@click.argument("prison")
@click.option(
    "--trust",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The centre's keys/trust.pub.",
)
@click.option("--broker", required=True, help="rediss://USER@HOST:PORT or amqps://USER@HOST:PORT.")
@click.option(
    "--broker-authority",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The certificate that the broker's own is signed by.",
)
@click.option("--user", default="wingspan-relay", show_default=True, help="Who the service is.")
@click.option("--clock", default="", help="ADDRESS:PORT where it tells its devices the time.")
@json_option
@click.pass_obj
def install(  # noqa: PLR0913 - click hands over each option
    workspace: Workspace,
    /,
    *,
    prison: str,
    trust: Path,
    broker: str,
    broker_authority: Path,
    user: str,
    clock: str,
    as_json: bool,
) -> None:
    """Make this folder the relay of a prison; run it on the relay itself.

    Its keys are made here and stay here. relay.json goes to the centre, wingspan-relay.service to
    systemd. The password for the broker is in WINGSPAN_BROKER_PASSWORD, or comes later, as
    keys/broker_password. --clock is an address on the prison's own network, port 8463: devices
    whose firewall leaves that open ask there first.

    \b
    Example:
      wingspan -C /var/lib/wingspan-relay fleet relay install MDI --trust trust.pub \\
        --broker rediss://relay-MDI@broker.example:6380 --broker-authority ca.pem
    """
    import os

    from fleet.clock import places
    from fleet.registry import Registry
    from fleet.relay.broker import PASSWORD
    from fleet.relay.place import Settings, unit_of
    from fleet.relay.place import install as make
    from reports.files import write_text

    places(clock)
    settings = Settings(
        prison=prison,
        broker=broker,
        clock=clock,
    )
    text = trust.read_text(encoding="ascii")
    certificate = broker_authority.read_text(encoding="ascii", errors="replace")
    password = os.environ.get(PASSWORD, "")
    made = make(workspace, settings, trust=text, password=password, authority=certificate)
    Registry.create(workspace.settings().database).close()
    shown, unit = workspace.root / "relay.json", workspace.root / "wingspan-relay.service"
    write_text(shown, json.dumps(asdict(made), indent=1) + "\n")
    program = Path(sys.argv[0]).resolve()
    write_text(unit, unit_of(workspace, program=program, user=user))
    tell(scope=prison)
    lines = [
        f"this is the relay of {prison}",
        f"next: take {shown} to the centre: wingspan fleet relay admit {shown.name}",
        f"then: systemctl enable --now {unit}, once {user} owns {workspace.root}",
    ]
    answer = {"schema": SCHEMA, "relay": asdict(made), "unit": str(unit)}
    emit(answer, as_json=as_json, text="\n".join(lines))


@relay.command(cls=FleetCommand)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", "again", is_flag=True, help="Instead of the one that the prison has.")
@json_option
@click.pass_obj
def admit(workspace: Workspace, file: Path, again: bool, as_json: bool) -> None:
    """Let a prison's devices trust its relay, and make its password for the broker.

    FILE is the relay.json that `relay install` wrote. A second person has to agree, once there is
    one: the command asks, and given again it acts. Devices learn of it with the next push.

    \b
    Example:
      wingspan fleet relay admit relay.json
    """
    from fleet.approval import Action
    from fleet.baseline import read_baseline
    from fleet.cli.desk import desk_of, missing_lines
    from fleet.identity.operators import Role
    from fleet.mandate import fulfil, mandate
    from fleet.registry.relays import forget_relay

    new = _read_relay(file)
    shut_out = read_baseline(workspace.baseline).shuts_out if workspace.baseline.exists() else ()
    what = f"let the devices of {new.prison} trust their relay"
    with desk_of(workspace) as desk:
        desk.identity.require(desk.operator, Role.ADMIN)
        others = [one for one in desk.identity.relays() if one.prison != new.prison]
        if len(others) < len(desk.identity.relays()) and not again:
            hint = "--replace, once you know why there is another"
            raise RefusedError(f"{new.prison} has a relay already", hint=hint)
        parameters = {
            "relay": new.prison,
            "authority": new.authority,
            "report": new.report_key,
            "deploy": new.deploy_key,
            "time": new.time_key,
        }
        given = mandate(desk, Action.KEYS, parameters, what=what, now=datetime.now(tz=UTC))
        tell(scope=new.prison, request=given.request)
        if given.missing:
            asked = {"request": given.request, "approvals_missing": list(given.missing)}
            text = "\n".join(missing_lines(given, what))
            emit({"schema": SCHEMA, "relay": asdict(new)} | asked, as_json=as_json, text=text)
            return
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        new = replace(new, admitted_at=at, admitted_by=desk.operator)
        desk.identity.set_relays([*others, new])
        desk.identity.refresh()
        number = desk.identity.statement().number
        with desk.registry.writing() as connection:
            forget_relay(connection, new.prison)
        fulfil(desk, given)
    password = _password(workspace, new.prison)
    answer = {
        "schema": SCHEMA,
        "relay": asdict(new),
        "trust_statement": number,
        "password_file": str(password),
        "shut_out": list(shut_out),
    }
    lines = [
        f"admitted the relay of {new.prison}; trust statement {number}",
        f"next: wingspan fleet keys push; take {password} to the relay as keys/broker_password",
        "and let the broker know it: wingspan fleet relay users --help",
    ]
    if shut_out:
        lines += [
            f"its devices may not let it in: {workspace.baseline}, `management`, leaves out "
            + ", ".join(shut_out),
            f"add that, then: wingspan fleet play baseline {new.prison} --yes",
        ]
    emit(answer, as_json=as_json, text="\n".join(lines))


@relay.command(cls=FleetCommand)
@click.option(
    "--broker", "kind", type=click.Choice(["redis", "rabbitmq"]), required=True, help="Which."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write."
)
@json_option
@click.pass_obj
def users(workspace: Workspace, kind: str, out: Path, as_json: bool) -> None:
    """Write what the broker lets whom do: each relay its own prison's queues, and no other.

    Redis takes the file as `aclfile`, RabbitMQ as `load_definitions`. It holds hashes alone.

    \b
    Example:
      wingspan fleet relay users --broker redis --out users.acl
    """
    from fleet.cli.desk import desk_of
    from fleet.identity.keys import write_private
    from fleet.identity.operators import Role
    from fleet.relay.permissions import rabbitmq_definitions, redis_users

    write = {"redis": redis_users, "rabbitmq": rabbitmq_definitions}[kind]
    with desk_of(workspace) as desk:
        desk.identity.require(desk.operator, Role.ADMIN)
        prisons = [one.prison for one in desk.identity.relays()]
    passwords = {name: _password(workspace, name).read_text().strip() for name in prisons}
    text = write(passwords, centre=_password(workspace, "").read_text().strip())
    write_private(out, text)
    answer = {"schema": SCHEMA, "broker": kind, "relays": prisons, "file": str(out)}
    emit(answer, as_json=as_json, text=f"{out}: the centre and {len(prisons)} relays")


@relay.command(cls=FleetCommand)
@json_option
@click.pass_obj
def status(workspace: Workspace, as_json: bool) -> None:
    """Show relays: when each was last heard, what it lacks, and what is overdue there.

    On a relay itself: what it holds.

    \b
    Example:
      wingspan fleet relay status
    """
    from fleet.relay.place import find_place

    place = find_place(workspace)
    if place is not None:
        shown = [_own_status(place)]
    else:
        from fleet.cli.desk import desk_of

        with desk_of(workspace) as desk:
            shown = _all_statuses(workspace, desk)
    lines = [_line(one) for one in shown] or ["there are no relays: this centre does all itself"]
    emit({"schema": SCHEMA, "relays": shown}, as_json=as_json, text="\n".join(lines))


@relay.command(cls=FleetCommand)
@click.option(
    "--every",
    "every_s",
    type=click.FloatRange(0.1),
    default=30.0,
    show_default=True,
    help="Seconds between passes over the devices.",
)
@click.option(
    "--contact-every",
    "contact_s",
    type=click.FloatRange(0.1, 86_400),
    default=3600.0,
    show_default=True,
    help="Seconds after which a device is spoken to though there is nothing to say.",
)
@json_option
@click.pass_obj
def work(workspace: Workspace, every_s: float, contact_s: float, as_json: bool) -> None:
    """Be the relay until ended: this is what its service runs.

    \b
    Example:
      wingspan -C /var/lib/wingspan-relay fleet relay work
    """
    from fleet.relay.place import find_place
    from fleet.relay.service import work as serve

    place = find_place(workspace)
    if place is None:
        hint = "wingspan fleet relay install PRISON"
        raise InputError(f"{workspace.root} is no relay's folder", hint=hint)
    messages = serve(place, every_s=every_s, contact_s=contact_s)
    answer = {"schema": SCHEMA, "prison": place.prison, "messages": messages}
    emit(answer, as_json=as_json, text=f"{messages:,} messages were taken")


def _read_relay(file: Path) -> Relay:
    import msgspec

    from fleet.identity.keys import checked_public
    from fleet.identity.relays import Relay

    try:
        asked = msgspec.json.decode(file.read_bytes(), type=Relay)
    except msgspec.MsgspecError as error:
        hint = "take relay.json as wingspan fleet relay install wrote it"
        raise InputError(f"{file} is not a relay's", hint=hint) from error
    return replace(
        asked,
        authority=checked_public(asked.authority),
        report_key=checked_public(asked.report_key),
        deploy_key=checked_public(asked.deploy_key) if asked.deploy_key else "",
        time_key=checked_public(asked.time_key) if asked.time_key else "",
    )


def _password(workspace: Workspace, prison: str) -> Path:
    """Return the file of a password for the broker, the centre's for "", made where it is not."""
    from fleet.identity.keys import write_private

    path = workspace.keys / ("broker_password" + (f".{prison}" if prison else ""))
    if not path.exists():
        write_private(path, f"{secrets.token_urlsafe(_PASSWORD_BYTES)}\n")
    return path


def _all_statuses(workspace: Workspace, desk: Desk) -> list[dict[str, Any]]:
    from fleet.cli.desk import relays_of
    from fleet.registry import RelayState
    from fleet.registry.relays import overdue, relay_states
    from fleet.relay.centre import OVERDUE

    relays = desk.identity.relays()
    if relays:
        relays_of(workspace, desk.registry, desk.identity).gather()
    with desk.registry.reading() as connection:
        late = overdue(connection, before=datetime.now(tz=UTC) - OVERDUE)
        states = relay_states(connection)
    number = desk.identity.statement().number
    return [
        _status(
            one,
            states.get(one.prison, RelayState(prison=one.prison)),
            number,
            late.get(one.prison, 0),
        )
        for one in relays
    ]


def _status(one: Relay, state: RelayState, number: int, late: int) -> dict[str, Any]:
    heard = state.heard_at.isoformat(timespec="seconds") if state.heard_at else None
    return {
        "prison": one.prison,
        "heard_at": heard,
        "trust_statement": state.trust,
        "is_behind": state.trust < number,
        "overdue": late,
        "log_entries": state.audit_entries,
        "fault": state.fault,
    }


def _spoken(place: Place) -> dict[str, Any]:
    """Return when a relay last logged in to its devices, and how many answered."""
    from fleet.relay.node import last_contact

    found = last_contact(place)
    at = datetime.fromtimestamp(found["at_s"], tz=UTC) if found else None
    return {
        "spoken_at": at.isoformat(timespec="seconds") if at else None,
        "devices": found.get("devices", 0),
        "answered": found.get("answered", 0),
    }


def _own_status(place: Place) -> dict[str, Any]:
    from fleet.audit import AuditLog

    statement = place.statement()
    return {
        "prison": place.prison,
        "heard_at": None,
        "trust_statement": statement.number if statement else 0,
        "is_behind": statement is None or statement.is_too_old(time.time()),
        "overdue": 0,
        "log_entries": sum(1 for _ in AuditLog(place.workspace.audit).entries()),
        "fault": "" if statement else "it has not heard from the centre yet",
        **_spoken(place),
    }


def _line(one: dict[str, Any]) -> str:
    heard = one["heard_at"] or "never"
    behind = " (behind)" if one["is_behind"] else ""
    late = f", {one['overdue']} overdue" if one["overdue"] else ""
    fault = f"; {one['fault']}" if one["fault"] else ""
    at = one.get("spoken_at")
    spoken = f", {one['answered']} of {one['devices']} devices answered at {at}" if at else ""
    return (
        f"{one['prison']}  heard {heard}, statement {one['trust_statement']}{behind}, "
        f"log {one['log_entries']} entries{late}{spoken}{fault}"
    )

"""A workspace that is a relay: of which prison, its broker, its keys, and what it holds."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fleet.errors import InputError, RefusedError
from fleet.identity import Credential, Identity
from fleet.identity.keys import (
    Key,
    checked_public,
    make_folder,
    make_key,
    public_path,
    read_private,
    read_public,
    write_private,
)
from fleet.identity.operators import Operator, Role, write_operators
from fleet.identity.relays import Relay
from fleet.identity.statement import Envelope, read_envelope, write_envelope
from fleet.relay.broker import Broker, password_of
from fleet.unit import unit_text
from fleet.workspace import Workspace
from reports import files
from reports.files import hand_over, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from fleet.identity.statement import Statement

# Who the relay itself is, for its certificates and in its log.
OPERATOR = "relay"
_REPORT_KEY = "relay"
_DEPLOY_KEY = "deploy"
_BROKER_AUTHORITY = "broker_authority.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a relay was installed with.

    `visible_again_s` is how long Redis waits for it before it hands the same message out again;
    `clock` is where it tells its devices the time, "" for nowhere.
    """

    prison: str
    broker: str
    visible_again_s: int = 3600
    clock: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A relay's folder; see `fleet.workspace.Workspace`."""

    workspace: Workspace
    settings: Settings

    @property
    def prison(self) -> str:
        """Return whose relay it is."""
        return self.settings.prison

    @property
    def identity(self) -> Identity:
        """Return its keys."""
        return Identity(self.workspace.keys)

    @property
    def folder(self) -> Path:
        """Return where it keeps what it was told."""
        return _folder(self.workspace)

    def broker(self) -> Broker:
        """Return its broker.

        Raises
        ------
        InputError
            When there is no password for it.
        """
        return Broker(
            url=self.settings.broker,
            authority=self.workspace.keys / _BROKER_AUTHORITY,
            password=password_of(self.workspace.keys),
            visible_again_s=self.settings.visible_again_s,
        )

    def report_key(self) -> Ed25519PrivateKey:
        """Return the key that signs its reports."""
        return read_private(self.workspace.keys / _REPORT_KEY)

    def lent(self, certificate: str) -> Credential:
        """Return what opens the deploy lane of one wave's devices, with a certificate for that."""
        path = self.workspace.keys / _DEPLOY_KEY
        read_private(path)
        return Credential(private_key=path.read_text(encoding="ascii"), certificate=certificate)

    def statement(self) -> Statement | None:
        """Return the statement of whom to trust, None before the first has come."""
        envelope = read_envelope(self.workspace.keys / "trust.json")
        return envelope.opened(public=self.identity.trust_public()) if envelope else None

    def take_statement(self, envelope: Envelope) -> Statement:
        """Put a statement in force, and have those it lists be who may act here.

        Raises
        ------
        RefusedError
            When it is not signed by the centre, or not newer than the one in force.
        """
        taken, held = envelope.opened(public=self.identity.trust_public()), self.statement()
        if held is not None and taken.number < held.number:
            raise RefusedError(f"statement {taken.number} is older than {held.number}")
        roles = {role.value for role in Role}
        people = [
            Operator(operator=one.operator, role=Role(one.role), prison=one.prison, key=one.key)
            for one in taken.signers
            if one.role in roles
        ]
        relay = Operator(operator=OPERATOR, role=Role.VIEWER, prison=self.prison)
        write_operators(self.workspace.keys / "operators.json", [*people, relay])
        write_envelope(self.workspace.keys / "trust.json", envelope)
        return taken

    def kept(self, name: str) -> dict[str, Any]:
        """Return what is kept under a name, {} where nothing is."""
        try:
            found: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return {}
        return found

    def keep(self, name: str, content: dict[str, Any]) -> None:
        """Keep something under a name, whole or not at all."""
        path = self.folder / f"{name}.json"
        files.make_folder(path.parent, mode=0o700)
        write_text(path, json.dumps(content, sort_keys=True))

    def forget(self, name: str) -> None:
        """Keep something no longer."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)

    def numbered(self, folder: str) -> dict[int, dict[str, Any]]:
        """Return what is kept in a folder under numbers, the lowest first."""
        names = (path.stem for path in (self.folder / folder).glob("*.json"))
        return {number: self.kept(f"{folder}/{number}") for number in sorted(map(int, names))}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the relay for the block: one acts at a time, be it the service or a person."""
        files.make_folder(self.folder, mode=0o700)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            hand_over(descriptor, self.folder)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def find_place(workspace: Workspace) -> Place | None:
    """Return the relay that a workspace is, None where it is none.

    Raises
    ------
    InputError
        When the file that says so cannot be read.
    """
    path = _folder(workspace) / "settings.json"
    try:
        return Place(workspace, msgspec.json.decode(path.read_bytes(), type=Settings))
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        hint = "wingspan fleet relay install writes it"
        raise InputError(f"cannot read {path}", hint=hint) from error


def install(
    workspace: Workspace, settings: Settings, *, trust: str, password: str, authority: str
) -> Relay:
    """Make a workspace a relay, and return what the centre has to know of it.

    Its private keys are made here and never leave it. `trust` is the public key of the centre,
    `authority` the certificate that the broker's is signed by: its service sees no other folder.

    Raises
    ------
    InputError
        When the workspace is a centre's, or the address of the broker will not do.
    RefusedError
        When it is another prison's relay already.
    """
    keys, found = workspace.keys, find_place(workspace)
    if (keys / Key.TRUST).exists():
        hint = "name a folder of its own: wingspan -C DIR fleet relay install"
        raise InputError(f"{workspace.root} is a centre's workspace", hint=hint)
    if found and found.prison != settings.prison:
        raise RefusedError(f"{workspace.root} is the relay of {found.prison}")
    certificate = keys / _BROKER_AUTHORITY
    Broker(url=settings.broker, authority=certificate, password=password)
    public = checked_public(trust)
    make_folder(keys)
    for name in (Key.BROKER_CA, Key.AUDIT, Key.TIME, _REPORT_KEY, _DEPLOY_KEY):
        make_key(keys / name)
    write_private(public_path(keys / Key.TRUST), f"{public}\n")
    write_private(certificate, authority)
    if password:
        write_private(keys / "broker_password", f"{password}\n")
    Place(workspace, settings).keep("settings", asdict(settings))
    return Relay(
        prison=settings.prison,
        authority=read_public(keys / Key.BROKER_CA),
        report_key=read_public(keys / _REPORT_KEY),
        deploy_key=read_public(keys / _DEPLOY_KEY),
        time_key=read_public(keys / Key.TIME),
    )


def _folder(workspace: Workspace) -> Path:
    return workspace.root / "relay"


def unit_of(workspace: Workspace, *, program: Path, user: str) -> str:
    """Return the systemd unit that runs a relay."""
    shipped = Path(__file__).with_name("wingspan-relay.service")
    return unit_text(shipped, program=program, folder=workspace.root.resolve(), user=user)

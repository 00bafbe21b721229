"""The centre's identity: its authorities, who works here, and what it tells devices to trust."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from fleet.errors import FleetError, InputError, RefusedError
from fleet.identity.certificate import Request, certified, issue
from fleet.identity.credential import Credential
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
from fleet.identity.ledger import Ledger, revocation_list
from fleet.identity.operators import Operator, Role, read_operators, working, write_operators
from fleet.identity.relays import Relay, read_relays, write_relays
from fleet.identity.statement import (
    AGE_DAYS_MAX,
    SCHEMA,
    Envelope,
    RelayAuthority,
    Statement,
    encoded_list,
    read_envelope,
    sealed,
    signers_of,
    write_envelope,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleet.workspace import Workspace


class Lane(StrEnum):
    """The two ways into an enrolled device."""

    BROKER = "broker"  # user wingspan, one forced command
    DEPLOY = "deploy"  # root, for minutes, against an approved plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorities:
    """The files of one lane's authorities: which one signs, and which devices should trust."""

    signing: str
    trusted: tuple[str, ...]


_FIRST = {
    Lane.BROKER: Authorities(signing=Key.BROKER_CA, trusted=(Key.BROKER_CA,)),
    Lane.DEPLOY: Authorities(signing=Key.DEPLOY_CA, trusted=(Key.DEPLOY_CA,)),
}
# A device whose clock is slow by less still refuses the certificates of who has left.
_SLOW_CLOCK_S = 24 * 3600
# Whoever may look may send the restricted lane's commands, which prove or carry signed orders.
_ROLES = {
    Lane.BROKER: tuple(role for role in Role if role is not Role.BREAK_GLASS),
    Lane.DEPLOY: (Role.OPERATOR, Role.ADMIN),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """The folder `keys/` of a workspace."""

    folder: Path

    @classmethod
    def open(cls, workspace: Workspace) -> Identity:
        """Return the identity of a workspace.

        Raises
        ------
        InputError
            When `fleet init` has not run there.
        """
        identity = cls(workspace.keys)
        if not identity._statement.exists():
            hint = f"wingspan -C {workspace.root} fleet init"
            raise InputError(f"there are no keys in {workspace.root}", hint=hint)
        return identity

    @classmethod
    def make(
        cls, workspace: Workspace, *, operator: str, key: str = ""
    ) -> tuple[Identity, list[str]]:
        """Make what is not there yet, and return the identity with the names of what was made.

        Who makes it becomes the estate's first administrator, who signs with `key` if there is one.
        """
        identity = cls(workspace.keys)
        make_folder(identity.folder)
        made = [key.value for key in Key if make_key(identity.path(key))]
        if not identity.operators():
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            first = Operator(
                operator=operator, role=Role.ADMIN, key=key, added_at=at, added_by=operator
            )
            write_operators(identity._operators, [first])
            made.append(f"operator {operator} (admin)")
        if read_envelope(identity._statement) is None:
            identity.renew()
            made.append("trust statement 1")
        return identity, made

    def path(self, key: str) -> Path:
        """Return the file of a private key."""
        return self.folder / key

    @property
    def ledger(self) -> Ledger:
        """Return the record of certificates."""
        return Ledger(self.folder)

    @property
    def _statement(self) -> Path:
        return self.folder / "trust.json"

    @property
    def _operators(self) -> Path:
        return self.folder / "operators.json"

    @property
    def _authorities(self) -> Path:
        return self.folder / "authorities.json"

    def credential(  # noqa: PLR0913 - what a certificate says, by keyword
        self,
        lane: Lane,
        *,
        operator: str,
        purpose: str,
        principals: Sequence[str] = (),
        minutes: float = 10,
        source_address: str = "",
        authority: str = "",
    ) -> Credential:
        """Issue a certificate, on record before it is returned.

        `authority` names the key that signs it, where that is not the one in use: a rotation tries
        the next one.

        Without principals it holds the operator's own: the estate's, or their prison's; that is
        for the broker lane, where one certificate serves a whole sweep.

        Raises
        ------
        RefusedError
            When the operator does not work here, or their role does not reach so far.
        """
        who = self.refuse_lane(operator, lane)
        if lane is Lane.DEPLOY and not principals:
            raise FleetError("a certificate of the deploy lane names its devices")
        if lane is Lane.BROKER and who.prison and set(principals) - {who.principal}:
            hint = "a prison's operator reaches their prison alone"
            raise RefusedError(f"{operator} works in {who.prison} only", hint=hint)
        request = Request(
            operator=operator,
            purpose=purpose,
            principals=principals or (who.principal,),
            minutes=minutes,
            source_address=source_address,
        )
        signing = self.path(authority or self.authorities()[lane].signing)
        credential, record = issue(request, read_private(signing))
        self.ledger.record(record)
        return credential

    def lent(
        self, public: str, *, operator: str, purpose: str, principals: Sequence[str], minutes: float
    ) -> str:
        """Return a certificate of the deploy lane for a relay's key, on record before that.

        Raises
        ------
        RefusedError
            When the operator does not work here, or their role does not reach so far.
        """
        self.refuse_lane(operator, Lane.DEPLOY)
        request = Request(
            operator=operator, purpose=purpose, principals=principals, minutes=minutes
        )
        key = load_ssh_public_key(public.encode())
        if not isinstance(key, Ed25519PublicKey):
            raise InputError("a relay's key is an ed25519 key")
        signing = self.path(self.authorities()[Lane.DEPLOY].signing)
        certificate, record = certified(request, key, read_private(signing))
        self.ledger.record(record)
        return certificate

    def opens(self, operator: str, lane: Lane) -> bool:
        """Return whether an operator's role opens a lane; refuse who does not work here."""
        return working(self.operators(), operator).role in _ROLES[lane]

    def refuse_lane(self, operator: str, lane: Lane) -> Operator:
        """Return an operator whose role opens a lane; refuse any other."""
        who = working(self.operators(), operator)
        if not self.opens(operator, lane):
            raise RefusedError(f"{operator} is {who.role}, which does not open the {lane} lane")
        return who

    def bootstrap(self) -> Credential:
        """Return the key of first contact; an enrolled device does not take it."""
        path = self.path(Key.BOOTSTRAP)
        read_private(path)
        return Credential(private_key=path.read_text(encoding="ascii"))

    def operators(self) -> tuple[Operator, ...]:
        """Return everyone on record, the removed included."""
        return read_operators(self._operators)

    def set_operators(self, operators: Sequence[Operator]) -> None:
        """Write everyone on record; `renew` tells devices."""
        write_operators(self._operators, operators)

    def relays(self) -> tuple[Relay, ...]:
        """Return the relays that were admitted, one for each prison."""
        return read_relays(self.folder / "relays.json")

    def set_relays(self, relays: Sequence[Relay]) -> None:
        """Write the relays; `renew` tells devices."""
        write_relays(self.folder / "relays.json", relays)

    def authorities(self) -> dict[Lane, Authorities]:
        """Return which keys sign and are trusted, by lane."""
        try:
            content = self._authorities.read_bytes()
        except FileNotFoundError:
            return dict(_FIRST)
        return msgspec.json.decode(content, type=dict[Lane, Authorities])

    def set_authorities(self, lane: Lane, authorities: Authorities) -> None:
        """Write which keys of a lane sign and are trusted; `renew` tells devices."""
        everything = self.authorities() | {lane: authorities}
        text = msgspec.json.encode({one: asdict(which) for one, which in everything.items()})
        write_private(self._authorities, text.decode() + "\n")

    def trust_public(self) -> str:
        """Return the public key that devices check statements with.

        A relay has the public half alone.
        """
        path = self.path(Key.TRUST)
        if not path.exists() and public_path(path).exists():
            return checked_public(public_path(path).read_text(encoding="ascii"))
        return read_public(path)

    def envelope(self) -> Envelope:
        """Return the statement in force, sealed."""
        envelope = read_envelope(self._statement)
        if envelope is None:
            raise InputError(f"there is no {self._statement}", hint="wingspan fleet init")
        return envelope

    def statement(self) -> Statement:
        """Return the statement in force."""
        return self.envelope().opened(public=self.trust_public())

    def renew(self, *, skipped: int = 0) -> Envelope:
        """Sign the next statement from operators, authorities and ledger, and return it sealed.

        After a restore, some numbers are `skipped`: devices may hold statements that were lost.
        """
        before = read_envelope(self._statement)
        number = 1
        if before is not None:
            number = before.opened(public=self.trust_public()).number + 1 + skipped
        envelope = sealed(self._stated(number), key=self.path(Key.TRUST))
        write_envelope(self._statement, envelope)
        return envelope

    def refresh(self) -> bool:
        """Renew the statement if it no longer says what is so, and return whether it had to be."""
        now = self.statement()
        wanted = self._stated(now.number)
        same = (
            "broker_authorities",
            "deploy_authorities",
            "relay_authorities",
            "time_keys",
            "signers",
        )
        if all(getattr(now, name) == getattr(wanted, name) for name in same):
            return False
        self.renew()
        return True

    def _stated(self, number: int) -> Statement:
        authorities = self.authorities()
        return Statement(
            schema=SCHEMA,
            number=number,
            issued_s=int(time.time()),
            age_days_max=AGE_DAYS_MAX,
            broker_authorities=self._publics(authorities[Lane.BROKER]),
            deploy_authorities=self._publics(authorities[Lane.DEPLOY]),
            time_keys=(read_public(self.path(Key.TIME)),),
            revocation_list=encoded_list(revocation_list(self.ledger.revoked(), number=number)),
            signers=signers_of(self.operators()),
            relay_authorities=tuple(
                RelayAuthority(prison=one.prison, key=one.authority, time_key=one.time_key)
                for one in self.relays()
            ),
        )

    def _publics(self, authorities: Authorities) -> tuple[str, ...]:
        return tuple(read_public(self.path(name)) for name in authorities.trusted)

    def add_authority(self, lane: Lane) -> str:
        """Make a lane's next key, trusted beside those that are; return the name of its file."""
        now = self.authorities()[lane]
        first = _FIRST[lane].signing
        numbers = [int(path.name.rpartition("-")[2]) for path in self._later(first)]
        name = f"{first}-{max(numbers, default=1) + 1}"
        make_key(self.path(name))
        self.set_authorities(lane, replace(now, trusted=(*now.trusted, name)))
        return name

    def _later(self, first: str) -> Iterator[Path]:
        return (
            path
            for path in self.folder.glob(f"{first}-*")
            if path.name.rpartition("-")[2].isdecimal()
        )

    def revoke_of(self, operator: str) -> int:
        """Revoke every certificate of an operator that has not ended; return how many."""
        now_s = time.time()
        theirs = [
            one
            for one in self.ledger.issued()
            if one.operator == operator and one.ends_s + _SLOW_CLOCK_S > now_s
        ]
        return self.ledger.revoke(theirs)

    def require(self, operator: str, *roles: Role) -> None:
        """Refuse an operator who does not work for the whole estate in one of the roles."""
        who = working(self.operators(), operator)
        wanted = " or ".join(roles)
        if who.role not in roles:
            raise RefusedError(f"{operator} is {who.role}; this takes an {wanted}")
        if who.prison:
            what = f"{operator} works in {who.prison} only; this takes an {wanted} of the estate"
            raise RefusedError(what)

    def refuse_elsewhere(self, operator: str, prison_id: str) -> None:
        """Refuse an operator of one prison a device that is not in it."""
        who = working(self.operators(), operator)
        if who.prison and who.prison != prison_id:
            where = prison_id or "no prison"
            raise RefusedError(f"{operator} works in {who.prison} only, the device is in {where}")

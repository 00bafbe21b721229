"""Breaking the glass: a sealed key that unlocks a device when relay, authorities and people fail.

The key is made here, encrypted to a recipient whose own key lies in an envelope somewhere else, and
forgotten. Devices know its public half by the statement of trust: it opens the restricted lane
without a certificate, and signs an unlock alone. Each device writes down that it was used.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fleet.approval import Action, inclusion, leaf, new_request
from fleet.approval.order import REQUESTED, order, read_proof, signed
from fleet.driver import SshWire
from fleet.errors import InputError, NotProvenError, RefusedError
from fleet.health.probe import Lane, Patience
from fleet.identity.credential import Credential
from fleet.identity.keys import new_key
from fleet.identity.operators import Operator, Role, added
from fleet.sealing import identity_of, recipient_of
from reports.files import written_aside

if TYPE_CHECKING:
    from pathlib import Path

    from fleet.approval.order import Proof
    from fleet.device import Device
    from fleet.identity import Identity
    from fleet.ssh import Dialler

_PATIENCE = Patience(login_s=60, answer_s=120)
_VALID = timedelta(hours=1)
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """A sealed key to be made: who can open it, what it signs under and where, and who asks."""

    recipient: str
    name: str
    prison: str
    by: str

    def holder(self, public: str) -> Operator:
        """Return the holder of a public key as it is put on record."""
        return Operator(
            operator=self.name,
            role=Role.BREAK_GLASS,
            prison=self.prison,
            key=public,
            added_at=datetime.now(tz=UTC).isoformat(timespec="seconds"),
            added_by=self.by,
        )


def check_sealing(identity: Identity, target: Path, sealing: Sealing) -> None:
    """Make sure that a sealed key could be made.

    Raises
    ------
    InputError
        When the recipient is no public key, or the name is taken.
    RefusedError
        When the file is there already, or who asks is no administrator of the estate.
    """
    identity.require(sealing.by, Role.ADMIN)
    recipient_of(sealing.recipient)
    if target.exists():
        raise RefusedError(f"{target} is there already", hint="a sealed key is never overwritten")
    added(identity.operators(), sealing.holder(public=""))


def seal(identity: Identity, target: Path, sealing: Sealing) -> Operator:
    """Make a sealed key, write it where the recipient alone can open it, and list its public half.

    Devices take it with the next push of the statement of trust. Raises what `check_sealing` does.
    """
    import pyrage  # noqa: PLC0415

    check_sealing(identity, target, sealing)
    private, public = new_key()
    holder = sealing.holder(public)
    everyone = added(identity.operators(), holder)
    content = _encoded(sealing.name, private)
    with written_aside(target) as aside:
        aside.touch(mode=_OWNER_ONLY)
        aside.write_bytes(pyrage.encrypt(content, [recipient_of(sealing.recipient)]))
    identity.set_operators(everyone)
    identity.refresh()
    return holder


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """A sealed key that was opened: whose name it signs under, and the key."""

    name: str
    credential: Credential


def opened(source: Path, identity: Path) -> SealedKey:
    """Return a sealed key.

    Raises
    ------
    InputError
        When the file is not there, is no sealed key, or is sealed to another.
    """
    import pyrage  # noqa: PLC0415

    try:
        content = pyrage.decrypt(source.read_bytes(), [identity_of(identity)])
        said = json.loads(content)
        return SealedKey(name=said["name"], credential=Credential(private_key=said["key"]))
    except FileNotFoundError as error:
        raise InputError(f"there is no {source}") from error
    except (pyrage.DecryptError, ValueError, KeyError) as error:
        raise InputError(f"{identity} does not open {source}") from error


def break_glass(device: Device, key: SealedKey, transport: Dialler) -> Proof:
    """Take every lock of a device away by a sealed key alone, and return what it then shows.

    Nothing but the device itself takes part: no certificate, no relay, no second person.

    Raises
    ------
    FleetError
        When the device does not answer, is another, or does not take the key.
    """
    wire = SshWire(lane=Lane(credential=lambda: key.credential, transport=transport))
    challenge = secrets.token_hex(16)
    asked = json.dumps({"request": "", "challenge": challenge}).encode()
    answer = wire.said(device, _PATIENCE, "prove", asked)
    now_provisioned = replace(device, nonce=device.nonce or _provisioning(answer))
    shown = read_proof(answer, now_provisioned, request="", challenge=challenge).shown
    if not shown["locks"]:
        raise InputError(f"no lock holds on {device.device}")
    request = new_request(
        Action.UNLOCK,
        [now_provisioned],
        scope=f"device:{device.device}",
        by=key.name,
        now=datetime.now(tz=UTC),
        expires=datetime.now(tz=UTC) + _VALID,
        parameters={"locks": ",".join(shown["locks"])},
    )
    (included,) = inclusion([leaf(device.device, now_provisioned.nonce)])
    with key.credential.files() as folder:
        asks = signed(request, operator=key.name, key=folder / "key", namespace=REQUESTED)
    sent = order(request, [asks], included, challenge=challenge)
    answer = wire.said(device, _PATIENCE, "order", sent)
    return read_proof(answer, now_provisioned, request=request.request, challenge=challenge)


def _provisioning(answer: bytes) -> str:
    """Return the provisioning that a device says it has; its signature is checked after this."""
    try:
        return str(json.loads(json.loads(answer)["proof"])["provisioning"])
    except (ValueError, KeyError, TypeError) as error:
        raise NotProvenError("the device answered nothing that can be read") from error


def _encoded(name: str, private: str) -> bytes:
    return json.dumps({"name": name, "key": private}).encode()

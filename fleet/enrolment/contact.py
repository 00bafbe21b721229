"""One device from first contact to live: what is sent, what is tried, what is undone."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fleet.enrolment.program import program_files, program_links, trust_parts
from fleet.errors import HostKeyChangedError, NotProvenError, RefusedError, UnreachableError
from fleet.identity import Identity, Lane
from fleet.ssh import Dialler, Target, fingerprint, host_key_of, open_session

if TYPE_CHECKING:
    from fleet.device import Device
    from fleet.identity import Credential
    from fleet.ssh import Session

# The fact in the registry that says which statement of trust a device holds.
TRUST_FACT = "trust_statement"

_CONVERGE = "python3 -I -S -E /usr/local/lib/wingspan/wingspan_state.py </dev/null"
_USERS = {Lane.BROKER: "wingspan", Lane.DEPLOY: "root"}
# The program's parts come with the first bytes of the input, its order with the rest: so nothing
# has to be on the device beforehand, and neither is ever an argument.
_STREAMED = """
import json, sys, types
for name, text in json.loads(sys.stdin.buffer.read({size})).items():
    part = sys.modules[name] = types.ModuleType(name)
    part.__file__ = "/usr/local/lib/wingspan/" + name + ".py"
    exec(compile(text, name, "exec"), part.__dict__)
sys.exit(part.main(sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """Who speaks to the devices, over which way, and how long an answer may take."""

    identity: Identity
    transport: Dialler
    operator: str
    timeout_s: float = 60
    # Where devices ask for the time; empty for where they see us when they are enrolled.
    clocks: tuple[tuple[str, int], ...] = ()

    def session(self, device: Device, lane: Lane, *, purpose: str, authority: str = "") -> Session:
        """Open a session on an enrolled device with a certificate made for it.

        `authority` names the key that signs it, where that is not the one in use.

        Raises
        ------
        UnreachableError, HostKeyChangedError, RefusedError
            As `fleet.ssh.open_session` does.
        """
        self.identity.refuse_elsewhere(self.operator, device.prison_id)
        credential = self.identity.credential(
            lane,
            operator=self.operator,
            purpose=purpose,
            principals=(f"device-{device.device}",) if lane is Lane.DEPLOY else (),
            authority=authority,
        )
        return self.opened(device, _USERS[lane], credential)

    def opened(self, device: Device, user: str, credential: Credential) -> Session:
        """Open a session on a device as a user."""
        target = Target(
            device=device.device,
            address=device.address,
            port=device.port,
            user=user,
            host_key=device.host_key,
            key_exchange="",
        )
        return open_session(target, credential, self.transport, timeout_s=self.timeout_s)


def ordered(centre: Centre, session: Session, order: str, content: Any = None) -> dict[str, Any]:
    """Let the device's own program carry out an order of trust, and return its answer.

    Raises
    ------
    RefusedError
        When the device refuses the order.
    NotProvenError
        When its answer makes no sense.
    """
    program = json.dumps(trust_parts()).encode()
    words = ["python3", "-I", "-c", _STREAMED.format(size=len(program)), order]
    stdin = program + json.dumps(content if content is not None else {}).encode()
    answer = session.run(shlex.join(words), stdin=stdin, timeout_s=centre.timeout_s)
    try:
        told = json.loads(answer.stdout)
    except ValueError as error:
        why = answer.stderr.decode(errors="replace").strip() or f"status {answer.status}"
        raise NotProvenError(f"{session.device} gave no answer to {order}: {why}") from error
    if "refused" in told:
        raise RefusedError(f"{session.device} refuses to {order}: {told['refused']}")
    return dict(told)


def check_host_key(centre: Centre, device: Device) -> None:
    """Compare the key at a device's address with the one that it should have.

    Raises
    ------
    HostKeyChangedError
        When another answers there.
    UnreachableError
        When nothing does.
    """
    where = (device.address, device.port)
    try:
        found = host_key_of(*where, centre.transport, timeout_s=centre.timeout_s)
    except UnreachableError as error:
        what = f"nothing like {device.serial} answers there"
        raise UnreachableError(what, stage=error.stage) from error
    if found != device.host_key:
        raise HostKeyChangedError(
            f"what answers at {device.address} port {device.port} is not {device.serial}: "
            f"it holds {fingerprint(found)}, the list says {fingerprint(device.host_key)}",
            hint="see which device stands there; correct the list only by the device's own label",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an enrolled device was found to have: key exchange, number of its trust statement."""

    key_exchange: str
    trust_statement: int


def enrol_device(centre: Centre, device: Device) -> Found:
    """Make the device ours, and return what was found of it.

    The old way in closes after both new ones were tried, and opens again if they fail once it
    has closed; the session that closed it lives on until then.

    Raises
    ------
    HostKeyChangedError, RefusedError, UnreachableError, NotProvenError
        When the device is not live afterwards, and why.
    """
    with _first_session(centre, device) as first:
        ordered(centre, first, "enrol", _order(centre, device))
        _prove(centre, device)
        ordered(centre, first, "close")
        try:
            told = _prove(centre, device)
            _refused_at_last(centre, device)
        except Exception:
            ordered(centre, first, "reopen")
            raise
        if told["wrong"]:
            ordered(centre, first, "reopen")
            differing = "; ".join(told["wrong"])
            raise NotProvenError(f"{device.device} keeps other settings: {differing}")
        ordered(centre, first, "sealed")
        # What an earlier provisioning left shut opens only now that there is a new one.
        first.run(_CONVERGE, timeout_s=centre.timeout_s)
        key_exchange = first.key_exchange
    return Found(key_exchange=key_exchange, trust_statement=told["number"])


def _first_session(centre: Centre, device: Device) -> Session:
    """Open a session as root: with the bootstrap key, or as an enrolment cut short left it."""
    try:
        return centre.opened(device, "root", centre.identity.bootstrap())
    except HostKeyChangedError:
        raise
    except RefusedError as refusal:
        try:
            return centre.session(device, Lane.DEPLOY, purpose="enrol")
        except RefusedError:
            raise refusal from None


def _order(centre: Centre, device: Device) -> dict[str, Any]:
    return common_order(centre) | own_order(device)


def own_order(device: Device) -> dict[str, Any]:
    """Return what the order to enrol says to one device alone."""
    return {"device": device.device, "prison_id": device.prison_id, "nonce": device.nonce}


def common_order(centre: Centre) -> dict[str, Any]:
    """Return what the order to enrol says to every device; nothing in it is secret."""
    envelope = centre.identity.envelope()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "trust_key": centre.identity.trust_public(),
        "envelope": {"statement": envelope.statement, "signature": envelope.signature},
        "files": program_files(),
        "links": program_links(),
        "clock": [list(one) for one in centre.clocks],
        "time_s": time.time(),
    }


def probe(centre: Centre, device: Device, *, purpose: str, authority: str = "") -> dict[str, Any]:
    """Return what a device answers to a probe on a new login of the broker lane.

    Raises
    ------
    NotProvenError
        When it answers as another device, or as the same one of an earlier provisioning.
    """
    with centre.session(device, Lane.BROKER, purpose=purpose, authority=authority) as session:
        probed = session.run("probe", timeout_s=centre.timeout_s)
    if probed.status:
        why = probed.stderr.decode(errors="replace").strip() or f"status {probed.status}"
        raise NotProvenError(f"{device.device} does not answer a probe: {why}")
    said = json.loads(probed.stdout)
    if (said.get("device"), said.get("nonce")) != (device.device, device.nonce):
        raise NotProvenError(f"{device.device} answers a probe as {said.get('device')}")
    return dict(said)


def _prove(centre: Centre, device: Device) -> dict[str, Any]:
    """Log in anew on both lanes, and return what sshd says of its settings."""
    probe(centre, device, purpose="enrol")
    with centre.session(device, Lane.DEPLOY, purpose="enrol") as session:
        return ordered(centre, session, "settings")


def _refused_at_last(centre: Centre, device: Device) -> None:
    """Make sure that the bootstrap key opens nothing any more."""
    try:
        session = centre.opened(device, "root", centre.identity.bootstrap())
    except RefusedError:
        return
    session.close()
    raise NotProvenError(f"{device.device} still lets the bootstrap key in")

"""The relay at work: it takes what the centre says, carries it out, and reports until heard.

What it was told is kept before anything is done, so that a worker which is killed, or a broker that
hands a wave out twice, changes nothing: the next pass asks the devices, and goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from fleet.approval import Action, is_included, leaf, read_request
from fleet.approval.agreement import agreement
from fleet.approval.order import Signature
from fleet.audit import AuditLog, begin
from fleet.device import Device
from fleet.driver import Driver
from fleet.errors import FleetError, InputError, RefusedError
from fleet.identity.statement import Envelope
from fleet.intent import ENDED
from fleet.reconcile import reconcile, standings
from fleet.registry import Registry
from fleet.registry.relays import mirror_devices
from fleet.registry.requests import (
    add_intents,
    intents_of,
    keep_request,
    keep_signature,
    proofs_of,
    requests_kept,
    requests_left,
    set_status,
)
from fleet.relay.lane import forget_waves, held_parts, keep_part, kept_waves, run_wave
from fleet.relay.message import TO_CENTRE, TO_RELAY, Kind, Message, opened
from fleet.relay.place import OPERATOR, Place
from fleet.topology import Topology
from reports.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.approval import Request
    from fleet.reconcile import Reconciled

_JUST_NOW = timedelta(minutes=5)
_DONE, _REFUSED = "done", "refused"


@dataclass(slots=True, kw_only=True)
class Node:
    """A prison's relay: its place, its registry, its devices, and the way to the centre.

    `report` takes a sealed report; `again_s` is after how long one that the centre has not
    acknowledged is sent again, `taken` how many messages were taken.
    """

    place: Place
    registry: Registry
    driver: Callable[[], Driver]
    report: Callable[[dict[str, str]], None]
    again_s: float = 60
    taken: int = 0
    _answers: list[int] = field(default_factory=list)
    _asked: set[str] = field(default_factory=set)
    _refused: dict[str, str] = field(default_factory=dict)
    _pending: dict[int, tuple[dict[str, str], list[int]]] = field(default_factory=dict)
    _waving: set[int] = field(default_factory=set)
    _last: dict[str, str] = field(default_factory=dict)
    _reported_s: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def take(self, sealed: Any) -> None:
        """Take one message, do what follows from it, and report.

        What is not signed by the centre is noted in the log, and changes nothing.
        """
        with self._lock:
            self.taken += 1
            public, prison = self.place.identity.trust_public(), self.place.prison
            try:
                message = opened(sealed, public=public, namespace=TO_RELAY, prison=prison)
            except RefusedError as error:
                self._log({}, _REFUSED, str(error))
                return
            if message.kind == Kind.RECEIVED:
                self._take_receipt(message)
                return
            outcome, why = _DONE, ""
            try:
                self._do(message)
            except FleetError as error:
                outcome, why = _REFUSED, str(error)
            told = {"kind": message.kind, "number": message.number}
            self._log(told | {"request": message.said.get("request", "")}, outcome, why)
        if outcome == _DONE:
            self._carry_out(message)
        with self._lock:
            self._answers.append(message.number)
            self._tell()

    def _carry_out(self, message: Message) -> None:
        """Do what is due. A lock does not wait for what is under way."""
        if message.kind == Kind.WAVE:
            self._run_wave(message)
        elif message.kind == Kind.ORDER and _is_lock(message):
            name = message.said["request"]
            carry_out_here(self.place, self.registry, self.driver, only=name)
        else:
            with self.place.alone():
                self._pass()

    def _run_wave(self, message: Message) -> None:
        """Run one phase of a wave once; what came of it stays until the centre has it."""
        number, name = message.number, f"waves/{message.number}"
        with self._lock:
            if number in self._waving or self.place.kept(name):
                return  # Handed out again while it goes on, or after it.
            self._waving.add(number)
        try:
            self.place.keep(name, self._wave(message.said))
        finally:
            with self._lock:
                self._waving.remove(number)

    def _wave(self, said: Mapping[str, Any]) -> dict[str, Any]:
        request = read_request(said["encoded"].encode())
        if why := self._may_not(request, said["signatures"]):
            return {"why": why}
        meant = self._meant(request, said["devices"])
        devices = [device for _, device in sorted(self.registry.named(meant).items())]
        signed = [Signature(operator=o, signature=s) for o, s in said["signatures"].items()]
        try:
            return run_wave(self.place, request, signed, devices, said)
        except FleetError as error:
            return {"why": str(error)}

    def _log(self, detail: Mapping[str, Any], outcome: str, why: str) -> None:
        log = AuditLog(self.place.workspace.audit)
        running = begin(log, operator=OPERATOR, action="relay take", scope=self.place.prison)
        running.detail |= dict(detail) | ({"why": why} if why else {})
        running.end(outcome)

    def round(self) -> None:
        """Carry out what is due on the devices that answer, and report what has changed."""
        with self.place.alone():
            self._pass()
        with self._lock:
            self._tell()

    def _do(self, message: Message) -> None:
        said = message.said
        if "trust" in said:
            self.place.take_statement(msgspec.convert(said["trust"], Envelope))
        if "roster" in said:
            self._take_roster(message.number, said["roster"])
        if message.kind == Kind.PART:
            keep_part(self.place, said)
        elif message.kind == Kind.ORDER:
            self._take_order(message)
        elif message.kind == Kind.ASK:
            self._take_question(message)

    # --- what is told -----------------------------------------------------------------------

    def _take_roster(self, number: int, roster: Mapping[str, Any]) -> None:
        if number <= self.place.kept("roster").get("number", 0):
            return  # An older one that comes late, or the same again.
        devices = msgspec.convert(roster["devices"], tuple[Device, ...])
        self.registry.load_locations(msgspec.convert(roster["topology"], Topology))
        with self.registry.writing() as connection:
            mirror_devices(connection, devices)
        self.place.workspace.topology.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.place.workspace.topology, json.dumps(roster["topology"]))
        self.place.keep("roster", {"number": number})

    def _take_order(self, message: Message) -> None:
        said = message.said
        name = said["request"]
        request = read_request(said["encoded"].encode())
        why = self._may_not(request, said["signatures"])
        if request.request != name or why:
            self._refused[name] = why or "it names another request"
            raise RefusedError(self._refused[name])
        self._refused.pop(name, None)
        meant = self._meant(request, said["devices"])
        self._keep_order(request, said, meant)
        self._set_status(name, said["status"], message.number)

    def _keep_order(
        self, request: Request, said: Mapping[str, Any], meant: Mapping[str, Mapping[str, Any]]
    ) -> None:
        name, now = request.request, datetime.now(tz=UTC)
        proofs = self.place.kept(f"orders/{name}")
        proofs |= {device: one["included"] for device, one in meant.items()}
        self.place.keep(f"orders/{name}", proofs)
        nonces = {device: one["provisioning"] for device, one in meant.items()}
        with self.registry.writing() as connection:
            if name not in {one.request for one in requests_kept(connection)}:
                keep_request(
                    connection,
                    name,
                    nonce=request.nonce,
                    encoded=request.encoded(),
                    devices=nonces,
                    at=now,
                    allowlist=said["allowlist"],
                )
                for operator, made in said["signatures"].items():
                    keep_signature(connection, name, operator=operator, signature=made, at=now)
            else:
                add_intents(connection, name, nonces, at=now)

    def _may_not(self, request: Request, signatures: Mapping[str, str]) -> str:
        """Return why this relay does not carry a request out, by its own judgement."""
        statement = self.place.statement()
        if statement is None:
            return "the relay knows nobody who may sign yet"
        prisons = frozenset({self.place.prison})
        agreed = agreement(request, signatures, statement.signers, prisons)
        if agreed.missing:
            void = "; ".join(f"{name} {why}" for name, why in agreed.void.items())
            return f"{agreed.missing} more must agree: {agreed.why}" + (
                f" ({void})" if void else ""
            )
        return hindered(self.place, request)

    def _meant(
        self, request: Request, devices: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Mapping[str, Any]]:
        """Return those devices that are ours and that the request names, as we know them."""
        ours, expected = self.registry.named(devices), bytes.fromhex(request.devices_root)
        return {
            name: one
            for name, one in devices.items()
            if name in ours
            and ours[name].nonce == one["provisioning"]
            and is_included(leaf(name, one["provisioning"]), one["included"], expected=expected)
        }

    def _take_question(self, message: Message) -> None:
        name = message.said["request"]
        self._asked.add(name)
        with self.registry.reading() as connection:
            known = name in {one.request for one in requests_kept(connection)}
        if known:
            self._set_status(name, message.said["status"], message.number)

    def _set_status(self, name: str, status: str, number: int) -> None:
        """Let a request go on, wait or end, unless what says so was overtaken."""
        heard = self.place.kept("statuses")
        if number > heard.get(name, 0):
            with self.registry.writing() as connection:
                set_status(connection, name, status)
            self.place.keep("statuses", heard | {name: number})

    def _take_receipt(self, message: Message) -> None:
        digests, waves = self._pending.pop(message.said["report"], ({}, []))
        forget_waves(self.place, waves)
        if digests:
            self.place.keep("received", self.place.kept("received") | digests)

    # --- what is done and told --------------------------------------------------------------

    def _pass(self) -> None:
        if self.place.statement() is not None:  # Before the first it may do nothing.
            carry_out_here(self.place, self.registry, self.driver)

    def _tell(self) -> None:
        """Send what the centre does not have yet; it stays here until the centre says so.

        Where there is nothing new, a sign of life is sent now and then all the same.
        """
        requests, digests = self._unheard()
        waves = kept_waves(self.place)
        news = self._answers or self._refused or digests != self._last
        if not news and time.monotonic() - self._reported_s < self.again_s:
            return
        number = self.place.kept("reports").get("number", 0) + 1
        self.place.keep("reports", {"number": number})
        said = self._said(requests) | {"waves": waves, "bundles": held_parts(self.place)}
        message = Message(kind="report", prison=self.place.prison, number=number, said=said)
        self._pending[number] = digests, list(waves)
        try:
            self.report(message.sealed(self.place.report_key(), namespace=TO_CENTRE))
        except FleetError:
            return  # The next round tries again.
        self._reported_s, self._last = time.monotonic(), digests
        self._answers.clear()
        self._asked.clear()
        self._refused.clear()

    def _said(self, requests: Mapping[str, Any]) -> dict[str, Any]:
        statement = self.place.statement()
        entries = list(AuditLog(self.place.workspace.audit).entries())
        head = entries[-1] if entries else None
        return {
            "at_s": int(time.time()),
            "trust": statement.number if statement else 0,
            "roster": self.place.kept("roster").get("number", 0),
            "audit": {"entries": head.number if head else 0, "hash": head.hash if head else ""},
            "answers": list(self._answers),
            "refused": dict(self._refused),
            "unknown": sorted(self._asked - set(requests)),
            "requests": dict(requests),
        }

    def _unheard(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the requests that the centre asked about or has not acknowledged as they are."""
        received = self.place.kept("received")
        found, digests = {}, {}
        with self.registry.reading() as connection:
            for kept in requests_kept(connection):
                name = kept.request
                if received.get(name) == _SETTLED and name not in self._asked:
                    continue
                intents = intents_of(connection, [name])[name]
                proofs = proofs_of(connection, name)
                told = [
                    [i.device, i.provisioning, i.state, i.why, proofs.get(i.device, "")]
                    for i in intents
                ]
                over = all(i.state in ENDED for i in intents)
                digest = sha256(json.dumps(told).encode()).hexdigest()
                if received.get(name) == digest and name not in self._asked and not over:
                    continue
                digests[name] = _SETTLED if over else digest
                found[name] = {
                    "encoded": kept.encoded.decode(),
                    "signatures": dict(kept.signatures),
                    "allowlist": kept.allowlist,
                    "intents": told,
                }
        return found, digests


_SETTLED = "settled"


def hindered(place: Place, request: Request) -> str:
    """Return why a relay may not send a request now: its list of signers may be too old."""
    statement = place.statement()
    if statement is None:
        return "the relay knows nobody who may sign yet"
    if statement.is_too_old(time.time()) and request.action is not Action.LOCK:
        issued = datetime.fromtimestamp(statement.issued_s, tz=UTC)
        return f"the list of signers is from {issued:%Y-%m-%d}, too old for anything but locks"
    return ""


def carry_out_here(
    place: Place, registry: Registry, driver: Callable[[], Driver], *, only: str = ""
) -> Reconciled:
    """Carry out what is due on the devices of a relay's prison, or `only` one request.

    Raises
    ------
    InputError
        When the relay has not heard from the centre yet.
    """
    statement = place.statement()
    if statement is None:
        hint = "its service has to reach the broker once: wingspan fleet relay status"
        raise InputError("this relay knows nobody who may sign yet", hint=hint)
    return reconcile(
        registry,
        driver(),
        statement.signers,
        now=datetime.now(tz=UTC),
        by=OPERATOR,
        hindered=lambda request: hindered(place, request),
        included=lambda name: place.kept(f"orders/{name}"),
        only=only,
    )


def carry_out_beside(place: Place, registry: Registry, driver: Callable[[], Driver]) -> Reconciled:
    """Carry out what is due as a person who works on a relay, beside its service.

    Returns where the devices stand with all that is not over or was asked for just now: the
    service may have been the one that carried it out.

    Raises
    ------
    InputError
        When the relay has not heard from the centre yet.
    """
    just_now = datetime.now(tz=UTC) - _JUST_NOW
    with registry.reading() as connection:
        kept = requests_kept(connection)
        names = {one.request for one in requests_left(connection)}
    names |= {one.request for one in kept if one.at >= just_now}
    with place.alone():
        carry_out_here(place, registry, driver)
    return standings(registry, names)


def _is_lock(message: Message) -> bool:
    return read_request(message.said["encoded"].encode()).action is Action.LOCK

"""The relay at work: it takes what the centre says, carries it out, and reports until heard.

What it was told is kept before anything is done, and only then does the broker let go of it. So no
work is longer than a broker's patience, and a worker that is killed, or a message that comes twice,
changes nothing: the next pass asks the devices, and goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from fleet.approval import is_included, leaf, read_request
from fleet.approval.agreement import agreement
from fleet.approval.order import Signature
from fleet.audit import AuditLog, begin
from fleet.device import REACHABLE_STATES, Device
from fleet.driver import Driver
from fleet.errors import FleetError, RefusedError
from fleet.identity.statement import Envelope
from fleet.intent import ENDED
from fleet.registry import Registry
from fleet.registry.relays import mirror_devices
from fleet.registry.requests import (
    OPEN,
    add_intents,
    intents_of,
    keep_request,
    keep_signature,
    proofs_of,
    requests_kept,
    set_status,
)
from fleet.relay.duty import carry_out_here, hindered
from fleet.relay.lane import forget_waves, held_parts, keep_part, kept_waves, run_wave
from fleet.relay.message import TO_CENTRE, TO_RELAY, Kind, Message, opened
from fleet.relay.place import OPERATOR, Place
from fleet.relay.replies import told_of
from fleet.topology import Topology
from reports.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.approval import Request

_DONE, _REFUSED = "done", "refused"
_CONTACT = "contact"
# What takes longer than to write it down; what came of it is told under the message's number.
_JOBS = frozenset({Kind.WAVE, Kind.PROBE, Kind.PROVE})


def last_contact(place: Place) -> dict[str, int]:
    """Return when a relay last logged in to all its devices, to how many, and who answered."""
    return place.kept(_CONTACT)


def at_once(work: Callable[[], None]) -> None:
    """Do some work before anything else."""
    work()


@dataclass(slots=True, kw_only=True)
class Node:
    """A prison's relay: its place, its registry, its devices, and the way to the centre.

    `answering` asks devices how they are and returns those that answer. `report` takes a sealed
    report; `again_s` is after how long one that the centre has not acknowledged is sent again,
    `taken` how many messages were taken. `begin` begins work that outlasts the taking of a message.
    """

    place: Place
    registry: Registry
    driver: Callable[[], Driver]
    answering: Callable[[Sequence[Device]], frozenset[str]]
    report: Callable[[dict[str, str]], None]
    begin: Callable[[Callable[[], None]], None] = at_once
    again_s: float = 60
    taken: int = 0
    _answers: list[int] = field(default_factory=list)
    _asked: set[str] = field(default_factory=set)
    _refused: dict[str, str] = field(default_factory=dict)
    _pending: dict[int, tuple[dict[str, str], list[int]]] = field(default_factory=dict)
    _working: set[int] = field(default_factory=set)
    _awaiting: list[int] = field(default_factory=list)
    _last: dict[str, str] = field(default_factory=dict)
    _reported_s: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def take(self, sealed: Any) -> None:
        """Take one message: keep what it says, and begin what follows from it.

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
        if outcome == _REFUSED or message.kind in {Kind.NEWS, Kind.PART, Kind.WORD}:
            if message.kind in _JOBS:
                self.place.keep(f"waves/{message.number}", {"why": why})
            self._answer([message.number])
        elif message.kind in _JOBS:
            self._begin_job(message.number)
        elif message.kind == Kind.ORDER:
            self.begin(partial(self._order_now, message))
        else:
            self._pass_for(message.number)

    def _answer(self, numbers: Sequence[int]) -> None:
        """Tell the centre that what some messages said is done."""
        with self._lock:
            self._answers.extend(numbers)
            self._tell()

    def _order_now(self, message: Message) -> None:
        """Carry an order out, whatever else is under way; who asks a device twice is told once."""
        carry_out_here(self.place, self.registry, self.driver, only=message.said["request"])
        self._answer([message.number])

    def _pass_for(self, number: int) -> None:
        """Have a pass begin after this, one for all messages that come before it does."""
        with self._lock:
            self._awaiting.append(number)
            if len(self._awaiting) > 1:
                return
        self.begin(self._pass_awaited)

    def _pass_awaited(self) -> None:
        with self.place.alone():
            with self._lock:
                numbers, self._awaiting = self._awaiting, []
            self._pass()
        self._answer(numbers)

    # --- jobs: a phase of a wave, or a question to devices --------------------------------------

    def resume(self) -> None:
        """Begin what was not done when the relay last ended, however that came."""
        for number in self.place.numbered("jobs"):
            self._begin_job(number)

    def _begin_job(self, number: int) -> None:
        """Do a job once, though it is handed out again while it goes on or after it."""
        with self._lock:
            if self.place.kept(f"waves/{number}"):
                self.place.forget(f"jobs/{number}")
            if number in self._working or not self.place.kept(f"jobs/{number}"):
                return
            self._working.add(number)
        self.begin(partial(self._do_job, number))

    def _do_job(self, number: int) -> None:
        """Do a job; what came of it stays until the centre has it."""
        job = self.place.kept(f"jobs/{number}")
        do = {Kind.WAVE: self._wave, Kind.PROBE: self._probe, Kind.PROVE: self._prove}[job["kind"]]
        try:
            found = do(number, job["said"])
        except FleetError as error:
            found = {"why": str(error)}
        self.place.keep(f"waves/{number}", found)
        self.place.forget(f"jobs/{number}")
        with self._lock:
            self._working.remove(number)
        self._answer([number])

    def _probe(self, _number: int, said: Mapping[str, Any]) -> dict[str, Any]:
        return {"answering": sorted(self.answering(self._devices(said["devices"])))}

    def _prove(self, _number: int, said: Mapping[str, Any]) -> dict[str, Any]:
        replies = self.driver().prove(self._devices(said["devices"]), said["request"])
        return {"replies": {reply.device.device: told_of(reply) for reply in replies}}

    def _devices(self, names: Sequence[str] | None = None) -> list[Device]:
        """Return the devices of the prison that can be reached at all, or some of them."""
        return [
            device
            for device in self.registry.devices()
            if device.nonce
            and device.state in REACHABLE_STATES
            and (names is None or device.device in names)
        ]

    def keep_in_contact(self) -> None:
        """Log in to every device: it counts how long nobody of ours did (the dead man's rule)."""
        devices = self._devices()
        answered = self.answering(devices) if devices else frozenset()
        found = {"at_s": int(time.time()), "devices": len(devices), "answered": len(answered)}
        self.place.keep(_CONTACT, found)

    def contact_in_s(self, every_s: float) -> float:
        """Return in how many seconds the devices are to be spoken to again."""
        ago_s = time.time() - last_contact(self.place).get("at_s", 0)
        return max(0.0, every_s - ago_s) if ago_s >= 0 else 0.0

    def _wave(self, number: int, said: Mapping[str, Any]) -> dict[str, Any]:
        request = read_request(said["encoded"].encode())
        if why := self._word_against(request.request, number):
            return {"why": why}
        if why := self._may_not(request, said["signatures"]):
            return {"why": why}
        meant = self._meant(request, said["devices"])
        devices = [device for _, device in sorted(self.registry.named(meant).items())]
        signed = [Signature(operator=o, signature=s) for o, s in said["signatures"].items()]
        return run_wave(self.place, request, signed, devices, said)

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
            self._asked.add(said["request"])
            self._set_status(said["request"], said["status"], message.number)
        elif message.kind == Kind.WORD:
            self._set_status(said["request"], said["status"], message.number)
        elif message.kind in _JOBS and not self.place.kept(f"waves/{message.number}"):
            self.place.keep(f"jobs/{message.number}", {"kind": message.kind, "said": dict(said)})

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
        if request.has_expired(datetime.now(tz=UTC)):
            return "the request has expired"
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

    def _set_status(self, name: str, status: str, number: int) -> None:
        """Let a request go on, wait or end, unless what says so was overtaken."""
        heard = self.place.kept("statuses")
        if number > heard.get(name, (0, OPEN))[0]:
            with self.registry.writing() as connection:
                set_status(connection, name, status)  # An update is not kept there.
            self.place.keep("statuses", heard | {name: (number, status)})

    def _word_against(self, name: str, number: int) -> str:
        """Return that a request was stopped or paused after a message was sent, "" if not."""
        heard, status = self.place.kept("statuses").get(name, (0, OPEN))
        return f"the request is {status}" if heard > number and status != OPEN else ""

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
        with AuditLog(self.place.workspace.audit).writing() as end:
            audit = {"entries": end.number, "hash": end.head if end.number else ""}
        return {
            "at_s": int(time.time()),
            "trust": statement.number if statement else 0,
            "roster": self.place.kept("roster").get("number", 0),
            "audit": audit,
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

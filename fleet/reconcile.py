"""What is due is carried out on the devices that answer, and counts when they have shown it.

After any interruption devices are asked what happened before anything is sent again. A stop takes
effect before the next request; what has been sent is asked about and never sent twice.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from fleet.answer import is_superseded, judged, unanswered
from fleet.approval import Action, Request, inclusion, leaf, read_request
from fleet.approval.agreement import Agreement, agreement
from fleet.approval.request import LATEST_COUNTS, takes_the_place_of
from fleet.device import REACHABLE_STATES, Device, DeviceState
from fleet.driver import Order, Reply
from fleet.intent import UNCERTAIN, IntentEvent, IntentState, follows
from fleet.registry.readings import set_desired
from fleet.registry.requests import (
    PAUSED,
    STOPPED,
    Intent,
    Kept,
    intents_of,
    request_kept,
    requests_left,
    requests_like,
    set_intents,
    taken,
)
from fleet.registry.updates import halts
from fleet.staging import Staging, Updates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fleet.approval.order import Proof
    from fleet.driver import Driver
    from fleet.identity.statement import Signer
    from fleet.registry import Registry

_LISTS = {
    IntentState.PROVEN: "proven",
    IntentState.SENT: "unproven",
    IntentState.SUSPENDED: "unproven",
    IntentState.FAILED: "failed",
    IntentState.EXPIRED: "failed",
    IntentState.WAITING: "waiting",
}
# So many replies, or those of so many seconds, are kept in one step; who dies before it asks again.
_KEPT_AT_ONCE, _KEPT_EVERY_S = 200, 1.0
_STATES_AFTER = {
    Action.QUARANTINE: DeviceState.QUARANTINED,
    Action.RELEASE: DeviceState.LIVE,
    Action.WIPE: DeviceState.WIPED,
}
# In which states a device is meant, where not in those in which it holds our keys: what is lost
# may answer yet, and is then wiped; what is wiped does not come back without being let in.
_MEANT_IN = {
    Action.WIPE: (*REACHABLE_STATES, DeviceState.LOST),
    Action.READMIT: (DeviceState.WIPED,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a device stands with a request, and why."""

    device: str
    intent: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What a pass came to: disjoint, each device and request in one of them.

    Proven showed the effect; failed said that it could not, or it was too late; unproven may or
    may not have done it; waiting was not sent.
    """

    proven: tuple[Standing, ...]
    unproven: tuple[Standing, ...]
    failed: tuple[Standing, ...]
    waiting: tuple[Standing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A request that is not over: what was signed, by whom, and the intents that it has left.

    `devices` are those of `everyone`, by name.
    """

    kept: Kept
    request: Request
    agreement: Agreement
    intents: tuple[Intent, ...]
    everyone: tuple[Intent, ...]
    devices: Mapping[str, Device]


def reconcile(  # noqa: PLR0913 - who acts on what, by which way, by name
    registry: Registry,
    driver: Driver,
    signers: Sequence[Signer],
    *,
    now: datetime,
    by: str,
    hindered: Callable[[Request], str] = lambda _request: "",
    updates: Updates | None = None,
    included: Callable[[str], Mapping[str, Sequence[str]]] = lambda _request: {},
    only: str = "",
) -> Reconciled:
    """Carry out what is due, the most urgent first, and return where each device stands.

    `hindered` says why a request may not be sent from here now, "" where it may. `updates` is
    what updates are carried out with; without it they are left. `included` gives the proofs that
    devices are among a request's, for one who does not know all of these, {} where they follow
    from the devices at hand. Where `only` names a request, no other is looked at.
    """
    stood: dict[tuple[str, str], tuple[IntentState, str]] = {}
    seen: set[str] = set()

    def carry_out(above: int | None = None) -> None:
        """Carry out what was not looked at yet, of higher priority than `above`."""
        with registry.reading() as connection:
            left = [read_request(kept.encoded) for kept in requests_left(connection)]
        for request in sorted(left, key=lambda each: -each.priority):  # And then the oldest.
            if request.request in seen or (above is not None and request.priority <= above):
                continue
            if only not in {"", request.request}:
                continue
            seen.add(request.request)
            # Read anew: a stop, or a proof of the last request, may have changed it since.
            work = work_of(registry, signers, request.request)
            one = _Pass(registry, driver, work, now=now, by=by)
            one.hindered, one.included = hindered(request), included(request.request)
            ended = one.run(updates, partial(carry_out, above=request.priority))
            stood.update({(request.request, name): standing for name, standing in ended.items()})

    carry_out()
    return _sorted(stood)


def _sorted(stood: Mapping[tuple[str, str], tuple[IntentState, str]]) -> Reconciled:
    lists: defaultdict[str, list[Standing]] = defaultdict(list)
    for (request, device), (state, why) in sorted(stood.items()):
        if state in _LISTS:  # What was stopped is no longer wanted.
            lists[_LISTS[state]].append(Standing(device=device, intent=request, why=why))
    return Reconciled(**{name: tuple(lists[name]) for name in set(_LISTS.values())})


def standings(registry: Registry, requests: Iterable[str]) -> Reconciled:
    """Return where the devices of some requests stand, as it is kept."""
    with registry.reading() as connection:
        found = intents_of(connection, requests)
    everyone = [one for intents in found.values() for one in intents]
    return _sorted({(i.request, i.device): (IntentState(i.state), i.why) for i in everyone})


def works(registry: Registry, signers: Sequence[Signer]) -> list[Work]:
    """Return the requests that are not over, the most urgent and then the oldest first."""
    with registry.reading() as connection:
        names = [kept.request for kept in requests_left(connection)]
    found = [work_of(registry, signers, name) for name in names]
    return sorted(found, key=lambda work: (-work.request.priority, work.kept.at))


def work_of(registry: Registry, signers: Sequence[Signer], name: str) -> Work:
    """Return what there is left of one request."""
    with registry.reading() as connection:
        kept = request_kept(connection, name)
        everyone = tuple(intents_of(connection, [name])[name])
    devices = registry.named(intent.device for intent in everyone)
    request = read_request(kept.encoded)
    prisons = frozenset(device.prison_id for device in devices.values())
    return Work(
        kept=kept,
        request=request,
        agreement=agreement(request, kept.signatures, signers, prisons),
        intents=tuple(
            i for i in everyone if i.state in UNCERTAIN or i.state == IntentState.WAITING
        ),
        everyone=everyone,
        devices=devices,
    )


class _Moved(NamedTuple):
    """What happened to the intent of one device."""

    device: str
    event: IntentEvent
    why: str
    proof: Proof | None = None


class _Pass:
    """One request, carried as far as its devices answer."""

    def __init__(
        self,
        registry: Registry,
        driver: Driver,
        work: Work,
        *,
        now: datetime,
        by: str,
    ) -> None:
        self._registry, self._driver, self._work = registry, driver, work
        self._devices = work.devices
        self._now, self._by = now, by
        self.hindered = ""
        self.included: Mapping[str, Sequence[str]] = {}
        self._state = {intent.device: IntentState(intent.state) for intent in work.intents}
        self._why = {intent.device: intent.why for intent in work.intents}
        self._ended = {intent.device: IntentState(intent.state) for intent in work.everyone}

    def run(
        self, updates: Updates | None, urgent: Callable[[], None]
    ) -> dict[str, tuple[IntentState, str]]:
        """Ask those that may have acted, then send the order to those that have not had it.

        Returns where each device stands, and why. Before each wave of an update `urgent` carries
        out what may not wait for it; of several who would carry updates out, one does.
        """
        if self._work.request.action is not Action.UPDATE:
            self._carry_out(self._send)
        elif updates is None:
            why = "updates are carried out at the centre, by an operator or an admin"
            self._why |= dict.fromkeys(self._state, why)
        else:
            with self._registry.alone("updates") as is_alone:
                if is_alone:
                    self._carry_out(partial(self._stage, updates=updates, urgent=urgent))
                else:  # Who is about to prove it is no news of ours.
                    self._state = {n: s for n, s in self._state.items() if s is IntentState.WAITING}
                    self._why |= dict.fromkeys(self._state, "another is carrying updates out")
        return {name: (state, self._why[name]) for name, state in self._state.items()}

    def _carry_out(self, send: Callable[[Sequence[str]], None]) -> None:
        reachable = [i for i in self._work.intents if self._can_be_meant(i)]
        asked = [i.device for i in reachable if i.state in UNCERTAIN]
        if asked:
            self.prove(asked)
        due = [i for i in reachable if self._state[i.device] is IntentState.WAITING]
        if due:
            self._send_what_may_be_sent(self._not_superseded(due), send)

    def _send_what_may_be_sent(
        self, due: Sequence[str], send: Callable[[Sequence[str]], None]
    ) -> None:
        why_not = self._why_not()
        if self._work.kept.status == STOPPED:
            self._move(due, IntentEvent.WITHDRAW, "the request was stopped")
        elif self._work.request.has_expired(self._now):
            self._move(due, IntentEvent.EXPIRE, why_not or "it expired before the device answered")
        elif why_not:
            self._why |= dict.fromkeys(due, why_not)
        elif due and self._work.request.action is Action.READMIT:
            self._readmit(due)
        elif due:
            send(due)

    def _can_be_meant(self, intent: Intent) -> bool:
        """Return whether an intent is still for the device as it is; end or keep it otherwise."""
        device = self._devices[intent.device]
        if device.nonce != intent.provisioning:
            event = IntentEvent.FAIL if intent.state in UNCERTAIN else IntentEvent.EXPIRE
            self._move([intent.device], event, "the device was provisioned anew")
            return False
        if device.state not in _MEANT_IN.get(self._work.request.action, REACHABLE_STATES):
            self._why[intent.device] = f"it is {device.state}"
            return False
        return True

    def _not_superseded(self, waiting: Sequence[Intent]) -> list[str]:
        """End what waits for devices that did a later order in its place; return the others."""
        request = self._work.request
        words = [f'"supersedes":"{request.request}"']
        words += [f'"action":"{request.action}"'] if request.action in LATEST_COUNTS else []
        with self._registry.reading() as connection:
            known = map(read_request, requests_like(connection, *words))
            later = sorted(
                (one for one in known if takes_the_place_of(one, request)),
                key=lambda one: one.requested_s,
            )
            nonces = {intent.device: intent.provisioning for intent in waiting}
            done = taken(connection, [one.request for one in later], nonces)
        self._keep(
            [
                _Moved(name, IntentEvent.SUPERSEDE, f"{by} has taken its place")
                for name, by in sorted(done.items())
            ]
        )
        return [name for name in nonces if name not in done]

    def _why_not(self) -> str:
        """Return why nothing may be sent now, "" where it may."""
        if self._work.kept.status == PAUSED:
            with self._registry.reading() as connection:
                halted = halts(connection).get(self._work.request.request)
            return f"the request is paused: {halted}" if halted else "the request is paused"
        if self.hindered:
            return self.hindered
        if self._work.agreement.missing:
            return f"{self._work.agreement.missing} more must agree: {self._work.agreement.why}"
        due = self._work.request.due
        return f"it is due at {due:%Y-%m-%d %H:%M}" if due and due > self._now else ""

    def _readmit(self, names: Sequence[str]) -> None:
        """Let wiped devices be enrolled again: nothing is sent, and they have no keys of ours."""
        why = self._work.request.request
        self._registry.set_states(names, DeviceState.SPARE, by=self._by, why=why)
        self._move(names, IntentEvent.SEND, "")
        self._move(names, IntentEvent.PROVE, "")

    def _send(self, names: Sequence[str]) -> None:
        orders = self.orders(names)
        # Noted before anything goes out: a crash leaves the question open, never a second order.
        self.sent(names)
        self.take(self._driver.order([self._devices[name] for name in names], orders))

    def _stage(self, due: Sequence[str], *, updates: Updates, urgent: Callable[[], None]) -> None:
        """Carry an update out wave by wave; what is left of one that was stopped is over."""
        request = self._work.request
        Staging(
            self._registry, updates, request, everyone=self._devices, hands=self, urgent=urgent
        ).run(due)
        with self._registry.reading() as connection:
            stopped = request_kept(connection, request.request).status == STOPPED
        left = [name for name in due if self._state[name] is IntentState.WAITING]
        if stopped:
            self._move(left, IntentEvent.WITHDRAW, "the request was stopped")
        elif request.has_expired(datetime.now(tz=UTC)):
            self._move(left, IntentEvent.EXPIRE, "it expired before its turn")

    def orders(self, names: Sequence[str]) -> dict[str, Order]:
        """Return the orders for devices."""
        included = self.included or self._included
        return {
            name: Order(
                request=self._work.request,
                signatures=self._work.agreement.signatures,
                included=included[name],
                allowlist=self._work.kept.allowlist,
            )
            for name in names
        }

    def sent(self, names: Sequence[str]) -> None:
        """Note that orders go out now."""
        self._move(names, IntentEvent.SEND, "sent")

    def prove(self, names: Sequence[str]) -> None:
        """Ask devices what became of the request, and keep what they say."""
        asked = [self._devices[name] for name in names]
        replies = self._driver.prove(asked, self._work.request.request)
        self.take(map(unanswered, replies))

    def state(self, name: str) -> IntentState:
        """Return where a device stands, also one that is done."""
        return self._state.get(name) or self._ended[name]

    def why(self, name: str) -> str:
        """Return why it stands there."""
        return self._why[name]

    def leave(self, name: str, why: str) -> None:
        """Say why a device is left for a later pass."""
        self._why[name] = why

    @cached_property
    def _included(self) -> dict[str, list[str]]:
        names = sorted(intent.device for intent in self._work.everyone)
        nonces = {intent.device: intent.provisioning for intent in self._work.everyone}
        proofs = inclusion([leaf(name, nonces[name]) for name in names])
        return dict(zip(names, proofs, strict=True))

    def take(self, replies: Iterable[Reply]) -> None:
        """Keep replies as they come, a few at a time.

        An interruption loses what was not kept yet; those devices are asked again.
        """
        moved: list[_Moved] = []
        kept_s = monotonic()
        try:
            for reply in replies:
                event, why, proof = judged(reply, self._work.request)
                moved.append(_Moved(reply.device.device, event, why, proof))
                if is_superseded(reply):
                    moved.append(_Moved(reply.device.device, IntentEvent.SUPERSEDE, why))
                if len(moved) >= _KEPT_AT_ONCE or monotonic() - kept_s >= _KEPT_EVERY_S:
                    self._keep(moved)
                    moved, kept_s = [], monotonic()
        finally:
            self._keep(moved)

    def _move(self, names: Iterable[str], event: IntentEvent, why: str) -> None:
        self._keep([_Moved(name, event, why) for name in names])

    def _keep(self, moved: Sequence[_Moved]) -> None:
        if not moved:
            return
        changes: list[dict[str, Any]] = []
        for one in moved:
            before = self._state[one.device]
            self._state[one.device] = follows(before, one.event)
            self._why[one.device] = one.why
            changes.append(
                {
                    "device": one.device,
                    "before": before.value,
                    "state": self._state[one.device].value,
                    "why": one.why,
                    "proof": encoded_proof(one.proof) if one.proof else "",
                }
            )
        shown = [one.proof for one in moved if one.proof and one.event is IntentEvent.PROVE]
        with self._registry.writing() as connection:
            set_intents(connection, self._work.request.request, changes, self._now)
            set_desired(
                connection,
                {proof.device: {"ruleset_sha256": proof.ruleset_sha256} for proof in shown},
            )
        if self._work.request.action is Action.UPDATE and shown:
            version = str(self._work.request.parameters["version"])
            observed = {proof.device: {"version": version} for proof in shown}
            self._registry.record_observed(observed, source=self._work.request.request, by=self._by)
        after = _STATES_AFTER.get(self._work.request.action)
        if after and shown:
            names = [proof.device for proof in shown]
            self._registry.set_states(names, after, by=self._by, why=self._work.request.request)


def encoded_proof(proof: Proof) -> str:
    """Return a proof as it is kept: what the device signed, and its signature."""
    return json.dumps({"proof": proof.text, "signature": proof.signature})

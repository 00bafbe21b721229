"""The centre's side: orders go to relays as waves, and what they report is checked by device.

A relay is believed where it says that something is not proven. That something is proven, the device
itself has to have signed.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from fleet.approval import read_request
from fleet.approval.agreement import agreement
from fleet.approval.request import root_of
from fleet.errors import InputError, RefusedError, UnreachableError
from fleet.identity import Identity
from fleet.identity.keys import Key, read_private
from fleet.intent import ENDED
from fleet.registry import Registry
from fleet.registry.relays import (
    RelayState,
    next_number,
    note_relay,
    note_relayed,
    relay_states,
    reported_unknown,
)
from fleet.registry.requests import (
    OPEN,
    intents_of,
    keep_request,
    keep_signature,
    request_kept,
    requests_kept,
    requests_left,
    set_intents,
)
from fleet.relay.broker import Post
from fleet.relay.message import TO_CENTRE, TO_RELAY, Kind, Message, opened
from fleet.scope import Scope
from fleet.topology import Topology

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fleet.device import Device
    from fleet.driver import Order

OVERDUE = timedelta(minutes=5)
# As many relays as are spoken to at a time.
_AT_ONCE = 16
POLL_S = 0.25


@dataclass(slots=True, kw_only=True)
class Centre:
    """The relays of a workspace, by prison, and the way to each.

    `answered` are the numbers of messages that reports since the beginning answered, by prison,
    and `waves` what came of those that were waves.
    """

    registry: Registry
    identity: Identity
    posts: Mapping[str, Post]
    topology: Topology = field(default_factory=Topology)
    answered: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    unknown: set[tuple[str, str]] = field(default_factory=set)
    waves: defaultdict[str, dict[int, Any]] = field(default_factory=lambda: defaultdict(dict))

    def send(self, prison: str, kind: Kind, said: Mapping[str, Any]) -> int:
        """Send a relay a message, with what it lacks, and return its number.

        Raises
        ------
        UnreachableError
            When the broker does not take it.
        """
        news = {} if kind is Kind.RECEIVED else self._news(prison)
        with self.registry.writing() as connection:
            number = next_number(connection, prison)
        message = Message(kind=kind, prison=prison, number=number, said={**said, **news})
        key = read_private(self.identity.path(Key.TRUST))
        self.posts[prison].send(message.sealed(key, namespace=TO_RELAY))
        if "roster" in news:
            digest = _digest(news["roster"])
            with self.registry.writing() as connection:
                note_relay(connection, prison, roster_sent=number, roster_sha256=digest)
        return number

    def _news(self, prison: str) -> dict[str, Any]:
        """Return the statement and the roster where a relay does not have the present ones."""
        state, news = self.states().get(prison, RelayState(prison=prison)), dict[str, Any]()
        if state.trust < self.identity.statement().number:
            news["trust"] = asdict(self.identity.envelope())
        roster = self._roster(prison)
        if _digest(roster) != state.roster_sha256 or state.roster < state.roster_sent:
            news["roster"] = roster
        return news

    def _roster(self, prison: str) -> dict[str, Any]:
        devices: list[Device] = []
        with suppress(InputError):  # A prison may have its relay before its first device.
            devices = self.registry.devices(Scope.parse([prison]))
        elements = [asdict(one) for one in self.topology.elements if one.prison_id == prison]
        cells = [asdict(one) for one in self.topology.cells if one.prison_id == prison]
        return {
            "devices": [asdict(device) for device in devices],
            "topology": {"schema": 1, "elements": elements, "cells": cells},
        }

    def states(self) -> dict[str, RelayState]:
        """Return what was last heard of each relay."""
        with self.registry.reading() as connection:
            return relay_states(connection)

    def collect(self, prison: str) -> int:
        """Take the reports of a relay that are there; return how many.

        Raises
        ------
        UnreachableError
            When the broker does not answer.
        """
        taken: list[int] = []
        count = self.posts[prison].collect(lambda sealed: taken.extend(self._take(prison, sealed)))
        for number in taken:
            self.send(prison, Kind.RECEIVED, {"report": number})
        return count

    def try_to_collect(self, *prisons: str) -> None:
        """Take the reports of relays that are there, where their broker answers."""

        def take(prison: str) -> None:
            with suppress(UnreachableError):
                self.collect(prison)

        self._side_by_side(take, prisons)

    def send_each(
        self, kind: Kind, said: Mapping[str, Mapping[str, Any]]
    ) -> tuple[dict[str, int], dict[str, UnreachableError]]:
        """Send relays what is said to each; return the messages' numbers, and who missed it."""
        missed: dict[str, UnreachableError] = {}
        sent: dict[str, int] = {}

        def send(prison: str) -> None:
            try:
                sent[prison] = self.send(prison, kind, said[prison])
            except UnreachableError as error:
                missed[prison] = error

        self._side_by_side(send, said)
        return sent, missed

    @staticmethod
    def _side_by_side(work: Callable[[str], None], prisons: Iterable[str]) -> None:
        """Do something for each prison: a broker that does not answer costs its seconds once."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(work, sorted(prisons)):
                pass

    def reported(
        self,
        prison: str,
        number: int,
        patience_s: float,
        *,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Mapping[str, Any]:
        """Wait until a relay reports what came of a job, and return that.

        Raises
        ------
        UnreachableError
            When it did not report in time, or we are to stop.
        """
        ends_s = time.monotonic() + patience_s
        while time.monotonic() < ends_s and not stopped():
            self.try_to_collect(prison)
            if number in self.waves[prison]:
                found: Mapping[str, Any] = self.waves[prison].pop(number)
                return found
            time.sleep(POLL_S)
        raise UnreachableError(f"{prison}'s relay has not reported it", stage="command")

    def held(self, prison: str) -> dict[str, list[int]]:
        """Return the parts of bundles that a relay has, by the bundle's hash."""
        state = self.states().get(prison)
        found: dict[str, list[int]] = json.loads(state.bundles) if state and state.bundles else {}
        return found

    def _take(self, prison: str, sealed: Any) -> Iterator[int]:
        """Keep what a relay reports; a report that it did not sign is left out."""
        keys = {one.prison: one.report_key for one in self.identity.relays()}
        try:
            report = opened(sealed, public=keys[prison], namespace=TO_CENTRE, prison=prison)
        except RefusedError as error:
            with self.registry.writing() as connection:
                note_relay(connection, prison, fault=f"a report that is not the relay's: {error}")
            return
        said, state = report.said, self.states().get(prison, RelayState(prison=prison))
        if report.number <= state.reported:
            return
        self.answered[prison].update(said["answers"])
        self.waves[prison].update({int(n): one for n, one in said["waves"].items()})
        self.refused |= {(prison, name): why for name, why in said["refused"].items()}
        self.unknown |= {(prison, name) for name in said["unknown"]}
        self.unknown -= {(prison, name) for name in said["requests"]}
        with self.registry.writing() as connection:
            note_relay(connection, prison, **_changes(state, report))
            for name, one in said["requests"].items():
                note_relayed(connection, prison, name, reported=json.dumps(one))
        yield report.number

    def by_prison(self, devices: Sequence[Device]) -> dict[str, list[Device]]:
        """Return devices by the prison whose relay reaches them, under "" those without one."""
        groups: defaultdict[str, list[Device]] = defaultdict(list)
        for device in devices:
            groups[device.prison_id if device.prison_id in self.posts else ""].append(device)
        return dict(groups)

    def pass_on(self, request: str) -> tuple[list[str], list[str]]:
        """Tell relays at once whether a request waits, goes on or ends.

        Returns the prisons whose relays were sent it, and those whose broker does not answer.
        """
        with self.registry.reading() as connection:
            status = request_kept(connection, request).status
            intents = intents_of(connection, [request])[request]
        left = [one.device for one in intents if one.state not in ENDED]
        prisons = self.by_prison(list(self.registry.named(left).values())).keys() - {""}
        word = {"request": request, "status": status}
        told, missed = self.send_each(Kind.WORD, dict.fromkeys(prisons, word))
        return sorted(told), sorted(missed)

    def remind(self) -> None:
        """Tell relays again what is to wait or to end, which they may not have heard."""
        with self.registry.reading() as connection:
            left = [one.request for one in requests_left(connection) if one.status != OPEN]
        for request in left:
            self.pass_on(request)

    def gather(self) -> list[str]:
        """Take all reports that are there, and take over what was ordered inside prisons.

        Relays are sent whom to trust and which devices they have, where that is new.

        Returns the names of what was taken over. A relay that cannot be reached is left out.
        """
        self.try_to_collect(*self.posts)
        self.send_news()
        return self.adopt()

    def send_news(self) -> tuple[list[str], list[str]]:
        """Send relays whom to trust and which devices they have, where that is new.

        Returns the prisons whose relays were sent it, and those whose broker does not answer.
        """
        news = [prison for prison in self.posts if self._news(prison)]
        told, missed = self.send_each(Kind.NEWS, {prison: {} for prison in news})
        return sorted(told), sorted(missed)

    def adopt(self) -> list[str]:
        """Take over the requests that were made inside prisons, such as locks without the WAN.

        Returns their names. They are then asked about like those sent from here.
        """
        with self.registry.reading() as connection:
            known = [one.request for one in requests_kept(connection)]
            found = reported_unknown(connection, known)
        return [name for prison, name, text in found if self._adopted(prison, json.loads(text))]

    def _adopted(self, prison: str, one: Mapping[str, Any]) -> bool:
        request, now = read_request(one["encoded"].encode()), datetime.now(tz=UTC)
        nonces = {device: nonce for device, nonce, *_ in one["intents"]}
        devices = self.registry.named(nonces)
        signers = self.identity.statement().signers
        agreed = agreement(request, one["signatures"], signers, frozenset({prison}))
        whole = root_of(devices.values()) == request.devices_root if devices else False
        if agreed.missing or not whole or {d.prison_id for d in devices.values()} != {prison}:
            with self.registry.writing() as connection:
                what = f"it reports {request.request}, which is not signed for these devices"
                note_relay(connection, prison, fault=what)
            return False
        with self.registry.writing() as connection:
            keep_request(
                connection,
                request.request,
                nonce=request.nonce,
                encoded=request.encoded(),
                devices=nonces,
                at=now,
                allowlist=one["allowlist"],
            )
            for operator, made in one["signatures"].items():
                keep_signature(
                    connection, request.request, operator=operator, signature=made, at=now
                )
            # The devices may have acted: they are asked about, and never sent it anew.
            moved = [
                {"device": name, "before": "waiting", "state": "sent", "why": "ordered inside"}
                for name in nonces
            ]
            set_intents(connection, request.request, moved, now)
            note_relayed(connection, prison, request.request, sent_at=now)
        return True


def wave_of(
    devices: Sequence[Device], orders: Mapping[str, Order], *, status: str
) -> dict[str, Any]:
    """Return what a relay is told to carry out on its prison's devices."""
    one = orders[devices[0].device]
    return {
        "request": one.request.request,
        "encoded": one.request.encoded().decode(),
        "signatures": {each.operator: each.signature for each in one.signatures},
        "allowlist": one.allowlist,
        "status": status,
        "devices": {
            device.device: {
                "provisioning": device.nonce,
                "included": list(orders[device.device].included),
            }
            for device in devices
        },
    }


def _digest(roster: Mapping[str, Any]) -> str:
    return sha256(json.dumps(roster, sort_keys=True).encode()).hexdigest()


def _changes(state: RelayState, report: Message) -> dict[str, Any]:
    """Return what a report changes of what is known of a relay."""
    said, audit = report.said, report.said["audit"]
    fault = ""
    same = audit["entries"] == state.audit_entries and audit["hash"] != state.audit_hash
    if audit["entries"] < state.audit_entries or (same and state.audit_entries):
        fault = f"its log had {state.audit_entries} entries and now tells another story"
    return {
        "reported": report.number,
        "heard_at": datetime.now(tz=UTC),
        "trust": said["trust"],
        "roster": said["roster"],
        "bundles": json.dumps(said["bundles"]),
        "audit_entries": audit["entries"],
        "audit_hash": audit["hash"],
        "fault": fault or state.fault,
    }

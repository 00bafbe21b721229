"""Orders by way of relays, and what they report of them, as replies of devices."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fleet.approval.order import kept_proof
from fleet.driver import Driver, Order, Reply
from fleet.errors import FleetError, NotYetError, RefusedError, SupersededError, UnreachableError
from fleet.intent import ENDED, IntentState
from fleet.registry.relays import RelayState, note_relay, note_relayed, relay_states, relayed
from fleet.registry.requests import request_kept
from fleet.relay.centre import OVERDUE, POLL_S, Centre, wave_of
from fleet.relay.message import Kind
from fleet.relay.replies import reply_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fleet.device import Device


@dataclass(slots=True, kw_only=True)
class RelayDriver:
    """Orders by way of relays, and those of other prisons by the way that is given beside.

    What a relay has not reported within `patience_s` is left open, and asked about the next time.
    """

    centre: Centre
    direct: Driver
    patience_s: float = 60

    def order(self, devices: Sequence[Device], orders: Mapping[str, Order]) -> Iterator[Reply]:
        """Send each relay the orders of its prison as one wave."""
        groups = self.centre.by_prison(devices)
        if direct := groups.pop("", []):
            yield from self.direct.order(direct, orders)
        if not groups:
            return
        request = next(iter(orders.values())).request
        status = self._status(request.request)
        now = datetime.now(tz=UTC)
        with self.centre.registry.writing() as connection:
            for prison in groups:
                note_relay(connection, prison)
                note_relayed(connection, prison, request.request, sent_at=now, reported="")
        said = {p: wave_of(group, orders, status=status) for p, group in groups.items()}
        sent, missed = self.centre.send_each(Kind.ORDER, said)
        for prison, error in missed.items():
            yield from (Reply(device=d, error=error) for d in groups[prison])
        yield from self._replies({p: groups[p] for p in sent}, sent, request.request)

    def prove(self, devices: Sequence[Device], request: str) -> Iterator[Reply]:
        """Ask the relays what became of a request."""
        groups = self.centre.by_prison(devices)
        with self.centre.registry.reading() as connection:
            sent_by_relay = {name for name, (at, _) in relayed(connection, request).items() if at}
        # An update goes there wave by wave, and the relay keeps no request of it.
        waved = {prison: groups.pop(prison) for prison in set(groups) - sent_by_relay - {""}}
        if direct := groups.pop("", []):
            yield from self.direct.prove(direct, request)
        said = {"request": request, "status": self._status(request)}
        sent, missed = self.centre.send_each(Kind.ASK, dict.fromkeys(groups, said))
        for prison, error in missed.items():
            lost = UnreachableError(str(error), stage="command")
            yield from (Reply(device=d, error=lost) for d in groups[prison])
        yield from self._replies({p: groups[p] for p in sent}, sent, request)
        yield from self._shown(waved, request)

    def _shown(self, groups: Mapping[str, Sequence[Device]], request: str) -> Iterator[Reply]:
        """Have relays ask devices for what they do not keep themselves."""
        names = {prison: [device.device for device in group] for prison, group in groups.items()}
        asked = {prison: {"request": request, "devices": names[prison]} for prison in groups}
        sent, missed = self.centre.send_each(Kind.PROVE, asked)
        lost = {prison: str(error) for prison, error in missed.items()}
        for prison, group in groups.items():
            told: Mapping[str, Any] = {}
            if prison in sent:
                try:
                    found = self.centre.reported(prison, sent[prison], self.patience_s)
                    told, lost[prison] = found.get("replies", {}), "the relay left it out"
                except UnreachableError as error:
                    lost[prison] = str(error)
            nothing = {"error": "lost", "why": lost[prison]}
            yield from (reply_of(d, told.get(d.device, nothing), request) for d in group)

    def _status(self, request: str) -> str:
        with self.centre.registry.reading() as connection:
            return request_kept(connection, request).status

    def _replies(
        self, groups: Mapping[str, Sequence[Device]], sent: Mapping[str, int], request: str
    ) -> Iterator[Reply]:
        """Yield what relays report, as it comes; in the end, for the others, that they have not."""
        waiting, ends_s = dict(groups), time.monotonic() + self.patience_s
        while waiting and time.monotonic() < ends_s:
            self.centre.try_to_collect(*waiting)
            for prison in list(waiting):
                answered = sent[prison] in self.centre.answered[prison]
                # A relay that was killed has it done long before the broker hands it out again.
                if answered or self._is_over(prison, waiting[prison], request):
                    yield from self._reported(prison, waiting.pop(prison), request)
            if waiting:
                time.sleep(POLL_S)
        for prison, group in waiting.items():
            late = UnreachableError(self._late(prison, request), stage="command")
            yield from (Reply(device=device, error=late) for device in group)

    def _late(self, prison: str, request: str) -> str:
        with self.centre.registry.reading() as connection:
            sent_at, _ = relayed(connection, request).get(prison, (None, ""))
            state = relay_states(connection).get(prison, RelayState(prison=prison))
        now = datetime.now(tz=UTC)
        heard = f"last heard at {state.heard_at:%Y-%m-%d %H:%M} UTC" if state.heard_at else ""
        what = f"{prison}'s relay has not reported it ({heard or 'never heard'})"
        if sent_at is not None and now - sent_at >= OVERDUE:
            return f"overdue: sent at {sent_at:%Y-%m-%d %H:%M} UTC, and {what}"
        return what

    def _told(self, prison: str, request: str) -> dict[str, Sequence[str]]:
        """Return what a relay has reported of a request, by device."""
        with self.centre.registry.reading() as connection:
            _, text = relayed(connection, request).get(prison, (None, ""))
        return {one[0]: one for one in json.loads(text)["intents"]} if text else {}

    def _is_over(self, prison: str, group: Sequence[Device], request: str) -> bool:
        told = self._told(prison, request)
        return all(
            device.device in told
            and told[device.device][1] == device.nonce
            and told[device.device][2] in ENDED
            for device in group
        )

    def _reported(self, prison: str, group: Sequence[Device], request: str) -> Iterator[Reply]:
        told = self._told(prison, request)
        why = self.centre.refused.get((prison, request), "")
        for device in group:
            yield self._reply(prison, device, request, told.get(device.device), why)

    def _reply(
        self, prison: str, device: Device, request: str, told: Sequence[str] | None, refused: str
    ) -> Reply:
        if told is None or told[1] != device.nonce:
            what = (
                f"{prison}'s relay refused it: {refused}" if refused else "the relay never had it"
            )
            return Reply(device=device, error=NotYetError(what))
        _, _, state, why, proof = told
        if state in {IntentState.EXPIRED, IntentState.WITHDRAWN, IntentState.SUPERSEDED}:
            kind = SupersededError if state == IntentState.SUPERSEDED else NotYetError
            return Reply(device=device, error=kind(why))
        if proof and state in {IntentState.PROVEN, IntentState.FAILED}:
            signed = json.loads(proof)
            try:
                shown = kept_proof(signed["proof"], signed["signature"], device, request=request)
            except FleetError as error:
                what = f"{prison}'s relay shows no proof of it: {error}"
                return Reply(device=device, error=UnreachableError(what, stage="command"))
            return Reply(device=device, proof=shown)
        if state == IntentState.FAILED:
            return Reply(device=device, error=RefusedError(why))
        # The relay goes on trying: whether it has acted is not known here until it says so.
        what = why or "the relay has not sent it yet"
        return Reply(device=device, error=UnreachableError(what, stage="command"))

"""The deploy lane to simulated devices: what a wave brings and has applied, in virtual time."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from fleet.approval.order import read_proof
from fleet.driver import Reply
from fleet.errors import FleetError
from fleet.simulator.wire import Clock, SimulatedWire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleet.deploy import Parcel
    from fleet.device import Device
    from fleet.driver import Order
    from fleet.wave import Wave

_CHALLENGE_BYTES = 16
_BITS, _MEGA = 8, 1_000_000


@dataclass(slots=True, kw_only=True)
class SimulatedLane:
    """Stands in for SSH and Ansible; see `fleet.deploy.WaveLane`.

    Of a wave as many devices move at a time as its planner says, and waves of one round move side
    by side. `apply_s` is how long a device applies a bundle.
    """

    wire: SimulatedWire
    login_s: float
    apply_s: float
    _lock: Lock = field(default_factory=Lock)
    _round: tuple[str, bool, int] = ("", False, 0)
    _begins_s: float = 0.0

    def prefetch(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order], parcel: Parcel
    ) -> Mapping[str, str]:
        """Return for each device why it does not have the bundle, "" where it has."""
        turns = self._turns("prefetch", wave)
        lasts_s = parcel.bytes_total * _BITS / (wave.rate_mbps * _MEGA)
        found = {}
        for device in devices:
            order = orders[device.device].encoded("")
            try:
                said = json.loads(self._said(turns, device, ("prefetch", order), lasts_s))
            except FleetError as error:
                found[device.device] = str(error)
            else:
                found[device.device] = "" if said.get("complete") else str(said["refused"])
        self.wire.clock.reach(turns.passed_s)
        return found

    def apply(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order]
    ) -> Sequence[Reply]:
        """Return what each device showed, or why it showed nothing."""
        turns = self._turns("apply", wave)
        replies = []
        for device in devices:
            order, challenge = orders[device.device], secrets.token_hex(_CHALLENGE_BYTES)
            request = order.request.request
            try:
                sent = ("order", order.encoded(challenge))
                answer = self._said(turns, device, sent, self.apply_s)
                proof = read_proof(answer, device, request=request, challenge=challenge)
            except FleetError as error:
                replies.append(Reply(device=device, error=error))
            else:
                replies.append(Reply(device=device, proof=proof))
        self.wire.clock.reach(turns.passed_s)
        return replies

    def _said(self, turns: Clock, device: Device, sent: tuple[str, bytes], lasts_s: float) -> bytes:
        command, stdin = sent
        return self.wire.exchanged(
            turns, device, self.login_s, command=command, stdin=stdin, lasts_s=lasts_s
        )

    def _turns(self, phase: str, wave: Wave) -> Clock:
        """Return the turns of a wave, which begin when those of its whole round do."""
        now = (phase, wave.coverage, wave.round)
        with self._lock:
            if now != self._round:
                self._round, self._begins_s = now, self.wire.clock.passed_s
            return self.wire.clock.beside(self._begins_s, wave.at_once)

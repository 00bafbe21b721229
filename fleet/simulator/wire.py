"""The wire to simulated devices: what a connection would bring, and how long it would take."""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from fleet.errors import FleetError, HostKeyChangedError, UnreachableError
from fleet.health.facts import read_report
from fleet.health.probe import Outcome
from fleet.simulator.faults import Faults
from fleet.simulator.machine import Machine, PowerCutError, Program

if TYPE_CHECKING:
    from fleet.device import Device
    from fleet.driver import Wire
    from fleet.health.probe import Patience


class Clock:
    """Virtual time: as many connections at once as a sweep makes, each as long as it takes."""

    def __init__(self, begins_s: float, at_once: int, *, passed_s: float = 0.0) -> None:
        self._begins_s, self._lock = begins_s, Lock()
        self._free_s = [passed_s] * at_once
        self._passed_s = passed_s

    @property
    def passed_s(self) -> float:
        """Return how much time has passed."""
        return self._passed_s

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self._begins_s + self._passed_s

    def begin(self) -> float:
        """Take the connection that is free first; return when that is."""
        with self._lock:
            return heapq.heappop(self._free_s)

    def end(self, at_s: float) -> None:
        """Give a connection back."""
        with self._lock:
            heapq.heappush(self._free_s, at_s)
            self._passed_s = max(self._passed_s, at_s)

    def wait(self, seconds: float) -> None:
        """Let time pass while nobody is asked."""
        self.reach(self._passed_s + seconds)

    def reach(self, passed_s: float) -> None:
        """Let time pass until at least a moment, while nobody is asked."""
        with self._lock:
            self._passed_s = max(self._passed_s, passed_s)
            self._free_s = [self._passed_s] * len(self._free_s)

    def beside(self, passed_s: float, at_once: int) -> Clock:
        """Return a clock for who is asked beside, so many at a time from a moment on."""
        return Clock(self._begins_s, at_once, passed_s=passed_s)


@dataclass(slots=True, kw_only=True)
class SimulatedWire:
    """Stands in for SSH; see `fleet.driver.Wire`.

    `machines` are the devices by name. `cpu_s` is the processor time that was spent on being
    them, which a controller of real devices does not pay.
    """

    machines: Mapping[str, Machine]
    program: Program
    clock: Clock
    faults: Faults = field(default_factory=Faults)
    silent: set[str] = field(default_factory=set)
    cpu_s: float = 0.0
    _turns: Counter[str] = field(default_factory=Counter)

    def said(self, device: Device, patience: Patience, command: str, stdin: bytes) -> bytes:
        """Return what a device says to a command.

        Raises
        ------
        UnreachableError
            When it is off or cut off, or its answer gets lost.
        HostKeyChangedError
            When it does not hold the pinned key.
        """
        return self.exchanged(self.clock, device, patience.login_s, command=command, stdin=stdin)

    def exchanged(  # noqa: PLR0913 - when, with whom, for how long, and what, by name
        self,
        clock: Clock,
        device: Device,
        login_s: float,
        *,
        command: str,
        stdin: bytes,
        lasts_s: float = 0.0,
    ) -> bytes:
        """Return what a device says, by another clock, to what takes longer than its answer."""
        begun_s, began_s = time.thread_time(), clock.begin()
        takes_s = login_s
        try:
            self._turns[device.device] += 1
            if self._is_silent(device, began_s):
                raise UnreachableError(f"{device.device} does not answer", stage="connect")
            turn = self._turns[device.device]
            takes_s = self.faults.seconds(device.device, command, turn) + lasts_s
            return self._answer(device, command, stdin)
        finally:
            clock.end(began_s + takes_s)
            self.cpu_s += time.thread_time() - begun_s

    def _is_silent(self, device: Device, at_s: float) -> bool:
        name = device.device
        cut = self.faults.is_cut(device.prison_id, at_s)
        return cut or name in self.silent or self.faults.is_off(name)

    def _answer(self, device: Device, command: str, stdin: bytes) -> bytes:
        machine = self.machines[device.device]
        if machine.host_key != device.host_key:
            raise HostKeyChangedError(f"what answers for {device.device} holds another key")
        if command == "order" and self.faults.is_full(device.device):
            machine.fails = "disk"
        lost = f"{device.device} hangs up in the command"
        loses = command == "order" and self.faults.loses_its_answer(device.device)
        loses = loses and not self.program.has_had(machine, stdin)
        try:
            answer = self.program.answer(machine, command, stdin)
        except PowerCutError as error:
            raise UnreachableError(lost, stage="command") from error
        if loses:
            raise UnreachableError(lost, stage="command")
        return answer


def asked(wire: Wire, device: Device, patience: Patience) -> Outcome:
    """Return what came of asking a device how it is."""
    sent_s = time.time()
    try:
        answer = wire.said(device, patience, "probe", b"")
        report = read_report(answer, sent_s=sent_s, received_s=time.time())
    except FleetError as error:
        return Outcome(device=device, error=error)
    return Outcome(device=device, report=report)

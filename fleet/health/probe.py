"""One device asked how it is: one connection, one question, one answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Self

from fleet.device import Device
from fleet.errors import FleetError, NotProvenError, RefusedError, UnreachableError
from fleet.health.facts import Report, harmless, read_report
from fleet.identity.credential import Credential
from fleet.ssh import Dialler, Target, open_session

if TYPE_CHECKING:
    from fleet.ssh import Answer

USER = "wingspan"
_REFUSED_STATUS = 77
_OPENSSH = "OpenSSH_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """How devices are reached and what they are shown: the broker lane of one sweep.

    `credential` is called for each device, since a long sweep outlives a certificate.
    """

    credential: Callable[[], Credential]
    transport: Dialler
    user: str = USER


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for the login, and then for the answer, in seconds."""

    login_s: float
    answer_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of asking one device anything: an error where there is no answer, and how often."""

    device: Device
    error: FleetError | None = None
    tries: int = 1

    @property
    def is_unreachable(self) -> bool:
        """Return whether the device did not answer, or not to the end."""
        return isinstance(self.error, UnreachableError)

    @property
    def is_silent(self) -> bool:
        """Return whether nothing at all came back."""
        return isinstance(self.error, UnreachableError) and self.error.stage == "connect"

    def again(self) -> Self:
        """Return it as what came of a second try."""
        return replace(self, tries=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Asked):
    """What came of asking how it is: the device's report, or why there is none."""

    report: Report | None = None


def renewed(issue: Callable[[], Credential], *, every_s: float) -> Callable[[], Credential]:
    """Return a function that hands out a credential, a new one when the last is so old."""
    lock, issued = Lock(), [(monotonic(), issue())]

    def current() -> Credential:
        with lock:
            if monotonic() - issued[0][0] >= every_s:
                issued[0] = (monotonic(), issue())
            return issued[0][1]

    return current


def ask(device: Device, lane: Lane, patience: Patience) -> Outcome:
    """Return what came of asking one device; no failure that we can explain is raised."""
    target = Target(
        device=device.device,
        address=device.address,
        port=device.port,
        user=lane.user,
        host_key=device.host_key,
    )
    try:
        if not device.address:
            raise UnreachableError(f"{device.device} has no known address")
        opened = open_session(target, lane.credential(), lane.transport, timeout_s=patience.login_s)
        with opened as session:
            sent_s = time.time()
            answer = session.run("probe", timeout_s=patience.answer_s)
            received_s = time.time()
            report = _report(device, answer, (sent_s, received_s))
        ours = {
            "key_exchange": session.key_exchange,
            "openssh": harmless(session.greeting.partition(_OPENSSH)[2]),
        }
        return Outcome(device=device, report=replace(report, facts={**report.facts, **ours}))
    except FleetError as error:
        return Outcome(device=device, error=error)


def _report(device: Device, answer: Answer, moments_s: tuple[float, float]) -> Report:
    if answer.status != 0:
        said = harmless(answer.stderr.decode(errors="replace").strip()) or "without a word"
        kind = RefusedError if answer.status == _REFUSED_STATUS else NotProvenError
        raise kind(f"{device.device} ends its probe with status {answer.status}: {said}")
    sent_s, received_s = moments_s
    return read_report(answer.stdout, sent_s=sent_s, received_s=received_s)

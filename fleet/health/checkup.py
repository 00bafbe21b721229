"""What a sweep comes to: each device's status and findings, and the record of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fleet.device import Device, is_word
from fleet.errors import FleetError, HostKeyChangedError, RefusedError, UnreachableError
from fleet.health.assessment import Finding, Status, assess, worst
from fleet.health.facts import TEXTS, Report
from fleet.registry.readings import (
    Amiss,
    desired_of,
    forget_readings,
    holders_of,
    set_desired,
    store_findings,
    store_sweep,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fleet.health.probe import Outcome
    from fleet.health.rules import Keeping, Policy
    from fleet.registry import Registry

# Texts that change with nearly every sweep, and that the kept numbers tell as well.
_FLEETING: Final = frozenset({"battery_status", "booted_at"})
ACCEPTABLE: Final = ("ruleset_sha256", "version")

_CHECKS: Final = {
    "connect": "is it switched on, and its network up? wingspan fleet diagnose finds shared causes",
    "handshake": "something answers there but not SSH: restart the device",
    "login": "it stopped answering in the middle: is its network lossy, or the device overloaded?",
    "command": "it let us in and then hung: is its disk failing, or the device overloaded?",
    "refused": "is its clock right? it asks fleet clock serve at boot and every hour; does it hold "
    "the statement of trust? wingspan fleet keys show",
    "answer": "is its program damaged? wingspan fleet play enrol writes it again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """How one device is; `report` is None where it gave none."""

    device: Device
    status: Status
    findings: tuple[Finding, ...]
    report: Report | None = None
    tries: int = 1

    @property
    def facts(self) -> dict[str, Any]:
        """Return the facts as they are shown, with the names of those that are simulated."""
        if self.report is None:
            return {}
        named = dict(sorted(self.report.facts.items()))
        return named | {"simulated": list(self.report.simulated)}


def check_up(
    outcome: Outcome,
    desired: Mapping[str, str],
    policies: Sequence[Policy],
    holders: Mapping[str, str] | None = None,
) -> Checkup:
    """Return how a device is, from what came of asking it and what it should be.

    `holders` gives the devices that hold keys which answered elsewhere: by key.
    """
    if outcome.report is None:
        findings: tuple[Finding, ...] = (_no_answer(outcome, holders or {}),)
    else:
        today = datetime.now(tz=UTC).date()
        findings = assess(outcome.report, desired, policies, today)
    return Checkup(
        device=outcome.device,
        status=worst(findings),
        findings=findings,
        report=outcome.report,
        tries=outcome.tries,
    )


def _no_answer(outcome: Outcome, holders: Mapping[str, str]) -> Finding:
    error = outcome.error
    if error is None:
        raise ValueError("an outcome is a report or an error")
    if isinstance(error, HostKeyChangedError):
        return _someone_else(error, outcome.device, holders.get(error.found, ""))
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    unreachable = isinstance(error, UnreachableError)
    return Finding(
        policy="answer",
        fact="",
        level=Status.UNREACHABLE if unreachable else Status.FAIL,
        says=f"{error}{cause}",
        check=error.hint or _CHECKS.get(_stage(error), ""),
    )


def _stage(error: FleetError) -> str:
    if isinstance(error, UnreachableError):
        return error.stage
    return "refused" if isinstance(error, RefusedError) else "answer"


def _someone_else(error: HostKeyChangedError, device: Device, holder: str) -> Finding:
    says, check = str(error), error.hint
    if holder:
        says = f"at its address, {device.address} port {device.port}, answers {holder}"
        check = "addresses were given anew or swapped: wingspan fleet address DEVICE ADDRESS"
    return Finding(policy="identity", fact="host_key", level=Status.FAIL, says=says, check=check)


def key_holders(registry: Registry, outcomes: Iterable[Outcome]) -> dict[str, str]:
    """Return whose keys answered at other devices' addresses: device by key."""
    found = {o.error.found for o in outcomes if isinstance(o.error, HostKeyChangedError)}
    with registry.reading() as connection:
        return holders_of(connection, found - {""})


def desired_state(registry: Registry, devices: Sequence[Device]) -> dict[str, dict[str, str]]:
    """Return for each device what its facts should be, and who it should say that it is."""
    with registry.reading() as connection:
        ordered = desired_of(connection, [device.device for device in devices])
    return {
        device.device: ordered.get(device.device, {})
        | {"device": device.device, "nonce": device.nonce, "prison_id": device.prison_id}
        for device in devices
    }


def accept(registry: Registry, checkups: Sequence[Checkup]) -> int:
    """Let the versions and rules that devices have be those that they should have.

    Returns how many devices that is; those without a report keep what was wanted of them.
    """
    found = {
        checkup.device.device: {
            name: str(checkup.report.facts[name])
            for name in ACCEPTABLE
            if name in checkup.report.facts
        }
        for checkup in checkups
        if checkup.report is not None
    }
    with registry.writing() as connection:
        set_desired(connection, found)
    return len(found)


def record(
    registry: Registry, checkups: Sequence[Checkup], keeping: Keeping, *, by: str, scope: str
) -> list[Checkup]:
    """Keep a sweep in the registry, and return it with since when each finding is found.

    Numbers go to the readings, texts to the facts, where they take room when they change.
    """
    at = datetime.now(tz=UTC)
    with registry.writing() as connection:
        readings = {c.device.device: (c.status.value, _facts_of(c)) for c in checkups}
        store_sweep(connection, readings, at=at, by=by, scope=scope)
        since = store_findings(connection, {c.device.device: _amiss(c) for c in checkups}, at)
        forget_readings(
            connection,
            now=at,
            keep_every_sweep_days=keeping.keep_every_sweep_days,
            keep_daily_days=keeping.keep_daily_days,
        )
    texts = {
        c.device.device: {k: v for k, v in _facts_of(c).items() if k in TEXTS.keys() - _FLEETING}
        for c in checkups
        if c.report is not None
    }
    registry.record_facts(texts, at=at)
    registry.forget(facts_days=keeping.keep_daily_days, now=at)
    observed = {c.device.device: seen for c in checkups if (seen := _observed(c))}
    registry.record_observed(observed, source="a sweep", by=by)
    return [
        replace(
            checkup,
            findings=tuple(
                replace(f, since=since[checkup.device.device, f.policy, f.fact])
                for f in checkup.findings
            ),
        )
        for checkup in checkups
    ]


def _facts_of(checkup: Checkup) -> Mapping[str, Any]:
    return checkup.report.facts if checkup.report else {}


def _amiss(checkup: Checkup) -> list[Amiss]:
    return [
        Amiss(policy=f.policy, fact=f.fact, level=f.level.value, says=f.says)
        for f in checkup.findings
    ]


def _observed(checkup: Checkup) -> dict[str, str]:
    """Return what the registry's row of the device should say and does not yet."""
    facts, device = _facts_of(checkup), checkup.device
    seen = {}
    if (version := str(facts.get("version", ""))) != device.version and is_word(version):
        seen["version"] = version
    if (agreed := str(facts.get("key_exchange", ""))) and agreed != device.key_exchange:
        seen["key_exchange"] = agreed
    return seen

"""A device's facts held against the policies and against what the registry says it should be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from fleet.health.facts import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from fleet.device import Device
    from fleet.health.facts import Report, Value
    from fleet.health.rules import Limit, Policy


class Status(StrEnum):
    """How a device is, best first."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it should be.

    Attributes
    ----------
    policy
        The policy's name, or what every device is held to: `answer`, `identity`, `drift`,
        `unread`.
    level
        `warn`, `fail` or `unreachable`.
    says
        What is found, beside what it should be.
    check
        What to check first, "" where the finding says it all.
    since
        When the finding was first made, in one unbroken run of sweeps; None until it is recorded.
    """

    policy: str
    level: Status
    says: str
    check: str = ""
    since: datetime | None = None


_WORDS: Final = {"below": "below", "above": "above", "beyond": "further from 0 than"}


def assess(
    report: Report, device: Device, policies: Iterable[Policy], today: date
) -> tuple[Finding, ...]:
    """Return what is not as it should be, the worst first."""
    found = [*_identity(report, device), *_drift(report, device)]
    for policy in policies:
        if policy.since <= today and (finding := _held_to(policy, report)) is not None:
            found.append(finding)
    found += [
        Finding(policy="unread", level=Status.WARN, says=f"{name} cannot be read: {why}")
        for name, why in report.unread.items()
    ]
    return tuple(sorted(found, key=lambda finding: finding.level != Status.FAIL))


def worst(findings: Iterable[Finding]) -> Status:
    """Return the status that findings leave a device with."""
    order = list(Status)
    return max((finding.level for finding in findings), key=order.index, default=Status.OK)


def _identity(report: Report, device: Device) -> Iterator[Finding]:
    check = "it was set up anew or copied: enrol it again"
    if report.device and report.device != device.device:
        says = f"it says that it is {report.device}"
        yield Finding(policy="identity", level=Status.FAIL, says=says, check=check)
    if device.nonce and report.nonce != device.nonce:
        says = "its provisioning is not the one that we know"
        yield Finding(policy="identity", level=Status.FAIL, says=says, check=check)


def _drift(report: Report, device: Device) -> Iterator[Finding]:
    runs = report.facts.get("version", "")
    if device.version and runs != device.version:
        says = f"it runs {runs or 'no version of ours'} and should run {device.version}"
        check = "was its last update interrupted or undone?"
        yield Finding(policy="drift", level=Status.FAIL, says=says, check=check)


def _held_to(policy: Policy, report: Report) -> Finding | None:
    value = report.facts.get(policy.fact)
    if value is None:
        return None
    for level, limit in ((Status.FAIL, policy.fail), (Status.WARN, policy.warn)):
        if limit is not None and _breaks(policy.comparison, value, limit):
            return Finding(
                policy=policy.name,
                level=level,
                says=_said(policy, value, limit, simulated=policy.fact in report.simulated),
                check=policy.check,
            )
    return None


def _breaks(comparison: str, value: Value, limit: Limit) -> bool:
    if isinstance(limit, tuple):
        return value not in limit
    if isinstance(value, str) or limit is None:
        return False
    return {"below": value < limit, "above": value > limit, "beyond": abs(value) > limit}[
        comparison
    ]


def _said(policy: Policy, value: Value, limit: Limit, *, simulated: bool) -> str:
    mark = " (simulated)" if simulated else ""
    if isinstance(limit, tuple):
        return f"{policy.fact} is {value or 'not stated'}, not {' or '.join(limit)}{mark}"
    unit = FACTS[policy.fact].unit
    name = policy.fact.removesuffix("_percent").removesuffix(f"_{unit.lower()}").replace("_", " ")
    amounts = [f"{amount:,.10g} {unit}".rstrip() for amount in (value, limit)]
    return f"{name} is {amounts[0]}, {_WORDS[policy.comparison]} {amounts[1]}{mark}"

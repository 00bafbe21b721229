"""A device's facts held against the policies and against what the registry says it should be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from fleet.health.facts import NUMBERS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

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
    fact
        What it is about, "" for the device as a whole.
    level
        `warn`, `fail` or `unreachable`.
    says
        What is found, beside what it should be.
    check
        What to check first, "" where the finding says it all.
    since
        When it was first found in an unbroken run of sweeps; None until the sweep is recorded.
    """

    policy: str
    fact: str
    level: Status
    says: str
    check: str = ""
    since: datetime | None = None


_HASH_LENGTH: Final = 64
_WORDS: Final = {"below": "below", "above": "above", "beyond": "further from 0 than"}


def assess(
    report: Report, desired: Mapping[str, str], policies: Iterable[Policy], today: date
) -> tuple[Finding, ...]:
    """Return what is not as it should be, the worst first.

    `desired` gives what texts should be, by fact; `device`, `nonce` and `prison_id` stand for who
    it is and for whom.
    """
    found = [*_identity(report, desired), *_drift(report, desired)]
    in_force = (policy for policy in policies if policy.since <= today)
    found += [finding for policy in in_force for finding in _held_to(policy, report)]
    found += [
        Finding(policy="unread", fact=name, level=Status.WARN, says=f"cannot read {name}: {why}")
        for name, why in report.unread.items()
    ]
    return tuple(sorted(found, key=lambda finding: finding.level != Status.FAIL))


def worst(findings: Iterable[Finding]) -> Status:
    """Return the status that findings leave a device with."""
    order = list(Status)
    return max((finding.level for finding in findings), key=order.index, default=Status.OK)


def _identity(report: Report, desired: Mapping[str, str]) -> Iterator[Finding]:
    check = "it was set up anew, or copied from another: enrol it again"
    if (wanted := desired.get("device")) and report.device != wanted:
        says = f"it says that it is {report.device or 'nobody'}"
        yield Finding(policy="identity", fact="device", level=Status.FAIL, says=says, check=check)
    if (wanted := desired.get("nonce")) and report.nonce != wanted:
        says = "its provisioning is not the one that we know"
        yield Finding(policy="identity", fact="nonce", level=Status.FAIL, says=says, check=check)
    wanted = desired.get("prison_id")
    if wanted is not None and report.prison_id not in {None, wanted}:
        says = f"it lets the operators of {_prison(report.prison_id)} in, not of {_prison(wanted)}"
        check = "it was moved while it was away: wingspan fleet move tells it, to the same cell"
        yield Finding(policy="identity", fact="prison", level=Status.FAIL, says=says, check=check)


def _prison(name: str | None) -> str:
    return name or "no prison"


def _drift(report: Report, desired: Mapping[str, str]) -> Iterator[Finding]:
    for fact, wanted in desired.items():
        found = report.facts.get(fact)
        if fact in TEXTS and found is not None and found != wanted:
            says = f"{fact} is {_short(found)} and should be {_short(wanted)}"
            check = "was it changed by hand, or a change interrupted or undone?"
            yield Finding(policy="drift", fact=fact, level=Status.FAIL, says=says, check=check)


def _short(value: Value) -> str:
    """Return a value as a person compares it: of a hash, its beginning."""
    text = str(value) or "nothing"
    return f"{text[:12]}…" if len(text) > _HASH_LENGTH - 1 else text


def _held_to(policy: Policy, report: Report) -> Iterator[Finding]:
    value = report.facts.get(policy.fact)
    if value is None:
        return
    for level, limit in ((Status.FAIL, policy.fail), (Status.WARN, policy.warn)):
        if limit is not None and _breaks(policy.comparison, value, limit):
            yield Finding(
                policy=policy.name,
                fact=policy.fact,
                level=level,
                says=_said(policy, value, limit, simulated=policy.fact in report.simulated),
                check=policy.check,
            )
            return


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
    unit = NUMBERS[policy.fact][0]
    name = policy.fact.removesuffix("_percent").removesuffix(f"_{unit.lower()}").replace("_", " ")
    amounts = [f"{amount:,.10g} {unit}".rstrip() for amount in (value, limit)]
    return f"{name} is {amounts[0]}, {_WORDS[policy.comparison]} {amounts[1]}{mark}"

"""A sweep as a person reads it: by place, what is amiss first, and what to check."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from fleet.health.assessment import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from fleet.health.assessment import Finding
    from fleet.health.checkup import Checkup

# Of many devices with the same thing amiss, these are named; --json has all.
_NAMED_MAX: Final = 8
NOWHERE: Final = "in no cell"


def summary(checkups: Sequence[Checkup], *, seconds: float) -> dict[str, Any]:
    """Return the counts of a sweep, in all and by wing."""
    places = [
        {"place": place, "devices": len(those), **_counts(those)}
        for place, those in _by_wing(checkups).items()
    ]
    return {
        "devices": len(checkups),
        **_counts(checkups),
        "asked_again": sum(checkup.tries > 1 for checkup in checkups),
        "seconds": round(seconds, 1),
        "places": places,
    }


def overview(checkups: Sequence[Checkup], *, began: datetime, seconds: float) -> str:
    """Return the text of a sweep: wings where all is well in a line, others in full.

    A finding that was made before the sweep began says since when.
    """
    lines: list[str] = []
    for place, those in _by_wing(checkups).items():
        lines.append(f"{place}: {_told(those)}")
        lines += _amiss(those, began)
    again = sum(checkup.tries > 1 for checkup in checkups)
    were = "was" if again == 1 else "were"
    asked = f"; {again} did not answer at first and {were} asked again" if again else ""
    lines.append(f"{_told(checkups)}, in {seconds:.1f} s{asked}")
    if sum(checkup.status is Status.UNREACHABLE for checkup in checkups) > 1:
        lines.append("wingspan fleet diagnose looks for what those that are unreachable share")
    return "\n".join(lines)


def _amiss(those: Sequence[Checkup], began: datetime) -> Iterator[str]:
    """Yield what is amiss in a wing, the worst first, each kind with the devices that have it."""
    groups: defaultdict[tuple[Status, str, str], list[tuple[Checkup, Finding]]]
    groups = defaultdict(list)
    for checkup in those:
        for finding in checkup.findings:
            groups[finding.level, finding.policy, finding.check].append((checkup, finding))
    order = list(Status)
    for (level, policy, check), found in sorted(
        groups.items(), key=lambda group: (-order.index(group[0][0]), group[0][1:])
    ):
        yield f"  {level.upper()} {policy}, {_devices(len(found))}" + (
            f": {check}" if check else ""
        )
        for checkup, finding in found[:_NAMED_MAX]:
            known = finding.since is not None and finding.since < began
            since = f", since {finding.since:%Y-%m-%d %H:%M} UTC" if known else ""
            name = checkup.device.device
            says = finding.says.removeprefix(f"{name} ")
            yield f"    {checkup.device.cell or NOWHERE}  {name}  {says}{since}"
        if len(found) > _NAMED_MAX:
            yield f"    and {len(found) - _NAMED_MAX} more"


def _by_wing(checkups: Sequence[Checkup]) -> dict[str, list[Checkup]]:
    wings: defaultdict[str, list[Checkup]] = defaultdict(list)
    for checkup in checkups:
        device = checkup.device
        wings["/".join(filter(None, (device.prison_id, device.wing))) or NOWHERE].append(checkup)
    return dict(sorted(wings.items()))


def _counts(checkups: Sequence[Checkup]) -> dict[str, int]:
    counted = Counter(checkup.status for checkup in checkups)
    return {status.value: counted[status] for status in Status}


def _told(checkups: Sequence[Checkup]) -> str:
    counts = {status: count for status, count in _counts(checkups).items() if count}
    if list(counts) == [Status.OK]:
        return f"{_devices(len(checkups))}, all ok"
    told = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    return f"{_devices(len(checkups))}: {told}"


def _devices(count: int) -> str:
    return "1 device" if count == 1 else f"{count:,} devices"

"""Whether the next wave may begin, from how the last one ended. Pure.

A device that failed its update and one that fell silent together with its switch are different
things: only what no failure of the network explains counts against the update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.diagnosis import Cause, Sighting, diagnose

if TYPE_CHECKING:
    from fleet.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a wave ended: who proved it, who failed and why, and who fell silent."""

    proven: Sequence[str]
    failed: Mapping[str, str]
    silent: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows from a wave.

    `halt` says why no other may begin, "" where one may. `causes` are failures of the network,
    and `unexplained` the silent devices that none of them accounts for.
    """

    halt: str
    causes: tuple[Cause, ...]
    unexplained: tuple[str, ...]


def verdict(
    ended: Ended,
    sightings: Sequence[Sighting],
    topology: Topology | None,
    *,
    failed_percent_max: float,
) -> Verdict:
    """Return whether the next wave may begin.

    `sightings` are of the wave's devices and of others around them, as they answer now: who talks
    behind the same switch shows that the switch is well.
    """
    causes = tuple(
        cause
        for cause in (diagnose(sightings, topology).causes if ended.silent else ())
        if set(cause.devices) & set(ended.silent)
    )
    explained = {device for cause in causes for device in cause.devices}
    unexplained = tuple(sorted(set(ended.silent) - explained))
    against = len(ended.failed) + len(unexplained)
    judged = len(ended.proven) + against
    percent = 100 * against / judged if judged else 0.0
    halt = ""
    if percent > failed_percent_max:
        halt = (
            f"{against} of {judged} devices failed or fell silent, and at most "
            f"{failed_percent_max:g} % may: {_example(ended, unexplained)}"
        )
    return Verdict(halt=halt, causes=causes, unexplained=unexplained)


def _example(ended: Ended, unexplained: Sequence[str]) -> str:
    if ended.failed:
        name = min(ended.failed)
        return f"{name}: {ended.failed[name]}"
    return f"{unexplained[0]} does not answer, and nothing around it explains that"

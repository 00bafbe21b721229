"""When a device may apply a bundle, as a request states it and the device holds to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fleet.errors import InputError, Problem

if TYPE_CHECKING:
    from fleet.bundle.file import Bundle

_DAY_S: Final = 24 * 3600
_PERCENT_MAX: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What has to be so on a device before it begins.

    Attributes
    ----------
    battery_percent_min, charger
        How full its battery has to be, and whether it has to be charging; 0 and False for any.
    window_start_s, window_end_s
        When it may begin, in seconds after midnight UTC; over midnight where the start is later,
        at any time where both are the same.
    deadline_s
        How long it may take before the device goes back to what it ran.
    """

    battery_percent_min: int = 40
    charger: bool = False
    window_start_s: int = 0
    window_end_s: int = 0
    deadline_s: int = 1800

    def __post_init__(self) -> None:
        problems = [
            Problem(name, "", f"{value} is not within {low} and {high}", "give one that is")
            for name, value, low, high in (
                ("battery_percent_min", self.battery_percent_min, 0, _PERCENT_MAX),
                ("window_start_s", self.window_start_s, 0, _DAY_S),
                ("window_end_s", self.window_end_s, 0, _DAY_S),
                ("deadline_s", self.deadline_s, 60, _DAY_S),
            )
            if not low <= value <= high
        ]
        if problems:
            raise InputError("those are no rules of an update", problems=problems)


def parameters_of(bundle: Bundle, rules: Rules) -> dict[str, str | int | bool]:
    """Return the parameters of a request to apply a bundle."""
    return {
        "bundle_sha256": bundle.sha256,
        "version": bundle.version,
        "kind": bundle.kind.value,
        "bytes": bundle.bytes,
        "battery_percent_min": rules.battery_percent_min,
        "charger": rules.charger,
        "window_start_s": rules.window_start_s,
        "window_end_s": rules.window_end_s,
        "deadline_s": rules.deadline_s,
    }

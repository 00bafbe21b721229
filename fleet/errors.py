"""Failures the fleet half can explain: what happened, and what to try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.faults import ExplainedError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "FleetError",
    "HostKeyChangedError",
    "InputError",
    "NotProvenError",
    "NotYetError",
    "Problem",
    "RefusedError",
    "SupersededError",
    "UnreachableError",
    "told",
]


class FleetError(ExplainedError):
    """A failure of the fleet half that we can explain."""


class InputError(FleetError):
    """An input breaks a published rule; every fault found is in `problems`."""


class NotProvenError(FleetError):
    """Some devices did not show the effect that was asked of them."""


class NotYetError(NotProvenError):
    """A device would do what it was asked, but not now; the order is not used up."""


class UnreachableError(NotProvenError):
    """A device did not answer; `stage` says how far it came.

    "connect" is silence, "handshake" something there that does not get to SSH, "login" and
    "command" a device that stopped in the middle.
    """

    def __init__(self, what: str, *, hint: str = "", stage: str = "connect") -> None:
        super().__init__(what, hint=hint)
        self.stage = stage


class RefusedError(FleetError):
    """A rule of safety or a missing approval forbids it, or the device itself refused."""


class SupersededError(RefusedError):
    """A device did not carry an order out, and will not: a later one has taken its place."""


class HostKeyChangedError(RefusedError):
    """What answers at a device's address does not hold the device's key.

    `found` is the public key that it holds, "" where that is not known.
    """

    def __init__(
        self, what: str, *, hint: str = "", problems: Iterable[Problem] = (), found: str = ""
    ) -> None:
        super().__init__(what, hint=hint, problems=problems)
        self.found = found


def told(error: BaseException) -> str:
    """Return what happened and because of what, in one line: one device's part of a result."""
    parts = [str(error)]
    while error.__cause__ is not None:
        error = error.__cause__
        parts.append(str(error))
    return ": ".join(parts)

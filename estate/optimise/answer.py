"""What every solver says about its answer, and what it says when there is none."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

StoppedBy = Literal["optimal", "gap", "effort", "time_cap"]

# The engines compare floating point numbers to about this share of the cost.
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What would have to give so that there is an answer.

    "length_limit": the limit has to be at least `amount`; the index is -1. Else `amount` is by
    how much more there has to be: "ports" of hub `index`, "cables" that the links beside edge
    `index` hold together, or "load" that point `index` bears.
    """

    kind: Literal["length_limit", "ports", "cables", "load"]
    index: int
    amount: float


class InfeasibleError(Exception):
    """No answer meets the constraints; `culprits` are the nodes, customers or elements at fault.

    They are as few as the proof needs where that is known: without them there may be an answer.
    The `remedies`, where known, would together allow one, and are as little as that takes.
    """

    def __init__(
        self, what: str, *, culprits: Iterable[Any] = (), remedies: Iterable[Remedy] = ()
    ) -> None:
        super().__init__(what)
        self.culprits = tuple(culprits)
        self.remedies = tuple(remedies)


class UnfinishedError(Exception):
    """Neither an answer nor a proof that there is none was found within the limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a solver may go.

    `effort` is counted work, so that the same problem ends the same way on every machine.
    `seconds` is a safety cap; an answer that it cut short says so and may differ from one run
    to the next. `seed` feeds every choice at random. `threads` is the most that an engine may
    use where their number cannot change the answer; CP-SAT's eight workers take turns instead.
    """

    effort: float
    seconds: float
    seed: int
    threads: int

    def __post_init__(self) -> None:
        for name in ("effort", "seconds"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}, expected a number above 0")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}, expected 0 or more")
        if self.threads < 1:
            raise ValueError(f"threads is {self.threads}, expected 1 or more")


def relative_gap(*, cost: float, bound: float) -> float:
    """Return how far the cost may be above the best one, as a share of the cost."""
    if bound >= cost:
        return 0.0
    return (cost - bound) / abs(cost) if cost else inf


def stopped_by(
    *, cost: float, bound: float, out_of_time: bool, close: float = TOLERANCE
) -> StoppedBy:
    """Return why a solver stopped: there was nothing left to find, or it had to.

    "gap" is a proof up to the share of the cost that is `close` enough: without one, up to the
    engines' rounding, which prices without a common unit leave.
    """
    if bound >= cost:
        return "optimal"
    if relative_gap(cost=cost, bound=bound) <= close:
        return "gap"
    return "time_cap" if out_of_time else "effort"

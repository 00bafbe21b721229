"""Which simulated devices are off, fail, or are cut off, drawn from a seed; and how long one takes.

The round trips are those of 24 devices of the rehearsal on 25 November 2026: new connection,
login, command and answer, one and four at a time, 192 of each kind, on two cores at a load of 40.
They are pessimistic: real devices do not share the controller's processor.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from hashlib import blake2b

_SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_SECONDS = {
    "probe": (0.173, 0.232, 0.289, 0.350, 0.427, 1.420, 1.658, 1.822),
    "order": (0.265, 0.336, 0.460, 0.576, 0.695, 2.396, 2.774, 2.881),
    "prove": (0.242, 0.322, 0.397, 0.494, 0.711, 1.948, 2.537, 2.752),
}
# Saying what is here of a bundle takes as long as any proof.
_SECONDS["prefetch"] = _SECONDS["prove"]
_LARGEST = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong.

    `off` and `failing` are shares of the devices; of those that fail, half lose the answer to
    each order when they first have it, after they have acted, and half have no space left. The
    prison `cut` cannot be reached between two moments, in seconds since the beginning.
    """

    seed: int = 0
    off: float = 0.0
    failing: float = 0.0
    cut: str = ""
    cut_from_s: float = 0.0
    cut_until_s: float = float("inf")

    def is_off(self, device: str) -> bool:
        """Return whether a device has no power."""
        return self._drawn(device, "fate") < self.off

    def loses_its_answer(self, device: str) -> bool:
        """Return whether its answers to orders that it had not had before get lost."""
        return 0 <= self._drawn(device, "fate") - self.off < self.failing / 2

    def is_full(self, device: str) -> bool:
        """Return whether its disk is full."""
        return self.failing / 2 <= self._drawn(device, "fate") - self.off < self.failing

    def is_cut(self, prison_id: str, at_s: float) -> bool:
        """Return whether a prison cannot be reached at a moment."""
        return prison_id == self.cut and self.cut_from_s <= at_s < self.cut_until_s

    def seconds(self, device: str, command: str, turn: int) -> float:
        """Return how long a device takes to answer."""
        drawn = self._drawn(device, f"{command} {turn}")
        right = bisect_right(_SHARES, drawn)
        low, high = _SHARES[right - 1], _SHARES[right]
        shortest, longest = _SECONDS[command][right - 1 : right + 1]
        return shortest + (longest - shortest) * (drawn - low) / (high - low)

    def _drawn(self, device: str, what: str) -> float:
        """Return a number from 0 up to 1 that is the same whatever else was drawn before."""
        text = f"{self.seed} {device} {what}".encode()
        return int.from_bytes(blake2b(text, digest_size=8).digest()) / _LARGEST

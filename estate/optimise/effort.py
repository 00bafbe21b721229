"""How long a solver may go on: by counted work, which repeats, and by the clock, which does not."""

from __future__ import annotations

from time import monotonic


class Budget:
    """Units of work to spend, and a clock that is only there for safety.

    One unit is about a microsecond of Python or numpy; the same problem spends the same units
    on every machine.
    """

    def __init__(self, units: float, *, seconds: float) -> None:
        self._units = units
        self._spent = 0.0
        self._ends = monotonic() + seconds

    def part(self, share: float) -> Budget:
        """Return a budget of a share of what is left; what it spends counts here too."""
        return _Part(self, self.left * share)

    def spend(self, units: float) -> None:
        """Count work that was done."""
        self._spent += units

    @property
    def spent(self) -> float:
        """Return the units that were spent so far."""
        return self._spent

    @property
    def left(self) -> float:
        """Return the units that are left, none when the time is over."""
        return 0.0 if self.over else self._units - self._spent

    @property
    def used_up(self) -> bool:
        """Return whether all the units are spent."""
        return self._spent >= self._units

    @property
    def seconds_left(self) -> float:
        """Return what the clock leaves."""
        return max(0.0, self._ends - monotonic())

    @property
    def out_of_time(self) -> bool:
        """Return whether the clock has run out."""
        return monotonic() >= self._ends

    @property
    def over(self) -> bool:
        """Return whether to stop, for either reason."""
        return self.used_up or self.out_of_time


class _Part(Budget):
    """A share of another budget."""

    def __init__(self, whole: Budget, units: float) -> None:
        super().__init__(units, seconds=whole.seconds_left)
        self._whole = whole

    def spend(self, units: float) -> None:
        """Count work that was done, here and in the whole."""
        super().spend(units)
        self._whole.spend(units)

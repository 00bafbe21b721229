"""Many devices asked at once, without crowding what serves them; silence is doubted once.

A device that hangs holds one of the places behind its own access point, switch and uplink until
its time is over, and those elsewhere go on.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from fleet.health.probe import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fleet.device import Device
    from fleet.health.rules import Knocking
    from fleet.topology import Topology

_CALM_AT_ONCE_MAX = 256


class Asked(Protocol):
    """What came of asking a device something."""

    @property
    def device(self) -> Device:
        """Return the device."""

    @property
    def is_unreachable(self) -> bool:
        """Return whether the device did not answer, or not to the end."""

    @property
    def is_silent(self) -> bool:
        """Return whether nothing at all came back."""

    def again(self) -> Self:
        """Return it as what came of a second try."""


A = TypeVar("A", bound=Asked)


def sweep(
    devices: Sequence[Device],
    ask: Callable[[Device, Patience], A],
    knocking: Knocking,
    topology: Topology | None = None,
) -> Iterator[A]:
    """Yield what came of asking each device, as it comes.

    Those that did not answer are asked again, more calmly, after all others; so a device is
    called unreachable after two tries at different times. Without a topology only the number of
    devices asked at a time is bounded.
    """
    again: list[Device] = []
    first = Patience(login_s=knocking.login_timeout_s, answer_s=knocking.answer_timeout_s)
    gate = _Gate(devices, _places(devices, knocking, topology), knocking.at_once_behind)
    window = _Window(knocking.at_once, knocking.at_once)
    for outcome in _knock(gate, lambda device: ask(device, first), window):
        if outcome.is_unreachable:
            again.append(outcome.device)
        else:
            yield outcome
    calm = Patience(login_s=knocking.calm_timeout_s, answer_s=knocking.calm_timeout_s)
    window = _Window(knocking.calm_at_once, _CALM_AT_ONCE_MAX)
    for outcome in _knock(_Gate(again, {}, {}), lambda device: ask(device, calm), window):
        yield outcome.again()


def _places(
    devices: Sequence[Device], knocking: Knocking, topology: Topology | None
) -> dict[str, list[tuple[str, str]]]:
    """Return the elements that each device hangs from and that have a bound: kind and id."""
    if topology is None:
        return {}
    above = {
        element: [
            (found.kind, found.id)
            for found in topology.path(element)
            if found.kind in knocking.at_once_behind
        ]
        for element in {device.element for device in devices}
    }
    return {device.device: above[device.element] for device in devices}


def _knock(gate: _Gate, ask: Callable[[Device], A], window: _Window) -> Iterator[A]:
    """Yield outcomes as they come; a fault of ours in a thread is raised here."""
    done: SimpleQueue[tuple[Device, A | BaseException]] = SimpleQueue()

    def work(device: Device) -> None:
        try:
            done.put((device, ask(device)))
        except BaseException as error:  # noqa: BLE001 - raised again by the one who waits
            done.put((device, error))

    asked = 0
    with ThreadPoolExecutor(window.largest, thread_name_prefix="sweep") as pool:
        while True:
            while asked < window.size and (device := gate.take()) is not None:
                pool.submit(work, device)
                asked += 1
            if not asked:
                return
            device, outcome = done.get()
            asked -= 1
            gate.give_back(device)
            if isinstance(outcome, BaseException):
                raise outcome
            window.note(outcome)
            yield outcome


class _Window:
    """How many devices may be asked at a time.

    While nothing comes back there is no traffic to spare, and the window doubles up to its
    largest; the first answer of any kind brings it back to its start.
    """

    def __init__(self, start: int, largest: int) -> None:
        self.size, self.largest = start, largest
        self._start = start

    def note(self, outcome: Asked) -> None:
        self.size = min(2 * self.size, self.largest) if outcome.is_silent else self._start


class _Gate:
    """The devices yet to be asked, and how many are being asked behind each element.

    A device whose access point is at its bound is parked there and does not hold up the rest;
    it comes first when a place behind that element is given back.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        places: Mapping[str, Sequence[tuple[str, str]]],
        bounds: Mapping[str, int],
    ) -> None:
        self._ready = deque(devices)
        self._places, self._bounds = places, bounds
        self._asked: Counter[str] = Counter()
        self._parked: defaultdict[str, deque[Device]] = defaultdict(deque)

    def take(self) -> Device | None:
        """Return a device that may be asked now, None where there is none."""
        while self._ready:
            device = self._ready.popleft()
            behind = self._places.get(device.device, ())
            full = next((id_ for kind, id_ in behind if self._asked[id_] >= self._bounds[kind]), "")
            if not full:
                self._asked.update(id_ for _, id_ in behind)
                return device
            self._parked[full].append(device)
        return None

    def give_back(self, device: Device) -> None:
        """Say that a device that was taken has been asked."""
        for _, id_ in self._places.get(device.device, ()):
            self._asked[id_] -= 1
            if self._parked[id_]:
                self._ready.appendleft(self._parked[id_].popleft())

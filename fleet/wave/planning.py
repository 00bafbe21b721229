"""Waves under every budget of a network: who may move at the same time, how fast, for how long.

Sites share no element but the centre's own line, so their waves may run side by side: those of
one round together stay under that line's budget. Within a wave `at_once` devices move at a time,
and which they are is left open; so an element's peak counts the most that there can be behind it.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor
from typing import TYPE_CHECKING

from fleet.errors import InputError
from fleet.wave.coverage import Combination, Uncovered, coverage_of
from fleet.wave.rules import CENTRE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from fleet.device import Device
    from fleet.topology import Topology
    from fleet.wave.rules import Rules

_MEGA = 1_000_000
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What every device fetches, in bytes, and how far apart devices are kept.

    With `one_per` "landing" or "wing", a wave has no two devices of one such place. `soak_s` is
    the time after the coverage set, None for that of the rules.
    """

    bytes_total: int
    one_per: str = ""
    soak_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Devices that change in one run.

    Attributes
    ----------
    site
        The prison, or else the uplink, that all of them are behind.
    round
        Waves of one round may run side by side; those of the next begin when all have ended.
    coverage
        Whether it is of the coverage set.
    devices
        Their names.
    at_once, rate_mbps
        How many move at a time, and how fast each may fetch, in Mbit/s.
    prefetch_s, apply_s
        Estimates of the two phases, in seconds.
    peak_load
        For each element the most that it carries for this wave, as a share of its capacity.
    """

    site: str
    round: int = 0
    coverage: bool
    devices: tuple[str, ...]
    at_once: int
    rate_mbps: float
    prefetch_s: float
    apply_s: float
    peak_load: Mapping[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Return the estimate of both phases, in seconds."""
        return self.prefetch_s + self.apply_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All waves in their order, and what no coverage set can stand for.

    `unplaced` devices are in no cell that the topology knows; they count against all uplinks of
    their prison, and nothing between is known to be spared.
    """

    waves: tuple[Wave, ...]
    uncovered: tuple[Uncovered, ...]
    soak_s: float
    unplaced: tuple[str, ...]

    def rounds(self, *, coverage: bool) -> Iterator[tuple[Wave, ...]]:
        """Yield the waves that may run side by side, of the coverage set or of all others."""
        together: defaultdict[int, list[Wave]] = defaultdict(list)
        for wave in self.waves:
            if wave.coverage is coverage:
                together[wave.round].append(wave)
        yield from (tuple(waves) for _, waves in sorted(together.items()))

    @property
    def seconds(self) -> float:
        """Return the estimate from the first byte to the last proof, soak time included."""
        busy = [
            max(wave.seconds for wave in waves)
            for coverage in (True, False)
            for waves in self.rounds(coverage=coverage)
        ]
        return sum(busy) + self.soak_s

    @property
    def peak_load(self) -> Mapping[str, float]:
        """Return for each element the most that it carries at any time, as a share."""
        peaks: dict[str, float] = {}
        for coverage in (True, False):
            for waves in self.rounds(coverage=coverage):
                together: defaultdict[str, float] = defaultdict(float)
                for wave in waves:
                    for element, share in wave.peak_load.items():
                        together[element] += share
                for element, share in together.items():
                    peaks[element] = max(peaks.get(element, 0), share)
        return dict(sorted(peaks.items()))


def waves_of(  # noqa: PLR0913 - the network, the rules, the wish, and what is known of devices
    devices: Sequence[Device],
    topology: Topology | None,
    rules: Rules,
    terms: Terms,
    *,
    hindered: Mapping[str, str] | None = None,
    covered: Collection[Combination] = frozenset(),
    coverage_alone: bool = False,
) -> Plan:
    """Return the waves in which devices change, each device in exactly one.

    `hindered` devices, with the reason, are in no coverage set; `covered` combinations have been
    shown to work before. With `coverage_alone` the waves after the coverage set are left out. The
    same devices in any order give the same plan.

    Raises
    ------
    InputError
        When the capacity of an element lets nothing through.
    """
    first, uncovered = coverage_of(devices, hindered=hindered or {}, covered=covered)
    chosen = {device.device for device in first}
    rest = () if coverage_alone else (one for one in devices if one.device not in chosen)
    network = _Network(topology, rules)
    shown = [*_in_rounds(network.packed(first, terms, coverage=True), rules, careful=True)]
    after = sorted(rest, key=lambda one: one.device)
    others = [*_in_rounds(network.packed(after, terms, coverage=False), rules, careful=False)]
    soak_s = rules["soak_s"] if terms.soak_s is None else terms.soak_s
    return Plan(
        waves=(*shown, *others),
        uncovered=uncovered,
        soak_s=soak_s if shown and others else 0.0,
        unplaced=tuple(
            sorted(d.device for d in devices if topology is None or d.element not in topology.by_id)
        ),
    )


def order_wave(
    devices: Sequence[Device],
    topology: Topology | None,
    rules: Rules,
    *,
    at_once: int,
    behind: Mapping[str, int],
) -> Wave:
    """Return the one wave of an order that needs no bundle, as many at a time as a sweep knocks.

    `behind` bounds how many are asked at a time behind an element of a kind.
    """
    network = _Network(topology, rules)
    count = Counter(element for device in devices for element in network.path(device))
    bounds = {
        element: min(at_once, behind.get(network.kind(element), at_once)) for element in count
    }
    turns = [ceil(count[element] / bounds[element]) for element in count]
    return Wave(
        site="",
        coverage=False,
        devices=tuple(sorted(device.device for device in devices)),
        at_once=min(at_once, len(devices)),
        rate_mbps=rules["order_mbps"],
        prefetch_s=0.0,
        apply_s=rules["order_s"] * max(turns, default=0),
        peak_load={
            element: min(number, bounds[element]) * rules["order_mbps"] / network.mbps(element)
            for element, number in sorted(count.items())
        },
    )


class _Network:
    """What carries bytes to devices, and what may be taken of it."""

    def __init__(self, topology: Topology | None, rules: Rules) -> None:
        self._topology, self._rules = topology, rules
        self._paths: dict[tuple[str, str], tuple[str, ...]] = {}
        self._mbps: dict[str, float] = {}
        self._rate_mbps: dict[tuple[str, ...], float] = {}
        self._uplinks: defaultdict[str, list[str]] = defaultdict(list)
        for element in topology.elements if topology else ():
            if not element.parent:
                self._uplinks[element.prison_id].append(element.id)

    def path(self, device: Device) -> tuple[str, ...]:
        """Return the elements that a device's bytes pass, the centre's own line last."""
        key = (device.element, device.prison_id)
        if key not in self._paths:
            known = self._topology.path(device.element) if self._topology else ()
            above = [element.id for element in known] or sorted(self._uplinks[device.prison_id])
            self._paths[key] = (*above, CENTRE)
        return self._paths[key]

    def site(self, device: Device) -> str:
        """Return what a device shares no element with the outside of, but the centre's line."""
        top = self.path(device)[-2:][0]
        if self._topology is None or top not in self._topology.by_id:
            return device.prison_id
        return self._topology.by_id[top].prison_id or top

    def kind(self, element: str) -> str:
        """Return the kind of an element."""
        if self._topology is None or element not in self._topology.by_id:
            return CENTRE
        return self._topology.by_id[element].kind

    def mbps(self, element: str) -> float:
        """Return what an element carries, in Mbit/s."""
        if element not in self._mbps:
            self._mbps[element] = self._rules.capacity_mbps(element, self._topology)
            if self._mbps[element] <= 0:
                hint = "give its kind a capacity in topology.json, or in inputs/updates.toml"
                raise InputError(f"{element} carries 0 Mbit/s: nothing passes", hint=hint)
        return self._mbps[element]

    def budget_mbps(self, element: str) -> float:
        """Return what an update may take of an element, in Mbit/s."""
        return self._rules.share_max(self.kind(element)) * self.mbps(element)

    def rate_mbps(self, path: tuple[str, ...]) -> float:
        """Return how fast one device may fetch, in Mbit/s."""
        if path not in self._rate_mbps:
            least = min(self.budget_mbps(element) for element in path)
            rate = min(self._rules["rate_mbps"], least / self._rules["overhead_ratio"])
            self._rate_mbps[path] = rate
        return self._rate_mbps[path]

    def packed(self, devices: Sequence[Device], terms: Terms, *, coverage: bool) -> list[Wave]:
        """Return waves site by site; each fits all budgets for itself."""
        groups: defaultdict[tuple[str, float], list[Device]] = defaultdict(list)
        for device in devices:
            groups[self.site(device), -self.rate_mbps(self.path(device))].append(device)
        waves, begun = list[Wave](), set[str]()
        for (site, rate), members in sorted(groups.items()):
            packing = _Packing(self, self._rules, terms, members, -rate)
            for names in packing.fill(small_first=coverage and site not in begun):
                begun.add(site)
                waves.append(packing.wave(site, names, coverage=coverage))
        return waves


class _Packing:
    """Devices of one site and one rate, put into waves."""

    def __init__(
        self,
        network: _Network,
        rules: Rules,
        terms: Terms,
        devices: Sequence[Device],
        rate_mbps: float,
    ) -> None:
        self._network, self._rules, self._terms = network, rules, terms
        self._rate_mbps = rate_mbps
        self._wire_mbps = rate_mbps * rules["overhead_ratio"]
        self._path = {device.device: network.path(device) for device in devices}
        self._by_name = {device.device: device for device in devices}
        behind = {element for path in self._path.values() for element in path}
        self._room = {
            element: max(1, floor(network.budget_mbps(element) / self._wire_mbps + _ROUNDING))
            for element in sorted(behind)
        }
        # What all of them pass bounds how many move; what only some pass bounds how many there are.
        shared = set(behind).intersection(*self._path.values())
        most = [rules.count("at_once"), *(self._room[element] for element in shared)]
        self._at_once = min(most)
        self._device_s = rules["connect_s"] + terms.bytes_total * 8 / (rate_mbps * _MEGA)

    def fill(self, *, small_first: bool) -> Iterator[list[str]]:
        """Yield the names of each wave's devices, spread evenly over what serves them."""
        waiting: dict[tuple[str, ...], deque[str]] = {}
        for name, device in self._by_name.items():
            key = (device.element, device.prison_id, *self._place(device))
            waiting.setdefault(key, deque()).append(name)
        groups = deque(waiting.values())
        largest = self._largest()
        limit = min(largest, self._rules.count("first_wave_devices")) if small_first else largest
        while groups:
            yield self._next(groups, limit)
            limit = largest

    def _next(self, groups: deque[deque[str]], limit: int) -> list[str]:
        names, full = list[str](), list[deque[str]]()
        count: Counter[str] = Counter()
        taken: set[tuple[str, ...]] = set()
        while groups and len(names) < limit:
            group = groups.popleft()
            name = group[0]
            bounded = [e for e in self._path[name] if self._room[e] < self._at_once]
            place = self._place(self._by_name[name])
            if place in taken or any(count[element] >= self._room[element] for element in bounded):
                full.append(group)
                continue
            names.append(group.popleft())
            count.update(bounded)
            if self._terms.one_per:
                taken.add(place)
            if group:
                groups.append(group)
        groups.extendleft(reversed(full))
        return names

    def _place(self, device: Device) -> tuple[str, ...]:
        """Return the place that only one device at a time may change in, if one was asked for."""
        if self._terms.one_per == "wing":
            return (device.prison_id, device.wing)
        if self._terms.one_per == "landing":
            return (device.prison_id, device.wing, device.spur, device.landing)
        return ()

    def _largest(self) -> int:
        turns = max(1, floor((self._rules["wave_s_max"] - self._rules["start_s"]) / self._device_s))
        return min(self._rules.count("wave_devices_max"), self._at_once * turns)

    def wave(self, site: str, names: Sequence[str], *, coverage: bool) -> Wave:
        """Return the wave of some devices, with what it takes."""
        turns = ceil(len(names) / self._at_once)
        count = Counter(element for name in names for element in self._path[name])
        # The bundle is what fills a link: an order and its proof take less than a device's rate.
        peak_load = {
            element: min(self._at_once, number) * self._wire_mbps / self._network.mbps(element)
            for element, number in sorted(count.items())
        }
        return Wave(
            site=site,
            coverage=coverage,
            devices=tuple(sorted(names)),
            at_once=min(self._at_once, len(names)),
            rate_mbps=self._rate_mbps,
            prefetch_s=self._rules["start_s"] + turns * self._device_s,
            apply_s=self._rules["start_s"] + turns * self._rules["apply_s"],
            peak_load=peak_load,
        )


def _in_rounds(waves: Sequence[Wave], rules: Rules, *, careful: bool) -> Iterator[Wave]:
    """Yield waves with their rounds: of a site one after the other, of several side by side.

    When `careful`, the very first wave runs alone.
    """
    left: defaultdict[str, deque[Wave]] = defaultdict(deque)
    for wave in waves:
        left[wave.site].append(wave)
    number, most = 0, rules.count("waves_side_by_side")
    while left:
        number += 1
        room = rules.share_max(CENTRE) + _ROUNDING
        # The longest way to go first, so that all sites end about together.
        sites = sorted(left, key=lambda site: (-len(left[site]), site))
        together = 0
        for site in sites:
            share = left[site][0].peak_load[CENTRE]
            if together and (together == most or share > room or (careful and number == 1)):
                continue
            yield replace(left[site].popleft(), round=number)
            room -= share
            together += 1
            if not left[site]:
                del left[site]

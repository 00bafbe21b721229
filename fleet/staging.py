"""An update carried out: coverage set, soak, then the others, one wave after the other.

Before each wave it is asked anew whether the request may go on, whether something more urgent is
due, and whether it is the time for it. After each, outcomes and diagnosis decide on the next.
Nothing here waits: what is not due yet is left, with the reason, to the next pass.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fleet.deploy import WaveLane, parcel_of
from fleet.device import Device
from fleet.diagnosis import Sighting
from fleet.errors import RefusedError
from fleet.hindrance import hindrances
from fleet.intent import IntentState
from fleet.registry.requests import PAUSED, STOPPED, request_kept, set_status
from fleet.registry.updates import begin_update, note_fetched, note_update, progress_of
from fleet.scope import Scope
from fleet.topology import Topology
from fleet.verdict import Ended, verdict
from fleet.wave import Rules, Terms, combination, waves_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.approval import Request
    from fleet.deploy import Parcel
    from fleet.diagnosis import Cause
    from fleet.driver import Order, Reply
    from fleet.registry import Registry
    from fleet.wave import Plan, Wave

_DAY_S = 86_400
# As many others of a prison are asked as tell a dead switch from a failed update.
_NEIGHBOURS_MAX = 48

Rounds = Sequence[Sequence["Wave"]]


class Hands(Protocol):
    """What moves the intents of the one request that is carried out."""

    def orders(self, names: Sequence[str]) -> Mapping[str, Order]:
        """Return the orders for devices."""

    def sent(self, names: Sequence[str]) -> None:
        """Note that orders go out now."""

    def take(self, replies: Iterable[Reply]) -> None:
        """Keep what came back."""

    def prove(self, names: Sequence[str]) -> None:
        """Ask devices what became of the request, and keep what they say."""

    def state(self, name: str) -> IntentState:
        """Return where a device stands."""

    def why(self, name: str) -> str:
        """Return why it stands there."""

    def leave(self, name: str, why: str) -> None:
        """Say why a device is left for a later pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """What updates are carried out with.

    `bundles` is the folder of their files, by hash. `answering` returns which of some devices
    answer; `stopped` says whether the run was interrupted; `tell` is told of each wave.
    """

    lane: WaveLane
    rules: Rules
    topology: Topology | None
    bundles: Path
    answering: Callable[[Sequence[Device]], frozenset[str]]
    stopped: Callable[[], bool] = lambda: False
    tell: Callable[[str], None] = lambda _words: None


class Staging:
    """One update, as far as it may go now.

    `everyone` are the devices that it is for. `urgent` carries out what may not wait for it.
    """

    def __init__(  # noqa: PLR0913 - what a run is made of
        self,
        registry: Registry,
        updates: Updates,
        request: Request,
        *,
        everyone: Mapping[str, Device],
        hands: Hands,
        urgent: Callable[[], None],
    ) -> None:
        self._registry, self._updates, self._request = registry, updates, request
        self._hands, self._urgent = hands, urgent
        self._given = request.parameters
        self._left: dict[str, str] = {}
        self._barren = 0
        # Every round has waves of all prisons: none is to be looked up for each.
        self._living = cache(self._live_in)
        with registry.writing() as connection:
            begin_update(connection, request.request, {n: d.version for n, d in everyone.items()})
            progress = progress_of(connection, request.request)
        self._covered_at = progress.covered_at
        self._fetched = set(progress.fetched)
        # Covered is what ran a version before, so devices are planned as they were.
        self._devices = {
            n: replace(d, version=progress.versions.get(n, d.version)) for n, d in everyone.items()
        }

    def run(self, due: Sequence[str]) -> None:
        """Carry the update out on the devices that are due."""
        why = self._carried(due)
        for name in due:
            if self._hands.state(name) is IntentState.WAITING:
                self._hands.leave(name, self._left.get(name, why))

    def _carried(self, due: Sequence[str]) -> str:
        """Run the waves; return why the devices that are left are left."""
        held = self._covered_at is None and self._given.get("hold") in {"coverage", "wave"}
        covering, by_sweep = False, True
        while True:  # Until all is covered that can be: each turn settles some devices.
            plan = self._plan(due, by_sweep=by_sweep, coverage_alone=True)
            rounds = list(plan.rounds(coverage=True))
            if not rounds and plan.uncovered and by_sweep:
                # Who was silent in the last sweep may answer now, and no other can go first.
                by_sweep = False
                continue
            if not rounds:
                break
            covering = True
            if why := self._fetch(rounds) or self._apply(rounds, coverage=True):
                return why
        if covering or self._covered_at is None:
            self._covered_at = datetime.now(tz=UTC)
            self._note(covered_at=self._covered_at)
        plan = self._plan(due, by_sweep=by_sweep, coverage_alone=False)
        others = list(plan.rounds(coverage=False))
        if not others:
            return ""
        if covering and held:
            return self._halt("it is held after its coverage set, as was asked")
        if why := self._fetch(others):
            return why
        watched = self._covered_at + timedelta(seconds=float(self._given.get("soak_s", 0)))
        if datetime.now(tz=UTC) < watched:
            return f"its coverage set is watched until {watched:%Y-%m-%d %H:%M} UTC"
        return self._apply(others, coverage=False)

    def _plan(self, due: Sequence[str], *, by_sweep: bool, coverage_alone: bool) -> Plan:
        """Return the waves of who is left; the last sweep says who had better not go first."""
        able = [
            self._devices[name]
            for name in due
            if name not in self._left and self._hands.state(name) is IntentState.WAITING
        ]
        shown = [d for n, d in self._devices.items() if self._hands.state(n) is IntentState.PROVEN]
        battery = float(self._given["battery_percent_min"])
        now = datetime.now(tz=UTC)
        return waves_of(
            able,
            self._updates.topology,
            self._updates.rules,
            Terms(bytes_total=int(self._given["bytes"]), one_per=str(self._given["one_per"])),
            hindered=hindrances(self._registry, able, now=now, battery_percent_min=battery)
            if by_sweep
            else {},
            covered={combination(device) for device in shown},
            coverage_alone=coverage_alone,
        )

    # --- the two phases --------------------------------------------------------------------------

    def _fetch(self, rounds: Rounds) -> str:
        """Bring the bundle to the devices of all rounds; return why that ended too early."""
        for waves in rounds:
            lacking = self._among(waves, lambda name: name not in self._fetched)
            if not lacking:
                continue
            if why := self._why_not():
                return why
            try:
                fetch = self._fetcher(self._parcel)
            except RefusedError as error:
                return str(error)
            lacked: dict[str, str] = {}
            for (wave, names), words in self._side_by_side(lacking, fetch):
                lacked |= {name: words[name] for name in names if words[name]}
                here = [name for name in names if not words[name]]
                self._fetched.update(here)
                with self._registry.writing() as connection:
                    note_fetched(connection, self._request.request, here)
                self._tell(wave, f"{len(here)} of {len(names)} have the bundle")
            everyone = [name for _, names in lacking for name in names]
            if why := self._lacking(everyone, lacked):
                return why
        return ""

    def _lacking(self, names: Sequence[str], lacked: Mapping[str, str]) -> str:
        """Leave who did not get the bundle; return why no other is to be tried, if so."""
        self._left |= lacked
        silent = self._silent(list(lacked))
        for cause in verdict(
            Ended(proven=[], failed={}, silent=sorted(silent)),
            self._sightings(names, silent),
            self._updates.topology,
            failed_percent_max=0,
        ).causes:
            self._leave_behind(cause)
        talking = sorted(lacked.keys() - silent)
        self._barren = self._barren + 1 if len(talking) == len(names) else 0
        if self._barren > 1:  # What is wrong is wrong with all of them.
            first = talking[0]
            return f"two waves in turn brought the bundle to nobody; {first}: {lacked[first]}"
        return ""

    def _silent(self, names: Sequence[str]) -> set[str]:
        """Return which of some devices do not answer."""
        if not names:
            return set()
        return set(names) - self._updates.answering([self._devices[name] for name in names])

    def _fetcher(self, parcel: Parcel) -> Callable[[Wave, Sequence[str]], Mapping[str, str]]:
        def fetch(wave: Wave, names: Sequence[str]) -> Mapping[str, str]:
            devices = [self._devices[name] for name in names]
            return self._updates.lane.prefetch(wave, devices, self._hands.orders(names), parcel)

        return fetch

    def _apply(self, rounds: Rounds, *, coverage: bool) -> str:
        """Have the devices of all rounds apply the bundle; return why that ended too early."""
        for number, waves in enumerate(rounds, start=1):
            ready = self._among(waves, lambda name: name in self._fetched)
            if not ready:
                continue
            if why := self._why_not() or self._closed():
                return why
            names = [name for _, some in ready for name in some]
            # Noted before anything goes out: a crash leaves the question open.
            self._hands.sent(names)
            for (wave, some), replies in self._side_by_side(ready, self._applier):
                self._hands.take(replies)
                states = [self._hands.state(name) for name in some]
                self._tell(wave, f"{states.count(IntentState.PROVEN)} of {len(some)} proven")
            if why := self._judged(names, coverage=coverage):
                return self._halt(why)
            if self._given.get("hold") == "wave" and number < len(rounds):
                return self._halt("it is held after a wave, as was asked")
        return ""

    def _applier(self, wave: Wave, names: Sequence[str]) -> Sequence[Reply]:
        devices = [self._devices[name] for name in names]
        return self._updates.lane.apply(wave, devices, self._hands.orders(names))

    def _among(
        self, waves: Sequence[Wave], wanted: Callable[[str], bool]
    ) -> list[tuple[Wave, list[str]]]:
        """Return the waves with those of their devices that are wanted and not left; none empty."""
        found = [
            (wave, [name for name in wave.devices if name not in self._left and wanted(name)])
            for wave in waves
        ]
        return [(wave, names) for wave, names in found if names]

    def _side_by_side(
        self, waves: Sequence[tuple[Wave, list[str]]], work: Callable[[Wave, Sequence[str]], Any]
    ) -> Iterator[tuple[tuple[Wave, list[str]], Any]]:
        with ThreadPoolExecutor(len(waves)) as pool:
            done = pool.map(lambda one: work(*one), waves)
            yield from zip(waves, done, strict=True)

    # --- whether it may go on --------------------------------------------------------------------

    def _why_not(self) -> str:
        """Return why no wave may begin now, "" where one may."""
        self._urgent()
        if self._updates.stopped():
            return "the run was interrupted"
        with self._registry.reading() as connection:
            status = request_kept(connection, self._request.request).status
        if status in {PAUSED, STOPPED}:
            return f"the request is {status}"
        if self._request.has_expired(datetime.now(tz=UTC)):
            return "the request has expired"
        return ""

    def _closed(self) -> str:
        """Return that the window for it is closed, "" while it is open."""
        start_s, end_s = int(self._given["window_start_s"]), int(self._given["window_end_s"])
        if is_within(datetime.now(tz=UTC), start_s, end_s):
            return ""
        return f"its window is from {_clock(start_s)} to {_clock(end_s)} UTC"

    def _halt(self, why: str) -> str:
        """Let nothing more begin until a person resumes it."""
        self._note(halted=why)
        with self._registry.writing() as connection:
            if request_kept(connection, self._request.request).status != STOPPED:
                set_status(connection, self._request.request, PAUSED)
        return why

    def _judged(self, names: Sequence[str], *, coverage: bool) -> str:
        """Return why no other wave may follow one that has ended, "" where one may."""
        unheard = [name for name in names if self._hands.state(name) is IntentState.SENT]
        if unheard:
            self._hands.prove(unheard)
        state = {name: self._hands.state(name) for name in names}
        for name in names:
            if state[name] is IntentState.WAITING:  # Not now, it said, or it never had the order.
                self._left[name] = self._hands.why(name)
        silent = self._silent([name for name in unheard if state[name] is IntentState.SENT])
        ended = Ended(
            proven=[name for name in names if state[name] is IntentState.PROVEN],
            failed={n: self._hands.why(n) for n in names if state[n] is IntentState.FAILED},
            silent=sorted(silent),
        )
        limit = "coverage_failed_percent_max" if coverage else "failed_percent_max"
        found = verdict(
            ended,
            self._sightings(names, silent),
            self._updates.topology,
            failed_percent_max=self._updates.rules[limit],
        )
        for cause in found.causes:
            self._leave_behind(cause)
        return found.halt

    def _leave_behind(self, cause: Cause) -> None:
        """Leave the devices behind an element that has failed."""
        why = f"{cause.kind.replace('_', ' ')} {cause.element} seems to have failed"
        self._updates.tell(f"{why}: {len(cause.devices)} devices are silent with it")
        for name in self._behind.get(cause.element, ()):
            self._left.setdefault(name, why)

    @cached_property
    def _behind(self) -> Mapping[str, Sequence[str]]:
        """Return the devices behind each element."""
        topology = self._updates.topology
        behind: defaultdict[str, list[str]] = defaultdict(list)
        for name, device in self._devices.items():
            for element in topology.path(device.element) if topology else ():
                behind[element.id].append(name)
        return behind

    def _sightings(self, names: Sequence[str], silent: set[str]) -> list[Sighting]:
        """Return how a wave's devices answer, and, where some are silent, those around them."""
        if not silent:
            return []
        seen = {name: self._devices[name] for name in names}
        around: defaultdict[str, list[Device]] = defaultdict(list)
        for prison in sorted({self._devices[name].prison_id for name in silent} - {""}):
            places = {self._devices[name].element for name in silent}
            others = [device for device in self._living(prison) if device.device not in seen]
            # First those behind the very same access points, which know most.
            others.sort(key=lambda one: (one.element not in places, one.device))
            around[prison] = others[:_NEIGHBOURS_MAX]
        asked = [device for others in around.values() for device in others]
        answering = self._updates.answering(asked)
        silent = silent | {one.device for one in asked if one.device not in answering}
        return [
            Sighting(
                device=device.device,
                cell=device.cell,
                silent=device.device in silent,
                prison_id=device.prison_id,
                wing=device.wing,
                landing=device.landing,
            )
            for device in (*seen.values(), *asked)
        ]

    def _live_in(self, prison: str) -> Sequence[Device]:
        found = self._registry.devices(Scope.parse([prison, "state=live"]))
        return [self._devices.get(device.device, device) for device in found]  # Held once.

    # --- small things ----------------------------------------------------------------------------

    @cached_property
    def _parcel(self) -> Parcel:
        """Return the bundle as it is sent, after a look whether it is the one that was signed."""
        digest = str(self._given["bundle_sha256"])
        bundle = self._updates.bundles / f"{digest}.tar"
        if not bundle.is_file():
            raise RefusedError(f"there is no {bundle}: put the bundle there under that name")
        folder = bundle.with_suffix(".parts")
        for _ in range(2):  # Parts may be of what lay there before.
            parcel = parcel_of(bundle, folder)
            if parcel.sha256 == digest:
                return parcel
            shutil.rmtree(folder)
        raise RefusedError(f"{bundle} is not the bundle that was signed: put that one there")

    def _note(self, **values: Any) -> None:
        with self._registry.writing() as connection:
            note_update(connection, self._request.request, **values)

    def _tell(self, wave: Wave, words: str) -> None:
        coverage = " (coverage)" if wave.coverage else ""
        self._updates.tell(f"{self._request.request} {wave.site}{coverage}: {words}")


def is_within(now: datetime, start_s: int, end_s: int) -> bool:
    """Return whether a moment is in a window of seconds of the UTC day; equal ends mean always."""
    at_s = now.hour * 3600 + now.minute * 60 + now.second
    return start_s == end_s or (at_s - start_s) % _DAY_S < (end_s - start_s) % _DAY_S


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second % 3600 // 60:02d}"

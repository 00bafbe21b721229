"""The relay as a service: messages as they come, and by itself its devices now and then."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleet.clock import Clock, Server, places
from fleet.driver import answering, driver_of, lane_of
from fleet.errors import FleetError
from fleet.registry import Registry
from fleet.relay.broker import Post, app_of, serve
from fleet.relay.node import Node
from fleet.relay.place import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fleet.device import Device
    from fleet.relay.place import Place

_LOG = logging.getLogger("wingspan.relay")


def work(place: Place, *, every_s: float, contact_s: float) -> int:
    """Work as a prison's relay until ended; return how many messages were taken.

    Passes over its devices come every `every_s` seconds; every `contact_s` it logs in to all of
    them, whether or not there is anything to say.

    Raises
    ------
    InputError
        When Celery is not installed, or there is no password for the broker.
    """
    app = app_of(place.broker(), place.prison)
    crew = _Crew()
    with Registry.create(place.workspace.settings().database) as registry, _telling_time(place):
        node = Node(
            place=place,
            registry=registry,
            driver=lambda: driver_of(
                place.workspace, lane_of(place.workspace, place.identity, operator=OPERATOR)
            ),
            answering=lambda devices: _answering(place, devices),
            report=Post(app=app, prison=place.prison).report,
            begin=crew.begin,
        )

        def contact() -> float:
            if node.contact_in_s(contact_s) <= 0:
                node.keep_in_contact()
            return max(every_s, node.contact_in_s(contact_s))

        def passes() -> float:
            node.round()
            return every_s

        # What was taken before the last end, however that came, is gone on with at once.
        crew.begin(node.resume)
        crew.repeat(passes)
        crew.repeat(contact)
        try:
            serve(app, node.take)
        finally:
            crew.end()
        return node.taken


def _answering(place: Place, devices: Sequence[Device]) -> frozenset[str]:
    lane = lane_of(place.workspace, place.identity, operator=OPERATOR)
    return answering(lane, driver_of(place.workspace, lane), devices)


@dataclass(slots=True)
class _Crew:
    """The threads of a service; what one cannot do is in the service's journal."""

    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, work: Callable[[], None]) -> None:
        """Begin some work beside the others."""
        self._threads = [one for one in self._threads if one.is_alive()]
        thread = threading.Thread(target=_noted, args=(work,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def repeat(self, work: Callable[[], float]) -> None:
        """Do some work again and again, each time after so many seconds as it says."""

        def again() -> None:
            wait_s = 0.0
            while not self._ended.wait(wait_s):
                try:
                    wait_s = work()
                except FleetError as error:
                    _LOG.warning("%s", error)
                    wait_s = _AGAIN_S

        self.begin(again)

    def end(self) -> None:
        """Wait until all that was begun is done."""
        self._ended.set()
        for thread in self._threads:
            thread.join()


# How long to wait after what could not be done.
_AGAIN_S = 30.0


def _noted(work: Callable[[], None]) -> None:
    try:
        work()
    except FleetError as error:
        _LOG.warning("%s", error)


@contextmanager
def _telling_time(place: Place) -> Iterator[None]:
    """Tell devices the time for the block, where the relay was installed to do so."""
    if not place.settings.clock:
        yield
        return
    try:
        server = Server(next(iter(places(place.settings.clock))), Clock.of(place.identity))
    except FleetError as error:  # Orders are carried out all the same.
        _LOG.warning("%s", error)
        yield
        return
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()

"""The relay as a service: messages as they come, and a pass over its devices now and then."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from fleet.driver import driver_of, lane_of
from fleet.registry import Registry
from fleet.relay.broker import Post, app_of, serve
from fleet.relay.node import Node
from fleet.relay.place import OPERATOR

if TYPE_CHECKING:
    from fleet.relay.place import Place


def work(place: Place, *, every_s: float) -> int:
    """Work as a prison's relay until ended; return how many messages were taken.

    Passes over its devices come every `every_s` seconds.

    Raises
    ------
    InputError
        When Celery is not installed, or there is no password for the broker.
    """
    app = app_of(place.broker(), place.prison)
    ended = threading.Event()
    with Registry.create(place.workspace.settings().database) as registry:
        node = Node(
            place=place,
            registry=registry,
            driver=lambda: driver_of(
                place.workspace, lane_of(place.workspace, place.identity, operator=OPERATOR)
            ),
            report=Post(app=app, prison=place.prison).report,
        )

        def rounds() -> None:
            # What was taken before the last end, however that came, is gone on with at once.
            while not ended.is_set():
                node.round()
                ended.wait(every_s)

        passes = threading.Thread(target=rounds, name="rounds", daemon=True)
        passes.start()
        try:
            serve(app, node.take)
        finally:
            ended.set()
            passes.join()
        return node.taken

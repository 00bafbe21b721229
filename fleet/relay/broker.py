"""One prison's queues at the broker: the only module that knows Celery.

Each prison has a space of its own there (a virtual host of RabbitMQ, a prefix of keys in Redis),
which its relay alone may use, besides the centre. Messages are JSON; nothing else is taken.
"""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from fleet.errors import InputError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAVES, REPORTS = "waves", "reports"
TASK = "wingspan.take"
PASSWORD: Final = "WINGSPAN_BROKER_PASSWORD"  # noqa: S105 - the name of a variable
_SCHEMES = {"rediss": "redis", "amqps": "rabbitmq"}
_CONNECT_S = 5
# A line that is dead without a word is noticed within a minute.
_KEEPALIVE: Final = {socket.TCP_KEEPIDLE: 20, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}
_HEARTBEAT_S = 20


def space_of(prison: str) -> str:
    """Return the name of a prison's space: its virtual host, or the beginning of its keys."""
    return f"wingspan-{prison}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is, and how to log in; the password stays out of every printed form.

    `url` is rediss://USER@HOST:PORT or amqps://USER@HOST:PORT, `authority` the file of the
    certificates that may sign the broker's.
    """

    url: str
    authority: Path
    password: str = field(repr=False)
    visible_again_s: int = 3600

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in _SCHEMES or not parts.username or not parts.hostname:
            hint = "rediss://USER@HOST:PORT or amqps://USER@HOST:PORT, always with TLS"
            raise InputError(f"{self.url} is not the address of a broker", hint=hint)
        if parts.password:
            hint = f"leave it out, and set {PASSWORD} or write keys/broker_password"
            raise InputError("the broker's address holds a password", hint=hint)

    @property
    def kind(self) -> str:
        """Return redis or rabbitmq."""
        return _SCHEMES[urlsplit(self.url).scheme]


def password_of(keys: Path) -> str:
    """Return the password for the broker: from the environment, or from the folder of keys.

    Raises
    ------
    InputError
        When there is none.
    """
    path = keys / "broker_password"
    found = os.environ.get(PASSWORD) or (path.read_text().strip() if path.exists() else "")
    if not found:
        raise InputError("there is no password for the broker", hint=f"{PASSWORD}, or {path}")
    return found


def app_of(broker: Broker, prison: str) -> Any:
    """Return the Celery application of a prison's space.

    Raises
    ------
    InputError
        When Celery is not installed.
    """
    try:
        from celery import Celery  # noqa: PLC0415 - optional, and heavy
        from kombu import Exchange, Queue  # noqa: PLC0415
    except ModuleNotFoundError as error:
        hint = "python -m pip install 'wingspan[relay]'"
        raise InputError("relays need Celery, which is not installed", hint=hint) from error
    space, redis = space_of(prison), broker.kind == "redis"
    parts = urlsplit(broker.url)
    where = f"{quote(parts.username or '')}:{quote(broker.password, safe='')}@{parts.hostname}"
    where += f":{parts.port}" if parts.port else ""
    address = urlunsplit((parts.scheme, where, "/0" if redis else f"/{space}", "", ""))
    trusted = {"ca_certs": str(broker.authority), "cert_reqs": ssl.CERT_REQUIRED}
    app = Celery("wingspan", broker=address, set_as_current=False)
    app.conf.update(
        broker_use_ssl={f"ssl_{key}": value for key, value in trusted.items()}
        if redis
        else trusted,
        broker_transport_options={
            "global_keyprefix": f"{space}:",
            "visibility_timeout": broker.visible_again_s,
            "socket_connect_timeout": _CONNECT_S,
            "socket_keepalive": True,
            "socket_keepalive_options": _KEEPALIVE,
        }
        if redis
        else {"confirm_publish": True},
        broker_connection_timeout=_CONNECT_S,
        broker_heartbeat=_HEARTBEAT_S,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        # What a broker did not take in is told at once, and sent again by the next pass.
        task_publish_retry=False,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        # Neither events nor remote control: their queues would be shared by all.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        task_queues=[Queue(WAVES, Exchange(WAVES), routing_key=WAVES)],
        task_default_queue=WAVES,
        task_default_exchange=WAVES,
        task_default_routing_key=WAVES,
    )
    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One prison's queues: messages to its relay, and reports of it."""

    app: Any
    prison: str

    def send(self, sealed: dict[str, str]) -> None:
        """Put a message into the relay's queue.

        Raises
        ------
        UnreachableError
            When the broker cannot be reached.
        """
        with self._connected() as connection:
            self.app.send_task(TASK, args=[sealed], queue=WAVES, connection=connection)

    def report(self, sealed: dict[str, str]) -> None:
        """Put a report into the centre's queue.

        Raises
        ------
        UnreachableError
            When the broker cannot be reached.
        """
        with self._connected() as connection:
            queue = connection.SimpleQueue(REPORTS, serializer="json")
            queue.put(sealed)
            queue.close()

    def collect(self, take: Callable[[Any], None]) -> int:
        """Hand the reports that are there to `take`, each gone once it returns; return how many.

        One that is not JSON is thrown away.

        Raises
        ------
        UnreachableError
            When the broker cannot be reached.
        """
        count = 0
        with self._connected() as connection:
            queue = connection.SimpleQueue(REPORTS, accept=["json"])
            try:
                while True:
                    report = queue.get(block=False)
                    if report.content_type == "application/json":
                        take(report.payload)
                    report.ack()
                    count += 1
            except queue.Empty:
                return count
            finally:
                queue.close()

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        connection = self.app.connection_for_write()
        failures = (*connection.connection_errors, *connection.channel_errors, OSError)
        what = f"the broker of {self.prison}'s relay does not answer"
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_CONNECT_S)
        except (*failures, self._operational()) as error:
            raise UnreachableError(what, stage="connect") from error
        try:
            with connection:
                yield connection
        except (*failures, self._operational()) as error:
            raise UnreachableError(what, stage="command") from error

    @staticmethod
    def _operational() -> type[Exception]:
        from kombu.exceptions import OperationalError  # noqa: PLC0415 - optional, and heavy

        error: type[Exception] = OperationalError
        return error


def serve(app: Any, take: Callable[[Any], None]) -> None:
    """Work until asked to end: hand each message to `take`, and let go of it once that returns.

    Raises
    ------
    UnreachableError
        When the broker ends it, as RabbitMQ does with who takes longer than it allows; begun
        again, it goes on.
    """
    app.task(name=TASK, ignore_result=True)(take)
    worker = ("worker", "--pool", "threads", "--concurrency", "4", "-l", "WARNING")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    try:
        app.worker_main(["--quiet", *worker, *quiet])
    except SystemExit as ended:  # How Celery says that it was asked to end, and that it could not.
        if ended.code:
            hint = "its service begins anew by itself"
            raise UnreachableError("the broker has ended the relay's work", hint=hint) from None

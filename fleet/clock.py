"""Telling devices the time, signed over each one's own question: they ask before SSH can work."""

from __future__ import annotations

import json
import re
import socketserver
import time
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from fleet.errors import FleetError, InputError
from fleet.identity import signature
from fleet.identity.keys import Key

if TYPE_CHECKING:
    from fleet.identity import Identity

PORT = 8463
_QUESTION_MAX_BYTES = 512
_PATIENCE_S = 5.0
_AT_ONCE_MAX = 32
_NONCE = re.compile(r"[0-9a-f]{32,128}")


def places(text: str) -> tuple[tuple[str, int], ...]:
    """Return the addresses and ports of a list such as "10.1.0.1:8463, 10.2.0.1:8463".

    Raises
    ------
    InputError
        When one of them is not an address and a port.
    """
    found = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        host, _, port = word.rpartition(":")
        if not host or not port.isdecimal():
            raise InputError(f"{word!r} is not an address and a port", hint="as in 10.1.0.1:8463")
        found.append((host.strip("[]"), int(port)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Clock:
    """Who signs the time."""

    key: Path

    @classmethod
    def of(cls, identity: Identity) -> Clock:
        """Return the clock of the centre."""
        return cls(identity.path(Key.TIME))

    def answer(self, question: bytes) -> bytes:
        """Return the signed time for a question; nothing for what is none."""
        try:
            nonce = json.loads(question)["nonce"]
        except (ValueError, KeyError, TypeError):
            return b""
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            return b""
        statement = json.dumps({"nonce": nonce, "time_s": round(time.time(), 3)})
        signed = signature.sign(statement.encode(), key=self.key, namespace=signature.TIME)
        return json.dumps({"statement": statement, "signature": signed}).encode() + b"\n"


class Server(socketserver.ThreadingTCPServer):
    """A server of signed time; `answers` counts the questions that were answered.

    No more than 32 are heard at a time, and each has five seconds for its question.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, where: tuple[str, int], clock: Clock) -> None:
        self.clock = clock
        self.answers = 0
        self._places = BoundedSemaphore(_AT_ONCE_MAX)
        try:
            super().__init__(where, _Question)
        except OSError as error:
            raise FleetError(f"cannot listen at {where[0]} port {where[1]}") from error

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hear a question in a thread, once there is a place for it."""
        self._places.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Hear a question."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let go of who hangs up or says nothing."""


class _Question(socketserver.StreamRequestHandler):
    timeout = _PATIENCE_S
    server: Server

    def handle(self) -> None:
        answer = self.server.clock.answer(self.rfile.readline(_QUESTION_MAX_BYTES))
        if answer:
            self.wfile.write(answer)
            self.server.answers += 1

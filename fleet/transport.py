"""How devices are reached: over this machine's network, or inside a rehearsal's."""

from __future__ import annotations

import ctypes
import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from fleet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleet.workspace import Workspace

SCHEMA = 1

# From Linux's sched.h; Python offers the call from 3.12.
_CLONE_NEWNET = 0x40000000
# In /proc/PID/stat, counted after the command's closing bracket.
_STATE_FIELD, _STARTED_FIELD = 0, 19
_STAT_BYTES = 4096


class Transport(Protocol):
    """The network that devices are on."""

    def connect(self, address: str, port: int, *, timeout_s: float) -> socket.socket:
        """Return a connected TCP socket, which keeps the timeout.

        Raises
        ------
        OSError
            When nothing answers there in that time.
        """

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs `argv` where devices can be reached.

        Raises
        ------
        OSError
            When that network is no more.
        """


@dataclass(frozen=True, slots=True)
class Direct:
    """The network of the machine that we run on."""

    def connect(self, address: str, port: int, *, timeout_s: float) -> socket.socket:
        """Return a connected TCP socket."""
        return _connected(_socket(address), address, port, timeout_s)

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command as it is."""
        return list(argv)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """The network of a rehearsal, entered at its headquarters.

    `pid` is the rehearsal's first process and `started` when it started, in the kernel's ticks:
    together they name it even after the number has been used again.
    """

    pid: int
    started: int
    schema: int = SCHEMA

    @property
    def lives(self) -> bool:
        """Return whether the rehearsal is still there."""
        return start_of(self.pid) == self.started

    def connect(self, address: str, port: int, *, timeout_s: float) -> socket.socket:
        """Return a connected TCP socket of the rehearsal's network.

        A socket stays in the network that it was made in, so only its making happens there.
        """
        self._make_sure()
        with _network_of(self.pid):
            opened = _socket(address)
        return _connected(opened, address, port, timeout_s)

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs `argv` on this machine's files and in the lab's network."""
        self._make_sure()
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *argv]

    def _make_sure(self) -> None:
        if not self.lives:  # Its number may be another process by now.
            raise ConnectionError("the rehearsal has ended")


def transport_of(workspace: Workspace) -> Transport:
    """Return the workspace's rehearsal, and this machine's network where there never was one.

    Raises
    ------
    InputError
        When the rehearsal has ended: its devices' addresses are somebody else's out there. Or the
        file that names it cannot be read.
    """
    lab = read_lab(workspace)
    if lab is None:
        return Direct()
    if not lab.lives:
        hint = (
            "wingspan fleet rehearse up starts new ones; real devices get a workspace of their own"
        )
        raise InputError(f"the rehearsal of {workspace.root} and its devices have ended", hint=hint)
    return lab


def read_lab(workspace: Workspace) -> Lab | None:
    """Return the rehearsal that the workspace was last given, whether it lives or not.

    Raises
    ------
    InputError
        When the file that names it cannot be read.
    """
    path = workspace.lab / "transport.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Lab)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        hint = f"remove {path}; wingspan fleet rehearse up writes it anew"
        raise InputError(f"cannot read {path}", hint=hint) from error


def start_of(pid: int) -> int | None:
    """Return when a living process started, in clock ticks since boot; None where there is none."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)  # Asked once for each connection.
    except OSError:
        return None
    try:
        stat = os.read(descriptor, _STAT_BYTES)
    except OSError:  # It ended after we had opened it.
        return None
    finally:
        os.close(descriptor)
    fields = stat.rpartition(b")")[2].split()
    return None if fields[_STATE_FIELD] == b"Z" else int(fields[_STARTED_FIELD])


def _socket(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.socket(family, socket.SOCK_STREAM)


def _connected(opened: socket.socket, address: str, port: int, timeout_s: float) -> socket.socket:
    try:
        opened.settimeout(timeout_s)
        opened.connect((address, port))
    except OSError:
        opened.close()
        raise
    return opened


@contextmanager
def _network_of(pid: int) -> Iterator[None]:
    """Let this thread, and no other, make its sockets in the network of a process."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        theirs = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            _enter(theirs)
        finally:
            os.close(theirs)
        try:
            yield
        finally:
            _enter(own)
    finally:
        os.close(own)


def _enter(network: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot enter the rehearsal's network: {os.strerror(number)}")

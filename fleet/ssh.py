"""One SSH connection to one device: its pinned key, our certificate, and an end to every wait.

The only module that knows paramiko. OpenSSH's own files (known_hosts, agent, config, identities)
play no part: what a device must show and what we show it are handed in.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import shlex
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Protocol, Self, cast

from cryptography.hazmat.primitives.serialization import SSHCertificate, load_ssh_public_identity
from paramiko import Ed25519Key, Message, SSHException, Transport
from paramiko.packet import Packetizer
from paramiko.ssh_exception import AuthenticationException, IncompatiblePeer

from fleet.errors import HostKeyChangedError, NotProvenError, RefusedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from paramiko import Channel

    from fleet.identity.credential import Credential

# Post-quantum where the device has it (OpenSSH 9.9 on); Debian 12's has none in common with
# paramiko. OpenSSH knows curve25519-sha256 by this older name too.
POST_QUANTUM, CURVE25519 = "mlkem768x25519-sha256", "curve25519-sha256@libssh.org"
KEY_EXCHANGES = (POST_QUANTUM, CURVE25519)
_CIPHERS = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr")
_MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-256")
_HOST_KEYS = ("ssh-ed25519",)

_ANSWER_MAX_BYTES = 8_000_000
_CHUNK_BYTES = 65_536
_LINE_MAX_BYTES = 1_000_000

# Every failure becomes one of our errors; paramiko's own words would be a second voice on stderr.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Dialler(Protocol):
    """What opens a connection to where a device was last seen."""

    def connect(self, address: str, port: int, *, timeout_s: float) -> socket.socket:
        """Return a connected stream socket, or raise OSError or UnreachableError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A device as SSH sees it: where to knock, and whom to find there.

    `host_key` is the pinned key ("ssh-ed25519 AAAA…"); `key_exchange` the only one to offer, or
    empty to offer the post-quantum one first and then curve25519.
    """

    device: str
    address: str
    port: int
    user: str
    host_key: str
    key_exchange: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command on a device wrote, and its exit status; -1 when a signal ended it."""

    status: int
    stdout: bytes
    stderr: bytes


class Session:
    """An open and authenticated connection to a device; use it as a context manager.

    `key_exchange` is what both sides agreed on, `greeting` the device's own SSH version.
    """

    def __init__(self, target: Target, line: _Line) -> None:
        self.device = target.device
        self.key_exchange = line.transport.key_exchange
        self.greeting = line.transport.remote_version
        self._line = line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def run(self, command: str, *, stdin: bytes = b"", timeout_s: float) -> Answer:
        """Run a command on the device and return its answer.

        Raises
        ------
        UnreachableError
            When the answer is not whole within the time, or the device hangs up; the session is
            closed then.
        RefusedError
            When the device does not let us run a command, or writes more than 8 MB.
        """
        with self._line.deadline(f"answer to {command.split(maxsplit=1)[0]}", timeout_s):
            channel = self._begun(command, timeout_s)
            if stdin:
                channel.sendall(stdin)
            return self._ended(channel)

    def converse(
        self,
        command: str,
        *,
        first: bytes,
        then: Callable[[bytes], Iterable[bytes]],
        timeout_s: float,
    ) -> Answer:
        """Run a command, hand it a line, and send what `then` makes of the line that it answers.

        That may be much: it is sent as it is yielded, and no more of it once the command takes no
        more. Its first line is part of the answer.

        Raises
        ------
        UnreachableError, RefusedError
            As for `run`.
        """
        with self._line.deadline(f"answer to {command.split(maxsplit=1)[0]}", timeout_s):
            channel = self._begun(command, timeout_s)
            channel.sendall(first + b"\n")
            said = b""
            while b"\n" not in said and (chunk := channel.recv(_CHUNK_BYTES)):
                said += chunk
                if len(said) > _LINE_MAX_BYTES:
                    raise RefusedError(f"{self.device} answers with no end to its first line")
            for piece in then(said.partition(b"\n")[0]):
                try:
                    channel.sendall(piece)
                except OSError:
                    if not self._line.transport.is_active():
                        raise
                    break  # It has ended, and says why.
            return self._ended(channel, said)

    def _begun(self, command: str, timeout_s: float) -> Channel:
        try:
            channel = self._line.transport.open_session(timeout=timeout_s)
            channel.exec_command(command)
        except SSHException as error:
            if not self._line.transport.is_active():
                raise
            raise RefusedError(f"{self.device} runs no command for us") from error
        return channel

    def _ended(self, channel: Channel, said: bytes = b"") -> Answer:
        channel.shutdown_write()
        out = said + b"".join(_chunks(iter(lambda: channel.recv(_CHUNK_BYTES), b""), self.device))
        err = b"".join(_chunks(iter(lambda: channel.recv_stderr(_CHUNK_BYTES), b""), self.device))
        status = channel.recv_exit_status()
        if not self._line.transport.is_active():
            raise EOFError("the connection ended before the answer")
        return Answer(status=status, stdout=out, stderr=err)

    def put(self, path: str, content: bytes, mode: int, *, timeout_s: float = 60) -> None:
        """Write a file on the device: a reader there sees the old one or the new one, whole.

        It is written aside, compared with its hash, flushed to the disk, and renamed.

        Raises
        ------
        NotProvenError
            When the device could not write it (a full disk, a missing folder); the old file is
            as it was.
        """
        digest = hashlib.sha256(content).hexdigest()
        words = ["sh", "-c", _PUT, "put", path, f"{mode:o}", digest]
        answer = self.run(shlex.join(words), stdin=content, timeout_s=timeout_s)
        if answer.status != 0:
            why = answer.stderr.decode(errors="replace").strip() or f"status {answer.status}"
            raise NotProvenError(f"{self.device} could not write {path}: {why}")


_PUT = """
set -e
folder=$(dirname "$1")
aside=$(mktemp "$folder/.$(basename "$1").XXXXXX")
trap 'rm -f "$aside"' EXIT
cat >"$aside"
test "$(sha256sum <"$aside")" = "$3  -" || { echo "what arrived is not what was sent" >&2; exit 1; }
chmod "$2" "$aside"
sync "$aside"
mv -f "$aside" "$1"
sync "$folder"
"""


def open_session(
    target: Target, credential: Credential, transport: Dialler, *, timeout_s: float
) -> Session:
    """Connect, check the device's key, and log in, all within the time.

    The key is compared before anything of ours is shown.

    Raises
    ------
    UnreachableError
        When nothing answers, or what answers does not get as far as the login.
    HostKeyChangedError
        When what answers does not hold the pinned key.
    RefusedError
        When the device refuses the login, with what our certificate says of itself.
    """
    line = _Line(target, transport, timeout_s=timeout_s)
    try:
        line.shake_hands(target.key_exchange)
        _check_host_key(target, line.host_key)
        line.log_in(target.user, credential)
    except BaseException:
        line.close()
        raise
    return Session(target, line)


def host_key_of(address: str, port: int, transport: Dialler, *, timeout_s: float) -> str:
    """Return the ed25519 key that answers at an address; that says nothing about who it is.

    Raises
    ------
    UnreachableError
        When nothing answers there that speaks SSH with such a key.
    """
    where = Target(
        device=f"{address} port {port}", address=address, port=port, user="", host_key=""
    )
    line = _Line(where, transport, timeout_s=timeout_s)
    try:
        line.shake_hands("")
        return line.host_key
    finally:
        line.close()


class _Buffered:
    """A socket as paramiko reads it, asked for much at a time.

    paramiko takes each packet in two or more pieces; a call of the system for each is a third of
    what a connection costs.
    """

    def __init__(self, sock: socket.socket) -> None:
        # Two small writes in a row would wait for the device's acknowledgement of the first.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket, self._read = sock, b""
        self.send = sock.send
        self._closed = False

    def recv(self, count: int) -> bytes:
        if not self._read:
            self._read = self._socket.recv(_CHUNK_BYTES)
        piece, self._read = self._read[:count], self._read[count:]
        return piece

    def settimeout(self, _timeout_s: float | None) -> None:
        """Wait without end: paramiko would look up ten times a second, and hanging up wakes it."""

    def close(self) -> None:
        self._closed = True
        self._socket.close()


class _NoTimer(Packetizer):
    """paramiko's packets without its thread for each handshake: our deadline covers that."""

    def start_handshake(self, timeout: float) -> None:
        """Start nothing."""


class _Transport(Transport):
    """paramiko's transport that remembers the key exchange; paramiko forgets it once it is over."""

    key_exchange = ""

    def _log(self, *_words: object) -> None:
        """Word nothing for a log that nobody reads: our errors say what failed."""

    def _parse_debug(self, _message: Message) -> None:
        """Do not word what OpenSSH tells of our key's options, twice a login."""

    def _parse_kex_init(self, message: Message) -> None:
        super()._parse_kex_init(message)  # type: ignore[misc]  # not in the stubs
        self.key_exchange = getattr(self.kex_engine, "name", CURVE25519)


class _Line:
    """A connection in the making, and the one place that says why it fails."""

    def __init__(self, target: Target, dialler: Dialler, *, timeout_s: float) -> None:
        self._device, self._timeout_s = target.device, timeout_s
        self._ends_s = monotonic() + timeout_s
        try:
            self._socket = dialler.connect(target.address, target.port, timeout_s=timeout_s)
        except (OSError, UnreachableError) as error:
            where = f"{target.address} port {target.port}"
            at = "" if where == target.device else f" at {where}"
            what = f"{target.device} does not answer{at}"
            cause = error.__cause__ if isinstance(error, UnreachableError) else error
            raise UnreachableError(what, stage="connect") from cause
        self._socket.settimeout(None)
        # paramiko takes what reads, writes and closes like a socket; its stubs do not say so.
        buffered = cast("socket.socket", _Buffered(self._socket))
        self.transport = _Transport(buffered, packetizer_class=_NoTimer)

    def shake_hands(self, key_exchange: str) -> None:
        """Agree on keys; the device has then proved that it holds `host_key`."""
        options = self.transport.get_security_options()
        options.kex = (key_exchange,) if key_exchange else KEY_EXCHANGES
        options.ciphers, options.digests = _CIPHERS, _MACS
        options.key_types = _HOST_KEYS
        done = threading.Event()
        self.transport.banner_timeout = self._timeout_s
        self.transport.start_client(event=done)
        in_time = done.wait(self._left_s())
        if in_time and self.transport.initial_kex_done and self.transport.is_active():
            return
        error = self.transport.get_exception()
        if isinstance(error, IncompatiblePeer):
            if "host key" in str(error):
                raise HostKeyChangedError(
                    f"{self._device}: what answers there has no ed25519 key"
                ) from error
            raise RefusedError(f"{self._device} shares no way to encrypt with us") from error
        self._give_up("handshake", "SSH handshake", self._timeout_s, error, late=not in_time)

    @property
    def host_key(self) -> str:
        """Return the key that the device has proved to hold."""
        key = self.transport.get_remote_server_key()
        return f"{key.get_name()} {key.get_base64()}"

    def log_in(self, user: str, credential: Credential) -> None:
        """Show our key or certificate."""
        done = threading.Event()
        with suppress(SSHException, EOFError, OSError):  # The transport keeps what it failed of.
            self.transport.auth_publickey(user, _key_of(credential), event=done)
        in_time = done.wait(self._left_s())
        if self.transport.is_authenticated():
            return
        error = self.transport.get_exception()
        if isinstance(error, AuthenticationException) or (in_time and self.transport.is_active()):
            raise RefusedError(f"{self._device} refuses the login of {user}{_doubt(credential)}")
        self._give_up("login", "login", self._timeout_s, error, late=not in_time)

    @contextmanager
    def deadline(self, awaited: str, timeout_s: float) -> Iterator[None]:
        """End what happens in the block, wherever it waits, when the time is over."""
        watch = threading.Timer(timeout_s, self.close)
        watch.daemon = True
        ends_s = monotonic() + timeout_s
        watch.start()
        try:
            yield
        except (SSHException, EOFError, OSError) as error:
            self._give_up("command", awaited, timeout_s, error, late=monotonic() >= ends_s)
        finally:
            watch.cancel()

    def close(self) -> None:
        """Hang up, and wake whoever waits for the device."""
        with suppress(OSError):  # The device may have hung up before us.
            self._socket.shutdown(socket.SHUT_RDWR)
        self.transport.close()
        self._socket.close()

    def _left_s(self) -> float:
        return max(0.0, self._ends_s - monotonic())

    def _give_up(
        self, stage: str, awaited: str, timeout_s: float, error: Exception | None, *, late: bool
    ) -> None:
        self.close()
        if late:
            what = f"{self._device} gives no {awaited} within {timeout_s:g} s"
            raise UnreachableError(what, stage=stage)
        raise UnreachableError(f"{self._device} hangs up in the {stage}", stage=stage) from error


def _check_host_key(target: Target, found: str) -> None:
    if found.split()[:2] != target.host_key.split()[:2]:
        raise HostKeyChangedError(
            f"what answers at {target.address} port {target.port} is not {target.device}: "
            f"it holds {fingerprint(found)}, the pinned key is {fingerprint(target.host_key)}",
            hint="find out what stands there; a new device, or one set up anew, is enrolled again",
            found=found,
        )


def fingerprint(public_key: str) -> str:
    """Return the SHA-256 fingerprint of a public key's line, as ssh-keygen -l prints it."""
    blob = base64.b64decode(public_key.split()[1])
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


@lru_cache(maxsize=4)
def _key_of(credential: Credential) -> Ed25519Key:
    """Return the key to log in with; a sweep shows the same one to every device."""
    key = Ed25519Key.from_private_key(io.StringIO(credential.private_key))
    if credential.certificate:
        key.load_certificate(Message(base64.b64decode(credential.certificate.split()[1])))
    return key


def _doubt(credential: Credential) -> str:
    """Return what our own certificate says that may be why; sshd never gives a reason."""
    if not credential.certificate:
        return ": it does not know the key"
    certificate = load_ssh_public_identity(credential.certificate.encode())
    if not isinstance(certificate, SSHCertificate):
        return ""
    since, until = _clock(certificate.valid_after), _clock(certificate.valid_before)
    now_s = datetime.now(tz=UTC).timestamp()
    if now_s >= certificate.valid_before:
        return f": the certificate ended on {until}"
    if now_s < certificate.valid_after:
        return f": the certificate begins on {since}"
    names = ", ".join(name.decode() for name in certificate.valid_principals)
    return f": certificate {certificate.serial} ({names}) is valid from {since} to {until}"


def _clock(stamp_s: int) -> str:
    latest_s = datetime.max.replace(tzinfo=UTC).timestamp()  # OpenSSH's "forever" is later still.
    return f"{datetime.fromtimestamp(min(stamp_s, latest_s - 1), tz=UTC):%Y-%m-%d %H:%M:%S} UTC"


def _chunks(parts: Iterator[bytes], device: str) -> Iterator[bytes]:
    left = _ANSWER_MAX_BYTES
    for part in parts:
        left -= len(part)
        if left < 0:
            raise RefusedError(f"{device} answers with more than {_ANSWER_MAX_BYTES:,} bytes")
        yield part

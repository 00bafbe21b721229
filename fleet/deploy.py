"""The deploy lane of an update: bytes over SSH, and one run of Ansible that has a wave apply them.

Each phase has a certificate of its own, for that wave's devices and for minutes. What a run says
of a device is no proof; only what the device itself signed is.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import takewhile
from math import ceil
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from fleet.approval.order import read_proof
from fleet.device import Device
from fleet.driver import Order, Reply
from fleet.errors import FleetError, UnreachableError
from fleet.identity import Credential, Identity, Lane
from fleet.paced import Paced
from fleet.playbook import Outcome, Play, Result, play
from fleet.ssh import Answer, Target, open_session
from fleet.transport import Transport

if TYPE_CHECKING:
    from fleet.wave import Wave

PLAYBOOK = "update"
RECEIVE = "/usr/bin/python3 -I -S -E /usr/local/lib/wingspan/wingspan_prefetch.py"
PART_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_LOGIN_S = 60
_CHALLENGE_BYTES = 16
_MINUTE_S = 60
_MINUTES_MIN, _MINUTES_MAX = 5, 60
# An estimate may be wrong by so much before a run is ended.
_PATIENCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A bundle in the parts that it is sent in: files of `part_bytes` but the last."""

    parts: tuple[Path, ...]
    bytes_total: int
    part_bytes: int

    def since(self, offset: int) -> Iterator[bytes]:
        """Yield the bytes of the bundle from an offset on."""
        for part in self.parts:
            size = part.stat().st_size
            if offset >= size:
                offset -= size
                continue
            with part.open("rb") as opened:
                opened.seek(offset)
                offset = 0
                while chunk := opened.read(_CHUNK_BYTES):
                    yield chunk

    def after(self, said: bytes) -> Iterator[bytes]:
        """Yield what a device lacks, by the line in which it said what it has.

        Nothing where it takes nothing, or where the line makes no sense: nobody vouches for it.
        """
        standing = _decoded(said)
        have = standing.get("have")
        if standing.get("complete") is False and isinstance(have, int):
            yield from self.since(max(0, have))

    @property
    def sha256(self) -> str:
        """Return the hash of the bundle, as its bytes are now."""
        hashed = sha256()
        for chunk in self.since(0):
            hashed.update(chunk)
        return hashed.hexdigest()


class WaveLane(Protocol):
    """What carries one phase of a wave to its devices."""

    def prefetch(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order], parcel: Parcel
    ) -> Mapping[str, str]:
        """Return for each device why it does not have the bundle, "" where it has."""

    def apply(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order]
    ) -> Sequence[Reply]:
        """Return what each device showed, or why it showed nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployLane:
    """The deploy lane; `stopped` ends a phase that is under way.

    `credential` is called for each phase: for which devices, why, and for how many minutes.
    """

    credential: Callable[[Sequence[Device], str, int], Credential]
    carrier: Transport
    stopped: Callable[[], bool] = lambda: False

    def prefetch(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order], parcel: Parcel
    ) -> Mapping[str, str]:
        """Send each device what it lacks, at the wave's rate."""
        credential = self._credential(wave, devices, orders)
        dialler = Paced(dialler=self.carrier, rate_mbps=wave.rate_mbps)
        ends_s = monotonic() + minutes_of(wave) * _MINUTE_S

        def send(device: Device) -> str:
            left_s = ends_s - monotonic()
            if self.stopped() or left_s <= 0:
                return "the run ended before it"
            if not device.address:
                return "it has no known address"
            login_s = min(_LOGIN_S, left_s)
            try:
                with open_session(
                    _target(device), credential, dialler, timeout_s=login_s
                ) as session:
                    answer = session.converse(
                        RECEIVE,
                        first=orders[device.device].encoded(""),
                        then=partial(self._sent, parcel),
                        timeout_s=left_s,
                    )
            except FleetError as error:
                return str(error).partition("\n")[0]
            return _lacking(answer)

        with ThreadPoolExecutor(wave.at_once) as pool:
            words = pool.map(send, devices)
            return {device.device: why for device, why in zip(devices, words, strict=True)}

    def _sent(self, parcel: Parcel, said: bytes) -> Iterator[bytes]:
        """Yield what a device lacks, until the phase is stopped."""
        return takewhile(lambda _chunk: not self.stopped(), parcel.after(said))

    def apply(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order]
    ) -> Sequence[Reply]:
        """Have each device apply the bundle that it has, in one run of Ansible."""
        challenges = {d.device: secrets.token_hex(_CHALLENGE_BYTES) for d in devices}
        each = {name: json.loads(orders[name].encoded(challenges[name])) for name in challenges}
        mine = ("included", "challenge")
        common = {k: v for k, v in next(iter(each.values())).items() if k not in mine}
        # Encoded, so that no word of a request can be taken for a template of Ansible's.
        encoded = base64.b64encode(json.dumps(common).encode()).decode()
        seconds = minutes_of(wave) * _MINUTE_S
        work = Play(
            playbook=PLAYBOOK,
            targets=[_target(device) for device in devices],
            variables={"wingspan_common": encoded},
            own={
                name: {"wingspan_own": {key: order[key] for key in mine}}
                for name, order in each.items()
            },
            forks=wave.at_once,
            timeout_s=seconds,
            task_timeout_s=seconds,
        )
        credential = self._credential(wave, devices, orders)
        results = play(work, credential, self.carrier, stopped=self.stopped).results
        by_name = {device.device: device for device in devices}
        return [
            _reply(by_name[r.device], r, orders[r.device].request.request, challenges[r.device])
            for r in results
        ]

    def _credential(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order]
    ) -> Credential:
        purpose = next(iter(orders.values())).request.request
        return self.credential(devices, purpose, minutes_of(wave))


def minutes_of(wave: Wave) -> int:
    """Return for how long a run of a wave may go on, in minutes."""
    return min(_MINUTES_MAX, max(_MINUTES_MIN, ceil(_PATIENCE * wave.seconds / _MINUTE_S)))


def principals_of(devices: Sequence[Device]) -> tuple[str, ...]:
    """Return the names under which a wave's devices take a certificate of the deploy lane."""
    return tuple(f"device-{device.device}" for device in devices)


def issued_by(
    identity: Identity, operator: str
) -> Callable[[Sequence[Device], str, int], Credential]:
    """Return what issues the certificates of a centre's own runs."""

    def issue(devices: Sequence[Device], purpose: str, minutes: int) -> Credential:
        return identity.credential(
            Lane.DEPLOY,
            operator=operator,
            purpose=purpose,
            principals=principals_of(devices),
            minutes=minutes,
        )

    return issue


def parcel_of(bundle: Path, folder: Path, *, part_bytes: int = PART_BYTES) -> Parcel:
    """Return a bundle in parts, which are cut in a folder where they are not there yet."""
    total = bundle.stat().st_size
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    with bundle.open("rb") as whole:
        for number, start in enumerate(range(0, total, part_bytes)):
            path = folder / f"{number:06d}"
            size = min(part_bytes, total - start)
            if not (path.is_file() and path.stat().st_size == size):
                whole.seek(start)
                aside = path.with_suffix(".writing")
                aside.write_bytes(whole.read(size))
                aside.replace(path)
            parts.append(path)
    return Parcel(parts=tuple(parts), bytes_total=total, part_bytes=part_bytes)


def _target(device: Device) -> Target:
    return Target(
        device=device.device,
        address=device.address,
        port=device.port,
        user="root",
        host_key=device.host_key,
        key_exchange=device.key_exchange,
    )


def _lacking(answer: Answer) -> str:
    """Return why a device does not have the bundle, "" where its last line says that it has."""
    lines = answer.stdout.strip().rpartition(b"\n")
    said = _decoded(lines[-1])
    if said.get("complete"):
        return ""
    wrong = answer.stderr.decode(errors="replace").strip()
    words = str(said.get("refused") or wrong or "its bundle is not complete")
    return words.splitlines()[-1]


def _decoded(line: bytes) -> dict[str, Any]:
    """Return what a device said in a line, nothing where that is no object."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _reply(device: Device, result: Result, request: str, challenge: str) -> Reply:
    if result.outcome not in {Outcome.CHANGED, Outcome.UNCHANGED}:
        # It may have begun before it fell silent, so it has to be asked.
        why = result.why.partition("\n")[0]
        return Reply(device=device, error=UnreachableError(why, stage="command"))
    answer = json.dumps(result.answer.get("answer")).encode()
    try:
        proof = read_proof(answer, device, request=request, challenge=challenge)
    except FleetError as error:
        return Reply(device=device, error=error)
    return Reply(device=device, proof=proof)

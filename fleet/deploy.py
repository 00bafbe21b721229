"""The deploy lane of an update: one run of Ansible for each phase of a wave.

Each run has a certificate of its own, for that wave's devices and for minutes. What a run says of
a device is no proof; only what the device itself signed is.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fleet.approval.order import read_proof
from fleet.device import Device
from fleet.driver import Order, Reply
from fleet.errors import FleetError, UnreachableError
from fleet.identity import Credential, Identity, Lane
from fleet.playbook import Carrier, Outcome, Play, Result, play
from fleet.ssh import Target

if TYPE_CHECKING:
    from fleet.wave import Wave

PLAYBOOK = "update"
PART_BYTES = 4 * 1024 * 1024
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
    """The deploy lane through Ansible; `stopped` ends a run that is under way.

    `credential` is called for each run: for which devices, why, and for how many minutes.
    """

    credential: Callable[[Sequence[Device], str, int], Credential]
    carrier: Carrier
    stopped: Callable[[], bool] = lambda: False

    def prefetch(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order], parcel: Parcel
    ) -> Mapping[str, str]:
        """Send each device what it lacks, at the wave's rate."""
        challenges = {device.device: "" for device in devices}
        more = {"bytes": parcel.bytes_total, "part_bytes": parcel.part_bytes}
        variables = {"wingspan_phase": "prefetch", "wingspan_parts": list(map(str, parcel.parts))}
        results = self._run(wave, devices, (orders, challenges, more), variables)
        return {result.device: _lacking(result) for result in results}

    def apply(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order]
    ) -> Sequence[Reply]:
        """Have each device apply the bundle that it has."""
        challenges = {d.device: secrets.token_hex(_CHALLENGE_BYTES) for d in devices}
        variables = {"wingspan_phase": "apply", "wingspan_parts": []}
        results = self._run(wave, devices, (orders, challenges, {}), variables)
        by_name = {device.device: device for device in devices}
        return [
            _reply(by_name[r.device], r, orders[r.device].request.request, challenges[r.device])
            for r in results
        ]

    def _run(
        self,
        wave: Wave,
        devices: Sequence[Device],
        told: tuple[Mapping[str, Order], Mapping[str, str], Mapping[str, int]],
        variables: dict[str, Any],
    ) -> tuple[Result, ...]:
        orders, challenges, more = told
        minutes = minutes_of(wave)
        purpose = next(iter(orders.values())).request.request
        credential = self.credential(devices, purpose, minutes)
        each = {name: json.loads(orders[name].encoded(challenges[name])) for name in challenges}
        mine = ("included", "challenge")
        common = {k: v for k, v in next(iter(each.values())).items() if k not in mine}
        work = Play(
            playbook=PLAYBOOK,
            targets=[_target(device) for device in devices],
            # Encoded, so that no word of a request can be taken for a template of Ansible's.
            variables=variables
            | {
                "wingspan_common": base64.b64encode(
                    json.dumps({**common, **more}).encode()
                ).decode()
            },
            own={
                name: {"wingspan_own": {key: order[key] for key in mine}}
                for name, order in each.items()
            },
            rate_mbps=wave.rate_mbps,
            forks=wave.at_once,
            timeout_s=minutes * _MINUTE_S,
            task_timeout_s=minutes * _MINUTE_S,
        )
        return play(work, credential, self.carrier, stopped=self.stopped).results


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


def _lacking(result: Result) -> str:
    """Return why a device does not have the bundle, "" where it says that it has."""
    answer = result.answer.get("answer", {})
    if result.outcome in {Outcome.CHANGED, Outcome.UNCHANGED} and answer.get("complete"):
        return ""
    return str(answer.get("refused") or result.why or "its bundle is not complete")


def _reply(device: Device, result: Result, request: str, challenge: str) -> Reply:
    if result.outcome not in {Outcome.CHANGED, Outcome.UNCHANGED}:
        # It may have begun before it fell silent, so it has to be asked.
        return Reply(device=device, error=UnreachableError(result.why, stage="command"))
    answer = json.dumps(result.answer.get("answer")).encode()
    try:
        proof = read_proof(answer, device, request=request, challenge=challenge)
    except FleetError as error:
        return Reply(device=device, error=error)
    return Reply(device=device, proof=proof)

"""Updates by way of relays: each bundle crosses the WAN once, each wave as one message.

Relays also ask their prisons' devices which of them answer.

The centre lends the relay a certificate for the wave's devices and minutes, over a key of the
relay's own, which never leaves it: who reads the message at the broker can do nothing with it.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fleet.deploy import DeployLane, Parcel, WaveLane, minutes_of, principals_of
from fleet.device import Device
from fleet.driver import Order, Reply
from fleet.errors import NotYetError, RefusedError, UnreachableError
from fleet.relay.centre import Centre, wave_of
from fleet.relay.message import Kind
from fleet.relay.replies import reply_of, told_of
from fleet.wave import Wave

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fleet.approval import Request
    from fleet.approval.order import Signature
    from fleet.relay.place import Place

PREFETCH, APPLY = "prefetch", "apply"
_RECEIVED = {"received": True}
_MINUTE_S: Final = 60
# Beyond the time that the run itself may take.
_PATIENCE_S: Final = 120
# Bundles that a relay keeps: the one that comes, the one before, and one more.
_BUNDLES_KEPT: Final = 3
# For a sweep of a wave and those around it, in which some do not answer.
_PROBED_S: Final = 600


@dataclass(slots=True, kw_only=True)
class RelayLane:
    """The deploy lane by way of relays, and of other prisons by the way that is given beside.

    `asks` returns which of those devices answer. Once `stopped` says so, nothing is waited for.
    """

    centre: Centre
    direct: WaveLane
    asks: Callable[[Sequence[Device]], frozenset[str]]
    operator: str
    stopped: Callable[[], bool] = lambda: False

    def prefetch(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order], parcel: Parcel
    ) -> Mapping[str, str]:
        """Send a relay what it lacks of a bundle, and have it bring that to its devices."""
        prison = self._prison(devices)
        if not prison:
            return self.direct.prefetch(wave, devices, orders, parcel)
        sizes = {"bytes_total": parcel.bytes_total, "part_bytes": parcel.part_bytes}
        try:
            self._bring(prison, orders, parcel)
            found = self._run(prison, wave, devices, orders, {"phase": PREFETCH, "parcel": sizes})
        except UnreachableError as error:
            return dict.fromkeys(orders, str(error))
        lacking: Mapping[str, str] = found.get("lacking", {})
        why = str(found.get("why", "the relay said nothing of it"))
        return {device.device: lacking.get(device.device, why) for device in devices}

    def apply(
        self, wave: Wave, devices: Sequence[Device], orders: Mapping[str, Order]
    ) -> Sequence[Reply]:
        """Have a relay's devices apply the bundle that they have."""
        prison = self._prison(devices)
        if not prison:
            return self.direct.apply(wave, devices, orders)
        try:
            found = self._run(prison, wave, devices, orders, {"phase": APPLY})
        except UnreachableError as error:
            # It may have begun, so devices have to be asked.
            lost = UnreachableError(str(error), stage="command")
            return [Reply(device=device, error=lost) for device in devices]
        said: Mapping[str, Any] = found.get("replies", {})
        left_out = {"error": "later", "why": str(found.get("why", "the relay left it out"))}
        request = next(iter(orders.values())).request.request
        return [reply_of(d, said.get(d.device, left_out), request) for d in devices]

    def answering(self, devices: Sequence[Device]) -> frozenset[str]:
        """Return which of some devices answer; those of a relay that does not report count not."""
        groups = self.centre.by_prison(devices)
        direct = groups.pop("", [])
        asked = {p: {"devices": [device.device for device in group]} for p, group in groups.items()}
        sent, _ = self.centre.send_each(Kind.PROBE, asked)
        found = set(self.asks(direct)) if direct else set[str]()
        for prison, number in sent.items():
            with suppress(UnreachableError):
                told = self.centre.reported(prison, number, _PROBED_S, stopped=self.stopped)
                found.update(told.get("answering", ()))
        return frozenset(found)

    def _prison(self, devices: Sequence[Device]) -> str:
        prisons = self.centre.by_prison(devices)
        (prison,) = prisons if len(prisons) == 1 else ("",)
        return prison

    def _bring(self, prison: str, orders: Mapping[str, Order], parcel: Parcel) -> None:
        """Send the parts of a bundle that a relay does not have."""
        digest = bundle_of(next(iter(orders.values())).request)
        self.centre.collect(prison)
        held = set(self.centre.held(prison).get(digest, ()))
        for number, part in enumerate(parcel.parts):
            if number not in held:
                content = base64.b64encode(part.read_bytes()).decode("ascii")
                said = {"bundle_sha256": digest, "part": number, "content": content}
                self.centre.send(prison, Kind.PART, said)

    def _run(
        self,
        prison: str,
        wave: Wave,
        devices: Sequence[Device],
        orders: Mapping[str, Order],
        more: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """Have a relay run one phase of a wave, and return what came of it.

        Raises
        ------
        UnreachableError
            When it did not report in time.
        """
        relay = next(one for one in self.centre.identity.relays() if one.prison == prison)
        minutes = minutes_of(wave)
        request = next(iter(orders.values())).request
        certificate = self.centre.identity.lent(
            relay.deploy_key,
            operator=self.operator,
            purpose=request.request,
            principals=principals_of(devices),
            minutes=minutes,
        )
        said = wave_of(devices, orders, status="open")
        said |= {"wave": asdict(wave), "certificate": certificate, **more}
        number = self.centre.send(prison, Kind.WAVE, said)
        patience_s = minutes * _MINUTE_S + _PATIENCE_S
        return self.centre.reported(prison, number, patience_s, stopped=self.stopped)


def bundle_of(request: Request) -> str:
    """Return the hash of a request's bundle."""
    return str(request.parameters["bundle_sha256"])


# --- the relay's side -------------------------------------------------------------------------


def keep_part(place: Place, said: Mapping[str, Any]) -> None:
    """Keep a part of a bundle; a part that is there already stays."""
    path = _folder(place, said["bundle_sha256"]) / f"{int(said['part']):06d}"
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True)
        _make_room(place)
    if not path.exists():
        aside = path.with_suffix(".writing")
        aside.write_bytes(base64.b64decode(said["content"]))
        aside.replace(path)


def _make_room(place: Place) -> None:
    """Throw away the bundles that nothing was done with for longest, but the last few."""
    folders = sorted(place.workspace.bundles.glob("*.parts"), key=lambda one: one.stat().st_mtime)
    for folder in folders[:-_BUNDLES_KEPT]:
        shutil.rmtree(folder)


def held_parts(place: Place) -> dict[str, list[int]]:
    """Return the parts of bundles that are here, by the bundle's hash."""
    folders = place.workspace.bundles.glob("*.parts")
    return {
        folder.name.removesuffix(".parts"): sorted(
            int(part.name) for part in folder.iterdir() if part.name.isdecimal()
        )
        for folder in folders
    }


def run_wave(
    place: Place,
    request: Request,
    signatures: Sequence[Signature],
    devices: Sequence[Device],
    said: Mapping[str, Any],
) -> dict[str, Any]:
    """Carry one phase of a wave out on devices, and return what the centre is told of it."""
    from fleet.transport import transport_of  # noqa: PLC0415 - a relay without updates needs none

    orders = {
        device.device: Order(
            request=request,
            signatures=tuple(signatures),
            included=said["devices"][device.device]["included"],
            allowlist=said["allowlist"],
        )
        for device in devices
    }
    wave = msgspec.convert(said["wave"], Wave)
    lane = DeployLane(
        credential=lambda _devices, _purpose, _minutes: place.lent(said["certificate"]),
        carrier=transport_of(place.workspace),
    )
    if said["phase"] == PREFETCH:
        parcel = _parcel(place, bundle_of(request), said["parcel"])
        return {"lacking": dict(lane.prefetch(wave, devices, orders, parcel))}
    return {"replies": {r.device.device: told_of(r) for r in lane.apply(wave, devices, orders)}}


def _parcel(place: Place, digest: str, sizes: Mapping[str, int]) -> Parcel:
    """Return a bundle that is here whole, and is the one that was signed.

    Raises
    ------
    NotYetError
        When it is not; what is wrong with it is thrown away and comes anew.
    """
    folder = _folder(place, digest)
    parts = sorted(part for part in folder.glob("*") if part.name.isdecimal())
    if sum(part.stat().st_size for part in parts) != sizes["bytes_total"]:
        raise NotYetError("the relay does not have the whole bundle")
    folder.touch()  # It was used now.
    hashed = sha256()
    for part in parts:
        hashed.update(part.read_bytes())
    if hashed.hexdigest() != digest:
        for part in parts:
            part.unlink()
        raise NotYetError("the bundle that came to the relay is not the one that was signed")
    return Parcel(
        parts=tuple(parts), bytes_total=sizes["bytes_total"], part_bytes=sizes["part_bytes"]
    )


def _folder(place: Place, digest: str) -> Path:
    if not (len(digest) == 64 and digest.isalnum()):  # noqa: PLR2004 - SHA-256 in hexadecimal
        raise RefusedError("that is no hash of a bundle")
    return place.workspace.bundles / f"{digest}.parts"


def kept_waves(place: Place) -> dict[int, Any]:
    """Return what came of waves that the centre has not acknowledged, by their messages."""
    return {number: one for number, one in place.numbered("waves").items() if one != _RECEIVED}


def forget_waves(place: Place, numbers: Sequence[int]) -> None:
    """Forget what the centre has, but that it was done: a broker may hand it out once more."""
    for number in numbers:
        place.keep(f"waves/{number}", _RECEIVED)

"""Many devices at once: one result for each, and none that stops another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from fleet.device import Device, DeviceState, NewDevice, pinned_key
from fleet.enrolment.candidates import place_of
from fleet.enrolment.contact import TRUST_FACT, Centre, check_host_key, enrol_device
from fleet.errors import FleetError, RefusedError, UnreachableError, told
from fleet.identity import Lane
from fleet.registry.selection import refuse_unknown_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleet.registry import Registry

WHY = "enrolment"
# Devices in these states hold our keys already; only a wipe makes them new.
_DONE = (DeviceState.LIVE, DeviceState.QUARANTINED)
_OUT = (DeviceState.LOST, DeviceState.RETIRED)


class Outcome(StrEnum):
    """How an enrolment ended."""

    LIVE = "live"
    LIVE_ALREADY = "live already"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """One device's result; `device` is empty where it has no name yet."""

    device: str
    serial: str
    cell: str
    outcome: Outcome
    why: str = ""

    @property
    def done(self) -> bool:
        """Return whether the device is live."""
        return self.outcome in {Outcome.LIVE, Outcome.LIVE_ALREADY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What enrolling a list would do: to be added and enrolled, and what is passed over."""

    new: tuple[NewDevice, ...]
    resumed: tuple[Device, ...]
    passed_over: tuple[Enrolled, ...]


def plan(registry: Registry, candidates: Sequence[NewDevice], *, file: str = "") -> Plan:
    """Compare a list with the registry; nothing is touched. `file` is its name, for faults in it.

    Raises
    ------
    InputError
        With all cells of the list that the topology does not have.
    """
    with registry.reading() as connection:
        stated = {one.cell: (file, place_of(row)) for row, one in enumerate(candidates)}
        cells = (one.cell for one in candidates)
        refuse_unknown_cells(connection, cells, stated=stated if file else None)
    known = registry.by_serial(one.serial for one in candidates)
    new, resumed, passed_over = [], [], []
    for candidate in candidates:
        device = known.get(candidate.serial)
        if device is None:
            new.append(candidate)
            continue
        verdict = _verdict(device, candidate)
        if verdict is None:
            resumed.append(_as_listed(device, candidate))
        else:
            passed_over.append(verdict)
    return Plan(new=tuple(new), resumed=tuple(resumed), passed_over=tuple(passed_over))


def enrol_devices(
    centre: Centre,
    registry: Registry,
    planned: Plan,
    *,
    workers: int = 16,
    advance: Callable[[int], None] = lambda _steps: None,
) -> list[Enrolled]:
    """Enrol what was planned; return one result for each device of the list, by serial number.

    Run again, it goes on where it stopped: a device keeps its name and nonce until it is live.

    Raises
    ------
    RefusedError
        When the operator's role does not let them change devices; nothing is touched then.
    """
    centre.identity.refuse_lane(centre.operator, Lane.DEPLOY)
    # A key on a list is pinned only once the device has shown that it holds it.
    unpinned = [replace(one, host_key="") for one in planned.new]
    names = registry.add(unpinned, by=centre.operator, why=WHY)
    added = [
        _as_listed(registry.device(name), candidate)
        for name, candidate in zip(names, planned.new, strict=True)
    ]

    def attempt(device: Device) -> Enrolled:
        try:
            _enrol(centre, registry, device)
        except FleetError as error:
            return _result(device, _outcome(error), told(error))
        finally:
            advance(1)
        return _result(device, Outcome.LIVE)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        results = list(pool.map(attempt, [*added, *planned.resumed]))
    return sorted([*results, *planned.passed_over], key=lambda one: one.serial)


def _enrol(centre: Centre, registry: Registry, device: Device) -> None:
    by = centre.operator
    centre.identity.refuse_elsewhere(by, device.prison_id)
    check_host_key(centre, device)
    resumed = device.nonce if device.state is DeviceState.ENROLLED else ""
    begun = registry.enrol(device.device, device.host_key, by=by, why=WHY, nonce=resumed)
    met = replace(begun, address=device.address, port=device.port)
    found = enrol_device(centre, met)
    registry.record_addresses({met.device: (met.address, met.port)}, source=WHY, by=by)
    observed = {met.device: {"key_exchange": found.key_exchange}}
    registry.record_observed(observed, source=WHY, by=by)
    registry.record_facts({met.device: {TRUST_FACT: found.trust_statement}}, at=datetime.now(UTC))
    registry.set_state(met.device, DeviceState.LIVE, by=by, why=WHY)


def _verdict(device: Device, candidate: NewDevice) -> Enrolled | None:
    """Return why a known device is not enrolled, or None when it is to be."""
    listed = pinned_key(candidate.host_key)
    if device.state is DeviceState.WIPED:
        why = f"it was wiped; two people let it back in: wingspan fleet readmit {device.device}"
        return _result(device, Outcome.REFUSED, why)
    if device.host_key not in {"", listed}:
        why = "it is pinned to another host key than the list gives"
        return _result(device, Outcome.REFUSED, why)
    if device.state in _OUT:
        return _result(device, Outcome.REFUSED, f"it is {device.state}")
    if device.state in _DONE:
        return _result(device, Outcome.LIVE_ALREADY)
    return None


def _as_listed(device: Device, candidate: NewDevice) -> Device:
    return replace(
        device,
        host_key=pinned_key(candidate.host_key),
        address=candidate.address,
        port=candidate.port,
    )


def _result(device: Device, outcome: Outcome, why: str = "") -> Enrolled:
    return Enrolled(
        device=device.device, serial=device.serial, cell=device.cell, outcome=outcome, why=why
    )


def _outcome(error: FleetError) -> Outcome:
    if isinstance(error, RefusedError):
        return Outcome.REFUSED
    return Outcome.UNREACHABLE if isinstance(error, UnreachableError) else Outcome.FAILED

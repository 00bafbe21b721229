"""A shipped playbook on enrolled devices: one of them first, a result for each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fleet.enrolment.contact import common_order, own_order, probe
from fleet.errors import (
    FleetError,
    NotProvenError,
    UnreachableError,
    told,
)
from fleet.identity import Lane
from fleet.playbook import Outcome, Play, Result, play
from fleet.ssh import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from fleet.device import Device
    from fleet.enrolment import Centre
    from fleet.playbook import Carrier

# As many names as sshd takes in one certificate.
_BATCH = 256
_ASKED_AT_ONCE = 16
_CONFIRM = "python3 -I -S -E /usr/local/lib/wingspan/wingspan_firewall.py confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A playbook by its name, what it is told, and whether it changes devices.

    One that changes devices meets a single device first, and the others only when that one
    answers afterwards.
    """

    playbook: str
    changes: bool
    variables: Mapping[str, Any] = field(default_factory=dict)


def operate(  # noqa: PLR0913 - what is done, to whom, by whom, and two ways to take part
    centre: Centre,
    carrier: Carrier,
    operation: Operation,
    devices: Sequence[Device],
    *,
    stopped: Callable[[], bool] = lambda: False,
    advance: Callable[[int], None] = lambda _steps: None,
) -> list[Result]:
    """Run a playbook over the deploy lane, and return a result for each device, by name.

    Devices of which a run that was stopped said nothing are asked over the broker lane.

    Raises
    ------
    RefusedError
        When the operator may not change devices.
    FleetError
        When Ansible could not start at all.
    """
    results: list[Result] = []
    halted = ""
    for batch in _batches(devices, first_alone=operation.changes):
        if halted or stopped():
            results += [_left(one, halted or "the run was stopped before it") for one in batch]
            continue
        done = _confirmed(centre, batch, _run(centre, carrier, operation, batch, stopped))
        if operation.changes and not results:
            done, halted = _tried(centre, batch[0], done[0])
        results += done
        advance(len(batch))
    return sorted(results, key=lambda one: one.device)


def _batches(devices: Sequence[Device], *, first_alone: bool) -> Iterator[Sequence[Device]]:
    start = 1 if first_alone else 0
    if first_alone:
        yield devices[:1]
    for at in range(start, len(devices), _BATCH):
        yield devices[at : at + _BATCH]


def _run(
    centre: Centre,
    carrier: Carrier,
    operation: Operation,
    devices: Sequence[Device],
    stopped: Callable[[], bool],
) -> list[Result]:
    by_name = {device.device: device for device in devices}
    credential = centre.identity.credential(
        Lane.DEPLOY,
        operator=centre.operator,
        purpose=operation.playbook,
        principals=tuple(f"device-{name}" for name in by_name),
    )
    work = Play(
        playbook=operation.playbook,
        targets=[_target(device) for device in devices],
        variables=operation.variables,
    )

    def ask(names: Sequence[str]) -> dict[str, Result]:
        with ThreadPoolExecutor(max_workers=_ASKED_AT_ONCE) as pool:
            asked = pool.map(lambda name: _asked(centre, by_name[name]), names)
            return dict(zip(names, asked, strict=True))

    return list(play(work, credential, carrier, stopped=stopped, ask=ask).results)


def _target(device: Device) -> Target:
    return Target(
        device=device.device,
        address=device.address,
        port=device.port,
        user="root",
        host_key=device.host_key,
    )


def _confirmed(
    centre: Centre, devices: Sequence[Device], results: Sequence[Result]
) -> list[Result]:
    """Come in anew where a changed firewall is on trial, and have the device keep it."""
    by_name = {device.device: device for device in devices}

    def attempt(result: Result) -> Result:
        if not result.answer.get("trial"):
            return result
        try:
            with centre.session(by_name[result.device], Lane.DEPLOY, purpose="confirm") as session:
                answer = session.run(_CONFIRM, timeout_s=centre.timeout_s)
            if answer.status:
                raise NotProvenError(answer.stderr.decode(errors="replace").strip())
        except FleetError as error:
            why = f"it does not let us in afterwards, and goes back by itself: {told(error)}"
            return replace(result, outcome=Outcome.FAILED, why=why)
        return result

    with ThreadPoolExecutor(max_workers=_ASKED_AT_ONCE) as pool:
        return list(pool.map(attempt, results))


def _tried(centre: Centre, device: Device, result: Result) -> tuple[list[Result], str]:
    """Return the first device's result, and why no other is to be met, if so."""
    if result.outcome in {Outcome.CHANGED, Outcome.UNCHANGED}:
        asked = _asked(centre, device)
        if asked.outcome is Outcome.UNKNOWN:  # It answers: what was done to it let us back in.
            return [result], ""
        result = Result(
            device=device.device,
            outcome=Outcome.FAILED,
            why=f"it does not let us in afterwards: {asked.why}",
            answer=result.answer,
        )
    return [result], f"{device.device}, which was the first, ended {result.outcome.value}"


def _asked(centre: Centre, device: Device) -> Result:
    """Return what a device says that a run said nothing of; it stays unknown what was done."""
    try:
        said = probe(centre, device, purpose="after a run")
    except UnreachableError as error:
        return Result(device=device.device, outcome=Outcome.UNREACHABLE, why=told(error))
    except FleetError as error:
        return Result(device=device.device, outcome=Outcome.FAILED, why=told(error))
    return Result(
        device=device.device,
        outcome=Outcome.UNKNOWN,
        why="the run ended before it; it answers, and the same command finds what is left",
        answer={"facts": said},
    )


def _left(device: Device, why: str) -> Result:
    return Result(device=device.device, outcome=Outcome.UNKNOWN, why=f"not begun: {why}")


def order_variables(centre: Centre, devices: Sequence[Device], folder: Path) -> dict[str, Any]:
    """Write the order of the playbook `enrol` in a folder, and return its variables.

    Certificates alone open these devices already, so root's keys stay closed.
    """
    order = {
        "all": common_order(centre),
        "each": {device.device: own_order(device) for device in devices},
        "close": True,
    }
    path = folder / "order.json"
    path.write_text(json.dumps(order), encoding="utf-8")
    return {"wingspan_order_file": str(path)}

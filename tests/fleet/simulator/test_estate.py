"""A simulated estate: what fails is drawn from the seed, and what happens is real."""

import json
from datetime import UTC, datetime

import pytest

from fleet.approval import Action
from fleet.errors import UnreachableError
from fleet.health.probe import Patience
from fleet.health.rules import Knocking
from fleet.identity import Identity
from fleet.registry import Registry
from fleet.simulator import Faults, simulate
from fleet.workspace import Workspace

KNOCKING = Knocking(
    at_once=4,
    at_once_behind={},
    login_timeout_s=10,
    answer_timeout_s=20,
    calm_at_once=2,
    calm_timeout_s=20,
)
PATIENCE = Patience(login_s=10, answer_s=20)
ASKED = json.dumps({"request": "R-0", "challenge": "c"}).encode()


@pytest.fixture
def estate_of(tmp_path):
    identity, _ = Identity.make(Workspace(tmp_path), operator="asha")
    made = []

    def make(devices, prisons, **faults):
        registry = Registry.create(f"sqlite:///{tmp_path / f'{len(made)}.db'}")
        made.append(registry)
        return simulate(
            registry,
            identity.envelope(),
            KNOCKING,
            devices=devices,
            prisons=prisons,
            faults=Faults(**faults),
        )

    yield make
    for registry in made:
        registry.close()


def test_devices_are_spread_over_the_prisons_evenly(estate_of):
    estate = estate_of(50, 3)

    prisons = [device.prison_id for device in estate.registry.devices()]

    assert [prisons.count(name) for name in ("XAA", "XAB", "XAC")] == [17, 17, 16]


def test_the_shares_of_off_and_failing_devices_are_as_asked():
    faults = Faults(seed=3, off=0.03, failing=0.01)
    names = [f"WS-{n:06d}" for n in range(20_000)]

    off = sum(map(faults.is_off, names))
    lost, full = sum(map(faults.loses_its_answer, names)), sum(map(faults.is_full, names))

    assert off == pytest.approx(600, abs=75)  # Three standard deviations.
    assert lost + full == pytest.approx(200, abs=42)


def test_a_prison_is_cut_off_between_two_moments(estate_of):
    estate = estate_of(4, 2, cut="XAB", cut_from_s=100, cut_until_s=200)
    device = next(d for d in estate.registry.devices() if d.prison_id == "XAB")
    estate.wire.said(device, PATIENCE, "prove", ASKED)
    estate.wire.clock.wait(120)

    with pytest.raises(UnreachableError):
        estate.wire.said(device, PATIENCE, "prove", ASKED)

    estate.wire.clock.wait(100)
    estate.wire.said(device, PATIENCE, "prove", ASKED)


def test_time_passes_by_the_longest_of_those_asked_at_once(estate_of):
    estate = estate_of(8, 1, off=1.0)

    replies = list(estate.driver.prove(estate.registry.devices(), "R-0"))

    # Eight that are silent, four at a time for 10 s each, and once more for 20 s each.
    assert all(reply.is_silent for reply in replies)
    assert estate.wire.clock.passed_s == pytest.approx(2 * 10 + 2 * 20)


def test_a_device_whose_power_went_in_the_middle_has_acted_when_it_is_back(estate_of):
    estate = estate_of(1, 1)
    (machine,) = estate.wire.machines.values()
    (device,) = estate.registry.devices()
    request = {"request": "R-1", "nonce": "0" * 32, "action": Action.LOCK, "supersedes": ""}
    lock = {"level": "notice", "since_s": int(datetime.now(tz=UTC).timestamp())}
    # As the device notes an order before it carries it out.
    machine.used[request["nonce"]] = {
        **request,
        "outcome": "begun",
        "after": {"locks": {"R-1": lock}, "quarantined_by": "", "allowed": [], "page": ""},
    }

    (reply,) = estate.driver.prove([device], "R-1")

    assert (reply.proof.outcome, reply.proof.level) == ("done", "notice")


def test_a_device_whose_disk_is_full_says_that_it_failed(estate_of):
    program = estate_of(1, 1).wire.program._order  # noqa: SLF001 - the device's own program

    def full(_state):
        raise OSError(28, "No space left on device")

    program.states.put_in_force = full
    program.used = lambda _nonce: {"action": "lock", "after": {}}
    request = {"request": "R-1", "nonce": "0" * 32, "action": "lock", "supersedes": ""}

    known = program.carry_out(request, {})

    assert (known["outcome"], "No space left" in known["why"]) == ("failed", True)

"""The order in which devices are asked, with answers of our own making; the lab has real ones."""

import threading
from collections import Counter

import pytest

from fleet.device import Device
from fleet.errors import RefusedError, UnreachableError
from fleet.health.facts import Report
from fleet.health.probe import Outcome
from fleet.health.rules import Knocking
from fleet.health.sweep import sweep
from fleet.topology import Element, Topology

WAIT_S = 60


def knocking(**changed):
    return Knocking(
        **{
            "at_once": 16,
            "at_once_behind": {},
            "login_timeout_s": 1,
            "answer_timeout_s": 2,
            "calm_at_once": 2,
            "calm_timeout_s": 4,
        }
        | changed
    )


def devices(count, element="AP"):
    return [
        Device(device=f"{element}-{n}", serial=f"{element}-{n}", element=element)
        for n in range(count)
    ]


def answered(device):
    return Outcome(device=device, report=Report(device="", nonce="", facts={}, unread={}))


def silent(device):
    return Outcome(device=device, error=UnreachableError("silent"))


def two_access_points():
    return Topology(
        elements=(
            Element(id="UP", kind="uplink"),
            Element(id="A", kind="access_point", parent="UP"),
            Element(id="B", kind="access_point", parent="UP"),
        )
    )


class Crowd:
    """Counts how many are asked at the same time, behind each element and in all."""

    def __init__(self):
        self.lock, self.now, self.most = threading.Lock(), Counter(), Counter()

    def ask(self, device, patience):
        """Answer after a moment."""
        del patience
        with self.lock:
            for name in (device.element, "all"):
                self.now[name] += 1
                self.most[name] = max(self.most[name], self.now[name])
        threading.Event().wait(0.005)
        with self.lock:
            for name in (device.element, "all"):
                self.now[name] -= 1
        return answered(device)


def test_every_device_is_asked_once_and_comes_back():
    asked = Counter()

    def ask(device, patience):
        del patience
        asked[device.device] += 1
        return answered(device)

    found = list(sweep(devices(100), ask, knocking()))

    assert {outcome.device.device for outcome in found} == {d.device for d in devices(100)}
    assert set(asked.values()) == {1}


@pytest.mark.parametrize(
    ("bounds", "most"),
    [
        ({"access_point": 2}, {"A": 2, "B": 2, "all": 4}),
        ({"access_point": 4, "uplink": 5}, {"A": 4, "B": 4, "all": 5}),
        ({}, {"A": 16, "B": 16, "all": 16}),
    ],
    ids=["access points", "the uplink", "the sweep alone"],
)
def test_no_element_is_crowded(bounds, most):
    crowd = Crowd()
    everyone = [*devices(40, "A"), *devices(40, "B")]

    list(sweep(everyone, crowd.ask, knocking(at_once_behind=bounds), two_access_points()))

    assert all(crowd.most[name] <= limit for name, limit in most.items())


def test_devices_that_hang_do_not_hold_up_those_elsewhere():
    others = threading.Semaphore(0)

    def ask(device, patience):
        del patience
        if device.device == "A-0":
            # Hangs until every device behind the other access point has answered.
            assert all(others.acquire(timeout=WAIT_S) for _ in range(20))
        elif device.element == "B":
            others.release()
        return answered(device)

    everyone = [*devices(20, "A"), *devices(20, "B")]
    bounds = knocking(at_once=2, at_once_behind={"access_point": 1})

    assert len(list(sweep(everyone, ask, bounds, two_access_points()))) == 40


def test_who_does_not_answer_is_asked_again_after_all_others_and_with_more_patience():
    asked = []

    def ask(device, patience):
        asked.append((device.device, patience.login_s, patience.answer_s))
        first_time = [name for name, *_ in asked].count(device.device) == 1
        return silent(device) if device.device == "AP-0" and first_time else answered(device)

    found = list(sweep(devices(3), ask, knocking(at_once=1)))

    assert asked == [("AP-0", 1, 2), ("AP-1", 1, 2), ("AP-2", 1, 2), ("AP-0", 4, 4)]
    assert [outcome.is_unreachable for outcome in found] == [False, False, False]


def test_a_device_is_unreachable_after_two_tries_and_a_refusal_stands_at_once():
    asked = Counter()

    def ask(device, patience):
        del patience
        asked[device.device] += 1
        if device.device == "AP-0":
            return silent(device)
        return Outcome(device=device, error=RefusedError("no"))

    found = {o.device.device: o for o in sweep(devices(2), ask, knocking())}

    assert (asked["AP-0"], asked["AP-1"]) == (2, 1)
    assert found["AP-0"].is_unreachable
    assert not found["AP-1"].is_unreachable


def test_the_second_round_stays_calm_while_devices_answer():
    crowd, first_round = Crowd(), set()

    def ask(device, patience):
        if device.device not in first_round:
            first_round.add(device.device)
            return silent(device)
        return crowd.ask(device, patience)

    list(sweep(devices(40), ask, knocking()))

    assert crowd.most["all"] <= 2


def test_a_fault_of_ours_ends_the_sweep_with_its_traceback():
    def ask(*_given):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(sweep(devices(3), ask, knocking()))

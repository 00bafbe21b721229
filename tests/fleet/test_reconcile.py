"""What a pass does with what is kept, where no device answers."""

from datetime import timedelta

import pytest

from fleet.approval import Action, new_request
from fleet.device import NewDevice
from fleet.driver import Reply
from fleet.errors import UnreachableError
from fleet.reconcile import reconcile
from fleet.registry.requests import intents_of, keep_request, set_intents
from tests.fleet.approval.conftest import NOW


class Silent:
    """Devices that never answer."""

    def order(self, devices, _orders):
        gone = UnreachableError("nothing answers", stage="connect")
        return (Reply(device=device, error=gone) for device in devices)

    def prove(self, devices, _request):
        return self.order(devices, {})


@pytest.fixture
def device(sqlite_registry, host_key):
    (name,) = sqlite_registry.add([NewDevice(serial="S1")], by="asha", why="new")
    return sqlite_registry.enrol(name, host_key(1), by="asha", why="new")


@pytest.fixture
def ask(sqlite_registry, device):
    """Return a function: ask something of the device so many minutes after the first."""

    def asked(action, minutes, *, shown="", provisioning=device.nonce):
        at = NOW + timedelta(minutes=minutes)
        expires = None if action is Action.LOCK else NOW + timedelta(days=1)
        request = new_request(
            action, [device], scope=device.device, by="ben", now=at, expires=expires
        )
        with sqlite_registry.writing() as connection:
            keep_request(
                connection,
                request.request,
                nonce=request.nonce,
                encoded=request.encoded(),
                devices={device.device: provisioning},
                at=at,
            )
            if shown:
                change = {"device": device.device, "before": "waiting", "state": shown}
                set_intents(connection, request.request, [change | {"proof": "{}"}], at)
        return request.request

    return asked


@pytest.fixture
def carried_out(sqlite_registry, device):
    """Return a function: where the device stands with a request after a pass."""

    def carry_out(request):
        reconcile(sqlite_registry, Silent(), [], now=NOW + timedelta(hours=1), by="ben")
        with sqlite_registry.reading() as connection:
            (intent,) = intents_of(connection, [request])[request]
        assert intent.device == device.device
        return intent.state, intent.why

    return carry_out


@pytest.mark.parametrize("shown", ["proven", "failed", "sent"])
def test_a_list_that_waits_is_over_once_the_device_has_had_a_later_one(ask, carried_out, shown):
    held = ask(Action.ALLOWLIST, 0)
    later = ask(Action.ALLOWLIST, 1, shown=shown)

    assert carried_out(held) == ("superseded", f"{later} has taken its place")


def test_what_waits_goes_on_where_nothing_has_taken_its_place(ask, carried_out):
    ask(Action.ALLOWLIST, 0, shown="proven")  # Earlier,
    ask(Action.DEAD_MAN, 2, shown="proven")  # of another kind,
    ask(Action.ALLOWLIST, 2, shown="proven", provisioning="0f")  # before it was wiped,
    ask(Action.ALLOWLIST, 2)  # and not sent.

    assert carried_out(ask(Action.ALLOWLIST, 1))[0] == "waiting"


def test_a_later_lock_takes_no_place(ask, carried_out):
    lock = ask(Action.LOCK, 0)
    ask(Action.LOCK, 1, shown="proven")

    assert carried_out(lock)[0] == "waiting"


def test_a_lock_waits_for_a_silent_device_for_ever_and_nothing_else_does(ask, sqlite_registry):
    lock = ask(Action.LOCK, 0)
    ask(Action.QUARANTINE, 0)
    later = NOW + timedelta(days=3650)

    found = reconcile(sqlite_registry, Silent(), [], now=later, by="ben")

    assert [one.intent for one in found.waiting] == [lock]

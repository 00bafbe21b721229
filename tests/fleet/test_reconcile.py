from datetime import timedelta

from fleet.approval import Action, new_request
from fleet.device import NewDevice
from fleet.driver import Reply
from fleet.errors import UnreachableError
from fleet.reconcile import reconcile
from fleet.registry.requests import keep_request
from tests.fleet.approval.conftest import NOW


class Silent:
    """Devices that never answer."""

    def order(self, devices, _orders):
        gone = UnreachableError("nothing answers", stage="connect")
        return (Reply(device=device, error=gone) for device in devices)

    def prove(self, devices, _request):
        return self.order(devices, {})


def test_a_lock_waits_for_a_silent_device_for_ever_and_nothing_else_does(sqlite_registry, host_key):
    (name,) = sqlite_registry.add([NewDevice(serial="S1")], by="asha", why="new")
    device = sqlite_registry.enrol(name, host_key(1), by="asha", why="new")
    lock = new_request(Action.LOCK, [device], scope=name, by="ben", now=NOW)
    hour = NOW + timedelta(hours=1)
    held = new_request(Action.QUARANTINE, [device], scope=name, by="ben", now=NOW, expires=hour)
    with sqlite_registry.writing() as connection:
        for request in (lock, held):
            keep_request(
                connection,
                request.request,
                nonce=request.nonce,
                encoded=request.encoded(),
                devices={name: device.nonce},
                at=NOW,
            )
    later = NOW + timedelta(days=3650)

    found = reconcile(sqlite_registry, Silent(), [], now=later, by="ben")

    assert [one.intent for one in found.waiting] == [lock.request]

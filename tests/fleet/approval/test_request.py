from dataclasses import replace
from datetime import timedelta

import pytest

from fleet.approval import Action, Reach, new_request, read_request
from fleet.approval.request import reach_of, takes_the_place_of
from fleet.errors import InputError
from tests.fleet.approval.conftest import NOW


def test_a_request_reads_back_as_it_was_written(ask):
    request = ask(Action.UPDATE, "MDI/A/1", "MDI/A/2", bundle_sha256="ab" * 32)

    assert read_request(request.encoded()) == request


def test_the_same_text_written_otherwise_is_refused(ask):
    encoded = ask(Action.WIPE, "MDI/A/1").encoded()

    with pytest.raises(InputError, match="not written as requests are"):
        read_request(encoded.replace(b'","', b'", "'))


@pytest.mark.parametrize("encoded", [b"", b"{}", b"[1]", b'{"schema":1}'])
def test_what_is_no_request_is_refused(encoded):
    with pytest.raises(InputError, match="not a request"):
        read_request(encoded)


def test_the_order_of_the_devices_changes_nothing_that_names_them(device):
    one, other = device(1), device(2)

    roots = {
        new_request(Action.LOCK, devices, scope="MDI/A", by="asha", now=NOW).devices_root
        for devices in ([one, other], [other, one])
    }

    assert len(roots) == 1


def test_a_device_provisioned_anew_is_not_among_them(device):
    before = new_request(Action.LOCK, [device(1)], scope="x", by="asha", now=NOW)
    after = new_request(Action.LOCK, [device(1, nonce="ff")], scope="x", by="asha", now=NOW)

    assert before.devices_root != after.devices_root


def test_two_requests_for_the_same_are_two(ask):
    first, second = ask(Action.LOCK, "MDI/A/1"), ask(Action.LOCK, "MDI/A/1")

    assert first.request != second.request


def test_it_expires_at_its_moment(ask):
    request = ask(Action.UNLOCK, "MDI/A/1")

    assert not request.has_expired(NOW + timedelta(minutes=59))
    assert request.has_expired(NOW + timedelta(hours=1))


def test_a_lock_never_expires(ask):
    assert not ask(Action.LOCK, "MDI/A/1").has_expired(NOW + timedelta(days=4000))


def test_what_makes_no_sense_is_refused(device):
    known = {"scope": "MDI/A", "by": "asha", "now": NOW}

    with pytest.raises(InputError, match="names no device"):
        new_request(Action.LOCK, [], **known)
    with pytest.raises(InputError, match="a lock has no expiry"):
        new_request(Action.LOCK, [device(1)], **known, expires=NOW + timedelta(hours=1))
    with pytest.raises(InputError, match="wipe needs an expiry"):
        new_request(Action.WIPE, [device(1)], **known)
    with pytest.raises(InputError, match="is over"):
        new_request(Action.WIPE, [device(1)], **known, expires=NOW)


@pytest.mark.parametrize(
    ("places", "reach"),
    [
        (["MDI/A/1"], Reach.DEVICE),
        (["MDI/A/1", "MDI/A/1"], Reach.LANDING),
        (["MDI/A/1", "MDI/A/2"], Reach.WING),
        (["MDI/A/1", "MDI/B/1"], Reach.PRISON),
        (["MDI/A/1", "LEI/A/1"], Reach.ESTATE),
    ],
)
def test_the_reach_is_the_smallest_place_that_holds_them(device, places, reach):
    devices = [device(number, place) for number, place in enumerate(places)]

    assert reach_of(devices) is reach


def test_devices_that_nobody_can_place_may_be_anywhere(device):
    lost = [replace(device(n), prison_id="", wing="", landing="") for n in range(2)]

    assert reach_of(lost) is Reach.ESTATE


@pytest.mark.parametrize("action", list(Action))
def test_of_what_a_device_has_one_at_a_time_the_later_takes_the_place(ask, action):
    has_one_at_a_time = action in {Action.ALLOWLIST, Action.DEAD_MAN}
    first = ask(action, "MDI/A/1")
    later = replace(ask(action, "MDI/A/1"), requested_s=first.requested_s + 1)
    named = replace(ask(Action.LOCK, "MDI/A/1"), supersedes=first.request)

    assert takes_the_place_of(later, first) is has_one_at_a_time
    assert not takes_the_place_of(first, later)
    assert takes_the_place_of(named, first)

"""Wiping devices of a rehearsal: a real LUKS2 header, and never a device provisioned anew."""

import pytest

from fleet.rehearsal.lab import down
from tests.fleet.cli.office import open_office

KEY, VOLUME = "/root/key", "/var/lib/volume.img"
# As fast as cryptsetup lets it be: how long a guess takes is not the point.
FORMAT = (
    f"echo -n of-this-test >{KEY}; truncate -s 20M {VOLUME}; mkdir -p /etc/wingspan; "
    f"cryptsetup luksFormat --type luks2 --batch-mode --pbkdf pbkdf2 "
    f"--pbkdf-force-iterations 1000 {VOLUME} {KEY}; echo {VOLUME} >/etc/wingspan/data_volume"
)
UNLOCK = f"cryptsetup open --test-passphrase --key-file {KEY} {VOLUME} && echo opens || echo shut"


@pytest.fixture(scope="module")
def office(start_lab, tmp_path_factory):
    lab = start_lab(devices=6, prisons=1)
    yield open_office(lab, tmp_path_factory.mktemp("people"))
    down(lab.workspace)


@pytest.fixture
def take(office):
    """Return a function that gives the name of a device that no other test has."""
    return lambda: next(
        one["device"]
        for one in office.answer("asha", "list")[1]["devices"]
        if one["device"] not in office.taken and not office.taken.add(one["device"])
    )


def sh(office, name, command):
    return office.inside(office.lab_device(name), "sh", "-c", command).strip()


def wipe(office, name):
    """Ask for a wipe of one device, have it agreed to, and return the request."""
    _, asked = office.answer("ben", "wipe", f"device:{name}", "--yes")
    assert asked["approvals_missing"] == ["1 approver: what is wiped is gone"]
    office.answer("cleo", "approve", asked["request"])
    return asked["request"]


def reconciled(office, bucket="proven"):
    return [one["device"] for one in office.answer("ben", "reconcile", "--once")[1][bucket]]


def state(office, name):
    return office.answer("asha", "show", name)[1]["state"]


def test_a_wipe_destroys_the_data_key_and_shows_that_nothing_opens_it(office, take):
    name = take()
    sh(office, name, FORMAT)
    assert sh(office, name, UNLOCK) == "opens"

    wipe(office, name)

    assert reconciled(office) == [name]
    assert sh(office, name, UNLOCK) == "shut"
    assert state(office, name) == "wiped"
    rules = sh(office, name, "nft list ruleset; cat /run/wingspan/simulated/kiosk/state")
    assert rules.endswith("locked")


def test_without_a_data_key_what_a_resident_left_is_removed(office, take):
    name = take()
    sh(office, name, "mkdir -p /home/kiosk/.cache/x; echo letter >/home/kiosk/.cache/x/y")

    wipe(office, name)

    assert reconciled(office) == [name]
    assert sh(office, name, "ls -A /home/kiosk") == ""


def test_a_wipe_that_leaves_a_key_is_not_proven(office, take):
    name = take()
    sh(office, name, FORMAT)
    # A cryptsetup that says yes and does nothing.
    sh(
        office,
        name,
        "mv /usr/sbin/cryptsetup /usr/sbin/real; ln -s /usr/sbin/fake /usr/sbin/cryptsetup",
    )
    fake = '#!/bin/sh\\n[ "$1" = luksErase ] || exec /usr/sbin/real "$@"\\n'
    sh(office, name, f"printf '{fake}' >/usr/sbin/fake; chmod +x /usr/sbin/fake")

    request = wipe(office, name)
    code, found = office.answer("ben", "reconcile", "--once")

    assert (code, [one["device"] for one in found["unproven"]]) == (5, [name])
    assert found["unproven"][0]["why"] == f"1 keys still open {VOLUME}"
    sh(office, name, "mv /usr/sbin/real /usr/sbin/cryptsetup")
    office.types("ben", "stop", request)


def test_a_lost_device_is_wiped_when_it_answers_and_comes_back_by_two_people(office, take):
    name = take()
    device = office.lab_device(name)
    office.types("asha", "rehearse", "power-off", device.serial)
    office.types("ben", "lost", name, "--why", "not in the cell")
    wipe(office, name)
    assert reconciled(office, "waiting") == [name]
    retired = office.types("ben", "retire", name)
    assert (retired.exit_code, "is to be wiped by" in retired.stderr) == (6, True)

    office.types("asha", "rehearse", "restore", device.serial)
    office.lab.answering([device])
    assert reconciled(office) == [name]
    assert state(office, name) == "wiped"

    alone = office.types("asha", "enrol", "--yes")
    assert "two people let it back in" in alone.stdout
    _, asked = office.answer("ben", "readmit", f"device:{name}", "--yes")
    assert reconciled(office, "waiting") == [name]
    office.answer("cleo", "approve", asked["request"])
    assert reconciled(office) == [name]
    office.types("asha", "enrol", "--yes")
    assert state(office, name) == "live"
    assert sh(office, name, "cat /run/wingspan/simulated/kiosk/state") == "running"


def test_a_wipe_never_hits_a_device_that_was_provisioned_anew(office, take):
    name = take()
    device = office.lab_device(name)
    office.types("asha", "rehearse", "power-off", device.serial)
    first, second = wipe(office, name), wipe(office, name)
    office.types("asha", "rehearse", "restore", device.serial)
    office.lab.answering([device])
    office.types("ben", "pause", second)
    assert reconciled(office) == [name]
    _, asked = office.answer("ben", "readmit", f"device:{name}", "--yes")
    office.answer("cleo", "approve", asked["request"])
    reconciled(office)
    office.types("asha", "enrol", "--yes")
    sh(office, name, FORMAT)

    office.types("ben", "resume", second)
    failed = office.answer("ben", "reconcile", "--once")[1]["failed"]

    assert [(one["device"], one["why"]) for one in failed] == [
        (name, "the device was provisioned anew")
    ]
    assert sh(office, name, UNLOCK) == "opens"
    assert first != second


def test_the_size_of_a_wipe_has_to_be_said(office):
    result = office.types("ben", "wipe", "XAA", "--yes")

    assert result.exit_code == 6
    assert "if that is meant: --expect" in result.stderr

import base64

import pytest

from fleet.device import NEXT_STATES, DeviceState, NewDevice, field_faults, is_address, pinned_key


def key(blob):
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"


ED25519 = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + bytes(range(32))


def test_a_host_key_is_pinned_without_its_comment():
    assert pinned_key(f"{key(ED25519)} root@tablet\n") == key(ED25519)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-rsa AAAA",
        "ssh-ed25519",
        "ssh-ed25519 not-base64!",
        key(ED25519[:-1]),
        key(ED25519 + b"\x00"),
        key(ED25519.replace(b"ed25519", b"ed25518")),
    ],
)
def test_what_is_no_ed25519_key_is_not_pinned(text):
    with pytest.raises(ValueError, match="not "):
        pinned_key(text)


@pytest.mark.parametrize("text", ["198.18.0.7", "2001:db8::7", "tablet-7.prison.example"])
def test_addresses_and_host_names_may_be_recorded(text):
    assert is_address(text)


@pytest.mark.parametrize("text", ["", "-oProxyCommand=id", "a b", "a;id", "fe80::1%eth0", "a..b"])
def test_what_ssh_could_take_for_an_option_or_command_is_no_address(text):
    assert not is_address(text)


def test_every_fault_of_a_new_device_is_named():
    new = NewDevice(serial=" ", model="a b", cell="A/1", host_key="x", address="-x", port=0)

    assert set(field_faults(new)) == {"serial", "model", "cell", "host_key", "address", "port"}


def test_a_lost_device_never_goes_straight_back_to_work():
    assert DeviceState.LIVE not in NEXT_STATES[DeviceState.LOST]
    assert DeviceState.ENROLLED not in NEXT_STATES[DeviceState.LOST]


def test_a_retired_device_stays_retired():
    assert not NEXT_STATES[DeviceState.RETIRED]

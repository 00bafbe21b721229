"""A device as the registry knows it: an identity, a place, and how it may be reached."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

KEY_TYPE: Final = "ssh-ed25519"

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
# A location key is opaque; this only keeps out what no prison would use in one.
_CELL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+&-]{0,63}")
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")
_KEY_BYTES = 32
_PORT_MAX = 65535


class DeviceState(StrEnum):
    """Where a device is in its life."""

    SPARE = "spare"
    ENROLLED = "enrolled"
    LIVE = "live"
    QUARANTINED = "quarantined"
    LOST = "lost"
    WIPED = "wiped"
    RETIRED = "retired"


# Devices that hold our keys and can be spoken to.
REACHABLE_STATES: Final = (DeviceState.ENROLLED, DeviceState.LIVE, DeviceState.QUARANTINED)

# What may follow what. A device that was out of sight comes back quarantined, never live; one
# that is wiped becomes a spare again, and a spare has to be enrolled; a retired one stays so.
NEXT_STATES: Final[dict[DeviceState, frozenset[DeviceState]]] = {
    DeviceState.SPARE: frozenset({DeviceState.ENROLLED, DeviceState.LOST, DeviceState.RETIRED}),
    DeviceState.ENROLLED: frozenset(set(DeviceState) - {DeviceState.SPARE}),
    DeviceState.LIVE: frozenset(set(DeviceState) - {DeviceState.SPARE}),
    DeviceState.QUARANTINED: frozenset(set(DeviceState) - {DeviceState.SPARE}),
    DeviceState.LOST: frozenset({DeviceState.QUARANTINED, DeviceState.WIPED, DeviceState.RETIRED}),
    DeviceState.WIPED: frozenset({DeviceState.SPARE, DeviceState.LOST, DeviceState.RETIRED}),
    DeviceState.RETIRED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device.

    Attributes
    ----------
    device
        Its stable name, "WS-000123": what Ansible calls it and what its host key is known under.
    cell, prison_id, wing, spur, landing, element
        The location key of its cell, "" for none, and what the topology says of that cell: where
        it is and which switch or access point serves it; "" where the topology does not say.
    host_key
        The pinned public key, "ssh-ed25519 AAAA…"; "" before first contact.
    nonce
        Hexadecimal, new with each provisioning: an order names the one that it is for.
    address, port
        Where it was last met. A locator, never an identity.
    key_exchange
        The SSH key exchange agreed with it, "" while unknown.
    """

    device: str
    serial: str
    model: str = ""
    cell: str = ""
    prison_id: str = ""
    wing: str = ""
    spur: str = ""
    landing: str = ""
    element: str = ""
    ring: str = ""
    version: str = ""
    state: DeviceState = DeviceState.SPARE
    host_key: str = ""
    nonce: str = ""
    address: str = ""
    port: int = 22
    key_exchange: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device to be added; without `device` the registry gives it the next free name."""

    serial: str
    device: str = ""
    model: str = ""
    cell: str = ""
    ring: str = ""
    host_key: str = ""
    address: str = ""
    port: int = 22


def pinned_key(text: str) -> str:
    """Return a host key as it is pinned: type and base64, without the comment.

    Raises
    ------
    ValueError
        When the text is not an ed25519 public key of OpenSSH.
    """
    words = text.split()
    if len(words) < 2 or words[0] != KEY_TYPE:  # noqa: PLR2004 - type and key
        raise ValueError(f"not a key that begins with {KEY_TYPE}")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error as error:
        raise ValueError("not a key in base64") from error
    name = KEY_TYPE.encode()
    head = len(name).to_bytes(4, "big") + name + _KEY_BYTES.to_bytes(4, "big")
    if not blob.startswith(head) or len(blob) != len(head) + _KEY_BYTES:
        raise ValueError(f"not the {_KEY_BYTES} bytes of an ed25519 key")
    return f"{KEY_TYPE} {words[1]}"


def field_faults(new: NewDevice) -> dict[str, str]:
    """Return what is wrong with each field of a device to be added: field → cure."""
    words = "use letters, digits, dot, dash and underscore, 64 at the most"
    faults = {
        name: words
        for name in ("device", "model", "ring")
        if (value := getattr(new, name)) and not _WORD.fullmatch(value)
    }
    if not _SERIAL.fullmatch(new.serial):
        faults["serial"] = "give the serial number as printed on the device"
    if new.cell and not _CELL.fullmatch(new.cell):
        faults["cell"] = "give the location key, such as MDI-A-1-001"
    if new.host_key:
        try:
            pinned_key(new.host_key)
        except ValueError as error:
            faults["host_key"] = f"{error}: give the line of ssh_host_ed25519_key.pub"
    if new.address and not is_address(new.address):
        faults["address"] = "give an IP address or a host name"
    if not is_port(new.port):
        faults["port"] = f"give a number from 1 to {_PORT_MAX}"
    return faults


def is_word(text: str) -> bool:
    """Return whether a text may be a model, ring, version or name of a device."""
    return bool(_WORD.fullmatch(text))


def is_address(text: str) -> bool:
    """Return whether a text is an IP address or a host name, and so safe to hand to ssh."""
    try:
        ip_address(text)
    except ValueError:
        return bool(_HOST_NAME.fullmatch(text))
    return "%" not in text  # A zone would name an interface of whoever reads it.


def is_port(number: int) -> bool:
    """Return whether a number can be a TCP port."""
    return 0 < number <= _PORT_MAX


def known_hosts_line(device: str, host_key: str) -> str:
    """Return a line of known_hosts: a device by its name, never by an address, and its key."""
    return f"{device} {host_key}\n"

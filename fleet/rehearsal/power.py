"""What happens to a device's power, and what is then left on its disk."""

from __future__ import annotations

import os
import struct
from fcntl import ioctl
from typing import TYPE_CHECKING

from fleet.rehearsal import cabling
from fleet.rehearsal.machine import until

if TYPE_CHECKING:
    from fleet.rehearsal.lab import Rehearsal
    from fleet.rehearsal.target import Target

# From Linux's ext4.h: stop the file system at once, and write not even the journal.
_EXT4_SHUTDOWN, _WITHOUT_FLUSH = 0x8004587D, struct.pack("I", 2)


def switch_off(rehearsal: Rehearsal, target: Target) -> None:
    """Switch a device off; all that it has written is on its disk.

    The cable goes first, or the kernel would take leave of its peers in the device's name.
    """
    device = target.the_device("power-off")
    process = rehearsal.running(device)
    cabling.cut(rehearsal, target)
    (rehearsal.folder(device) / "off").touch()
    rehearsal.machine.kill(process)
    _wait_for_the_disk(rehearsal, target)


def pull_the_plug(rehearsal: Rehearsal, target: Target) -> None:
    """Cut a device's power: what it has not synchronised is lost."""
    device = target.the_device("power-cut")
    process, folder = rehearsal.running(device), rehearsal.folder(device)
    cabling.cut(rehearsal, target)
    (folder / "off").touch()
    # The disk as its casing has it mounted.
    inside = rehearsal.machine.root_of(rehearsal.casing(device))
    disk = os.open(inside / "mnt" / "devices" / device.serial / "disk", os.O_RDONLY)
    try:
        ioctl(disk, _EXT4_SHUTDOWN, _WITHOUT_FLUSH)
    finally:
        os.close(disk)
    # Nothing reaches the image any more: what it holds now is what was durable.
    image = f"/mnt/devices/{device.serial}"
    copy = ["cp", "--sparse=always", f"{image}/disk.img", f"{image}/durable.part"]
    rehearsal.machine.run(copy)
    (folder / "durable.part").rename(folder / "durable.img")
    rehearsal.machine.kill(process)
    _wait_for_the_disk(rehearsal, target)


def switch_on(rehearsal: Rehearsal, target: Target) -> None:
    """Give a device its power and its cable back; it boots from its disk as that was left."""
    device = target.the_device("power")
    cabling.plug(rehearsal, target)
    if not rehearsal.is_on(device):
        rehearsal.switch_on(device)
        until(lambda: rehearsal.is_on(device), f"{device.serial} takes no power")
    listens = rehearsal.root(device) / "run/sshd.pid"
    until(listens.exists, f"{device.serial} does not boot")


def _wait_for_the_disk(rehearsal: Rehearsal, target: Target) -> None:
    device = target.the_device("power")
    rests = rehearsal.folder(device) / "rests"
    until(rests.exists, f"{device.serial} does not go off")

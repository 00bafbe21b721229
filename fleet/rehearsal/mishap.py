"""What happens to a device that has power: it hangs, fills up, mistakes the time or its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.rehearsal.factory import HOST_KEY, write_host_key, write_settings
from fleet.rehearsal.layout import Kind
from fleet.rehearsal.machine import until

if TYPE_CHECKING:
    from datetime import timedelta
    from ipaddress import IPv4Address
    from pathlib import Path

    from fleet.rehearsal.lab import Rehearsal
    from fleet.rehearsal.layout import LabDevice

_FILLING = "/var/lib/rehearsal-filling"
_FILL = f"""
fallocate -l "$(df --output=avail -B1 / | tail -1)" {_FILLING}
cat /dev/zero >{_FILLING}-rest 2>/dev/null || :
sync -f /
"""


def hang(rehearsal: Rehearsal, device: LabDevice) -> None:
    """Stop sshd and its sessions, as a device that swaps itself to death does."""
    _signal_sshd(rehearsal, device, "-STOP")


def wake(rehearsal: Rehearsal, device: LabDevice) -> None:
    """Let sshd go on."""
    _signal_sshd(rehearsal, device, "-CONT")


def fill(rehearsal: Rehearsal, device: LabDevice) -> None:
    """Leave no free byte on the disk."""
    rehearsal.on(device, ["sh", "-c", _FILL])


def empty(rehearsal: Rehearsal, device: LabDevice) -> None:
    """Free what filling took."""
    rehearsal.on(device, ["rm", "-f", _FILLING, f"{_FILLING}-rest"])


def set_clock(rehearsal: Rehearsal, device: LabDevice, *, shift: timedelta) -> None:
    """Let the device's sshd and all that runs in its sessions see another time.

    The kernel has one clock for all devices, so a library answers in its place. It outlives a
    reboot, as a battery-backed clock does.
    """
    _clock(rehearsal, device).write_text(f"{shift.total_seconds():+.0f}\n", encoding="ascii")
    if rehearsal.is_on(device):
        _restart_sshd(rehearsal, device)


def reset_clock(rehearsal: Rehearsal, device: LabDevice) -> None:
    """Let the device see this machine's time."""
    _clock(rehearsal, device).unlink(missing_ok=True)
    if rehearsal.is_on(device):
        _restart_sshd(rehearsal, device)


def rekey(rehearsal: Rehearsal, device: LabDevice) -> str:
    """Give the device another host key; return the private half of the one it had."""
    path = rehearsal.root(device) / HOST_KEY
    had = path.read_text(encoding="ascii")
    write_host_key(path, comment=device.name)
    _restart_sshd(rehearsal, device)
    return had


def give_key_back(rehearsal: Rehearsal, device: LabDevice, *, had: str) -> None:
    """Give the device the host key that it had."""
    path = rehearsal.root(device) / HOST_KEY
    path.write_text(had, encoding="ascii")
    public = rehearsal.on(device, ["ssh-keygen", "-y", "-f", f"/{HOST_KEY}"])
    path.with_name(f"{path.name}.pub").write_text(public, encoding="ascii")
    _restart_sshd(rehearsal, device)


def move_to(rehearsal: Rehearsal, device: LabDevice, address: IPv4Address) -> None:
    """Give the device another address, now and at every boot."""
    write_settings(rehearsal.folder(device), device, address=str(address))
    site = device.site
    lines = [
        "addr flush dev eth0",
        f"addr add {address}/{site.network.prefixlen} dev eth0",
        f"route replace default via {site.gateway.ip}",
    ]
    casing = rehearsal.casing(device)
    rehearsal.machine.run(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n", network_of=casing)
    # The router forgets who had it, as it would after some minutes.
    forget = ["ip", "neigh", "flush", "to", str(address)]
    rehearsal.machine.run(forget, network_of=rehearsal.router(site.number))


def _clock(rehearsal: Rehearsal, device: LabDevice) -> Path:
    return rehearsal.folder(device) / "simulated" / "clock"


def _restart_sshd(rehearsal: Rehearsal, device: LabDevice) -> None:
    """Start sshd anew, and return when it listens; its sessions go on."""
    number = rehearsal.root(device) / "run/sshd.pid"
    before = _read(number)
    if device.kind == Kind.SYSTEMD:
        rehearsal.on(device, ["systemctl", "restart", "ssh.service"])
    else:  # The oldest is the one that listens, and whoever started it starts it again.
        _signal_sshd(rehearsal, device, "-TERM", "-o")

    def listens() -> bool:
        return _read(number) not in {"", before}

    until(listens, f"sshd of {device.serial} does not start again")


def _read(number: Path) -> str:
    """Return what a file holds, nothing where it is gone: sshd takes its own away as it ends."""
    try:
        return number.read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def _signal_sshd(rehearsal: Rehearsal, device: LabDevice, *how: str) -> None:
    rehearsal.on(device, ["pkill", *how, "-x", "sshd"])

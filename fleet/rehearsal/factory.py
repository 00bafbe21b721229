"""What a device leaves the factory with: keys, a name, and facts that stand for hardware."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from fleet.rehearsal.machine import SCRIPTS

if TYPE_CHECKING:
    from pathlib import Path

    from fleet.rehearsal.layout import LabDevice, Layout

HOST_KEY = "etc/ssh/ssh_host_ed25519_key"
# What the shared root lacks: a first process, and a start of sshd that knows of a wrong clock.
_PROGRAMS = {"rehearsal-init": "init.sh", "rehearsal-sshd": "sshd.sh"}
_SSHD_UNIT = "[Service]\nExecStart=\nExecStart=/usr/local/sbin/rehearsal-sshd\n"
_EXECUTABLE = 0o755
_OWNER_ONLY, _OWNER_ONLY_FOLDER = 0o600, 0o700


def write_device(folder: Path, layout: Layout, device: LabDevice, *, trusted: str) -> str:
    """Write a device's folder and return its public host key; see scripts/device.sh for the rest.

    `trusted` is the line of the public key that root takes until the device is enrolled.
    """
    factory = folder / "factory"
    host_key = write_host_key(factory / HOST_KEY, comment=device.name)
    _write(factory / "etc/hostname", f"{device.name}\n")
    _write(factory / "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {device.name}\n")
    for program, script in _PROGRAMS.items():
        text = (SCRIPTS / script).read_text(encoding="utf-8")
        _write(factory / "usr/local/sbin" / program, text, mode=_EXECUTABLE)
    _write(factory / "etc/systemd/system/ssh.service.d/rehearsal.conf", _SSHD_UNIT)
    _write(factory / "root/.ssh/authorized_keys", trusted, mode=_OWNER_ONLY)
    for private in (factory / "root", factory / "root/.ssh"):
        private.chmod(_OWNER_ONLY_FOLDER)
    write_settings(folder, device, address=str(device.address))
    simulated = folder / "simulated"
    _write(simulated / "sys/class/power_supply/BAT0/capacity", f"{60 + device.number * 7 % 41}\n")
    _write(simulated / "sys/class/power_supply/BAT0/status", "Discharging\n")
    _write(simulated / "kiosk/state", "running\n")
    if device.cell.signal_dbm is not None:
        _write(simulated / "wlan/signal_dbm", f"{device.cell.signal_dbm:.0f}\n")
        _write(simulated / "wlan/bssid", f"{_bssid(layout, device)}\n")
    return host_key


def write_settings(folder: Path, device: LabDevice, *, address: str) -> None:
    """Write what a device is told when it boots, as a network's address service would."""
    site = device.site
    lines = {
        "NAME": device.name,
        "KIND": device.kind.value,
        "ADDRESS": f"{address}/{site.network.prefixlen}",
        "GATEWAY": str(site.gateway.ip),
        "GATEWAY_MAC": site.gateway_mac,
    }
    _write(folder / "settings", "".join(f"{key}={value}\n" for key, value in lines.items()))


def write_host_key(path: Path, *, comment: str) -> str:
    """Write a new ed25519 host key with its public half beside, and return that half."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    _write(path, private, mode=_OWNER_ONLY)
    _write(path.with_name(f"{path.name}.pub"), f"{public} {comment}\n")
    return public


def _bssid(layout: Layout, device: LabDevice) -> str:
    number = layout.numbers.get(device.cell.element, 0)
    return f"02:57:02:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)

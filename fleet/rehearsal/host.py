"""What a rehearsal needs of this machine, and what of that is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.errors import FleetError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

# Program → Debian's package, and what the lab does with it.
_PROGRAMS = {
    "debootstrap": ("debootstrap", "makes the devices' root"),
    "ip": ("iproute2", "lays the network"),
    "mke2fs": ("e2fsprogs", "makes the devices' disks"),
    "nft": ("nftables", "loses packets"),
    "nsenter": ("util-linux", "enters the lab"),
    "tc": ("iproute2", "slows links"),
    "unshare": ("util-linux", "makes namespaces"),
}
_NSPAWN = ("systemd-container", "boots the devices with systemd")

# What is tried in namespaces of its own → what it proves. Nothing of it outlasts the trial.
_TRIALS = {
    "mount -t tmpfs t /mnt": "tmpfs",
    "mkdir /mnt/l /mnt/u /mnt/w /mnt/m; "
    "mount -t overlay o -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m": "overlayfs",
    "truncate -s 8M /mnt/i; mke2fs -q -F -t ext4 /mnt/i; mkdir /mnt/d; "
    "mount -o loop /mnt/i /mnt/d": "loop devices with ext4",
    "ip link add one type veth peer name two": "veth",
    "ip link add lan type bridge": "bridge",
    "tc qdisc add dev one root tbf rate 1mbit burst 32k latency 50ms": "tbf",
    "nft 'table netdev t { chain c { type filter hook ingress device one priority 0; "
    "numgen random mod 100 < 1 drop; }; }'": "nftables with numgen at ingress",
}
# Half the neighbours that the kernel keeps at most are left to the rest of the machine.
_NEIGHBOUR_LIMIT = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
_NEIGHBOUR_SHARE = 0.9


def check_host(*, devices: int, systemd: int) -> None:
    """Make sure that this machine can carry so many devices.

    Raises
    ------
    FleetError
        When it cannot; everything that is missing is listed with its cure.
    """
    problems = list(_missing(devices=devices, systemd=systemd))
    if problems:
        hint = "mend what is listed; a rehearsal needs Linux and root, and CI has both"
        raise FleetError("this machine cannot rehearse", hint=hint, problems=problems)


def _missing(*, devices: int, systemd: int) -> Iterator[Problem]:
    if os.geteuid() != 0:
        yield Problem("this machine", "", "you are not root", "run it with sudo")
        return
    programs = _PROGRAMS | ({"systemd-nspawn": _NSPAWN} if systemd else {})
    absent = {name: what for name, what in programs.items() if shutil.which(name) is None}
    for name, (package, purpose) in absent.items():
        what = f"{name}, which {purpose}, is not there"
        yield Problem("this machine", "", what, f"apt install {package}")
    if not absent:
        yield from _kernel_faults()
    try:
        limit = int(_NEIGHBOUR_LIMIT.read_text(encoding="ascii"))
    except OSError:
        return  # A container does not show it; the first neighbours too many would.
    if devices > limit * _NEIGHBOUR_SHARE:
        what = f"the kernel keeps {limit} network neighbours in all, too few for {devices} devices"
        # A rehearsal does not change what the whole machine shares; a person may.
        cure = f"sysctl -w net.ipv4.neigh.default.gc_thresh3={4 * devices}"
        yield Problem("this machine", "", what, cure)


def _kernel_faults() -> Iterator[Problem]:
    # Each line of the trial's output is the number of a step that failed.
    steps = [f"({trial}) >/dev/null 2>&1 || echo {n}" for n, trial in enumerate(_TRIALS)]
    enter = ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--net", "--ipc", "--uts"]
    finished = subprocess.run(  # noqa: S603 - our own command
        [*enter, "--mount-proc", "sh", "-c", "\n".join([*steps, "echo done"])],
        check=False,
        capture_output=True,
        text=True,
    )
    failed = finished.stdout.split()
    cure = "use a machine or a container whose kernel has it and lets root use it"
    if failed[-1:] != ["done"]:
        what = f"the kernel gives no namespaces: {finished.stderr.strip() or 'no reason given'}"
        yield Problem("this machine", "", what, cure)
        return
    for number in failed[:-1]:
        feature = list(_TRIALS.values())[int(number)]
        yield Problem("this machine", "", f"the kernel lacks {feature}", cure)

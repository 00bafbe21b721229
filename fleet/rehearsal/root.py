"""The root file system that all devices share: a small Debian, made once and kept in a cache."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.errors import FleetError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUITE = "bookworm"
PACKAGES = (
    "ca-certificates",
    "cryptsetup-bin",
    "dbus",
    "dnsmasq-base",
    "faketime",
    "gpgv",
    "iproute2",
    "nftables",
    "openssh-server",
    "procps",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
)
# Where facts that only hardware has are found instead, and how a device knows that.
SYSROOT = "/run/wingspan/simulated"
# Run in the new root: its own host keys and identity come from each device, and nothing on a
# device may start an update by itself.
_FINISH = f"""
set -eu
rm -f /etc/ssh/ssh_host_*_key* /etc/hostname /var/cache/apt/archives/*.deb
rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt
rm -f /var/lib/dbus/machine-id
: >/etc/machine-id
useradd --create-home --shell /bin/sh --password '*' wingspan
mkdir -p /etc/wingspan
echo {SYSROOT} >/etc/wingspan/sysroot
ln -sf pts/ptmx /dev/ptmx
systemctl disable apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer
systemctl mask systemd-timesyncd.service systemd-networkd.service systemd-resolved.service
"""


def cache_folder() -> Path:
    """Return where roots are kept; WINGSPAN_CACHE moves it."""
    return Path(os.environ.get("WINGSPAN_CACHE", "/var/cache/wingspan"))


def shared_root(tell: Callable[[str], None]) -> Path:
    """Return the root that the recipe makes; make it if it is not in the cache yet.

    `tell` is told before a making begins, because that takes a minute.

    One maker at a time works, and others wait for it. A root appears whole or not at all.

    Raises
    ------
    InputError
        When apt knows no archive of the suite.
    FleetError
        When the root cannot be made.
    """
    folder = cache_folder()
    target = folder / f"rehearsal-root-{_recipe()}"
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / "rehearsal-root.lock"):
        if not target.is_dir():
            tell(f"making the devices' Debian in {target}: about a minute, once")
            for left in folder.glob(".rehearsal-root-*.making"):
                shutil.rmtree(left)
            # As made, only root could enter it, and so nobody else could enter a device.
            making = Path(tempfile.mkdtemp(".making", ".rehearsal-root-", dir=folder))
            making.chmod(0o755)
            try:
                _make(making)
                making.rename(target)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    return target


def _recipe() -> str:
    """Return a name for what goes into the root."""
    return sha256("\n".join([SUITE, *PACKAGES, _FINISH]).encode()).hexdigest()[:12]


def _make(root: Path) -> None:
    environment = {**os.environ, **_proxies(), "DEBIAN_FRONTEND": "noninteractive"}
    wanted = f"--include={','.join(PACKAGES)}"
    _run(["debootstrap", "--variant=minbase", wanted, SUITE, root, _archive()], environment)
    _run(["chroot", root, "/bin/sh", "-c", _FINISH], environment)


def _archive() -> str:
    """Return the archive that this machine's own apt takes the suite from."""
    layout = "$(RELEASE) $(COMPONENT) $(CREATED_BY) $(REPO_URI)"
    # Without release information, apt says so even before its first update.
    listing = _output(["apt-get", "indextargets", "--no-release-info", "--format", layout])
    for line in listing.splitlines():
        suite, component, kind, uri = line.split(maxsplit=3)
        if (suite, component, kind) == (SUITE, "main", "Packages"):
            return uri
    what = f"apt knows no archive of Debian {SUITE}, which the devices run"
    raise InputError(what, hint="add its line to /etc/apt/sources.list")


def _proxies() -> dict[str, str]:
    """Return apt's proxies as debootstrap's downloads read them."""
    asked = [f"{scheme}_proxy Acquire::{scheme}::Proxy" for scheme in ("http", "https")]
    shown = _output(["apt-config", "shell", *" ".join(asked).split()])
    return dict(word.split("=", 1) for word in shlex.split(shown))


def _output(command: list[str]) -> str:
    try:
        finished = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    except (OSError, subprocess.CalledProcessError) as error:
        hint = "rehearse on Debian or a child of it, or bring a machine's /var/cache/wingspan here"
        raise FleetError("cannot ask apt where Debian comes from", hint=hint) from error
    return finished.stdout


def _run(command: list[str | Path], environment: dict[str, str]) -> None:
    finished = subprocess.run(  # noqa: S603 - our own command
        command,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if finished.returncode:
        last = "\n".join(finished.stdout.splitlines()[-3:])
        because = ChildProcessError(f"{command[0]} ended with {finished.returncode}: {last}")
        hint = "see that apt-get update works on this machine, and that there is 1 GB of room"
        raise FleetError("cannot make the devices' root", hint=hint) from because


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        flock(lock, LOCK_EX)
        yield

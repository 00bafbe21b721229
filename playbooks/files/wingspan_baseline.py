#!/usr/bin/python3 -ISE
"""What every device of the fleet has in common: kiosk, firewall, time, and no updates but ours.

Reads what is wanted as JSON on stdin, makes it so, and answers what differed and what the device
then shows of itself. Run again it finds nothing to do, but loads the firewall all the same.
"""

import json
import os
import pwd
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wingspan_firewall as firewall

SYSTEMCTL = "/usr/bin/systemctl"
# Whatever Debian ships that would change packages behind our back.
UPDATERS = (
    "apt-daily.service",
    "apt-daily.timer",
    "apt-daily-upgrade.service",
    "apt-daily-upgrade.timer",
    "packagekit.service",
    "unattended-upgrades.service",
)
# Ours is authenticated; one that believes any answer on the network would undo it.
CLOCKS = ("systemd-timesyncd.service", "chrony.service", "ntpsec.service")
KIOSK_UNIT = """\
# Written by Wingspan (wingspan_baseline.py).
[Unit]
Description=The one program that a resident sees
ConditionPathExists=/usr/bin/cage
# What opens the gate that wingspan_session.py passes.
After=systemd-user-sessions.service wingspan-state.service
Conflicts=getty@tty1.service
# A gate that stays shut for minutes is no fault.
StartLimitIntervalSec=0

[Service]
User=kiosk
PAMName=login
TTYPath=/dev/tty1
StandardInput=tty-fail
UtmpIdentifier=tty1
UtmpMode=user
# No way to another console, and no shell: cage is a kiosk, not a boundary.
ExecStart=/usr/bin/python3 -I -S -E {session} /usr/bin/cage -- {program}
Restart=always
RestartSec=2
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=tmpfs
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes

[Install]
WantedBy=graphical.target
"""
APT_PERIODIC = """\
// Written by Wingspan (wingspan_baseline.py): packages change by signed bundles alone.
APT::Periodic::Enable "0";
APT::Periodic::Unattended-Upgrade "0";
"""
NO_CONSOLES = """\
# Written by Wingspan (wingspan_baseline.py): no console to switch to.
[Login]
NAutoVTs=0
ReserveVT=0
"""


def wanted_files(wanted):
    """Return the files of the baseline: path → text."""
    program = wanted["kiosk"]["program"]
    if "\n" in program or not program.startswith("/"):
        raise firewall.RefusalError(f"kiosk: {program!r} is no command with its full path")
    return {
        "/etc/apt/apt.conf.d/99wingspan": APT_PERIODIC,
        "/etc/systemd/logind.conf.d/wingspan.conf": NO_CONSOLES,
        "/etc/systemd/system/wingspan-kiosk.service": KIOSK_UNIT.format(
            session="/usr/local/lib/wingspan/wingspan_session.py", program=program
        ),
    }


def wanted_links():
    """Return the links of the baseline: path → where it leads; units that must not start."""
    folder = "/etc/systemd/system"
    return {f"{folder}/{unit}": "/dev/null" for unit in (*UPDATERS, *CLOCKS)} | {
        f"{folder}/graphical.target.wants/wingspan-kiosk.service": (
            f"{folder}/wingspan-kiosk.service"
        ),
        f"{folder}/sysinit.target.wants/nftables.service": "/lib/systemd/system/nftables.service",
    }


def differing(wanted, root=""):
    """Return the files and links that are not as wanted, in order."""
    files = {
        path: text
        for path, text in sorted(wanted_files(wanted).items())
        if content(root + path) != text
    }
    links = {
        path: target
        for path, target in sorted(wanted_links().items())
        if not os.path.islink(root + path) or os.readlink(root + path) != target
    }
    return files, links


def content(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def make_so(wanted):
    """Put the baseline in force; return what differed before."""
    files, links = differing(wanted)
    for path, text in files.items():
        firewall.write(path, text, 0o644)
    for path, target in links.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        aside = f"{path}.new"
        if os.path.lexists(aside):
            os.unlink(aside)
        os.symlink(target, aside)
        os.replace(aside, path)
    changed = [*files, *links]
    if ensure_user("kiosk"):
        changed.append("user kiosk")
    if (files or links) and os.path.isdir("/run/systemd/system"):
        # A unit that was masked while it ran goes on until it is stopped.
        systemctl("daemon-reload")
        systemctl("stop", *UPDATERS, *CLOCKS)
    ways = {name: wanted[name] for name in ("management", "relay")}
    if firewall.put_in_force(ways, trial_s=wanted["confirm_within_s"]):
        changed.append("firewall")
    return changed


def ensure_user(name):
    """Make the user of the kiosk, without a password or a shell; say if it was not there."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        command = ("/usr/sbin/useradd", "--system", "--shell", "/usr/sbin/nologin", name)
        firewall.run((*command, "--password", "*"), "")
        return True
    return False


def systemctl(*words):
    """Tell systemd; a unit that a device does not have is no fault."""
    subprocess.run(  # noqa: S603 - a program by its full path, without a shell
        (SYSTEMCTL, *words), capture_output=True, check=False, timeout=120
    )


def main():
    """Take what is wanted as JSON on stdin, answer as JSON on stdout."""
    try:
        wanted = json.load(sys.stdin)
        changed = make_so(wanted)
        left = [*differing(wanted)[0], *differing(wanted)[1]]
        answer = {"changed": changed, "left": left, "ruleset": firewall.listing()}
        answer["trial"] = bool(firewall.on_trial())
    except (firewall.RefusalError, ValueError, KeyError, OSError) as error:
        print(json.dumps({"refused": f"{type(error).__name__}: {error}"}))
        return 1
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""sshd's settings on a device: written, judged by sshd itself, and read back as sshd sees them.

A part of `wingspan_trust.py`.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from wingspan_disk import RefusalError, flush, run, write
from wingspan_generation import GENERATIONS, in_force

DROP_IN = Path("/etc/ssh/sshd_config.d/00-wingspan.conf")
SSHD_PID = Path("/run/sshd.pid")
ROOT_KEYS = Path("/root/.ssh/authorized_keys")
CLOSED_KEYS = GENERATIONS / "root_keys"
USER = "wingspan"

SETTINGS = """\
# Written by Wingspan (wingspan_sshd.py); first in the order, so nothing after it counts.
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
HostbasedAuthentication no
PermitEmptyPasswords no
PermitRootLogin prohibit-password
PermitUserEnvironment no
PermitUserRC no
DisableForwarding yes
PermitTunnel no
X11Forwarding no
AllowUsers root wingspan
TrustedUserCAKeys none
AuthorizedKeysFile none
RevokedKeys /etc/ssh/wingspan/revoked.krl
LoginGraceTime 30
MaxAuthTries 3
# One source that opens connections and says nothing leaves room for all others.
MaxStartups 60:30:120
PerSourceMaxStartups 10
LogLevel VERBOSE
Match User wingspan
    AuthorizedKeysFile /etc/ssh/wingspan/broker_keys
    PermitTTY no
Match User root
    TrustedUserCAKeys /etc/ssh/wingspan/deploy_ca.pub
    AuthorizedPrincipalsFile /etc/ssh/wingspan/deploy_principals
    AuthorizedKeysFile {root_keys}
"""
# What `sshd -T` prints in other words than its settings are written in.
SAID = {"prohibit-password": "without-password"}


def set_sshd(root_keys):
    """Write sshd's settings, have sshd judge them, and only then let the running one read them."""
    text = SETTINGS.format(root_keys=root_keys)
    before = DROP_IN.read_text(encoding="ascii") if DROP_IN.exists() else None
    if before == text:
        return
    write(DROP_IN, text)
    tried = run("/usr/sbin/sshd", "-t")
    if tried.returncode:
        if before is None:
            DROP_IN.unlink()
        else:
            write(DROP_IN, before)
        raise RefusalError(f"sshd refuses the settings: {tried.stderr.decode().strip()}")
    before = SSHD_PID.stat()
    os.kill(int(SSHD_PID.read_text(encoding="ascii")), signal.SIGHUP)
    ends = time.monotonic() + 30
    # sshd removes its file at once and writes another when it listens again.
    while time.monotonic() < ends:
        with contextlib.suppress(FileNotFoundError):
            now = SSHD_PID.stat()
            if (now.st_ino, now.st_mtime_ns) != (before.st_ino, before.st_mtime_ns):
                return
        time.sleep(0.02)


def close(_order):
    """Close the way in that was open before enrolment; `reopen` undoes it."""
    set_sshd(root_keys="none")
    if ROOT_KEYS.exists():
        ROOT_KEYS.replace(CLOSED_KEYS)
        flush(GENERATIONS)
    return settings({})


def reopen(_order):
    """Open again what `close` closed; `enrol` begins anew from there."""
    if CLOSED_KEYS.exists():
        ROOT_KEYS.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        CLOSED_KEYS.replace(ROOT_KEYS)
    set_sshd(root_keys=".ssh/authorized_keys")
    return settings({})


def sealed(_order):
    """Forget the old keys for good: the new ways in were tried after they had closed."""
    CLOSED_KEYS.unlink(missing_ok=True)
    return settings({})


def expected(user):
    """Return what sshd has to say of a user once the old way in is closed, from its settings."""
    wanted, block = {}, user
    for line in SETTINGS.format(root_keys="none").splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "Match":
            block = value.split()[1]
        elif block == user and name not in ("#", "AllowUsers"):  # That one is printed by name.
            wanted[name.lower()] = SAID.get(value, value)
    return wanted


def settings(_order):
    """Return what sshd says of its settings, where it differs from ours, and what it can."""
    found, wrong = {}, []
    for user in (USER, "root"):
        done = run("/usr/sbin/sshd", "-T", "-C", f"user={user},host=centre,addr=192.0.2.1")
        if done.returncode:
            raise RefusalError(f"sshd does not read its settings: {done.stderr.decode().strip()}")
        lines = (line.partition(" ") for line in done.stdout.decode().splitlines())
        found = {key: value for key, _, value in lines}
        for key, value in expected(user).items():
            if found.get(key) != value:
                wrong.append(f"{user}: {key} is {found.get(key)}, not {value}")
    return {
        "wrong": wrong,
        "key_exchanges": found.get("kexalgorithms", "").split(","),
        "root_keys": ROOT_KEYS.exists(),
        "number": in_force(),
    }

"""Whom this device lets in: takes signed statements of trust, and puts them in force in one step.

Runs as root, reads one JSON object from its input and writes one to its output. Standard library
and OpenSSH alone, Python 3.9 or later.

    enrol    first contact: user, program, settings of sshd; the old way in stays open
    close    the old way in goes: root's keys, and the setting that allowed them
    reopen   undo close, while the session that did it still lives
    take     a new statement of trust, if its signature holds and its number is higher
    confirm  the statement in force was tried with a new login
    revert   back to the statement before, unless the one in force was confirmed
    place    this device is in another prison now, whose operators it lets in
    settings what sshd would do, as sshd itself reads its files

What is put in force is tried by a new login, and confirmed by whoever came in. A generation that
is not confirmed within minutes, or before the next boot, is reverted by the device.
"""

import contextlib
import fcntl
import json
import os
import pwd
import re
import subprocess
import sys
import time
from pathlib import Path

# Where its parts are; at first contact, when nothing is on the device yet, they came with it.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from wingspan_disk import RefusalError, later, link, read_json, run, write
from wingspan_generation import (
    GENERATIONS,
    LINK,
    TRUST_KEY,
    clear_old,
    current,
    in_force,
    point_to,
    verified,
    write_generation,
)
from wingspan_sshd import USER, close, reopen, sealed, set_sshd, settings

PENDING = GENERATIONS / "pending.json"
CLOCK = Path("/etc/wingspan/clock.json")
CLOCK_PROGRAM = Path("/usr/local/lib/wingspan/wingspan_clock.py")
CLOCK_PORT = 8463
STATE = Path("/var/lib/wingspan")
PROVISIONING = STATE / "provisioning.json"
PROGRAM = ("/usr/local/lib/wingspan/", "/usr/local/bin/wingspan", "/etc/wingspan/")
UNITS = (
    "/etc/sudoers.d/wingspan",
    "/etc/systemd/system/wingspan",
    "/etc/systemd/system/sysinit.target.wants/wingspan",
    "/etc/systemd/system/timers.target.wants/wingspan",
)
CONFIRM_WITHIN_S = 300
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def enrol(order):
    """Make this the device that the order names; ways in that were open stay open."""
    device, prison, nonce = order["device"], order["prison_id"], order["nonce"]
    for value in (device, nonce, prison or "none"):
        if not _NAME.match(value):
            raise RefusalError(f"{value!r} is not a name")
    make_user()
    for path in (*order["files"], *order["links"]):
        if not path.startswith(PROGRAM + UNITS) or ".." in path:
            raise RefusalError(f"{path} is not a place for the device's program")
    for path, (text, mode) in order["files"].items():
        write(Path(path), text, int(mode, 8))
    for path, target in order["links"].items():
        link(Path(path), Path(target))
    write(TRUST_KEY, order["trust_key"] + "\n")
    write(CLOCK, json.dumps({"servers": order["clock"] or asker()}) + "\n")
    provisioning = {
        "device": device,
        "prison_id": prison,
        "nonce": nonce,
        "provisioned_at": order["at"],
    }
    envelope = order["envelope"]
    statement = verified(envelope)
    name = write_generation(statement, envelope, provisioning)
    point_to(name)
    write(PROVISIONING, json.dumps(provisioning) + "\n")
    PENDING.unlink(missing_ok=True)
    set_clock(order["time_s"])
    set_sshd(root_keys=".ssh/authorized_keys")
    return {"number": statement["number"], **settings({})}


def asker():
    """Return where to ask for the time if nobody says: who enrols this device, as it sees them."""
    words = os.environ.get("SSH_CONNECTION", "").split()
    return [[words[0], CLOCK_PORT]] if words else []


def set_clock(time_s):
    """Set the clock, which no certificate could get past, and see that it is kept from now on."""
    if not CLOCK_PROGRAM.exists():
        return
    done = run(CLOCK_PROGRAM, "set", time_s)
    if done.returncode:
        raise RefusalError(f"cannot set the clock: {done.stderr.decode().strip()}")
    if Path("/run/systemd/system").is_dir():
        run("systemctl", "daemon-reload")
        run("systemctl", "restart", "--no-block", "wingspan-clock.service")
        return
    subprocess.Popen(  # noqa: S603 - our own program
        [str(CLOCK_PROGRAM), "keep"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def make_user():
    """Make the unprivileged user of the restricted lane; no password ever fits it."""
    try:
        pwd.getpwnam(USER)
    except KeyError:
        made = run("useradd", "--system", "--home-dir", STATE, "--shell", "/bin/sh", USER)
        if made.returncode:
            raise RefusalError(f"cannot make user {USER}: {made.stderr.decode().strip()}") from None
    # "!" would make some builds of sshd refuse keys as well.
    run("usermod", "--password", "*", USER)
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)


def take(envelope):
    """Put a newer statement in force, to be confirmed by a new login within minutes."""
    statement = verified(envelope)
    number = statement["number"]
    if number == in_force() and read_json(LINK / "trust.json") == envelope:
        return {"number": number, "changed": False}
    if number <= in_force():
        raise RefusalError(f"statement {number} is not newer than {in_force()}, which is in force")
    try_out(write_generation(statement, envelope, read_json(PROVISIONING)))
    return {"number": number, "changed": True}


def place(order):
    """Let in the operators of another prison, and no longer those of the one before."""
    before, prison = read_json(PROVISIONING), order["prison_id"]
    if not _NAME.match(prison or "none"):
        raise RefusalError(f"{prison!r} is not a name")
    if before["device"] != order["device"]:
        raise RefusalError(f"this is {before['device']}, not {order['device']}")
    if before["prison_id"] == prison:
        return {"number": in_force(), "changed": False}
    envelope = read_json(LINK / "trust.json")
    provisioning = {**before, "prison_id": prison}
    name = write_generation(verified(envelope), envelope, provisioning)
    try_out(name, provisioning=before)
    write(PROVISIONING, json.dumps(provisioning) + "\n")
    return {"number": in_force(), "changed": True}


def try_out(name, provisioning=None):
    """Put a generation in force, to be confirmed by a new login; say what to go back to."""
    pending = {"generation": name, "before": current(), "at": time.time()}
    write(PENDING, json.dumps({**pending, "provisioning": provisioning}) + "\n", 0o600)
    point_to(name)
    later(CONFIRM_WITHIN_S, lambda: revert_unconfirmed(name))


def confirm(order):
    """Keep the statement in force: whoever says so came in under it."""
    if order["number"] != in_force():
        raise RefusalError(f"statement {order['number']} is not in force, {in_force()} is")
    PENDING.unlink(missing_ok=True)
    clear_old()
    return {"number": in_force()}


def revert(order):
    """Go back to the statement before the one in force, unless that was confirmed."""
    try:
        pending = read_json(PENDING)
    except FileNotFoundError:
        return {"number": in_force(), "changed": False}
    chosen = order.get("generation", pending["generation"])
    if chosen == pending["generation"] == current() and pending["before"]:
        point_to(pending["before"])
        if pending.get("provisioning"):
            write(PROVISIONING, json.dumps(pending["provisioning"]) + "\n")
    if chosen == pending["generation"]:
        PENDING.unlink()
    return {"number": in_force(), "changed": True}


def revert_unconfirmed(name):
    """Revert a generation that nobody confirmed."""
    with alone():
        revert({"generation": name})


COMMANDS = {
    one.__name__: one
    for one in (enrol, close, reopen, sealed, take, place, confirm, revert, settings)
}


@contextlib.contextmanager
def alone():
    """Hold the lock of this program: one change of trust at a time."""
    GENERATIONS.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(GENERATIONS / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main(words):
    if len(words) != 1 or words[0] not in COMMANDS:
        sys.stderr.write(f"usage: wingspan_trust.py {'|'.join(COMMANDS)}\n")
        return 2
    os.umask(0o022)
    try:
        order = json.loads(sys.stdin.buffer.read() or b"{}")
        with alone():
            answer = COMMANDS[words[0]](order)
    except RefusalError as refusal:
        answer = {"refused": str(refusal)}
    except (OSError, ValueError, KeyError, TypeError) as fault:
        answer = {"refused": f"{type(fault).__name__}: {fault}"}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 6 if "refused" in answer else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

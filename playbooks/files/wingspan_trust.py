"""Whom this device lets in: takes signed statements of trust, and puts them in force in one step.

Runs as root, reads one JSON object from its input and writes one to its output. Standard library
and OpenSSH alone, Python 3.9 or later.

    enrol    first contact: user, program, settings of sshd; the old way in stays open
    close    the old way in goes: root's keys, and the setting that allowed them
    reopen   undo close, while the session that did it still lives
    take     a new statement of trust, if its signature holds and its number is higher
    confirm  the statement in force was tried with a new login
    revert   back to the statement before, unless the one in force was confirmed
    settings what sshd would do, as sshd itself reads its files

A generation is a folder with everything that sshd reads, written whole and flushed beside the one
in force; a link says which is in force and is replaced by one rename. So a full disk, a power cut
or a kill leaves the old or the new one, never half: sshd without a readable list of revoked keys
would let nobody in. A generation that is not confirmed within minutes is reverted by the device.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

LINK = Path("/etc/ssh/wingspan")
GENERATIONS = Path("/etc/ssh/wingspan.d")
PENDING = GENERATIONS / "pending.json"
CLOSED_KEYS = GENERATIONS / "root_keys"
DROP_IN = Path("/etc/ssh/sshd_config.d/00-wingspan.conf")
TRUST_KEY = Path("/etc/wingspan/trust.pub")
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
)
ROOT_KEYS = Path("/root/.ssh/authorized_keys")
SSHD_PID = Path("/run/sshd.pid")
USER = "wingspan"
NAMESPACE = "wingspan-trust"
CONFIRM_WITHIN_S = 300
KEPT_GENERATIONS = 3
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")

SETTINGS = """\
# Written by Wingspan (wingspan_trust.py); first in the order, so nothing after it counts.
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


class RefusalError(Exception):
    """What this device will not do, and why."""


def flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path, text, mode=0o644):
    """Write a file aside, flush it, and rename it into its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".writing")
    content = text if isinstance(text, bytes) else text.encode()
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    flush(path.parent)


def link(path, target):
    """Let a name point to a target by one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".writing")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.replace(path)
    flush(path.parent)


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def run(*words, data=None):
    words = [str(word) for word in words]
    return subprocess.run(  # noqa: S603 - no shell, and no word from outside but as data
        words, input=data, capture_output=True, check=False, timeout=60
    )


def verified(envelope):
    """Return the statement in an envelope, once the signature over its very bytes holds."""
    text, signature = envelope["statement"], envelope["signature"]
    signers, armoured = GENERATIONS / ".signers", GENERATIONS / ".signature"
    key = TRUST_KEY.read_text(encoding="ascii").strip()
    write(signers, f'centre namespaces="{NAMESPACE}" {key}\n', 0o600)
    write(armoured, signature, 0o600)
    who = ("-f", signers, "-I", "centre", "-n", NAMESPACE, "-s", armoured)
    done = run("ssh-keygen", "-Y", "verify", *who, data=text.encode())
    signers.unlink()
    armoured.unlink()
    if done.returncode:
        raise RefusalError("the statement's signature does not hold")
    return json.loads(text)


def in_force():
    """Return the number of the statement in force, or 0."""
    try:
        return json.loads(read_json(LINK / "trust.json")["statement"])["number"]
    except (OSError, ValueError, KeyError):
        return 0


def files_of(statement, envelope, provisioning):
    """Return what sshd reads, by name."""
    device, prison = provisioning["device"], provisioning["prison_id"]
    accepted = ["estate", "device-" + device]
    if prison:
        accepted.append("prison-" + prison)
    options = (
        f'cert-authority,principals="{",".join(accepted)}",restrict,'
        'command="/usr/local/bin/wingspan-device broker"'
    )
    return {
        "broker_keys": "".join(f"{options} {key}\n" for key in statement["broker_authorities"]),
        "deploy_ca.pub": "".join(f"{key}\n" for key in statement["deploy_authorities"]),
        "deploy_principals": f"device-{device}\n",
        "revoked.krl": base64.b64decode(statement["revocation_list"], validate=True),
        "trust.json": json.dumps(envelope),
    }


def check_generation(folder, statement):
    """Refuse what would lock everyone out: no authority, or a list that sshd cannot use."""
    if not statement["broker_authorities"] or not statement["deploy_authorities"]:
        raise RefusalError("the statement names no authority for one of the lanes")
    for name in ("broker_keys", "deploy_ca.pub"):
        lines = (folder / name).read_text(encoding="ascii").splitlines()
        listed = run("ssh-keygen", "-l", "-f", folder / name)
        if listed.returncode or len(listed.stdout.splitlines()) != len(lines):
            raise RefusalError(f"the statement's {name} is not readable by OpenSSH")
    krl, authorities = folder / "revoked.krl", folder / "deploy_ca.pub"
    checked = run("ssh-keygen", "-Q", "-f", krl, authorities)
    if checked.returncode:
        raise RefusalError("the statement's revocation list is unreadable or revokes an authority")


def write_generation(statement, envelope, provisioning):
    """Write and check a generation whole, and return its name; on any failure nothing is left."""
    files = files_of(statement, envelope, provisioning)
    content = {
        name: part if isinstance(part, bytes) else part.encode() for name, part in files.items()
    }
    digest = hashlib.sha256(b"\0".join(content[name] for name in sorted(content))).hexdigest()
    name = f"{statement['number']}-{digest[:12]}"
    folder, aside = GENERATIONS / name, GENERATIONS / ".writing"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(mode=0o755, parents=True)
        for part, text in content.items():
            write(aside / part, text)
        check_generation(aside, statement)
        flush(aside)
        if name != current():  # Taken again as it stands: nothing to replace.
            shutil.rmtree(folder, ignore_errors=True)  # Left by an earlier try.
            aside.rename(folder)
            flush(GENERATIONS)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return name


def point_to(name):
    """Put a generation in force by one rename."""
    link(LINK, GENERATIONS / name)


def current():
    """Return the name of the generation in force, or an empty text."""
    try:
        return LINK.readlink().name
    except OSError:
        return ""


def clear_old():
    """Remove generations that are neither in force nor among the last few."""
    folders = [folder for folder in GENERATIONS.iterdir() if folder.name[0].isdigit()]
    folders.sort(key=lambda folder: int(folder.name.split("-")[0]))
    for folder in folders[:-KEPT_GENERATIONS]:
        if folder.name != current():
            shutil.rmtree(folder, ignore_errors=True)


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


def take(envelope):
    """Put a newer statement in force, to be confirmed by a new login within minutes."""
    statement = verified(envelope)
    before, number = current(), statement["number"]
    if number == in_force() and read_json(LINK / "trust.json") == envelope:
        return {"number": number, "changed": False}
    if number <= in_force():
        raise RefusalError(f"statement {number} is not newer than {in_force()}, which is in force")
    name = write_generation(statement, envelope, read_json(PROVISIONING))
    pending = {"generation": name, "before": before, "at": time.time()}
    write(PENDING, json.dumps(pending) + "\n", 0o600)
    point_to(name)
    revert_later(name)
    return {"number": number, "changed": True}


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
    if chosen == pending["generation"]:
        PENDING.unlink()
    return {"number": in_force(), "changed": True}


def revert_later(name):
    """Leave a process behind that reverts a generation which nobody confirms."""
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(3, 256)
    time.sleep(CONFIRM_WITHIN_S)
    with contextlib.suppress(Exception), alone():
        revert({"generation": name})
    os._exit(0)


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


COMMANDS = {
    one.__name__: one for one in (enrol, close, reopen, sealed, take, confirm, revert, settings)
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

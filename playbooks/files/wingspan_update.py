#!/usr/bin/python3 -ISE
"""An update as one transaction: this device runs its old version or the new one, whole.

    preparing   unpacked, checked and copied beside; nothing is replaced yet
    begun       sessions are shut out; what was replaced is copied
    applied     all is written; checks decide
    committed   the new version is the one, or `restored`: the last good one is

One file says how far it is. Whoever finds it later, at boot or when the program was killed, goes on
from there: once more forward, then back. A guardian process waits for the end of this one, or for
the deadline, and does the same. No session begins while anything is replaced (wingspan_session.py).
"""

import contextlib
import fcntl
import glob
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wingspan_bundle as bundles
import wingspan_files as files
import wingspan_firewall as firewall
import wingspan_packages as packages
import wingspan_session as sessions
import wingspan_snapshot as snapshot

FOLDER = "/var/lib/wingspan/transaction"
STATE, MANIFEST = f"{FOLDER}/state.json", f"{FOLDER}/bundle.json"
# Held in reserve: on a full disk it makes room to write down how it ended.
RESERVE, RESERVE_BYTES = f"{FOLDER}/reserve", 1 << 20
LOCK = "/var/lib/wingspan/update.lock"
LAST = "/var/lib/wingspan/update.json"
VERSION = "/var/lib/wingspan/version"
SYSROOT = "/etc/wingspan/sysroot"
WANTED = f"/etc/systemd/system/graphical.target.wants/{sessions.KIOSK}"
ENDED = ("committed", "restored")
KINDS = {"debian": packages, "generic": files}
NOTHING = {"version": "", "bundle_sha256": "", "outcome": "", "why": "", "attempts": 0}
# A second power cut in the same update ends it: what was is known to start.
ATTEMPTS_MAX = 2
CHECK_S_MAX = 300
SLACK_BYTES = 16 << 20
CLOCK_S_MAX = 300
GRACE_S = 30
FAULTS = (OSError, ValueError, KeyError, subprocess.SubprocessError, bundles.SpoiltError)


# --- may it begin -------------------------------------------------------------------------------


def refuse(request):
    """Refuse an update that this device cannot take, or not now; nothing is used up by it."""
    import wingspan_order as order

    given = request["parameters"]
    with alone() as had:
        if not had:
            raise order.NotYetError("another update is under way")
    behind_s = request["requested_s"] - order.now()
    if behind_s > CLOCK_S_MAX:
        raise order.NotYetError(f"this device's clock is {behind_s} s behind who asked")
    refuse_by_rule(given, order)
    if not bundles.standing(given["bundle_sha256"])["complete"]:
        raise order.NotYetError("the bundle is not here yet")
    try:
        manifest = bundles.opened(given["bundle_sha256"])
    except bundles.SpoiltError as error:
        raise order.NotYetError(str(error)) from error
    refuse_manifest(manifest, given, order)
    disk = os.statvfs(bundles.FOLDER)
    wanted = manifest["bytes_needed"] + SLACK_BYTES
    if disk.f_bavail * disk.f_frsize < wanted:
        raise order.NotYetError(f"the disk has not the {wanted:,} bytes free that it takes")


def refuse_manifest(manifest, given, order):
    if manifest["kind"] not in KINDS:
        raise order.RefusalError(f"this device has no second slot for a {manifest['kind']} image")
    if (manifest["kind"], manifest["version"]) != (given["kind"], given["version"]):
        raise order.RefusalError("the bundle is of another kind or version than was signed")
    have = content(VERSION)
    if manifest["from_versions"] and have not in manifest["from_versions"]:
        meant = " or ".join(manifest["from_versions"])
        raise order.RefusalError(f"this device runs {have or 'no version'}, and it is for {meant}")
    highest = last()["numbers"].get(manifest["name"], 0)
    if manifest["number"] < highest:
        what = f"bundle number {manifest['number']} is older than {highest}, which it has had"
        raise order.RefusalError(f"{what} (rollback)")
    touched = [*(entry["path"] for entry in manifest["files"]), *manifest["remove"]]
    for path in filter(bundles.forbidden, touched):
        raise order.RefusalError(f"no bundle may touch {path}")


def refuse_by_rule(given, order):
    """Refuse while battery, charger or time of day are not as the order asks."""
    second = order.now() % 86400
    start, end = given["window_start_s"], given["window_end_s"]
    within = start <= second < end if start <= end else second >= start or second < end
    if start != end and not within:
        raise order.NotYetError("it is outside the window in which this may begin")
    import wingspan_device as device

    sysroot = content(SYSROOT)
    try:
        battery = device.battery(sysroot or "/")
    except (OSError, LookupError, ValueError):
        return  # It hangs on the mains.
    percent, charging = battery["battery_percent"], battery["battery_status"] != "discharging"
    if percent < given["battery_percent_min"]:
        least = given["battery_percent_min"]
        raise order.NotYetError(f"the battery is at {percent} %, and {least} % are asked for")
    if given["charger"] and not charging:
        raise order.NotYetError("it is not on its charger")


# --- bringing bundles here ----------------------------------------------------------------------


def prefetch(given):
    """Bring a bundle here, or say how much of it is; the order is checked and not used."""
    import wingspan_order as order

    request = order.read(given["request"])
    order.check(request, given, json.loads(order.read_json(order.TRUST)["statement"]))
    name, size = request["parameters"]["bundle_sha256"], request["parameters"]["bytes"]
    source = given.get("source", {})
    try:
        if "path" in source:
            bundles.take_over(name, source["path"])
        elif "url" in source and not bundles.standing(name)["complete"]:
            bundles.pull(name, source, size)
    except bundles.SpoiltError as error:
        raise order.RefusalError(str(error)) from error
    return bundles.standing(name)


# --- the transaction ----------------------------------------------------------------------------


def run(known):
    """Carry an update out to one of its ends; begin it, or go on where it was broken off.

    Where another process is at it, nothing is done.
    """
    with alone() as had:
        if not had or not is_open(known):
            return
        with guarded(known):
            Update(known).carry_on()


def settle():
    """Finish what was broken off, unless somebody is at it."""
    import wingspan_order as order

    for known in order.every_used():
        if known["action"] == "update" and known["outcome"] == "begun":
            run(known)
    with alone() as had:
        # It had ended, and was noted as ended, when the power went.
        if had and (read_json(STATE) or {}).get("state") in ENDED:
            clear_up()


def is_open(known):
    import wingspan_order as order

    return order.used(known["nonce"])["outcome"] == "begun"


class Update:
    """One update of this device, from whatever state it is in."""

    def __init__(self, known):
        self.known, self.given = known, known["parameters"]
        self.ends_s = time.monotonic() + self.given["deadline_s"]
        self.state = read_json(STATE) or {"state": "preparing", "attempts": 0, "why": ""}
        if self.state.get("nonce") not in (None, known["nonce"]):
            raise OSError("another update was broken off and cannot be finished")
        self.manifest = None

    def left_s(self):
        """Return how many seconds are left; whoever is given none ends at once."""
        left_s = self.ends_s - time.monotonic()
        if left_s <= 0:
            raise OSError(f"it took longer than {self.given['deadline_s']} s")
        return left_s

    def carry_on(self):
        """Go forward to the end, or back."""
        try:
            self.forward()
        except FAULTS as error:
            self.back(str(error) or type(error).__name__)
        self.end()

    def forward(self):
        if self.state["state"] in ENDED:
            return
        if self.state["state"] == "restoring":
            raise OSError(self.state["why"])
        kind = KINDS[self.given["kind"]]
        if self.state["state"] == "preparing":
            self.prepare(kind)
        if self.state["attempts"] >= ATTEMPTS_MAX:
            raise OSError(f"it was broken off {ATTEMPTS_MAX} times")
        self.move(self.state["state"], attempts=self.state["attempts"] + 1)
        self.manifest = read_json(MANIFEST)
        sessions.shut_gate()
        if self.state["state"] == "begun":
            kind.apply(self.manifest, f"{FOLDER}/payload", self)
            self.move("applied")
        faults = kind.faults(self.manifest)
        if faults:
            raise OSError("; ".join(faults[:5]))
        self.check("post")
        self.move("committed")

    def prepare(self, kind):
        """Unpack, check, and copy what will be replaced; nothing is changed before that is safe."""
        shutil.rmtree(FOLDER, ignore_errors=True)
        os.makedirs(f"{FOLDER}/payload", mode=0o700)
        self.manifest = bundles.opened(self.given["bundle_sha256"])
        firewall.write(MANIFEST, json.dumps(self.manifest), 0o600)
        self.move("preparing", name=self.manifest["name"], number=self.manifest["number"])
        with open(RESERVE, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        bundles.unpack(self.given["bundle_sha256"], f"{FOLDER}/payload")
        self.check("pre")
        snapshot.take(FOLDER, kind.paths(self.manifest, f"{FOLDER}/payload"))
        sessions.shut_gate()
        self.move("begun")

    def check(self, when):
        """Run the bundle's own programs; each has to end well."""
        for program in sorted(glob.glob(f"{FOLDER}/payload/checks/{when}/*")):
            name = f"checks/{when}/{os.path.basename(program)}"
            done = subprocess.run(  # noqa: S603 - from a signed bundle
                (program,),
                env=packages.ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=min(CHECK_S_MAX, self.left_s()),
            )
            if done.returncode != 0:
                said = (done.stderr or done.stdout).strip()[-200:]
                raise OSError(f"{name} ended with {done.returncode}: {said}")

    def back(self, why):
        """Make all as it was; a fault here leaves it to the next boot, with sessions shut out."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(RESERVE)
        if self.state["state"] != "preparing":
            self.move("restoring", why=why)
            KINDS[self.given["kind"]].restore(read_json(MANIFEST), snapshot.paths(FOLDER))
            snapshot.put_back(FOLDER)
        self.move("restored", why=why)

    def move(self, state, **more):
        """Note how far it is, flushed before the next step."""
        self.state = self.state | {"state": state, "nonce": self.known["nonce"]} | more
        os.makedirs(FOLDER, mode=0o700, exist_ok=True)
        firewall.write(STATE, json.dumps(self.state), 0o600)

    def end(self):
        """Say how it ended wherever that is looked up, let sessions begin, and clear up."""
        import wingspan_order as order

        applied = self.state["state"] == "committed"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(RESERVE)
        ended = {
            "version": self.given["version"],
            "bundle_sha256": self.given["bundle_sha256"],
            "outcome": "applied" if applied else "restored",
            "why": self.state["why"],
            "attempts": self.state["attempts"],
        }
        numbers = last()["numbers"]
        if applied:
            numbers[self.state["name"]] = self.state["number"]
            firewall.write(VERSION, self.given["version"] + "\n", 0o644)
        firewall.write(LAST, json.dumps({"last": ended, "numbers": numbers}), 0o600)
        result = {"outcome": "done" if applied else "failed", "why": self.state["why"]}
        order.note(self.known, result)
        if applied:
            bundles.forget_older(self.given["bundle_sha256"])
        clear_up()


def clear_up():
    """Drop what a transaction kept, and let sessions begin."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    let_in()
    start_session()


def let_in():
    """Let sessions begin, unless an update is neither done nor undone."""
    if not os.path.exists(STATE):
        sessions.open_gate()


def start_session():
    """Start the kiosk again where the next boot would."""
    import wingspan_state as states

    leads = states.target_of(states.current()) == "graphical.target"
    if leads and os.path.lexists(WANTED) and os.path.isdir("/run/systemd/system"):
        states.systemctl("start", "--no-block", sessions.KIOSK)


# --- who watches --------------------------------------------------------------------------------


@contextlib.contextmanager
def guarded(known):
    """Have a process of its own wait for the end of this one, or for the deadline.

    When this one is killed, whatever it started is ended and the update finished by the guardian.
    """
    with contextlib.suppress(PermissionError):  # It leads a session, and so a group already.
        os.setpgid(0, 0)
    group = os.getpgid(0)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        guard(known, group, reading)
    os.close(reading)
    os.waitpid(child, 0)  # It has left its own child, which is nobody's.
    try:
        yield
    finally:
        os.write(writing, b".")  # It lives: what it could not do, the next boot will.
        os.close(writing)


def guard(known, group, reading):
    """Wait in a session of its own; never return."""
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for other in open_files():
        if other > 2 and other != reading:  # noqa: PLR2004 - after the standard ones
            with contextlib.suppress(OSError):
                os.close(other)
    ready, _, _ = select.select([reading], [], [], known["parameters"]["deadline_s"] + GRACE_S)
    if not ready or not os.read(reading, 1):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        # The lock goes with the process that held it.
        ends_s = time.monotonic() + GRACE_S
        while is_open(known) and time.monotonic() < ends_s:
            with contextlib.suppress(*FAULTS), alone() as had:
                if had:
                    Update(known).carry_on()
            time.sleep(0.2)
    os._exit(0)


def open_files():
    return [int(name) for name in os.listdir("/proc/self/fd")]


@contextlib.contextmanager
def alone():
    """Hold the lock of updates; yield whether it could be had."""
    os.makedirs(os.path.dirname(LOCK), exist_ok=True)
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield sessions.locked(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


# --- showing it ---------------------------------------------------------------------------------


def last():
    """Return how the last update ended, and the highest number of each name that was applied."""
    return read_json(LAST) or {"last": dict(NOTHING), "numbers": {}}


def shown():
    """Return what a proof says of updates."""
    return {"version": content(VERSION), "update": last()["last"]}


def content(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def read_json(path):
    text = content(path)
    return json.loads(text) if text else None


def main(words):
    """Bring a bundle here, as the JSON on stdin says; answer in JSON."""
    import wingspan_order as order

    if words != ["prefetch"]:
        print("usage: wingspan_update.py prefetch", file=sys.stderr)
        return 2
    os.umask(0o022)
    return order.answered(lambda: prefetch(json.loads(sys.stdin.buffer.read() or b"{}")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

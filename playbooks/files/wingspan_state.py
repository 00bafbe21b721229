#!/usr/bin/python3 -ISE
"""What this device should be like now, and making it so.

One file says which locks hold, whether the device is quarantined, and where its user may go. All
that follows (firewall, what the screen shows, what the next boot starts) is computed from it and
can be made so again at any moment: at boot, after a crash, after somebody changed the rules by
hand. So a change of the device is a change of this file, by one rename.
"""

import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wingspan_firewall as firewall

STATE = "/var/lib/wingspan/state.json"
SYSROOT = "/etc/wingspan/sysroot"
SYSTEMCTL = "/usr/bin/systemctl"
# What systemd says of basic.target, and whether the boot came so far; 3 is "not running".
BOOTING = {"active": True, "reloading": True, "activating": False, "inactive": False}
NOT_RUNNING = 3
ASKED_TIMES = 10
DEFAULT_TARGET = "/etc/systemd/system/default.target"
UNITS, DEBIAN = "/etc/systemd/system", "/lib/systemd/system"
# From the mildest on. The notice leaves the network as it is; the others leave the relay alone.
LEVELS = ("notice", "relay-only", "screen-off")
NOTICE = "/etc/wingspan/notice.txt"
# `wiped` is the provisioning that a wipe ended: until the device has another, it stays closed.
NOTHING = {
    "locks": {},
    "quarantined_by": "",
    "allowlist_sha256": "",
    "allowed": [],
    "page": "",
    "wiped": "",
    "dead_man": {},
}
PROVISIONING = "/var/lib/wingspan/provisioning.json"


def current():
    """Return the state in force."""
    try:
        with open(STATE, encoding="utf-8") as file:
            return {**NOTHING, **json.load(file)}
    except FileNotFoundError:
        return json.loads(json.dumps(NOTHING))


def level_of(state):
    """Return the strictest level of the locks that hold, "" for none."""
    held = [lock["level"] for lock in state["locks"].values()]
    return max(held, key=LEVELS.index, default="")


def is_closed(state):
    """Return whether the relay is all that may be reached."""
    return has_no_session(state) or level_of(state) in LEVELS[1:]


def has_no_session(state):
    """Return whether nobody may work on it, whatever its locks: in quarantine, or wiped."""
    return bool(state["quarantined_by"]) or is_wiped(state)


def is_wiped(state):
    """Return whether it was wiped and not provisioned since."""
    if not state["wiped"]:
        return False
    with open(PROVISIONING, encoding="utf-8") as file:
        return json.load(file)["nonce"] == state["wiped"]


def target_of(state):
    """Return what a boot leads to."""
    level = level_of(state)
    if level:
        return f"wingspan-{level}.target"
    return "wingspan-notice.target" if has_no_session(state) else "graphical.target"


def put_in_force(state):
    """Keep a state and make the device so."""
    firewall.write(STATE, json.dumps(state, indent=1, sort_keys=True) + "\n", 0o600)
    converge(state)


def impose(state):
    """Make the device as a state says without writing a byte: for when the disk takes none."""
    firewall.load(firewall_of(state))
    if os.path.isdir("/run/systemd/system"):
        start(target_of(state))


def firewall_of(state):
    """Return what the firewall lets through."""
    return {"level": "closed" if is_closed(state) else "open", "allowed": state["allowed"]}


def converge(state):
    """Make the device as the state says, whatever it is like now."""
    firewall.put_in_force(firewall_of(state))
    # Emergency instructions and telephone numbers stay readable whatever is locked.
    firewall.write(NOTICE, state["page"].rstrip("\n") + "\n", 0o644)
    target = target_of(state)
    point(DEFAULT_TARGET, f"{UNITS if target.startswith('wingspan-') else DEBIAN}/{target}")
    if os.path.isdir("/run/systemd/system"):
        start(target)
        if state["dead_man"]:
            systemctl("start", "--no-block", "wingspan-dead-man.timer")
    rehearse(state)


def point(link, target):
    """Let a link lead somewhere, by one rename."""
    if os.path.islink(link) and os.readlink(link) == target:
        return
    os.makedirs(os.path.dirname(link), exist_ok=True)
    aside = f"{link}.new"
    if os.path.lexists(aside):
        os.unlink(aside)
    os.symlink(target, aside)
    os.replace(aside, link)


def start(target):
    """Let systemd go there now. Not isolated: that would stop the sshd that brought the order."""
    systemctl("daemon-reload")
    # In a boot that has not come so far, whoever waited for a target would be what it waits for.
    block = () if has_booted() else ("--no-block",)
    if target == "graphical.target":
        systemctl("stop", *block, *(f"wingspan-{level}.target" for level in LEVELS))
        target = "wingspan-kiosk.service"
    done = systemctl("start", *block, target)
    if done.returncode != 0:
        raise firewall.RefusalError(f"systemctl start {target}: {done.stderr.strip()}")


def has_booted():
    """Return whether the boot is far enough for a job to be waited for; ask until it is known."""
    for _ in range(ASKED_TIMES):
        said = systemctl("is-active", "basic.target")
        if said.returncode in (0, NOT_RUNNING) and said.stdout.strip() in BOOTING:
            return BOOTING[said.stdout.strip()]
        time.sleep(1)  # A busy systemd does not answer: that says nothing of the boot.
    raise firewall.RefusalError(f"systemctl is-active basic.target: {said.stderr.strip()}")


def systemctl(*words):
    return subprocess.run(  # noqa: S603 - a program by its full path, without a shell
        (SYSTEMCTL, *words), capture_output=True, check=False, text=True, timeout=60
    )


def rehearse(state):
    """In a rehearsal, show what the screen would."""
    try:
        with open(SYSROOT, encoding="utf-8") as file:
            shown = os.path.join(file.read().strip(), "kiosk/state")
    except FileNotFoundError:
        return
    locked = screen_of(state) != "running"
    firewall.write(shown, "locked\n" if locked else "running\n", 0o644)


def screen_of(state):
    """Return what a person sees: the kiosk, the notice, or nothing."""
    if level_of(state) == "screen-off":
        return "off"
    return "notice" if level_of(state) or has_no_session(state) else "running"


def session():
    """Return what systemd says of the session and the lock, {} where there is no systemd."""
    if not os.path.isdir("/run/systemd/system"):
        return {}
    units = ["wingspan-kiosk.service", *(f"wingspan-{level}.target" for level in LEVELS)]
    return dict(zip(units, systemctl("is-active", *units).stdout.split(), strict=False))


def main():
    """At boot: finish what a power cut broke off, then make the device as its state says.

    Sessions of the user begin after that, and not while an update is neither done nor undone.
    """
    import wingspan_dead_man as dead_man
    import wingspan_order as order
    import wingspan_update as update

    with order.alone():
        dead_man.make_contact_file()
        try:
            order.finish()
            firewall.revert()  # A trial that nobody confirmed before the power went.
            make_so()
        except (firewall.RefusalError, OSError, ValueError, KeyError) as error:
            firewall.shut()
            print(f"shut, but for SSH: {type(error).__name__}: {error}", file=sys.stderr)
            return 1
    update.settle()
    update.let_in()
    return 0


def make_so():
    """Make the device as its state says; without any order it is as the baseline left it."""
    if os.path.exists(STATE):
        converge(current())
    elif os.path.exists(firewall.STATE):
        firewall.put_in_force({})


if __name__ == "__main__":
    sys.exit(main())

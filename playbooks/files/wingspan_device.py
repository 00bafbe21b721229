#!/usr/bin/python3 -ISE
"""What a device does for the broker lane: answer a probe, and hand signed orders on.

It runs as the unprivileged user that the lane logs in as. Only Python's standard library, and of
that no more than a command needs: on a tablet the start of Python is most of what a probe costs.
"""

import os
import sys

PROGRAM = "1"

SUDO = "/usr/bin/sudo"
PYTHON = ("/usr/bin/python3", "-I", "-S", "-E")
# The commands that need root, word for word as in wingspan.sudoers. None takes a word from the
# network; what comes on stdin is checked by the program that reads it.
READ_RULESET = ("/usr/sbin/nft", "-s", "-j", "list", "ruleset")
TAKE_TRUST = (*PYTHON, "/usr/local/lib/wingspan/wingspan_trust.py", "take")
TAKE_ORDER = (*PYTHON, "/usr/local/lib/wingspan/wingspan_order.py", "take")
PROVE = (*PYTHON, "/usr/local/lib/wingspan/wingspan_order.py", "prove")

CONTACT = "/var/lib/wingspan/contact"
# From sysexits.h: wrong use of the program, and not permitted.
EX_USAGE, EX_NOPERM = 64, 77
# Who this device was told that it is.
WHO = ("device", "nonce", "prison_id")
# A probe that hangs ends, lest one is left on the device by each sweep.
PROBE_MAX_S = 60


def main(words):
    if words == ["broker"]:
        return broker(os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    if len(words) == 1 and words[0] in COMMANDS:
        return COMMANDS[words[0]]()
    print(f"usage: wingspan-device broker|{'|'.join(COMMANDS)}", file=sys.stderr)
    return EX_USAGE


def broker(asked):
    """Do what came over SSH if it is exactly one of our commands; refuse it by name otherwise."""
    if asked in COMMANDS:
        return COMMANDS[asked]()
    import syslog

    named = ascii(asked[:80])
    syslog.openlog("wingspan-device", syslog.LOG_PID, syslog.LOG_AUTH)
    syslog.syslog(syslog.LOG_WARNING, f"refused {named}")
    print(f"refused: {named} is none of {', '.join(COMMANDS)}", file=sys.stderr)
    return EX_NOPERM


def probe():
    """Print what this device says of itself as one JSON object."""
    import json
    import signal

    signal.alarm(PROBE_MAX_S)
    print(json.dumps(facts(), separators=(",", ":"), sort_keys=True))
    note_contact()
    return 0


def note_contact():
    """Leave a mark for the dead man's rule: only this lane's user can, and only after a login."""
    import time

    try:
        with open(CONTACT, "w", encoding="ascii") as file:
            file.write(str(time.time_ns()))
    except OSError:  # Not there before the first boot, nor for anybody else.
        return


def trust():
    """Hand a signed statement of whom to trust, on stdin, to the program that checks it."""
    command = as_root(TAKE_TRUST)
    os.execv(command[0], command)


def order():
    """Hand a signed order, on stdin, to the program that checks it and carries it out."""
    note_contact()
    command = as_root(TAKE_ORDER)
    os.execv(command[0], command)


def prove():
    """Have the effect of an order shown, signed by this device's own key."""
    note_contact()
    command = as_root(PROVE)
    os.execv(command[0], command)


COMMANDS = {"probe": probe, "trust": trust, "order": order, "prove": prove}


def facts(root="/"):
    """Return the facts of the device whose file system is at `root`.

    `unread` names each fact that could not be read, and why; `simulated` those that a rehearsal
    stands in for. Moments are seconds since 1970 by the device's own clock, which may be wrong;
    `uptime_s` does not depend on it.
    """
    import json
    import time

    found, unread = {"schema": 1, "program": PROGRAM}, {}
    provisioning = text(root, "var/lib/wingspan/provisioning.json")
    if provisioning:
        said = json.loads(provisioning)
        found |= {name: said[name] for name in WHO if name in said}
    sysroot = text(root, "etc/wingspan/sysroot")
    hardware = os.path.join(root, sysroot.lstrip("/")) if sysroot else root
    for read in (system, disk, memory, ruleset, left_alone):
        gather(read, root, found, unread)
    before = set(found)
    for read in (battery, rehearsed) if sysroot else (battery, kiosk, radio):
        gather(read, hardware, found, unread)
    found["simulated"] = sorted(set(found) - before) if sysroot else []
    return found | {"unread": unread, "clock_s": round(time.time(), 3)}


def gather(read, root, found, unread):
    try:
        found |= read(root)
    except (OSError, LookupError, ValueError) as error:
        unread[read.__name__] = f"{type(error).__name__}: {error}"[:200]


def system(root):
    fields = dict(
        line.split("=", 1) for line in text(root, "etc/os-release").splitlines() if "=" in line
    )
    release = text(root, "etc/debian_version") or fields["VERSION_ID"].strip('"')
    booted_s = int(text(root, "proc/1/stat").rpartition(")")[2].split()[19]) / os.sysconf(
        "SC_CLK_TCK"
    )
    return {
        "os": f"{fields['ID']} {release}",
        "kernel": os.uname().release,
        "version": text(root, "var/lib/wingspan/version"),
        # Since the first process began: the same as since the kernel did, but for a rehearsal.
        "uptime_s": round(float(text(root, "proc/uptime").split()[0]) - booted_s),
        "load_1m": float(text(root, "proc/loadavg").split()[0]),
    }


def disk(root):
    space = os.statvfs(root)
    free = 100 * space.f_bavail / space.f_blocks
    return {
        "disk_free_percent": round(free, 1),
        "disk_free_mb": round(space.f_bavail * space.f_frsize / 1e6),
    }


def memory(root):
    kib = {}
    for line in text(root, "proc/meminfo").splitlines():
        name, amount = line.split()[:2]
        kib[name] = int(amount)
    return {"memory_free_percent": round(100 * kib["MemAvailable:"] / kib["MemTotal:"], 1)}


def left_alone(root):
    """Return what the device did without us: how far the dead man's rule came, a broken glass."""
    import json

    found = {}
    if alone := text(root, "var/lib/wingspan/alone.json"):
        found["dead_man_percent"] = json.loads(alone)["percent"]
    if broken := text(root, "var/lib/wingspan/broken_glass.json"):
        found["glass_broken"] = len(json.loads(broken))
    return found


def ruleset(root):
    """Return the hash of the firewall's rules as the kernel has them."""
    import hashlib

    del root  # The kernel has one set of rules, whatever the files say.
    canonical = canonical_ruleset(output(as_root(READ_RULESET)))
    return {"ruleset_sha256": hashlib.sha256(canonical).hexdigest()}


def canonical_ruleset(listing):
    """Return what a listing of nft says of the rules, without what changes while they work.

    Left out are nft's own version, handles, and the elements that a set gathers for a time;
    `nft -s` has left out the counters.
    """
    import json

    kept = []
    for entry in json.loads(listing)["nftables"]:
        ((kind, thing),) = entry.items()
        if kind == "metainfo":
            continue
        thing.pop("handle", None)
        if {"dynamic", "timeout"}.intersection(thing.get("flags", ())):
            thing.pop("elem", None)
        kept.append({kind: thing})
    return json.dumps(kept, separators=(",", ":"), sort_keys=True).encode()


def battery(root):
    supplies = os.path.join(root, "sys/class/power_supply")
    for name in sorted(os.listdir(supplies)):
        supply = os.path.join(supplies, name)
        if name.startswith("BAT") or text(supply, "type") == "Battery":
            status = text(supply, "status")
            return {
                "battery_percent": int(text(supply, "capacity")),
                "battery_status": status.lower(),
            }
    raise LookupError("no battery")


def rehearsed(root):
    found = {"kiosk": text(root, "kiosk/state")}
    if signal_dbm := text(root, "wlan/signal_dbm"):  # A cell with an outlet has no radio.
        found |= {"signal_dbm": float(signal_dbm), "bssid": text(root, "wlan/bssid")}
    return found


def kiosk(root):
    """Return what systemd says of the unit that shows the pages, or that the device is locked."""
    # A lock leads the next boot elsewhere too (wingspan_state.py).
    default = os.path.join(root, "etc/systemd/system/default.target")
    if os.path.islink(default) and "/wingspan-" in os.readlink(default):
        return {"kiosk": "locked"}
    asked = ("--property=ActiveState,SubState", "wingspan-kiosk.service")
    shown = output(("/usr/bin/systemctl", "show", *asked)).decode()
    states = dict(line.split("=", 1) for line in shown.split())
    active = states["ActiveState"] == "active"
    return {"kiosk": states["SubState"] if active else states["ActiveState"]}


def radio(root):
    found = {}
    interfaces = os.path.join(root, "sys/class/net")
    for name in sorted(os.listdir(interfaces)):
        if os.path.isdir(os.path.join(interfaces, name, "wireless")):
            found |= link(output(("/usr/sbin/iw", "dev", name, "link")).decode())
    return found


def link(shown):
    """Return signal and access point from what `iw dev NAME link` says."""
    found = {}
    for line in shown.splitlines():
        words = line.split()
        if words[:2] == ["Connected", "to"]:
            found["bssid"] = words[2]
        if words[:1] == ["signal:"]:
            found["signal_dbm"] = float(words[1])
    return found


def as_root(command):
    return command if os.geteuid() == 0 else (SUDO, "-n", "--", *command)


def output(command):
    """Return what a command writes to stdout; it has no stdin and an environment of its own."""
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, out_end, 1),
        (os.POSIX_SPAWN_DUP2, err_end, 2),
    ]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    try:
        process = os.posix_spawn(command[0], command, environment, file_actions=actions)
    finally:
        os.close(out_end)
        os.close(err_end)
    with open(out, "rb") as stdout, open(err, "rb") as stderr:
        written, complaint = stdout.read(), stderr.read()
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if status != 0:
        said = complaint.decode(errors="replace").strip() or f"status {status}"
        raise OSError(f"{command[0]}: {said}")
    return written


def text(root, path):
    """Return the content of a file without the white space around it, "" where there is none."""
    try:
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

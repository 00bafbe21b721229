#!/usr/bin/python3 -ISE
"""The dead man's rule: a device that nobody of ours spoke to for long enough locks itself.

Off unless two people switched it on. What counts is the time that the device was powered on since
its last authenticated contact with its relay or the centre: a login of the broker lane, or a signed
time. The prison's relay gives both while the WAN is down, so a device whose prison has no relay, or
that has no way to it, does not take the rule; and where there is no relay any more nothing is
counted. Nothing but an order of two people takes the lock away again. Run every few minutes.
"""

import contextlib
import json
import os
import pwd
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wingspan_firewall as firewall
import wingspan_state as states

ALONE = "/var/lib/wingspan/alone.json"
# Written by the broker lane's user at each login, which a certificate of ours came before.
CONTACT = "/var/lib/wingspan/contact"
CLOCK = "/var/lib/wingspan/clock"
# The statement of whom this device trusts, and where it was put.
TRUST = "/etc/ssh/wingspan/trust.json"
PROVISIONING = "/var/lib/wingspan/provisioning.json"
USER = "wingspan"
LOCK = "dead-man"
DAYS_MIN = 7
DAY_S = 86_400


def checked(days, level):
    """Return the rule of an order; refuse one that the loss of the WAN alone could set off."""
    if days == 0:
        return {}
    if days < DAYS_MIN:
        raise firewall.RefusalError(f"the dead man's rule takes {DAYS_MIN} days at the least")
    if level not in states.LEVELS:
        raise firewall.RefusalError(f"{level!r} is none of {', '.join(states.LEVELS)}")
    if not firewall.current()["relay"]:
        raise firewall.RefusalError("without a way to a relay, the WAN's loss would set it off")
    if not has_relay():
        raise firewall.RefusalError("this prison has no relay: the WAN's loss would set it off")
    return {"days": days, "level": level}


def has_relay():
    """Return whether the statement in force names a relay of the prison that this device is in."""
    with open(TRUST, encoding="utf-8") as file:
        statement = json.loads(json.load(file)["statement"])
    with open(PROVISIONING, encoding="utf-8") as file:
        prison = json.load(file)["prison_id"]
    return any(one["prison"] == prison for one in statement.get("relay_authorities", ()))


def tick():
    """Count the time since the last tick, or since a contact, and lock when it is too long."""
    state = states.current()
    rule = state["dead_man"]
    if not (rule and has_relay()):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ALONE)
        return 0
    alone = counted(read(), boot(), marks())
    limit_s = rule["days"] * DAY_S
    text = json.dumps({**alone, "percent": round(100 * alone["alone_s"] / limit_s, 1)})
    firewall.write(ALONE, text + "\n", 0o644)
    if alone["alone_s"] >= limit_s and LOCK not in state["locks"]:
        state["locks"][LOCK] = {"level": rule["level"], "since_s": int(time.time())}
        states.put_in_force(state)
    return alone["alone_s"]


def counted(before, now, contacts):
    """Return how long the device has been alone: pure, of what was kept and what is so now.

    `now` names this boot and says how long it has lasted. A new boot counts from its beginning:
    the time in between was without power.
    """
    if before.get("contacts") != contacts:
        return {**now, "contacts": contacts, "alone_s": 0}
    same = before["boot"] == now["boot"]
    passed_s = now["up_s"] - before["up_s"] if same else now["up_s"]
    return {**now, "contacts": contacts, "alone_s": before["alone_s"] + max(0, passed_s)}


def read():
    try:
        with open(ALONE, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return {}


def boot():
    """Return this boot, and its time awake: the clock that stands still in a suspended device."""
    with open("/proc/1/stat", encoding="ascii", errors="replace") as file:
        began = file.read().rpartition(")")[2].split()[19]
    began_s = int(began) / os.sysconf("SC_CLK_TCK")
    return {"boot": began, "up_s": max(0, round(time.monotonic() - began_s))}


def marks():
    """Return what the last login and the last signed time left."""
    found = []
    for path in (CONTACT, CLOCK):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                found.append(file.read(200).strip())
        except FileNotFoundError:
            found.append("")
    return found


def make_contact_file():
    """Let the broker lane's user say that it was here, and nobody else."""
    with contextlib.suppress(KeyError, FileExistsError):
        owner = pwd.getpwnam(USER)
        descriptor = os.open(CONTACT, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.fchown(descriptor, owner.pw_uid, owner.pw_gid)
        os.close(descriptor)


def main():
    import wingspan_order as order

    with order.alone():
        tick()
    return 0


if __name__ == "__main__":
    sys.exit(main())

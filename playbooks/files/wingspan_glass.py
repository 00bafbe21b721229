"""The glass: a sealed key that alone unlocks a device, on the day when nothing else is left.

Its use is written down on the device and told at the next contact, until two people who are there
in the ordinary way have acted on the device again.
"""

import contextlib
import json
import os
import syslog

import wingspan_firewall as firewall

ROLE = "break-glass"
BROKEN = "/var/lib/wingspan/broken_glass.json"
KEPT_MAX = 100


def is_broken(request, trust):
    """Return whether a request is an unlock by a sealed key; that it signed is for the caller."""
    if request["action"] != "unlock":
        return False
    roles = {signer["operator"]: signer["role"] for signer in trust["signers"]}
    return roles.get(request["requested_by"]) == ROLE


def note(request, trust, now_s):
    """Write down that a sealed key is used; forget it once two people act on the device again."""
    if is_broken(request, trust):
        one = {"request": request["request"], "by": request["requested_by"], "at_s": now_s}
        firewall.write(BROKEN, json.dumps([*used(), one][-KEPT_MAX:]) + "\n", 0o644)
        syslog.openlog("wingspan", syslog.LOG_PID, syslog.LOG_AUTH)
        said = f"the glass was broken: {one['request']} by {one['by']}"
        syslog.syslog(syslog.LOG_ALERT, said)
    elif request["action"] in ("unlock", "release"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(BROKEN)


def used():
    """Return each use that nobody has answered yet, oldest first."""
    try:
        with open(BROKEN, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return []

#!/usr/bin/python3 -ISE
"""What time it is: asked without SSH, signed for this very question, never below the last known.

Certificates last minutes, so a device whose clock is lost lets nobody in. This program needs no
certificate: it sends a number drawn for the occasion to the relay or centre and takes the time that
comes back signed, over that number, by a key that the statement of trust names. The last time so
known outlives a reboot, and the clock never falls below it. Runs as root.

    keep            at boot and for ever: not below the last known, then ask every hour
    ask             ask once, and say what came of it
    set SECONDS     take the time from whoever is root here already, as enrolment is
"""

import contextlib
import fcntl
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SERVERS = Path("/etc/wingspan/clock.json")
TRUST = Path("/etc/ssh/wingspan/trust.json")
PROVISIONING = Path("/var/lib/wingspan/provisioning.json")
FIREWALL = Path("/etc/wingspan/firewall.json")
KNOWN = Path("/var/lib/wingspan/clock")
LOCK = Path("/run/wingspan-clock.lock")
# In a rehearsal all devices share one kernel's clock; a file says how far off this one's is.
REHEARSED = Path("/etc/wingspan/sysroot")
SHIFT = Path("/run/wingspan/simulated/clock")
NAMESPACE = "wingspan-time"
PORT = 8463
WAIT_S = 5
ANSWER_MAX_BYTES = 4096
HOUR_S = 3600
# Once an answer fails, ask again after this, then after twice as long, up to a quarter of an hour.
AGAIN_S, AGAIN_MAX_S = 5, 900
STEP_S = 0.5
# What comes by the way of enrolment may have waited on it: it mends clocks that are lost.
LOST_S = 30


class UntrustedError(Exception):
    """An answer that says nothing about the time, and why."""


# --- the clock ----------------------------------------------------------------------------------


def now_s():
    """Return this device's time, Unix seconds."""
    return machine_s() + shift_s() if REHEARSED.exists() else time.time()


def set_to(wanted_s):
    """Set this device's clock."""
    if REHEARSED.exists():
        write(SHIFT, f"{wanted_s - machine_s():+.3f}\n")
    else:
        time.clock_settime(time.CLOCK_REALTIME, wanted_s)


def machine_s():
    """Return the time of the machine that rehearses, whatever this process was told."""
    done = subprocess.run(
        ["/usr/bin/env", "-i", "/usr/bin/date", "+%s.%N"], capture_output=True, check=True
    )
    return float(done.stdout)


def shift_s():
    try:
        return float(SHIFT.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return 0.0


def known_s():
    """Return the last time that was known for certain, 0 where none ever was."""
    try:
        return float(json.loads(KNOWN.read_text(encoding="ascii"))["known_s"])
    except (OSError, ValueError, KeyError):
        return 0.0


def take(certain_s, step_s=STEP_S):
    """Set the clock to a time that is certain, and remember it; refuse one below the last known."""
    if certain_s < known_s():
        raise UntrustedError(f"{certain_s:.0f} is before the last known time, {known_s():.0f}")
    off_s = now_s() - certain_s
    if abs(off_s) > step_s:
        set_to(certain_s)
    with contextlib.suppress(OSError):  # A full disk must not keep the clock from being right.
        write(KNOWN, json.dumps({"known_s": round(certain_s, 3)}) + "\n")
    return off_s


def not_below_known():
    if now_s() < known_s():
        set_to(known_s())


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".writing")
    with aside.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


# --- the question -------------------------------------------------------------------------------


def ask(host, port):
    """Return the time that a server signs over a number drawn for this question, and how late."""
    nonce = secrets.token_hex(32)
    asked = time.monotonic()
    answer = json.loads(exchange(host, port, json.dumps({"schema": 1, "nonce": nonce}) + "\n"))
    late_s = time.monotonic() - asked
    said = verified(answer["statement"], answer["signature"])
    if said["nonce"] != nonce:
        raise UntrustedError("the answer is to another question")
    return float(said["time_s"]) + late_s / 2


def exchange(host, port, question):
    ends = time.monotonic() + WAIT_S
    parts = b""
    with socket.create_connection((host, port), timeout=WAIT_S) as line:
        line.sendall(question.encode())
        while not parts.endswith(b"\n"):
            line.settimeout(max(0.01, ends - time.monotonic()))
            part = line.recv(ANSWER_MAX_BYTES)
            parts += part
            if not part or len(parts) > ANSWER_MAX_BYTES or time.monotonic() > ends:
                raise UntrustedError("the answer is not whole")
    return parts


def verified(statement, signature):
    """Return what a statement says, once one of the keys that we trust in has signed it."""
    keys = time_keys()
    with tempfile.TemporaryDirectory(dir="/run") as name:
        signers, armoured = Path(name, "signers"), Path(name, "signature")
        lines = (f'centre namespaces="{NAMESPACE}" {key}\n' for key in keys)
        signers.write_text("".join(lines), encoding="ascii")
        armoured.write_text(signature, encoding="ascii")
        who = ("-f", signers, "-I", "centre", "-n", NAMESPACE, "-s", armoured)
        done = subprocess.run(  # noqa: S603 - no shell, and no word from outside
            ["/usr/bin/ssh-keygen", "-Y", "verify", *map(str, who)],
            input=statement.encode(),
            capture_output=True,
            check=False,
            timeout=60,
        )
    if done.returncode:
        raise UntrustedError("the signature does not hold")
    return json.loads(statement)


def time_keys():
    """Return who may tell the time: the centre, and the relay of the prison that this is in."""
    statement = json.loads(json.loads(TRUST.read_text(encoding="utf-8"))["statement"])
    prison = read(PROVISIONING).get("prison_id")
    relays = [one for one in statement.get("relay_authorities", ()) if one["prison"] == prison]
    return [*statement["time_keys"], *(one["time_key"] for one in relays if one.get("time_key"))]


def servers():
    """Return whom to ask: the relay where the firewall has a way to its clock, then the others."""
    ways = read(FIREWALL).get("relay", ())
    near = [way["network"].partition("/") for way in ways if way["port"] == PORT]
    relays = [(host, PORT) for host, _, prefix in near if prefix in ("", "32", "128")]
    return [*relays, *read(SERVERS).get("servers", ())]


def read(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def ask_all():
    """Ask one server after the other until one is believed; return what happened with each."""
    told = []
    for host, port in servers():
        try:
            off_s = take(ask(host, port))
        except (OSError, ValueError, KeyError, TypeError, UntrustedError) as error:
            told.append(f"{host} port {port}: {error}")
        else:
            return {"server": host, "was_off_s": round(off_s, 3), "failed": told}
    return {"server": "", "failed": told or ["no server is known"]}


def keep():
    """Hold the clock for ever; a second one ends at once."""
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 0
    not_below_known()
    again_s = AGAIN_S
    while True:
        try:
            right = bool(ask_all()["server"])
        except (OSError, ValueError, KeyError):
            right = False
        again_s = AGAIN_S if right else min(2 * again_s, AGAIN_MAX_S)
        time.sleep(HOUR_S if right else again_s)


def main(words):
    if words == ["keep"]:
        return keep()
    if words == ["ask"]:
        told = ask_all()
        print(json.dumps(told))
        return 0 if told["server"] else 1
    if len(words) == 2 and words[0] == "set":  # noqa: PLR2004 - the word and its number
        print(json.dumps({"was_off_s": round(take(float(words[1]), LOST_S), 3)}))
        return 0
    print("usage: wingspan_clock.py keep|ask|set SECONDS", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

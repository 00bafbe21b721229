#!/usr/bin/python3 -ISE
"""Orders that this device carries out: signed, meant for it, in time, and once.

Runs as root and reads one JSON object from its input. It trusts neither the lane that an order came
by nor who sent it: signatures by people of the trust statement in force, enough of them, over the
very bytes of the request; a proof that this device, in its present provisioning, is among those
that the request names; the expiry; and that the order was not used before.

    take    an order: check it, note that it is used, do it, and show the effect
    prove   show the effect again, and what became of an order

What is used is kept in a folder of its own, which no update rolls back and no backup restores, and
is written before anything is done, with what is to be done: a power cut in between ends with the
order carried out.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wingspan_change as change
import wingspan_firewall as firewall
import wingspan_glass as glass
import wingspan_names as names
import wingspan_state as states
import wingspan_wipe as wipe

PROVISIONING = "/var/lib/wingspan/provisioning.json"
USED = "/var/lib/wingspan/used"
LOCK = "/var/lib/wingspan/order.lock"
CLOCK = "/var/lib/wingspan/clock"
TRUST = "/etc/ssh/wingspan/trust.json"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
KEYGEN = "/usr/bin/ssh-keygen"

REQUESTED, APPROVED, PROOF = "wingspan-request", "wingspan-approval", "wingspan-proof"
ASKS = ("operator", "approver", "admin")
AGREES = ("approver", "admin")
# Closing a danger needs one person and a list of signers of any age; all else needs both younger
# lists and, most of it, a second person.
CLOSING = ("lock", "quarantine")
# Of these the device has one at a time, and the one that was asked for last counts.
LATEST_COUNTS = ("allowlist", "dead-man")
TWO_PEOPLE = ("unlock", "release", "wipe", "dead-man")
REFUSED = 6
PROBE_S = 3
CLOCKS_DIFFER_S = 60
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


class RefusalError(Exception):
    """What this device will not do, and why."""


class NotYetError(RefusalError):
    """What it will not do now; the order is not used up."""


class SupersededError(RefusalError):
    """What it will not do any more; the order was not carried out."""


def take(envelope):
    """Carry an order out, or say what came of it when it was carried out before."""
    request = read(envelope["request"])
    with alone():
        finish()
        known = used(request["nonce"]) or admitted(request, envelope)
    if known["action"] == "update" and known["outcome"] == "begun":
        import wingspan_update as update

        update.run(known)  # For minutes: a lock does not wait for it.
    with alone():
        known = used(request["nonce"]) or known
        return proof(request["request"], known, envelope.get("challenge", ""))


def admitted(request, envelope):
    """Check an order, note that it is used, and carry it out unless that takes long."""
    trust = json.loads(read_json(TRUST)["statement"])
    check(request, envelope, trust)
    if request["action"] == "update":
        import wingspan_update as update

        update.refuse(request)
        return note(request, {"outcome": "begun", "parameters": request["parameters"]})
    after = change.changed(states.current(), request, envelope)
    glass.note(request, trust, now())
    try:
        note(request, {"outcome": "begun", "after": after})
    except OSError as error:
        if request["action"] not in CLOSING:
            raise
        return shut_unkept(request, after, error)
    return carry_out(request, after)


def prove(asked):
    """Show the effect, and what became of an order: "unknown" where it never came."""
    import wingspan_update as update

    update.settle()
    name, challenge = str(asked.get("request", "")), asked.get("challenge", "")
    with alone():
        finish()
        for known in every_used():
            if known["request"] == name:
                return proof(name, known, challenge)
        return proof(name, {"outcome": "unknown"}, challenge)


# --- may it -------------------------------------------------------------------------------------


def read(text):
    """Return a request, which must be written in the one way that requests are."""
    request = json.loads(text)
    written = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if written != text:
        raise RefusalError("the request is not written as requests are")
    if request["schema"] != 1:
        raise RefusalError(f"this device does not know schema {request['schema']!r}")
    for name in ("request", "nonce"):
        if not _NAME.match(request[name]):
            raise RefusalError(f"{name} is no name")
    return request


def check(request, envelope, trust):
    """Refuse what was not asked for by enough of the right people, of this device, in time."""
    provisioning = read_json(PROVISIONING)
    is_meant(request, envelope["included"], provisioning)
    time_s = now()
    if request["expires_s"] is not None and time_s >= request["expires_s"]:
        raise RefusalError("the order has expired")
    if request["expires_s"] is None and request["action"] != "lock":
        raise RefusalError("only a lock has no expiry")
    if time_s + CLOCKS_DIFFER_S < request["parameters"].get("due_s", 0):
        raise RefusalError("the order is not due yet")
    too_old = time_s > trust["issued_s"] + 86400 * trust["age_days_max"]
    # The sealed key is for the day when nobody is left to sign a younger list.
    if too_old and request["action"] not in CLOSING and not glass.is_broken(request, trust):
        raise RefusalError("the list of signers is too old for anything but closing")
    people = signed_by(request, envelope, trust, provisioning["prison_id"])
    needed = people_needed(request, envelope)
    if len(people) < needed:
        raise too_few(
            f"{needed} people have to sign, and {len(people)} did", people, envelope, trust
        )
    if any(has_taken_its_place(known, request) for known in every_used()):
        raise SupersededError("a later order has taken its place")


def has_taken_its_place(known, request):
    """Return whether an order that came before leaves no room for one: who holds it back for long
    could else bring an older list or rule back."""
    if known.get("supersedes") == request["request"]:
        return True
    is_newer = known.get("requested_s", 0) > request["requested_s"]
    return request["action"] in LATEST_COUNTS and known["action"] == request["action"] and is_newer


def is_meant(request, included, provisioning):
    """Refuse an order that does not name this device in its present provisioning (RFC 6962)."""
    device, nonce = provisioning["device"].encode(), provisioning["nonce"].encode()
    hashed = hashlib.sha256(b"\x00" + device + b"\x00" + nonce).digest()
    for step in included:
        beside = bytes.fromhex(step[1:])
        pair = beside + hashed if step[0] == "l" else hashed + beside
        hashed = hashlib.sha256(b"\x01" + pair).digest()
    if hashed.hex() != request["devices_root"]:
        raise RefusalError("the order is not for this device in its present provisioning")


def signed_by(request, envelope, trust, prison_id):
    """Return who of the right people signed; the one who asks has to be among them."""
    text = envelope["request"].encode()
    signers = {
        signer["operator"]: signer
        for signer in trust["signers"]
        if signer["prison"] in ("", prison_id)
    }
    people, keys = set(), set()
    for signature in envelope["signatures"]:
        who = signature["operator"]
        signer = signers.get(who)
        if signer is None:
            continue
        asks = who == request["requested_by"]
        if asks and glass.is_broken(request, trust):
            verify(text, signature["signature"], signer["key"], REQUESTED)
            return {who, "the sealed key"}
        if signer["role"] not in (ASKS if asks else AGREES) or signer["key"] in keys:
            continue
        verify(text, signature["signature"], signer["key"], REQUESTED if asks else APPROVED)
        people.add(who)
        keys.add(signer["key"])
    if request["requested_by"] not in people:
        raise not_asked_for(request["requested_by"], envelope, trust, prison_id)
    return people


def too_few(what, people, envelope, trust):
    """Return that more have to sign; whoever did and was hired since counts with the next list."""
    listed = {signer["operator"] for signer in trust["signers"]}
    strangers = {signature["operator"] for signature in envelope["signatures"]} - listed
    if strangers:
        return NotYetError(f"{what}: {unlisted(' and '.join(sorted(strangers)), trust)}")
    return RefusalError(f"{what}: {sorted(people)}")


def unlisted(who, trust):
    """Return what keeps a person from counting, and the cure."""
    held = f"not in list {trust['number']} of signers, which this device holds"
    return f"{who} is {held}; wingspan fleet keys push brings the newest"


def not_asked_for(who, envelope, trust, prison_id):
    """Return why nobody who may has asked for it; somebody hired since may with the next list."""
    known = [signer for signer in trust["signers"] if signer["operator"] == who]
    if not known:
        return NotYetError(unlisted(who, trust))
    if all(signer["prison"] not in ("", prison_id) for signer in known):
        places = ", ".join(sorted(signer["prison"] for signer in known))
        here = prison_id or "no prison"
        return RefusalError(f"{who} may act on {places} alone, and this device is in {here}")
    if who not in [signature["operator"] for signature in envelope["signatures"]]:
        return RefusalError(f"{who} did not sign it")
    roles = ", ".join(sorted(signer["role"] for signer in known))
    return RefusalError(f"{who} is {roles} in this device's list of signers and cannot ask for it")


def people_needed(request, envelope):
    """Return how many people have to sign, by this device's own judgement."""
    if request["action"] == "lock":
        return 1
    if request["action"] in TWO_PEOPLE or request["reach"] == "estate":
        return 2
    if request["action"] == "allowlist" and widens(envelope):
        return 2
    if request["action"] == "update" and request["reach"] not in ("device", "landing"):
        return 2
    return 1


def widens(envelope):
    """Return whether an allowlist lets this device go where it cannot go now."""
    have = {json.dumps(way, sort_keys=True) for way in states.current()["allowed"]}
    wanted = {json.dumps(way, sort_keys=True) for way in json.loads(envelope["allowlist"])}
    return not wanted <= have


def verify(data, signature, key, namespace):
    """Refuse data that this key did not sign for this purpose."""
    # In memory: a full disk must not keep an order from being read.
    with tempfile.TemporaryDirectory(prefix="wingspan-", dir="/run") as folder:
        signers, armoured = os.path.join(folder, "signers"), os.path.join(folder, "signature")
        firewall.write(signers, f'signer namespaces="{namespace}" {key}\n', 0o600)
        firewall.write(armoured, signature, 0o600)
        command = (KEYGEN, "-Y", "verify", "-f", signers, "-I", "signer", "-n", namespace)
        done = keygen((*command, "-s", armoured), data)
    if done.returncode != 0 or not is_touched(signature, key):
        raise RefusalError("a signature does not hold")


def is_touched(signature, key):
    """Return whether a security key was touched for a signature; other keys cannot say (U2F)."""
    if not key.startswith("sk-"):
        return True
    text = "".join(line for line in signature.split("\n") if not line.startswith("-----"))
    return bool(base64.b64decode(text)[-5] & 1)  # The flags, before a counter of four bytes.


# --- doing it -----------------------------------------------------------------------------------


def carry_out(request, after):
    """Put a state in force, look whether it is, and note how that ended."""
    known = used(request["nonce"])
    try:
        states.put_in_force(after)
        if known["action"] == "wipe":
            wipe.erase()
        known["outcome"], known["why"] = "done", ""
    except (firewall.RefusalError, OSError, subprocess.TimeoutExpired) as error:
        known["outcome"], known["why"] = "failed", str(error)
    known.pop("after")
    note(request, known)
    return known


def shut_unkept(request, after, error):
    """Close at once what a full disk keeps this device from remembering.

    Nothing is noted as used, so the same order is taken again, until there is room to keep it.
    """
    try:
        states.impose(after)
        why = f"shut until the next boot, for it cannot be kept: {error}"
    except (firewall.RefusalError, OSError, subprocess.TimeoutExpired) as fault:
        why = f"{error}; and {fault}"
    fields = {name: request[name] for name in ("request", "nonce", "action")}
    return {**fields, "outcome": "begun", "why": why}


def finish():
    """Carry out what was begun when the power went; an update finishes by itself."""
    for known in every_used():
        if known["outcome"] == "begun" and known["action"] != "update":
            carry_out(known, known["after"])


# --- showing it ---------------------------------------------------------------------------------


def proof(name, known, challenge):
    """Return what this device is like now and what became of an order, signed by its host key."""
    import wingspan_update as update

    provisioning = read_json(PROVISIONING)
    state = states.current()
    fields = update.shown() | {
        "schema": 1,
        "device": provisioning["device"],
        "provisioning": provisioning["nonce"],
        "request": name,
        "nonce": known.get("nonce", ""),
        "action": known.get("action", ""),
        "outcome": known["outcome"],
        "why": known.get("why", ""),
        "challenge": str(challenge)[:64],
        "time_s": now(),
        "level": states.level_of(state),
        "locks": sorted(state["locks"]),
        "quarantined": bool(state["quarantined_by"]),
        "allowlist_sha256": state["allowlist_sha256"],
        "dead_man": state["dead_man"],
        "wiped": wipe.shown() if states.is_wiped(state) else None,
        "screen": states.screen_of(state),
        "target": os.path.basename(os.path.realpath(states.DEFAULT_TARGET)),
        "session": states.session(),
        "ruleset_sha256": ruleset_sha256(),
        "probes": probes(state),
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    done = keygen((KEYGEN, "-Y", "sign", "-q", "-f", HOST_KEY, "-n", PROOF), text.encode())
    if done.returncode != 0:
        raise RefusalError(f"cannot sign: {done.stderr.decode().strip()}")
    return {"proof": text, "signature": done.stdout.decode("ascii")}


def ruleset_sha256():
    """Return the hash of the kernel's rules, as the device's program reports it to a sweep."""
    import wingspan_device as device

    return device.ruleset("/")["ruleset_sha256"]


def probes(state):
    """Return whether a way that is forbidden now is shut, and whether that to the relay is open."""
    wanted = firewall.current()
    shut = [to for to in state["allowed"] if to["protocol"] == "tcp" and "network" in to][:1]
    found = {"forbidden": reached(*SOMEWHERE_ELSE), **names.probes(wanted)}
    if states.is_closed(state) and shut:
        found["allowed"] = reached(host_of(shut[0]["network"]), shut[0]["port"])
    for way in [way for way in wanted["relay"] if way["protocol"] == "tcp"][:1]:
        found["relay"] = reached(host_of(way["network"]), way["port"])
    return found


# TEST-NET-3 of RFC 5737: no list can allow it by mistake, and nothing lives there.
SOMEWHERE_ELSE = ("203.0.113.254", 443)


def host_of(network):
    return network.partition("/")[0]


def reached(host, port):
    """Return how far a connection gets: open, refused by the other side, or shut by our rules."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.settimeout(PROBE_S)
        try:
            attempt.connect((host, port))
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silent"
        except OSError:
            return "shut"
        return "open"


# --- what is kept -------------------------------------------------------------------------------


def used(nonce):
    """Return what is known of an order by its nonce, None where it never came."""
    try:
        return read_json(os.path.join(USED, f"{nonce}.json"))
    except FileNotFoundError:
        return None


def every_used():
    """Return what is known of every order, in the order of their nonces."""
    try:
        names = sorted(name for name in os.listdir(USED) if name.endswith(".json"))
    except FileNotFoundError:
        return []
    return [read_json(os.path.join(USED, name)) for name in names]


def note(request, more):
    """Keep what is known of an order, flushed before anything else is done."""
    fields = ("request", "nonce", "action", "supersedes", "requested_s")
    known = {name: request[name] for name in fields if name in request} | more
    text = json.dumps(known, sort_keys=True)
    os.makedirs(USED, mode=0o700, exist_ok=True)
    firewall.write(os.path.join(USED, f"{request['nonce']}.json"), text, 0o600)
    return known


def now():
    """Return the time in seconds, never below the last that was known for sure."""
    try:
        known_s = int(read_json(CLOCK)["known_s"])
    except (FileNotFoundError, ValueError, KeyError):
        known_s = 0
    return max(int(time.time()), known_s)


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def keygen(command, data):
    return subprocess.run(  # noqa: S603 - a program by its full path, without a shell
        command, input=data, capture_output=True, check=False, timeout=60
    )


@contextlib.contextmanager
def alone():
    """Hold the lock of this program: one order at a time."""
    os.makedirs(os.path.dirname(LOCK), exist_ok=True)
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


COMMANDS = {"take": take, "prove": prove}


def main(words):
    """Do one command."""
    if len(words) != 1 or words[0] not in COMMANDS:
        print(f"usage: wingspan_order.py {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    os.umask(0o022)
    return answered(lambda: COMMANDS[words[0]](json.loads(sys.stdin.buffer.read() or b"{}")))


def answered(act):
    """Do something, print what it answers as JSON, and return the exit status."""
    try:
        answer = act()
    except NotYetError as refusal:
        answer = {"refused": str(refusal), "later": True}
    except SupersededError as refusal:
        answer = {"refused": str(refusal), "superseded": True}
    except (RefusalError, firewall.RefusalError) as refusal:
        answer = {"refused": str(refusal)}
    except (OSError, ValueError, KeyError, TypeError) as fault:
        answer = {"refused": f"{type(fault).__name__}: {fault}"}
    print(json.dumps(answer))
    return REFUSED if "refused" in answer else 0


if __name__ == "__main__":
    # By its own name: what others raise and what is caught here are then of one module.
    import wingspan_order

    sys.exit(wingspan_order.main(sys.argv[1:]))

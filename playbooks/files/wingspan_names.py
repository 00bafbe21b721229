#!/usr/bin/python3 -ISE
"""Names that this device's user may go by: asked of the relay's resolver, and of no other.

dnsmasq answers on this device alone. It knows the names of the allowlist and whatever is below
them, refuses every other without asking anybody, and puts each address that it hands out into the
firewall's sets before the asker has it. One of a private network leads nowhere all the same, unless
that network is a way of its own: whoever owns a name could else open one with it.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wingspan_firewall as firewall

CONFIG = "/etc/wingspan/names.conf"
RESOLV = "/etc/resolv.conf"
PROGRAM = "/usr/sbin/dnsmasq"
PID = "/run/wingspan-names.pid"
UNIT = "wingspan-names.service"
SYSTEMCTL = "/usr/bin/systemctl"
HERE, PORT = "127.0.0.1", 53
WAIT_S = 5
ENDS_WITHIN_S = 10
# Below no name that anybody can own.
FORBIDDEN = "forbidden.wingspan.arpa"
CODES = {0: "open", 3: "open", 5: "shut"}
A_RECORD, IN_CLASS, RECURSE = 1, 1, 0x0100
POINTER = 0xC0  # From here on a byte says where else in the message a name goes on.

HEAD = """\
# Written by Wingspan (wingspan_names.py); changes here are lost.
listen-address={here}
bind-interfaces
user={user}
no-resolv
no-hosts
# What is kept here would not be put into the firewall's sets again.
cache-size=0
"""


def refuse_unable(wanted):
    """Refuse a list of names where nothing can resolve them."""
    if not hosts(wanted):
        return
    if not os.path.exists(PROGRAM):
        raise firewall.RefusalError("names need dnsmasq (Debian: dnsmasq-base), which is not here")
    if not resolver_of(wanted):
        raise firewall.RefusalError("names need a way to the relay's resolver, udp port 53")


def hosts(wanted):
    """Return the ways of a firewall that go by a name."""
    return [way for way in wanted["allowed"] if "host" in way]


def resolver_of(wanted):
    """Return the address of the relay's resolver, "" where no way leads to one."""
    for way in wanted["relay"]:
        address, _, length = way["network"].partition("/")
        if (way["protocol"], way["port"]) == ("udp", PORT) and length in ("", "32", "128"):
            return address
    return ""


def config(wanted):
    """Return what dnsmasq reads: no name but those of the list, and their sets."""
    lines = [HEAD.format(here=HERE, user=firewall.NAMES_USER)]
    resolver = resolver_of(wanted)
    if resolver and wanted["level"] == "open":
        named = hosts(wanted)
        for host in sorted({way["host"] for way in named}):
            lines.append(f"server=/{host}/{resolver}\n")
            filled = [
                f"{family}#inet#wingspan#{firewall.set_of(way, family)}"
                for way in named
                if is_within(host, way["host"])
                for family in "46"
            ]
            lines.append(f"nftset=/{host}/{','.join(dict.fromkeys(filled))}\n")
    lines += [f"server=/{name}/{resolver}\n" for name in clock_names() if resolver]
    return "".join(lines)


def is_within(host, other):
    """Return whether a name is another or below it; dnsmasq heeds the longest that it knows."""
    return host == other or host.endswith(f".{other}")


def clock_names():
    """Return the names of whoever tells this device the time."""
    with contextlib.suppress(FileNotFoundError), open(firewall.CLOCK, encoding="utf-8") as file:
        named = [host for host, _port in json.load(file)["servers"]]
        return sorted({host for host in named if firewall.network_faults("clock", host)})
    return []


def put_in_force(wanted):
    """Let the names of a firewall be resolved, and no other; what is shut needs nobody's help."""
    if not os.path.exists(PROGRAM) or not (hosts(wanted) or os.path.exists(CONFIG)):
        return
    try:
        if not hosts(wanted):
            leave(resolver_of(wanted))
            return
        firewall.write(CONFIG, config(wanted), 0o644)
        firewall.write(RESOLV, f"nameserver {HERE}\n", 0o644)
        run_anew("restart")
    except (firewall.RefusalError, OSError, subprocess.TimeoutExpired):
        if hosts(wanted) and wanted["level"] == "open":
            raise


def leave(resolver):
    """Leave names to the relay's resolver, where no list has any."""
    os.unlink(CONFIG)
    firewall.write(RESOLV, f"nameserver {resolver or HERE}\n", 0o644)
    run_anew("stop")


def run_anew(word):
    """End dnsmasq, and begin it again unless it is to stop: it reads what it does as it begins."""
    if os.path.isdir("/run/systemd/system"):
        import wingspan_state as states

        firewall.run((SYSTEMCTL, "daemon-reload"), "")
        block = () if states.has_booted() else ("--no-block",)
        firewall.run((SYSTEMCTL, word, *block, UNIT), "")
        return
    end()
    if word == "restart":
        firewall.run((PROGRAM, f"--conf-file={CONFIG}", f"--pid-file={PID}"), "")


def end():
    """End the dnsmasq that this program began, and wait until its port is free."""
    give_up_s = time.monotonic() + ENDS_WITHIN_S
    while (pid := running()) and time.monotonic() < give_up_s:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        time.sleep(0.02)


def running():
    """Return the process of the dnsmasq that this program began, None where there is none."""
    try:
        with open(PID, encoding="ascii") as file:
            pid = int(file.read())
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return pid if file.read().strip() == "dnsmasq" else None
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None


def probes(wanted):
    """Return whether a forbidden name is refused, and how far the first of the list leads."""
    if not os.path.exists(CONFIG):
        return {}
    found = {"forbidden_name": asked(FORBIDDEN)[0]}
    named = [way for way in hosts(wanted) if way["protocol"] == "tcp"][:1]
    for way in named if wanted["level"] == "open" else []:
        found["named"] = named_way(way["host"], way["port"])
    return found


def named_way(host, port):
    """Return how far a connection by a name gets: as one by an address, or where its name fails."""
    import wingspan_order as order

    answer, addresses = asked(host)
    if not addresses:
        return "unknown" if answer == "open" else answer
    return order.reached(addresses[0], port)


def asked(name):
    """Return what becomes of a question for a name's addresses, and the addresses (RFC 1035)."""
    number = secrets.token_bytes(2)
    labels = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.split("."))
    head = number + RECURSE.to_bytes(2, "big") + b"\x00\x01" + b"\x00" * 6
    question = labels + b"\x00" + A_RECORD.to_bytes(2, "big") + IN_CLASS.to_bytes(2, "big")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attempt:
        attempt.settimeout(WAIT_S)
        try:
            attempt.connect((HERE, PORT))
            attempt.send(head + question)
            answer = attempt.recv(4096)
        except OSError:
            return "silent", []
    if answer[:2] != number:
        return "silent", []
    return CODES.get(answer[3] & 15, "silent"), addresses_in(answer, len(head + question))


def addresses_in(answer, at):
    """Return the IPv4 addresses of an answer, whose records begin at a byte."""
    found = []
    for _ in range(int.from_bytes(answer[6:8], "big")):
        while answer[at] and answer[at] < POINTER:
            at += answer[at] + 1
        at += 2 if answer[at] else 1
        kind, length = answer[at : at + 2], int.from_bytes(answer[at + 8 : at + 10], "big")
        if int.from_bytes(kind, "big") == A_RECORD:
            found.append(socket.inet_ntoa(answer[at + 10 : at + 14]))
        at += 10 + length
    return found

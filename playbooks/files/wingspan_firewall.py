#!/usr/bin/python3 -ISE
"""What this device lets in and out: one ruleset, checked, loaded whole, and shown by the kernel.

The rules are computed from one JSON file, which every operation changes in part: `management` may
open SSH here, `relay` is where this device may go at any level, and `allowed` is where its user may
go while nothing is locked, by address or by name. Everything else is dropped, both ways. A ruleset
that nft refuses is not loaded, and the one in force stays. One that may shut us out is on trial:
unless somebody who came in anew confirms it within minutes, and before the next boot, this device
takes it back.
"""

import contextlib
import ipaddress
import json
import os
import pwd
import re
import subprocess
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from wingspan_disk import later

STATE = "/etc/wingspan/firewall.json"
CLOCK = "/etc/wingspan/clock.json"
RULES = "/etc/nftables.conf"
NFT = "/usr/sbin/nft"
# What to go back to, while the rules in force are on trial.
TRIAL = "/var/lib/wingspan/firewall-trial.json"
# Beyond the first: nothing but the relay, and SSH from the management.
LEVELS = ("open", "closed")
PORT_MAX = 65_535
DNS_PORT = 53
# Who asks the relay's resolver for the names of the list; see wingspan_names.py.
NAMES_USER = "dnsmasq"
# Loopback, link-local and private networks (RFC 1122, 1918, 3927, 4193, 4291, 6598).
PRIVATE = (
    "ip daddr { 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8 }",
    "ip daddr { 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 }",
    "ip6 daddr { ::1, fc00::/7, fe80::/10 }",
)
# Lower case, and never a whole top-level domain.
HOST = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}\Z"
)
DEFAULT = {"level": "open", "management": [], "relay": [], "allowed": []}

TABLE = """\
#!/usr/sbin/nft -f
# Written by Wingspan (wingspan_firewall.py) from {state}; changes here are lost.
flush ruleset
table inet wingspan {{
{sets}
	chain input {{
		type filter hook input priority filter; policy drop;
		iif lo accept
		ct state established,related accept
		icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert }} accept
{ssh}
	}}
	chain forward {{
		type filter hook forward priority filter; policy drop;
	}}
	chain output {{
		type filter hook output priority filter; policy drop;
		oif lo accept
		ct state established,related accept
		# Sessions that were open before these rules, and so are new to the kernel's tracking.
		tcp sport 22 tcp flags & syn != syn accept
		icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit }} accept
{out}
		counter reject with icmpx admin-prohibited
	}}
}}
"""


class RefusalError(Exception):
    """What was asked is no firewall, or the kernel does not take it."""


def rules(wanted):
    """Return the ruleset of a firewall as text for nft; the same one gives the same text."""
    checked(wanted)
    ssh = [f"\t\t{source(network)} tcp dport 22 accept" for network in wanted["management"]]
    ways = [*wanted["relay"], *clock_ways()]
    hosts = [to for to in wanted["allowed"] if "host" in to]
    named = hosts if wanted["level"] == "open" else []
    if wanted["level"] == "open":
        ways += [to for to in wanted["allowed"] if "network" in to]
    who = resolvers() if hosts else ""
    out = [way(each, who) for each in ways]
    # A name must not lead into the prison's own network, where nothing but a listed network may.
    out += [f"\t\t{to} reject with icmpx admin-prohibited" for to in PRIVATE if named]
    out += [line for to in named for line in named_ways(to)]
    sets = [line for to in named for line in named_sets(to)]
    # Without a management network SSH is open to all: whoever cannot be reached cannot be helped.
    return TABLE.format(
        state=STATE,
        sets="\n".join(dict.fromkeys(sets)),
        ssh="\n".join(ssh or ["\t\ttcp dport 22 accept"]),
        out="\n".join(dict.fromkeys(out)) or "\t\t# nowhere",
    )


def resolvers():
    """Return who may ask a resolver: a user who could would carry anything out in its names."""
    users = ["0"]
    with contextlib.suppress(KeyError):
        users.append(str(pwd.getpwnam(NAMES_USER).pw_uid))
    return f"meta skuid {{ {', '.join(users)} }} "


def set_of(to, family):
    """Return the name of the set of the addresses that a name may lead to."""
    return f"hosts{family}_{to['protocol']}_{to['port']}"


def named_sets(to):
    """Return the sets of a way by name; what is in them is found anew after a day."""
    for family, kind in (("4", "ipv4_addr"), ("6", "ipv6_addr")):
        yield f"\tset {set_of(to, family)} {{ type {kind}; timeout 1d; }}"


def named_ways(to):
    for family, word in (("4", "ip"), ("6", "ip6")):
        port = f"{to['protocol']} dport {to['port']}"
        yield f"\t\t{word} daddr @{set_of(to, family)} {port} accept"


def clock_ways():
    """Return the ways to whoever tells this device the time: without it no certificate is valid."""
    try:
        with open(CLOCK, encoding="utf-8") as file:
            servers = json.load(file)["servers"]
    except FileNotFoundError:
        return []
    ways = []
    for host, port in servers:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            continue  # A name: the relay's own resolver is among its ways.
        ways.append({"network": host, "protocol": "tcp", "port": int(port)})
    return ways


def source(network):
    family = "ip6" if ":" in network else "ip"
    return f"{family} saddr {network}"


def way(to, who):
    family = "ip6" if ":" in to["network"] else "ip"
    who = who if to["port"] == DNS_PORT else ""
    return f"\t\t{who}{family} daddr {to['network']} {to['protocol']} dport {to['port']} accept"


def checked(wanted):
    """Refuse what is not a firewall: every word in it ends up in a file that nft reads."""
    faults = []
    if set(wanted) != set(DEFAULT):
        faults.append(f"it has {sorted(wanted)}, not {sorted(DEFAULT)}")
    if wanted.get("level") not in LEVELS:
        faults.append(f"level {wanted.get('level')!r} is none of {', '.join(LEVELS)}")
    for network in wanted.get("management", ()):
        faults += network_faults("management", network)
    for name in ("relay", "allowed"):
        for to in wanted.get(name, ()):
            where = "host" if name == "allowed" and "host" in to else "network"
            if set(to) != {where, "protocol", "port"}:
                faults.append(f"{name}: {to} needs {where}, protocol and port alone")
                continue
            faults += PLACES[where](name, to[where])
            if to["protocol"] not in ("tcp", "udp"):
                faults.append(f"{name}: protocol {to['protocol']!r} is neither tcp nor udp")
            port = to["port"]
            if isinstance(port, bool) or not isinstance(port, int) or not 0 < port <= PORT_MAX:
                faults.append(f"{name}: port {port!r} is no port")
    if faults:
        raise RefusalError("; ".join(faults))


def network_faults(name, network):
    try:
        ipaddress.ip_network(network)
    except (TypeError, ValueError) as error:
        return [f"{name}: {error}"]
    return []


def host_faults(name, host):
    if isinstance(host, str) and HOST.match(host):
        return []
    return [f"{name}: {host!r} is no name of a host in lower case"]


PLACES = {"network": network_faults, "host": host_faults}


def current(root=""):
    """Return the firewall in force, as the state file has it."""
    try:
        with open(root + STATE, encoding="utf-8") as file:
            return {**DEFAULT, **json.load(file)}
    except FileNotFoundError:
        return dict(DEFAULT)


def put_in_force(changes, trial_s=0):
    """Change the firewall in part, load it, and return whether anything was different.

    Loaded every time, whatever the files say: what counts is what the kernel has. Where the kernel
    refuses, files and rules are those of before. With `trial_s`, what changed is taken back after
    so many seconds, unless it is confirmed.
    """
    before = current()
    wanted = {**before, **changes}
    text = rules(wanted)
    run((NFT, "-c", "-f", "-"), text)
    was = listing()
    if trial_s and wanted != before and not on_trial():
        kept = {name: before[name] for name in changes}
        trial = {"trial": uuid.uuid4().hex, "before": kept, "first": first_rules()}
        write(TRIAL, json.dumps(trial) + "\n", 0o600)
        later(trial_s, lambda: revert(trial["trial"]))
    run((NFT, "-f", "-"), text)
    write(RULES, text, 0o755)
    write(STATE, json.dumps(wanted, indent=1, sort_keys=True) + "\n", 0o644)
    import wingspan_names as names  # It needs this module.

    names.put_in_force(wanted)
    return was != listing()


def load(changes):
    """Change the firewall in part in the kernel alone; the next boot knows nothing of it."""
    run((NFT, "-f", "-"), rules({**current(), **changes}))


def shut():
    """Let nothing in but SSH, and nothing out: for when nobody can say what the rules should be."""
    run((NFT, "-f", "-"), TABLE.format(state=STATE, sets="", ssh="\t\ttcp dport 22 accept", out=""))


def first_rules():
    """Return what was loaded at boot before any firewall of ours, None where ours is there."""
    if os.path.exists(STATE):
        return None
    try:
        with open(RULES, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return "flush ruleset\n"


def on_trial():
    """Return the trial that is under way, {} for none."""
    try:
        with open(TRIAL, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def confirm():
    """Keep what is on trial: whoever says so came in through it."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(TRIAL)


def revert(trial=""):
    """Take back what is on trial, or only that one trial; locks and allowlists stay as they are."""
    now = on_trial()
    if not now or trial not in ("", now["trial"]):
        return
    ordered = any(current()[name] != DEFAULT[name] for name in ("level", "allowed"))
    if now["first"] is None or ordered:  # What was locked meanwhile stays locked.
        put_in_force(now["before"])
    else:
        run((NFT, "-f", "-"), "flush ruleset\n" + now["first"])
        write(RULES, now["first"], 0o755)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(STATE)
    confirm()


def listing():
    """Return the kernel's ruleset, without what changes while it works."""
    return run((NFT, "-s", "-t", "list", "ruleset"), "")


def run(command, text):
    finished = subprocess.run(  # noqa: S603 - programs by their full path, without a shell
        command, input=text, capture_output=True, text=True, check=False
    )
    if finished.returncode != 0:
        raise RefusalError(f"{' '.join(command)}: {finished.stderr.strip()}")
    return finished.stdout


def write(path, text, mode):
    """Write a file aside, flush it, and rename it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    aside = f"{path}.new"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(aside, mode)
    os.replace(aside, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def main(words):
    """Confirm or take back what is on trial, or take changes as JSON on stdin; answer as JSON."""
    if words and words not in (["confirm"], ["revert"]):
        print("usage: wingspan_firewall.py [confirm|revert]", file=sys.stderr)
        return 2
    try:
        if words:
            confirm() if words == ["confirm"] else revert()
        changed = not words and put_in_force(json.load(sys.stdin))
    except (RefusalError, ValueError) as error:
        print(json.dumps({"refused": str(error)}))
        return 1
    print(json.dumps({"changed": changed, **current()}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

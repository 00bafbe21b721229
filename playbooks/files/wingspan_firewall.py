#!/usr/bin/python3 -ISE
"""What this device lets in and out: one ruleset, checked, loaded whole, and shown by the kernel.

The rules are computed from one JSON file, which every operation changes in part: `management` may
open SSH here, `relay` is where this device may go at any level, and `allowed` is where its user may
go while nothing is locked. Everything else is dropped, both ways. A ruleset that nft refuses is
not loaded, and the one in force stays.
"""

import ipaddress
import json
import os
import subprocess
import sys

STATE = "/etc/wingspan/firewall.json"
CLOCK = "/etc/wingspan/clock.json"
RULES = "/etc/nftables.conf"
NFT = "/usr/sbin/nft"
# Beyond the first: nothing but the relay, and SSH from the management.
LEVELS = ("open", "closed")
PORT_MAX = 65_535
DEFAULT = {"level": "open", "management": [], "relay": [], "allowed": []}

TABLE = """\
#!/usr/sbin/nft -f
# Written by Wingspan (wingspan_firewall.py) from {state}; changes here are lost.
flush ruleset
table inet wingspan {{
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
    if wanted["level"] == "open":
        ways += wanted["allowed"]
    # Without a management network SSH is open to all: whoever cannot be reached cannot be helped.
    return TABLE.format(
        state=STATE,
        ssh="\n".join(ssh or ["\t\ttcp dport 22 accept"]),
        out="\n".join(dict.fromkeys(way(each) for each in ways)) or "\t\t# nowhere",
    )


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


def way(to):
    family = "ip6" if ":" in to["network"] else "ip"
    return f"\t\t{family} daddr {to['network']} {to['protocol']} dport {to['port']} accept"


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
            if set(to) != {"network", "protocol", "port"}:
                faults.append(f"{name}: {to} needs network, protocol and port alone")
                continue
            faults += network_faults(name, to["network"])
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


def current(root=""):
    """Return the firewall in force, as the state file has it."""
    try:
        with open(root + STATE, encoding="utf-8") as file:
            return {**DEFAULT, **json.load(file)}
    except FileNotFoundError:
        return dict(DEFAULT)


def put_in_force(changes):
    """Change the firewall in part, load it, and return whether anything was different.

    Loaded every time, whatever the files say: what counts is what the kernel has. Where the kernel
    refuses, files and rules are those of before.
    """
    before = current()
    wanted = {**before, **changes}
    text = rules(wanted)
    run((NFT, "-c", "-f", "-"), text)
    was = listing()
    run((NFT, "-f", "-"), text)
    write(RULES, text, 0o755)
    write(STATE, json.dumps(wanted, indent=1, sort_keys=True) + "\n", 0o644)
    return was != listing()


def shut():
    """Let nothing in but SSH, and nothing out: for when nobody can say what the rules should be."""
    run((NFT, "-f", "-"), TABLE.format(state=STATE, ssh="\t\ttcp dport 22 accept", out=""))


def listing():
    """Return the kernel's ruleset, without what changes while it works."""
    return run((NFT, "-s", "list", "ruleset"), "")


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


def main():
    """Take changes as JSON on stdin, answer as JSON on stdout."""
    try:
        changed = put_in_force(json.load(sys.stdin))
    except (RefusalError, ValueError) as error:
        print(json.dumps({"refused": str(error)}))
        return 1
    print(json.dumps({"changed": changed, **current()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

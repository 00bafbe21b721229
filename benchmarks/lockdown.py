"""How long it takes to lock a whole prison, and to have every device prove it.

    python -m benchmarks.lockdown [--small]

Needs root, for the rehearsal. The lock is ordered alone, and while a health sweep of the same
devices runs; it counts when each device has shown its rules, its target, a forbidden connection
that is shut and the way to its relay, under its own key. Beside it the same by a plain playbook, a
task for each step, with pipelining and kept connections. CPU is that of the controller's processes.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.health import PEER, enrol
from benchmarks.measuring import WINGSPAN, Cost, measured, run
from benchmarks.update import plain_environment

DEVICES = 200
# The playbook is measured at fewer first: at all it takes minutes.
FEWER = 50
FORKS = 20
AIM_S = 30
_PLAYBOOK = Path(__file__).with_name("plain_lock.yml")
_FIREWALL = Path(__file__).parents[1] / "playbooks" / "files" / "wingspan_firewall.py"


def main() -> None:
    """Print the table."""
    devices = 24 if "--small" in sys.argv else DEVICES
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}\n")
    with TemporaryDirectory(prefix="wingspan-benchmark-") as folder:
        workspace = Path(folder)
        fleet = [WINGSPAN, "-C", workspace, "fleet"]
        begin(workspace, fleet, devices)
        try:
            measure(workspace, fleet, devices)
        finally:
            subprocess.run([*fleet, "rehearse", "down"], check=True, stdout=sys.stderr)


def measure(workspace: Path, fleet: list[str | Path], devices: int) -> None:
    """Print each row as soon as it is measured: the last ones take minutes."""
    relay = way_to_relay(workspace)
    ours = during_a_sweep(fleet, devices)
    met = "met" if ours.wall_s <= AIM_S else "MISSED"
    print(row("way", "devices", "wall s", "ratio", "CPU ms a device", "ratio", "MB"))
    show("during a sweep", devices, ours, (ours, devices))
    show("alone", devices, locked(fleet, devices), (ours, devices))
    for count in sorted({min(FEWER, devices), devices}):
        show("ansible-playbook", count, plainly(workspace, relay, count), (ours, devices))
    print(f"\nduring a sweep within {AIM_S} s: {met}", flush=True)


def show(name: str, devices: int, cost: Cost, beside: tuple[Cost, int]) -> None:
    """Print what one way took, and how that compares, for each device, with ours in a sweep."""
    ours, all_devices = beside
    each, other = cost.cpu_s / devices, ours.cpu_s / all_devices
    walls = f"{cost.wall_s / ours.wall_s:.1f}" if devices == all_devices else ""
    figures = (f"{cost.wall_s:.1f}", walls, f"{each * 1000:.1f}", f"{each / other:.1f}")
    print(row(name, str(devices), *figures, f"{cost.memory_mb:.0f}"), flush=True)


def row(name: str, *words: str) -> str:
    """Return a row of columns that are as wide in every row, for none is known beforehand."""
    return f"{name:<18}" + "".join(f"{word:>16}" for word in words)


def begin(workspace: Path, fleet: list[str | Path], devices: int) -> None:
    """Bring one prison up, take its devices to live, and hire who may lock them."""
    key = workspace / "ben"
    keygen = shutil.which("ssh-keygen") or "ssh-keygen"
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    hired = ["operator", "add", "ben", "--role", "operator", "--key", f"{key}.pub"]
    up = ["rehearse", "up", "--devices", str(devices), "--prisons", "1"]
    for words in (["init"], hired, up):
        subprocess.run([*fleet, *words], check=True, stdout=sys.stderr)
    enrol(workspace)
    settings = f'[fleet]\noperator = "ben"\nsigning_key = "{key}"\n'
    (workspace / "wingspan.toml").write_text(settings, encoding="utf-8")


def way_to_relay(workspace: Path) -> str:
    """Let the prison's router be the relay of every device, as its baseline would; return it."""
    from fleet.rehearsal.lab import find  # noqa: PLC0415 - heavy, and only needed here
    from fleet.workspace import Workspace  # noqa: PLC0415

    rehearsal = find(Workspace(workspace))
    if rehearsal is None:
        raise RuntimeError("the rehearsal has ended")
    relay = ""
    for device in rehearsal.layout.devices:
        relay = str(device.site.gateway.ip)
        way = json.dumps({"relay": [{"network": relay, "protocol": "tcp", "port": 22}]})
        program = "/usr/local/lib/wingspan/wingspan_firewall.py"
        rehearsal.on(device, ["sh", "-c", f"echo '{way}' | {program}"])
    return relay


def locked(fleet: list[str | Path], devices: int) -> Cost:
    """Lock all devices, and have each prove it."""
    cost, answer = measured([*fleet, "lock", "XAA", "--level", "relay-only", "--yes", "--json"])
    if len(answer["proven"]) != devices:
        raise RuntimeError(f"{len(answer['proven'])} of {devices} devices proved it: {answer}")
    return cost


def during_a_sweep(fleet: list[str | Path], devices: int) -> Cost:
    """Lock all devices while they are being asked how they are."""
    sweep = subprocess.Popen([*fleet, "health"], stdout=subprocess.DEVNULL)
    try:
        return locked(fleet, devices)
    finally:
        sweep.wait()


def plainly(workspace: Path, relay: str, devices: int) -> Cost:
    """Lock the first devices by a playbook; none may fail."""
    from fleet.transport import transport_of  # noqa: PLC0415 - light, and only needed here
    from fleet.workspace import Workspace  # noqa: PLC0415

    with TemporaryDirectory(prefix="wingspan-benchmark-") as text:
        folder = Path(text)
        run([*PEER, "prepare", workspace, text])
        (folder / "rules.nft").write_text(_rules(relay), encoding="utf-8")
        words = [str(Path(sys.executable).with_name("ansible-playbook")), str(_PLAYBOOK)]
        words += ["-i", f"{folder}/inventory.ini", "-f", str(FORKS)]
        words += ["--limit", f"all[0:{devices - 1}]"]
        words += ["-e", f"rules={folder}/rules.nft", "-e", f"relay={relay}"]
        inside = transport_of(Workspace(workspace)).command(words)
        cost, _ = run(inside, plain_environment(folder))
    return cost


def _rules(relay: str) -> str:
    """Return the rules of a locked device, as its own program writes them."""
    given = {"level": "closed", "management": [], "allowed": []}
    given["relay"] = [{"network": relay, "protocol": "tcp", "port": 22}]
    words = "import json, sys, wingspan_firewall as w; print(w.rules(json.loads(sys.argv[1])))"
    command = [sys.executable, "-c", words, json.dumps(given)]
    done = subprocess.run(command, cwd=_FIREWALL.parent, check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    main()

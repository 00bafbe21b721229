"""How long it takes to lock a whole prison, and to have every device prove it.

    python -m benchmarks.lockdown [--small]

Needs root, for the rehearsal. The lock is ordered while a health sweep of the same devices runs;
it counts when each device has shown its rules, its screen, a forbidden connection that is shut,
and the way to its relay, under its own key.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.health import enrol
from benchmarks.measuring import WINGSPAN, aligned, measured

DEVICES = 200


def main() -> None:
    """Print the table."""
    devices = 24 if "--small" in sys.argv else DEVICES
    load = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}\n")
    with TemporaryDirectory(prefix="wingspan-benchmark-") as folder:
        workspace = Path(folder)
        key = workspace / "ben"
        keygen = shutil.which("ssh-keygen") or "ssh-keygen"
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        fleet = [WINGSPAN, "-C", workspace, "fleet"]
        hired = ["operator", "add", "ben", "--role", "operator", "--key", f"{key}.pub"]
        up = ["rehearse", "up", "--devices", str(devices), "--prisons", "1"]
        for words in (["init"], hired, up):
            subprocess.run([*fleet, *words], check=True, stdout=sys.stderr)
        try:
            enrol(workspace)
            settings = f'[fleet]\noperator = "ben"\nsigning_key = "{key}"\n'
            (workspace / "wingspan.toml").write_text(settings, encoding="utf-8")
            rows = [row(fleet, "alone", devices), row(fleet, "during a sweep", devices)]
        finally:
            subprocess.run([*fleet, "rehearse", "down"], check=True, stdout=sys.stderr)
    headings = ("locked and proven", "devices", "wall s", "CPU ms/device", "MB")
    print(aligned(headings, rows))


def row(fleet: list[str | Path], name: str, devices: int) -> tuple[str, ...]:
    """Lock all devices once, beside a sweep where the name says so, and return the line."""
    sweep = None
    if name != "alone":
        sweep = subprocess.Popen([*fleet, "health"], stdout=subprocess.DEVNULL)
    lock = [*fleet, "lock", "XAA", "--level", "relay-only", "--yes", "--json"]
    cost, answer = measured(lock)
    if sweep is not None:
        sweep.wait()
    if len(answer["proven"]) != devices:
        raise RuntimeError(f"{len(answer['proven'])} of {devices} devices proved it")
    return (
        name,
        str(devices),
        f"{cost.wall_s:.1f}",
        f"{cost.cpu_s / devices * 1000:.1f}",
        f"{cost.memory_mb:.0f}",
    )


if __name__ == "__main__":
    main()

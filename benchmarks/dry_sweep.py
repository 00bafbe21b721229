"""Sweep so many devices that only answer on paper: all of a sweep but its connections.

python benchmarks/dry_sweep.py FOLDER DEVICES
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.device import NewDevice
from fleet.health.checkup import check_up, desired_state, record
from fleet.health.facts import NUMBERS, TEXTS, read_report
from fleet.health.overview import summary
from fleet.health.probe import Outcome
from fleet.health.rules import read_rules
from fleet.health.sweep import sweep
from fleet.registry import Registry

if TYPE_CHECKING:
    from fleet.device import Device
    from fleet.health.probe import Patience

# What devices of one version say alike, and a number of their own.
SAID = dict.fromkeys(NUMBERS, 50) | {name: f"the same {name}" for name in TEXTS}


def ask(device: Device, _patience: Patience) -> Outcome:
    """Return a report as a device would send it."""
    now_s = time.time()
    said = SAID | {"schema": 1, "device": device.device, "nonce": device.nonce, "clock_s": now_s}
    said["battery_percent"] = int(device.serial[1:]) % 101
    answer = json.dumps(said).encode()
    return Outcome(device=device, report=read_report(answer, sent_s=now_s, received_s=now_s))


def main(folder: Path, count: int) -> int:
    """Sweep, judge, keep and write as JSON; return how many devices there were."""
    rules = read_rules(folder)
    with Registry.create(f"sqlite:///{folder}/fleet.db") as registry:
        new = [NewDevice(serial=f"S{number}") for number in range(count)]
        registry.add(new, by="benchmark", why="benchmark")
        devices = registry.devices()
        desired = desired_state(registry, devices)
        checkups = [
            check_up(outcome, desired[outcome.device.device], rules.policies)
            for outcome in sweep(devices, ask, rules.knocking)
        ]
        record(registry, checkups, rules.keeping, by="benchmark", scope="estate")
    shown = [checkup.facts for checkup in checkups]
    json.dumps([summary(checkups, seconds=0), shown], indent=2)
    return len(checkups)


if __name__ == "__main__":
    print(json.dumps({"devices": main(Path(sys.argv[1]), int(sys.argv[2]))}))

"""An estate of devices whose wire is simulated, and nothing else.

Each runs the program that real devices run: it checks signatures, roles, scope, provisioning and
expiry, acts once, and signs its proofs by a key of its own. What touches a machine (files, the
kernel's rules, systemd) is held in memory. Time is virtual; latencies are those of the lab.
"""

from __future__ import annotations

from fleet.simulator.estate import Simulation, simulate
from fleet.simulator.faults import Faults
from fleet.simulator.wire import SimulatedWire, asked

__all__ = ["Faults", "SimulatedWire", "Simulation", "asked", "simulate"]

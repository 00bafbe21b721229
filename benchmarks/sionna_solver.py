"""Trace one scene with Sionna RT: a scene as JSON on stdin, losses as JSON on stdout.

Runs under an interpreter that has sionna-rt and needs nothing of Wingspan. Dr.Jit aborts the
whole process where LLVM does not suit the processor, so whoever needs an answer runs this as a
process of its own.
"""

from __future__ import annotations

import json
import math
import sys
from time import process_time
from typing import Any

import numpy as np
from sionna import rt

SAMPLES = 1_000_000
DEPTH = 4
_POWER_MIN = 1e-30  # Where no path was found; the caller reads 300 dB as "none".


def main() -> None:
    """Answer the scene on stdin."""
    request = json.load(sys.stdin)
    start_s = process_time()
    losses_db = traced_losses_db(request)
    answer = {
        "sionna_rt": rt.__version__,
        "samples": SAMPLES,
        "depth": DEPTH,
        "cpu_s": process_time() - start_s,
        "loss_db": losses_db,
    }
    json.dump(answer, sys.stdout)


def traced_losses_db(request: dict[str, Any]) -> list[float | None]:
    """Return the loss to each receiver: isotropic antennas, the powers of all paths added up."""
    scene = rt.load_scene_from_string(request["xml"])
    scene.frequency = request["frequency_ghz"] * 1e9
    scene.tx_array = scene.rx_array = rt.PlanarArray(
        num_rows=1, num_cols=1, pattern="iso", polarization="V"
    )
    scene.add(rt.Transmitter("ap", position=request["access_point_m"]))
    for index, at_m in enumerate(request["receivers_m"]):
        scene.add(rt.Receiver(f"rx-{index}", position=at_m))
    solver = rt.PathSolver()
    paths = solver(scene, max_depth=DEPTH, samples_per_src=SAMPLES, seed=1)
    real, imaginary = (np.asarray(part) for part in paths.a)
    powers = (real**2 + imaginary**2).reshape(len(request["receivers_m"]), -1).sum(axis=1)
    return [
        round(-10 * math.log10(power), 2) if power > _POWER_MIN else None
        for power in powers.tolist()
    ]


if __name__ == "__main__":
    main()

"""Measure the radio model: its speed on a wing, and its losses beside a ray tracer's.

Usage: python benchmarks/radio.py. The ray tracer's losses are frozen in tests/golden by
benchmarks/sionna_scenes.py, with what they took.
"""

from __future__ import annotations

import json
import os
import platform
from itertools import product
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.measuring import aligned
from estate.model import Network, Space, Wall, WingShape
from estate.radio.fabric import Fabric
from estate.radio.paths import trace
from estate.radio.propagation import Propagation, path_loss_db
from estate.radio.scene import Scene, scene_of
from estate.typology import lay_out, read_typologies, spread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estate.radio.fabric import Floats
    from estate.radio.paths import Paths

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden"
CELLS, POSITIONS = 180, 60
BANDS_GHZ = (2.442, 5.5, 6.2)
RUNS = 3
AIM_TRACED_S, AIM_CACHED_S = 10.0, 1.0
EIRP_DBM, LEVEL_DBM = 23.0, -85.0
FITTED_ON = "concrete_under_gallery"
SCENES = (
    FITTED_ON,
    "brick_under_gallery",
    "concrete_atrium_top",
    "concrete_in_a_cell",
    "brick_in_a_cell",
)


def main() -> None:
    """Print one table after the other."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}; medians of {RUNS} runs"
    )
    for section in (speed, against_a_ray_tracer, bends):
        print(f"\n{section()}", flush=True)


def speed() -> str:
    """Measure a wing of each typology: 180 cells, 60 positions in cells and on landings."""
    rows = [(name, *_timed(name)) for name in read_typologies()]
    headings = (f"{CELLS} cells × {POSITIONS} positions", "from nothing s", "cached s", "aim")
    return aligned(headings, rows)


def against_a_ray_tracer() -> str:
    """Compare losses and time with Sionna RT: ours less its, mean and standard deviation."""
    rows = []
    for name in SCENES:
        golden = _golden(name)
        start_s = process_time()
        paths = _traced(golden)
        losses = path_loss_db(paths, frequency_ghz=golden["frequency_ghz"])
        ours_s = process_time() - start_s
        theirs_db = _theirs_db(golden)
        heard = ~np.isnan(theirs_db)
        chosen = EIRP_DBM - theirs_db > LEVEL_DBM
        ours_db = losses.total_db[0]
        rows.append(
            (
                f"{name}{' (fitted)' if name == FITTED_ON else ''}",
                f"{chosen.sum()}",
                _mean_and_spread(ours_db[chosen] - theirs_db[chosen]),
                f"{heard.sum()}",
                _mean_and_spread(ours_db[heard] - theirs_db[heard]),
                _mean_and_spread(losses.direct_db[0][heard] - theirs_db[heard]),
                f"{golden['cpu_s']:.0f}",
                f"{golden['cpu_s'] / ours_s:,.0f}",
            )
        )
    headings = ("Sionna RT", "> -85 dBm", "dB", "heard", "dB", "direct dB", "its CPU s", "ratio")
    return aligned(headings, rows)


def bends() -> str:
    """Say where the bend losses come from: the fit to one scene.

    The sum of two root mean squares is least: over the chosen cells, and over all that are heard.
    """
    golden = _golden(FITTED_ON)
    paths, theirs_db = _traced(golden), _theirs_db(golden)
    frequency_ghz = golden["frequency_ghz"]
    found = min(
        (_misfit_db(paths, theirs_db, frequency_ghz, bend_db), bend_db)
        for bend_db in product(range(16), range(10, 61))
    )
    stands = (Propagation().waypoint_bend_db, Propagation().portal_bend_db)
    now_db = _misfit_db(paths, theirs_db, frequency_ghz, stands)
    return (
        f"bends fitted on {FITTED_ON}: {found[1][0]} and {found[1][1]} dB per 90 degrees "
        f"(misfit {found[0]:.2f} dB); in use {stands[0]:g} and {stands[1]:g} ({now_db:.2f} dB)"
    )


def _timed(name: str) -> tuple[str, str, str]:
    """Return seconds from nothing and once cached, and whether both meet their aims."""
    typology = read_typologies()[name]
    shape = WingShape(
        typology=name,
        layout=spread(CELLS, typology=typology),
        material=typology.material,
        thickness_mm=typology.thickness_mm,
        distance_to_comms_m=0,
    )
    network = lay_out(shape)
    traced_s, cached_s = [], []
    for _ in range(RUNS):
        start_s = perf_counter()
        scene = scene_of(network, storey_height_m=typology.storey_height_m)
        access_points_m, receivers_m = _ends_m(scene)
        paths = trace(scene, access_points_m=access_points_m, receivers_m=receivers_m)
        path_loss_db(paths, frequency_ghz=BANDS_GHZ[0])
        traced_s.append(perf_counter() - start_s)
        start_s = perf_counter()
        for band_ghz in BANDS_GHZ[1:]:
            path_loss_db(paths, frequency_ghz=band_ghz)
        cached_s.append((perf_counter() - start_s) / (len(BANDS_GHZ) - 1))
    slow = median(traced_s) > AIM_TRACED_S or median(cached_s) > AIM_CACHED_S
    verdict = "missed" if slow else "met"
    return f"{median(traced_s):.2f}", f"{median(cached_s):.2f}", verdict


def _ends_m(scene: Scene) -> tuple[Floats, Floats]:
    """Return 60 positions, half in cells and half on landings, and the middle of each cell."""
    cells = [room for room in scene.rooms if room.kind == "cell"]
    high, low = (
        np.array([scene.middle_of(cell, height_m=height_m) for cell in cells])
        for height_m in (2.3, 1.0)
    )
    half = POSITIONS // 2
    chosen = [_evenly(points, half) for points in (high, scene.waypoints_m)]
    return np.vstack(chosen), low


def _evenly(points: Floats, count: int) -> Floats:
    return points[np.linspace(0, len(points) - 1, count).astype(int)]


def _golden(name: str) -> dict[str, Any]:
    path = GOLDEN / f"sionna_{name}.json"
    golden: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return golden


def _traced(golden: dict[str, Any]) -> Paths:
    material, thickness_mm = golden["material"], golden["thickness_mm"]
    network = Network(
        spaces=tuple(
            Space(space_id=f"space-{n}", floor=floor, kind=kind, outline=_outline(*bounds))
            for n, (kind, floor, *bounds) in enumerate(golden["spaces"])
        ),
        walls=tuple(
            Wall(
                wall_id=f"wall-{n}",
                floor=floor,
                material=material,
                thickness_mm=thickness_mm,
                start=(x0, y0),
                end=(x1, y1),
            )
            for n, (floor, x0, y0, x1, y1) in enumerate(golden["walls"])
        ),
    )
    scene = scene_of(
        network,
        storey_height_m=golden["storey_height_m"],
        floor_fabric=Fabric(material, float(thickness_mm)),
    )
    return trace(
        scene,
        access_points_m=np.array([golden["access_point_m"]]),
        receivers_m=np.array(golden["receivers_m"]),
    )


def _outline(x0: float, y0: float, x1: float, y1: float) -> tuple[tuple[float, float], ...]:
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def _theirs_db(golden: dict[str, Any]) -> Floats:
    return np.array([np.nan if loss is None else loss for loss in golden["loss_db"]])


def _misfit_db(
    paths: Paths, theirs_db: Floats, frequency_ghz: float, bend_db: tuple[float, float]
) -> float:
    propagation = Propagation(waypoint_bend_db=bend_db[0], portal_bend_db=bend_db[1])
    losses = path_loss_db(paths, frequency_ghz=frequency_ghz, propagation=propagation)
    off_db = losses.total_db[0] - theirs_db
    chosen, heard = EIRP_DBM - theirs_db > LEVEL_DBM, ~np.isnan(theirs_db)
    return sum(float(np.sqrt(np.mean(off_db[which] ** 2))) for which in (chosen, heard))


def _mean_and_spread(off_db: Iterable[float]) -> str:
    values = np.asarray(off_db)
    return f"{values.mean():+.1f} / {values.std():.1f}"


if __name__ == "__main__":
    main()

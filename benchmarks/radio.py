"""Measure the radio model: its speed, and its losses beside a ray tracer's and beside readings.

Usage: python benchmarks/radio.py. The ray tracer's losses are frozen in tests/golden by
benchmarks/sionna_scenes.py, with what they took. Readings are those of ../shared, if it is there,
taken by `wingspan estate import measurements` as anybody's would be.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measured_buildings import SITES, write_readings
from benchmarks.measuring import WINGSPAN, aligned
from estate.model import Network, Space, Wall, WingShape
from estate.radio.fabric import Fabric, Floats
from estate.radio.paths import Paths, trace
from estate.radio.propagation import Propagation, path_loss_db
from estate.radio.scene import Scene, scene_of
from estate.typology import lay_out, read_typologies, spread

if TYPE_CHECKING:
    from collections.abc import Iterable


GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden"
CELLS, POSITIONS = 180, 60
BANDS_GHZ = (2.442, 5.5, 6.2)
RUNS = 3
AIM_TRACED_S, AIM_CACHED_S = 10.0, 1.0
AIM_MEAN_DB, AIM_SPREAD_DB, AIM_RMSE_DB = 3.0, 6.0, 4.5
EIRP_DBM, LEVEL_DBM = 23.0, -85.0
SEEN = (
    "concrete_under_gallery",
    "brick_under_gallery",
    "concrete_atrium_top",
    "concrete_in_a_cell",
    "brick_in_a_cell",
)
BLIND = tuple(
    path.stem.removeprefix("sionna_") for path in sorted(GOLDEN.glob("sionna_blind_*.json"))
)
CELLS_MIN = 10  # Fewer cells say too little to fit to.
MEASURED = GOLDEN.parents[2] / "shared" / "bench" / "real" / "wifi_rss_rtt"


def main() -> None:
    """Print one table after the other."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}; medians of {RUNS} runs"
    )
    for section in (speed, against_a_ray_tracer, bends, measured_buildings):
        print(f"\n{section()}", flush=True)


def speed() -> str:
    """Measure a wing of each typology: 180 cells, 60 positions in cells and on landings."""
    rows = [(name, *_timed(name)) for name in read_typologies()]
    headings = (f"{CELLS} cells × {POSITIONS} positions", "from nothing s", "cached s", "aim")
    return aligned(headings, rows)


def against_a_ray_tracer() -> str:
    """Compare losses and time with Sionna RT: ours less its, mean and standard deviation.

    The bend losses were chosen with the first five scenes in sight; nothing was fitted to the
    blind ones.
    """
    rows = []
    for name in (*SEEN, *BLIND):
        golden = _golden(name)
        start_s = process_time()
        paths = _traced(golden)
        losses = path_loss_db(paths, frequency_ghz=golden["frequency_ghz"])
        ours_s = process_time() - start_s
        theirs_db = _theirs_db(golden)
        heard = ~np.isnan(theirs_db)
        chosen = EIRP_DBM - theirs_db > LEVEL_DBM
        ours_db = losses.total_db[0]
        few = "" if chosen.sum() >= CELLS_MIN else " (few)"
        rows.append(
            (
                f"{name}{' (seen)' if name in SEEN else ''}",
                f"{golden['frequency_ghz']:g}",
                f"{chosen.sum()}{few}",
                _mean_and_spread(ours_db[chosen] - theirs_db[chosen]),
                _verdict(ours_db[chosen] - theirs_db[chosen]),
                f"{heard.sum()}",
                _mean_and_spread(ours_db[heard] - theirs_db[heard]),
                _mean_and_spread(losses.direct_db[0][heard] - theirs_db[heard]),
                f"{golden['cpu_s']:.0f}",
                f"{golden['cpu_s'] / ours_s:,.0f}",
            )
        )
    headings = ("Sionna RT", "GHz", "> -85 dBm", "dB", "aim", "heard", "dB", "direct dB")
    return aligned((*headings, "its CPU s", "ratio"), rows)


def bends() -> str:
    """Fit the bend losses to all seen scenes but one, and judge them on that one.

    Least is the mean over the scenes fitted of the root mean square over their chosen cells.
    """
    scenes = {name: _Scene.of(name) for name in SEEN}
    grid = tuple(product(range(13), range(10, 61, 2)))
    misfits = {
        name: np.array([scene.misfit_db(pair) for pair in grid]) for name, scene in scenes.items()
    }
    enough = [name for name, scene in scenes.items() if scene.chosen.sum() >= CELLS_MIN]
    rows = []
    for held_out in SEEN:
        fitted_on = [name for name in enough if name != held_out]
        best = grid[int(np.argmin(sum(misfits[name] for name in fitted_on)))]
        scene = scenes[held_out]
        off_db = scene.off_db(best)[scene.chosen]
        rows.append((held_out, f"{best[0]} and {best[1]}", _mean_and_spread(off_db)))
    together = grid[int(np.argmin(sum(misfits[name] for name in enough)))]
    alone = {name: grid[int(np.argmin(misfits[name]))] for name in enough}
    stands = Propagation()
    said = (
        f"fitted to all: {together[0]} and {together[1]} dB per 90 degrees; to each alone: "
        f"{', '.join(f'{way} and {portal}' for way, portal in alone.values())}; in use: "
        f"{stands.waypoint_bend_db:g} and {stands.portal_bend_db:g}"
    )
    return aligned(("scene left out of the fit", "bends dB", "dB there"), rows) + f"\n{said}"


def measured_buildings() -> str:
    """Import readings of two buildings as a person would, and say how well they are predicted."""
    if not MEASURED.is_dir():
        return "measured buildings: ../shared is not here"
    rows = []
    with TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        wingspan = [str(WINGSPAN), "-C", str(workspace)]
        subprocess.run(
            [WINGSPAN, "init", workspace, "--from", "example"], check=True, capture_output=True
        )
        for site in SITES:
            file = Path(folder) / f"{site}.csv"
            write_readings(site, source=MEASURED, target=file)
            words = ["estate", "import", "measurements", str(file), "--site", site, "--json"]
            done = subprocess.run([*wingspan, *words], check=True, capture_output=True, text=True)
            found = json.loads(done.stdout)
            rows.append(
                (
                    site,
                    f"{found['readings']:,}",
                    f"{found['positions']}",
                    *(
                        f"{found[f'rmse_db_{step}']:.1f}"
                        for step in ("before", "levelled", "after")
                    ),
                    "met" if found["rmse_db_after"] <= AIM_RMSE_DB else "missed",
                )
            )
    headings = ("import measurements", "readings", "positions", "as assumed", "levels", "fitted")
    return aligned((*headings, f"aim {AIM_RMSE_DB:g} dB"), rows)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scene:
    """A ray-traced scene, and which of its cells count."""

    paths: Paths
    theirs_db: Floats
    frequency_ghz: float
    chosen: NDArray[np.bool_]

    @classmethod
    def of(cls, name: str) -> _Scene:
        golden = _golden(name)
        theirs_db = _theirs_db(golden)
        return cls(
            paths=_traced(golden),
            theirs_db=theirs_db,
            frequency_ghz=golden["frequency_ghz"],
            chosen=EIRP_DBM - theirs_db > LEVEL_DBM,
        )

    def off_db(self, bend_db: tuple[float, float]) -> Floats:
        """Return our losses less theirs with such bends."""
        propagation = Propagation(waypoint_bend_db=bend_db[0], portal_bend_db=bend_db[1])
        losses = path_loss_db(self.paths, frequency_ghz=self.frequency_ghz, propagation=propagation)
        off_db: Floats = losses.total_db[0] - self.theirs_db
        return off_db

    def misfit_db(self, bend_db: tuple[float, float]) -> float:
        """Return the root mean square over the chosen cells."""
        return float(np.sqrt(np.mean(self.off_db(bend_db)[self.chosen] ** 2)))


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


def _verdict(off_db: Floats) -> str:
    return (
        "met" if abs(off_db.mean()) <= AIM_MEAN_DB and off_db.std() <= AIM_SPREAD_DB else "missed"
    )


def _mean_and_spread(off_db: Iterable[float]) -> str:
    values = np.asarray(off_db)
    return f"{values.mean():+.1f} / {values.std():.1f}"


if __name__ == "__main__":
    main()

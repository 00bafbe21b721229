"""Small networks whose losses can be worked out by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from estate.model import Door, Network, Space, Wall
from estate.radio.fabric import Fabric
from estate.radio.scene import scene_of

GOLDEN = Path(__file__).parents[2] / "golden"
STOREY_M = 3.0


def rectangle(x0, y0, x1, y1):
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def row_network(cells=3, *, floors=1, doors=False, material="concrete", thickness_mm=200):
    """Return cells 3 m wide and 4 m deep, from y = 0 to 4, with a landing 2 m wide before them.

    Walls stand on the outlines. Cell n begins at x = 3n and its door is in its middle.
    """
    length_m = 3.0 * cells
    spaces, walls, openings = [], [], []
    for floor in range(floors):
        landing = f"landing-{floor}"
        outline = rectangle(0, -2, length_m, 0)
        spaces.append(Space(space_id=landing, floor=floor, kind="landing", outline=outline))
        lines = [((0, y), (length_m, y)) for y in (-2.0, 0.0, 4.0)]
        lines += [((3.0 * n, 0.0), (3.0 * n, 4.0)) for n in range(cells + 1)]
        lines += [((x, -2.0), (x, 0.0)) for x in (0.0, length_m)]
        walls += [
            Wall(
                wall_id=f"wall-{floor}-{number}",
                floor=floor,
                material=material,
                thickness_mm=thickness_mm,
                start=start,
                end=end,
            )
            for number, (start, end) in enumerate(lines)
        ]
        for cell in range(cells):
            name = f"cell-{floor}-{cell}"
            outline = rectangle(3.0 * cell, 0, 3.0 * cell + 3.0, 4)
            spaces.append(Space(space_id=name, floor=floor, kind="cell", outline=outline))
            openings.append(
                Door(
                    door_id=f"door-{floor}-{cell}",
                    floor=floor,
                    at=(3.0 * cell + 1.5, 0.0),
                    from_space=name,
                    to_space=landing,
                )
            )
    return Network(spaces=tuple(spaces), walls=tuple(walls), doors=tuple(openings) if doors else ())


@pytest.fixture(scope="session")
def row():
    """Return a function that makes the scene of a row of cells."""

    def make(cells=3, **facts):
        return scene_of(row_network(cells, **facts), storey_height_m=STOREY_M)

    return make


@pytest.fixture(scope="session")
def row_of_cells():
    """Return the function that makes the network of a row of cells."""
    return row_network


@pytest.fixture(params=sorted(path.stem for path in GOLDEN.glob("sionna_*.json")))
def ray_traced(request):
    """Return a ray-traced scene: its name, scene, access point, receivers and losses."""
    return read_golden(request.param)


@pytest.fixture(scope="session")
def ray_traced_names():
    """Return the names of all ray-traced scenes."""
    return sorted(path.stem for path in GOLDEN.glob("sionna_*.json"))


@pytest.fixture(scope="session")
def read_ray_traced():
    """Return the function that reads a ray-traced scene by its name."""
    return read_golden


def read_golden(name):
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    facts = {"material": golden["material"], "thickness_mm": golden["thickness_mm"]}
    network = Network(
        spaces=tuple(
            Space(space_id=f"space-{n}", floor=floor, kind=kind, outline=rectangle(*bounds))
            for n, (kind, floor, *bounds) in enumerate(golden["spaces"])
        ),
        walls=tuple(
            Wall(wall_id=f"wall-{n}", floor=floor, start=(x0, y0), end=(x1, y1), **facts)
            for n, (floor, x0, y0, x1, y1) in enumerate(golden["walls"])
        ),
    )
    scene = scene_of(
        network,
        storey_height_m=golden["storey_height_m"],
        floor_fabric=Fabric(golden["material"], float(golden["thickness_mm"])),
    )
    return {
        "name": name,
        "scene": scene,
        "frequency_ghz": golden["frequency_ghz"],
        "access_points_m": np.array([golden["access_point_m"]]),
        "receivers_m": np.array(golden["receivers_m"]),
        # Where the ray tracer found no path at all there is nothing to compare.
        "loss_db": np.array([np.nan if loss is None else loss for loss in golden["loss_db"]]),
    }

"""Rebuild the scenes that a ray tracer judges us by, and freeze its losses as JSON.

    python -m venv /tmp/sionna && /tmp/sionna/bin/pip install sionna-rt
    python benchmarks/sionna_scenes.py --python /tmp/sionna/bin/python

Dr.Jit needs an LLVM that suits the processor: on Debian 12 with AVX-512 that is libllvm19, named
in DRJIT_LIBLLVM_PATH. The answers stand in tests/golden and are compared without sionna-rt.

Three landings of 30 cells, 2.5 m by 4 m and 2.6 m high, stand on both sides of a landing 6 m
wide; above the lowest it is two galleries of 1.4 m and a void. Every wall, floor and roof is
one rectangle of the stated material, doors are left out, and each cell has one receiver at its
centre. The first three scenes follow a wing that was described to us in words and not drawn: the
cells behind one wall are as many as there (7, and 4 from the atrium's top), and the direct path is
as far off behind one, two and three walls; behind more the counts differ by a few cells. The two
with the access point in a cell are ours.

The bend losses were chosen with those five in sight. The BLIND scenes were traced afterwards and
nothing was fitted to them: other bands in the same wing, and one landing of 20 cells on both sides
of a corridor 3 m wide.
"""

from __future__ import annotations

import json
import subprocess
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden"
SOLVER = Path(__file__).with_name("sionna_solver.py")

CELLS_A_SIDE, LANDINGS = 15, 3
CELL_M, DEPTH_M, STOREY_M = 2.5, 4.0, 2.6
LANDING_M, GALLERY_M = 6.0, 1.4
LENGTH_M = CELLS_A_SIDE * CELL_M
CORRIDOR_CELLS_A_SIDE, CORRIDOR_M = 10, 3.0

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One scene: what the wing is built of, and where its access point is."""

    name: str
    material: str
    thickness_mm: int
    access_point_m: tuple[float, float, float]
    frequency_ghz: float = 5.5
    corridor: bool = False


UNDER_GALLERY_M = (0.7, LENGTH_M / 2, 2.4)
ATRIUM_TOP_M = (3.0, 12.5, 7.4)
IN_A_CELL_M = (-2.0, LENGTH_M / 2, 2.2)
IN_THE_CORRIDOR_M = (CORRIDOR_M / 2, CORRIDOR_CELLS_A_SIDE * CELL_M / 2, 2.4)
SETTINGS = (
    Setting(
        name="concrete_under_gallery",
        material="concrete",
        thickness_mm=200,
        access_point_m=UNDER_GALLERY_M,
    ),
    Setting(
        name="brick_under_gallery",
        material="brick",
        thickness_mm=330,
        access_point_m=UNDER_GALLERY_M,
    ),
    Setting(
        name="concrete_atrium_top",
        material="concrete",
        thickness_mm=200,
        access_point_m=ATRIUM_TOP_M,
    ),
    Setting(
        name="concrete_in_a_cell",
        material="concrete",
        thickness_mm=200,
        access_point_m=IN_A_CELL_M,
    ),
    Setting(
        name="brick_in_a_cell",
        material="brick",
        thickness_mm=330,
        access_point_m=IN_A_CELL_M,
    ),
    *(
        Setting(
            name=f"blind_{material}_under_gallery_{band}",
            material=material,
            thickness_mm=thickness_mm,
            access_point_m=UNDER_GALLERY_M,
            frequency_ghz=frequency_ghz,
        )
        for material, thickness_mm in (("concrete", 200), ("brick", 330))
        for band, frequency_ghz in (("2_4_ghz", 2.442), ("6_ghz", 6.2))
    ),
    *(
        Setting(
            name=f"blind_{material}_corridor",
            material=material,
            thickness_mm=thickness_mm,
            access_point_m=IN_THE_CORRIDOR_M,
            corridor=True,
        )
        for material, thickness_mm in (("concrete", 200), ("brick", 215))
    ),
)


def main() -> None:
    """Trace every scene in a process of its own, and write what came back."""
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--python", required=True, help="an interpreter that has sionna-rt")
    names = [setting.name for setting in SETTINGS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="some scenes")
    chosen = parser.parse_args()
    for setting in SETTINGS:
        if setting.name not in chosen.only:
            continue
        scene = described(setting)
        answer = traced(scene, python=chosen.python)
        path = GOLDEN / f"sionna_{setting.name}.json"
        path.write_text(_compact_json(scene | answer), encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {answer['cpu_s']:.1f} CPU s")


def described(setting: Setting) -> dict[str, Any]:
    """Return the scene as plain values: metres, x across the landing, y along it."""
    floors = range(1 if setting.corridor else LANDINGS)
    drawn = corridor_spaces if setting.corridor else spaces
    standing = corridor_walls() if setting.corridor else walls()
    return {
        "name": setting.name,
        "material": setting.material,
        "thickness_mm": setting.thickness_mm,
        "frequency_ghz": setting.frequency_ghz,
        "storey_height_m": STOREY_M,
        "access_point_m": list(setting.access_point_m),
        "spaces": [list(space) for floor in floors for space in drawn(floor)],
        "walls": [[floor, *wall] for floor in floors for wall in standing],
        "receivers_m": [
            [(x0 + x1) / 2, (y0 + y1) / 2, (floor + 0.5) * STOREY_M]
            for floor in floors
            for kind, _, x0, y0, x1, y1 in drawn(floor)
            if kind == "cell"
        ],
    }


def spaces(floor: int) -> list[tuple[str, int, float, float, float, float]]:
    """Return (kind, floor, x0, y0, x1, y1) of the spaces of a floor of the wing."""
    found = cells(floor, across_m=LANDING_M, count=CELLS_A_SIDE)
    if floor == 0:
        return [*found, ("landing", floor, 0.0, 0.0, LANDING_M, LENGTH_M)]
    void_m = LANDING_M - GALLERY_M
    return [
        *found,
        ("landing", floor, 0.0, 0.0, GALLERY_M, LENGTH_M),
        ("landing", floor, void_m, 0.0, LANDING_M, LENGTH_M),
        ("atrium", floor, GALLERY_M, 0.0, void_m, LENGTH_M),
    ]


def corridor_spaces(floor: int) -> list[tuple[str, int, float, float, float, float]]:
    """Return the spaces of the one landing along a corridor."""
    length_m = CORRIDOR_CELLS_A_SIDE * CELL_M
    return [
        *cells(floor, across_m=CORRIDOR_M, count=CORRIDOR_CELLS_A_SIDE),
        ("landing", floor, 0.0, 0.0, CORRIDOR_M, length_m),
    ]


def cells(
    floor: int, *, across_m: float, count: int
) -> list[tuple[str, int, float, float, float, float]]:
    """Return the cells on both sides of a landing so wide."""
    return [
        ("cell", floor, x0, row * CELL_M, x0 + DEPTH_M, (row + 1) * CELL_M)
        for x0 in (-DEPTH_M, across_m)
        for row in range(count)
    ]


def walls() -> list[Rectangle]:
    """Return (x0, y0, x1, y1) of the walls of any floor of the wing."""
    return walls_along(across_m=LANDING_M, count=CELLS_A_SIDE)


def corridor_walls() -> list[Rectangle]:
    """Return the walls of the landing along a corridor."""
    return walls_along(across_m=CORRIDOR_M, count=CORRIDOR_CELLS_A_SIDE)


def walls_along(*, across_m: float, count: int) -> list[Rectangle]:
    """Return the walls of cells on both sides of a landing so wide, and those at its ends."""
    length_m = count * CELL_M
    across = (-DEPTH_M, 0.0, across_m, across_m + DEPTH_M)
    lengthwise = [(x, 0.0, x, length_m) for x in across]
    party = [
        (x, row * CELL_M, x + DEPTH_M, row * CELL_M)
        for x in (-DEPTH_M, across_m)
        for row in range(count + 1)
    ]
    return [*lengthwise, *party, (0.0, 0.0, across_m, 0.0), (0.0, length_m, across_m, length_m)]


def traced(scene: dict[str, Any], *, python: str) -> dict[str, Any]:
    """Return the solver's answer.

    Raises
    ------
    RuntimeError
        When the process ends badly, as it does where LLVM does not suit the processor.
    """
    wanted = ("frequency_ghz", "access_point_m", "receivers_m")
    request = {key: scene[key] for key in wanted} | {"xml": _as_xml(scene)}
    finished = subprocess.run(
        [python, SOLVER], input=json.dumps(request), capture_output=True, text=True, check=False
    )
    if finished.returncode:
        raise RuntimeError(f"sionna-rt ended with {finished.returncode}:\n{finished.stderr}")
    answer: dict[str, Any] = json.loads(finished.stdout)
    return answer


def _as_xml(scene: dict[str, Any]) -> str:
    """Return the scene as Mitsuba reads it."""
    top = max(floor for _, floor, *_ in scene["spaces"])
    shapes = [_wall(*wall) for wall in scene["walls"]]
    shapes += [
        _level(floor * STOREY_M, *bounds)
        for kind, floor, *bounds in scene["spaces"]
        if kind != "atrium"
    ]
    shapes += [
        _level((top + 1) * STOREY_M, *bounds)
        for _, floor, *bounds in scene["spaces"]
        if floor == top
    ]
    material = (
        '<bsdf type="itu-radio-material" id="fabric">'
        f'<string name="type" value="{scene["material"]}"/>'
        f'<float name="thickness" value="{scene["thickness_mm"] / 1000}"/></bsdf>'
    )
    return f'<scene version="2.1.0">{material}{"".join(shapes)}</scene>'


def _wall(floor: int, x0: float, y0: float, x1: float, y1: float) -> str:
    # Mitsuba's rectangle runs from -1 to 1 in x and y; its columns here are half the wall's
    # length, half its height, its normal and its middle.
    run = ((x1 - x0) / 2, (y1 - y0) / 2, 0.0)
    length_m = (run[0] ** 2 + run[1] ** 2) ** 0.5
    normal = (run[1] / length_m, -run[0] / length_m, 0.0)
    middle = ((x0 + x1) / 2, (y0 + y1) / 2, (floor + 0.5) * STOREY_M)
    return _rectangle(run, (0.0, 0.0, STOREY_M / 2), normal, middle)


def _level(height_m: float, x0: float, y0: float, x1: float, y1: float) -> str:
    middle = ((x0 + x1) / 2, (y0 + y1) / 2, height_m)
    return _rectangle(((x1 - x0) / 2, 0.0, 0.0), (0.0, (y1 - y0) / 2, 0.0), (0, 0, 1.0), middle)


def _rectangle(*columns: tuple[float, float, float]) -> str:
    rows = " ".join(" ".join(str(part) for part in row) for row in zip(*columns, strict=True))
    return (
        '<shape type="rectangle"><transform name="to_world">'
        f'<matrix value="{rows} 0 0 0 1"/></transform>'
        '<ref id="fabric" name="bsdf"/></shape>'
    )


def _compact_json(value: dict[str, Any]) -> str:
    """Return JSON with one line for each key."""
    lines = [f"{json.dumps(key)}: {json.dumps(part)}" for key, part in value.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main()

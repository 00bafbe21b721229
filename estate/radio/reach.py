"""How many cells one access point reaches: the stated rule of the first plan.

The rule is wrong in these ways, on purpose and in plain sight: only walls on the straight line
count (right for one wall, pessimistic beyond it); doors, furniture, ducts and floors are left
out, so no cell above or below is ever served; every wall is a homogeneous slab at 5.5 GHz. No
design rests on it: designs are compared with what it would have built.
"""

from __future__ import annotations

from math import atan2, degrees, hypot

from estate.radio.slab import MATERIALS, free_space_loss_db, slab_loss_db

FREQUENCY_GHZ = 5.5


def cells_reached_from_a_cell(
    *, material: str, thickness_mm: float, pitch_m: float, loss_db_max: float
) -> int:
    """Return the cells that an access point in a cell serves: its own and as many each side.

    The neighbour k cells away is behind k party walls and k pitches off.
    """
    wall_db = slab_loss_db(
        MATERIALS[material], thickness_mm=thickness_mm, frequency_ghz=FREQUENCY_GHZ
    )
    sides = 0
    while _loss_db((sides + 1) * pitch_m) + (sides + 1) * wall_db <= loss_db_max:
        sides += 1
    return 1 + 2 * sides


def cells_reached_from_a_landing(
    *,
    material: str,
    thickness_mm: float,
    pitch_m: float,
    landing_width_m: float,
    loss_db_max: float,
) -> int:
    """Return the cells that an access point in the middle of a landing serves, both sides.

    A cell is served when its front wall at the slant of the path and the path itself lose no
    more than the budget. The slant raises the loss of the slab, never by 1/cos.
    """
    half_m = landing_width_m / 2
    along_m = pitch_m / 2
    columns = 0
    while True:
        path_m = hypot(half_m, along_m)
        angle_deg = degrees(atan2(along_m, half_m))
        wall_db = slab_loss_db(
            MATERIALS[material],
            thickness_mm=thickness_mm,
            frequency_ghz=FREQUENCY_GHZ,
            angle_deg=angle_deg,
        )
        if _loss_db(path_m) + wall_db > loss_db_max:
            return 4 * columns  # Both ways along the landing, both sides of it.
        columns += 1
        along_m += pitch_m


def _loss_db(distance_m: float) -> float:
    return free_space_loss_db(distance_m=distance_m, frequency_ghz=FREQUENCY_GHZ)

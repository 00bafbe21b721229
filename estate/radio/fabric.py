"""What a wall, a door or a floor costs a signal at each angle, looked up instead of worked out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from estate.errors import InputError
from estate.radio.materials import read_materials
from estate.radio.slab import slab_losses_db

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Where a room opens onto a landing without any wall.
OPENING = "opening"

# A door is not a slab: closed metal lets nothing through, and what does pass goes through its
# gaps and vision panel. Its loss is a parameter, the same at every angle.
DOOR = "door"

_COSINES = np.linspace(1e-3, 1.0, 4001)  # Fine enough for 0.01 dB up to 85 degrees.


@dataclass(frozen=True, slots=True, order=True)
class Fabric:
    """A material and how thick it is; a door has no thickness of its own."""

    material: str
    thickness_mm: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossTable:
    """The loss of each fabric of a scene in one band, by the cosine of the angle, (f, 4001)."""

    by_fabric_db: Floats

    @classmethod
    def of(
        cls,
        fabrics: Sequence[Fabric],
        *,
        frequency_ghz: float,
        door_loss_db: float,
        extra_db: Mapping[str, float],
    ) -> LossTable:
        """Return the table; `extra_db` is what measurement adds to each wall of a material.

        Raises
        ------
        InputError
            When a material is not in the table of materials.
        """
        flat_db = {DOOR: door_loss_db, OPENING: 0.0}
        rows = [
            np.full_like(_COSINES, flat_db[fabric.material])
            if fabric.material in flat_db
            else _slab_db(fabric, frequency_ghz=frequency_ghz) + extra_db.get(fabric.material, 0)
            for fabric in fabrics
        ]
        # No wall amplifies, whatever a fit may say.
        rows = [np.maximum(row_db, 0) for row_db in rows]
        return cls(by_fabric_db=np.array(rows).reshape(len(fabrics), len(_COSINES)))

    def losses_db(self, fabric: Ints, *, cosine: NDArray[np.floating[Any]]) -> Floats:
        """Return the loss of each crossing, given which fabric and at what angle."""
        losses_db = np.empty(cosine.shape)
        for index, row_db in enumerate(self.by_fabric_db):
            chosen = fabric == index
            losses_db[chosen] = np.interp(cosine[chosen], _COSINES, row_db)
        return losses_db


@lru_cache(maxsize=64)
def _slab_db(fabric: Fabric, *, frequency_ghz: float) -> Floats:
    known = read_materials()
    if fabric.material not in known:
        what = f"a wall is of {fabric.material!r}, of which no radio constants are known"
        raise InputError(what, hint=f"use one of {', '.join(known)}")
    losses_db = slab_losses_db(
        known[fabric.material],
        thickness_mm=fabric.thickness_mm,
        frequency_ghz=frequency_ghz,
        cosines=_COSINES,
    )
    losses_db.setflags(write=False)  # Every caller gets the same array.
    return losses_db

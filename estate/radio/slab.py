"""The loss of one wall, as a homogeneous slab after Recommendation ITU-R P.2040.

An isolated wall: no rebar, moisture, mortar or cavity, and no door. Thin slabs of little loss
resonate, so the result is good to about 2 dB for glass and brick.
"""

from __future__ import annotations

from math import cos, log10, pi, radians
from typing import TYPE_CHECKING

import numpy as np

from estate.radio.materials import Material, read_materials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Complexes = NDArray[np.complex128]

__all__ = ["MATERIALS", "Material", "free_space_loss_db", "slab_loss_db", "slab_losses_db"]

_LIGHT_M_PER_S = 299_792_458.0

# Closed metal lets nothing through; the gaps that do carry some signal are not the slab's.
_POWER_MIN = 1e-15

MATERIALS: Mapping[str, Material] = read_materials()


def slab_loss_db(
    material: Material, *, thickness_mm: float, frequency_ghz: float, angle_deg: float = 0.0
) -> float:
    """Return the transmission loss of a slab, the mean of TE and TM power.

    Equations 37a, 37b, 43b and 44 of ITU-R P.2040; the angle is from the normal.
    """
    cosines = np.array([cos(radians(angle_deg))])
    losses_db = slab_losses_db(
        material, thickness_mm=thickness_mm, frequency_ghz=frequency_ghz, cosines=cosines
    )
    return float(losses_db[0])


def slab_losses_db(
    material: Material, *, thickness_mm: float, frequency_ghz: float, cosines: Floats
) -> Floats:
    """Return the loss at each cosine of the angle from the normal, as `slab_loss_db` does."""
    te, tm = polarised_powers(
        material, thickness_mm=thickness_mm, frequency_ghz=frequency_ghz, cosines=cosines
    )
    losses_db: Floats = -10 * np.log10(np.maximum((te + tm) / 2, _POWER_MIN))
    return losses_db


def polarised_powers(
    material: Material, *, thickness_mm: float, frequency_ghz: float, cosines: Floats
) -> tuple[Floats, Floats]:
    """Return the share of power that passes, TE and TM, at each cosine from the normal."""
    eta = material.permittivity(frequency_ghz)
    inside: Complexes = np.sqrt(eta - (1 - cosines**2))
    q = 2 * pi * thickness_mm / 1000 * frequency_ghz * 1e9 / _LIGHT_M_PER_S * inside
    te = (cosines - inside) / (cosines + inside)
    tm = (eta * cosines - inside) / (eta * cosines + inside)
    return _passed(te, q), _passed(tm, q)


def free_space_loss_db(*, distance_m: float, frequency_ghz: float) -> float:
    """Return the free-space loss 20 log10(4 pi d f / c)."""
    return 20 * log10(4 * pi * distance_m * frequency_ghz * 1e9 / _LIGHT_M_PER_S)


def _passed(reflection: Complexes, q: Complexes) -> Floats:
    """Return |T|^2 of equation 43b for the reflection at one face."""
    transmitted = (1 - reflection**2) * np.exp(-1j * q) / (1 - reflection**2 * np.exp(-2j * q))
    passed: Floats = np.abs(transmitted) ** 2
    return passed

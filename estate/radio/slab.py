"""The loss of one wall, as a homogeneous slab after Recommendation ITU-R P.2040.

Only what the first coverage rule needs: an isolated wall, no rebar, moisture, cavity or door.
"""

from __future__ import annotations

from cmath import cos, exp, sin, sqrt
from dataclasses import dataclass
from math import log10, pi, radians

_LIGHT_M_PER_S = 299_792_458.0
_VACUUM_PERMITTIVITY_F_PER_M = 8.8541878128e-12

# Closed metal lets nothing through; the gaps that do carry some signal are not the slab's.
_POWER_MIN = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Constants of ITU-R P.2040-4 (09/2025) Table 3, with f in GHz.

    The relative permittivity is a f^b and the conductivity c f^d S/m.
    """

    a: float
    b: float
    c: float
    d: float

    def permittivity(self, frequency_ghz: float) -> complex:
        """Return the complex relative permittivity."""
        conductivity_s_per_m = self.c * frequency_ghz**self.d
        angular_hz = 2 * pi * frequency_ghz * 1e9
        loss = conductivity_s_per_m / (angular_hz * _VACUUM_PERMITTIVITY_F_PER_M)
        return complex(self.a * frequency_ghz**self.b, -loss)


# ITU-R P.2040-4 Table 3. Stone is read as marble, the only stone in the table; the walls of steel
# modular units as closed metal, the cautious reading: both are assumptions.
MATERIALS = {
    "concrete": Material(a=5.24, b=0, c=0.0462, d=0.7822),
    "brick": Material(a=3.91, b=0, c=0.0238, d=0.16),
    "stone": Material(a=7.074, b=0, c=0.0055, d=0.9262),
    "plasterboard": Material(a=2.73, b=0, c=0.0085, d=0.9395),
    "steel_modular": Material(a=1, b=0, c=1e7, d=0),
    "timber": Material(a=1.99, b=0, c=0.0047, d=1.0718),
}


def slab_loss_db(
    material: Material, *, thickness_mm: float, frequency_ghz: float, angle_deg: float = 0.0
) -> float:
    """Return the transmission loss of a slab, the mean of TE and TM power.

    Equations 37a, 37b, 43b and 44 of ITU-R P.2040; the angle is from the normal.
    """
    eta = material.permittivity(frequency_ghz)
    theta = radians(angle_deg)
    inside = sqrt(eta - sin(theta) ** 2)
    q = 2 * pi * thickness_mm / 1000 * frequency_ghz * 1e9 / _LIGHT_M_PER_S * inside
    te = (cos(theta) - inside) / (cos(theta) + inside)
    tm = (eta * cos(theta) - inside) / (eta * cos(theta) + inside)
    powers = [abs((1 - r**2) * exp(-1j * q) / (1 - r**2 * exp(-2j * q))) ** 2 for r in (te, tm)]
    return -10 * log10(max(sum(powers) / 2, _POWER_MIN))


def free_space_loss_db(*, distance_m: float, frequency_ghz: float) -> float:
    """Return the free-space loss 20 log10(4 pi d f / c)."""
    return 20 * log10(4 * pi * distance_m * frequency_ghz * 1e9 / _LIGHT_M_PER_S)

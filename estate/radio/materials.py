"""What walls and floors are made of: the constants of Recommendation ITU-R P.2040."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from math import pi
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLE = Path(__file__).with_name("data") / "materials.csv"
_VACUUM_PERMITTIVITY_F_PER_M = 8.8541878128e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Constants of ITU-R P.2040 Table 3, with f in GHz.

    The relative permittivity is a f^b and the conductivity c f^d S/m. `edition` says which table
    they stand in, and `note` what reading this material as that one leaves out.
    """

    a: float
    b: float
    c: float
    d: float
    edition: str = ""
    note: str = ""

    def permittivity(self, frequency_ghz: float) -> complex:
        """Return the complex relative permittivity, eps_r - j sigma / (2 pi f eps_0)."""
        conductivity_s_per_m = self.c * frequency_ghz**self.d
        angular_hz = 2 * pi * frequency_ghz * 1e9
        loss = conductivity_s_per_m / (angular_hz * _VACUUM_PERMITTIVITY_F_PER_M)
        return complex(self.a * frequency_ghz**self.b, -loss)


@lru_cache(maxsize=1)
def read_materials() -> Mapping[str, Material]:
    """Return the shipped materials by the name that a wall gives."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return MappingProxyType({row["material"]: _material(row) for row in csv.DictReader(file)})


def _material(row: Mapping[str, str]) -> Material:
    a, b, c, d = (float(row[name]) for name in "abcd")
    return Material(a=a, b=b, c=c, d=d, edition=row["edition"], note=row["note"])

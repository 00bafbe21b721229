"""Designs that were made before, kept in files that may be deleted at any time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from estate.cabling.values import WingDesign
from estate.catalogue import Assumptions, Catalogue
from reports.files import write_text

if TYPE_CHECKING:
    from estate.model import Network, WingShape

# All that a design is made from: it is given these and nothing else, so none can be forgotten.
_ASSUMPTIONS = ("radio_", "demand_")
_NAMED = frozenset(
    {
        "cells_per_access_point_airtime",
        "containment_temperature_c",
        "permanent_link_m",
        "spare_ports",
        "switches_per_cabinet",
    }
)
_PACKAGE = "wing network"

_SOURCES = (
    "design.py",
    "model.py",
    "network.py",
    "cabling/*.py",
    "optimise/**/*.py",
    "radio/**/*",
    "typology/*.py",
    "data/cabling_rules.csv",
    "data/typologies.csv",
)
_ENGINES = ("networkx", "numpy", "ortools", "scipy", "shapely")


def design_catalogue(catalogue: Catalogue) -> Catalogue:
    """Return the rates and assumptions that a design depends on, and no other."""
    return Catalogue(
        rates={i: rate for i, rate in catalogue.rates.items() if rate.package == _PACKAGE},
        assumptions=Assumptions(
            {
                key: assumption
                for key, assumption in catalogue.assumptions.by_key.items()
                if key in _NAMED or key.startswith(_ASSUMPTIONS)
            }
        ),
        appraisal_years=catalogue.appraisal_years,
    )


@dataclass(frozen=True, slots=True)
class DesignCache:
    """Designs by what they were made from, the program included, in a folder of JSON files."""

    folder: Path

    def find(
        self, shape: WingShape, catalogue: Catalogue, network: Network | None
    ) -> WingDesign | None:
        """Return the design that was kept, None where there is none that can be read."""
        try:
            content = self._path(shape, catalogue, network).read_bytes()
            return msgspec.json.decode(content, type=WingDesign)
        except (OSError, msgspec.MsgspecError):
            return None

    def keep(
        self,
        design: WingDesign,
        shape: WingShape,
        catalogue: Catalogue,
        network: Network | None,
    ) -> None:
        """Keep a design; where the folder cannot be written to it is made anew the next time."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self._path(shape, catalogue, network)
            write_text(path, msgspec.json.encode(design).decode())
        except OSError:
            return

    def _path(self, shape: WingShape, catalogue: Catalogue, network: Network | None) -> Path:
        facts = (
            shape,
            network,
            [(item, rate.rate, rate.life_years) for item, rate in sorted(catalogue.rates.items())],
            sorted(((a.key, a.value) for a in catalogue.assumptions), key=lambda pair: pair[0]),
            catalogue.appraisal_years,
            program_digest(),
        )
        return self.folder / f"{sha256(msgspec.json.encode(facts)).hexdigest()[:32]}.json"


@lru_cache(maxsize=1)
def program_digest() -> str:
    """Return a name for all code and shipped data that designs come from, and its engines."""
    root = Path(__file__).resolve().parents[1]
    digest = sha256()
    for pattern in _SOURCES:
        for path in sorted(root.glob(pattern)):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(f"{path.relative_to(root)}\n".encode())
                digest.update(path.read_bytes())
    digest.update(" ".join(version(name) for name in _ENGINES).encode())
    return digest.hexdigest()

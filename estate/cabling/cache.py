"""Designs that were made before, kept in files that may be deleted at any time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from estate.cabling.values import WingDesign
from estate.catalogue import Assumptions, Catalogue
from reports.files import write_text

if TYPE_CHECKING:
    from estate.block import Block
    from estate.model import Network, WingShape

T = TypeVar("T")

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
    "block.py",
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
        return _read(self._path((shape, network), catalogue), WingDesign)

    def find_block(self, block: Block, catalogue: Catalogue) -> tuple[WingDesign, ...] | None:
        """Return the designs of wings that are one problem, None where they cannot be read."""
        return _read(self._path(block, catalogue), tuple[WingDesign, ...])

    def keep(
        self,
        design: WingDesign,
        shape: WingShape,
        catalogue: Catalogue,
        network: Network | None,
    ) -> None:
        """Keep a design; where the folder cannot be written to it is made anew the next time."""
        self._write(design, self._path((shape, network), catalogue))

    def keep_block(
        self, designs: tuple[WingDesign, ...], block: Block, catalogue: Catalogue
    ) -> None:
        """Keep the designs of wings that are one problem, as `keep` does."""
        self._write(designs, self._path(block, catalogue))

    def _write(self, made: object, path: Path) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_text(path, msgspec.json.encode(made).decode())
        except OSError:
            return

    def _path(self, what: object, catalogue: Catalogue) -> Path:
        facts = (
            what,
            [(item, rate.rate, rate.life_years) for item, rate in sorted(catalogue.rates.items())],
            sorted(((a.key, a.value) for a in catalogue.assumptions), key=lambda pair: pair[0]),
            catalogue.appraisal_years,
            program_digest(),
        )
        return self.folder / f"{sha256(msgspec.json.encode(facts)).hexdigest()[:32]}.json"


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError):
        return None


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

"""Two other models beside ours: not for design, but to be told when ours stands alone.

COST 231 fits walls of offices with their doors at 1.8 GHz, so for a concrete cell it promises
far too much; P.1238 knows no walls at all. A disagreement is a reason to look, not a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.radio.fabric import Floats
from estate.radio.propagation import free_space_losses_db

if TYPE_CHECKING:
    from estate.radio.fabric import Ints
    from estate.radio.paths import Paths

DISAGREEMENT_DB = 10.0

# COST 231 final report, Table 4.7.2 (1.8 GHz), as carried by the Vienna LTE-A simulator: heavy
# wall, floor, and how little each further floor adds.
_HEAVY_WALL_DB, _FLOOR_DB, _FLOOR_EXPONENT = 6.9, 18.3, 0.46


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteGeneral:
    """A row of ITU-R P.1238-11 Table 2: 10 a log10(d) + b + 10 c log10(f_GHz), d within limits."""

    alpha: float
    beta: float
    gamma: float
    distance_m_min: float
    distance_m_max: float


# ITU-R P.1238-11 Table 2, corridor beyond line of sight, as carried by octave-rxt; the values of
# edition 13 (09/2025) were not to be had.
CORRIDOR = SiteGeneral(alpha=2.77, beta=29.27, gamma=2.48, distance_m_min=4.0, distance_m_max=94.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossCheck:
    """What another model says, (m, n); `applies` is where its own limits let it speak."""

    model: str
    loss_db: Floats
    applies: NDArray[np.bool_]

    def compared(self, ours_db: Floats, *, chosen: NDArray[np.bool_]) -> Comparison:
        """Return how far our losses are from this model's on chosen links.

        Chosen links are those that a design rests on, such as that of each cell in use.
        """
        apart_db = (ours_db - self.loss_db)[chosen & self.applies]
        wide = np.abs(apart_db) > DISAGREEMENT_DB
        return Comparison(
            model=self.model,
            links=len(apart_db),
            mean_db=float(apart_db.mean()) if apart_db.size else 0.0,
            wide_links=int(wide.sum()),
            wide_mean_db=float(apart_db[wide].mean()) if wide.any() else 0.0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Our losses beside another model's, over so many links: ours less theirs, in dB.

    `wide_links` of them are more than 10 dB apart, by `wide_mean_db` on average.
    """

    model: str
    links: int
    mean_db: float
    wide_links: int
    wide_mean_db: float

    @property
    def summary(self) -> str:
        """Return one line to print beside a design."""
        if not self.links:
            return f"{self.model}, for comparison: says nothing of these links"
        direction = "more" if self.mean_db > 0 else "less"
        return (
            f"{self.model}, for comparison: ours lose {abs(self.mean_db):.0f} dB {direction} on "
            f"average over {self.links} links"
        )

    @property
    def warning(self) -> str:
        """Return a sentence where the models are more than 10 dB apart on any link, or ""."""
        if not self.wide_links:
            return ""
        direction = "more" if self.wide_mean_db > 0 else "less"
        return (
            f"{self.model} disagrees by more than {DISAGREEMENT_DB:g} dB on {self.wide_links} of "
            f"{self.links} links: ours lose {abs(self.wide_mean_db):.0f} dB {direction} "
            "there on average"
        )


def cost231(paths: Paths, *, frequency_ghz: float) -> CrossCheck:
    """Return COST 231 multi-wall, equation 4.7.2, every wall a heavy one.

    Floors add 18.3 dB times k^((k+2)/(k+1) - 0.46); the constant is taken as 0.
    """
    floors = floors_between(paths)
    walls = paths.direct.counts().reshape(floors.shape) - floors
    exponent = (floors + 2) / (floors + 1) - _FLOOR_EXPONENT
    loss_db = (
        free_space_losses_db(paths.distance_m, frequency_ghz=frequency_ghz)
        + _HEAVY_WALL_DB * np.maximum(walls, 0)
        + _FLOOR_DB * floors**exponent
    )
    applies = np.ones(loss_db.shape, dtype=bool)
    return CrossCheck(model="COST 231 multi-wall (1.8 GHz)", loss_db=loss_db, applies=applies)


def p1238(paths: Paths, *, frequency_ghz: float, environment: SiteGeneral = CORRIDOR) -> CrossCheck:
    """Return ITU-R P.1238-11 site-general, median, on one floor and within its distances."""
    loss_db = (
        10 * environment.alpha * np.log10(paths.distance_m)
        + environment.beta
        + 10 * environment.gamma * np.log10(frequency_ghz)
    )
    near = paths.distance_m >= environment.distance_m_min
    far = paths.distance_m <= environment.distance_m_max
    applies = near & far & (floors_between(paths) == 0)
    return CrossCheck(model="ITU-R P.1238-11", loss_db=loss_db, applies=applies)


def floors_between(paths: Paths) -> Ints:
    """Return how many storeys each access point and receiver are apart, (m, n)."""
    height_m = paths.scene.storey_height_m
    here, there = (
        np.floor(points_m[:, 2] / height_m).astype(np.int64)
        for points_m in (paths.access_points_m, paths.receivers_m)
    )
    apart: Ints = np.abs(here[:, None] - there[None, :])
    return apart

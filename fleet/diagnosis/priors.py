"""What is assumed of failures before any device is asked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHIPPED = Path(__file__).with_name("priors.toml")

# As many shares of silence are tried, evenly spread in their logarithm. Where more than the last
# are silent, chance alone is no explanation.
_SHARES = 24
_SHARE_MIN, _SHARE_MAX = 0.001, 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How often an element of a kind fails, and what a technician checks first."""

    failed: float
    check_first: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Priors:
    """Shares between 0 and 1: of devices silent by themselves, and of stale entries.

    `silence` is low, likely and high; its low and high are where it becomes unlikely, not bounds.
    """

    silence: tuple[float, float, float]
    stale: float
    kinds: Mapping[str, Kind]

    def of(self, kind: str) -> Kind:
        """Return what is assumed of a kind; one that we do not know is another kind."""
        return self.kinds.get(kind, self.kinds["other"])

    def silences(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return shares of silence to try, and the logarithm of how likely each is."""
        low, likely, high = np.log(self.silence)
        shares = np.linspace(np.log(_SHARE_MIN), np.log(_SHARE_MAX), _SHARES)
        # A bell over the logarithm, of another width on each side.
        width = np.where(shares < likely, (likely - low) / 2, (high - likely) / 2)
        weight = -0.5 * ((shares - likely) / width) ** 2
        return np.exp(shares), weight - np.logaddexp.reduce(weight)


@cache
def read_priors(path: Path = _SHIPPED) -> Priors:
    """Return the shipped priors."""
    stated: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    silence = stated["silence"]
    return Priors(
        silence=(silence["low"], silence["likely"], silence["high"]),
        stale=stated["stale"]["likely"],
        kinds={name: Kind(**kind) for name, kind in stated["kinds"].items()},
    )

"""What is left of a design's radio once every access point has a channel, and what it lets out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from estate.cabling.options import WIRELESS
from estate.cabling.solution import Solution
from estate.cabling.values import WingRadio
from estate.radio.candidates import Candidate
from estate.radio.leakage import leakage_of
from estate.radio.serving import Reach, with_noise
from estate.radio.sharing import SharedAir, share_air

if TYPE_CHECKING:
    from estate.catalogue import Assumptions
    from estate.model import Network


@dataclass(frozen=True, kw_only=True, eq=False)
class Air:
    """The radio of a solved wing: what its places reach, and what they share."""

    solution: Solution
    candidates: Sequence[Candidate]
    reach: Reach
    shared: SharedAir

    @classmethod
    def of(cls, solution: Solution, candidates: Sequence[Candidate], reach: Reach) -> Air:
        """Return the radio of the wing that `reach` is of, its channels assigned."""
        points, cells = solution.joint.points, solution.joint.wing.cells
        own = set(reach.cells)
        serving = {
            cells[cell].space_id: points[server].name
            for cell, server in enumerate(solution.servers)
            if points[server].option in WIRELESS and cells[cell].space_id in own
        }
        shared = share_air(reach, serving)
        return cls(solution=solution, candidates=candidates, reach=reach, shared=shared)

    @property
    def holds(self) -> bool:
        """Return whether every cell keeps its rate and every access point its airtime."""
        return not (self.shared.failing or self.shared.overloaded)

    @property
    def excess(self) -> float:
        """Return by what shares of time access points are beyond their budgets, all together.

        Each counts for 1 at most, and so does a cell that lacks its rate.
        """
        most = self.reach.cases["likely"].airtime_max
        return float(np.clip(self.shared.airtime - most, 0, 1).sum()) + len(self.shared.failing)

    def noisy(self, reach: Reach) -> Reach:
        """Return a reach as if each cell heard the noise that it hears here."""
        heard_dbm = self.shared.interference_dbm.tolist()
        return with_noise(reach, dict(zip(self.shared.cells, heard_dbm, strict=True)))

    def value(
        self,
        network: Network,
        names: Mapping[str, str],
        *,
        storey_height_m: float,
        assumptions: Assumptions,
    ) -> WingRadio | None:
        """Return what a plan says of the radio, None where no cell is served by it.

        It has the `names` of the access points by those of their places.
        """
        shared, cells = self.shared, self.solution.joint.wing.cells
        keys = {cell.space_id: cell.location_key or cell.space_id for cell in cells}
        if not shared.access_points:
            return None
        places = set(shared.access_points)
        points = [names[place] for place in shared.access_points]
        return WingRadio(
            band=self.reach.use.reason,
            channels={
                name: channel.number for name, channel in zip(points, shared.channels, strict=True)
            },
            airtime={
                name: round(share, 4)
                for name, share in zip(points, shared.airtime.tolist(), strict=True)
            },
            sinr_db={
                keys[cell]: round(sinr_db, 1)
                for cell, sinr_db in zip(shared.cells, shared.sinr_db.tolist(), strict=True)
            },
            failing=tuple(keys[cell] for cell in shared.failing),
            overloaded=tuple(names[place] for place in shared.overloaded),
            comparisons=tuple(c.summary for c in shared.comparisons),
            warnings=tuple(c.warning for c in shared.comparisons if c.warning),
            leakage=leakage_of(
                network,
                [place for place in self.candidates if place.candidate_id in places],
                storey_height_m=storey_height_m,
                assumptions=assumptions,
            ),
        )

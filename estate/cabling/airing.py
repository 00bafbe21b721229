"""What is left of a design's radio once every access point has a channel, and what it lets out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from estate.cabling.options import WIRELESS
from estate.cabling.solution import Solution
from estate.cabling.values import WingRadio
from estate.radio.candidates import Candidate
from estate.radio.leakage import leakage_of
from estate.radio.serving import Reach
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
        """Return the radio of a solved wing, its channels assigned."""
        points, cells = solution.joint.points, solution.joint.wing.cells
        serving = {
            cells[cell].space_id: points[server].name
            for cell, server in enumerate(solution.servers)
            if points[server].option in WIRELESS
        }
        shared = share_air(reach, serving)
        return cls(solution=solution, candidates=candidates, reach=reach, shared=shared)

    @property
    def holds(self) -> bool:
        """Return whether every cell keeps its rate and every access point its airtime."""
        return not (self.shared.failing or self.shared.overloaded)

    def corrected(self) -> Reach:
        """Return what the places reach without the links that fail, and with the load they had.

        A cell that fails is no longer served by its access point; one that is overloaded finds
        its cells as much heavier as interference makes them.
        """
        loads = self.reach.loads["likely"].toarray()
        points, cells = self.solution.joint.points, self.solution.joint.wing.cells
        serving = {
            cells[cell].space_id: points[server].name
            for cell, server in enumerate(self.solution.servers)
        }
        for cell in self.shared.failing:
            row = self.reach.candidates.index(serving[cell])
            loads[row, self.reach.cells.index(cell)] = 0.0
        budget = self.reach.cases["likely"].airtime_max
        airtime = dict(zip(self.shared.access_points, self.shared.airtime.tolist(), strict=True))
        for name in self.shared.overloaded:
            row = self.reach.candidates.index(name)
            planned = sum(
                loads[row, self.reach.cells.index(cell)]
                for cell, server in serving.items()
                if server == name
            )
            # An access point with a cell that fails is overloaded by that cell alone.
            if planned > 0 and np.isfinite(airtime[name]):
                loads[row] *= airtime[name] / budget / planned
        loads[loads > 1] = 0.0
        likely = csr_array(loads)
        return replace(self.reach, loads=MappingProxyType({**self.reach.loads, "likely": likely}))

    def value(
        self, network: Network, *, storey_height_m: float, assumptions: Assumptions
    ) -> WingRadio | None:
        """Return what a plan says of the radio, None where no cell is served by it."""
        shared, cells = self.shared, self.solution.joint.wing.cells
        keys = {cell.space_id: cell.location_key or cell.space_id for cell in cells}
        if not shared.access_points:
            return None
        chosen = set(shared.access_points)
        return WingRadio(
            band=self.reach.use.reason,
            channels={
                name: channel.number
                for name, channel in zip(shared.access_points, shared.channels, strict=True)
            },
            airtime={
                name: round(share, 4)
                for name, share in zip(shared.access_points, shared.airtime.tolist(), strict=True)
            },
            sinr_db={
                keys[cell]: round(sinr_db, 1)
                for cell, sinr_db in zip(shared.cells, shared.sinr_db.tolist(), strict=True)
            },
            failing=tuple(keys[cell] for cell in shared.failing),
            overloaded=shared.overloaded,
            comparisons=tuple(c.summary for c in shared.comparisons),
            warnings=tuple(c.warning for c in shared.comparisons if c.warning),
            leakage=leakage_of(
                network,
                [place for place in self.candidates if place.candidate_id in chosen],
                storey_height_m=storey_height_m,
                assumptions=assumptions,
            ),
        )

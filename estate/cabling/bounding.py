"""What several wings that are one problem cost at least, from each of them alone.

Each wing is asked what it costs at the least if it pays its part of what wings can share, and no
more: the containment that it draws, an equal part of each distributor that several reach, and of
switches either the first in each distributor or a part for each port. No design costs all wings
together less than these parts add up to, whatever it shares.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.cabling.posing import Posed, posed
from estate.optimise import UnfinishedError, connected_cover

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estate.cabling.joint import Joint
    from estate.cabling.options import Option
    from estate.cabling.solution import Solution


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How far to search for the least of each wing, as `connected_cover` has it."""

    gap: float
    effort: float
    seconds: float
    seed: int


def least_gbp(design: Solution, offered: Mapping[int, Sequence[Option]], search: Search) -> float:
    """Return what no design of the wings costs less than, without what every design takes.

    `design` is one that keeps the rules, from which each search starts.
    """
    joint = design.joint
    parts = _Parts.of(design)
    least = -parts.given
    for wing in range(len(joint.wing.wings)):
        own = {f: offered[f] for f in joint.wing.wings[wing] if f in offered}
        problem = parts.of_wing(posed(joint, own), wing)
        alone = design
        for family in set(offered) - set(own):
            alone = alone.without(family)
        try:
            answer = connected_cover(
                problem.cover,
                start=problem.known(alone),
                gap=search.gap,
                effort=search.effort,
                seconds=search.seconds,
                seed=search.seed,
            )
        except UnfinishedError:
            return 0.0
        least += answer.bound
    return least


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parts:
    """What a wing pays of what is shared.

    `hubs` is the cost of a distributor for each wing that reaches it, `port` that of a port, and
    `given` what ports cost that are free.
    """

    hubs: NDArray[np.float64]
    port: float
    given: float

    @classmethod
    def of(cls, design: Solution) -> _Parts:
        """Return the parts that come nearest to the costs of a design."""
        joint = design.joint
        switch = joint.wing.catalogue.unit_gbp("switch_48_poe")
        bought = [count for count in design.switches.values() if count]
        first = sum(bought) <= len(bought)
        port = 0.0 if first else switch / joint.ports_per_switch
        costs = [
            joint.cost_gbp(hub.items) + (switch if first and not hub.ports_free else 0.0)
            for hub in joint.hubs
        ]
        return cls(
            hubs=np.array(costs) / np.maximum(1, _reaching(joint)),
            port=port,
            given=port * sum(hub.ports_free for hub in joint.hubs),
        )

    def of_wing(self, problem: Posed, wing: int) -> Posed:
        """Return the problem of a wing at its own prices."""
        cover, joint = problem.cover, problem.joint
        own = [
            joint.wing.wing_of_floor(way.span.floor) == wing for way in joint.wing.containment.ways
        ]
        return replace(
            problem,
            cover=replace(
                cover,
                build_costs=np.where(own, cover.build_costs, 0.0),
                hub_costs=self.hubs,
                module_costs=np.zeros_like(cover.module_costs),
                point_costs=cover.point_costs + self.port,
            ),
        )


def _reaching(joint: Joint) -> NDArray[np.int64]:
    """Return how many wings have a point within the link limit of each distributor."""
    distances, _ = joint.hub_routes
    reached = np.zeros((len(joint.wing.wings), len(joint.hubs)), dtype=bool)
    for point in joint.points:
        within = distances[:, point.node] + point.length_m <= joint.limit_m
        reached[joint.wing.wing_of_floor(point.floor)] |= within
    counts: NDArray[np.int64] = np.count_nonzero(reached, axis=0)
    return counts

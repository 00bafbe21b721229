"""Cells that move between the access points of a solved wing until each keeps its airtime."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from estate.cabling.airing import Air

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from estate.cabling.solution import Solution
    from estate.radio.candidates import Candidate
    from estate.radio.serving import Reach

_ROUNDING = 1e-9


def calmed(solution: Solution, candidates: Sequence[Candidate], reach: Reach) -> Solution:
    """Return the solution with each access point within its airtime, as far as moves reach.

    A design allows for the noise of a first one, and its own may be more. One cell after another
    moves to an access point that is there and has room for it, the move that helps most first:
    nothing is built for that, and channels are assigned anew.
    """
    air = Air.of(solution, candidates, reach)
    while not air.holds:
        moved = (Air.of(each, candidates, reach) for each in _moves(air))
        best = min(moved, key=lambda each: each.excess, default=air)
        if best.excess > air.excess - _ROUNDING:
            break
        air = best
    return air.solution


def _moves(air: Air) -> Iterator[Solution]:
    """Yield the solution with one cell of an access point that is too busy served by another."""
    solution, points = air.solution, air.solution.joint.points
    busy = set(air.shared.overloaded)
    loads: defaultdict[int, float] = defaultdict(float)
    for cell, server in enumerate(solution.servers):
        loads[server] += points[server].serves[cell]
    for cell, server in enumerate(solution.servers):
        if points[server].name not in busy:
            continue
        for other in sorted(loads):
            load = points[other].serves.get(cell)
            is_like = points[other].option == points[server].option
            if other == server or load is None or not is_like:
                continue
            if loads[other] + load <= 1 + _ROUNDING:
                servers = (*solution.servers[:cell], other, *solution.servers[cell + 1 :])
                if server in servers:
                    yield replace(solution, servers=servers)

"""Cells that move between the access points of a solved wing until each keeps its airtime."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from math import inf
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
    servers, points = air.solution.servers, air.solution.joint.points
    cells, loads = Counter(servers), defaultdict[int, float](float)
    for cell, server in enumerate(servers):
        loads[server] += points[server].serves[cell]
    busy = {server for server in cells if points[server].name in air.shared.overloaded}
    for cell, server in enumerate(servers):
        if server not in busy or cells[server] == 1:
            continue
        for other in sorted(cells.keys() - {server}):
            is_like = points[other].option == points[server].option
            load = points[other].serves.get(cell, inf)
            if is_like and loads[other] + load <= 1 + _ROUNDING:
                changed = (*servers[:cell], other, *servers[cell + 1 :])
                yield replace(air.solution, servers=changed)

"""Which modes need more cables over a link than it has room for, whatever points are taken."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The points that may serve each customer in each mode.
Servers = dict[tuple[int, int], set[int]]


def servers_of(pairs: Mapping[tuple[int, int], int], modes: Sequence[int]) -> Servers:
    """Return who may serve each customer in each mode, from the pairs of point and customer."""
    found: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for point, customer in pairs:
        found[customer, modes[point]].add(point)
    return dict(found)


def overfilling(
    servers: Servers, families: Sequence[int], beyond: set[int], room: float
) -> list[tuple[int, int]]:
    """Return each family and mode that need more of the points beyond a link than it has room for.

    Customers whom only points beyond it serve need one each, where no point serves two of them.
    A lane has room for many more than a mode needs, so by its capacity alone a fraction of it
    would do.
    """
    inside = [each for each, points in servers.items() if points <= beyond]
    inside.sort(key=lambda each: (len(servers[each]), each))
    taken: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    needed: Counter[tuple[int, int]] = Counter()
    for customer, mode in inside:
        family, points = (families[customer], mode), servers[customer, mode]
        if taken[family].isdisjoint(points):
            taken[family] |= points
            needed[family] += 1
    return sorted(family for family, points in needed.items() if points > room)

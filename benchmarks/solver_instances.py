"""Seeded instances for the solvers, built as a prison's cabling and radio are built."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from random import Random
from typing import TYPE_CHECKING

import networkx as nx

if TYPE_CHECKING:
    from collections.abc import Iterator

    Node = tuple[str, int, int, int]
    Site = nx.Graph[Node]

# A site of twelve wings: 2,880 cells, 1,793 other nodes and 4,838 edges in all.
WINGS = 12
LANDINGS = 4
COLUMNS = 30
RISERS = (0, 15, 29)
CHAMBERS = 209
EDGES = 4838

_PITCH_M = 2.8
_STOREY_M = 3.0
_COST_GBP_PER_M = 38.0
_DRILLING_GBP = 95.0
_TRENCH_GBP_PER_M = 160.0

Cover = tuple[list[int], list[list[int]]]


@dataclass(frozen=True, slots=True)
class SteinerInstance:
    """A graph with `cost_gbp` and `length_m` on its edges, and the nodes to connect."""

    graph: Site
    terminals: list[Node]


def site(*, seed: int, terminals: int, more_edges: float = 0.0) -> SteinerInstance:
    """Return containment from a chamber to cells: wings of landings, risers and a campus duct.

    Each cell hangs by a drop of its own from its column. Beyond the tree-like rest there are
    links between columns of neighbouring landings and wings, and `more_edges` of them more, as a
    share of all edges. The first terminal is a chamber, the others are cells spread evenly.
    """
    random = Random(seed)  # noqa: S311 - a draw to repeat, not a secret
    graph: Site = nx.Graph()
    for wing in range(WINGS):
        _add_wing(graph, wing, random)
    _add_campus(graph, random)
    _add_links(graph, EDGES + round(EDGES * more_edges), random)
    cells = sorted(node for node in graph if node[0] == "cell")
    wanted = terminals - 1
    chosen = [cells[index * len(cells) // wanted] for index in range(wanted)]
    return SteinerInstance(graph, [("chamber", 0, 0, 0), *chosen])


def _add_wing(graph: Site, wing: int, random: Random) -> None:
    for landing, column in product(range(LANDINGS), range(COLUMNS)):
        here = ("column", wing, landing, column)
        for side in range(2):
            cell = ("cell", wing, landing, 2 * column + side)
            _add(graph, here, cell, length_m=random.uniform(2, 6), fixed_gbp=_DRILLING_GBP)
        if column:
            before = ("column", wing, landing, column - 1)
            # A third of the basket is there already and only has to be filled.
            rate = 0.15 if random.random() < 1 / 3 else 1.0
            _add(graph, before, here, length_m=_PITCH_M, rate=rate)
    for landing, (number, column) in product(range(LANDINGS), enumerate(RISERS)):
        riser = ("riser", wing, landing, number)
        at = ("column", wing, landing, column)
        _add(graph, riser, at, length_m=random.uniform(1, 3), fixed_gbp=_DRILLING_GBP)
        if landing:
            below = ("riser", wing, landing - 1, number)
            _add(graph, below, riser, length_m=_STOREY_M, fixed_gbp=_DRILLING_GBP)


def _add_campus(graph: Site, random: Random) -> None:
    ring: list[Node] = [("chamber", number, 0, 0) for number in range(CHAMBERS)]
    for one, other in pairwise([*ring, ring[0]]):
        rate = 0.1 if random.random() < 1 / 2 else _TRENCH_GBP_PER_M / _COST_GBP_PER_M
        _add(graph, one, other, length_m=random.uniform(8, 20), rate=rate)
    for wing, number in product(range(WINGS), range(len(RISERS))):
        place = (wing * CHAMBERS // WINGS + 3 * number) % CHAMBERS
        _add(graph, ring[place], ("riser", wing, 0, number), length_m=random.uniform(5, 25))


def _add_links(graph: Site, edges: int, random: Random) -> None:
    wanted = edges - graph.number_of_edges()
    while wanted:
        wing, landing = random.randrange(WINGS), random.randrange(LANDINGS)
        column = random.randrange(COLUMNS)
        here = ("column", wing, landing, column)
        there = random.choice(list(_neighbours(wing, landing, column)))
        if not graph.has_edge(here, there):
            metres = random.uniform(3, 12)
            _add(graph, here, there, length_m=metres, fixed_gbp=_DRILLING_GBP)
            wanted -= 1


def _neighbours(wing: int, landing: int, column: int) -> Iterator[Node]:
    yield ("column", wing, (landing + 1) % LANDINGS, column)
    yield ("column", (wing + 1) % WINGS, landing, column)
    yield ("column", wing, landing, (column + 3) % COLUMNS)


def _add(
    graph: Site,
    one: Node,
    other: Node,
    *,
    length_m: float,
    rate: float = 1.0,
    fixed_gbp: float = 0.0,
) -> None:
    cost_gbp = round(length_m * rate * _COST_GBP_PER_M + fixed_gbp, 2)
    graph.add_edge(one, other, length_m=round(length_m, 2), cost_gbp=cost_gbp)

"""Instances for the solvers: seeded ones built as a prison is, and readers of published ones."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import pairwise, product
from random import Random
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

    Node = tuple[str, int, int, int]
    Site = nx.Graph[Node]

# A site of twelve wings: 2,880 cells, 1,793 other nodes and 4,838 edges in all.
WINGS = 12
LANDINGS = 4
COLUMNS = 30
RISERS = (0, 15, 29)
CHAMBERS = 209
EDGES = 4838

_CELLS_A_SIDE = 35
_MARGIN_DB = 14.8

_PITCH_M = 2.8
_STOREY_M = 3.0
_COST_GBP_PER_M = 38.0
_DRILLING_GBP = 95.0
_TRENCH_GBP_PER_M = 160.0


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
            _add(graph, (here, cell), length_m=random.uniform(2, 6), fixed_gbp=_DRILLING_GBP)
        if column:
            before = ("column", wing, landing, column - 1)
            # A third of the basket is there already and only has to be filled.
            rate = 0.15 if random.random() < 1 / 3 else 1.0
            _add(graph, (before, here), length_m=_PITCH_M, rate=rate)
    for landing, (number, column) in product(range(LANDINGS), enumerate(RISERS)):
        riser = ("riser", wing, landing, number)
        at = ("column", wing, landing, column)
        _add(graph, (riser, at), length_m=random.uniform(1, 3), fixed_gbp=_DRILLING_GBP)
        if landing:
            below = ("riser", wing, landing - 1, number)
            _add(graph, (below, riser), length_m=_STOREY_M, fixed_gbp=_DRILLING_GBP)


def _add_campus(graph: Site, random: Random) -> None:
    ring: list[Node] = [("chamber", number, 0, 0) for number in range(CHAMBERS)]
    for one, other in pairwise([*ring, ring[0]]):
        rate = 0.1 if random.random() < 1 / 2 else _TRENCH_GBP_PER_M / _COST_GBP_PER_M
        _add(graph, (one, other), length_m=random.uniform(8, 20), rate=rate)
    for wing, number in product(range(WINGS), range(len(RISERS))):
        place = (wing * CHAMBERS // WINGS + 3 * number) % CHAMBERS
        _add(graph, (ring[place], ("riser", wing, 0, number)), length_m=random.uniform(5, 25))


def _add_links(graph: Site, edges: int, random: Random) -> None:
    wanted = edges - graph.number_of_edges()
    while wanted:
        wing, landing = random.randrange(WINGS), random.randrange(LANDINGS)
        column = random.randrange(COLUMNS)
        here = ("column", wing, landing, column)
        there = random.choice(list(_neighbours(wing, landing, column)))
        if not graph.has_edge(here, there):
            metres = random.uniform(3, 12)
            _add(graph, (here, there), length_m=metres, fixed_gbp=_DRILLING_GBP)
            wanted -= 1


def _neighbours(wing: int, landing: int, column: int) -> Iterator[Node]:
    yield ("column", wing, (landing + 1) % LANDINGS, column)
    yield ("column", (wing + 1) % WINGS, landing, column)
    yield ("column", wing, landing, (column + 3) % COLUMNS)


def _add(
    graph: Site,
    ends: tuple[Node, Node],
    *,
    length_m: float,
    rate: float = 1.0,
    fixed_gbp: float = 0,
) -> None:
    cost_gbp = round(length_m * rate * _COST_GBP_PER_M + fixed_gbp, 2)
    graph.add_edge(*ends, length_m=round(length_m, 2), cost_gbp=cost_gbp)


@dataclass(frozen=True, slots=True)
class CoverInstance:
    """Access points with their costs and the cells that each may serve, smallest first."""

    costs_gbp: list[int]
    cells: list[list[int]]
    cell_count: int


def ap_cover(*, seed: int) -> CoverInstance:
    """Return 360 places for access points and some 4,800 links to 700 cells in five wings.

    A wing has two landings with 35 cells on each side. Two places in three are in a cell, which
    reach through the walls to a few; one in three is on a landing and reaches dozens. Loss
    grows with distance, walls and floors, and is scattered by 4 dB. A cell that nothing reaches
    is given to the place nearest to it.
    """
    random = Random(seed)  # noqa: S311 - a draw to repeat, not a secret
    costs_gbp, cells = [], []
    for wing, landing, place in product(range(5), range(2), range(36)):
        inside = place % 3 != 0
        at = random.uniform(0, _CELLS_A_SIDE - 1)
        at = round(at) if inside else at
        side = random.randrange(2)
        costs_gbp.append((480 if inside else 720) + 60 * random.randrange(8))
        reached = []
        for floor, other, column in product(range(2), range(2), range(_CELLS_A_SIDE)):
            apart = abs(column - at)
            if not inside:
                loss_db = 6 + 1.5 * apart + 5 * abs(floor - landing)
            elif other != side:
                loss_db = 40 + 8 * apart
            else:
                loss_db = 18 * abs(floor - landing) + 8 * apart
            own = inside and loss_db == 0
            if own or random.gauss(_MARGIN_DB - loss_db, 4) > 0:
                reached.append(((wing * 2 + floor) * 2 + other) * _CELLS_A_SIDE + column)
        cells.append(reached)
    cell_count = 5 * 2 * 2 * _CELLS_A_SIDE
    for cell in sorted(set(range(cell_count)).difference(*cells)):
        nearest = min(cells, key=lambda reached: min(abs(cell - each) for each in reached))
        nearest.append(cell)
    return CoverInstance(costs_gbp, [sorted(reached) for reached in cells], cell_count)


def read_steinlib(path: Path) -> tuple[nx.Graph[int], list[int]]:
    """Return the graph and the terminals of a file in SteinLib's format."""
    graph: nx.Graph[int] = nx.Graph()
    terminals = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match line.split():
            case ["Nodes", count]:
                graph.add_nodes_from(range(1, int(count) + 1))
            case ["E", one, other, weight]:
                graph.add_edge(int(one), int(other), weight=int(weight))
            case ["T", node]:
                terminals.append(int(node))
    return graph, terminals


def read_holmberg(path: Path) -> tuple[Floats, Floats, Floats, Floats]:
    """Return opening costs, capacities, demands and costs of a file in Holmberg's format.

    One published file has numbers behind its last row, which mean nothing.
    """
    numbers = np.array(path.read_text(encoding="utf-8").split(), dtype=np.float64)
    (count, customers), rest = numbers[:2].astype(int), numbers[2:]
    facilities, demand, costs = np.split(rest, [2 * count, 2 * count + customers])
    capacity, opening = facilities.reshape(count, 2).T
    return opening, capacity, demand, costs[: count * customers].reshape(count, customers)


def read_warehouses(path: Path) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the same of a file in OR-Library's format of warehouse location."""
    numbers = np.array(path.read_text(encoding="utf-8").split(), dtype=np.float64)
    (count, customers), rest = numbers[:2].astype(int), numbers[2:]
    facilities, table = np.split(rest, [2 * count])
    capacity, opening = facilities.reshape(count, 2).T
    rows = table.reshape(customers, count + 1)
    return opening, capacity, rows[:, 0], rows[:, 1:].T


def read_set_cover(path: Path) -> tuple[list[int], csr_array]:
    """Return costs and incidence, set by element, of a file in OR-Library's scp format."""
    numbers = iter(int(word) for word in path.read_text(encoding="utf-8").split())
    elements, sets = next(numbers), next(numbers)
    costs = [next(numbers) for _ in range(sets)]
    members = [[next(numbers) - 1 for _ in range(next(numbers))] for _ in range(elements)]
    return costs, csr_array(incidence(members, sets).T)


def incidence(members: list[list[int]], count: int) -> csr_array:
    """Return a table of ones: a row for each list, a column for each of the numbers below count."""
    rows = [row for row, numbers in enumerate(members) for _ in numbers]
    columns = [number for numbers in members for number in numbers]
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(members), count))


def published(folder: Path) -> dict[str, float]:
    """Return the optimum of each file of a folder, from its `optima.csv`."""
    with (folder / "optima.csv").open(encoding="utf-8", newline="") as file:
        return {row["file"]: float(row["optimum"]) for row in csv.DictReader(file)}

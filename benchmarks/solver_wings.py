"""Wings drawn with a seed: whom to serve, from where, and how to connect that."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise, product
from random import Random

import numpy as np
from scipy.sparse import csr_array

from estate.optimise import ConnectedCover

OUTLET, CELL, LANDING = range(3)

_PITCH_M = 2.8
_STOREY_M = 3.0
_TRAY_GBP_PER_M = 85.0
_DRILL_GBP = 180.0
_OUTLET_GBP = 345.0
_ACCESS_POINT_GBP = 2850.0  # Bought three times in twenty years.
_MODULE_GBP = 10500.0
_CABINET_GBP = 11000.0
_CABLE_GBP_PER_M = 2.4
_LINK_M = 90.0
_SHAPES = ((4, 1), (3, 3), (2, 2), (3, 2))  # Landings and spurs.


@dataclass(frozen=True, slots=True, kw_only=True)
class WingShape:
    """A wing to draw: cells on both sides of each spur of each landing, places for hubs."""

    landings: int
    spurs: int
    cells_a_side: int
    hubs: int = 8
    existing_share: float = 0.3
    capacity: float = np.inf
    access_points: bool = True
    airtime: float = 1.0  # What a cell takes of an access point, as a multiple of the usual.

    @property
    def cells(self) -> int:
        """Return how many cells the wing has."""
        return self.landings * self.spurs * 2 * self.cells_a_side


def shape_of(cells: int, *, number: int = 0) -> WingShape:
    """Return a shape of about so many cells."""
    landings, spurs = _SHAPES[number % len(_SHAPES)]
    return WingShape(
        landings=landings,
        spurs=spurs,
        cells_a_side=max(1, round(cells / (2 * landings * spurs))),
    )


@dataclass(slots=True)
class _Drawing:
    nodes: int = 0
    edges: list[tuple[int, int, float, float, float]] = field(default_factory=list)

    def node(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def edge(self, ends: tuple[int, int], cost: float, length: float, capacity: float) -> None:
        self.edges.append((*ends, round(cost, 2), round(length, 2), capacity))


def wing(shape: WingShape, *, seed: int) -> ConnectedCover:
    """Return the joint problem of a wing.

    A riser joins the landings; from it a run of tray leads along each side of each spur, and a
    drop through the wall into each cell. Some tray exists. One comms room exists at the foot of
    the riser; other hubs may open on each landing and where both runs of a spur end. Each cell
    has a place for an outlet; one in three has one for an access point in it, and there are
    places along the landing, which reach across it. Signal falls with cells, walls and floors.
    """
    random = Random(seed)  # noqa: S311 - a draw to repeat, not a secret
    drawing = _Drawing()
    risers = [drawing.node() for _ in range(shape.landings)]
    for below, above in pairwise(risers):
        drawing.edge((below, above), _DRILL_GBP, _STOREY_M, np.inf)
    room = drawing.node()
    drawing.edge((risers[0], room), 0.0, random.uniform(4, 25), np.inf)
    hubs = [(room, 0.0), *((riser, _CABINET_GBP) for riser in risers[1:])]
    cells: list[tuple[int, int, int, int, int]] = []  # landing, spur, side, place, run's node
    for landing, spur in product(range(shape.landings), range(shape.spurs)):
        ends = []
        exists = random.random() < shape.existing_share
        for side in range(2):
            before = risers[landing]
            for place in range(shape.cells_a_side):
                here = drawing.node()
                length = _PITCH_M if place else random.uniform(5, 9)
                rate = 0.0 if exists else _TRAY_GBP_PER_M
                room_for = shape.capacity if exists else np.inf
                drawing.edge((before, here), length * rate, length, room_for)
                if exists and np.isfinite(shape.capacity):
                    drawing.edge((before, here), length * _TRAY_GBP_PER_M, length, np.inf)
                cells.append((landing, spur, side, place, here))
                before = here
            ends.append(before)
        if len(hubs) < shape.hubs:
            end = drawing.node()
            for each in ends:
                drawing.edge((each, end), 3 * _TRAY_GBP_PER_M, 3.0, np.inf)
            hubs.append((end, _CABINET_GBP))
    return _Points(shape, drawing, cells, random).problem(hubs)


@dataclass(slots=True)
class _Points:
    shape: WingShape
    drawing: _Drawing
    cells: list[tuple[int, int, int, int, int]]
    random: Random
    points: list[tuple[int, float, float, float, int]] = field(default_factory=list)
    reached: defaultdict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))

    def problem(self, hubs: list[tuple[int, float]]) -> ConnectedCover:
        for number, (_, _, _, place, run) in enumerate(self.cells):
            self._outlet(number, run)
            if self.shape.access_points and place % 3 == 1:
                self._access_point(number, run, CELL)
            if self.shape.access_points and place % 4 == 2:  # noqa: PLR2004 - one bay in four
                self._access_point(number, run, LANDING)
        rows, columns, loads = [], [], []
        for point, customers in sorted(self.reached.items()):
            for customer, load in sorted(customers.items()):
                rows.append(point)
                columns.append(customer)
                loads.append(load)
        shape = (len(self.points), len(self.cells))
        tails, heads, costs, lengths, capacities = zip(*self.drawing.edges, strict=True)
        nodes, hub_costs = zip(*hubs, strict=True)
        at, point_costs, drops, bears, modes = zip(*self.points, strict=True)
        return ConnectedCover(
            node_count=self.drawing.nodes,
            tails=np.array(tails),
            heads=np.array(heads),
            build_costs=np.array(costs),
            lengths=np.array(lengths),
            capacities=np.array(capacities, dtype=float),
            hub_nodes=np.array(nodes),
            hub_costs=np.array(hub_costs),
            module_size=46,
            module_costs=np.full(len(hubs), _MODULE_GBP),
            module_limits=np.full(len(hubs), 6),
            free_ports=np.zeros(len(hubs), dtype=int),
            point_nodes=np.array(at),
            point_costs=np.array(point_costs),
            point_lengths=np.array(drops),
            point_capacities=np.array(bears),
            cable_cost=_CABLE_GBP_PER_M,
            length_limit=_LINK_M,
            loads=csr_array((loads, (rows, columns)), shape=shape),
            families=np.array([landing for landing, *_ in self.cells]),
            modes=np.array(modes),
            mode_costs=np.zeros((self.shape.landings, 3)),
        )

    def _outlet(self, number: int, run: int) -> None:
        node, metres = self.drawing.node(), self.random.uniform(2, 4)
        self.drawing.edge((run, node), _DRILL_GBP, metres, np.inf)
        self.reached[len(self.points)][number] = 1.0
        self.points.append((node, _OUTLET_GBP, 0.0, np.inf, OUTLET))

    def _access_point(self, number: int, run: int, mode: int) -> None:
        node, metres = self.drawing.node(), self.random.uniform(1, 4)
        drilling = _DRILL_GBP if mode == CELL else 0.0
        self.drawing.edge((run, node), drilling, metres, np.inf)
        landing, spur, side, place, _ = self.cells[number]
        point = len(self.points)
        for other, (floor, arm, opposite, there, _) in enumerate(self.cells):
            apart = abs(there - place)
            if arm != spur or abs(floor - landing) > 1:
                continue
            loss_db = 9.0 * apart + 16 * abs(floor - landing)
            if mode == CELL:
                loss_db += 22 * (opposite != side)
            else:
                loss_db = 8 + 3.0 * apart + 18 * abs(floor - landing)
            margin_db = 24 - loss_db + self.random.gauss(0, 3)
            if margin_db > 0 or (other == number):
                airtime = self.shape.airtime * (0.02 + 0.06 * np.exp(-margin_db / 8))
                load = round(min(1.0, airtime), 3)
                self.reached[point][other] = load
        self.points.append((node, _ACCESS_POINT_GBP, 0.0, 1.0, mode))

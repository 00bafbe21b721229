"""A wing, or several as one, as the problem sees it: cells, containment and what stands."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from estate.cabling.containment import Containment, Tap, containment_of
from estate.cabling.rules import Rules, permanent_link_m, read_rules
from estate.cabling.standing import Standing, standing_of
from estate.catalogue import Catalogue
from estate.model import Distributor, Network, Outlet, Space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from estate.block import Block
    from estate.cabling.standing import StandingLink

_CELL, _DUCT = "cell", "duct"


@dataclass(frozen=True, kw_only=True, eq=False)
class WingProblem:
    """The facts that a design of one wing rests on, or of several that are one problem.

    `cells` are numbered landing by landing, from the lowest up, and then by key; landing n is
    floor n - 1. Of several wings the landings of one come after those of another: `counts` has
    how many each has, and `storeys` the storey of each; both are empty for one wing.
    """

    network: Network
    containment: Containment
    cells: tuple[Space, ...]
    catalogue: Catalogue
    rules: Rules
    storeys: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()

    @classmethod
    def of_block(cls, block: Block, catalogue: Catalogue) -> WingProblem:
        """Return the problem of the wings of a block."""
        counts = tuple(member.landings for member in block.members)
        found = cls.of(block.network, catalogue, block.storeys)
        return found if len(counts) == 1 else replace(found, counts=counts)

    @classmethod
    def of(
        cls, network: Network, catalogue: Catalogue, storeys: tuple[int, ...] = ()
    ) -> WingProblem:
        """Return the problem of a network of one wing."""
        rules = read_rules()
        cells = sorted(
            (space for space in network.spaces if space.kind == _CELL),
            # Not by location key: what cells are called must change nothing in a design.
            key=lambda cell: (cell.floor, cell.space_id),
        )
        return cls(
            network=network,
            containment=containment_of(network, rules, storeys),
            cells=tuple(cells),
            catalogue=catalogue,
            rules=rules,
            storeys=storeys,
        )

    @cached_property
    def wings(self) -> tuple[range, ...]:
        """Return the landings of each wing, by number from 0."""
        counts = self.counts or (len(self.landings),)
        return tuple(
            range(end - count, end) for end, count in zip(accumulate(counts), counts, strict=True)
        )

    def wing_of_family(self, family: int) -> int:
        """Return the wing of a landing, both by number from 0."""
        return next(number for number, wing in enumerate(self.wings) if family in wing)

    def wing_of_floor(self, floor: int) -> int:
        """Return the wing on whose floor something is, by number from 0."""
        return self._wing_of_floor[floor]

    @cached_property
    def _wing_of_floor(self) -> Mapping[int, int]:
        return {f: self.wing_of_family(family) for f, family in self.family_of_floor.items()}

    def own_floor(self, floor: int) -> int:
        """Return a floor as the network of its own wing counts it."""
        if not self.counts:
            return floor
        return floor - self.landings[self.wings[self.wing_of_floor(floor)][0]]

    def landing_of(self, family: int) -> int:
        """Return the number of a landing in its wing, from 1."""
        return self.own_floor(self.landings[family]) + 1

    @cached_property
    def landings(self) -> tuple[int, ...]:
        """Return the floors that have cells, from the lowest up."""
        return tuple(sorted({cell.floor for cell in self.cells}))

    @cached_property
    def families(self) -> tuple[int, ...]:
        """Return the number of each cell's landing, from 0."""
        return tuple(self.landings.index(cell.floor) for cell in self.cells)

    @cached_property
    def family_of_floor(self) -> Mapping[int, int]:
        """Return for each floor of the containment its landing, or the nearest one, from 0."""
        numbers = range(len(self.landings))
        floors = {*self.containment.floors, *(way.span.floor for way in self.containment.ways)}
        floors |= {distributor.floor for distributor in self.network.distributors}
        return {
            floor: min(numbers, key=lambda f: (abs(self.landings[f] - floor), f))
            for floor in floors | set(self.landings)
        }

    @cached_property
    def outlets(self) -> Mapping[str, tuple[Outlet, ...]]:
        """Return the outlets in each cell, by its space."""
        found: defaultdict[str, list[Outlet]] = defaultdict(list)
        for outlet in self.network.outlets:
            found[outlet.space_id].append(outlet)
        return {space_id: tuple(outlets) for space_id, outlets in found.items()}

    @cached_property
    def link_limit_m(self) -> float:
        """Return the longest permanent link: the assumed limit at the assumed temperature."""
        assumptions = self.catalogue.assumptions
        return permanent_link_m(
            assumptions["permanent_link_m"].likely,
            temperature_c=assumptions["containment_temperature_c"].likely,
            screened=True,
            rules=self.rules,
        )

    @cached_property
    def standing(self) -> Standing:
        """Return the links that stand already: outlets with data cabling, and data cables."""
        return standing_of(self.network, limit_m=self.link_limit_m, storeys=self.storeys)

    def has_data(self, cell: Space) -> bool:
        """Return whether a link of Cat 5e or better leads to a cell already."""
        return cell.space_id in self.standing.cells

    def end_of(self, link: StandingLink, *, near: int) -> int:
        """Return the node of the comms room where a link ends, the nearest where none is known."""
        for distributor, node in zip(self.comms_rooms, self.rooms, strict=True):
            if distributor.distributor_id == link.distributor:
                return node
        distances, _ = self.room_routes
        return self.rooms[int(np.argmin(distances[:, near]))]

    def pair_mbps(self, cell: Space) -> float:
        """Return the rate of the best telephony pair of a cell that has passed a test, or 0."""
        return max(
            (
                outlet.pair_mbps or 0.0
                for outlet in self.outlets.get(cell.space_id, ())
                if outlet.state == "existing" and outlet.pair_test == "passed"
            ),
            default=0.0,
        )

    @cached_property
    def taps(self) -> tuple[Tap, ...]:
        """Return where the cabling of each cell hangs on the containment.

        That is at its outlet; a cell without one is reached from the nearest node of its floor.
        """
        return tuple(self._tap(cell) for cell in self.cells)

    def _tap(self, cell: Space) -> Tap:
        for outlet in self.outlets.get(cell.space_id, ()):
            if outlet.outlet_id in self.containment.taps:
                return self.containment.taps[outlet.outlet_id]
        x_m, y_m = middle_of(cell)
        node, away_m = self.containment.nearest(cell.floor, (x_m, y_m))
        return Tap(
            node=node, length_m=round(away_m + self.rules["drop.without_outlet"], 3), drills=1
        )

    @cached_property
    def comms_rooms(self) -> tuple[Distributor, ...]:
        """Return the distributors that the backbone reaches.

        Those that stand, or at which a duct ends; where there is neither, the first. One that
        no containment joins to these has a backbone of its own.
        """
        drawn = self.network.distributors
        ducted = {
            end
            for span in self.network.spans
            if span.containment == _DUCT
            for end in (span.start, span.end)
        }
        first = [d for d in drawn if d.state == "existing" or d.distributor_id in ducted]
        first = first or list(drawn[:1])
        if len(first) == len(drawn):
            return drawn
        lengths = [way.span.length_m for way in self.containment.ways]
        distances, _ = self.containment.shortest([self.node_of(d) for d in first], lengths)
        return tuple(
            d for d in drawn if d in first or not np.isfinite(distances[:, self.node_of(d)]).any()
        )

    @cached_property
    def drawn_cabinets(self) -> tuple[int, ...]:
        """Return the nodes of new distributors to which fibre from a comms room has to be led."""
        rooms = self.comms_rooms
        return tuple(self.node_of(d) for d in self.network.distributors if d not in rooms)

    def node_of(self, distributor: Distributor) -> int:
        """Return the node of a distributor: its own, or the nearest of its floor."""
        node = self.containment.numbers.get(distributor.distributor_id)
        if node is None:
            node, _ = self.containment.nearest(distributor.floor, distributor.at)
        return node

    @cached_property
    def rooms(self) -> tuple[int, ...]:
        """Return the nodes of the comms rooms."""
        return tuple(map(self.node_of, self.comms_rooms))

    @cached_property
    def way_costs_gbp(self) -> tuple[float, ...]:
        """Return the whole-life cost of building each way: its containment and what it drills."""
        metre, hole = (self.catalogue.unit_gbp(i) for i in ("containment_steel", "core_drill"))
        return tuple(
            round(way.span.length_m, 3) * metre + way.drills * hole if way.is_new else 0.0
            for way in self.containment.ways
        )

    @cached_property
    def room_routes(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the length in metres from each comms room to each node, and the node before."""
        lengths = [way.span.length_m for way in self.containment.ways]
        return self.containment.shortest(self.rooms, lengths)


def middle_of(space: Space) -> tuple[float, float]:
    """Return the mean of a space's corners, in metres."""
    xs, ys = zip(*space.outline, strict=True)
    return (round(sum(xs) / len(xs), 3), round(sum(ys) / len(ys), 3))

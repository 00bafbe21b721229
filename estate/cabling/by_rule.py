"""What the rules of the first plan would have built, to compare the design with.

These rules count walls on the straight line, give each landing containment along both sides and
run every cable to one place; they may break a rule that the design keeps, which is then said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, isfinite
from typing import TYPE_CHECKING

from estate.cabling.options import WIRELESS, Option
from estate.network import outlet_lengths_m
from estate.radio.reach import cells_reached_from_a_cell, cells_reached_from_a_landing
from estate.typology import read_typologies

if TYPE_CHECKING:
    from estate.cabling.wing import WingProblem
    from estate.catalogue import Catalogue
    from estate.model import Network, WingShape

_RUNS = frozenset({"tray", "basket", "trunking", "conduit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRule:
    """The likely whole-life cost of a wing by rule, and what was chosen on its landings.

    `items` is all that it would have taken, `options` the choice of each landing from the lowest
    up, and `access_points` how many of each kind the whole wing would have had.
    """

    cost_gbp: float
    options: tuple[Option, ...]
    items: Mapping[str, float]
    access_points: Mapping[Option, int]

    @property
    def chosen(self) -> str:
        """Return the choices in words."""
        return "; ".join(dict.fromkeys(map(str, self.options)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Landing:
    chosen: Option
    items: dict[str, float] = field(default_factory=dict)
    ports: int


def by_rule(shape: WingShape, wing: WingProblem, *, limit_m: float) -> ByRule:
    """Return what a wing would cost by the rules of the first plan, at the same rates."""
    network, catalogue = wing.network, wing.catalogue
    # An outlet outside the cells, or a second one in a cell, may have no way to a distributor.
    lengths_m = [length_m for length_m in outlet_lengths_m(network).values() if isfinite(length_m)]
    longest_m = max(lengths_m, default=0.0)
    mean_m = sum(lengths_m) / max(1, len(lengths_m))
    away_m = shape.distance_to_comms_m
    ends_in_room = longest_m <= limit_m
    link_m = mean_m if ends_in_room else mean_m - away_m
    riser_m = _built_m(network, {"riser"}) / len(shape.layout)
    switch_ports = wing.rules["switch.ports"]
    reached = _reached(shape, catalogue)
    landings = [
        _cheapest(
            _offered(sum(cells), reached, _built_m(network, _RUNS, floor) + riser_m, link_m),
            catalogue,
            switch_ports,
        )
        for floor, cells in enumerate(shape.layout)
    ]
    places = 1 if longest_m - away_m <= limit_m else max(map(len, shape.layout))
    spare = max(1.0, catalogue.assumptions["spare_ports"].likely)
    ports = sum(landing.ports for landing in landings)
    switches = max(places, ceil(round(ports * spare / switch_ports, 6)))
    cabinets = max(places, ceil(switches / catalogue.assumptions["switches_per_cabinet"].likely))
    shared = {
        "switch_48_poe": switches,
        "cabinet": cabinets,
        "power_circuit": cabinets,
        "fibre_internal": 0.0 if ends_in_room else away_m,
        "containment_steel": _built_m(network, {"duct"}),
    }
    items: Counter[str] = Counter()
    access_points: Counter[Option] = Counter()
    for landing in landings:
        items.update(landing.items)
        if landing.chosen in WIRELESS:
            access_points[landing.chosen] += landing.ports
    items.update(shared)
    return ByRule(
        cost_gbp=sum(_priced(landing.items, catalogue) for landing in landings)
        + _priced(shared, catalogue),
        options=tuple(landing.chosen for landing in landings),
        items=dict(items),
        access_points=dict(access_points),
    )


def _built_m(network: Network, kinds: frozenset[str] | set[str], floor: int | None = None) -> float:
    return sum(
        span.length_m
        for span in network.spans
        if span.state != "existing"
        and span.containment in kinds
        and (floor is None or span.floor == floor)
    )


def _offered(cells: int, reached: tuple[int, int], run_m: float, link_m: float) -> list[_Landing]:
    """Return the options of a landing; one access point in a cell or along it reaches so many."""
    in_cells, along = ceil(cells / reached[0]), ceil(cells / reached[1]) if reached[1] else 0
    point = {"access_point": 1, "outlet_cat6a": 1, "cable_cat6a": link_m}
    offered = [
        _Landing(
            chosen=Option.OUTLETS,
            items={
                "outlet_cat6a": cells,
                "cable_cat6a": cells * link_m,
                "network_dock": cells,
                "core_drill": cells,
                "containment_steel": run_m,
            },
            ports=cells,
        ),
        _Landing(
            chosen=Option.CELL_ACCESS_POINTS,
            items={item: in_cells * n for item, n in point.items()}
            | {"core_drill": in_cells, "containment_steel": run_m},
            ports=in_cells,
        ),
    ]
    if along:
        items = {item: along * n for item, n in point.items()} | {"containment_steel": run_m / 2}
        offered.append(_Landing(chosen=Option.LANDING_ACCESS_POINTS, items=items, ports=along))
    return offered


def _cheapest(offered: list[_Landing], catalogue: Catalogue, switch_ports: float) -> _Landing:
    """Return the cheapest option of a landing, its switch ports priced with it."""
    spare = catalogue.assumptions["spare_ports"].likely / switch_ports
    return min(
        offered,
        key=lambda option: (
            _priced(option.items, catalogue)
            + _priced({"switch_48_poe": option.ports * spare}, catalogue)
        ),
    )


def _reached(shape: WingShape, catalogue: Catalogue) -> tuple[int, int]:
    """Return the cells that an access point serves in a cell, and in the middle of a landing."""
    typology = read_typologies()[shape.typology]
    assumed = catalogue.assumptions
    loss_db_max = (
        assumed["radio_eirp_dbm"].likely
        - assumed["radio_target_dbm"].likely
        - assumed["radio_margin_db"].likely
    )
    pitch_m = typology.cell_width_m + shape.thickness_mm / 1000
    in_cell = cells_reached_from_a_cell(
        material=shape.material,
        thickness_mm=shape.thickness_mm,
        pitch_m=pitch_m,
        loss_db_max=loss_db_max,
    )
    along = cells_reached_from_a_landing(
        material=shape.material,
        thickness_mm=shape.thickness_mm,
        pitch_m=pitch_m,
        landing_width_m=typology.landing_width_m,
        loss_db_max=loss_db_max,
    )
    most = int(assumed["cells_per_access_point_airtime"].likely)
    return min(in_cell, most), min(along, most)


def _priced(items: Mapping[str, float], catalogue: Catalogue) -> float:
    return sum(quantity * catalogue.unit_gbp(item) for item, quantity in items.items())

"""What the rules of the first plan would have built, to compare the design with.

These rules count walls on the straight line, give each landing containment along both sides and
run every cable to one place; they may break a rule that the design keeps, which is then said.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, ceil, degrees, hypot
from typing import TYPE_CHECKING

from estate.network import outlet_lengths_m
from estate.radio.slab import MATERIALS, free_space_loss_db, slab_loss_db
from estate.typology import read_typologies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estate.catalogue import Catalogue
    from estate.model import Network, WingShape

_FREQUENCY_GHZ = 5.5
_BUDGET_DB = 76.0  # 15 dBm radiated by a device, -67 dBm at the access point, 6 dB of margin.
_CELLS_BY_AIRTIME = 6
_SWITCH_PORTS = 48
_RUNS = frozenset({"tray", "basket", "trunking", "conduit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRule:
    """The likely whole-life cost of a wing by rule, and what was chosen on its landings."""

    cost_gbp: float
    chosen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Landing:
    chosen: str
    items: dict[str, float]
    ports: int


def by_rule(shape: WingShape, network: Network, catalogue: Catalogue, *, limit_m: float) -> ByRule:
    """Return what a wing would cost by the rules of the first plan, at the same rates."""
    lengths_m = outlet_lengths_m(network)
    longest_m = max(lengths_m.values(), default=0.0)
    mean_m = sum(lengths_m.values()) / max(1, len(lengths_m))
    away_m = shape.distance_to_comms_m
    ends_in_room = longest_m <= limit_m
    link_m = mean_m if ends_in_room else mean_m - away_m
    riser_m = _built_m(network, {"riser"}) / len(shape.layout)
    landings = [
        _landing(shape, floor, _built_m(network, _RUNS, floor) + riser_m, link_m, catalogue)
        for floor in range(len(shape.layout))
    ]
    places = 1 if longest_m - away_m <= limit_m else max(map(len, shape.layout))
    spare = max(1.0, catalogue.assumptions["spare_ports"].likely)
    ports = sum(landing.ports for landing in landings)
    switches = max(places, ceil(round(ports * spare / _SWITCH_PORTS, 6)))
    cabinets = max(places, ceil(switches / catalogue.assumptions["switches_per_cabinet"].likely))
    shared = {
        "switch_48_poe": switches,
        "cabinet": cabinets,
        "power_circuit": cabinets,
        "fibre_internal": 0.0 if ends_in_room else away_m,
        "containment_steel": _built_m(network, {"duct"}),
    }
    cost = sum(_priced(landing.items, catalogue) for landing in landings)
    return ByRule(
        cost_gbp=cost + _priced(shared, catalogue),
        chosen="; ".join(dict.fromkeys(landing.chosen for landing in landings)),
    )


def _built_m(network: Network, kinds: frozenset[str] | set[str], floor: int | None = None) -> float:
    return sum(
        span.length_m
        for span in network.spans
        if span.state != "existing"
        and span.containment in kinds
        and (floor is None or span.floor == floor)
    )


def _landing(
    shape: WingShape, floor: int, run_m: float, link_m: float, catalogue: Catalogue
) -> _Landing:
    """Return the cheapest option of a landing, its switch ports priced with it."""
    cells = sum(shape.layout[floor])
    reached = _reached(shape)
    in_cells, along = ceil(cells / reached[0]), ceil(cells / reached[1]) if reached[1] else 0
    point = {"access_point": 1, "outlet_cat6a": 1, "cable_cat6a": link_m}
    offered = [
        _Landing(
            chosen="outlet_per_cell",
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
            chosen="access_points_in_cells",
            items={item: in_cells * n for item, n in point.items()}
            | {"core_drill": in_cells, "containment_steel": run_m},
            ports=in_cells,
        ),
    ]
    if along:
        items = {item: along * n for item, n in point.items()} | {"containment_steel": run_m / 2}
        offered.append(_Landing(chosen="access_points_on_landing", items=items, ports=along))
    spare = catalogue.assumptions["spare_ports"].likely / _SWITCH_PORTS
    return min(
        offered,
        key=lambda option: (
            _priced(option.items, catalogue)
            + _priced({"switch_48_poe": option.ports * spare}, catalogue)
        ),
    )


def _reached(shape: WingShape) -> tuple[int, int]:
    """Return the cells that an access point serves in a cell, and in the middle of a landing."""
    typology = read_typologies()[shape.typology]
    pitch_m = typology.cell_width_m + shape.thickness_mm / 1000
    sides = columns = 0
    while _loss_db(shape, (sides + 1) * pitch_m, walls=sides + 1) <= _BUDGET_DB:
        sides += 1
    half_m = typology.landing_width_m / 2
    while True:
        along_m = (columns + 0.5) * pitch_m
        angle_deg = degrees(atan2(along_m, half_m))
        if _loss_db(shape, hypot(half_m, along_m), walls=1, angle_deg=angle_deg) > _BUDGET_DB:
            break
        columns += 1
    return min(1 + 2 * sides, _CELLS_BY_AIRTIME), min(4 * columns, _CELLS_BY_AIRTIME)


def _loss_db(shape: WingShape, distance_m: float, *, walls: int, angle_deg: float = 0.0) -> float:
    wall_db = slab_loss_db(
        MATERIALS[shape.material],
        thickness_mm=shape.thickness_mm,
        frequency_ghz=_FREQUENCY_GHZ,
        angle_deg=angle_deg,
    )
    return free_space_loss_db(distance_m=distance_m, frequency_ghz=_FREQUENCY_GHZ) + walls * wall_db


def _priced(items: Mapping[str, float], catalogue: Catalogue) -> float:
    return sum(quantity * catalogue.unit_gbp(item) for item, quantity in items.items())

"""The network of one wing: options for each landing, and which one is chosen.

Sizing here is by rule. What the rules get wrong is said in RULES, which every report prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING

from estate.catalogue import Assumptions, Rate
from estate.estimate import Estimate
from estate.model import DATA_CABLING
from estate.network import outlet_lengths_m
from estate.radio.reach import cells_reached_from_a_cell, cells_reached_from_a_landing
from estate.typology import lay_out, read_typologies

if TYPE_CHECKING:
    from estate.model import Network, WingShape

RULES = (
    (
        "Coverage counts only the walls on the straight line, at 5.5 GHz, as plain slabs: it "
        "leaves out doors, furniture, floors and reflections, so neighbouring cells may be served "
        "better or worse than priced. No design by this rule is for construction."
    ),
    "An access point on a landing serves cells on that landing only.",
    "Containment follows both sides of every landing; an access point on a landing needs one side.",
    (
        "Every landing's cabling is home-run to the nearest comms room if that meets the permanent "
        "link limit, else to a new cabinet in the wing, else to one on each spur; the route from "
        "the wing to the comms room is new in each case."
    ),
    "Switch ports, cabinets and their power are counted for the wing and rounded up.",
    (
        "Rules and limits use the likely value of their assumption; its range widens what is "
        "measured from it but chooses nothing anew."
    ),
    (
        "Replacing equipment later is priced at its rate alone, without escorts, preliminaries or "
        "decant."
    ),
    (
        "Options are compared by whole-life cost at likely rates, with the wing's switches and "
        "cabinets shared out by ports; interference between access points is not computed."
    ),
)

SWITCH_PORTS = 48

# Containment fuller than this takes no more: 40 % is what conduit may be filled to in the end
# (EN 50174-2 by way of our notes, unverified); a tray beside it is priced as new.
FILL_PERCENT_MAX = 40.0

_RUNS = frozenset({"tray", "basket", "trunking", "conduit"})  # Along a landing.


class Option(StrEnum):
    """What may be built on a landing."""

    OUTLETS = "outlet_per_cell"
    CELL_ACCESS_POINTS = "access_points_in_cells"
    LANDING_ACCESS_POINTS = "access_points_on_landing"
    NOTHING = "nothing"


LABELS = {
    Option.OUTLETS: "Cat 6A outlet in each cell",
    Option.CELL_ACCESS_POINTS: "access points in cells",
    Option.LANDING_ACCESS_POINTS: "access points on the landing",
    Option.NOTHING: "nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingOption:
    """One option for one landing: what it takes, what it costs, or why it is not offered.

    `whole_life_cost_gbp` is at likely quantities and rates, replacements included.
    """

    option: Option
    offered: bool
    reason: str
    cells_per_point: int
    quantities: dict[str, Estimate]
    ports: Estimate
    whole_life_cost_gbp: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingDesign:
    """The choice for a landing; `margin_gbp` is what the runner-up would cost more."""

    landing: int
    cells: int
    chosen: Option
    runner_up: Option | None
    margin_gbp: Decimal
    options: tuple[LandingOption, ...]

    @property
    def choice(self) -> LandingOption:
        """Return the chosen option with its quantities."""
        return next(option for option in self.options if option.option == self.chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class WingDesign:
    """The design of every wing of one shape."""

    landings: tuple[LandingDesign, ...]
    shared: dict[str, Estimate]
    longest_link_m: float
    distributor: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What a design is priced and ruled by."""

    rates: Mapping[str, Rate]
    assumptions: Assumptions
    appraisal_years: int

    def purchases(self, item: str) -> int:
        """Return how often an item is bought within the appraisal, the first time included."""
        life_years = self.rates[item].life_years
        return ceil(self.appraisal_years / life_years) if life_years else 1

    def whole_life_gbp(self, quantities: Mapping[str, Estimate]) -> Decimal:
        """Return the likely cost of the quantities with their replacements."""
        return sum(
            (
                Decimal(repr(quantity.likely * self.purchases(item)))
                * Decimal(repr(self.rates[item].rate.likely))
                for item, quantity in sorted(quantities.items())
            ),
            Decimal(0),
        ).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measures:
    """Lengths read from the graph of one shape, in metres; the first three are still to build."""

    tray_m: tuple[float, ...]
    riser_m: float
    duct_m: float
    longest_link_m: float


def design_wing(
    shape: WingShape, catalogue: Catalogue, network: Network | None = None
) -> WingDesign:
    """Return the cheapest offered option for each landing, and what the wing shares.

    `network` is that of a survey, landing n on floor n - 1; without one the shape is laid out.
    """
    measures = _measured(network or lay_out(shape), landings=len(shape.layout))
    landings = tuple(
        _design_landing(shape, number, measures, catalogue)
        for number in range(1, len(shape.layout) + 1)
    )
    shared, distributor, warnings = _shared(shape, landings, measures, catalogue)
    return WingDesign(
        landings=landings,
        shared=shared,
        longest_link_m=round(measures.longest_link_m, 1),
        distributor=distributor,
        warnings=warnings,
    )


def _measured(network: Network, *, landings: int) -> _Measures:
    tray_m = [0.0] * landings
    riser_m = duct_m = 0.0
    for span in network.spans:
        if span.state == "existing" and (span.fill_percent or 0.0) <= FILL_PERCENT_MAX:
            continue
        if span.containment == "riser":
            riser_m += span.length_m
        elif span.containment == "duct":
            duct_m += span.length_m
        elif span.containment in _RUNS:
            tray_m[span.floor] += span.length_m
    lengths_m = outlet_lengths_m(network)
    return _Measures(
        tray_m=tuple(tray_m),
        riser_m=riser_m,
        duct_m=duct_m,
        longest_link_m=max(lengths_m.values(), default=0.0),
    )


def _design_landing(
    shape: WingShape, number: int, measures: _Measures, catalogue: Catalogue
) -> LandingDesign:
    cells = sum(shape.layout[number - 1])
    run_m = measures.tray_m[number - 1] + measures.riser_m / len(shape.layout)
    options = (
        _outlets(shape, cells, run_m, catalogue),
        _cell_access_points(shape, cells, run_m, catalogue),
        _landing_access_points(shape, cells, run_m, catalogue),
        LandingOption(
            option=Option.NOTHING,
            offered=False,
            reason="leaves every cell of the landing without service",
            cells_per_point=0,
            quantities={},
            ports=Estimate.exactly(0),
            whole_life_cost_gbp=Decimal(0),
        ),
    )
    # Sorted by cost, then by the order above, so that a tie is never luck.
    offered = sorted((o for o in options if o.offered), key=lambda o: o.whole_life_cost_gbp)
    best, *others = offered
    return LandingDesign(
        landing=number,
        cells=cells,
        chosen=best.option,
        runner_up=others[0].option if others else None,
        margin_gbp=(others[0].whole_life_cost_gbp - best.whole_life_cost_gbp)
        if others
        else Decimal(0),
        options=options,
    )


def _outlets(shape: WingShape, cells: int, run_m: float, catalogue: Catalogue) -> LandingOption:
    reused = shape.cabling in DATA_CABLING
    new = 0 if reused else cells
    quantities = {
        "outlet_cat6a": Estimate.exactly(new),
        "network_dock": Estimate.exactly(cells),
        "core_drill": Estimate.exactly(new),
        "containment_steel": Estimate.exactly(0 if reused else round(run_m, 1)),
    }
    ports = Estimate.exactly(cells)
    return LandingOption(
        option=Option.OUTLETS,
        offered=True,
        reason=f"reuses the {shape.cabling} in the cells" if reused else "",
        cells_per_point=1,
        quantities=quantities,
        ports=ports,
        whole_life_cost_gbp=_whole_life_gbp(quantities, ports, catalogue),
    )


def _cell_access_points(
    shape: WingShape, cells: int, run_m: float, catalogue: Catalogue
) -> LandingOption:
    typology = read_typologies()[shape.typology]
    pitch_m = typology.cell_width_m + shape.thickness_mm / 1000
    reach = [
        min(
            cells_reached_from_a_cell(
                material=shape.material,
                thickness_mm=shape.thickness_mm,
                pitch_m=pitch_m,
                loss_db_max=budget_db,
            ),
            airtime,
        )
        for budget_db, airtime in _radio_bounds(catalogue)
    ]
    points = Estimate(*(ceil(cells / each) for each in reach))
    quantities = {
        "access_point": points,
        "outlet_cat6a": points,
        "core_drill": points,
        "containment_steel": Estimate.exactly(round(run_m, 1)),
    }
    return LandingOption(
        option=Option.CELL_ACCESS_POINTS,
        offered=True,
        reason="",
        cells_per_point=reach[1],
        quantities=quantities,
        ports=points,
        whole_life_cost_gbp=_whole_life_gbp(quantities, points, catalogue),
    )


def _landing_access_points(
    shape: WingShape, cells: int, run_m: float, catalogue: Catalogue
) -> LandingOption:
    typology = read_typologies()[shape.typology]
    reach = [
        min(
            cells_reached_from_a_landing(
                material=shape.material,
                thickness_mm=shape.thickness_mm,
                pitch_m=typology.cell_width_m + shape.thickness_mm / 1000,
                landing_width_m=typology.landing_width_m,
                loss_db_max=budget_db,
            ),
            airtime,
        )
        for budget_db, airtime in _radio_bounds(catalogue)
    ]
    if not reach[1]:
        return LandingOption(
            option=Option.LANDING_ACCESS_POINTS,
            offered=False,
            reason=f"{shape.thickness_mm} mm {shape.material} keeps the signal out of the cells",
            cells_per_point=0,
            quantities={},
            ports=Estimate.exactly(0),
            whole_life_cost_gbp=Decimal(0),
        )
    # Where the worst radio case reaches nobody, one point for each facing pair of doors is priced.
    points = Estimate(*(ceil(cells / (each or 2)) for each in reach))
    quantities = {
        "access_point": points,
        "outlet_cat6a": points,
        "containment_steel": Estimate.exactly(round(run_m / 2, 1)),
    }
    return LandingOption(
        option=Option.LANDING_ACCESS_POINTS,
        offered=True,
        reason="",
        cells_per_point=reach[1],
        quantities=quantities,
        ports=points,
        whole_life_cost_gbp=_whole_life_gbp(quantities, points, catalogue),
    )


def _radio_bounds(catalogue: Catalogue) -> tuple[tuple[float, int], ...]:
    """Return (loss that may be spent in dB, cells that airtime allows): best, likely, worst."""
    a = catalogue.assumptions
    eirp, target, margin = a["radio_eirp_dbm"], a["radio_target_dbm"], a["radio_margin_db"]
    airtime = a["cells_per_access_point_airtime"]
    return (
        (eirp.high - target.low - margin.low, int(airtime.high)),
        (eirp.likely - target.likely - margin.likely, int(airtime.likely)),
        (eirp.low - target.high - margin.high, int(airtime.low)),
    )


def _whole_life_gbp(
    quantities: Mapping[str, Estimate], ports: Estimate, catalogue: Catalogue
) -> Decimal:
    """Return the likely whole-life cost with the wing's switches and cabinets shared by ports."""
    spare = catalogue.assumptions["spare_ports"].likely
    switches = ports.likely * spare / SWITCH_PORTS
    cabinets = switches / catalogue.assumptions["switches_per_cabinet"].likely
    shared = {
        "switch_48_poe": Estimate.exactly(switches),
        "cabinet": Estimate.exactly(cabinets),
        "power_circuit": Estimate.exactly(cabinets),
    }
    return catalogue.whole_life_gbp({**quantities, **shared})


def _shared(
    shape: WingShape,
    landings: tuple[LandingDesign, ...],
    measures: _Measures,
    catalogue: Catalogue,
) -> tuple[dict[str, Estimate], str, tuple[str, ...]]:
    """Return what the landings share, where the cabling ends, and the limits it breaks."""
    ports = Estimate.exactly(0)
    for landing in landings:
        ports += landing.choice.ports
    limit_m = catalogue.assumptions["permanent_link_m"].likely
    spurs = max(len(landing) for landing in shape.layout)
    in_wing_m = measures.longest_link_m - shape.distance_to_comms_m
    warnings: tuple[str, ...] = ()
    fibre_m = shape.distance_to_comms_m
    if measures.longest_link_m <= limit_m:
        distributors, where, fibre_m = 1, "nearest comms room", 0.0
    elif in_wing_m <= limit_m:
        distributors, where = 1, "new cabinet in the wing"
    else:
        distributors, where = spurs, "new cabinet on each spur"
        warnings = (
            (
                f"longest link from the hub {in_wing_m:.0f} m, above {limit_m:g} m: a cabinet "
                "on each spur is priced and must be drawn"
            ),
        )
    spare, per_cabinet = (
        catalogue.assumptions["spare_ports"],
        catalogue.assumptions["switches_per_cabinet"],
    )
    switches = Estimate(
        *(
            max(distributors, ceil(round(p * max(s, 1.0) / SWITCH_PORTS, 6)))
            for p, s in zip(ports.as_tuple(), spare.as_tuple(), strict=True)
        )
    )
    cabinets = Estimate(
        max(distributors, ceil(switches.low / per_cabinet.high)),
        max(distributors, ceil(switches.likely / per_cabinet.likely)),
        max(distributors, ceil(switches.high / per_cabinet.low)),
    )
    shared = {
        "switch_48_poe": switches,
        "cabinet": cabinets,
        "power_circuit": cabinets,
        "fibre_internal": Estimate.exactly(round(fibre_m, 1)),
    }
    reused = shape.cabling in DATA_CABLING and all(x.chosen == Option.OUTLETS for x in landings)
    if not reused:
        shared["containment_steel"] = Estimate.exactly(round(measures.duct_m, 1))
    return shared, where, warnings

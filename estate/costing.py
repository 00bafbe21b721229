"""One bill of quantities. Every total in Wingspan is a sum of its lines, and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor
from typing import TYPE_CHECKING

from estate.estimate import Estimate, Money
from estate.model import Grade
from estate.readiness import Rung

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estate.backbone import Backbone
    from estate.cabling.values import WingDesign
    from estate.catalogue import Assumptions, Catalogue
    from estate.model import Establishment, Wing

VAT = "VAT"
IN_CELL = ("wing network",)
CELL_POWER = "cell_power"  # The one item of these that no design of a network holds.
_LOCAL_PACKAGES = frozenset({"wing network", "site network", "enabling", "access"})
_KNOWN_CABLING = frozenset({"none", "voice", "cat5e", "cat6", "cat6a"})
# Item → the facts besides the cell count that its quantity is measured from.
_MEASURED = {
    "cable_cat6a": ("layout", "dimensions", "distance_to_comms_m"),
    "containment_steel": ("layout", "dimensions", "distance_to_comms_m"),
    "fibre_drop": ("layout", "dimensions"),
    "fibre_internal": ("distance_to_comms_m",),
}
_FABRIC = frozenset({"containment_steel", "core_drill"})  # Works that consent slows.
_WHOLE_UNITS = frozenset(
    {
        "socket",
        "outlet",
        "dock",
        "hole",
        "access point",
        "terminal",
        "splitter",
        "pair",
        "switch",
        "cabinet",
        "circuit",
        "device",
        "person",
    }
)


class Phase(StrEnum):
    """When a line is paid: at the start, as later capital, or from resource as time goes on."""

    INITIAL = "initial"
    REPLACEMENT = "replacement"
    RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """A quantity of one item at its rate; `wing` is empty for what serves the whole site.

    `cost_gbp` is quantity times rate to the penny, bound by bound. `basis` says where the
    quantity comes from, and `grade` how good that is.
    """

    wing: str
    item: str
    package: str
    phase: Phase
    budget: str
    unit: str
    quantity: Estimate
    rate_gbp: Estimate
    cost_gbp: Money
    grade: Grade
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums of lines. VAT is apart from everything else.

    `capital` is the first purchase and `replacement` all later capital; with `resource` over the
    appraisal, undiscounted, they add up to `whole_life`. `in_cell` is the initial cost of the
    wings' networks.
    """

    capital_gbp: Money
    replacement_gbp: Money
    resource_gbp: Money
    whole_life_gbp: Money
    vat_gbp: Money
    in_cell_gbp: Money


def totals(lines: Iterable[BillLine]) -> Totals:
    """Return the totals of a bill; an empty bill comes to zero."""
    bill = list(lines)
    net = [line for line in bill if line.package != VAT]

    def total(chosen: Iterable[BillLine]) -> Money:
        return Money.total(line.cost_gbp for line in chosen)

    return Totals(
        capital_gbp=total(x for x in net if x.budget == "capital" and x.phase == Phase.INITIAL),
        replacement_gbp=total(x for x in net if x.budget == "capital" and x.phase != Phase.INITIAL),
        resource_gbp=total(x for x in net if x.budget == "resource"),
        whole_life_gbp=total(net),
        vat_gbp=total(x for x in bill if x.package == VAT),
        in_cell_gbp=total(x for x in net if x.package in IN_CELL and x.phase == Phase.INITIAL),
    )


def by_package(lines: Iterable[BillLine]) -> dict[str, Money]:
    """Return the whole cost of each package, VAT included, in the order of first appearance."""
    sums: dict[str, Money] = {}
    for line in lines:
        sums[line.package] = sums.get(line.package, Money()) + line.cost_gbp
    return sums


def is_local(line: BillLine) -> bool:
    """Return whether a quantity is uncertain because of the prison, not because of the nation.

    A share of other lines is not: it is counted in pounds, whose range holds that of the rates.
    """
    return line.package in _LOCAL_PACKAGES and not line.unit.startswith("GBP")


def new_work_share(rung: Rung, assumptions: Assumptions) -> Estimate:
    """Return the share of cells still to be cabled at a prison of unknown in-cell cabling.

    Telephony counts for nothing here: its medium and pairs are unknown until surveyed. Where no
    source speaks at all, any share may be done.
    """
    if rung in (Rung.TELEPHONY, Rung.NOTHING):
        return Estimate.exactly(1)
    done = assumptions[f"cells_already_cabled.{rung}"]
    return Estimate(*(round(1 - share, 6) for share in (done.high, done.likely, done.low)))


def bill_of_wing(
    wing: Wing, design: WingDesign, *, rung: Rung, catalogue: Catalogue
) -> tuple[BillLine, ...]:
    """Return the lines of one wing: network, enabling works and their replacements."""
    known = wing.shape.cabling in _KNOWN_CABLING
    share = Estimate.exactly(1) if known else new_work_share(rung, catalogue.assumptions)
    quantities = _quantities(wing, design, catalogue.assumptions)
    basis = f"design of the wing; {wing.basis}"
    if share != Estimate.exactly(1):
        basis += f"; {share.likely:.0%} of the work taken as new (site evidence: {rung})"
    bill = Bill(catalogue, wing.wing, wing.grade)
    for item in sorted(quantities):
        measured = item in _MEASURED
        grade = wing.grade_of("cells", *_MEASURED.get(item, ()))
        spread = catalogue.assumptions[f"quantity_spread.{grade}"]
        quantity = quantities[item] * share
        quantity *= spread if measured else _cells_range(wing, catalogue.assumptions)
        if wing.listed == "yes" and item in _FABRIC:
            quantity *= catalogue.assumptions["listed_works"]
            bill.add(item, quantity, f"listed building; {basis}", grade)
        else:
            bill.add(item, quantity, basis, grade)
    _add_conditions(bill, wing)
    return tuple(bill.lines)


def _quantities(wing: Wing, design: WingDesign, assumptions: Assumptions) -> dict[str, Estimate]:
    """Return what the landings and the wing as a whole take, by item.

    The route to the comms room, which landings share, has the range of its assumed length.
    """
    away = Estimate.exactly(1)
    if "distance_to_comms_m" in wing.assumed:
        distance = assumptions["distance_to_comms_m"]
        away = distance.scaled(1 / distance.likely)
    parts = [landing.quantities for landing in design.landings]
    shared = {
        item: quantity * away if item in _MEASURED else quantity
        for item, quantity in design.shared.items()
    }
    found: dict[str, Estimate] = {}
    for part in (*parts, shared):
        for item, quantity in part.items():
            found[item] = found.get(item, Estimate.exactly(0)) + quantity
    return found


def _cells_range(wing: Wing, assumptions: Assumptions) -> Estimate:
    """Return the range of the wing's cell count as a factor of it."""
    bounds = Estimate(wing.cells_low / wing.cells, 1.0, max(1.0, wing.cells_high / wing.cells))
    if "cells" in wing.assumed:
        return bounds
    return bounds * assumptions[f"cells_spread.{wing.grade}"]


def _add_conditions(bill: Bill, wing: Wing) -> None:
    """Add what the state of the wing asks for before any cable runs."""
    if wing.power != "yes":
        cells = _cells_range(wing, bill.catalogue.assumptions).scaled(wing.cells)
        lacking = bill.catalogue.assumptions["cells_without_power"]
        share = Estimate.exactly(1) if wing.power == "no" else lacking
        bill.add(CELL_POWER, cells * share, f"cells with power: {wing.power or 'unknown'}")
    bill.add("design_survey", Estimate.exactly(1), "one for each wing")
    asbestos = wing.asbestos
    if asbestos != "no":
        bill.add("asbestos_survey", Estimate.exactly(1), f"asbestos {asbestos or 'unknown'}")
        chance = bill.catalogue.assumptions["asbestos_event_probability"]
        events = Estimate.exactly(1) if asbestos == "yes" else chance
        bill.add("asbestos_removal", events, f"asbestos {asbestos or 'unknown'}: chance of removal")


def bill_of_site(  # noqa: PLR0913 - what a site's lines come from, each by name
    prison: Establishment,
    wings: tuple[Wing, ...],
    *,
    wing_lines: Iterable[BillLine],
    rung: Rung,
    catalogue: Catalogue,
    backbone: Backbone | None = None,
) -> tuple[BillLine, ...]:
    """Return the lines that serve a whole prison, its devices and its people, and VAT last.

    Devices follow operational capacity; where that is blank, the cells stand in for it. Without a
    backbone the lengths between buildings are assumed.
    """
    works = list(wing_lines)
    # What serves a whole site rests on assumptions that no wing's grade can better.
    bill = Bill(catalogue, "", Grade.ASSUMED)
    _site_network(bill, wings, rung, backbone)
    _access(bill, wings, works)
    fleet = _places(prison, wings, catalogue.assumptions)
    _devices(bill, fleet)
    _people(bill, fleet)
    programme = _base(x for x in (*works, *bill.lines) if x.phase == Phase.INITIAL)
    bill.add("evaluation", programme, "share of the initial cost of the programme")
    _vat(bill, [*works, *bill.lines])
    return tuple(bill.lines)


class Bill:
    """Lines as they are added, each with its replacements."""

    def __init__(self, catalogue: Catalogue, wing: str, grade: Grade) -> None:
        self.catalogue = catalogue
        self.wing = wing
        self.grade = grade
        self.lines: list[BillLine] = []

    def add(self, item: str, quantity: Estimate, basis: str, grade: Grade | None = None) -> None:
        """Add what is bought or done once, and its replacements within the appraisal.

        `grade` is that of the quantity; by default the bill's own.
        """
        self.add_once(item, quantity, basis, grade)
        self.renew(item, quantity, basis, grade)

    def add_once(
        self, item: str, quantity: Estimate, basis: str, grade: Grade | None = None
    ) -> None:
        """Add what is bought or done once."""
        capital = self.catalogue.rates[item].budget == "capital"
        self.add_in(Phase.INITIAL if capital else Phase.RUNNING, item, quantity, basis, grade)

    def renew(self, item: str, quantity: Estimate, basis: str, grade: Grade | None = None) -> None:
        """Add each replacement of what was bought, as often as its life ends in the appraisal."""
        again = self.catalogue.purchases(item) - 1
        if again:
            rate = self.catalogue.rates[item]
            whole = _whole(quantity) if rate.unit in _WHOLE_UNITS else quantity
            phase = Phase.REPLACEMENT if rate.budget == "capital" else Phase.RUNNING
            note = f"bought again after {rate.life_years} years"
            self.add_in(phase, item, whole.scaled(again), f"{note}; {basis}", grade)

    def add_yearly(self, item: str, quantity: Estimate, basis: str) -> None:
        """Add what is paid in each year of the appraisal."""
        years = self.catalogue.appraisal_years
        capital = self.catalogue.rates[item].budget == "capital"
        phase = Phase.REPLACEMENT if capital else Phase.RUNNING
        self.add_in(phase, item, quantity.scaled(years), f"{years} years; {basis}")

    def add_in(
        self,
        phase: Phase,
        item: str,
        quantity: Estimate,
        basis: str,
        grade: Grade | None = None,
    ) -> None:
        """Add one line; nothing of an item adds none."""
        rate = self.catalogue.rates[item]
        whole = _whole(quantity) if rate.unit in _WHOLE_UNITS else quantity
        rounded = Estimate(*(round(bound, 3) for bound in whole.as_tuple()))
        if not rounded.high:
            return  # A line of zeros would only hide the others.
        self.lines.append(
            BillLine(
                wing=self.wing,
                item=item,
                package=rate.package,
                phase=phase,
                budget=rate.budget,
                unit=rate.unit,
                quantity=rounded,
                rate_gbp=rate.rate,
                cost_gbp=Money.of(rounded, rate.rate),
                grade=grade or self.grade,
                basis=basis,
            )
        )


def _site_network(
    bill: Bill, wings: tuple[Wing, ...], rung: Rung, backbone: Backbone | None
) -> None:
    one = Estimate.exactly(1)
    for item in ("core_network", "firewall", "access_control", "wan_install"):
        bill.add(item, one, "one for each site; what exists is unknown until surveyed")
    if backbone is None:
        _assumed_ducts(bill, len(wings), rung, f"between buildings, {len(wings)} wings")
    else:
        _drawn_ducts(bill, backbone)
        codes = ", ".join(backbone.apart)
        why = "joined to the core by no drawn duct" if backbone.core else "no core is drawn"
        basis = f"between buildings, length assumed for {codes}: {why}"
        _assumed_ducts(bill, len(backbone.apart), rung, basis)
    bill.add_yearly("wan_rental", one, "one circuit")


def _drawn_ducts(bill: Bill, backbone: Backbone) -> None:
    spread = bill.catalogue.assumptions[f"quantity_spread.{backbone.grade}"]
    bill.add("external_duct", spread.scaled(backbone.dug_m), backbone.basis, backbone.grade)
    bill.add("fibre_campus", spread.scaled(backbone.laid_m), backbone.basis, backbone.grade)


def _assumed_ducts(bill: Bill, wings: int, rung: Rung, basis: str) -> None:
    each_m = bill.catalogue.assumptions["campus_duct_m_per_wing"]
    duct_m = each_m.scaled(wings) * new_work_share(rung, bill.catalogue.assumptions)
    bill.add("external_duct", duct_m, basis)
    bill.add("fibre_campus", duct_m, basis)
    if bill.catalogue.backbone_ways > 1:
        # No length between buildings is known: joined in pairs, they need the fewest ducts.
        pairs = ceil(wings / 2)
        more_m = each_m.scaled(pairs)
        basis = f"second ways: {pairs} ducts, through each of which two wings back each other"
        bill.add("external_duct", more_m, basis)
        bill.add("fibre_campus", more_m, basis)


def _access(bill: Bill, wings: tuple[Wing, ...], works: list[BillLine]) -> None:
    assumptions = bill.catalogue.assumptions
    points = Estimate.exactly(0)
    for line in works:
        if line.item == "outlet_cat6a" and line.phase == Phase.INITIAL:
            points += line.quantity
    days = points * assumptions["installer_days_per_outlet"]
    escort = days * assumptions["escort_per_installer"]
    bill.add("escort_day", escort, f"{points.likely:,.0f} outlets to fit under escort")
    bill.add("vetting", assumptions["contractors_vetted"], "contractors of one site")
    affected = Estimate.exactly(sum(w.cells for w in wings if w.decant_possible != "no"))
    cells = Estimate(
        *(min(a, p) for a, p in zip(affected.as_tuple(), points.as_tuple(), strict=True))
    )
    bill.add("decant", cells * assumptions["decant_nights"], "nights out of use for the works")
    networks = _base(
        line
        for line in (*works, *bill.lines)
        if line.package in {"wing network", "site network"} and line.phase == Phase.INITIAL
    )
    bill.add("preliminaries", networks, "share of the network works")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fleet:
    """The places of a prison, one device each; `counted` says which figure they come from."""

    places: Estimate
    counted: str
    grade: Grade


def _places(prison: Establishment, wings: tuple[Wing, ...], assumptions: Assumptions) -> _Fleet:
    """Return the places that devices follow: operational capacity, else CNA, else the cells."""
    cells = sum(wing.cells for wing in wings)
    places, counted, grade = (
        prison.operational_capacity,
        f"operational capacity {prison.capacity_dated}",
        prison.capacity_grade,
    )
    if not places:
        places, grade = prison.baseline_cna, Grade.ASSUMED
        counted = f"baseline CNA {prison.capacity_dated} (operational capacity blank)"
    if not places:
        places, counted = cells, "cells (no capacity in the sources)"
    spread = assumptions[f"capacity_spread.{grade}"]
    return _Fleet(places=spread.scaled(places), counted=counted, grade=grade)


def _devices(bill: Bill, fleet: _Fleet) -> None:
    assumptions = bill.catalogue.assumptions
    attrition = assumptions["device_attrition"]
    bill.add_once("device", fleet.places, f"one for each place: {fleet.counted}", fleet.grade)
    # Planned renewal takes only devices that were not lost and replaced on the way.
    life_years = bill.catalogue.rates["device"].life_years or bill.catalogue.appraisal_years
    left = [(1 - min(share, 1.0)) ** life_years for share in attrition.as_tuple()]
    survivors = Estimate(*reversed(left))
    bill.renew("device", fleet.places * survivors, "devices not yet lost; the lost are below")
    bill.add("device_spare", fleet.places * assumptions["spare_devices"], "share of the fleet")
    bill.add_yearly("device_attrition", fleet.places * attrition, "share of the fleet a year")
    bill.add_yearly("device_management", fleet.places, fleet.counted)
    bill.add_yearly("filtered_internet", fleet.places, fleet.counted)
    staff = fleet.places.scaled(0.001) * assumptions["support_fte_per_1000_devices"]
    bill.add_yearly("support_staff", staff, "for each 1,000 devices")


def _people(bill: Bill, fleet: _Fleet) -> None:
    assumptions = bill.catalogue.assumptions
    staff = fleet.places * assumptions["staff_per_place"]
    bill.add("staff_training", staff, f"before go-live; {fleet.counted}")
    again = staff * assumptions["annual_refresher"]
    bill.add_yearly("staff_training", again, "refreshers and new starters")
    receptions = fleet.places * assumptions["receptions_per_place"]
    bill.add_yearly("induction", receptions, f"receptions; {fleet.counted}")
    within = bill.catalogue.appraisal_years
    years = Estimate(*(min(y, within) for y in assumptions["consultation_years"].as_tuple()))
    bill.add("consultation", years, "years of consultation and feedback")
    leavers = fleet.places * assumptions["releases_per_place"] * assumptions["phone_need"]
    bill.add_yearly("release_phone", leavers, "leavers in need of a phone")
    bill.add_yearly("release_data", leavers, "leavers in need of a phone")


def _vat(bill: Bill, lines: list[BillLine]) -> None:
    rates = bill.catalogue.rates
    taxed = [line for line in lines if rates[line.item].vat == "irrecoverable"]
    for phase, item in (
        (Phase.INITIAL, "vat"),
        (Phase.REPLACEMENT, "vat"),
        (Phase.RUNNING, "vat_resource"),
    ):
        net = _base(line for line in taxed if line.phase == phase)
        bill.add_in(phase, item, net, f"on what is {phase}")


def _base(lines: Iterable[BillLine]) -> Estimate:
    cost = Money.total(line.cost_gbp for line in lines)
    return Estimate(float(cost.low), float(cost.likely), float(cost.high))


def _whole(quantity: Estimate) -> Estimate:
    """Round what comes in whole pieces: low down, likely to the nearest, high up.

    Some of a piece is one piece: no range of the cells leaves a wing without its one cabinet.
    """
    low, likely, high = (round(bound, 6) for bound in quantity.as_tuple())
    nearest = floor(likely + 0.5)
    least = min(1, nearest) if low > 0 else 0
    return Estimate(max(least, floor(low)), nearest, ceil(high))

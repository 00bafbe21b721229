"""The design of a wing as a value: what is built, where, for whom, and how good the answer is.

Designs are shared by all wings of one shape, so names in them are within the wing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from estate.cabling.options import Option
from estate.estimate import Estimate
from estate.model import Point
from estate.radio.leakage import Leakage


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingOption:
    """One option for one landing: what it costs there, or why it is not offered.

    `whole_life_cost_gbp` is what the wing would cost less without the landing, its own points
    and cables and its part in what is shared, with the rest of the wing as designed; at likely
    quantities and rates, replacements included. `points` is how many points it takes.
    """

    option: Option
    offered: bool
    reason: str
    points: int
    cells_per_point: int
    whole_life_cost_gbp: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingDesign:
    """The choice for a landing; `margin_gbp` is what the runner-up would cost more.

    `binding` says which rule or cell decides. `quantities` are the landing's own: its points,
    their cables and fitting; `ports` the switch ports they take.
    """

    landing: int
    cells: int
    chosen: Option
    runner_up: Option | None
    margin_gbp: Decimal
    binding: str
    quantities: dict[str, Estimate]
    ports: Estimate
    options: tuple[LandingOption, ...]

    @property
    def choice(self) -> LandingOption:
        """Return the chosen option."""
        return next(option for option in self.options if option.option == self.chosen)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltPoint:
    """An outlet, access point, splitter or pair, with its cable and the cells that it serves.

    `route` numbers the spans of `WingDesign.spans` from the point to its distributor.
    `signal_dbm` is expected at each cell, in the order of `cells` and empty for what is wired;
    `load` the share of its airtime or fibre that they take. `forced_by` is the cell that cannot
    do without this access point, or "" where it stands for capacity alone. `reuses` is what a
    survey found of it, "" for nothing: its cable is then not in `length_m`. `distributor_wing` is
    the key of the wing in which its distributor stands, "" for its own.
    """

    name: str
    option: Option
    landing: int
    at: Point
    height_m: float | None
    space: str
    distributor: str
    switch: int
    length_m: float
    route: tuple[int, ...]
    cells: tuple[str, ...]
    signal_dbm: tuple[float, ...]
    load: float
    forced_by: str
    reuses: str = ""
    distributor_wing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltSpan:
    """A span that carries cables, or is built for fibre.

    `section_mm2` is what new containment needs inside for its cables at the first fill, and
    `drills` the walls and floors through which it is led. `wing` is the key of the wing that draws
    it, "" for that whose design has it; floors are those of that wing, `cables` are of all wings.
    """

    span_id: str
    floor: int
    containment: str
    length_m: float
    is_new: bool
    cables: int
    section_mm2: float
    drills: int
    wing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltDistributor:
    """A distributor in which cables end: its switches and ports, and its fibre to a comms room.

    `room_wing` is the key of the wing in which that comms room is, "" for its own.
    """

    name: str
    kind: str
    floor: int
    at: Point
    switches: int
    ports: int
    fibre_m: float
    fibre_route: tuple[str, ...]
    room_wing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WingRadio:
    """What the access points of a wing share once all of them send.

    `band` says which is used, and why; `channels` and `airtime` are by access point, the latter
    with interference; `sinr_db` is by cell, its margin taken off. `failing` cells and
    `overloaded` access points no longer keep what they need. `comparisons` are with other
    models, `warnings` where these disagree by more than 10 dB.
    """

    band: str
    channels: dict[str, int]
    airtime: dict[str, float]
    sinr_db: dict[str, float]
    failing: tuple[str, ...]
    overloaded: tuple[str, ...]
    comparisons: tuple[str, ...]
    warnings: tuple[str, ...]
    leakage: Leakage


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDifference:
    """How much more of an item a design takes than the first rules said, and what that costs.

    Both are below 0 where it takes less; the cost is the likely one over the whole life.
    """

    item: str
    label: str
    unit: str
    more: float
    cost_gbp: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Dearer:
    """Why a design costs more than by the first rules.

    `broken` says what these did that breaks a rule of the design, and by how much, each as the
    rest of a sentence about them; `items` is where the difference comes from and adds up to it,
    but for pennies.
    """

    broken: tuple[str, ...]
    items: tuple[ItemDifference, ...]


def pounds(amount: float) -> Decimal:
    """Return an amount to the penny."""
    return Decimal(repr(round(float(amount), 6))).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class WingDesign:
    """The design of every wing of one shape.

    `cost_gbp` is its likely whole-life cost and `bound_gbp` what no design within the rules
    costs less than; `gap` is their difference as a share of the cost. `radio` says which band its
    access points would use, and why. `by_rule_gbp` is what the rules of the first plan would have
    built, at the same rates, and `dearer` why the design costs more, None where it does not.
    """

    landings: tuple[LandingDesign, ...]
    shared: dict[str, Estimate]
    points: tuple[BuiltPoint, ...]
    spans: tuple[BuiltSpan, ...]
    distributors: tuple[BuiltDistributor, ...]
    longest_link_m: float
    link_limit_m: float
    radio: str
    distributor: str
    warnings: tuple[str, ...]
    cost_gbp: Decimal
    bound_gbp: Decimal
    gap: float
    stopped_by: str
    by_rule_gbp: Decimal
    by_rule: str
    air: WingRadio | None = None
    dearer: Dearer | None = None

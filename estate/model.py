"""Frozen facts of the estate: what stands where, how we know it, and how sure we are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite, pi

DATA_CABLING = ("cat5e", "cat6", "cat6a")  # From the worst up.
_ROUND = frozenset({"conduit", "duct"})  # Containment that is a pipe.


PRISON_ID = r"[A-Z][A-Z0-9-]{2,11}"  # LEI; STC3; X-MILLSIKE.


class Grade(StrEnum):
    """How good a fact is; later letters widen the range of every cost that rests on it."""

    SURVEYED = "A"
    CERTIFIED = "B"
    SCHEDULED = "C"
    ASSUMED = "D"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A yes, no or unknown about an establishment, with where and when it was said."""

    value: str
    source: str = ""
    dated: str = ""

    @property
    def grade(self) -> Grade:
        """Return C for what a source says of the site, D for what is inferred or not said."""
        said = self.value != "unknown" and not self.source.startswith("inferred")
        return Grade.SCHEDULED if said else Grade.ASSUMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Establishment:
    """A prison of the register. `None` and "" mean that the sources do not say.

    Latitude and longitude are WGS 84 degrees. `counted_in` names the establishment whose
    capacity already holds this one's; such a prison is not sized a second time.
    """

    prison_id: str
    name: str
    area: str
    postcode: str
    latitude: float | None
    longitude: float | None
    category: str
    gender: str
    operator: str
    function: str
    year_opened: int | None
    baseline_cna: int | None
    operational_capacity: int | None
    population: int | None
    capacity_dated: str
    capacity_source: str
    counted_in: str
    telephony: Evidence
    data_cabling: Evidence
    devices: Evidence
    source: str
    notes: str

    @property
    def capacity_grade(self) -> Grade:
        """Return B for figures of a bulletin or cell certificate, D for design or rounded ones."""
        source = self.capacity_source.casefold()
        official = "bulletin" in source or "cell certificate" in source
        return Grade.CERTIFIED if official else Grade.ASSUMED


@dataclass(frozen=True, slots=True, kw_only=True)
class WingRecord:
    """One row of a wing schedule. `None` and "" mean "not stated".

    `spurs` holds the cells of each spur on one landing, so (12, 14, 12) is a landing of 38;
    `layout` holds the cells of each spur for every landing from the lowest up, one number for a
    landing without spurs; `cells_max` is an upper bound where only that is known. Yes/no facts
    are "yes", "no" or "unknown". `distance_to_comms_m` is along the route to the nearest comms
    room. `cell_keys` holds the location keys of the cells for every landing of `layout`, through
    its spurs in order; it is empty where no import says them.
    """

    prison_id: str
    wing: str
    name: str
    typology: str
    spurs: tuple[int, ...] | None
    landings: int | None
    cells_per_landing: int | None
    cells: int | None
    cells_max: int | None
    layout: tuple[tuple[int, ...], ...] | None = None
    floors: int | None
    material: str
    thickness_mm: int | None
    era: str
    distance_to_comms_m: float | None
    containment: str
    cabling: str
    comms_rooms: int | None
    power: str
    asbestos: str
    listed: str
    decant_possible: str
    surveyed_on: str
    grade: Grade
    source: str
    whole_prison: str = "no"
    notes: str
    cell_keys: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WingShape:
    """Everything that a wing's geometry and network depend on, and nothing else.

    Two wings of equal shape are laid out and designed once. `layout` holds, for each landing
    from the lowest up, the cells of each spur. `containment` is what already runs along the
    landings ("none", "partial", "full"); `cabling` what already reaches the cells.
    """

    typology: str
    layout: tuple[tuple[int, ...], ...]
    material: str
    thickness_mm: int
    distance_to_comms_m: float
    containment: str = "none"
    cabling: str = "none"

    @property
    def cells(self) -> int:
        """Return the number of cells on all landings."""
        return sum(sum(landing) for landing in self.layout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wing:
    """A wing ready to be designed: its shape, its facts, and the grade of each.

    `key` is the HMPPS location key of the wing ("MDI-A"). `cells_high` and `cells_low` bound the
    number of cells; `assumed` names the facts that no source states, which came from the
    typology. Facts that do not shape the network but its cost stay beside it. `cell_keys` has the
    HMPPS location keys of its cells, landing by landing as `shape.layout` has them, where they are
    known: they name what is designed and change nothing in it, so that alike wings share a design.
    """

    prison_id: str
    wing: str
    name: str
    shape: WingShape
    cells_low: float
    cells_high: float
    grade: Grade
    assumed: tuple[str, ...]
    power: str
    asbestos: str
    listed: str
    decant_possible: str
    surveyed_on: str
    source: str
    basis: str
    cell_keys: tuple[tuple[str, ...], ...] = ()

    def grade_of(self, *facts: str) -> Grade:
        """Return the worst grade among facts of the wing; an assumed one is D."""
        assumed = not set(facts).isdisjoint(self.assumed)
        return Grade.ASSUMED if assumed else self.grade

    @property
    def key(self) -> str:
        """Return the HMPPS location key of the wing."""
        return f"{self.prison_id}-{self.wing}"

    def key_of(self, cell: str) -> str:
        """Return the location key of a cell that a layout names by landing and number: "1-014"."""
        landing, _, number = cell.partition("-")
        if self.cell_keys and landing.isdecimal() and number.isdecimal():
            return self.cell_keys[int(landing) - 1][int(number) - 1]
        return f"{self.key}-{cell}"

    @property
    def cells(self) -> int:
        """Return the number of cells, as sized."""
        return self.shape.cells


Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A room, cell or stretch of landing: a polygon on a floor, in metres.

    `location_key` joins the space to the custodial tree ("1-014" within a wing, "MDI-A-1-014"
    once placed); it is empty for spaces that HMPPS does not list.
    """

    space_id: str
    floor: int
    kind: str
    outline: tuple[Point, ...]
    location_key: str = ""
    grade: Grade = Grade.ASSUMED
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """A straight wall on a floor, drawn along its centre line, in metres."""

    wall_id: str
    floor: int
    material: str
    thickness_mm: int
    start: Point
    end: Point
    grade: Grade = Grade.ASSUMED
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A door joins two spaces; `at` is its middle."""

    door_id: str
    floor: int
    at: Point
    from_space: str
    to_space: str
    grade: Grade = Grade.ASSUMED
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Junction:
    """A point where spans meet."""

    junction_id: str
    floor: int
    at: Point
    space_id: str
    grade: Grade = Grade.ASSUMED
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributor:
    """A floor or building distributor: where horizontal cabling ends in a rack.

    What is free in an existing one is counted by a survey; `None` means "not stated".
    `ports_free` are ports of patch panels, `switch_ports_free` ports that can power a device.
    """

    distributor_id: str
    floor: int
    at: Point
    space_id: str
    kind: str = "floor_distributor"
    state: str = "new"
    ports_free: int | None = None
    switch_ports_free: int | None = None
    rack_units_free: int | None = None
    power_free_w: float | None = None
    grade: Grade = Grade.ASSUMED
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A telecommunications outlet in a cell, or the service outlet of an access point.

    `category` is that of the cabling which reaches an existing one; "voice" is a telephony pair,
    for which `pair_test` is "passed", "failed" or "untested" and `pair_mbps` the rate that the
    test measured, down and up together.
    """

    outlet_id: str
    floor: int
    at: Point
    space_id: str
    kind: str = "outlet"
    state: str = "new"
    category: str = ""
    pair_test: str = "untested"
    pair_mbps: float | None = None
    grade: Grade = Grade.ASSUMED
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPoint:
    """An access point; `model` is "" where nobody read the label."""

    access_point_id: str
    floor: int
    at: Point
    space_id: str
    model: str = ""
    state: str = "new"
    grade: Grade = Grade.ASSUMED
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    """A cable or bundle along its route, a line of at least two points.

    `to_floor` is the floor of its last point, that of its first where it is None. `free_count`
    are pairs or fibres not in use, in the whole bundle, and `length_m` is along the route;
    `None` means "not stated".
    """

    cable_id: str
    floor: int
    route: tuple[Point, ...]
    kind: str
    cable_count: int | None = None
    free_count: int | None = None
    state: str = "new"
    to_floor: int | None = None
    length_m: float | None = None
    grade: Grade = Grade.ASSUMED
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One length of containment between two points (junction, distributor or outlet).

    `length_m` is along the route, so a riser or a bend is longer than its drawing.
    `fill_percent` is the share of its cross-section in use, and `width_mm` by `depth_mm` its
    clear inside, a width alone being the bore of a conduit or duct; `None` means "not stated".

    Raises
    ------
    ValueError
        When the length is not a finite number above zero.
    """

    span_id: str
    floor: int
    start: str
    end: str
    length_m: float
    containment: str
    state: str = "new"
    fill_percent: float | None = None
    width_mm: float | None = None
    depth_mm: float | None = None
    grade: Grade = Grade.ASSUMED
    source: str = ""

    @property
    def cross_section_mm2(self) -> float | None:
        """Return the clear area inside, None where its size is not stated."""
        if self.width_mm is None:
            return None
        if self.depth_mm is not None:
            return self.width_mm * self.depth_mm
        return pi * self.width_mm**2 / 4 if self.containment in _ROUND else None

    def __post_init__(self) -> None:
        if not (isfinite(self.length_m) and self.length_m > 0):
            raise ValueError(f"span {self.span_id} has length_m {self.length_m}, expected > 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Perimeter:
    """The closed line round a site or a wing beyond which a signal is heard by anybody."""

    line: tuple[Point, ...]
    grade: Grade = Grade.ASSUMED
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The physical facts of one wing or site. Identifiers are unique within it.

    `perimeter` is that of the site, where a survey draws it; no map layer or graph has it.
    """

    spaces: tuple[Space, ...] = ()
    walls: tuple[Wall, ...] = ()
    doors: tuple[Door, ...] = ()
    junctions: tuple[Junction, ...] = ()
    distributors: tuple[Distributor, ...] = ()
    outlets: tuple[Outlet, ...] = ()
    access_points: tuple[AccessPoint, ...] = ()
    cables: tuple[Cable, ...] = ()
    spans: tuple[Span, ...] = ()
    perimeter: Perimeter | None = None

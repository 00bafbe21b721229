"""Every column of every input table, declared once: its kind, unit, meaning and bounds.

Readers, error messages, headings and documentation come from these declarations.
"""

from __future__ import annotations

from dataclasses import replace

from estate.column import Column, Table
from estate.model import PRISON_ID
from estate.tables.catalogue import ASSUMPTIONS, RATES
from estate.tables.cells import CELLS
from estate.tables.internet import DESTINATIONS, TIERS
from estate.tables.readings import CALIBRATIONS, MEASUREMENTS

__all__ = [
    "ASSUMPTIONS",
    "BULLETIN",
    "BULLETIN_NAMES",
    "CALIBRATIONS",
    "CELLS",
    "DESTINATIONS",
    "MEASUREMENTS",
    "PROVISIONAL",
    "RATES",
    "REGISTER",
    "SIGNATURE",
    "SPUR_RULES",
    "SURVEY",
    "TIERS",
    "WINGS",
]

PROVISIONAL = "X-"  # Begins the id of a prison to which no source gives one; importers skip it.

_KNOWN = ("yes", "no", "unknown")
_PLACES_MAX = 10_000  # The largest prison of the register has 2,106 places.
_WING = r"[A-Za-z0-9]{1,12}"
_MATERIALS = ("brick", "concrete", "stone", "steel_modular", "timber", "plasterboard")
_CATEGORIES = ("voice", "cat5e", "cat6", "cat6a")


def _evidence(name: str, meaning: str) -> tuple[Column, Column, Column]:
    return (
        Column(name, meaning, "yes", required=True, choices=_KNOWN, default="unknown"),
        Column(f"{name}_source", f"Who says so of {name}", "PQ 78592"),
        Column(f"{name}_dated", f"When it was said of {name}", "2020-09-04", kind="when"),
    )


def _condition(name: str, meaning: str) -> Column:
    return Column(name, meaning, "yes", choices=_KNOWN, default="unknown")


def _places(name: str, meaning: str, example: str) -> Column:
    high = _PLACES_MAX
    return Column(name, meaning, example, kind="integer", required=True, low=0, high=high)


_CODE = Column("wing", "Code of the wing in HMPPS location keys", "HB1", blank=False)
_THICKNESS = Column(
    "thickness_mm", "Of the cell walls", "215", kind="integer", unit="mm", low=20, high=2000
)
_GRADE = Column(
    "grade", "A surveyed, B certified, C scheduled, D assumed", "C", choices=("A", "B", "C", "D")
)

REGISTER = Table(
    name="register",
    meaning="One row for each prison",
    unique=("prison_id",),
    columns=(
        Column(
            "prison_id",
            "NOMIS id; X-NAME where the sources give none",
            "LEI",
            blank=False,
            pattern=PRISON_ID,
        ),
        Column("name", "Name", "Leeds (HMP)", blank=False),
        Column("area", "Local authority or county", "Leeds"),
        Column("postcode", "Postcode", "LS12 2TJ"),
        Column("latitude", "WGS 84 degrees north", "53.795744", kind="number", required=True),
        Column("longitude", "WGS 84 degrees east", "-1.576174", kind="number", required=True),
        Column("category", "Security category", "B (local)", required=True),
        Column(
            "gender",
            "Whom the prison holds",
            "male",
            required=True,
            choices=("male", "female", "mixed"),
        ),
        Column("operator", "Who runs it", "HMPPS (public)", required=True),
        Column("function", "Predominant function", "Local"),
        Column("register_types", "Types in the prison register", "HMP"),
        Column("year_opened", "Year it opened as a prison site", "1847", kind="year", low=1000),
        _places("baseline_cna", "Places of baseline certified normal accommodation", "669"),
        _places("operational_capacity", "Places it can safely hold", "1212"),
        _places("population", "Prisoners held", "1138"),
        Column("capacity_dated", "Date of the three", "2016-05-27", kind="when", required=True),
        Column("capacity_source", "Source of the three", "bulletin 2016-05-27", required=True),
        Column("counted_in", "Prison whose figures hold this one's", "FMI", required=True),
        *_evidence("telephony", "Whether there are telephones in the cells"),
        *_evidence("data_cabling", "Whether there is data cabling in the cells"),
        *_evidence("devices", "Whether devices are live in the cells"),
        Column("source", "Sources of the other columns", "prison register"),
        Column("notes", "What to know before using the row", "operator as of 2023"),
    ),
)

WINGS = Table(
    name="wings",
    meaning="One row for each wing",
    unique=("prison_id", "wing"),
    may_be_empty=True,
    columns=(
        Column("prison_id", "Prison", "EYI", blank=False),
        replace(_CODE, pattern=_WING),
        Column("name", "Name", "Houseblock 1"),
        Column(
            "typology",
            "Kind of building",
            "three_spur_houseblock",
            choices=(
                "radial_gallery",
                "three_spur_houseblock",
                "two_spur_block",
                "linear_wing",
                "cross_plan_block",
                "quick_build",
                "dormitory",
            ),
        ),
        Column(
            "spurs", "Cells of each spur on a landing", "12+14+12", kind="counts", low=1, high=200
        ),
        Column("landings", "Landings with cells", "3", kind="integer", low=1, high=8),
        Column("cells_per_landing", "Cells on a landing", "38", kind="integer", low=1, high=400),
        Column("cells", "Cells on all landings", "114", kind="integer", low=1, high=2000),
        Column(
            "cells_max",
            "Upper bound where only that is known",
            "198",
            kind="integer",
            low=1,
            high=2000,
        ),
        Column(
            "layout",
            "Cells of each spur per landing, lowest landing first; 0 for a spur without any there",
            "12+14+12/12+14+12/13+14+12",
            kind="layout",
            low=0,
            high=200,
        ),
        Column("floors", "Storeys of the building", "3", kind="integer", low=1, high=12),
        Column("material", "What the cell walls are made of", "brick", choices=_MATERIALS),
        _THICKNESS,
        Column("era", "When it was built", "1990s"),
        Column(
            "distance_to_comms_m",
            "Along the route to the nearest comms room",
            "45",
            kind="number",
            unit="m",
            above=0,
            high=2000,
        ),
        Column(
            "containment",
            "What runs along the landings already",
            "partial",
            choices=("none", "partial", "full", "unknown"),
            default="unknown",
        ),
        Column(
            "cabling",
            "What reaches the cells already",
            "cat5e",
            choices=("none", "cat5e", "cat6", "cat6a", "voice", "unknown"),
            default="unknown",
        ),
        Column("comms_rooms", "Comms rooms in the wing", "1", kind="integer", low=0, high=50),
        _condition("power", "Whether the cells have power to spare for a device"),
        _condition("asbestos", "Whether there is asbestos where cables would run"),
        _condition("listed", "Whether the building is listed"),
        _condition("decant_possible", "Whether its cells can be emptied for the works"),
        Column("surveyed_on", "Day of the survey", "2026-09-14", kind="day"),
        replace(_GRADE, default="C"),
        Column("source", "Who says so", "site survey"),
        Column(
            "whole_prison",
            "Whether the rows of this prison are all of its wings",
            "yes",
            choices=("yes", "no"),
            default="no",
        ),
        Column("notes", "What to know before using the row", "spur C is a bound"),
    ),
)


def _figure(name: str, meaning: str, example: str) -> Column:
    # Blank where a prison is mothballed; the totals of the bulletin exceed any one prison.
    high = 1_000_000
    return Column(name, meaning, example, kind="integer", required=True, low=0, high=high)


BULLETIN = Table(
    name="MonthlyBulletin",
    meaning="The monthly population bulletin, below its title rows",
    columns=(
        Column("prison_name", "Prison, or total", "Leeds", required=True),
        _figure("baseline_cna", "Certified normal accommodation", "669"),
        _figure("in_use_cna", "Of it, places in use", "650"),
        _figure("operational_capacity", "Places it can safely hold", "1212"),
        _figure("population", "Prisoners held", "1138"),
    ),
)

BULLETIN_NAMES = Table(
    name="bulletin_names",
    meaning="Names in the bulletin that are not the register's, and what they mean",
    unique=("name",),
    columns=(
        Column("name", "As the bulletin writes it", "Usk / Prescoed", blank=False),
        Column(
            "prison_ids",
            "The prisons that it means",
            "UKI+UPI",
            blank=False,
            pattern=rf"{PRISON_ID}(\+{PRISON_ID})*",
        ),
        Column(
            "baseline_cna_apart",
            "Their baseline CNA when last reported apart, which splits the row",
            "153+199",
            kind="counts",
            required=True,
            low=1,
        ),
        Column("note", "Where the numbers are from", "bulletin of 2012-05-25"),
    ),
)


SPUR_RULES = Table(
    name="spur_rules",
    meaning="How to tell the spurs of a wing whose locations have no level for them",
    unique=("prison_id", "wing"),
    columns=(
        Column("prison_id", "Prison", "EYI", blank=False, pattern=PRISON_ID),
        _CODE,
        Column(
            "kind",
            "What of a cell's place tells its spur",
            "cell_numbers",
            blank=False,
            choices=("cell_numbers", "landing_suffix", "cell_suffix", "level_below_landing"),
        ),
        Column(
            "parameters",
            "The spurs in order: ranges of cell numbers, or endings of a code",
            "1-12+13-26+27-38",
            required=True,
            pattern=r"\d+-\d+(\+\d+-\d+)*|[A-Z](\+[A-Z])*",
        ),
        Column("source", "Who says so", "HMPPS location-group patterns", blank=False),
        Column("notes", "What to know before using the row", "the last range is a bound"),
    ),
)


def _identity(name: str, meaning: str, example: str) -> Column:
    return Column(name, f"{meaning}; unique in the layer", example, blank=False)


def _kind(name: str, meaning: str, *choices: str) -> Column:
    return Column(name, meaning, choices[0], blank=False, choices=choices)


def _tally(name: str, meaning: str, example: str) -> Column:
    return Column(name, meaning, example, kind="integer", low=0, high=10_000)


def _storey(name: str, meaning: str, *, blank: bool) -> Column:
    return Column(name, meaning, "1", kind="integer", blank=blank, low=-5, high=20)


def _amount(name: str, meaning: str, example: str, unit: str, *, high: float) -> Column:
    return Column(name, meaning, example, kind="number", unit=unit, above=0, high=high)


_PLACE = (
    Column("wing", "Code of the wing; blank for the nearest cell's", "A", pattern=_WING),
    _storey("floor", "Storey, 0 for the ground", blank=False),
)
_SPACE = Column("space_id", "Space that it is in; blank to take it from the map", "LEI-A/cell-1")
_SPACES = ("cell", "landing", "atrium", "hub", "stairs", "comms_room", "office", "other")
_CONTAINMENT = ("tray", "basket", "trunking", "conduit", "riser", "drop", "duct")
_DISTRIBUTORS = ("floor_distributor", "building_distributor", "campus_distributor")
_STATES = ("new", "existing")
_STATE = Column("state", "Whether it is there already", "new", choices=_STATES, default="new")
SIGNATURE = (
    replace(_GRADE, default="D"),
    Column("source", "Who says so", "site survey"),
    Column("surveyed_by", "Who measured it, once somebody has", "J. Smith"),
    Column("surveyed_on", "Day on which it was measured", "2026-09-14", kind="day"),
    Column("notes", "What to know of it", "behind the pipework"),
)


def _layer(name: str, meaning: str, *columns: Column) -> Table:
    unique, every = (columns[0].name,), (*columns, *SIGNATURE)
    return Table(name=name, meaning=meaning, unique=unique, may_be_empty=True, columns=every)


# The layers of a survey. The first column of each names the feature.
SURVEY = (
    _layer(
        "spaces",
        "Cells, landings and rooms, by their clear outlines",
        _identity("space_id", "Name of the space", "LEI-A/cell-1"),
        *_PLACE,
        _kind("kind", "What the space is", *_SPACES),
        Column("location_key", "Key of the cell in the HMPPS locations service", "LEI-A-1-001"),
    ),
    _layer(
        "walls",
        "Walls, along their centre lines",
        _identity("wall_id", "Name of the wall", "LEI-A/party-1"),
        *_PLACE,
        _kind("material", "What it is made of", *_MATERIALS, "glass"),
        replace(_THICKNESS, meaning="Thickness", blank=False),
    ),
    _layer(
        "doors",
        "Doors, by their middle",
        _identity("door_id", "Name of the door", "LEI-A/door-1"),
        *_PLACE,
        Column("from_space", "Space on one side; blank to take both from the map", "LEI-A/cell-1"),
        Column("to_space", "Space on the other side", "LEI-A/landing-1"),
    ),
    _layer(
        "spans",
        "Containment between joints; a riser as a short stroke where it rises",
        _identity("span_id", "Name of the span", "LEI-A/run-1"),
        *_PLACE,
        _storey("to_floor", "Storey that a riser goes to; blank for the next above", blank=True),
        _kind("containment", "What carries the cable", *_CONTAINMENT),
        _STATE,
        Column(
            "fill_percent",
            "Share of its cross-section in use",
            "25",
            kind="number",
            unit="%",
            low=0,
            high=100,
        ),
        _amount("width_mm", "Clear inside; the bore of a conduit or duct", "150", "mm", high=5000),
        _amount("depth_mm", "Clear inside; blank for a conduit or duct", "50", "mm", high=5000),
        _amount(
            "length_m",
            "Length along the route; blank for that drawn, except a riser's",
            "12.5",
            "m",
            high=5000,
        ),
    ),
    _layer(
        "distributors",
        "Where cabling ends in a rack",
        _identity("distributor_id", "Name of the distributor", "LEI-A/distributor"),
        *_PLACE,
        _SPACE,
        _kind("kind", "What the distributor serves", *_DISTRIBUTORS),
        _STATE,
        _tally("ports_free", "Patch-panel ports not in use", "12"),
        _tally("switch_ports_free", "Switch ports with power (PoE) not in use", "6"),
        _tally("rack_units_free", "Rack units not in use", "9"),
        replace(
            _amount("power_free_w", "Electrical power to spare", "1500", "W", high=100_000),
            above=None,
            low=0,
        ),
    ),
    _layer(
        "outlets",
        "Where the cord of a device or of an access point plugs in",
        _identity("outlet_id", "Name of the outlet", "LEI-A/outlet-1"),
        *_PLACE,
        _SPACE,
        _kind("kind", "What the outlet is for", "outlet", "service_outlet"),
        Column("category", "Of the cabling that reaches it", "cat6", choices=_CATEGORIES),
        _STATE,
        Column(
            "pair_test",
            "Of a telephony pair: whether a test of it for data was passed",
            "passed",
            choices=("untested", "passed", "failed"),
            default="untested",
        ),
        _amount("pair_mbps", "Rate tested, down and up together", "100", "Mbit/s", high=10_000),
    ),
    _layer(
        "access_points",
        "Access points",
        _identity("access_point_id", "Name of the access point", "LEI-A/AP-001"),
        *_PLACE,
        _SPACE,
        Column("model", "Maker and model", "AP-515"),
        _STATE,
    ),
    _layer(
        "cables",
        "Cables, along their routes",
        _identity("cable_id", "Name of the cable or bundle", "LEI-A/voice-1"),
        *_PLACE,
        _kind("kind", "What the cable is", *_CATEGORIES, "fibre_om4", "fibre_os2", "coaxial"),
        _tally("cable_count", "Cables in the bundle", "24"),
        _tally("free_count", "Pairs or fibres not in use, in all", "10"),
        _storey("to_floor", "Storey of its other end; blank for the same", blank=True),
        _amount("length_m", "Length along the route; blank for that drawn", "41.5", "m", high=5000),
        _STATE,
    ),
    _layer(
        "hazards",
        "What makes work slow or dangerous",
        _identity("hazard_id", "Name of the hazard", "LEI-A/asbestos-1"),
        *_PLACE,
        _kind("kind", "What the hazard is", "asbestos", "listed_fabric"),
    ),
    _layer(
        "site",
        "The perimeter, and the outlines of buildings",
        _identity("site_id", "Name of the outline", "LEI/perimeter"),
        _kind("kind", "What the outline is of", "perimeter", "building"),
        Column("name", "Name of the building", "A Hall"),
    ),
)

"""Every column of every input table, declared once: its kind, unit, meaning and bounds.

Readers, error messages, headings and documentation come from these declarations.
"""

from __future__ import annotations

from estate.column import Column, Table

PROVISIONAL = "X-"  # Begins the id of a prison to which no source gives one; importers skip it.

_KNOWN = ("yes", "no", "unknown")
_PRISON_ID = r"[A-Z][A-Z0-9-]{2,11}"  # LEI; STC3; X-MILLSIKE.
_PLACES_MAX = 10_000  # The largest prison of the register has 2,106 places.


def _evidence(name: str, meaning: str) -> tuple[Column, Column, Column]:
    return (
        Column(name, "text", "", meaning, "yes", required=True, choices=_KNOWN, default="unknown"),
        Column(f"{name}_source", "text", "", f"Who says so of {name}", "PQ 78592"),
        Column(f"{name}_dated", "when", "", f"When it was said of {name}", "2020-09-04"),
    )


def _condition(name: str, meaning: str) -> Column:
    return Column(name, "text", "", meaning, "yes", choices=_KNOWN, default="unknown")


def _places(name: str, meaning: str, example: str) -> Column:
    high = _PLACES_MAX
    return Column(name, "integer", "", meaning, example, required=True, low=0, high=high)


REGISTER = Table(
    name="register",
    meaning="One row for each prison",
    unique=("prison_id",),
    columns=(
        Column(
            "prison_id",
            "text",
            "",
            "NOMIS id; X-NAME where the sources give none",
            "LEI",
            required=True,
            blank=False,
            pattern=_PRISON_ID,
        ),
        Column("name", "text", "", "Name", "Leeds (HMP)", required=True, blank=False),
        Column("area", "text", "", "Local authority or county", "Leeds"),
        Column("postcode", "text", "", "Postcode", "LS12 2TJ"),
        Column("latitude", "number", "", "WGS 84 degrees north", "53.795744", required=True),
        Column("longitude", "number", "", "WGS 84 degrees east", "-1.576174", required=True),
        Column("category", "text", "", "Security category", "B (local)", required=True),
        Column(
            "gender",
            "text",
            "",
            "Whom the prison holds",
            "male",
            required=True,
            choices=("male", "female", "mixed"),
        ),
        Column("operator", "text", "", "Who runs it", "HMPPS (public)", required=True),
        Column("function", "text", "", "Predominant function", "Local"),
        Column("register_types", "text", "", "Types in the prison register", "HMP"),
        Column("year_opened", "year", "", "Year it opened as a prison site", "1847", low=1000),
        _places("baseline_cna", "Places of baseline certified normal accommodation", "669"),
        _places("operational_capacity", "Places it can safely hold", "1212"),
        _places("population", "Prisoners held", "1138"),
        Column("capacity_dated", "when", "", "Date of the three", "2016-05-27", required=True),
        Column(
            "capacity_source",
            "text",
            "",
            "Source of the three",
            "bulletin 2016-05-27",
            required=True,
        ),
        Column(
            "counted_in", "text", "", "Prison whose figures hold this one's", "FMI", required=True
        ),
        *_evidence("telephony", "Whether there are telephones in the cells"),
        *_evidence("data_cabling", "Whether there is data cabling in the cells"),
        *_evidence("devices", "Whether devices are live in the cells"),
        Column("source", "text", "", "Sources of the other columns", "prison register"),
        Column("notes", "text", "", "What to know before using the row", "operator as of 2023"),
    ),
)

WINGS = Table(
    name="wings",
    meaning="One row for each wing",
    unique=("prison_id", "wing"),
    may_be_empty=True,
    columns=(
        Column("prison_id", "text", "", "Prison", "EYI", required=True, blank=False),
        Column(
            "wing",
            "text",
            "",
            "Code of the wing in HMPPS location keys",
            "HB1",
            required=True,
            blank=False,
            pattern=r"[A-Za-z0-9]{1,12}",
        ),
        Column("name", "text", "", "Name", "Houseblock 1"),
        Column(
            "typology",
            "text",
            "",
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
            "spurs", "counts", "", "Cells of each spur on a landing", "12+14+12", low=1, high=200
        ),
        Column("landings", "integer", "", "Landings with cells", "3", low=1, high=8),
        Column("cells_per_landing", "integer", "", "Cells on a landing", "38", low=1, high=400),
        Column("cells", "integer", "", "Cells on all landings", "114", low=1, high=2000),
        Column(
            "cells_max",
            "integer",
            "",
            "Upper bound where only that is known",
            "198",
            low=1,
            high=2000,
        ),
        Column("floors", "integer", "", "Storeys of the building", "3", low=1, high=12),
        Column(
            "material",
            "text",
            "",
            "What the cell walls are made of",
            "brick",
            choices=("brick", "concrete", "stone", "steel_modular", "timber", "plasterboard"),
        ),
        Column("thickness_mm", "integer", "mm", "Of the cell walls", "215", low=20, high=2000),
        Column("era", "text", "", "When it was built", "1990s"),
        Column(
            "distance_to_comms_m",
            "number",
            "m",
            "Along the route to the nearest comms room",
            "45",
            above=0,
            high=2000,
        ),
        Column(
            "containment",
            "text",
            "",
            "What runs along the landings already",
            "partial",
            choices=("none", "partial", "full", "unknown"),
            default="unknown",
        ),
        Column(
            "cabling",
            "text",
            "",
            "What reaches the cells already",
            "cat5e",
            choices=("none", "cat5e", "cat6", "cat6a", "voice", "unknown"),
            default="unknown",
        ),
        Column("comms_rooms", "integer", "", "Comms rooms in the wing", "1", low=0, high=50),
        _condition("power", "Whether the cells have power to spare for a device"),
        _condition("asbestos", "Whether there is asbestos where cables would run"),
        _condition("listed", "Whether the building is listed"),
        _condition("decant_possible", "Whether its cells can be emptied for the works"),
        Column("surveyed_on", "day", "", "Day of the survey", "2026-09-14"),
        Column(
            "grade",
            "text",
            "",
            "A surveyed, B certified, C scheduled, D assumed",
            "C",
            choices=("A", "B", "C", "D"),
            default="C",
        ),
        Column("source", "text", "", "Who says so", "site survey"),
        Column("notes", "text", "", "What to know before using the row", "spur C is a bound"),
    ),
)


def _figure(name: str, meaning: str, example: str) -> Column:
    # Blank where a prison is mothballed; the totals of the bulletin exceed any one prison.
    high = 1_000_000
    return Column(name, "integer", "", meaning, example, required=True, low=0, high=high)


BULLETIN = Table(
    name="MonthlyBulletin",
    meaning="The monthly population bulletin, below its title rows",
    columns=(
        Column("prison_name", "text", "", "Prison, or total", "Leeds", required=True),
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
        Column(
            "name",
            "text",
            "",
            "As the bulletin writes it",
            "Usk / Prescoed",
            required=True,
            blank=False,
        ),
        Column(
            "prison_ids",
            "text",
            "",
            "The prisons that it means",
            "UKI+UPI",
            required=True,
            blank=False,
            pattern=rf"{_PRISON_ID}(\+{_PRISON_ID})*",
        ),
        Column(
            "baseline_cna_apart",
            "counts",
            "",
            "Their baseline CNA when last reported apart, which splits the row",
            "153+199",
            required=True,
            low=1,
        ),
        Column("note", "text", "", "Where the numbers are from", "bulletin of 2012-05-25"),
    ),
)


def _bound(name: str, *, low: float | None = None) -> Column:
    meaning = f"The {name} value"
    return Column(name, "number", "", meaning, "1.5", required=True, blank=False, low=low)


def _words(name: str, meaning: str, example: str) -> Column:
    return Column(name, "text", "", meaning, example, required=True, blank=False)


_VERIFIED = Column(
    "verified",
    "text",
    "",
    "Whether the number stands in a source that was read",
    "no",
    required=True,
    blank=False,
    choices=("yes", "partly", "no"),
)

ASSUMPTIONS = Table(
    name="assumptions",
    meaning="Numbers that no register states, each with its range and source",
    unique=("key",),
    ascending=("low", "likely", "high"),
    columns=(
        _words("key", "Name of the assumption", "spare_ports"),
        _words("unit", "Unit of the numbers", "factor"),
        _bound("low"),
        _bound("likely"),
        _bound("high"),
        _words("source", "Where the numbers are from", "engineering practice"),
        Column("dated", "when", "", "Date of the source", "2024-07", required=True),
        _VERIFIED,
        _words("meaning", "What the number says", "Switch ports bought for each port used"),
    ),
)

RATES = Table(
    name="rates",
    meaning="Prices, each with its range, price base and source",
    unique=("item",),
    ascending=("low", "likely", "high"),
    columns=(
        _words("item", "Name of the rate", "outlet_cat6a"),
        _words("label", "Name on the bill", "Cat 6A outlet, fitted and tested"),
        _words("package", "Part of the bill", "wing network"),
        _words("unit", "What one of it is", "outlet"),
        _bound("low", low=0),
        _bound("likely", low=0),
        _bound("high", low=0),
        _words("price_base", "Year of the prices", "2024-25"),
        Column(
            "budget",
            "text",
            "",
            "Which budget pays",
            "capital",
            required=True,
            blank=False,
            choices=("capital", "resource"),
        ),
        Column(
            "vat",
            "text",
            "",
            "How VAT on it is treated",
            "irrecoverable",
            required=True,
            blank=False,
            choices=("irrecoverable", "recoverable", "none"),
        ),
        Column(
            "life_years",
            "number",
            "years",
            "Until it is replaced; blank for never",
            "7",
            required=True,
            above=0,
            high=100,
        ),
        _words("source", "Where the numbers are from", "unverified default"),
        _VERIFIED,
    ),
)

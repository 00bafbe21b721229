"""Promises about the facts that ship with the program."""

import csv
import json
import os
import re
from collections import defaultdict
from pathlib import Path

import geopandas
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "estate" / "data"
FACT_SHEET = ROOT.parent / "shared" / "facts" / "prisons.csv"

FIGURES = ("baseline_cna", "operational_capacity", "population")
EVIDENCE = ("telephony", "data_cabling", "devices")
REGISTER_COLUMNS = (
    *("prison_id", "name", "area", "postcode", "latitude", "longitude"),
    *("category", "gender", "operator", "function", "register_types", "year_opened"),
    *FIGURES,
    *("capacity_dated", "capacity_source", "counted_in"),
    *("telephony", "telephony_source", "telephony_dated"),
    *("data_cabling", "data_cabling_source", "data_cabling_dated"),
    *("devices", "devices_source", "devices_dated"),
    *("source", "notes"),
)
WING_COLUMNS = (
    *("prison_id", "wing", "name", "typology", "spurs", "landings", "cells_per_landing"),
    *("cells", "cells_max", "floors", "material", "thickness_mm", "era"),
    *("distance_to_comms_m", "containment", "cabling", "comms_rooms", "power", "asbestos"),
    *("listed", "decant_possible", "surveyed_on", "grade", "source", "notes"),
)
TYPOLOGIES = {
    "",
    "radial_gallery",
    "three_spur_houseblock",
    "two_spur_block",
    "linear_wing",
    "cross_plan_block",
    "quick_build",
    "dormitory",
}
# Our column: the fact sheet's. Evidence and notes are restated, so they have their own tests.
SAME_IN_BOTH = {
    "name": "name",
    "area": "local_authority_or_county",
    "postcode": "postcode",
    "latitude": "latitude",
    "longitude": "longitude",
    "category": "category",
    "gender": "gender",
    "operator": "operator",
    "function": "predominant_function_2017",
    "register_types": "register_types",
    "year_opened": "year_opened",
    "baseline_cna": "cna",
    "operational_capacity": "operational_capacity",
    "population": "population",
    "capacity_dated": "capacity_as_of",
    "telephony": "in_cell_telephony",
    "devices": "in_cell_devices",
}


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def register():
    return rows_of(DATA / "register.csv")


@pytest.fixture(scope="module")
def wings():
    return rows_of(DATA / "wings.csv")


@pytest.fixture(scope="module")
def coast():
    return geopandas.read_file(DATA / "coast.geojson")


@pytest.fixture(scope="module")
def fact_sheet():
    if not FACT_SHEET.is_file():
        if os.environ.get("CI"):
            pytest.fail(f"{FACT_SHEET} is absent, and CI must compare with it")
        pytest.skip(f"{FACT_SHEET} is absent")
    return {row["prison_id"] or "X-MILLSIKE": row for row in rows_of(FACT_SHEET)}


def by_id(register):
    return {row["prison_id"]: row for row in register}


def total(rows, column):
    return sum(int(row[column] or 0) for row in rows)


# The files


@pytest.mark.parametrize("name", ["register.csv", "wings.csv", "coast.geojson"])
def test_a_file_is_utf8_with_unix_line_ends(name):
    content = (DATA / name).read_bytes()

    content.decode("utf-8")
    assert b"\r" not in content
    assert content.endswith(b"\n")


def test_the_readme_names_every_data_file():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    files = [path.name for path in DATA.iterdir() if path.suffix in {".csv", ".geojson"}]

    assert [name for name in sorted(files) if f"`{name}`" not in readme] == []


def test_the_readme_attributes_crown_copyright_and_natural_earth():
    readme = (DATA / "README.md").read_text(encoding="utf-8")

    assert "© Crown copyright" in readme
    assert "Open Government Licence\nv3.0" in readme
    assert "Natural Earth" in readme
    assert "public domain" in readme


@pytest.mark.parametrize(
    ("name", "columns"), [("register.csv", REGISTER_COLUMNS), ("wings.csv", WING_COLUMNS)]
)
def test_a_table_has_its_columns_in_order_and_every_row_fills_them(name, columns):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)

    assert tuple(header) == columns
    assert {len(row) for row in rows} == {len(columns)}


@pytest.mark.parametrize("name", ["register.csv", "wings.csv"])
def test_no_value_has_stray_spaces(name):
    values = {value for row in rows_of(DATA / name) for value in row.values()}

    assert [value for value in values if value != value.strip()] == []


# The register


def test_the_register_holds_127_establishments(register):
    assert len(register) == 127


def test_the_register_is_sorted_and_names_no_prison_twice(register):
    prison_ids = [row["prison_id"] for row in register]

    assert prison_ids == sorted(set(prison_ids))


def test_ids_are_those_of_nomis_but_for_oakhill_and_millsike(register):
    odd = [row["prison_id"] for row in register if not re.fullmatch("[A-Z]{2}I", row["prison_id"])]

    assert odd == ["STC3", "X-MILLSIKE"]


def test_millsike_has_a_provisional_id_and_no_coordinates(register):
    millsike = by_id(register)["X-MILLSIKE"]

    assert millsike["name"] == "Millsike (HMP)"
    assert (millsike["latitude"], millsike["longitude"]) == ("", "")
    assert millsike["operational_capacity"] == "1500"
    assert "provisional id" in millsike["notes"]
    assert "next to Full Sutton" in millsike["notes"]


def test_the_register_has_the_prisons_of_the_fact_sheet(register, fact_sheet):
    assert by_id(register).keys() == fact_sheet.keys()


@pytest.mark.parametrize("column", SAME_IN_BOTH)
def test_a_column_equals_the_fact_sheets(column, register, fact_sheet):
    ours = {row["prison_id"]: row[column] for row in register}
    theirs = {prison_id: row[SAME_IN_BOTH[column]] for prison_id, row in fact_sheet.items()}

    assert ours == theirs


def test_every_note_of_the_fact_sheet_is_kept(register, fact_sheet):
    lost = [
        row["prison_id"]
        for row in register
        if not row["notes"].startswith(fact_sheet[row["prison_id"]]["notes"])
    ]

    assert lost == []


def test_the_register_holds_79611_places(register):
    # The fact sheet's own total of baseline CNA.
    assert total(register, "baseline_cna") == 79_611


@pytest.mark.parametrize(("inner", "outer"), [("FYI", "FMI"), ("PYI", "PRI")])
def test_capacity_inside_another_prisons_is_counted_once(inner, outer, register):
    prisons = by_id(register)

    assert prisons[inner]["counted_in"] == outer
    assert [prisons[inner][figure] for figure in FIGURES] == ["", "", ""]
    assert all(prisons[outer][figure] for figure in FIGURES)


def test_nothing_but_feltham_a_and_parcs_unit_is_counted_in_another(register):
    assert [row["prison_id"] for row in register if row["counted_in"]] == ["FYI", "PYI"]


def test_the_peterboroughs_have_their_own_figures_and_a_warning_about_newer_ones(register):
    prisons = by_id(register)

    for prison_id, places in (("PBI", "480"), ("PFI", "360")):
        assert prisons[prison_id]["baseline_cna"] == places
        assert "newer bulletins report PBI and PFI as one row" in prisons[prison_id]["notes"]


def test_a_figure_always_has_a_date_and_a_source(register):
    undated = [
        row["prison_id"]
        for row in register
        if any(row[figure] for figure in FIGURES)
        and not (row["capacity_dated"] and row["capacity_source"])
    ]

    assert undated == []


@pytest.mark.parametrize(
    ("kind", "counts"),
    [
        ("telephony", {"yes": 94, "no": 2, "unknown": 31}),
        ("data_cabling", {"yes": 5, "unknown": 122}),
        ("devices", {"yes": 24, "unknown": 103}),
    ],
)
def test_evidence_is_counted_by_value(kind, counts, register):
    found = defaultdict(int)
    for row in register:
        found[row[kind]] += 1

    assert found == counts


@pytest.mark.parametrize("kind", EVIDENCE)
def test_a_yes_or_no_always_has_a_source_and_a_date(kind, register):
    unfounded = [
        row["prison_id"]
        for row in register
        if row[kind] != "unknown" and not (row[f"{kind}_source"] and row[f"{kind}_dated"])
    ]

    assert unfounded == []


@pytest.mark.parametrize("kind", EVIDENCE)
def test_the_date_of_evidence_is_iso_to_its_own_precision(kind, register):
    dates = {row[f"{kind}_dated"] for row in register} - {""}

    assert [date for date in dates if not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", date)] == []


def test_data_cabling_is_claimed_only_where_a_source_says_so(register):
    claims = {
        row["prison_id"]: row["data_cabling_source"].startswith("inferred")
        for row in register
        if row["data_cabling"] == "yes"
    }

    assert claims == {"BWI": True, "FEI": False, "FWI": False, "TSI": True, "X-MILLSIKE": True}


def test_every_establishment_names_its_source(register):
    assert [row["prison_id"] for row in register if not row["source"]] == []


# The wings


def test_every_wing_belongs_to_a_prison_of_the_register(wings, register):
    assert {row["prison_id"] for row in wings} - by_id(register).keys() == set()


def test_no_wing_is_listed_twice_and_prisons_stand_in_order(wings):
    keys = [(row["prison_id"], row["wing"]) for row in wings]

    assert len(set(keys)) == len(keys) == 99
    assert [prison for prison, _ in keys] == sorted(prison for prison, _ in keys)


def test_a_wing_code_fits_a_location_key(wings):
    assert [row["wing"] for row in wings if not re.fullmatch("[A-Z0-9]{1,12}", row["wing"])] == []


def test_typologies_are_known_or_blank(wings):
    assert {row["typology"] for row in wings} <= TYPOLOGIES


def test_spurs_add_up_to_the_cells_of_a_landing(wings):
    wrong = [
        (row["prison_id"], row["wing"])
        for row in wings
        if row["spurs"] and sum(map(int, row["spurs"].split("+"))) != int(row["cells_per_landing"])
    ]

    assert wrong == []


def test_landings_times_cells_per_landing_are_the_cells(wings):
    wrong = [
        (row["prison_id"], row["wing"])
        for row in wings
        if row["cells_per_landing"]
        and int(row["landings"]) * int(row["cells_per_landing"]) != int(row["cells"])
    ]

    assert wrong == []


def test_an_upper_bound_stands_only_where_cells_are_blank(wings):
    bounds = {
        f"{row['prison_id']}-{row['wing']}": (row["cells"], row["cells_max"])
        for row in wings
        if row["cells_max"]
    }

    # Moorland 6 is numbered to 59 and twice to 69; Ranby 5 has twice at most 99.
    assert bounds == {"MDI-6": ("", "197"), "RNI-HB5": ("", "198")}


@pytest.mark.parametrize(
    ("prison_id", "wing_count", "cells"),
    [
        ("BCI", 4, 0),
        ("CDI", 7, 96 + 96 + 120),
        ("EYI", 6, 4 * 114 + 120 + 192),
        ("FNI", 4, 4 * 108),
        ("FWI", 7, 7 * 240),
        ("HEI", 4, 3 * 114 + 113),
        ("IWI", 11, 0),
        ("LHI", 10, 120 + 180 + 180),
        ("MDI", 5, 4 * 114),
        ("NHI", 5, 0),
        ("RNI", 7, 0),
        ("RSI", 6, 0),
        ("WEI", 4, 0),
        ("WLI", 13, 0),
        ("WNI", 3, 0),
        ("WRI", 3, 3 * 126),
    ],
)
def test_a_prisons_wings_and_known_cells_are_counted(prison_id, wing_count, cells, wings):
    own = [row for row in wings if row["prison_id"] == prison_id]

    assert (len(own), total(own, "cells")) == (wing_count, cells)


def test_wealstuns_wings_have_their_own_numbers_of_landings(wings):
    landings = {row["wing"]: row["landings"] for row in wings if row["prison_id"] == "WEI"}

    assert landings == {"A": "5", "B": "3", "C": "3", "D": "4"}


def test_known_cells_never_exceed_the_places_of_a_prison(wings, register):
    # A cell has one place or more, and a schedule lists no more wings than the prison has.
    prisons = by_id(register)
    cells = defaultdict(int)
    for row in wings:
        cells[row["prison_id"]] += int(row["cells"] or 0)

    for prison_id, cell_count in cells.items():
        prison = prisons[prison_id]
        # Five Wells has a design capacity only.
        assert cell_count <= int(prison["baseline_cna"] or prison["operational_capacity"])


def test_every_wing_has_grade_c_and_a_source(wings):
    assert {row["grade"] for row in wings} == {"C"}
    assert all(row["source"] for row in wings)


# The coast


def test_the_coast_is_a_backdrop_of_less_than_60_kb():
    assert (DATA / "coast.geojson").stat().st_size < 60_000


def test_the_coast_has_two_lands_and_two_borders_on_the_british_national_grid(coast):
    assert coast.crs == "EPSG:27700"
    assert list(zip(coast["kind"], coast["name"], strict=True)) == [
        ("land", "England and Wales"),
        ("land", "Scotland"),
        ("border", "England and Wales"),
        ("border", "England and Scotland"),
    ]


def test_every_ring_of_the_coast_is_closed_in_whole_metres():
    features = json.loads((DATA / "coast.geojson").read_text(encoding="utf-8"))["features"]
    lands = [feature for feature in features if feature["properties"]["kind"] == "land"]
    rings = [ring for land in lands for part in land["geometry"]["coordinates"] for ring in part]

    assert all(ring[0] == ring[-1] for ring in rings)
    assert all(isinstance(number, int) for ring in rings for point in ring for number in point)


def test_the_coast_lies_inside_the_british_national_grid(coast):
    west, south, east, north = coast.total_bounds

    assert 0 <= west < east <= 700_000
    assert 0 <= south < north <= 1_300_000


def test_the_lands_are_valid_and_only_touch(coast):
    england_and_wales, scotland = coast.geometry[:2]

    assert coast.geometry.is_valid.all()
    assert england_and_wales.intersection(scotland).area == 0


def test_the_land_of_england_and_wales_has_its_size(coast):
    # 130,279 and 20,735 square kilometres; the outline is rough and lacks small islands.
    assert coast.geometry[0].area / 1e6 == pytest.approx(151_014, rel=0.02)


def test_the_border_with_scotland_is_the_edge_of_both_lands(coast):
    border = coast.geometry[3]

    assert coast.geometry[0].boundary.hausdorff_distance(border) > 100_000  # Not the whole edge.
    for land in coast.geometry[:2]:
        assert border.difference(land.boundary.buffer(1)).is_empty


def test_the_welsh_border_parts_cardiff_from_bristol(coast, register):
    # Widened by 50 m so that ends rounded to whole metres still cut the coast.
    halves = coast.geometry[0].difference(coast.geometry[2].buffer(50)).geoms
    prisons = points(register, ("CFI", "BWI", "SWI", "BLI", "SHI"))
    half_of = [min(range(len(halves)), key=lambda n: halves[n].distance(p)) for p in prisons]

    assert half_of[0] == half_of[1] == half_of[2]
    assert half_of[3] == half_of[4] != half_of[0]


def test_every_prison_with_coordinates_stands_within_3_km_of_the_drawn_land(coast, register):
    located = [row["prison_id"] for row in register if row["latitude"]]
    distances_m = points(register, located).distance(coast.geometry[0])

    assert len(located) == 126
    assert distances_m[distances_m > 3_000].empty


def points(register, prison_ids):
    """Return the prisons as points in EPSG:27700, indexed by id."""
    rows = [by_id(register)[prison_id] for prison_id in prison_ids]
    longitudes = [float(row["longitude"]) for row in rows]
    latitudes = [float(row["latitude"]) for row in rows]
    xy = geopandas.points_from_xy(longitudes, latitudes, crs=4326)
    return geopandas.GeoSeries(xy, index=list(prison_ids)).to_crs(27700)

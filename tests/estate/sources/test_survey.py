import json
import os
import shutil
import sqlite3
import struct
import subprocess
from contextlib import closing
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, box

from estate.errors import InputError
from estate.model import Grade
from estate.sources.survey import GEOMETRIES, Feature, Survey, scan_survey
from estate.sources.survey_layers import write_survey
from estate.tables import SURVEY

TODAY = date(2026, 11, 23)
TABLES = {table.name: table for table in SURVEY}
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's QGIS belongs to Debian's Python.
SHAPES = {
    "Polygon": box(430_000, 433_000, 430_003, 433_002.5),
    "LineString": LineString([(430_000, 433_000), (430_003, 433_000)]),
    "Point": Point(430_001, 433_001),
}


def feature(layer, **facts):
    """Return a feature of a layer that says nothing but these facts."""
    columns = TABLES[layer].columns
    blank = {c.name: None if c.kind in {"integer", "number"} else c.default for c in columns}
    needed = {c.name: c.choices[0] for c in columns if c.choices and not c.blank}
    needed |= {c.name: 1 for c in columns if c.kind == "integer" and not c.blank}
    if "thickness_mm" in blank:
        needed["thickness_mm"] = 200
    named = {columns[0].name: f"{layer}-1"}
    geometry = SHAPES[GEOMETRIES[layer]]
    return Feature(layer=layer, facts={**blank, **needed, **named, **facts}, geometry=geometry)


def survey_of(*features):
    return Survey(layers={name: tuple(f for f in features if f.layer == name) for name in TABLES})


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the path of a survey with one feature in each layer."""
    path = tmp_path_factory.mktemp("survey") / "survey.gpkg"
    everything = survey_of(*(feature(layer) for layer in TABLES))
    write_survey(everything, path, prison="Leeds (HMP)", marking="OFFICIAL – handle locally")
    return path


@pytest.fixture
def path(written, tmp_path):
    """Return the path of such a survey, to be spoilt at will."""
    return Path(shutil.copy(written, tmp_path / "survey.gpkg"))


@pytest.fixture
def spoil(path):
    """Return a function that changes a layer with geopandas and returns what is found wrong."""

    def spoilt(layer, change):
        frame = change(gpd.read_file(path, layer=layer))
        frame.to_file(path, layer=layer, driver="GPKG")
        return whats(path)

    return spoilt


def whats(path):
    return [f"{p.place}: {p.what}" for p in scan_survey(path, today=TODAY).problems]


def refusal(path):
    with pytest.raises(InputError, match=r"cannot read .*") as caught:
        scan_survey(path)
    (problem,) = caught.value.problems
    return problem.what


# A whole file


def test_a_survey_reads_back_as_it_was_written(path):
    reading = scan_survey(path, today=TODAY)

    assert reading.problems == ()
    assert reading.survey == survey_of(*(feature(layer) for layer in TABLES))


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8).map(str.strip)
coordinates = st.integers(0, 600_000).map(lambda number: 100_000 + number / 1000)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    source=texts,
    length_m=st.none() | st.floats(0.001, 5000),
    fill=st.none() | st.floats(0, 100),
    ends=st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=2, unique=True),
)
def test_any_span_survives_to_the_last_digit(tmp_path, source, length_m, fill, ends):
    facts = {"source": source, "length_m": length_m, "fill_percent": fill}
    span = Feature(
        layer="spans", facts={**feature("spans").facts, **facts}, geometry=LineString(ends)
    )
    path = tmp_path / "span.gpkg"

    write_survey(survey_of(span), path, prison="Leeds", marking="OFFICIAL")

    assert scan_survey(path, today=TODAY).survey.layers["spans"] == (span,)


@pytest.mark.parametrize(
    ("by", "on", "stated", "grade"),
    [
        ("J. Smith", "2026-09-14", "D", Grade.SURVEYED),
        ("J. Smith", "", "C", Grade.SCHEDULED),
        ("", "2026-09-14", "A", Grade.ASSUMED),
        ("", "", "A", Grade.ASSUMED),
        ("", "", "B", Grade.CERTIFIED),
    ],
)
def test_a_feature_is_of_grade_a_when_and_only_when_it_is_signed(by, on, stated, grade, path):
    signed = feature("walls", surveyed_by=by, surveyed_on=on, grade=stated)
    write_survey(survey_of(signed), path, prison="Leeds", marking="OFFICIAL")

    (read,) = scan_survey(path, today=TODAY).survey.layers["walls"]

    assert read.grade == signed.grade == grade
    assert read.text("grade") == grade


def test_each_layer_bears_the_marking_and_says_what_is_assumed(path):
    for name, _ in pyogrio.list_layers(path):
        if name in TABLES:
            about = pyogrio.read_info(path, layer=name)["layer_metadata"]["DESCRIPTION"]
            assert about.startswith("OFFICIAL – handle locally. ")
            assert about.endswith("typical, not this prison.")


# A file that is not all there


def test_a_half_copied_file_is_refused_wherever_it_was_cut(path):
    whole = path.read_bytes()
    for share in (0.05, 0.3, 0.6, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert refusal(path) == "it is damaged or half-copied"


def test_a_file_copied_while_it_was_open_is_refused_without_what_was_written_last(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = wal")
        database.execute("UPDATE gpkg_contents SET description = 'new'")
        database.commit()
        assert scan_survey(path, today=TODAY).problems == ()
        alone = Path(shutil.copy(path, path.with_name("copy.gpkg")))

        with pytest.raises(InputError) as caught:
            scan_survey(alone, today=TODAY)

    (problem,) = caught.value.problems
    assert "it was copied while it was open" in problem.what
    assert problem.cure == "close it in QGIS and copy it again"


def test_a_file_with_a_page_of_zeros_is_refused(path):
    whole = bytearray(path.read_bytes())
    whole[4096 * 3 : 4096 * 4] = bytes(4096)
    path.write_bytes(whole)

    assert refusal(path) == "it is damaged or half-copied"


def test_what_is_no_geopackage_is_refused(tmp_path):
    empty, sheet, other = (tmp_path / f"{name}.gpkg" for name in ("empty", "sheet", "other"))
    empty.touch()
    sheet.write_text("prison_id,wing\nLEI,A\n")
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE walls (wall_id TEXT)")
        database.commit()

    assert refusal(empty) == refusal(sheet) == "it is not a GeoPackage"
    assert refusal(other) == "it is damaged or half-copied"
    assert refusal(tmp_path / "none.gpkg") == "there is no such file"
    assert refusal(tmp_path) == "it cannot be read"


def test_a_file_above_the_size_limit_is_refused_unread(path):
    with path.open("r+b") as file:
        file.truncate(51_000_000)

    assert refusal(path) == "it has 51 MB, more than 50"


# Layers and columns


def test_a_missing_layer_is_found_unless_a_survey_can_do_without(path):
    for layer in ("walls", "hazards"):
        pyogrio_delete(path, layer)

    assert whats(path) == [": the layer walls is missing"]


def pyogrio_delete(path, layer):
    with closing(sqlite3.connect(path)) as database:
        for table in ("gpkg_contents", "gpkg_geometry_columns", "gpkg_extensions"):
            database.execute(f"DELETE FROM {table} WHERE table_name = ?", (layer,))  # noqa: S608 - our own names
        database.execute(f"DROP TABLE {layer}")
        database.commit()


def test_a_misspelt_layer_is_told_from_a_missing_one(path):
    gpd.read_file(path, layer="doors").to_file(path, layer="dors", driver="GPKG")
    pyogrio_delete(path, "doors")

    assert whats(path) == ["layer dors: there is no layer 'dors'"]


def test_a_misspelt_column_is_told_from_a_missing_one(spoil):
    assert spoil("walls", lambda walls: walls.rename(columns={"material": "materials"})) == [
        "layer walls: there is no column 'materials'"
    ]
    assert spoil("walls", lambda walls: walls.drop(columns="thickness_mm"))[1:] == [
        "layer walls: the column thickness_mm is missing",
    ]


def test_a_column_that_is_not_there_is_one_fault_of_the_layer_and_at_fault_in_each(path, spoil):
    assert spoil("walls", lambda walls: walls.drop(columns="floor")) == [
        "layer walls: the column floor is missing"
    ]

    (wall,) = scan_survey(path, today=TODAY).survey.layers["walls"]
    assert wall.faulty == {"floor"}


# Values


@pytest.mark.parametrize(
    ("layer", "column", "value", "what"),
    [
        ("walls", "material", "cheese", "material is 'cheese'"),
        ("walls", "thickness_mm", 0.2, "thickness_mm is '0.2'"),
        ("walls", "thickness_mm", 2, "thickness_mm is '2'"),
        ("spans", "containment", "string", "containment is 'string'"),
        ("spans", "state", "perhaps", "state is 'perhaps'"),
        ("spans", "length_m", -3.0, "length_m is '-3.0'"),
        ("spans", "length_m", 0.0, "length_m is '0.0'"),
        ("spans", "fill_percent", 140.0, "fill_percent is '140.0'"),
        ("spaces", "kind", "dungeon", "kind is 'dungeon'"),
        ("spaces", "floor", 99, "floor is '99'"),
        ("spaces", "wing", "A Wing", "wing is 'A Wing'"),
        ("doors", "surveyed_on", "14/09/2026", "surveyed_on is '14/09/2026'"),
        (
            "doors",
            "surveyed_on",
            "2027-01-01",
            "surveyed_on is '2027-01-01', which is in the future",
        ),
        ("outlets", "category", "cat9", "category is 'cat9'"),
    ],
)
def test_a_value_that_its_column_does_not_take_is_found(spoil, layer, column, value, what):
    def change(frame):
        frame[column] = value
        return frame

    assert spoil(layer, change) == [f"layer {layer}, {layer}-1: {what}"]


def test_a_day_that_another_program_keeps_as_a_date_is_the_same_day(path, spoil):
    def change(frame):
        frame["surveyed_by"] = "J. Smith"
        frame["surveyed_on"] = pd.Timestamp("2026-09-14")
        return frame

    assert spoil("walls", change) == []
    (wall,) = scan_survey(path, today=TODAY).survey.layers["walls"]
    assert (wall.text("surveyed_on"), wall.grade) == ("2026-09-14", Grade.SURVEYED)


def test_a_name_may_be_neither_blank_nor_anothers(spoil):
    def change(frame):
        both = pd.concat([frame, frame, frame], ignore_index=True)
        both.loc[2, "wall_id"] = ""
        return both

    assert spoil("walls", change) == [
        "layer walls, fid 3: wall_id is blank",
        "layer walls, walls-1: 2 features have this name, this one is fid 1",
        "layer walls, walls-1: 2 features have this name, this one is fid 2",
    ]


# Geometry


SQUARE = SHAPES["Polygon"]
BOW = shapely.Polygon(
    [(430_000, 433_000), (430_003, 433_003), (430_003, 433_000), (430_000, 433_002)]
)
KNOT = LineString([(430_000, 433_000), (430_003, 433_003), (430_003, 433_000), (430_000, 433_002)])


@pytest.mark.parametrize(
    ("layer", "geometry", "what"),
    [
        ("spaces", shapely.Polygon(), "it has no geometry"),
        ("spaces", LineString(SQUARE.exterior), "it is a LineString"),
        ("spaces", MultiPolygon([SQUARE, shapely.affinity.translate(SQUARE, 9)]), "it has 2 parts"),
        ("spaces", shapely.force_3d(SQUARE, 3.0), "it has heights, in 3D"),
        ("spaces", BOW, "its outline is not valid: Self-intersection[430001.2 433001.2]"),
        ("spans", KNOT, "it crosses itself"),
        ("spans", LineString([(430_000, 433_000)] * 2), "it has no length"),
        (
            "doors",
            Point(-1.55, 53.79),
            "it lies at -2, 54, outside the British National Grid",
        ),
    ],
)
def test_a_geometry_that_is_not_sound_is_found(spoil, layer, geometry, what):
    def change(frame):
        return frame.set_geometry([geometry], crs="EPSG:27700")

    assert spoil(layer, change) == [f"layer {layer}, {layer}-1: {what}"]


def test_a_polygon_of_one_part_may_be_stored_as_several(path, spoil):
    def change(frame):
        return frame.set_geometry([MultiPolygon([SQUARE])], crs="EPSG:27700")

    assert spoil("spaces", change) == []
    assert scan_survey(path, today=TODAY).survey.layers["spaces"][0].geometry.equals(SQUARE)


@pytest.mark.parametrize(
    ("spoilt", "what"),
    [
        # The last eight bytes of the feature are the northing of the ring's last point.
        (
            lambda blob: blob[:-8] + struct.pack("<d", 433_001.0),
            "its geometry cannot be read, as of an outline that does not close",
        ),
        # Before that point is the northing of the corner before it.
        (
            lambda blob: blob[:-24] + struct.pack("<d", float("nan")) + blob[-16:],
            "it has a coordinate that is no place on Earth",
        ),
        (
            lambda blob: blob[:-24] + struct.pack("<d", 1e300) + blob[-16:],
            "it has a coordinate that is no place on Earth",
        ),
        (lambda _: None, "it has no geometry"),
    ],
    ids=["open", "no number", "nowhere", "none"],
)
def test_an_outline_that_does_not_close_or_is_not_there_is_found(path, spoilt, what):
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (trigger,) in found.fetchall():  # They call functions that only GDAL has.
            database.execute(f"DROP TRIGGER {trigger}")
        (blob,) = database.execute("SELECT geom FROM spaces").fetchone()
        database.execute("UPDATE spaces SET geom = ?", (spoilt(blob),))
        database.commit()

    assert whats(path) == [f"layer spaces, spaces-1: {what}"]


@pytest.mark.parametrize(
    ("crs", "name"), [("EPSG:4326", "WGS 84"), ("EPSG:3857", "WGS 84 / Pseudo-Mercator")]
)
def test_another_coordinate_system_is_one_fault_of_the_layer(spoil, crs, name):
    assert spoil("walls", lambda walls: walls.to_crs(crs)) == [
        f"layer walls: its coordinates are in {name}"
    ]


# Forms


def test_metres_that_are_called_degrees_are_one_fault_of_the_layer(spoil):
    assert spoil("walls", lambda walls: walls.set_crs("EPSG:4326", allow_override=True)) == [
        "layer walls: its coordinates are in WGS 84"
    ]


def test_each_column_with_choices_has_its_list_of_values(path):
    styles = pyogrio.read_dataframe(path, layer="layer_styles").set_index("f_table_name")

    for table in SURVEY:
        qml = ET.fromstring(styles.loc[table.name, "styleQML"])  # noqa: S314 - we wrote it
        lists = {
            entry.get("name"): [
                choice.get("value") for choice in entry.iterfind(".//Option[@type='QString']")
            ]
            for entry in qml.iterfind("fieldConfiguration/field")
            if entry.find("editWidget[@type='ValueMap']") is not None
        }
        assert lists == {c.name: list(c.choices) for c in table.columns if c.choices}


@pytest.fixture(scope="module")
def qgis(written):
    """Return what the real QGIS makes of the form of each layer."""
    folder = written.parent
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    answer = subprocess.run(
        [SYSTEM_PYTHON, str(Path(__file__).with_name("qgis_forms.py")), str(written)],
        check=False,
        capture_output=True,
        text=True,
        env={**kept, "HOME": str(folder), "QT_QPA_PLATFORM": "offscreen"},
        timeout=300,
    )
    if "No module named 'qgis'" in answer.stderr:
        pytest.fail("this test needs QGIS: apt-get install python3-qgis")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_qgis_offers_lists_and_a_calendar(qgis):
    walls = qgis["walls"]

    assert walls["material"]["widget"] == "ValueMap"
    assert "steel modular" in walls["material"]["choices"]
    assert walls["surveyed_on"]["widget"] == "DateTime"
    assert walls["wall_id"]["widget"] == "TextEdit"
    assert qgis["hazards"]["kind"]["choices"] == ["asbestos", "listed fabric"]


def test_qgis_keeps_the_grade_and_the_marking_from_being_typed(qgis):
    for fields in qgis.values():
        fixed = {name for name, field in fields.items() if field["read_only"]}
        assert fixed == {"grade", "marking"}


def test_qgis_fills_a_new_feature_with_what_is_usual(qgis):
    assert qgis["spans"]["state"]["default"] == "new"
    assert qgis["spans"]["grade"]["default"] == "D"
    assert qgis["spans"]["marking"]["default"] == "OFFICIAL – handle locally"


def test_qgis_warns_of_what_must_not_be_blank(qgis):
    needed = {name for name, field in qgis["walls"].items() if field["needed"]}

    assert needed == {"wall_id", "floor", "material", "thickness_mm"}

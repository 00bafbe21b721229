import json
import os
import resource
import sqlite3
import subprocess
import tempfile
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import GeometryCollection, LineString, MultiPolygon, Point, box

from reports.document import Layer, LayerStyle
from reports.geopackage import write_geopackage

MARKING = "OFFICIAL – handle locally"
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's QGIS belongs to Debian's Python.


def frame(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:27700")


def cell(number):
    return box(400_000 + 3 * number, 300_000, 400_002.4 + 3 * number, 300_003.6)


CELLS = Layer(
    name="spaces",
    title="Rooms and landings",
    description="Typical, not this prison.",
    frame=frame(
        [*(cell(number) for number in range(4)), box(400_000, 300_004, 400_012, 300_008)],
        kind=["cell", "cell", "cell", "store", "landing"],
        location_key=["MDI-A-1-001", "MDI-A-1-002", "MDI-A-1-003", "", ""],
        floor=[0, 0, 0, 0, 0],
    ),
    style=LayerStyle(
        attribute="kind",
        colours=(("cell", "#8fb8de"), ("landing", "#f2e3b3")),
        colour="#bbbbbb",
        label="location_key",
    ),
)
PRISONS = Layer(
    name="prisons",
    title="Prisons by grade",
    frame=frame(
        [Point(400_000, 300_000), Point(430_000, 320_000)], grade=["A", "D"], name=["Leeds", "Hull"]
    ),
    style=LayerStyle(attribute="grade", colours=(("A", "#1b7837"), ("D", "#b2182b")), label="name"),
)
SPANS = Layer(
    name="spans",
    title="Containment",
    frame=frame([LineString([(400_000, 300_000), (400_020, 300_010)])], length_m=[22.36]),
    style=LayerStyle(colour="#d95f02", size=2),
)
NOTHING = Layer(
    name="hazards",
    title="Asbestos and listed fabric",
    frame=frame([], kind=[]),
    style=LayerStyle(attribute="kind", colours=(("asbestos", "#b2182b"),)),
)
LAYERS = (CELLS, PRISONS, SPANS, NOTHING)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "estate.gpkg"


@contextmanager
def file_size_limited(size):
    """Let no file grow beyond a size, as on a disk that is full; needs no root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_every_feature_is_read_back_as_it_was_written(path):
    write_geopackage(LAYERS, path, marking=MARKING)

    for layer in LAYERS:
        read = pyogrio.read_dataframe(path, layer=layer.name)
        assert read.drop(columns=["marking", "geometry"]).to_dict("list") == layer.frame.drop(
            columns="geometry"
        ).to_dict("list")
        assert list(read.geometry) == list(layer.frame.geometry)
        assert read.crs == "EPSG:27700"


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_any_text_survives(text):
    layer = Layer(
        name="a", title="A", frame=frame([Point(0, 0)], note=[text]), style=LayerStyle(label="note")
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gpkg"
        write_geopackage([layer], path, marking=MARKING)

        assert pyogrio.read_dataframe(path, layer="a")["note"].tolist() == [text]


def test_the_marking_is_on_every_feature_and_layer(path):
    write_geopackage(LAYERS, path, marking=MARKING)

    for layer in LAYERS:
        read = pyogrio.read_dataframe(path, layer=layer.name)
        assert read["marking"].tolist() == [MARKING] * len(layer.frame)
        metadata = pyogrio.read_info(path, layer=layer.name)["layer_metadata"]
        assert metadata["DESCRIPTION"].startswith(MARKING)
        assert metadata["MARKING"] == MARKING


def test_the_description_follows_the_marking(path):
    write_geopackage([CELLS], path, marking=MARKING)

    metadata = pyogrio.read_info(path, layer="spaces")["layer_metadata"]
    assert metadata["DESCRIPTION"] == "OFFICIAL – handle locally. Typical, not this prison."
    assert metadata["IDENTIFIER"] == "Rooms and landings"


def test_each_layer_has_one_style_by_default(path):
    write_geopackage(LAYERS, path, marking=MARKING)

    styles = pyogrio.read_dataframe(path, layer="layer_styles")
    assert styles["f_table_name"].tolist() == [layer.name for layer in LAYERS]
    assert styles["useAsDefault"].all()
    assert pyogrio.read_info(path, layer="layer_styles")["fid_column"] == "id"


def test_the_frame_of_the_caller_is_left_alone(path):
    before = CELLS.frame.copy()

    write_geopackage([CELLS], path, marking=MARKING)

    assert CELLS.frame.equals(before)


def test_equal_layers_give_equal_bytes(tmp_path):
    paths = [tmp_path / "one.gpkg", tmp_path / "two.gpkg"]

    for path in paths:
        write_geopackage(LAYERS, path, marking=MARKING)

    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_file_bears_no_date_of_today(path):
    write_geopackage(LAYERS, path, marking=MARKING)

    with closing(sqlite3.connect(path)) as database:
        dates = database.execute(
            "SELECT last_change FROM gpkg_contents UNION SELECT timestamp "
            "FROM gpkg_metadata_reference UNION SELECT update_time FROM layer_styles"
        ).fetchall()
    assert dates == [("2000-01-01T00:00:00.000Z",)]


def test_gdal_has_its_clock_back_afterwards(path):
    write_geopackage(LAYERS, path, marking=MARKING)

    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_reading_leaves_nothing_beside_the_file(path):
    write_geopackage(LAYERS, path, marking=MARKING)

    pyogrio.read_dataframe(path, layer="spaces")

    assert list(path.parent.iterdir()) == [path]


def test_polygons_and_multipolygons_share_a_layer(path):
    both = replace(SPANS, frame=frame([cell(0), MultiPolygon([cell(1), cell(2)])]))

    write_geopackage([both], path, marking=MARKING)

    assert pyogrio.list_layers(path).tolist()[0] == ["spans", "MultiPolygon"]


@pytest.mark.parametrize("name", ["fid", "FID", "geom", "marking"])
def test_a_column_that_the_driver_would_swallow_is_refused(path, name):
    layer = replace(SPANS, frame=SPANS.frame.assign(**{name: 1}))

    with pytest.raises(ValueError, match=f"layer 'spans' has a column '{name}'"):
        write_geopackage([layer], path, marking=MARKING)


@pytest.mark.parametrize(
    ("layers", "complaint"),
    [
        ([], "at least one layer"),
        ([SPANS, replace(SPANS, name="Spans", title="other")], "two layers are named 'spans'"),
        ([SPANS, replace(SPANS, name="other")], "two layers are titled 'Containment'"),
        ([replace(SPANS, name="layer_styles")], "keeps for itself"),
        ([replace(SPANS, frame=SPANS.frame.set_crs(None, allow_override=True))], "no coordinate"),
        ([replace(SPANS, frame=frame([Point(0, 0), cell(0)]))], "holds Point and Polygon"),
        ([replace(SPANS, frame=frame([GeometryCollection()]))], "holds GeometryCollection"),
        ([replace(SPANS, style=LayerStyle(attribute="knd"))], "styled by 'knd'"),
        ([replace(SPANS, style=LayerStyle(label="nme"))], "styled by 'nme'"),
    ],
)
def test_layers_that_cannot_be_written_faithfully_are_refused(path, layers, complaint):
    with pytest.raises(ValueError, match=complaint):
        write_geopackage(layers, path, marking=MARKING)

    assert not path.exists()


def test_a_file_with_unsaved_changes_in_another_program_is_not_replaced(path):
    write_geopackage([SPANS], path, marking=MARKING)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("UPDATE layer_styles SET owner = 'someone'")
        other.commit()

        with pytest.raises(OSError, match="unsaved changes in another program"):
            write_geopackage(LAYERS, path, marking=MARKING)

    assert pyogrio.list_layers(path).tolist() == [["spans", "LineString"], ["layer_styles", None]]


# Where two or three pages are missing, only an index does not fit, and the driver hides that.
@pytest.mark.parametrize("missing_pages", [1, 2, 3, 4, 20])
def test_a_full_disk_leaves_the_old_file_whole(path, missing_pages):
    write_geopackage([CELLS], path, marking=MARKING)
    size = path.stat().st_size
    path.write_text("the old file")

    with (
        file_size_limited(size - 4_096 * missing_pages),
        pytest.raises(OSError, match="is the disk full"),
    ):
        write_geopackage([CELLS], path, marking=MARKING)

    assert path.read_text() == "the old file"
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture(scope="module")
def qgis(tmp_path_factory):
    """Return what the real QGIS makes of each layer."""
    folder = tmp_path_factory.mktemp("qgis")
    path = folder / "estate.gpkg"
    write_geopackage(LAYERS, path, marking=MARKING)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    answer = subprocess.run(
        [SYSTEM_PYTHON, str(Path(__file__).with_name("qgis_render.py")), str(path), str(folder)],
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


def test_qgis_opens_every_layer_with_its_style(qgis):
    opened = {name: (seen["valid"], seen["style_loaded"]) for name, seen in qgis.items()}

    assert opened == {layer.name: (True, True) for layer in LAYERS}


def test_qgis_places_every_layer_on_the_british_grid(qgis):
    assert {seen["crs"] for seen in qgis.values()} == {"EPSG:27700"}


def test_qgis_colours_by_value_and_has_a_colour_for_the_rest(qgis):
    renderers = {name: (seen["renderer"], seen["categories"]) for name, seen in qgis.items()}

    assert renderers == {
        "spaces": ("categorizedSymbol", ["cell", "landing", ""]),
        "prisons": ("categorizedSymbol", ["A", "D", ""]),
        "spans": ("singleSymbol", []),
        "hazards": ("categorizedSymbol", ["asbestos", ""]),
    }


def test_qgis_paints_the_declared_colours(qgis):
    # Cells are 80 % opaque on white: 0x8f is 143, and 0.8 * 143 + 0.2 * 255 is 165, 0xa5.
    assert "#a5c6e5" in qgis["spaces"]["colours"]
    assert {"#1b7837", "#b2182b"} <= set(qgis["prisons"]["colours"])
    assert "#d95f02" in qgis["spans"]["colours"]
    assert qgis["hazards"]["colours"] == []


def test_qgis_labels_what_has_a_label(qgis):
    labelled = {name for name, seen in qgis.items() if seen["labels"]}

    assert labelled == {"spaces", "prisons"}


def test_a_polygon_leaves_labels_to_the_points_that_lie_in_it(qgis):
    assert qgis["prisons"]["keeps_labels_away"]
    assert not qgis["spaces"]["keeps_labels_away"]


def test_qgis_shows_the_marking_as_the_layer_s_abstract(qgis):
    assert all(seen["abstract"].startswith(MARKING) for seen in qgis.values())

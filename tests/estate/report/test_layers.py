import json
import os
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyogrio
import pytest

from estate.cabling.options import WIRELESS
from estate.errors import InputError
from estate.pipeline import make_plan
from estate.report import layers_of
from estate.topology import topology_of
from estate.workspace import Settings
from reports.geopackage import write_geopackage

QGIS = Path(__file__).parents[2] / "reports" / "qgis_render.py"
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's QGIS belongs to Debian's Python.


@pytest.fixture(scope="module")
def written(example_plan, tmp_path_factory):
    """Return the GeoPackage of the example's plan."""
    path = tmp_path_factory.mktemp("layers") / "plan.gpkg"
    write_geopackage(layers_of(example_plan), path, marking=example_plan.marking)
    return path


@pytest.fixture(scope="module")
def layers(written):
    """Return each layer as OGR reads it back."""
    names = [name for name, kind in pyogrio.list_layers(written) if kind]
    return {name: pyogrio.read_dataframe(written, layer=name) for name in names}


@pytest.fixture(scope="module")
def qgis(written, tmp_path_factory):
    """Return what the real QGIS makes of each layer."""
    folder = tmp_path_factory.mktemp("qgis")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    answer = subprocess.run(
        [SYSTEM_PYTHON, str(QGIS), str(written), str(folder)],
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


def without_coordinates(example, *prison_ids):
    prisons = tuple(
        replace(p, latitude=None, longitude=None) if p.prison_id in prison_ids else p
        for p in example.establishments
    )
    return make_plan(replace(example, establishments=prisons), Settings())


def test_every_layer_lies_on_the_british_national_grid(layers):
    assert {str(layer.crs) for layer in layers.values()} == {"EPSG:27700"}


def test_every_layer_has_features_and_the_marking_on_each(layers, example_plan):
    for name, layer in layers.items():
        assert len(layer) > 0, name
        assert set(layer["marking"]) == {example_plan.marking}, name


def test_the_marking_begins_the_description_of_every_layer(written, layers, example_plan):
    for name in layers:
        metadata = pyogrio.read_info(written, layer=name)["layer_metadata"]
        assert metadata["DESCRIPTION"].startswith(example_plan.marking)


def test_there_are_as_many_cells_as_in_the_plan(layers, example_plan):
    cells = layers["spaces"][layers["spaces"]["kind"] == "cell"]

    assert len(cells) == example_plan.cells
    assert cells["location_key"].is_unique


def test_a_prison_without_coordinates_is_left_off_the_map_with_its_wings(example, example_plan):
    plan = without_coordinates(example, "LEI")
    frames = {layer.name: layer.frame for layer in layers_of(plan)}

    leeds = example_plan.site("LEI")
    assert "LEI" not in set(frames["establishments"]["prison_id"])
    cells = frames["spaces"][frames["spaces"]["kind"] == "cell"]
    assert len(cells) == example_plan.cells - leeds.cells


def test_an_estate_without_any_coordinates_has_no_map_and_says_what_to_do(example):
    plan = without_coordinates(example, *(p.prison_id for p in example.establishments))

    with pytest.raises(InputError, match="no prison of the plan has coordinates") as refusal:
        layers_of(plan)

    assert "inputs/register.csv" in refusal.value.hint


def test_an_estate_without_any_wing_is_a_map_of_its_prisons(example):
    silent = tuple(
        replace(p, baseline_cna=None, operational_capacity=None, population=None)
        for p in example.establishments
    )
    plan = make_plan(replace(example, establishments=silent, wings=()), Settings())

    frames = {layer.name: layer.frame for layer in layers_of(plan)}

    assert "wings" not in frames
    assert len(frames["establishments"]) == 6


def test_what_is_wired_has_outlets_and_what_is_not_has_access_points(layers, example_plan):
    outlets, points = 0, 0
    for site in example_plan.establishments:
        for wing in site.wings:
            design = example_plan.designs[wing.design]
            outlets += sum(x.cells for x in design.landings if x.chosen not in WIRELESS)
            points += sum(point.option in WIRELESS for point in design.points)

    assert len(layers["outlets"]) == outlets
    assert len(layers["access_points"]) == points
    assert layers["access_points"]["cells"].sum() == example_plan.cells - outlets


def test_an_access_point_has_its_name_in_the_topology_its_channel_and_its_load(
    layers, example_plan
):
    points = layers["access_points"].set_index("access_point")
    named = {e.id for e in topology_of(example_plan).elements if e.kind == "access_point"}

    assert set(points.index) == named
    leeds = next(w for w in example_plan.site("LEI").wings if w.wing.wing == "T1")
    design = example_plan.designs[leeds.design]
    first = next(point for point in design.points if point.option in WIRELESS)
    drawn = points.loc["LEI/T1/AP-001"]
    assert drawn["channel"] == design.air.channels[first.name]
    assert drawn["busy_share"] == pytest.approx(design.air.airtime[first.name], abs=0.001)
    assert drawn["not_for_construction"] == "no signal was measured here"


def test_wings_stand_clear_of_each_other(layers):
    wings = layers["wings"]

    assert len(wings) > 20
    crossings = wings.sindex.query(wings.geometry, predicate="intersects")
    assert [(a, b) for a, b in crossings.T if a != b] == []


def test_wings_are_said_to_be_typical(layers):
    assert set(layers["wings"]["layout"]) == {"typical, not this prison"}


def test_a_prison_has_its_rank_cost_and_evidence_on_the_map(layers, example_plan):
    prisons = layers["establishments"].set_index("prison_id")

    for ranked in example_plan.ranking:
        assert prisons.loc[ranked.prison_id, "rank"] == ranked.rank
        capital = prisons.loc[ranked.prison_id, "capital_likely_gbp"]
        assert capital == float(ranked.capital_gbp.likely)
    assert prisons.loc["FYI", "not_priced_because"] == "its capacity is reported inside FMI's"


def test_the_coast_names_its_source(layers):
    assert all("Natural Earth" in source for source in layers["coast"]["source"])


def test_qgis_opens_every_layer_with_its_style_on_the_grid(qgis, layers):
    seen = {n: (q["valid"], q["style_loaded"], q["crs"], q["features"]) for n, q in qgis.items()}

    assert seen == {name: (True, True, "EPSG:27700", len(f)) for name, f in layers.items()}


def test_qgis_draws_something_of_every_layer(qgis):
    assert [name for name, seen in qgis.items() if not seen["colours"]] == []


def test_qgis_has_a_colour_for_every_value_that_a_layer_is_coloured_by(qgis, layers, example_plan):
    styles = {layer.name: layer.style for layer in layers_of(example_plan)}
    coloured = {name: style.attribute for name, style in styles.items() if style.attribute}

    assert {"establishments", "wings", "spaces", "spans"} <= set(coloured)
    for name, attribute in coloured.items():
        values = Counter(layers[name][attribute])
        assert set(values) <= set(qgis[name]["categories"]), name

from dataclasses import replace
from functools import lru_cache

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point
from shapely.affinity import scale, translate

from estate.errors import InputError
from estate.sources.survey import Survey
from estate.survey import draft, read_survey
from estate.survey.check import survey_problems
from estate.tables import SURVEY

TABLES = {table.name: table for table in SURVEY}

CELL = "LEI-A/cell-1-001"


def test_a_draft_has_no_problem(sheet):
    assert sheet.problems() == []


# What a surveyor does


def test_a_wall_may_be_moved_along_those_that_it_meets(sheet):
    wall = sheet.geometry("walls", "LEI-A/party-1-001")

    # Spur 1 lies along the x axis, and the party wall runs from its front wall to its rear wall.
    sheet.change("walls", "LEI-A/party-1-001", geometry=translate(wall, xoff=0.25))

    assert sheet.problems() == []


def test_a_wall_moved_out_of_reach_of_any_other_is_found_at_both_ends(sheet):
    wall = sheet.geometry("walls", "LEI-A/party-1-001")

    sheet.change("walls", "LEI-A/party-1-001", geometry=translate(wall, yoff=150))

    assert sheet.problems() == [
        ("layer walls, LEI-A/party-1-001", "its start meets neither a wall nor a space"),
        ("layer walls, LEI-A/party-1-001", "its end meets neither a wall nor a space"),
    ]


def test_a_riser_may_be_added_from_floor_to_floor(sheet):
    at = sheet.geometry("spans", "LEI-A/run-1-002").coords[-1]

    sheet.add(
        "spans",
        span_id="LEI-A/riser-2",
        floor=0,
        containment="riser",
        length_m=3.1,
        geometry=LineString([at, (at[0] + 0.3, at[1])]),
    )

    assert sheet.problems() == []


def test_a_span_that_is_deleted_leaves_its_cell_without_a_way_to_a_distributor(sheet):
    sheet.delete("spans", "LEI-A/drop-1-001")

    assert sheet.problems() == [
        ("layer spaces, " + CELL, "it has no way along the spans to a distributor")
    ]


def test_a_gap_in_a_run_cuts_off_every_cell_beyond_it(sheet):
    # On landing 1 of wing A, spur 1 has cells 1 and 2 on its left, in that order from the hub.
    sheet.delete("spans", "LEI-A/run-1-001")

    assert sheet.problems() == [
        (
            "layer spans, LEI-A/drop-1-001",
            "it is not connected to a distributor, nor are 2 that it meets",
        ),
        ("layer spaces, LEI-A/cell-1-001", "it has no way along the spans to a distributor"),
        ("layer spaces, LEI-A/cell-1-002", "it has no way along the spans to a distributor"),
    ]


def test_one_tray_drawn_in_place_of_its_parts_carries_the_drops_that_it_passes(sheet):
    first = sheet.geometry("spans", "LEI-A/run-1-001")
    second = sheet.geometry("spans", "LEI-A/run-1-002")
    sheet.delete("spans", "LEI-A/run-1-001", "LEI-A/run-1-002")

    whole = LineString([*first.coords, second.coords[-1]])
    sheet.add("spans", span_id="tray", floor=0, containment="tray", geometry=whole)

    assert sheet.problems() == []


def test_ends_further_apart_than_the_snap_do_not_meet(sheet):
    drop = sheet.geometry("spans", "LEI-A/drop-1-001")

    sheet.change("spans", "LEI-A/drop-1-001", geometry=translate(drop, xoff=0.09))
    assert sheet.problems() == []

    sheet.change("spans", "LEI-A/drop-1-001", geometry=translate(drop, xoff=0.11))
    assert any("no way along the spans" in what for _, what in sheet.problems())


# What is missing


@pytest.mark.parametrize(
    ("layer", "feature", "what"),
    [
        ("doors", "LEI-A/door-1-001", "no door leads to it"),
        ("outlets", "LEI-A/outlet-1-001", "no outlet is in it"),
    ],
)
def test_each_cell_needs_a_door_and_an_outlet(sheet, layer, feature, what):
    sheet.delete(layer, feature)

    assert ("layer spaces, " + CELL, what) in sheet.problems()


def test_a_cell_needs_a_floor(sheet):
    sheet.change("spaces", CELL, floor=None)

    assert ("layer spaces, " + CELL, "floor is blank") in sheet.problems()


def test_a_cell_needs_a_location_key(sheet):
    sheet.change("spaces", CELL, location_key="")

    assert sheet.problems() == [("layer spaces, " + CELL, "it is a cell and has no location_key")]


def test_a_wing_needs_a_distributor(sheet):
    sheet.delete("distributors", "LEI-A/distributor")

    assert sheet.problems() == [
        (
            "layer distributors",
            "no distributor is in wing A, nor at the end of any of its spans",
        )
    ]


def test_a_wing_needs_cells(sheet):
    frame = sheet.read("spaces")
    sheet.write("spaces", frame[~((frame["wing"] == "B") & (frame["kind"] == "cell"))])

    assert ("layer spaces", "the wing B has no cell") in sheet.problems()


def test_a_riser_needs_its_length(sheet):
    sheet.change("spans", "LEI-A/riser-1-2", length_m=None)

    assert sheet.problems() == [("layer spans, LEI-A/riser-1-2", "it is a riser without length_m")]


# What contradicts


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("MDI-A-1-001", "its location_key MDI-A-1-001 is not of LEI"),
        ("LEI-A", "its location_key LEI-A is not a landing and cell below a wing"),
        ("LEI-A-1-2-3-4", "its location_key LEI-A-1-2-3-4 is not a landing and cell below a wing"),
        ("LEI-A--001", "its location_key LEI-A--001 is not a landing and cell below a wing"),
        ("LEI-B-1-001", "its location_key LEI-B-1-001 is not below its wing A"),
        ("LEI-A-1-002", "2 spaces have the location_key LEI-A-1-002"),
    ],
)
def test_a_key_has_a_place_of_its_own_in_the_custodial_tree(sheet, key, what):
    sheet.change("spaces", CELL, location_key=key)

    assert ("layer spaces, " + CELL, what) in sheet.problems()


def test_a_survey_of_no_known_prison_is_found(sheet):
    frame = sheet.read("spaces")
    frame["location_key"] = frame["location_key"].str.replace("LEI", "LEX")
    sheet.write("spaces", frame)

    what = "no cell has the location key of a prison of the register"
    assert ("layer spaces", what) in sheet.problems()


def test_a_door_names_spaces_that_are_there_and_stands_between_them(sheet):
    sheet.change("doors", "LEI-A/door-1-001", to_space="LEI-A/landing-9")
    door = sheet.geometry("doors", "LEI-A/door-1-002")
    sheet.change("doors", "LEI-A/door-1-002", geometry=translate(door, xoff=50))

    found = sheet.problems()

    assert ("layer doors, LEI-A/door-1-001", "there is no space LEI-A/landing-9") in found
    assert any(
        place == "layer doors, LEI-A/door-1-002" and "m from LEI-A/cell-1-002" in what
        for place, what in found
    )


def test_a_door_without_names_takes_them_from_the_map(sheet):
    sheet.change("doors", "LEI-A/door-1-001", from_space="", to_space="")

    assert sheet.problems() == []


def test_a_door_that_stands_alone_joins_nothing(sheet):
    door = sheet.geometry("doors", "LEI-A/door-1-001")
    sheet.change(
        "doors",
        "LEI-A/door-1-001",
        from_space="",
        to_space="",
        geometry=translate(door, yoff=150),
    )

    assert ("layer doors, LEI-A/door-1-001", "it does not join two spaces") in sheet.problems()


def test_a_door_is_on_the_floor_of_its_spaces(sheet):
    sheet.change("doors", "LEI-A/door-1-001", floor=1)

    assert ("layer doors, LEI-A/door-1-001", f"it is on floor 1 and {CELL} on floor 0") in (
        sheet.problems()
    )


def test_a_cell_drawn_in_millimetres_is_found(sheet):
    cell = sheet.geometry("spaces", CELL)
    sheet.change("spaces", CELL, geometry=scale(cell, 20, 20))

    # 2.2 m by 3.4 m are 7.48 m2; twenty times as wide and deep, 400 times that.
    assert ("layer spaces, " + CELL, "it has 2,992.0 m2, not 2 to 250 as a cell has") in (
        sheet.problems()
    )


def test_a_length_shorter_than_its_drawing_is_found(sheet):
    sheet.change("spans", "LEI-A/run-1-002", length_m=1.0)

    # The next cell is 2.2 m and one wall of 0.2 m away.
    assert sheet.problems() == [
        ("layer spans, LEI-A/run-1-002", "its length_m is 1, and it is drawn 2.4 m long")
    ]


def test_a_cable_shorter_than_its_drawing_is_found(sheet):
    run = LineString([(0, 0), (30, 40)])
    sheet.add("cables", cable_id="data-1", wing="A", floor=0, kind="cat6", geometry=run)
    assert sheet.problems() == []
    sheet.change("cables", "data-1", length_m=49.0)

    assert sheet.problems() == [
        ("layer cables, data-1", "its length_m is 49, and it is drawn 50.0 m long")
    ]


def test_only_a_riser_changes_floor_and_it_has_to(sheet):
    sheet.change("spans", "LEI-A/run-1-002", to_floor=1)
    sheet.change("spans", "LEI-B/riser-1-2", to_floor=0)

    found = sheet.problems()

    assert ("layer spans, LEI-A/run-1-002", "it goes from floor 0 to 1 and is no riser") in found
    assert ("layer spans, LEI-B/riser-1-2", "it is a riser from floor 0 to the same") in found


def test_an_outlet_may_not_stand_on_another_nor_take_a_distributors_name(sheet):
    at = sheet.geometry("outlets", "LEI-A/outlet-1-001")
    twin = Point(at.x + 0.02, at.y)
    sheet.add("outlets", outlet_id="twin", floor=0, kind="outlet", geometry=twin)
    sheet.change("outlets", "LEI-B/outlet-1-001", outlet_id="LEI-A/distributor")

    found = sheet.problems()

    assert ("layer outlets, LEI-A/outlet-1-001", "it stands within 0.1 m of twin") in found
    assert ("layer outlets, LEI-A/distributor", "a distributor has the same name") in found


def test_an_outlet_outside_every_space_is_found(sheet):
    sheet.add("outlets", outlet_id="lost", floor=0, kind="outlet", geometry=Point(430_500, 432_500))

    assert ("layer outlets, lost", "it stands in no space") in sheet.problems()


def test_a_span_that_leads_back_to_where_it_starts_is_found(sheet):
    x, y = sheet.geometry("spans", "LEI-A/run-1-001").coords[-1]
    ring = LineString([(x, y), (x + 0.5, y), (x + 0.5, y + 0.5), (x, y + 0.05)])
    sheet.add("spans", span_id="ring", floor=0, containment="tray", geometry=ring)

    assert sheet.problems() == [("layer spans, ring", "both of its ends meet the same joint")]


def test_a_wing_may_end_in_the_rack_of_another(sheet):
    rack = sheet.geometry("distributors", "LEI-A/distributor")
    link = sheet.geometry("spans", "LEI-B/comms-link")
    sheet.delete("distributors", "LEI-B/distributor")
    sheet.change(
        "spans", "LEI-B/comms-link", geometry=LineString([link.coords[0], (rack.x, rack.y)])
    )

    assert sheet.problems() == []


def test_every_fault_is_found_in_one_run(sheet):
    sheet.delete("spans", "LEI-A/drop-1-001")
    sheet.delete("doors", "LEI-A/door-1-002")
    sheet.change("walls", "LEI-A/party-1-001", material="cheese")
    sheet.change("spaces", "LEI-B/cell-1-001", location_key="LEI-B-1-002")
    cell = sheet.geometry("spaces", "LEI-B/cell-2-001")
    deep = shapely.force_3d(cell, 4.2)
    sheet.change("spaces", "LEI-B/cell-2-001", geometry=deep)
    sheet.add(
        "spans",
        span_id="dot",
        floor=0,
        containment="tray",
        geometry=LineString([(430_030, 432_970), (430_030, 432_970)]),
    )

    with pytest.raises(InputError, match=r"7 problems in leeds\.gpkg") as caught:
        read_survey(sheet.path, known=["LEI"])

    assert {(problem.place, problem.what) for problem in caught.value.problems} == {
        ("layer spaces, LEI-A/cell-1-001", "it has no way along the spans to a distributor"),
        ("layer spaces, LEI-A/cell-1-002", "no door leads to it"),
        ("layer spaces, LEI-B/cell-1-001", "2 spaces have the location_key LEI-B-1-002"),
        ("layer spaces, LEI-B/cell-1-002", "2 spaces have the location_key LEI-B-1-002"),
        ("layer spaces, LEI-B/cell-2-001", "it has heights, in 3D"),
        ("layer spans, dot", "it has no length"),
        ("layer walls, LEI-A/party-1-001", "material is 'cheese'"),
    }


def test_layers_in_another_known_system_are_one_fault_each_and_seem_wrong_nowhere_else(sheet):
    for layer in ("walls", "doors"):
        frame = sheet.read(layer).to_crs("EPSG:4326")
        assert isinstance(frame, gpd.GeoDataFrame)
        sheet.write(layer, frame)

    assert sheet.problems() == [
        ("layer walls", "its coordinates are in WGS 84"),
        ("layer doors", "its coordinates are in WGS 84"),
    ]


spoilings = st.lists(
    st.tuples(
        st.sampled_from(["spaces", "walls", "doors", "spans", "distributors", "outlets"]),
        st.integers(0, 99),
        st.sampled_from(["delete", "undraw", "unname", "blank the floor of", "rename", "move"]),
    ),
    min_size=1,
    max_size=9,
)


@settings(max_examples=60, deadline=None)
@given(spoilings)
def test_no_survey_is_too_broken_to_be_checked(sizing, spoilings):
    layers = {name: list(features) for name, features in drafted_once(sizing).layers.items()}
    for layer, number, spoiling in spoilings:
        features = layers[layer]
        if not features:
            continue
        other, feature = features[0].name, features.pop(number % len(features))
        names = {"unname": "", "rename": other}
        name = names.get(spoiling, feature.name)
        facts = {**feature.facts, TABLES[layer].columns[0].name: name}
        if spoiling == "blank the floor of":
            facts["floor"] = None
        geometry = None if spoiling == "undraw" else feature.geometry
        if spoiling == "move":
            geometry = geometry and translate(geometry, xoff=number / 10)
        if spoiling != "delete":
            faulty = frozenset(["geometry"] if geometry is None else [])
            features.append(replace(feature, facts=facts, geometry=geometry, faulty=faulty))
    spoilt = Survey(layers={name: tuple(features) for name, features in layers.items()})

    assert all(problem.cure for problem in survey_problems(spoilt, known=["LEI"]))


@lru_cache(maxsize=1)
def drafted_once(sizing):
    return draft(sizing, at=(430_000.0, 433_000.0))

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import inf

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.errors import InputError
from estate.model import Grade, Network, WingShape
from estate.network import outlet_lengths_m
from estate.typology import lay_out, read_typologies, spread

TYPOLOGIES = read_typologies()


def shape_of(name, *layout, **facts):
    typology = TYPOLOGIES[name]
    return WingShape(
        typology=name,
        layout=layout or spread(typology.typical_cells, typology=typology),
        material=typology.material,
        thickness_mm=typology.thickness_mm,
        distance_to_comms_m=facts.pop("distance_to_comms_m", 0),
        **facts,
    )


TYPICAL = {name: lay_out(shape_of(name)) for name in TYPOLOGIES}

every_typology = pytest.mark.parametrize("name", TYPOLOGIES)
landings = st.lists(st.integers(0, 9), min_size=1, max_size=5).map(tuple)
shapes = st.builds(
    lambda name, layout, thickness_mm: replace(shape_of(name, *layout), thickness_mm=thickness_mm),
    st.sampled_from(list(TYPOLOGIES)),
    st.lists(landings, min_size=1, max_size=3),
    st.sampled_from([100, 215, 457]),
)


def overlap_m2(spaces):
    polygons = [shapely.Polygon(space.outline) for space in spaces]
    assert all(polygon.is_valid for polygon in polygons)
    return sum(polygon.area for polygon in polygons) - shapely.union_all(polygons).area


def by_kind(network, kind):
    return [space for space in network.spaces if space.kind == kind]


def spans_of(network, kind):
    return [span for span in network.spans if span.span_id.startswith(f"{kind}-")]


@every_typology
def test_a_wing_has_a_cell_a_door_and_an_outlet_for_each_cell_of_its_shape(name):
    network = TYPICAL[name]
    cells = {space.space_id for space in by_kind(network, "cell")}

    assert len(cells) == TYPOLOGIES[name].typical_cells
    assert {door.from_space for door in network.doors} == cells
    assert {outlet.space_id for outlet in network.outlets} == cells
    assert len(network.doors) == len(network.outlets) == len(cells)


# The first example lays out every typology; a busy machine must not fail it for that.
@settings(deadline=None, max_examples=60)
@given(shapes)
def test_no_two_spaces_of_a_floor_overlap(shape):
    network = lay_out(shape)

    for floor in range(len(shape.layout)):
        # Corners are rounded to the millimetre, so long sides may share a sliver.
        assert overlap_m2([s for s in network.spaces if s.floor == floor]) < 0.05


@settings(deadline=None, max_examples=60)
@given(shapes)
def test_every_outlet_has_a_route_and_every_name_is_used_once(shape):
    network = lay_out(shape)

    lengths_m = outlet_lengths_m(network)
    assert len(lengths_m) == shape.cells
    assert all(length_m < inf for length_m in lengths_m.values())
    names = Counter(
        name
        for features, field in (
            (network.spaces, "space_id"),
            (network.walls, "wall_id"),
            (network.doors, "door_id"),
            (network.junctions, "junction_id"),
            (network.distributors, "distributor_id"),
            (network.outlets, "outlet_id"),
            (network.spans, "span_id"),
        )
        for name in (getattr(feature, field) for feature in features)
    )
    assert not [name for name, count in names.items() if count > 1]


@every_typology
def test_an_outlet_is_inside_its_own_cell_and_a_door_outside(name):
    network = TYPICAL[name]
    outlines = {space.space_id: shapely.Polygon(space.outline) for space in network.spaces}

    assert all(outlines[o.space_id].contains(shapely.Point(o.at)) for o in network.outlets)
    assert not any(outlines[d.from_space].contains(shapely.Point(d.at)) for d in network.doors)


def test_a_victorian_cell_is_13_feet_by_7():
    cell = by_kind(TYPICAL["radial_gallery"], "cell")[0]

    # 3.96 m by 2.13 m is 8.43 m2.
    assert shapely.Polygon(cell.outline).area == pytest.approx(8.4348, abs=0.01)


def test_cells_are_numbered_through_the_spurs_of_a_landing():
    network = lay_out(shape_of("two_spur_block", (3, 2), (1, 1)))

    keys = [space.location_key for space in by_kind(network, "cell")]
    assert keys == ["1-001", "1-002", "1-003", "1-004", "1-005", "2-001", "2-002"]
    assert {s.floor for s in network.spaces if s.location_key.startswith("2-")} == {1}


def test_an_odd_cell_stands_on_the_left():
    # The spur runs along x from the hub, so its left is where y is positive.
    network = lay_out(shape_of("radial_gallery", (3,)))

    sides = {o.outlet_id: o.at[1] > 0 for o in network.outlets}
    assert sides == {"outlet-1-001": True, "outlet-1-002": True, "outlet-1-003": False}


def test_cells_of_one_side_share_their_party_walls():
    # 32 cells on each of 4 landings, 16 a side: 15 party walls a side.
    walls = TYPICAL["radial_gallery"].walls

    assert sum(wall.wall_id.startswith("party-") for wall in walls) == 4 * 2 * 15
    assert {(wall.material, wall.thickness_mm) for wall in walls} == {("brick", 457)}


def test_a_landing_has_a_front_wall_on_each_side_and_an_end():
    network = lay_out(shape_of("radial_gallery", (3,)))

    assert [wall.wall_id for wall in network.walls] == [
        "front-1-s1-left",
        "front-1-s1-right",
        "end-1-s1",
        "rear-1-s1-left",
        "end-1-s1-left-near",
        "end-1-s1-left-far",
        "party-1-001",
        "rear-1-s1-right",
        "end-1-s1-right-near",
        "end-1-s1-right-far",
    ]


def test_galleries_stand_round_an_atrium_above_the_lowest_landing():
    assert {space.floor for space in by_kind(TYPICAL["radial_gallery"], "atrium")} == {1, 2, 3}
    assert not by_kind(TYPICAL["three_spur_houseblock"], "atrium")


def test_a_spur_in_line_goes_on_where_the_first_ends():
    network = lay_out(shape_of("linear_wing", (2, 2, 2)))

    outlets = {outlet.outlet_id: outlet.at[0] for outlet in network.outlets}
    # Spurs 1 and 3 stand on the x axis: one pitch and one wall apart, 2.2 + 0.2 + 0.2 m.
    assert outlets["outlet-1-005"] - outlets["outlet-1-001"] == pytest.approx(2.6)
    assert outlets["outlet-1-003"] < 0
    run = next(span for span in network.spans if span.span_id == "run-1-005")
    assert (run.start, run.length_m) == ("junction-1-001", 2.6)


def test_another_number_of_spurs_is_spaced_evenly():
    hub = by_kind(lay_out(shape_of("two_spur_block", (2, 2, 2, 2))), "hub")[0]

    # Four faces of 2 x (1.5 + 0.2 + 3.4 + 0.2) m, and corners cut off for the comms room.
    sides_m = [
        shapely.Point(a).distance(shapely.Point(b))
        for a, b in zip(hub.outline, (*hub.outline[1:], hub.outline[0]), strict=True)
    ]
    assert sorted(round(side, 2) for side in sides_m) == [3.0] * 4 + [10.6] * 4


def test_the_length_of_a_route_adds_link_hub_run_and_drop():
    # Quick-build, 100 mm walls, landing 2.4 m wide, cells 2.3 m by 3.2 m, hub radius 3 m.
    network = lay_out(shape_of("quick_build", (3, 1), (3, 1)))

    # Link: hub half width 1.2 + 0.1 + 3.2 + 0.1, a wall of 0.1, half of 4 m: 6.7. Hub: 3.
    # Run: wall 0.1 and three quarters of 2.3 along, 1.2 - 0.15 across: 2.875.
    # Drop: 0.15 + 0.1 + 0.05 through the wall, 2.3 - 0.9 down: 1.7.
    first_m = 6.7 + 3 + 2.875 + 1.7
    lengths_m = outlet_lengths_m(network)
    assert lengths_m["outlet-1-001"] == pytest.approx(first_m)
    # The next cell is a pitch of 2.4 m further, the landing above a storey of 2.8 m.
    assert lengths_m["outlet-1-002"] == pytest.approx(first_m + 2.4)
    assert lengths_m["outlet-2-001"] == pytest.approx(first_m + 2.8)


def test_a_comms_room_elsewhere_is_as_far_away_as_the_shape_says():
    link = lay_out(shape_of("quick_build", distance_to_comms_m=40)).spans[-1]

    assert (link.span_id, link.start, link.end) == ("comms-link", "riser-1", "distributor")
    assert (link.length_m, link.containment) == (40, "duct")
    assert "40 m away" in link.source


def test_a_comms_room_in_the_wing_is_reached_by_tray():
    link = lay_out(shape_of("quick_build")).spans[-1]

    assert (link.length_m, link.containment) == (6.7, "tray")


@pytest.mark.parametrize(
    ("containment", "floors"), [("none", set()), ("partial", {0}), ("full", {0, 1})]
)
def test_containment_along_the_landings_is_the_only_one_that_exists(containment, floors):
    network = lay_out(shape_of("two_spur_block", containment=containment))

    existing = [span for span in network.spans if span.state == "existing"]
    assert {span.floor for span in existing} == floors
    assert existing == [span for span in spans_of(network, "run") if span.floor in floors]


@pytest.mark.parametrize(
    ("cabling", "outlet", "drop"),
    [("cat5e", ("existing", "cat5e"), "existing"), ("voice", ("new", ""), "new")],
)
def test_data_cabling_that_reaches_the_cells_is_an_existing_outlet_and_drop(cabling, outlet, drop):
    network = lay_out(shape_of("two_spur_block", cabling=cabling))

    assert {(found.state, found.category) for found in network.outlets} == {outlet}
    assert {span.state for span in network.spans if span.containment == "drop"} == {drop}


def test_every_feature_is_marked_as_typical_and_assumed():
    network = TYPICAL["dormitory"]

    for features in (network.spaces, network.walls, network.doors, network.outlets, network.spans):
        assert {feature.grade for feature in features} == {Grade.ASSUMED}
        assert all("typical, not this prison" in feature.source for feature in features)


@every_typology
def test_coordinates_are_whole_millimetres_and_the_same_every_time(name):
    assert lay_out(shape_of(name)) == TYPICAL[name]
    metres = [
        metre for space in TYPICAL[name].spaces for corner in space.outline for metre in corner
    ]
    assert all(metre == round(metre, 3) for metre in metres)


def test_a_shape_without_cells_is_an_empty_network():
    assert lay_out(replace(shape_of("dormitory"), layout=())) == Network()


def test_an_unknown_typology_is_refused_with_the_known_ones_named():
    with pytest.raises(InputError, match="no typology 'castle'") as refusal:
        lay_out(replace(shape_of("dormitory"), typology="castle"))

    assert "radial_gallery" in refusal.value.hint

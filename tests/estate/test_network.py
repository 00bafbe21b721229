from __future__ import annotations

from dataclasses import replace
from math import inf, pi

import networkx as nx
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st

from estate.model import (
    AccessPoint,
    Cable,
    Distributor,
    Door,
    Grade,
    Junction,
    Network,
    Outlet,
    Space,
    Span,
    Wall,
    WingShape,
)
from estate.network import (
    frames_of,
    from_frames,
    from_graph,
    outlet_lengths_m,
    placed,
    to_frames,
    to_graph,
)
from estate.typology import lay_out, read_typologies, spread

TYPICAL = {
    name: lay_out(
        WingShape(
            typology=name,
            layout=spread(typology.typical_cells, typology=typology),
            material=typology.material,
            thickness_mm=typology.thickness_mm,
            distance_to_comms_m=0,
        )
    )
    for name, typology in read_typologies().items()
}

# A riser with a fork: 10 m to the first outlet, and two ways of 5 m and 7 m to the second.
FORK = Network(
    spaces=(
        Space(
            space_id="cell-1-001",
            floor=0,
            kind="cell",
            outline=((0, 0), (4, 0), (4, 2)),
            location_key="1-001",
        ),
        Space(space_id="landing", floor=0, kind="landing", outline=((4, 0), (6, 0), (6, 2))),
    ),
    walls=(
        Wall(
            wall_id="front", floor=0, material="brick", thickness_mm=457, start=(4, 0), end=(4, 2)
        ),
    ),
    doors=(Door(door_id="door", floor=0, at=(4, 1), from_space="cell-1-001", to_space="landing"),),
    junctions=(Junction(junction_id="fork", floor=0, at=(5, 1), space_id="landing"),),
    distributors=(Distributor(distributor_id="rack", floor=0, at=(9, 1), space_id=""),),
    access_points=(AccessPoint(access_point_id="ap", floor=0, at=(5, 2), space_id="landing"),),
    cables=(
        Cable(
            cable_id="pairs", floor=0, route=((9, 1), (5, 1), (3, 1)), kind="voice", free_count=4
        ),
    ),
    outlets=(
        Outlet(outlet_id="first", floor=0, at=(3, 1), space_id="cell-1-001"),
        Outlet(outlet_id="second", floor=0, at=(1, 1), space_id="cell-1-001"),
        Outlet(outlet_id="unreached", floor=0, at=(2, 1), space_id="cell-1-001"),
    ),
    spans=(
        Span(span_id="a", floor=0, start="rack", end="fork", length_m=4, containment="tray"),
        Span(span_id="b", floor=0, start="fork", end="first", length_m=6, containment="drop"),
        Span(span_id="c", floor=0, start="fork", end="second", length_m=7, containment="drop"),
        Span(span_id="d", floor=0, start="second", end="fork", length_m=5, containment="duct"),
    ),
)

words = st.text(alphabet="abcé '/-", max_size=6)
metres = st.floats(-1e6, 1e6, allow_nan=False)
points = st.tuples(metres, metres)
counts = st.none() | st.integers(0, 99)
sizes = st.none() | st.floats(0.1, 1e4)
outlines = st.just(()) | st.lists(points, min_size=3, max_size=6, unique=True).map(tuple)
facts = {"floor": st.integers(-2, 9), "grade": st.sampled_from(Grade), "source": words}


NAMES = {
    Space: "space",
    Junction: "junction",
    Distributor: "distributor",
    Outlet: "outlet",
    AccessPoint: "access_point",
    Cable: "cable",
    Door: "door",
    Wall: "wall",
    Span: "span",
}


@st.composite
def networks(draw):
    """Draw a network of up to twelve features, with dangling and doubled ends among them."""
    drawn = {kind: [] for kind in NAMES}
    known = st.sampled_from([*(f"n{index}" for index in range(12)), "nowhere"])
    fields = {
        Space: {"kind": words, "outline": outlines, "location_key": words},
        Junction: {"at": points, "space_id": known},
        Distributor: {
            "at": points,
            "space_id": known,
            "kind": words,
            "state": words,
            "ports_free": counts,
            "power_free_w": sizes,
        },
        Outlet: {
            "at": points,
            "space_id": known,
            "kind": words,
            "state": words,
            "category": words,
            "pair_mbps": sizes,
        },
        AccessPoint: {"at": points, "space_id": known, "model": words, "state": words},
        Cable: {
            "route": st.lists(points, min_size=2, max_size=4).map(tuple),
            "kind": words,
            "cable_count": counts,
            "state": words,
        },
        Door: {"at": points, "from_space": known, "to_space": known},
        Wall: {
            "start": points,
            "end": points,
            "material": words,
            "thickness_mm": st.integers(1, 999),
        },
        Span: {
            "start": known,
            "end": known,
            "length_m": st.floats(0.001, 1e5),
            "containment": words,
            "state": words,
            "fill_percent": sizes,
            "width_mm": sizes,
        },
    }
    for index, kind in enumerate(draw(st.lists(st.sampled_from([*NAMES]), max_size=12))):
        values = {name: draw(values) for name, values in (facts | fields[kind]).items()}
        values[f"{NAMES[kind]}_id"] = f"n{index}"
        drawn[kind].append(kind(**values))
    return Network(**{f"{NAMES[kind]}s": tuple(found) for kind, found in drawn.items()})


# A busy machine must not fail a property for its time.
unhurried = settings(deadline=None)


@unhurried
@given(networks())
def test_network_to_graph_to_network_is_the_identity(network):
    assert from_graph(to_graph(network)) == network


@unhurried
@given(networks())
def test_graph_to_network_to_graph_is_the_identity(network):
    graph = to_graph(network)

    again = to_graph(from_graph(graph))
    assert nx.utils.graphs_equal(again, graph)
    assert again.graph == graph.graph


@unhurried
@given(networks())
def test_network_to_frames_to_network_is_the_identity(network):
    assert from_frames(to_frames(network)) == network


@settings(deadline=None, max_examples=40)
@given(networks())
def test_frames_to_network_to_frames_is_the_identity(network):
    frames = to_frames(network, crs="EPSG:27700")

    again = to_frames(from_frames(frames), crs="EPSG:27700")
    assert list(again) == list(frames)
    for name, frame in frames.items():
        assert_geodataframe_equal(again[name], frame)


@pytest.mark.parametrize("network", [Network(), *TYPICAL.values()], ids=["empty", *TYPICAL])
def test_every_typology_and_nothing_at_all_go_both_ways(network):
    assert from_graph(to_graph(network)) == network
    assert from_frames(to_frames(network)) == network


def test_spans_and_doors_are_edges_that_say_which_they_are():
    graph = to_graph(FORK)

    assert graph.edges["fork", "second", "c"]["length_m"] == 7
    assert graph.edges["fork", "second", "d"]["length_m"] == 5
    assert graph.edges["landing", "cell-1-001", "door"]["layer"] == "doors"
    assert graph.nodes["cell-1-001"]["kind"] == "cell"
    assert graph.graph["walls"] == FORK.walls


def test_a_name_of_two_points_is_refused():
    twice = replace(
        FORK, junctions=(*FORK.junctions, replace(FORK.junctions[0], junction_id="first"))
    )

    with pytest.raises(ValueError, match="'first' names two of spaces, junctions"):
        to_graph(twice)


def test_a_name_of_two_spans_is_refused():
    twice = replace(FORK, spans=(*FORK.spans, replace(FORK.spans[0], start="second")))

    with pytest.raises(ValueError, match="'a' names two of doors, spans"):
        to_graph(twice)


def test_an_outlet_is_as_far_as_its_shortest_route_and_infinitely_far_without_one():
    assert outlet_lengths_m(FORK) == {"first": 10, "second": 9, "unreached": inf}


def test_without_a_distributor_no_outlet_has_a_route():
    lengths_m = outlet_lengths_m(replace(FORK, distributors=()))

    assert set(lengths_m.values()) == {inf}


def test_the_nearest_distributor_counts():
    second = Distributor(distributor_id="first", floor=0, at=(3, 1), space_id="")

    lengths_m = outlet_lengths_m(replace(FORK, distributors=(*FORK.distributors, second)))
    # 6 m back to the fork and 5 m on are 11 m, more than the 9 m from the rack.
    assert lengths_m == {"first": 0, "second": 9, "unreached": inf}


def test_a_placed_network_has_absolute_names_keys_and_coordinates():
    network = placed(FORK, prefix="MDI-A", offset=(450_000, 300_000.0004))

    assert network.spaces[0].space_id == "MDI-A/cell-1-001"
    assert network.spaces[0].location_key == "MDI-A-1-001"
    assert network.spaces[0].outline == ((450_000, 300_000), (450_004, 300_000), (450_004, 300_002))
    assert network.spaces[1].location_key == ""
    assert network.walls[0].end == (450_004, 300_002)
    assert network.doors[0].to_space == "MDI-A/landing"
    assert network.distributors[0].space_id == ""
    assert (network.spans[0].start, network.spans[0].end) == ("MDI-A/rack", "MDI-A/fork")


def test_placing_a_network_moves_no_length():
    network = placed(FORK, prefix="MDI-A", offset=(450_000, 300_000))

    assert list(outlet_lengths_m(network).values()) == [10, 9, inf]


def test_layers_of_several_networks_are_joined_with_their_features_in_order():
    sheets = [placed(FORK, prefix=wing, offset=(0, 0)) for wing in ("MDI-A", "MDI-B")]

    frames = frames_of(sheets, crs="EPSG:27700")
    assert list(frames) == [
        "spaces",
        "walls",
        "doors",
        "junctions",
        "distributors",
        "outlets",
        "access_points",
        "cables",
        "spans",
    ]
    assert frames["distributors"]["distributor_id"].tolist() == ["MDI-A/rack", "MDI-B/rack"]
    assert frames["spans"].crs.to_epsg() == 27700
    assert from_frames(frames).spans == sheets[0].spans + sheets[1].spans


def test_a_span_is_drawn_between_its_points_and_not_drawn_where_one_is_unknown():
    dangling = replace(FORK.spans[0], span_id="e", end="nowhere")

    drawn = to_frames(replace(FORK, spans=(FORK.spans[0], dangling)))["spans"].geometry
    assert drawn[0].equals(shapely.LineString([(9, 1), (5, 1)]))
    assert drawn[1] is None


def test_an_empty_layer_has_the_columns_and_types_of_a_full_one():
    empty, full = to_frames(Network())["spans"], to_frames(FORK)["spans"]

    assert empty.dtypes.to_dict() == full.dtypes.to_dict()


@pytest.mark.parametrize(
    ("containment", "width_mm", "depth_mm", "area_mm2"),
    [
        ("tray", 150, 50, 7500),
        ("conduit", 20, None, pi * 100),
        ("duct", 100, None, pi * 2500),
        ("tray", 150, None, None),  # Nobody measured how deep it is.
        ("tray", None, None, None),
    ],
)
def test_the_cross_section_of_containment_follows_from_its_size(
    containment, width_mm, depth_mm, area_mm2
):
    span = replace(FORK.spans[0], containment=containment, width_mm=width_mm, depth_mm=depth_mm)

    assert span.cross_section_mm2 == area_mm2

"""Wings small enough to price each second way by hand."""

from dataclasses import replace

import networkx as nx
import pytest

from estate.model import Span
from estate.resilience.second_ways import Pricing, built, cheapest, single_cures
from estate.resilience.site import Cabinet, Cable, WingWays, dependencies

ROUTE = ("room-foot", "riser")


def span(span_id, start, end, length_m, *, containment="tray"):
    return Span(
        span_id=span_id, floor=0, start=start, end=end, length_m=length_m, containment=containment
    )


SPANS = (
    span("room-foot", "room", "foot", 10.0),
    span("riser", "foot", "top", 4.0, containment="riser"),
    span("landing", "top", "cells", 20.0),
)
# A way around: 6 m to the back stairs, 4 m up, 10 m along the landing above.
AROUND = (
    span("room-back", "room", "back", 6.0),
    span("back-riser", "back", "back-top", 4.0, containment="riser"),
    span("above", "back-top", "top", 10.0),
)


def a_wing(code, *, spans=SPANS, standing=("room-foot", "riser", "landing")):
    """Return a wing of 60 cells with a cabinet at the top of its riser."""
    wing = WingWays(
        prison_id="MDI",
        code=code,
        cabinets=(),
        spans={each.span_id: each for each in spans},
        standing=frozenset(standing),
    )
    cables = tuple(
        Cable(switch=f"MDI/{code}/SW-0{n}", way=(wing.span("landing"),), cells=30) for n in (1, 2)
    )
    cabinet = Cabinet(id=f"MDI/{code}/FD-01", fibre_route=ROUTE, cables=cables)
    return replace(wing, cabinets=(cabinet,))


@pytest.fixture
def pricing(catalogue):
    return Pricing(catalogue=catalogue)


def quantities(way):
    return {line.item: line.quantity.likely for line in way.lines if line.phase == "initial"}


def test_each_failure_takes_the_cells_behind_it():
    lost = dependencies("MDI", [a_wing("A"), a_wing("B")]).cells_lost()

    assert lost["MDI/uplink"] == lost["MDI/core room"] == 120
    assert lost["MDI/core A"] == lost["MDI/core B"] == 0
    for part in ("duct", "comms room", "room-foot", "riser", "landing", "FD-01", "FD-01/power"):
        assert lost[f"MDI/A/{part}"] == 60
    assert lost["MDI/A/SW-01"] == 30


def test_a_second_fibre_goes_around_where_there_is_another_way(pricing):
    wing = a_wing("A", spans=SPANS + AROUND)

    way = pricing.fibre(wing.cabinets[0], wing)

    # 6 + 4 + 10 m, of which nothing stands; one floor to drill.
    assert quantities(way) == {"fibre_internal": 20, "containment_steel": 20, "core_drill": 1}
    lost = dependencies("MDI", [wing], [way]).cells_lost()
    assert lost["MDI/A/riser"] == lost["MDI/A/room-foot"] == lost["MDI/A/back-riser"] == 0
    assert lost["MDI/A/landing"] == lost["MDI/A/FD-01"] == 60


def test_a_second_fibre_in_what_stands_is_fibre_alone(pricing):
    around = tuple(each.span_id for each in AROUND)
    wing = a_wing("A", spans=SPANS + AROUND, standing=("room-foot", "riser", "landing", *around))

    assert quantities(pricing.fibre(wing.cabinets[0], wing)) == {"fibre_internal": 20}


def test_where_there_is_one_riser_the_second_fibre_builds_another(pricing):
    wing = a_wing("A")

    way = pricing.fibre(wing.cabinets[0], wing)

    assert quantities(way) == {"fibre_internal": 14, "containment_steel": 14, "core_drill": 1}
    assert dependencies("MDI", [wing], [way]).cells_lost()["MDI/A/riser"] == 0


def test_an_extra_costs_its_lines_at_the_rates_of_the_plan(pricing, catalogue):
    wing = a_wing("A")
    rates = catalogue.rates

    circuit = pricing.circuit("MDI", [wing])

    # Ten years: installed once, as its life is ten years, and rented ten times.
    for bound in ("low", "likely", "high"):
        expected = getattr(rates["wan_install"].rate, bound)
        expected += 10 * getattr(rates["wan_rental"].rate, bound)
        assert float(getattr(circuit.cost_gbp, bound)) == expected


def test_every_offered_cure_takes_cells_from_some_failure(pricing):
    wings = [a_wing("A"), a_wing("B")]
    before = dependencies("MDI", wings).cells_lost()

    for way in single_cures("MDI", wings, pricing):
        after = dependencies("MDI", wings, [way]).cells_lost()
        assert all(after[part] <= cells for part, cells in before.items())
        assert any(after[part] < cells for part, cells in before.items()), way.label


def test_six_wings_are_joined_in_pairs(pricing):
    wings = [a_wing(code) for code in "ABCDEF"]

    found = cheapest("MDI", wings, pricing)

    ducts = [way for way in found if "duct" in way.label]
    assert len(ducts) == 3
    assert sorted(code for way in ducts for code in way.wings) == list("ABCDEF")
    lost = dependencies("MDI", wings, found).cells_lost()
    for part in ("uplink", "A/duct", "F/duct", "C/riser", "D/room-foot"):
        assert lost[f"MDI/{part}"] == 0


def test_three_wings_need_two_ducts(pricing):
    found = cheapest("MDI", [a_wing(code) for code in "ABC"], pricing)

    # Beside a circuit and three fibres: one duct cannot join three.
    assert sum("duct" in way.label for way in found) == 2
    assert len(found) == 6


def test_what_is_found_leaves_no_bridge(pricing):
    wings = [a_wing(code) for code in "ABCD"]
    graph = nx.Graph()
    nx.add_path(graph, ("carrier", "MDI/uplink", "MDI/core room"))
    for wing in wings:
        rack = wing.cabinets[0].id
        nx.add_path(graph, ("MDI/core room", wing.duct.id, wing.room.id, f"fibre {rack}", rack))

    graph.add_edges_from(way.joins for way in cheapest("MDI", wings, pricing))

    assert not nx.has_bridges(graph)


@pytest.mark.parametrize(("codes", "ducts"), [("A", 1), ("AB", 1), ("ABC", 2), ("ABCDEF", 3)])
def test_with_two_ways_to_each_building_no_duct_is_alone(pricing, codes, ducts):
    wings = [a_wing(code) for code in codes]

    standing = built("MDI", wings, pricing)

    assert len(standing) == ducts
    lost = dependencies("MDI", wings, standing).cells_lost()
    assert all(lost[f"MDI/{code}/duct"] == 0 for code in codes)
    more = cheapest("MDI", wings, pricing, standing)
    assert not any("duct" in way.label for way in more)

"""Surveyed wings of Elmley that can share a distributor, and the same wings too far apart."""

from dataclasses import replace
from decimal import Decimal

import pytest
from shapely import LineString

from estate.cabling.cache import DesignCache
from estate.costing import totals
from estate.pipeline import Designing, make_plan
from estate.report import layers_of, site_of
from estate.resilience.failures import failures_of
from estate.topology import topology_of, write_topology
from estate.workspace import Settings
from fleet.topology import read_topology


@pytest.fixture(scope="module")
def plan_with(hamlet, elmley_joined):
    """Return a function that plans with a duct of so many metres between Elmley's wings."""
    return lambda *args: make_plan(
        replace(hamlet, surveys={"EYI": elmley_joined(*args)}), Settings()
    )


@pytest.fixture(scope="module")
def together(plan_with):
    """Return the plan with 5 m between the wings."""
    return plan_with(5.0)


@pytest.fixture(scope="module")
def apart(plan_with):
    """Return the plan with 200 m between the wings."""
    return plan_with(200.0)


def designs_of(plan):
    return {w.wing.wing: plan.designs[w.design] for w in plan.site("EYI").wings}


def wings_of(plan):
    return {w.wing.wing: w for w in plan.site("EYI").wings}


# What is built


def test_wings_that_can_share_a_cabinet_build_one(together, apart):
    cabinets = [
        [d.name for design in designs_of(plan).values() for d in design.distributors]
        for plan in (together, apart)
    ]

    assert [len(names) for names in cabinets] == [1, 2]


def test_together_they_cost_less_than_apart_and_no_less_than_their_bound(together, apart):
    one, two = together.site("EYI").design, apart.site("EYI").design

    # A cabinet with its power and a switch are saved, and more than one wing's share of the duct.
    assert one.cost_gbp < two.cost_gbp - 10_000
    assert one.bound_gbp <= one.cost_gbp
    designs = designs_of(together).values()
    assert one.cost_gbp == sum((design.cost_gbp for design in designs), Decimal(0))
    assert all(design.bound_gbp <= design.cost_gbp for design in designs)


def test_the_bill_has_each_thing_in_one_wing_and_adds_up(together):
    site = together.site("EYI")
    cabinets = {
        plan.wing.wing: sum(x.quantity.likely for x in plan.bill if x.item == "cabinet")
        for plan in site.wings
    }

    assert sorted(cabinets.values()) == [0, 1]
    assert site.totals == totals(site.lines())


def test_wings_too_far_apart_are_designed_as_if_they_did_not_meet(apart, hamlet, elmley_joined):
    drawn = elmley_joined(200.0)
    spans = tuple(s for s in drawn.layers["spans"] if s.name != "between")
    unjoined = replace(drawn, layers={**drawn.layers, "spans": spans})
    without = designs_of(make_plan(replace(hamlet, surveys={"EYI": unjoined}), Settings()))
    found = designs_of(apart)

    assert found["HB2"] == without["HB2"]
    for fact in ("cost_gbp", "bound_gbp", "landings", "shared", "spans", "longest_link_m"):
        assert getattr(found["HB1"], fact) == getattr(without["HB1"], fact)


def test_free_ports_of_a_rack_serve_each_one_cable(plan_with):
    def change(feature):
        stands = {"state": "existing"}
        if feature.name == "EYI-HB1/distributor":
            stands |= {"switch_ports_free": 20, "rack_units_free": 10, "power_free_w": 2000.0}
        elif feature.layer != "spans":
            return feature
        return replace(feature, facts={**feature.facts, **stands})

    plan = plan_with(5.0, change)
    designs = designs_of(plan)
    (rack,) = (
        d
        for design in designs.values()
        for d in design.distributors
        if d.ports
        if d.name == "EYI-HB1/distributor"
    )

    ending = [
        point
        for wing, design in designs.items()
        for point in design.points
        if point.distributor == rack.name and (point.distributor_wing or wing) in {"HB1", "EYI-HB1"}
    ]
    # The 24 cells take no more ports than are free: access points stand in for some outlets.
    assert len(ending) == rack.ports <= 20
    assert rack.switches == 0


def test_a_block_and_a_wing_apart_share_what_is_free_by_their_cells(hamlet, elmley_joined):
    """HB3 leads to the rack of HB1 by 300 m of duct, too far for a cable to any of its cells."""
    third = next(w for w in hamlet.wings if w.wing == "HB2")
    inputs = replace(hamlet, wings=(*hamlet.wings, replace(third, wing="HB3")))

    def change(feature):
        stands = {"state": "existing", "switch_ports_free": 30}
        is_rack = feature.name == "EYI-HB1/distributor"
        return replace(feature, facts={**feature.facts, **stands}) if is_rack else feature

    drawn = elmley_joined(5.0, change, inputs)
    racks = {d.text("wing"): d.geometry for d in drawn.layers["distributors"]}
    facts = {"span_id": "far", "wing": "HB3", "containment": "duct", "length_m": 300.0}
    (like,) = (s for s in drawn.layers["spans"] if s.name == "between")
    far = replace(
        like,
        facts={**like.facts, **facts},
        geometry=LineString([racks["HB3"], racks["HB1"]]),
    )
    spans = (*drawn.layers["spans"], far)
    survey = replace(drawn, layers={**drawn.layers, "spans": spans})

    plan = make_plan(replace(inputs, surveys={"EYI": survey}), Settings())

    wings = wings_of(plan)
    free = {
        wing: [
            d.switch_ports_free
            for d in plan.network_of(wings[wing]).distributors
            if d.distributor_id == "EYI-HB1/distributor"
        ]
        for wing in wings
    }
    assert [wings[w].block for w in ("HB1", "HB3")] == [("EYI-HB1", "EYI-HB2"), ()]
    # 12 of 36 cells are in HB3; the other two wings have the rest between them.
    assert (free["HB1"], free["HB3"]) == ([20], [10])


# What is said


def test_a_plan_says_with_which_wings_one_was_designed_and_why(together, apart, hamlet_plan):
    joined, parted = wings_of(together)["HB1"], wings_of(apart)["HB1"]

    assert joined.block == ("EYI-HB1", "EYI-HB2")
    assert joined.together.startswith("designed as one with EYI-HB2: cells of it and of EYI-HB2")
    assert parted.block == ()
    assert parted.together.startswith("designed apart from EYI-HB2, whose containment meets its")
    assert {w.together for w in hamlet_plan.site("EYI").wings} == {""}


def test_the_page_of_the_prison_says_so(together):
    page = next(page for page in site_of(together).pages if page.slug == "EYI")
    said = [
        paragraph
        for section in page.sections
        for block in section.blocks
        for paragraph in getattr(block, "paragraphs", ())
    ]

    assert any(words.startswith("EYI-HB1: designed as one with EYI-HB2") for words in said)


def test_layers_have_every_span_that_is_built_once(together):
    spans = next(layer for layer in layers_of(together) if layer.name == "spans").frame

    assert list(spans["span_id"]).count("between") == 1
    assert spans[spans["span_id"] == "between"].geometry.iloc[0].length > 0


# What the fleet and the cautious read


def test_cells_of_one_wing_hang_from_a_switch_of_another(together, tmp_path):
    write_topology(together, tmp_path / "topology.json")
    topology = read_topology(tmp_path / "topology.json")

    cells = [cell for cell in topology.cells if cell.prison_id == "EYI"]
    (switch,) = {cell.element for cell in cells}
    assert {cell.wing for cell in cells} == {"HB1", "HB2"}
    (rack,) = topology.by_id[switch].needs
    homes = {w for w, design in designs_of(together).items() if design.distributors}
    assert {topology.by_id[switch].wing, topology.by_id[rack].wing} == homes


def test_losing_the_cabinet_loses_the_cells_of_both_wings(together, apart):
    def lost(plan, *wing):
        return {
            point.loss.parts[0]: point.loss.cells
            for point in failures_of(plan, plan.site("EYI"), *wing).points
            if point.loss.kind == "distributor"
        }

    (home,) = (w for w, design in designs_of(together).items() if design.distributors)
    assert lost(together) == {f"EYI/{home}/FD-01": 24}
    assert lost(together, "HB1") == lost(together, "HB2") == lost(together)
    assert lost(apart) == {"EYI/HB1/FD-01": 12, "EYI/HB2/FD-01": 12}
    assert lost(apart, "HB2") == {"EYI/HB2/FD-01": 12}


def test_a_second_way_to_the_wing_with_the_cabinet_saves_both(together):
    found = failures_of(together, together.site("EYI"))
    (home,) = (w for w, design in designs_of(together).items() if design.distributors)

    ducts = {e.way.id: e.cells_saved for e in found.second_routes if "duct" in e.way.id}

    # The other wing's own duct leads to nothing, so no second one is offered.
    assert ducts == {f"EYI/{home}/duct 2": 24}


# What is kept


def test_one_changed_wing_designs_its_block_anew_and_nothing_else(hamlet, elmley_joined, tmp_path):
    cache = DesignCache(tmp_path / "designs")

    def made(*surveys):
        count = []
        for survey in surveys:
            count.append(0)
            inputs = replace(hamlet, surveys={"EYI": survey} if survey else {})

            def advance(_share):
                count[-1] += 1

            make_plan(inputs, Settings(), designing=Designing(cache=cache, advance=advance))
        return count

    def thicker(feature):
        if feature.layer == "walls" and feature.name.startswith("EYI-HB2/"):
            return replace(feature, facts={**feature.facts, "thickness_mm": 250})
        return feature

    joined, changed = elmley_joined(5.0), elmley_joined(5.0, thicker)

    # Two shapes; both wings of Elmley as one; nothing; the same with other walls; nothing.
    assert made(None, joined, joined, changed, joined) == [2, 1, 0, 1, 0]


def test_a_plan_of_wings_as_one_comes_back_from_the_cache_the_same(hamlet, elmley_joined, tmp_path):
    designing = Designing(cache=DesignCache(tmp_path / "designs"))
    inputs = replace(hamlet, surveys={"EYI": elmley_joined(5.0)})

    plans = [make_plan(inputs, Settings(), designing=designing) for _ in range(2)]

    assert plans[0] == plans[1]
    assert topology_of(plans[0]) == topology_of(plans[1])

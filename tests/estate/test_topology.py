import json
from collections import Counter

import pytest

from estate.cabling.options import WIRELESS
from estate.topology import topology_of, uplink_mbps, write_topology
from estate.typology import lay_out

_SWITCH_PORTS = 48


@pytest.fixture(scope="module")
def topology(example_plan):
    """Return the topology of the example."""
    return topology_of(example_plan)


@pytest.fixture(scope="module")
def elements(topology):
    return {element.id: element for element in topology.elements}


def test_every_cell_of_the_plan_is_served_exactly_once(topology, example_plan):
    served = Counter(cell.cell for cell in topology.cells)

    assert len(served) == example_plan.cells
    assert set(served.values()) == {1}


def test_cells_have_the_location_keys_of_the_layout(example_plan):
    drawn = {
        f"{wing_plan.wing.key}-{space.location_key}"
        for site in example_plan.establishments
        for wing_plan in site.wings
        for space in lay_out(wing_plan.wing.shape).spaces
        if space.location_key
    }

    assert {cell.cell for cell in topology_of(example_plan).cells} == drawn


def test_a_cell_is_on_its_own_landing_wherever_hangs_what_serves_it(topology, example_plan):
    # Keys of a layout are LEI-T1-2-017: the part before the cell's is its landing.
    assert {cell.landing for cell in topology.cells} >= {"1", "2", "3", "4"}
    assert all(cell.cell.split("-")[-2] == cell.landing for cell in topology.cells)
    apart = [
        cell
        for design in example_plan.designs.values()
        for point in design.points
        for cell in point.cells
        if cell.split("-")[0] != str(point.landing)
    ]
    assert apart, "no access point of the example serves another landing than its own"


def test_every_cell_is_served_by_a_switch_or_an_access_point_of_its_wing(topology, elements):
    for cell in topology.cells:
        element = elements[cell.element]
        assert element.kind in {"switch", "access_point", "splitter"}
        assert cell.cell.startswith(f"{element.prison_id}-{element.wing}-")


def test_every_element_leads_to_the_uplink_of_its_prison(topology, elements):
    above = {
        "access_point": "switch",
        "splitter": "switch",
        "switch": "core_switch",
        "distributor": "core_switch",
        "core_switch": "uplink",
    }
    for element in topology.elements:
        if element.kind == "uplink":
            assert element.parent == ""
        else:
            parent = elements[element.parent]
            assert parent.kind == above[element.kind]
            assert parent.prison_id == element.prison_id
            assert parent.wing in {"", element.wing}


def test_no_element_comes_twice(topology, elements):
    assert len(elements) == len(topology.elements)


def test_no_switch_has_more_ports_in_use_than_it_has(topology, elements):
    used = Counter(e.parent for e in topology.elements if e.kind == "access_point")
    used.update(c.element for c in topology.cells if elements[c.element].kind == "switch")

    assert max(used.values()) <= _SWITCH_PORTS


def test_a_wing_has_the_switches_and_access_points_of_its_design(topology, example_plan):
    found = Counter((e.kind, e.prison_id, e.wing) for e in topology.elements)
    for site in example_plan.establishments:
        for wing_plan in site.wings:
            design, wing = example_plan.designs[wing_plan.design], wing_plan.wing
            points = sum(point.option in WIRELESS for point in design.points)
            switches = int(design.shared["switch_48_poe"].likely)
            assert found["switch", wing.prison_id, wing.wing] == switches
            assert found["access_point", wing.prison_id, wing.wing] == points


def test_a_prison_that_is_not_sized_has_no_network(topology, example_plan):
    left_out = {s.prison.prison_id for s in example_plan.establishments if s.excluded}

    assert left_out
    assert left_out.isdisjoint(element.prison_id for element in topology.elements)


def test_a_cell_behind_an_access_point_has_the_signal_of_the_design(topology, example_plan):
    expected = {
        f"{wing_plan.wing.key}-{cell}": dbm
        for site in example_plan.establishments
        for wing_plan in site.wings
        for point in example_plan.designs[wing_plan.design].points
        for cell, dbm in zip(point.cells, point.signal_dbm, strict=False)
    }

    assert expected
    assert {c.cell: c.signal_dbm for c in topology.cells if c.signal_dbm is not None} == expected


def test_a_wired_cell_names_its_outlet_and_a_switch_its_distributor(topology, elements):
    for cell in topology.cells:
        if cell.outlet:
            switch = elements[cell.element]
            assert switch.kind == "switch"
            assert [elements[name].kind for name in switch.needs] == ["distributor"]


def test_an_uplink_is_the_smallest_circuit_that_carries_its_cells(topology):
    assert uplink_mbps(99.0) == 100
    assert uplink_mbps(101.0) == 200
    assert uplink_mbps(12_345.67) == 12_345.7
    assert all(e.capacity_mbps for e in topology.elements if e.kind == "uplink")


def test_an_uplink_follows_the_fuller_direction_of_its_cells(example_plan):
    sized = {e.id: e.capacity_mbps for e in topology_of(example_plan).elements}

    # Down, 0.4 x 3 + 0.1 x 1.5 + 0.5 x 0.5 = 1.6 Mbit/s a cell: 768 cells ask for 1,229.
    assert example_plan.site("EYI").cells == 768
    assert sized["EYI/uplink"] == 2000


def test_every_kind_of_element_has_a_capacity_with_its_source(topology):
    assert set(topology.capacities) == {element.kind for element in topology.elements}
    assert all(c.capacity_mbps > 0 and c.source for c in topology.capacities.values())


def test_the_file_bears_schema_plan_and_marking(example_plan, tmp_path):
    write_topology(example_plan, tmp_path / "topology.json")

    written = json.loads((tmp_path / "topology.json").read_text(encoding="utf-8"))
    assert written["schema"] == 1
    assert written["plan_id"] == example_plan.plan_id
    assert written["marking"] == "OFFICIAL – handle locally"
    assert len(written["cells"]) == example_plan.cells
    assert written["cells"][0].keys() >= {"cell", "element", "landing", "outlet", "signal_dbm"}
    assert written["elements"][0].keys() >= {"id", "kind", "parent", "prison_id", "wing", "needs"}


def test_the_same_plan_gives_the_same_bytes(example_plan, tmp_path):
    paths = [tmp_path / "one.json", tmp_path / "two.json"]

    for path in paths:
        write_topology(example_plan, path)

    assert paths[0].read_bytes() == paths[1].read_bytes()

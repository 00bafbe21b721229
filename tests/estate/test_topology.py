import json
from collections import Counter

import pytest

from estate.design import SWITCH_PORTS, Option
from estate.topology import served_together, topology_of, write_topology
from estate.typology import lay_out


@pytest.fixture(scope="module")
def topology(england_wales_plan):
    """Return the topology of England and Wales."""
    return topology_of(england_wales_plan)


@pytest.fixture(scope="module")
def elements(topology):
    return {element.id: element for element in topology.elements}


def test_every_cell_of_the_plan_is_served_exactly_once(topology, england_wales_plan):
    served = Counter(cell.cell for cell in topology.cells)

    assert len(served) == england_wales_plan.cells
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


def test_every_cell_is_served_by_a_switch_or_an_access_point_of_its_wing(topology, elements):
    for cell in topology.cells:
        element = elements[cell.element]
        assert element.kind in {"switch", "access_point"}
        assert cell.cell.startswith(f"{element.prison_id}-{element.wing}-")


def test_every_element_leads_to_the_uplink_of_its_prison(topology, elements):
    above = {"access_point": "switch", "switch": "core_switch", "core_switch": "uplink"}
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

    assert max(used.values()) <= SWITCH_PORTS


def test_a_wing_has_the_switches_and_access_points_of_its_design(topology, england_wales_plan):
    found = Counter((e.kind, e.prison_id, e.wing) for e in topology.elements)
    for site in england_wales_plan.establishments:
        for wing_plan in site.wings:
            design, wing = england_wales_plan.designs[wing_plan.design], wing_plan.wing
            points = sum(
                int(landing.choice.ports.likely)
                for landing in design.landings
                if landing.chosen != Option.OUTLETS
            )
            switches = int(design.shared["switch_48_poe"].likely)
            assert found["switch", wing.prison_id, wing.wing] == switches
            assert found["access_point", wing.prison_id, wing.wing] == points


def test_a_prison_that_is_not_sized_has_no_network(topology, england_wales_plan):
    left_out = {s.prison.prison_id for s in england_wales_plan.establishments if s.excluded}

    assert left_out
    assert left_out.isdisjoint(element.prison_id for element in topology.elements)


def test_cells_that_share_a_port_are_neighbours_and_within_reach(england_wales_plan):
    for design in england_wales_plan.designs.values():
        for landing in design.landings:
            groups = list(served_together(landing))
            assert [n for group in groups for n in group] == list(range(1, landing.cells + 1))
            assert max(map(len, groups)) <= landing.choice.cells_per_point


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
    assert written["cells"][0].keys() == {"cell", "element"}
    assert written["elements"][0].keys() == {"id", "kind", "parent", "prison_id", "wing"}


def test_the_same_plan_gives_the_same_bytes(example_plan, tmp_path):
    paths = [tmp_path / "one.json", tmp_path / "two.json"]

    for path in paths:
        write_topology(example_plan, path)

    assert paths[0].read_bytes() == paths[1].read_bytes()

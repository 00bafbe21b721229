"""Where the access points of a topology hang, so that what devices read can be placed."""

from estate.topology import access_points_of, cell_key, topology_of


def test_access_points_go_by_their_names_in_the_topology_and_serve_the_same_cells(example_plan):
    topology = topology_of(example_plan)
    named = {e.id for e in topology.elements if e.kind == "access_point"}
    served = {(cell.element, cell.cell) for cell in topology.cells if cell.element in named}
    wings = {w.wing.key: w.wing for s in example_plan.establishments for w in s.wings}

    found = {}
    for site in example_plan.establishments:
        found |= access_points_of(example_plan, site.prison.prison_id)

    assert set(found) == named
    assert served == {
        (name, cell_key(wings[key], cell))
        for name, (key, point) in found.items()
        for cell in point.cells
    }


def test_a_prison_that_is_not_planned_has_no_access_points(example_plan):
    assert access_points_of(example_plan, "XXX") == {}

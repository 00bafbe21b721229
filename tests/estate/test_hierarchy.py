from __future__ import annotations

from collections import Counter
from dataclasses import replace

import networkx as nx
import pytest

from estate.hierarchy import custodial_tree, joins, physical_tree
from estate.model import Network, Space, WingShape
from estate.network import placed
from estate.typology import lay_out


def wing_of(key, *layout):
    shape = WingShape(
        typology="two_spur_block",
        layout=layout,
        material="concrete",
        thickness_mm=200,
        distance_to_comms_m=0,
    )
    return placed(lay_out(shape), prefix=key, offset=(0, 0))


def cell_of(key):
    return Space(space_id=f"space {key}", floor=0, kind="cell", outline=(), location_key=key)


# Wing A has two landings of three cells, wing B one of two.
WINGS = {"A": wing_of("MDI-A", (2, 1), (2, 1)), "B": wing_of("MDI-B", (1, 1))}


def at_level(tree, level):
    return [name for name, found in tree.nodes(data="level") if found == level]


def path_to(tree, name):
    root = next(node for node, degree in tree.in_degree() if degree == 0)
    return nx.shortest_path(tree, root, name)


def test_the_custodial_tree_goes_from_establishment_to_cell():
    tree = custodial_tree("MDI", WINGS)

    assert nx.is_arborescence(tree)
    assert path_to(tree, "MDI-A-2-003") == ["MDI", "MDI-A", "MDI-A-2", "MDI-A-2-003"]
    assert Counter(level for _, level in tree.nodes(data="level")) == {
        "establishment": 1,
        "wing": 2,
        "landing": 3,
        "cell": 8,
    }


def test_a_spur_between_wing_and_landing_is_a_level_of_its_own():
    tree = custodial_tree("HEI", {"1": Network(spaces=(cell_of("HEI-1-A-1-001"),))})

    levels = [tree.nodes[name]["level"] for name in path_to(tree, "HEI-1-A-1-001")]
    assert levels == ["establishment", "wing", "spur", "landing", "cell"]


def test_a_cell_may_hang_on_its_wing_directly():
    tree = custodial_tree("HEI", {"1": Network(spaces=(cell_of("HEI-1-001"),))})

    assert path_to(tree, "HEI-1-001") == ["HEI", "HEI-1", "HEI-1-001"]


@pytest.mark.parametrize("key", ["MDI-B-1-001", "MDI-A", "MDI-AB-1-001", "MDI-A-1-2-3-4"])
def test_a_key_that_is_not_below_its_wing_is_refused(key):
    with pytest.raises(ValueError, match=f"{key} is not a landing and cell below MDI-A"):
        custodial_tree("MDI", {"A": Network(spaces=(cell_of(key),))})


def test_two_cells_with_one_key_are_refused():
    cell = cell_of("MDI-A-1-001")

    with pytest.raises(ValueError, match="MDI-A-1-001 is in the tree twice"):
        custodial_tree("MDI", {"A": Network(spaces=(cell, replace(cell, space_id="other")))})


def test_the_physical_tree_goes_from_establishment_to_space():
    tree = physical_tree("MDI", WINGS)

    assert nx.is_arborescence(tree)
    assert path_to(tree, "MDI-A/cell-2-003") == ["MDI", "MDI/A", "MDI/A/1", "MDI-A/cell-2-003"]
    assert at_level(tree, "floor") == ["MDI/A/0", "MDI/A/1", "MDI/B/0"]
    assert at_level(tree, "comms_room") == ["MDI-A/comms-room", "MDI-B/comms-room"]


def test_a_building_may_hold_several_wings():
    tree = physical_tree("MDI", WINGS, buildings={"A": "HB1", "B": "HB1"})

    assert at_level(tree, "building") == ["MDI/HB1"]
    assert path_to(tree, "MDI-B/cell-1-001")[:3] == ["MDI", "MDI/HB1", "MDI/HB1/0"]


def test_every_cell_of_one_tree_is_in_the_other_exactly_once():
    keys, spaces = zip(*joins(WINGS), strict=True)

    assert sorted(keys) == sorted(at_level(custodial_tree("MDI", WINGS), "cell"))
    assert sorted(spaces) == sorted(at_level(physical_tree("MDI", WINGS), "cell"))
    assert len(set(keys)) == len(set(spaces)) == 8


def test_a_prison_without_wings_is_a_root_alone():
    assert list(custodial_tree("MDI", {})) == ["MDI"]
    assert list(physical_tree("MDI", {})) == ["MDI"]
    assert joins({}) == ()

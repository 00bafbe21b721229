import json

import pytest

from fleet.errors import InputError
from fleet.topology import read_topology

UPLINK = {"id": "MDI/uplink", "kind": "uplink", "parent": "", "prison_id": "MDI"}
SWITCH = {"id": "MDI/A/SW-01", "kind": "switch", "parent": "MDI/uplink", "wing": "A"}
CELL = {"cell": "MDI-A-1-001", "element": "MDI/A/SW-01", "wing": "A", "landing": "1"}


@pytest.fixture
def topology_file(tmp_path):
    """Return a function that writes a topology.json of elements and cells."""

    def write(*, elements=(UPLINK, SWITCH), cells=(CELL,), **more):
        path = tmp_path / "topology.json"
        path.write_text(json.dumps({"schema": 1, "elements": elements, "cells": cells, **more}))
        return path

    return write


def problems_of(path):
    """Return the faults that reading a file lists."""
    with pytest.raises(InputError) as caught:
        read_topology(path)
    return [f"{problem.place}: {problem.what}" for problem in caught.value.problems]


def test_a_path_leads_from_a_cell_to_the_uplink(topology_file):
    topology = read_topology(topology_file())

    served = topology.cell_by_key["MDI-A-1-001"]

    assert [e.id for e in topology.path(served.element)] == ["MDI/A/SW-01", "MDI/uplink"]


def test_fields_that_we_do_not_know_are_ignored(topology_file):
    topology = read_topology(topology_file(marking="OFFICIAL", cells=[{**CELL, "colour": "red"}]))

    assert topology.cells[0].landing == "1"


def test_the_capacity_of_a_kind_is_that_of_its_elements(topology_file):
    stated = {"uplink": {"capacity_mbps": 1000, "source": "assumed"}}

    topology = read_topology(topology_file(capacities=stated))

    assert topology.capacity_mbps("MDI/uplink") == 1000
    assert topology.capacity_mbps("MDI/A/SW-01") is None


def test_an_element_may_state_a_capacity_of_its_own(topology_file):
    stated = {"uplink": {"capacity_mbps": 1000, "source": "the smallest"}}
    sized = {**UPLINK, "capacity_mbps": 2000}

    topology = read_topology(topology_file(elements=(sized, SWITCH), capacities=stated))

    assert topology.capacity_mbps("MDI/uplink") == 2000


def test_every_contradiction_is_named(topology_file):
    path = topology_file(
        elements=[UPLINK, UPLINK, {**SWITCH, "parent": "MDI/core", "needs": ["MDI/riser"]}],
        cells=[CELL, CELL, {"cell": "MDI-A-1-002", "element": "MDI/A/SW-09"}],
    )

    assert problems_of(path) == [
        "element MDI/uplink: there are two of it",
        "cell MDI-A-1-001: it is served twice",
        "element MDI/A/SW-01: it needs MDI/core, which is not there",
        "element MDI/A/SW-01: it needs MDI/riser, which is not there",
        "cell MDI-A-1-002: MDI/A/SW-09 serves it, which is not there",
    ]


def test_a_cycle_of_needs_is_named(topology_file):
    path = topology_file(elements=[{**UPLINK, "needs": ["MDI/A/SW-01"]}, SWITCH])

    assert problems_of(path) == [
        "element MDI/A/SW-01: it needs itself, by way of others",
        "element MDI/uplink: it needs itself, by way of others",
    ]


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1, "cells": 3}', '{"schema": 2}'])
def test_a_file_that_is_no_topology_is_refused(tmp_path, text):
    path = tmp_path / "topology.json"
    path.write_text(text)

    with pytest.raises(InputError, match=r"topology\.json"):
        read_topology(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        read_topology(tmp_path / "topology.json")

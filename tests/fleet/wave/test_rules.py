"""What is assumed of updates, and a workspace's own assumptions."""

import pytest

from fleet.errors import InputError
from fleet.topology import Capacity, Element, Topology
from fleet.wave import CENTRE, read_rules

SLOWER = """\
[setting.rate_mbps]
likely = 0.5
low = 0.25
high = 1
source = "measured at MDI"
dated = 2026-11-01
"""


def test_a_workspaces_assumption_takes_the_place_of_ours(tmp_path):
    (tmp_path / "updates.toml").write_text(SLOWER)

    rules = read_rules(tmp_path)

    assert rules["rate_mbps"] == 0.5
    assert rules.settings["rate_mbps"].source == "measured at MDI"
    assert rules["at_once"] == 10


def test_every_assumption_names_its_source(tmp_path):
    rules = read_rules(tmp_path)

    every = [*rules.shares.values(), *rules.capacities.values(), *rules.settings.values()]
    assert all(one.source and one.low <= one.likely <= one.high for one in every)


def test_a_capacity_is_the_topologys_before_it_is_assumed(tmp_path):
    elements = (Element(id="P/uplink", kind="uplink"), Element(id="P/ap", kind="access_point"))
    topology = Topology(
        capacities={"uplink": Capacity(capacity_mbps=100)},
        elements=elements,
    )

    rules = read_rules(tmp_path)

    assert rules.capacity_mbps("P/uplink", topology) == 100
    assert rules.capacity_mbps("P/ap", topology) == 43
    assert rules.capacity_mbps(CENTRE, topology) == 1000


def test_every_fault_of_the_file_is_named(tmp_path):
    wrong = SLOWER.replace("likely = 0.5", "likely = 0.1")
    (tmp_path / "updates.toml").write_text(
        f"{wrong}[share.uplink]\nlikely = 2\nlow = 0\nhigh = 3\nsource = ''\ndated = 1\n"
        "[setting.rate_mbsp]\nlikely = 1\n[speed]\nfast = 1\n"
    )

    with pytest.raises(InputError) as caught:
        read_rules(tmp_path)

    assert [(one.place, one.what) for one in caught.value.problems] == [
        ("[setting.rate_mbps]", "low, likely and high are not in their order"),
        ("[setting.rate_mbsp]", "there is no such setting"),
        ("[share.uplink] source", "it says nothing"),
        ("[share.uplink] dated", "1 is not a day"),
        ("[share.uplink] likely", "2 is no share"),
        ("speed", "there is no such section"),
    ]

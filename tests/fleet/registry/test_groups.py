import pytest

from fleet.device import NewDevice
from fleet.errors import InputError
from fleet.registry.groups import KINDS, inventory_of
from fleet.scope import Scope


@pytest.fixture
def tablets(registry, topology):
    registry.load_locations(topology)
    new = [
        NewDevice(serial=f"S-{n}", model="t-1", cell=served.cell, ring="canary", address="10.0.0.1")
        for n, served in enumerate(topology.cells)
    ]
    registry.add([*new, NewDevice(serial="S-9")], by="test", why="test")
    return registry


def listed(registry, scope="estate", kinds=tuple(KINDS)):
    parents = {}
    with registry.reading() as connection:
        rows = list(inventory_of(connection, Scope.parse(scope), kinds, parents=parents))
    return {row.device: set(row.groups) for row in rows}, parents


def test_a_device_is_in_the_groups_of_its_place_kind_and_network(tablets):
    groups, parents = listed(tablets)

    assert groups["WS-000001"] == {
        "landing_MDI_A_N_1",
        "model_t_1",
        "ring_canary",
        "switch_MDI_A_SW_1",
        "access_point_MDI_A_AP_1",
    }
    assert parents["landing_MDI_A_N_1"] == "wing_MDI_A"
    assert parents["wing_MDI_A"] == "prison_MDI"


def test_a_cell_on_a_switch_has_no_access_point_and_one_on_neither_none_of_both(tablets):
    groups, _ = listed(tablets, kinds=["switch", "access_point"])

    assert groups["WS-000003"] == {"switch_MDI_A_SW_1"}
    assert groups["WS-000004"] == set()


def test_a_device_without_a_cell_is_in_no_place(tablets):
    assert listed(tablets)[0]["WS-000005"] == set()


def test_only_the_groups_that_are_wanted_are_made(tablets):
    groups, parents = listed(tablets, kinds=["prison", "landing"])

    assert groups["WS-000001"] == {"landing_MDI_A_N_1"}
    assert parents == {
        "landing_MDI_A_N_1": "prison_MDI",
        "landing_MDI_A_S_1": "prison_MDI",
        "landing_MDI_A_N_2": "prison_MDI",
        "landing_LEI_B_1": "prison_LEI",
    }


def test_only_the_devices_of_the_scope_are_listed(tablets):
    assert set(listed(tablets, "MDI/A/2")[0]) == {"WS-000003"}


def test_an_unknown_place_is_refused(tablets):
    with pytest.raises(InputError, match="names what is not there"):
        listed(tablets, "XYZ")


def test_two_groups_never_share_a_name(registry):
    new = [NewDevice(serial="S-1", model="t-1"), NewDevice(serial="S-2", model="t.1")]
    registry.add(new, by="test", why="test")

    with pytest.raises(InputError, match=r"t\.1 and t-1 would both be model_t_1"):
        listed(registry)

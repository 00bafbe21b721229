import pytest

from fleet.device import DeviceState, NewDevice
from fleet.errors import HostKeyChangedError, InputError, RefusedError
from fleet.registry import Registry
from fleet.scope import Scope
from fleet.topology import Topology

BY = {"by": "asha", "why": "test"}


@pytest.fixture
def tablets(registry, topology, host_key):
    """Return a registry with a tablet in each cell of the topology, and a spare."""
    registry.load_locations(topology)
    rings = ("canary", "broad", "broad", "broad")
    new = [
        NewDevice(serial=f"S-{n}", model="t-1", cell=served.cell, ring=ring, host_key=host_key(n))
        for n, (served, ring) in enumerate(zip(topology.cells, rings, strict=True))
    ]
    registry.add([*new, NewDevice(serial="S-9", model="t-2")], **BY)
    return registry


def names(registry, scope):
    return [device.device for device in registry.devices(Scope.parse(scope))]


def test_a_device_is_where_the_topology_has_its_cell(tablets):
    device = tablets.device("WS-000001")

    assert (device.prison_id, device.wing, device.spur, device.landing) == ("MDI", "A", "N", "1")
    assert (device.element, device.state) == ("MDI/A/AP-1", DeviceState.SPARE)


@pytest.mark.parametrize(
    ("scope", "numbers"),
    [
        ("estate", [1, 2, 3, 4, 5]),
        ("MDI", [1, 2, 3]),
        ("MDI/A", [1, 2, 3]),
        ("MDI/A/1", [1, 2]),
        ("MDI/A/N/1", [1]),
        ("MDI-A-2-001", [3]),
        ("device:WS-000005", [5]),
        ("MDI/A/2 LEI", [3, 4]),
        ("ring=broad", [2, 3, 4]),
        ("MDI ring=broad", [2, 3]),
        ("MDI ring=broad ring=canary", [1, 2, 3]),
        ("model=t-2", [5]),
        ("state=live", []),
    ],
)
def test_a_scope_names_its_devices(tablets, scope, numbers):
    assert names(tablets, scope) == [f"WS-{number:06d}" for number in numbers]
    assert tablets.count(Scope.parse(scope)) == len(numbers)


@pytest.mark.parametrize(
    ("place", "cure"),
    [
        ("mdi", "did you mean MDI?"),
        ("MDI-A-2-002", "MDI-A-2-001"),
        ("MDI/B", "MDI has A"),
        ("MDI/A/3", "MDI/A has 1, 2"),
        ("device:WS-00001", "WS-000001"),
    ],
)
def test_an_unknown_place_is_named_with_what_is_there(tablets, place, cure):
    with pytest.raises(InputError) as caught:
        tablets.devices(Scope.parse(place))

    (problem,) = caught.value.problems
    assert (problem.place, cure in problem.cure) == (place, True)


def test_a_scope_that_matches_nothing_is_an_error_where_it_matters(tablets):
    with pytest.raises(InputError, match="no device is in the scope estate state=live"):
        tablets.devices(Scope.parse("state=live"), some=True)


def test_every_fault_of_the_devices_to_add_is_named_and_none_is_added(tablets, host_key):
    new = [
        NewDevice(serial="S-1"),
        NewDevice(serial="S-20", model="a b"),
        NewDevice(serial="S-21", host_key=host_key(0) + " cloned"),
        NewDevice(serial="S-22"),
    ]
    with pytest.raises(InputError) as caught:
        tablets.add(new, **BY)

    assert [(problem.place, problem.what) for problem in caught.value.problems] == [
        ("serial S-20 model", "'a b' will not do"),
        ("serial S-1", "another device has the same serial"),
        ("serial S-21", "another device has the same host_key"),
    ]
    assert tablets.count() == 5


def test_a_cell_that_is_not_in_the_topology_is_refused_with_cells_like_it(tablets):
    with pytest.raises(InputError) as caught:
        tablets.move("WS-000005", "MDI-A-1-003", **BY)

    assert "MDI-A-1-00" in str(caught.value.problems[0])
    assert tablets.device("WS-000005").cell == ""


def test_moves_and_states_are_history_with_who_and_why(tablets):
    tablets.move("WS-000001", "LEI-B-1-001", by="ben", why="transfer of stock")
    tablets.set_state("WS-000001", DeviceState.LOST, by="asha", why="not in the cell")

    assert tablets.device("WS-000001").prison_id == "LEI"
    assert [
        (change.field, change.before, change.after, change.why, change.by)
        for change in tablets.history("WS-000001")[-2:]
    ] == [
        ("cell", "MDI-A-1-001", "LEI-B-1-001", "transfer of stock", "ben"),
        ("state", "spare", "lost", "not in the cell", "asha"),
    ]


def test_what_changes_nothing_leaves_no_history(tablets):
    before = tablets.history("WS-000001")
    tablets.set_ring(["WS-000001"], "canary", **BY)

    assert tablets.history("WS-000001") == before


def test_a_state_that_cannot_follow_is_refused_for_all(tablets):
    tablets.set_state("WS-000002", DeviceState.RETIRED, **BY)

    with pytest.raises(RefusedError, match="WS-000002 is retired and cannot become lost"):
        tablets.set_states(["WS-000001", "WS-000002"], DeviceState.LOST, **BY)
    assert tablets.device("WS-000001").state is DeviceState.SPARE


def test_a_retired_device_leaves_its_cell_and_enters_no_other(tablets):
    tablets.set_state("WS-000001", DeviceState.RETIRED, **BY)

    assert tablets.device("WS-000001").cell == ""
    with pytest.raises(RefusedError, match="is retired"):
        tablets.move("WS-000001", "MDI-A-1-002", **BY)


def test_a_replacement_takes_the_cell_and_both_histories_say_so(tablets):
    tablets.replace("WS-000001", "WS-000005", **BY)

    assert [tablets.device(name).cell for name in ("WS-000001", "WS-000005")] == ["", "MDI-A-1-001"]
    assert tablets.history("WS-000001")[-1].after == "WS-000005"
    assert tablets.history("WS-000005")[-1].field == "replaces"


def test_enrolment_pins_the_key_and_begins_a_provisioning(tablets, host_key):
    first = tablets.enrol("WS-000005", host_key(5), **BY)
    again = tablets.enrol("WS-000005", host_key(5), **BY)

    assert (first.host_key, first.state) == (host_key(5), DeviceState.ENROLLED)
    assert len(first.nonce) == 32
    assert again.nonce != first.nonce


def test_a_pinned_key_stays_until_the_device_is_a_spare_again(tablets, host_key):
    with pytest.raises(HostKeyChangedError, match="WS-000001 is pinned to another host key"):
        tablets.enrol("WS-000001", host_key(77), **BY)
    tablets.enrol("WS-000001", host_key(0), **BY)
    for state in (DeviceState.WIPED, DeviceState.SPARE):
        tablets.set_state("WS-000001", state, **BY)

    assert tablets.enrol("WS-000001", host_key(77), **BY).host_key == host_key(77)


def test_an_address_is_recorded_with_its_source(tablets):
    tablets.record_address("WS-000001", "198.18.0.7", port=2222, source="relay lease", by="relay")

    device = tablets.device("WS-000001")
    assert (device.address, device.port) == ("198.18.0.7", 2222)
    assert [c.why for c in tablets.history("WS-000001") if c.field == "port"] == ["relay lease"]


def test_what_ssh_could_take_for_an_option_is_not_recorded(tablets):
    with pytest.raises(InputError, match="cannot be at '-oProxyCommand=id'"):
        tablets.record_address("WS-000001", "-oProxyCommand=id", source="list", by="asha")


def test_devices_are_found_by_their_serial_numbers(tablets):
    assert {s: d.device for s, d in tablets.by_serial(["S-0", "S-404"]).items()} == {
        "S-0": "WS-000001"
    }


def test_a_cell_with_a_device_stays_where_it_was_when_a_topology_leaves_it_out(tablets, topology):
    rest = Topology(elements=topology.elements, cells=topology.cells[1:])

    assert tablets.load_locations(rest) == ("MDI-A-1-001",)
    device = tablets.device("WS-000001")
    assert (device.prison_id, device.landing, device.element) == ("MDI", "1", "")


def test_without_a_topology_any_cell_will_do(registry):
    registry.add([NewDevice(serial="S-1", cell="XYZ-1")], **BY)

    assert names(registry, "XYZ-1") == ["WS-000001"]


@pytest.mark.usefixtures("tablets")
def test_a_registry_is_opened_where_it_was_made(database_url):
    with Registry.open(database_url) as again:
        assert again.count() == 5


def test_ninety_thousand_devices_are_added_and_listed(sqlite_registry):
    new = [NewDevice(serial=f"S-{n}", model="t-1", cell=f"C-{n}") for n in range(90_000)]
    sqlite_registry.add(new, **BY)
    sqlite_registry.set_states(
        (f"WS-{n:06d}" for n in range(1, 90_001)), DeviceState.ENROLLED, **BY
    )

    assert sqlite_registry.count(Scope.parse("state=enrolled")) == 90_000
    assert sqlite_registry.devices()[-1].device == "WS-090000"

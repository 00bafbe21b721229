import pytest

from benchmarks.diagnosis import false_alarms, score
from benchmarks.fault_instances import instance
from fleet.diagnosis import Sighting, diagnose
from fleet.topology import Element, ServedCell, Topology


def site(*wings, points=4, each=6, prison_id="MDI"):
    """Return a prison of wings with one switch, so many access points, and cells for each."""
    elements = [
        Element(id=f"{prison_id}/uplink", kind="uplink", prison_id=prison_id),
        Element(
            id=f"{prison_id}/core",
            kind="core_switch",
            parent=f"{prison_id}/uplink",
            prison_id=prison_id,
        ),
    ]
    cells = []
    for wing in wings:
        place = f"{prison_id}/{wing}"
        where = {"prison_id": prison_id, "wing": wing}
        elements.append(
            Element(id=f"{place}/SW", kind="switch", parent=f"{prison_id}/core", **where)
        )
        for point in range(1, points + 1):
            name = f"{place}/AP-{point}"
            elements.append(Element(id=name, kind="access_point", parent=f"{place}/SW", **where))
            cells += [
                ServedCell(cell=f"{prison_id}-{wing}-{point}-{n:03d}", element=name, **where)
                for n in range(1, each + 1)
            ]
    return Topology(elements=tuple(elements), cells=tuple(cells))


def seen(topology, *, silent=()):
    """Return a sighting of each cell's device; those whose cell begins with a text are silent."""
    return [
        Sighting(
            device=f"T-{cell.cell}",
            cell=cell.cell,
            silent=cell.cell.startswith(tuple(silent)) if silent else False,
            prison_id=cell.prison_id,
            wing=cell.wing,
            landing=cell.cell.split("-")[2],
        )
        for cell in topology.cells
    ]


def named(causes):
    return [cause.element for cause in causes]


def test_where_all_talk_nothing_has_failed():
    topology = site("A", "B")

    found = diagnose(seen(topology), topology)

    assert (found.causes, found.suspected, found.unexplained) == ((), (), ())


def test_the_silent_cells_of_one_access_point_name_it():
    topology = site("A", "B")

    found = diagnose(seen(topology, silent=["MDI-A-3-"]), topology)

    (cause,) = found.causes
    assert (cause.element, cause.kind, cause.wing) == ("MDI/A/AP-3", "access_point", "A")
    assert cause.cells == tuple(f"MDI-A-3-{n:03d}" for n in range(1, 7))
    assert cause.confidence > 0.99
    assert "PoE" in cause.check_first


def test_a_whole_wing_silent_is_its_switch_and_not_its_access_points():
    topology = site("A", "B")

    found = diagnose(seen(topology, silent=["MDI-A-"]), topology)

    assert named(found.causes) == ["MDI/A/SW"]
    assert len(found.causes[0].devices) == 24


def test_elements_with_the_same_devices_are_one_cause_that_names_the_others():
    topology = site("A", "B")

    found = diagnose(seen(topology, silent=["MDI-"]), topology)

    (cause,) = found.causes
    assert {cause.element, *cause.same_as} == {"MDI/uplink", "MDI/core"}
    assert (cause.element, cause.wing) == ("MDI/uplink", "")


def test_a_fault_and_three_single_devices_are_told_apart():
    topology = site("A", "B")
    alone = ["MDI-B-1-001", "MDI-B-2-004", "MDI-B-4-006"]

    found = diagnose(seen(topology, silent=["MDI-A-2-", *alone]), topology)

    assert named(found.causes) == ["MDI/A/AP-2"]
    assert found.unexplained == tuple(f"T-{cell}" for cell in alone)


def test_several_faults_at_once_are_all_named():
    topology = site("A", "B", "C")

    found = diagnose(seen(topology, silent=["MDI-A-", "MDI-B-1-", "MDI-C-4-"]), topology)

    assert sorted(named(found.causes)) == ["MDI/A/SW", "MDI/B/AP-1", "MDI/C/AP-4"]


def test_a_device_that_talks_behind_a_dead_switch_does_not_hide_it():
    topology = site("A", "B")
    sightings = seen(topology, silent=["MDI-A-1-", "MDI-A-2-", "MDI-A-3-", "MDI-A-4-00"])
    moved = [s for s in sightings if s.cell != "MDI-A-4-006"]
    moved.append(Sighting(device="T-MDI-A-4-006", cell="MDI-A-4-006", silent=False))

    found = diagnose(moved, topology)

    assert named(found.causes) == ["MDI/A/SW"]
    assert found.causes[0].talking == 1


def test_two_silent_neighbours_are_suspected_and_no_more():
    topology = site("A", "B", each=2)

    found = diagnose(seen(topology, silent=["MDI-A-1-"]), topology)

    assert found.causes == ()
    assert named(found.suspected) == ["MDI/A/AP-1"]
    assert found.unexplained == ("T-MDI-A-1-001", "T-MDI-A-1-002")


def test_sites_are_weighed_apart():
    one, other = site("A", "B"), site("A", "B", prison_id="LEI")
    topology = Topology(elements=(*one.elements, *other.elements), cells=(*one.cells, *other.cells))

    found = diagnose(seen(topology, silent=["LEI-", "MDI-A-1-"]), topology)

    assert sorted(named(found.causes)) == ["LEI/uplink", "MDI/A/AP-1"]


def test_a_supply_that_feeds_switches_of_two_wings_is_one_cause():
    topology = site("A", "B", "C", "D")
    fed = ("MDI/A/SW", "MDI/C/SW")
    supply = Element(id="MDI/power", kind="power", prison_id="MDI")
    elements = tuple(
        Element(
            id=e.id,
            kind=e.kind,
            parent=e.parent,
            prison_id=e.prison_id,
            wing=e.wing,
            needs=("MDI/power",) if e.id in fed else (),
        )
        for e in topology.elements
    )
    topology = Topology(elements=(*elements, supply), cells=topology.cells)

    found = diagnose(seen(topology, silent=["MDI-A-", "MDI-C-"]), topology)

    assert named(found.causes) == ["MDI/power"]


def test_a_device_in_a_cell_that_the_topology_does_not_know_is_said_to_be_unplaced():
    topology = site("A")
    stray = Sighting(device="T-stray", cell="MDI-Z-1-001", silent=True)

    found = diagnose([*seen(topology), stray], topology)

    assert (found.unplaced, found.unexplained) == (("T-stray",), ("T-stray",))


def test_without_a_topology_wings_and_landings_stand_in():
    found = diagnose(seen(site("A", "B"), silent=["MDI-B-3-"]), None)

    (cause,) = found.causes
    assert found.by_place
    assert (cause.element, cause.kind) == ("MDI/B/3", "place")


def test_the_order_of_the_sightings_changes_nothing():
    topology = site("A", "B")
    sightings = seen(topology, silent=["MDI-A-1-", "MDI-B-2-002"])

    assert diagnose(sightings[::-1], topology) == diagnose(sightings, topology)


@pytest.fixture(scope="module")
def known_faults():
    return score([instance(seed) for seed in range(1000, 1060)])


def test_faults_of_five_devices_or_more_are_found_among_random_silence(known_faults):
    assert known_faults.top_real >= 0.95
    assert known_faults.precision >= 0.95
    assert known_faults.recall >= 0.85


def test_random_silence_is_rarely_taken_for_a_fault():
    assert false_alarms([instance(seed, faults=0) for seed in range(1000, 1100)]) <= 0.02

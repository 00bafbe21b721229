"""Waves that every link bears."""

from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.device import Device
from fleet.errors import InputError
from fleet.topology import Capacity, Element, ServedCell, Topology
from fleet.wave import CENTRE, Combination, Terms, combination, order_wave, read_rules, waves_of

RULES = read_rules(Path("/nowhere"))
MEGABYTE = 1_000_000


def network(
    prisons=1, wings=1, aps=2, *, uplink_mbps: float | None = 20, ap_mbps: float | None = 43
):
    """Return prisons whose wings have one switch each, and access points below it."""
    elements = []
    for prison in (f"P{n}" for n in range(prisons)):
        elements.append(Element(id=f"{prison}/uplink", kind="uplink", prison_id=prison))
        for wing in (f"{prison}/W{n}" for n in range(wings)):
            switch = f"{wing}/SW"
            elements.append(
                Element(id=switch, kind="switch", parent=f"{prison}/uplink", prison_id=prison)
            )
            elements += [
                Element(id=f"{wing}/AP{n}", kind="access_point", parent=switch, prison_id=prison)
                for n in range(aps)
            ]
    capacities = {"uplink": uplink_mbps, "access_point": ap_mbps}
    return Topology(
        capacities={k: Capacity(capacity_mbps=v) for k, v in capacities.items() if v is not None},
        elements=tuple(elements),
        cells=tuple(
            ServedCell(cell=e.id, element=e.id) for e in elements if e.kind == "access_point"
        ),
    )


def device(number, element, **more):
    prison_id, _, below = element.partition("/")
    place = {"prison_id": prison_id, "wing": below.partition("/")[0], "landing": "1"}
    fields = {"model": "WT-8", "version": "1"} | place | more
    return Device(device=f"WS-{number:06d}", serial=f"S{number}", element=element, **fields)


def with_setting(name, likely, section="settings"):
    found = getattr(RULES, section)
    changed = {**found, name: replace(found[name], likely=likely)}
    return replace(RULES, **{section: changed})


@st.composite
def fleets(draw):
    """Draw a network and devices on it, some in no known place."""
    topology = network(
        draw(st.integers(1, 4)),
        draw(st.integers(1, 3)),
        draw(st.integers(1, 4)),
        uplink_mbps=draw(st.sampled_from([None, 0.5, 2, 20, 1000])),
        ap_mbps=draw(st.sampled_from([None, 1, 43])),
    )
    aps = [e.id for e in topology.elements if e.kind == "access_point"]
    places = draw(st.lists(st.sampled_from([*aps, "P0/unknown", ""]), max_size=60))
    devices = [
        device(
            number,
            place,
            model=draw(st.sampled_from(["WT-8", "WT-10"])),
            version=draw(st.sampled_from(["1", "2", ""])),
            landing=draw(st.sampled_from(["1", "2"])),
        )
        for number, place in enumerate(places)
    ]
    return topology, devices


terms = st.builds(
    Terms,
    bytes_total=st.integers(0, 200 * MEGABYTE),
    one_per=st.sampled_from(["", "landing", "wing"]),
)


@settings(deadline=None)
@given(fleets(), terms)
def test_every_device_is_in_exactly_one_wave(fleet, wish):
    topology, devices = fleet

    plan = waves_of(devices, topology, RULES, wish)

    assert Counter(name for wave in plan.waves for name in wave.devices) == Counter(
        one.device for one in devices
    )


@settings(deadline=None)
@given(fleets(), terms)
def test_no_element_is_over_its_budget_even_side_by_side(fleet, wish):
    topology, devices = fleet

    plan = waves_of(devices, topology, RULES, wish)

    for element, share in plan.peak_load.items():
        kind = topology.by_id[element].kind if element in topology.by_id else CENTRE
        assert share <= RULES.share_max(kind) + 1e-9, element


@settings(deadline=None)
@given(fleets(), terms)
def test_the_peak_is_what_the_most_devices_at_a_time_can_draw(fleet, wish):
    topology, devices = fleet
    path = {
        one.device: [e.id for e in topology.path(one.element)]
        or [f"{one.prison_id}/uplink"] * (one.prison_id != "")
        for one in devices
    }

    for wave in waves_of(devices, topology, RULES, wish).waves:
        behind = Counter(element for name in wave.devices for element in path[name])
        for element, count in behind.items():
            drawn_mbps = min(wave.at_once, count) * wave.rate_mbps * RULES["overhead_ratio"]
            carried = RULES.capacity_mbps(element, topology)
            assert wave.peak_load[element] == pytest.approx(drawn_mbps / carried)


@settings(deadline=None)
@given(fleets(), terms, st.data())
def test_every_combination_is_covered_or_listed(fleet, wish, data):
    topology, devices = fleet
    silent = data.draw(st.sets(st.sampled_from(devices))) if devices else set()
    hindered = {one.device: "it was silent" for one in silent}

    plan = waves_of(devices, topology, RULES, wish, hindered=hindered)

    by_name = {one.device: one for one in devices}
    shown = [combination(by_name[n]) for wave in plan.waves if wave.coverage for n in wave.devices]
    listed = [one.combination for one in plan.uncovered]
    assert Counter(shown) + Counter(listed) == Counter(set(map(combination, devices)))


@settings(deadline=None)
@given(fleets(), terms, st.randoms())
def test_the_same_devices_in_any_order_give_the_same_plan(fleet, wish, random):
    topology, devices = fleet
    before = waves_of(devices, topology, RULES, wish)

    random.shuffle(devices)

    assert waves_of(devices, topology, RULES, wish) == before


@settings(deadline=None)
@given(fleets(), st.sampled_from(["landing", "wing"]))
def test_one_of_a_place_at_a_time_where_that_is_asked_for(fleet, one_per):
    topology, devices = fleet
    by_name = {one.device: one for one in devices}

    plan = waves_of(devices, topology, RULES, Terms(bytes_total=0, one_per=one_per))

    for wave in plan.waves:
        places = [
            (d.prison_id, d.wing) + ((d.spur, d.landing) if one_per == "landing" else ())
            for d in map(by_name.get, wave.devices)
        ]
        assert len(set(places)) == len(places)


@settings(deadline=None)
@given(fleets(), terms)
def test_waves_of_a_site_come_one_after_the_other_and_the_very_first_alone(fleet, wish):
    topology, devices = fleet

    plan = waves_of(devices, topology, RULES, wish)

    for coverage in (True, False):
        for waves in plan.rounds(coverage=coverage):
            assert len({wave.site for wave in waves}) == len(waves)
    first = list(plan.rounds(coverage=True))[:1]
    assert all(len(waves) == 1 for waves in first)


def test_what_was_covered_before_needs_nobody():
    topology = network(aps=1)
    devices = [device(n, "P0/W0/AP0") for n in range(3)]
    covered = {Combination("WT-8", "P0/W0/AP0", "P0", "W0", "1")}

    plan = waves_of(devices, topology, RULES, Terms(bytes_total=0), covered=covered)

    assert [wave.coverage for wave in plan.waves] == [False]
    assert plan.soak_s == 0


def test_times_and_loads_are_those_of_the_arithmetic():
    # One megabyte at 1 Mbit/s is 8 s, and 3 s to connect; 12 devices behind two access points,
    # of which 9 at a time fit into half of 20 Mbit/s (9 × 1.1 = 9.9).
    topology = network(aps=2)
    devices = [device(n, f"P0/W0/AP{n % 2}") for n in range(12)]
    covered = {combination(one) for one in devices}

    (wave,) = waves_of(devices, topology, RULES, Terms(bytes_total=MEGABYTE), covered=covered).waves

    assert (wave.at_once, wave.rate_mbps) == (9, 1.0)
    assert wave.prefetch_s == 5 + 2 * 11
    assert wave.apply_s == 5 + 2 * 60
    assert wave.peak_load["P0/uplink"] == pytest.approx(9.9 / 20)
    assert wave.peak_load["P0/W0/AP0"] == pytest.approx(6 * 1.1 / 43)


def test_a_slow_access_point_slows_its_own_devices_alone():
    # A quarter of 2 Mbit/s is 0.5: below the usual rate of 1 and what goes with it.
    topology = network(aps=1, ap_mbps=2)
    fast = Element(id="P0/W0/OUTLETS", kind="switch", parent="P0/W0/SW", prison_id="P0")
    topology = replace(topology, elements=(*topology.elements, fast))
    devices = [device(1, "P0/W0/AP0"), device(2, "P0/W0/OUTLETS")]

    waves = waves_of(devices, topology, RULES, Terms(bytes_total=MEGABYTE)).waves

    rates = {wave.devices: wave.rate_mbps for wave in waves}
    assert rates == {("WS-000002",): 1.0, ("WS-000001",): pytest.approx(0.5 / 1.1)}


def test_the_soak_comes_between_the_coverage_set_and_the_others():
    topology = network(aps=1)
    devices = [device(n, "P0/W0/AP0") for n in range(3)]
    rules = with_setting("soak_s", 1800)

    plan = waves_of(devices, topology, rules, Terms(bytes_total=0))

    assert [wave.coverage for wave in plan.waves] == [True, False]
    assert plan.seconds == pytest.approx(1800 + sum(wave.seconds for wave in plan.waves))


def test_waves_side_by_side_share_the_line_of_the_centre():
    # Half of 20 Mbit/s is nine devices at a time in all; each prison would take nine alone.
    topology = network(prisons=3, uplink_mbps=1000, ap_mbps=1000)
    devices = [device(n, f"P{n % 3}/W0/AP0") for n in range(60)]
    rules = with_setting(CENTRE, 20, section="capacities")
    covered = {combination(one) for one in devices}

    plan = waves_of(devices, topology, rules, Terms(bytes_total=0), covered=covered)

    together = [[wave.site for wave in waves] for waves in plan.rounds(coverage=False)]
    assert together == [["P0"], ["P1"], ["P2"]]


def test_devices_in_no_known_cell_count_against_the_uplink_of_their_prison():
    topology = network()

    plan = waves_of([device(1, "P0/unknown")], topology, RULES, Terms(bytes_total=0))

    assert plan.unplaced == ("WS-000001",)
    assert set(plan.peak_load) == {"P0/uplink", CENTRE}


def test_an_element_that_carries_nothing_is_named():
    topology = network(uplink_mbps=0)

    with pytest.raises(InputError, match="P0/uplink carries 0 Mbit/s"):
        waves_of([device(1, "P0/W0/AP0")], topology, RULES, Terms(bytes_total=0))


def test_an_order_takes_as_long_as_the_fullest_element_lets_it():
    # Six behind one access point, two at a time, take three turns of 2.5 s.
    topology = network(aps=2)
    devices = [device(n, "P0/W0/AP0") for n in range(6)] + [device(7, "P0/W0/AP1")]

    wave = order_wave(devices, topology, RULES, at_once=64, behind={"access_point": 2})

    assert wave.seconds == 7.5
    assert wave.peak_load["P0/W0/AP0"] == pytest.approx(2 * 0.1 / 43)
    assert wave.peak_load["P0/uplink"] == pytest.approx(7 * 0.1 / 20)


def test_an_estate_of_120_prisons_has_a_plan():
    topology = network(prisons=120, wings=5, aps=25)
    aps = [e.id for e in topology.elements if e.kind == "access_point"]
    devices = [
        device(n, aps[n % len(aps)], model=f"WT-{8 + n // 15_000 % 2}") for n in range(90_000)
    ]

    plan = waves_of(devices, topology, RULES, Terms(bytes_total=50 * MEGABYTE))

    assert sum(len(wave.devices) for wave in plan.waves) == 90_000
    assert {k for k, _ in groupby(wave.coverage for wave in plan.waves)} == {True, False}

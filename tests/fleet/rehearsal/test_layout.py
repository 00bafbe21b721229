from collections import Counter

import pytest

from fleet.errors import InputError
from fleet.rehearsal.example import example_topology
from fleet.rehearsal.layout import Kind, layout_of
from fleet.topology import Element, ServedCell, Topology

UPLINK = Element(id="MDI/uplink", kind="uplink", prison_id="MDI")
SWITCHES = tuple(Element(id=f"SW-{n}", kind="switch", parent="MDI/uplink") for n in range(1, 5))
CELLS = tuple(
    ServedCell(cell=f"{switch.id}-{n:02d}", element=switch.id)
    for switch in SWITCHES
    for n in range(1, 11)
)
FOUR_SWITCHES = Topology(elements=(UPLINK, *SWITCHES), cells=CELLS)


def test_devices_fill_two_switches_before_a_third():
    layout = layout_of(FOUR_SWITCHES, devices=20)

    served = Counter(device.cell.element for device in layout.devices)
    assert served == {"SW-1": 10, "SW-2": 10}


def test_when_the_first_switches_are_full_the_next_are_used():
    layout = layout_of(FOUR_SWITCHES, devices=23)

    served = Counter(device.cell.element for device in layout.devices)
    assert served == {"SW-1": 10, "SW-2": 10, "SW-3": 3}


def test_devices_are_shared_out_over_the_prisons():
    layout = layout_of(example_topology(devices=5, prisons=2), devices=5, prisons=2)

    by_prison = Counter(device.site.uplink for device in layout.devices)
    assert by_prison == {"XAA/uplink": 3, "XAB/uplink": 2}


def test_no_two_devices_share_an_address_or_a_hardware_address():
    layout = layout_of(example_topology(devices=600, prisons=3), devices=600, prisons=3)

    assert len({device.address for device in layout.devices}) == 600
    assert len({device.mac for device in layout.devices}) == 600
    assert all(device.address in device.site.network for device in layout.devices)


def test_each_element_is_built_after_what_it_hangs_from():
    site = layout_of(example_topology(devices=24, prisons=1), devices=24).sites[0]

    built = {site.uplink}
    for element in site.elements:
        assert element.parent in built
        built.add(element.id)


def test_every_switch_has_both_models():
    layout = layout_of(example_topology(devices=24, prisons=1), devices=24)

    models = {(device.cell.element, device.model) for device in layout.devices}
    assert len(models) == 2 * len({device.cell.element for device in layout.devices})


def test_so_many_devices_boot_systemd():
    layout = layout_of(FOUR_SWITCHES, devices=6, systemd=2)

    assert Counter(d.kind for d in layout.devices) == {Kind.SYSTEMD: 2, Kind.NAMESPACED: 4}


@pytest.mark.parametrize(
    ("size", "what"),
    [
        ({"devices": 41}, "MDI/uplink serves 40 cells, and 41 devices are for it"),
        ({"devices": 4, "prisons": 2}, "2 prisons are asked for, and there are 1"),
        ({"devices": 4000}, "4000 devices are more than the addresses of 1 prisons"),
        ({"devices": 4, "systemd": 5}, "5 of 4 devices cannot boot systemd"),
    ],
)
def test_a_lab_that_does_not_fit_is_refused(size, what):
    with pytest.raises(InputError, match=what):
        layout_of(FOUR_SWITCHES, **size)

"""The cables of a rehearsal: bridges for switches and access points, routers for the prisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fleet.rehearsal.layout import Layout, Site
    from fleet.rehearsal.machine import Machine

_BRIDGE = "type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
_ROUTED = "echo 1 >/proc/sys/net/ipv4/ip_forward"
_NO_IPV6 = "for a in all default; do echo 1 >/proc/sys/net/ipv6/conf/$a/disable_ipv6; done"


def lay(
    machine: Machine, layout: Layout, *, sites: Mapping[int, int], devices: Mapping[str, int]
) -> None:
    """Lay every cable of the layout.

    `sites` and `devices` give for each number and serial the process whose network is meant.

    Raises
    ------
    FleetError
        When the kernel refuses.
    """
    for site in layout.sites:
        router = sites[site.number]
        machine.run(["sh", "-c", f"{_ROUTED}; {_NO_IPV6}"], network_of=router)
        _batch(machine, _uplink(site, router), network_of=1)
        inside = [*_router(site), *_elements(layout, site), *_ports(layout, site, devices)]
        _batch(machine, inside, network_of=router)


def uplink_ends(site: Site) -> tuple[str, str]:
    """Return the ends of a site's uplink: at headquarters and in the prison."""
    return f"wan{site.number}", "wan"


def element_ends(layout: Layout, element: str) -> tuple[str, str]:
    """Return the ends of an element's cable: at what it hangs from, and its own."""
    number = layout.numbers[element]
    return f"p{number}", f"u{number}"


def _batch(machine: Machine, lines: Iterator[str] | list[str], *, network_of: int) -> None:
    machine.run(["ip", "-batch", "-"], stdin="\n".join(lines) + "\n", network_of=network_of)


def _uplink(site: Site, router: int) -> Iterator[str]:
    here, there = uplink_ends(site)
    ours, theirs = site.outside
    yield f"link add name {here} type veth peer name {there} netns {router}"
    yield f"addr add {ours}/30 dev {here}"
    yield f"link set {here} up"
    yield f"route add {site.network} via {theirs}"


def _router(site: Site) -> Iterator[str]:
    ours, theirs = site.outside
    yield "link set lo up"
    yield f"addr add {theirs}/30 dev wan"
    yield "link set wan up"
    yield f"route add default via {ours}"
    yield f"link add name lan address {site.gateway_mac} {_BRIDGE}"
    yield f"addr add {site.gateway} dev lan"
    yield "link set lan up"


def _elements(layout: Layout, site: Site) -> Iterator[str]:
    for element in site.elements:
        above, own = element_ends(layout, element.id)
        bridge = layout.bridge(element.id)
        yield f"link add name {bridge} {_BRIDGE}"
        yield f"link set {bridge} up alias {element.id}"
        yield f"link add name {above} type veth peer name {own}"
        yield f"link set {above} master {layout.bridge(element.parent)} up alias {element.id}"
        yield f"link set {own} master {bridge} up"


def _ports(layout: Layout, site: Site, devices: Mapping[str, int]) -> Iterator[str]:
    for device in layout.devices:
        if device.site.number == site.number:
            casing = devices[device.serial]
            peer = f"peer name eth0 address {device.mac} netns {casing}"
            yield f"link add name {device.port} type veth {peer}"
            bridge = layout.bridge(device.cell.element)
            yield f"link set {device.port} master {bridge} up alias {device.serial}"

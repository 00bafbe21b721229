"""Which devices a rehearsal has, where they hang, and how the network around them is numbered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from fleet.errors import InputError
from fleet.topology import Element, ServedCell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleet.topology import Topology

# For tests between networks, and never routed (RFC 2544). The first /21 is for the links between
# headquarters and the prisons, each of the others for one prison.
_RANGE = IPv4Network("198.18.0.0/15")
_PER_PRISON = 21
PRISONS_MAX = 2 ** (_PER_PRISON - _RANGE.prefixlen) - 1
DEVICES_PER_PRISON_MAX = 1900
# A switch is worth cutting when this many devices or more fall silent with it.
_DEVICES_PER_SWITCH = 12
_SWITCHES_MIN = 2
MODELS = ("WT-10", "WT-8")


class Kind(StrEnum):
    """How a device is made: the plain kind costs little, the other boots systemd."""

    NAMESPACED = "namespaced"
    SYSTEMD = "systemd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One prison: its number, its uplink, and the elements below that are built.

    `elements` come in an order in which each follows what it hangs from.
    """

    number: int
    uplink: str
    elements: tuple[Element, ...]

    @property
    def network(self) -> IPv4Network:
        """Return the addresses of the prison's devices."""
        start = int(_RANGE.network_address) + (self.number << (32 - _PER_PRISON))
        return IPv4Network((start, _PER_PRISON))

    @property
    def gateway(self) -> IPv4Interface:
        """Return the router's address towards the devices."""
        return IPv4Interface((self.network.network_address + 1, _PER_PRISON))

    @property
    def gateway_mac(self) -> str:
        """Return the router's hardware address towards the devices."""
        return f"02:57:00:{self.number:02x}:00:01"

    @property
    def outside(self) -> tuple[IPv4Address, IPv4Address]:
        """Return the two ends of the uplink: headquarters' and the prison's."""
        start = _RANGE.network_address + 4 * self.number
        return start + 1, start + 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LabDevice:
    """One device of the lab; `serial` is also the name of its folder."""

    serial: str
    number: int
    site: Site
    cell: ServedCell
    model: str
    kind: Kind
    address: IPv4Address

    @property
    def name(self) -> str:
        """Return the name that it calls itself by."""
        return self.serial.lower()

    @property
    def mac(self) -> str:
        """Return its hardware address, which stays over a reboot."""
        return f"02:57:01:{self.site.number:02x}:{self.number >> 8:02x}:{self.number & 255:02x}"

    @property
    def port(self) -> str:
        """Return the name of its cable's end at what serves it."""
        return f"d{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Sites and devices, and the number that each element's bridge and cable are named by."""

    sites: tuple[Site, ...]
    devices: tuple[LabDevice, ...]
    numbers: Mapping[str, int]

    def bridge(self, element: str) -> str:
        """Return the bridge that stands for an element; a site's uplink ends at `lan`."""
        return f"b{self.numbers[element]}" if element in self.numbers else "lan"


def layout_of(
    topology: Topology, *, devices: int, prisons: int | None = None, systemd: int = 0
) -> Layout:
    """Return the lab that puts so many devices into the cells of so many prisons.

    Of each prison only a few switches get devices, so that each has enough to be worth cutting;
    below a switch the access points fill one after the other.

    Raises
    ------
    InputError
        When the topology has not so many prisons or cells, or the lab not so many addresses.
    """
    by_site = _cells_by_site(topology)
    wanted = min(prisons or 2, devices) if prisons or len(by_site) > 1 else 1
    _check_size(len(by_site), devices=devices, prisons=wanted, systemd=systemd)
    uplinks = list(by_site)[:wanted]
    quotas = [devices // wanted + (n < devices % wanted) for n in range(wanted)]
    sites: list[Site] = []
    cells: list[tuple[Site, ServedCell]] = []
    for number, (uplink, quota) in enumerate(zip(uplinks, quotas, strict=True), start=1):
        chosen = _chosen(topology, by_site[uplink], quota)
        if len(chosen) < quota:
            what = f"{uplink} serves {len(chosen)} cells, and {quota} devices are for it"
            raise InputError(what, hint="ask for fewer devices or more prisons")
        elements = tuple(_elements_for(topology, chosen))
        sites.append(Site(number=number, uplink=uplink, elements=elements))
        cells += [(sites[-1], cell) for cell in chosen]
    built = [element.id for site in sites for element in site.elements]
    return Layout(
        sites=tuple(sites),
        devices=tuple(_devices(cells, systemd)),
        numbers={element: number for number, element in enumerate(built, start=1)},
    )


def _check_size(site_count: int, *, devices: int, prisons: int, systemd: int) -> None:
    if prisons > min(site_count, PRISONS_MAX):
        what = f"{prisons} prisons are asked for, and there are {min(site_count, PRISONS_MAX)}"
        raise InputError(what, hint="ask for fewer with --prisons")
    if devices > prisons * DEVICES_PER_PRISON_MAX:
        what = f"{devices} devices are more than the addresses of {prisons} prisons"
        raise InputError(what, hint=f"at most {DEVICES_PER_PRISON_MAX} fit into a prison")
    if systemd > devices:
        what = f"{systemd} of {devices} devices cannot boot systemd"
        raise InputError(what, hint="--systemd says how many of --devices")


def _cells_by_site(topology: Topology) -> dict[str, list[ServedCell]]:
    sites: dict[str, list[ServedCell]] = defaultdict(list)
    for cell in topology.cells:
        *_, uplink = topology.path(cell.element)
        sites[uplink.id].append(cell)
    return dict(sites)


def _chosen(topology: Topology, cells: Sequence[ServedCell], quota: int) -> list[ServedCell]:
    by_switch: dict[str, list[ServedCell]] = defaultdict(list)
    for cell in cells:
        by_switch[_switch_of(topology, cell)].append(cell)
    switches = list(by_switch.values())
    used = max(_SWITCHES_MIN, quota // _DEVICES_PER_SWITCH)
    # When those are full the next ones are taken after all.
    first, rest = switches[:used], chain.from_iterable(switches[used:])
    in_turn = chain.from_iterable(zip_longest(*first))
    return [cell for cell in chain(in_turn, rest) if cell is not None][:quota]


def _switch_of(topology: Topology, cell: ServedCell) -> str:
    path = list(topology.path(cell.element))
    return next((element.id for element in path if element.kind == "switch"), path[0].id)


def _elements_for(topology: Topology, cells: Sequence[ServedCell]) -> Iterator[Element]:
    """Yield what serves the cells, below the uplink, each after what it hangs from."""
    seen: set[str] = set()
    for cell in cells:
        *below, _uplink = topology.path(cell.element)
        for element in reversed(below):
            if element.id not in seen:
                seen.add(element.id)
                yield element


def _devices(cells: Sequence[tuple[Site, ServedCell]], systemd: int) -> Iterator[LabDevice]:
    within: dict[int, int] = defaultdict(int)
    for number, (site, cell) in enumerate(cells, start=1):
        within[site.number] += 1
        yield LabDevice(
            serial=f"LAB-{number:04d}",
            number=number,
            site=site,
            cell=cell,
            model=MODELS[number // 3 % len(MODELS)],
            kind=Kind.SYSTEMD if number <= systemd else Kind.NAMESPACED,
            # Addresses from .10 on: below are routers and relays.
            address=site.network.network_address + 9 + within[site.number],
        )

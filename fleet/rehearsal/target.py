"""What a fault is aimed at: an uplink, a switch, an access point or a device, and its cables."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from fleet.errors import InputError
from fleet.rehearsal import network
from fleet.rehearsal.layout import LabDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.rehearsal.lab import Rehearsal
    from fleet.rehearsal.layout import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of a cable: its interface, and the process in whose network that is."""

    process: int
    interface: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cable:
    """A cable; `near` is the end at what lies towards the centre, but for an uplink the prison's.

    `gateway` is the way out that the prison's router loses with its uplink, "" elsewhere.
    """

    near: End
    far: End
    gateway: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a fault is aimed at, with the devices that it may touch.

    `device` is set where the target is one; `elements` are those whose cables are meant, such as
    all that need a riser.
    """

    name: str
    device: LabDevice | None
    elements: tuple[str, ...]
    devices: tuple[LabDevice, ...]

    def the_device(self, fault: str) -> LabDevice:
        """Return the device.

        Raises
        ------
        InputError
            When the target is a piece of the network, to which this fault cannot happen.
        """
        if self.device is None:
            hint = "name a device by its serial or its cell: wingspan fleet rehearse status"
            raise InputError(f"{fault} happens to a device, and {self.name} is none", hint=hint)
        return self.device


def target_named(rehearsal: Rehearsal, name: str) -> Target:
    """Return the target of that name: an element, a serial, or the location key of a cell.

    Raises
    ------
    InputError
        When the rehearsal has no such thing.
    """
    layout = rehearsal.layout
    for device in layout.devices:
        if name in {device.serial, device.name, device.cell.cell}:
            return Target(name=device.serial, device=device, elements=(), devices=(device,))
    topology = rehearsal.request.topology
    elements = tuple(
        element
        for element in [site.uplink for site in layout.sites] + list(layout.numbers)
        if element == name or name in topology.by_id[element].needs
    )
    if not elements:
        known = [device.cell.cell for device in layout.devices] + list(layout.numbers)
        known += [site.uplink for site in layout.sites] + [d.serial for d in layout.devices]
        near = get_close_matches(name, known, n=3)
        hint = f"perhaps {', '.join(near)}" if near else "wingspan fleet rehearse status lists them"
        raise InputError(f"the rehearsal has no {name}", hint=hint)
    behind = tuple(
        device
        for device in layout.devices
        if any(element.id in elements for element in topology.path(device.cell.element))
    )
    return Target(name=name, device=None, elements=elements, devices=behind)


def cables_of(rehearsal: Rehearsal, target: Target) -> Iterator[Cable]:
    """Yield the cables that connect the target with what it hangs from."""
    if target.device is not None:
        yield _device_cable(rehearsal, target.device)
    for site in rehearsal.layout.sites:
        router = rehearsal.router(site.number)
        if site.uplink in target.elements:
            yield _uplink_cable(site, router)
        for element in site.elements:
            if element.id in target.elements:
                above, own = network.element_ends(rehearsal.layout, element.id)
                yield Cable(
                    near=End(process=router, interface=above),
                    far=End(process=router, interface=own),
                )


def _device_cable(rehearsal: Rehearsal, device: LabDevice) -> Cable:
    router = rehearsal.router(device.site.number)
    return Cable(
        near=End(process=router, interface=device.port),
        far=End(process=rehearsal.casing(device), interface="eth0"),
    )


def _uplink_cable(site: Site, router: int) -> Cable:
    centre, prison = network.uplink_ends(site)
    return Cable(
        near=End(process=router, interface=prison),
        far=End(process=1, interface=centre),
        gateway=str(site.outside[0]),
    )

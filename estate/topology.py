"""topology.json: what serves which cell, for the fleet. The one file that goes across.

Version 1. `elements` form a forest by `parent`: uplink, core switch, access switch, then access
point or splitter; a switch also needs the distributor that it stands in. `cells` name the element
that serves each: an access switch through the outlet in the cell, an access point or a splitter.
Capacities are planning values and say where they come from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from estate.cabling.options import WIRELESS, Option
from estate.catalogue import Assumptions
from estate.radio.cases import services_of
from reports.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from estate.cabling.values import BuiltPoint, WingDesign
    from estate.model import Network, Wing
    from estate.plan import Plan, SitePlan, WingPlan

SCHEMA = 1

# The name of each switch by the key of its wing, its distributor and its number there.
Switches = dict[tuple[str, str, int], str]

# What stands between a switch and its cells.
_KINDS = {**dict.fromkeys(WIRELESS, "access_point"), Option.PASSIVE_OPTICAL: "splitter"}

# Element kind → capacity in Mbit/s and where the number is from.
_CAPACITIES = {
    "core_switch": (10_000, "10GBASE-SR towards the wings"),
    "switch": (10_000, "10GBASE-SR towards the core"),
    "access_point": (43, "half the rate of one HE20 MCS7 stream, 86.0 Mbit/s (computed)"),
    "splitter": (2_488, "GPON downstream, ITU-T G.984.2, shared by its cells"),
    "distributor": (10_000, "its fibre: 10GBASE-LR"),
}

_UPLINK_SOURCE = (
    "the smallest of the sites; each has its own: the assumed demand of a cell at the busiest "
    "moment, in the fuller direction, times its cells, and the next circuit up"
)

# A cell as a layout calls it, "1-014", and no part of the name of something else.
_LAYOUT_CELL = re.compile(r"(?<![\w/-])\d{1,2}-\d{3}(?![\w-])")

# Rates at which circuits are commonly sold, in Mbit/s; assumed.
_CIRCUITS_MBPS = (100, 200, 500, 1000, 2000, 5000, 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A piece of the network; `parent` is what it hangs from, "" for a site's uplink.

    `needs` names what else it cannot do without. `capacity_mbps` is that of this element where it
    is sized by itself: an uplink by the demand of its cells; None stands for that of its kind.
    """

    id: str
    kind: str
    parent: str
    prison_id: str
    wing: str = ""
    needs: tuple[str, ...] = ()
    capacity_mbps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCell:
    """A cell by its HMPPS location key, where it is, and the element that serves it.

    `landing` is the cell's own, 1 for the lowest: what serves it may hang on another. `outlet` is
    the outlet in the cell, "" for what has none; `signal_dbm` what is expected from its access
    point in the weaker direction, None for what is wired.
    """

    cell: str
    element: str
    prison_id: str
    wing: str
    landing: str
    outlet: str
    signal_dbm: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What one element of a kind carries, in Mbit/s, and the source of that."""

    capacity_mbps: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """What a plan would build, as the fleet needs to know it."""

    schema: int
    plan_id: str
    marking: str
    capacities: dict[str, Capacity]
    elements: tuple[Element, ...]
    cells: tuple[ServedCell, ...]


def topology_of(plan: Plan) -> Topology:
    """Return the topology that the plan's design implies."""
    elements: list[Element] = []
    cells: list[ServedCell] = []
    each_mbps = _demand_mbps(plan)
    landings: dict[str, dict[str, int]] = {}  # Of cells by the design that their wing shares.
    for site in plan.establishments:
        if site.excluded:
            continue
        elements += _site_elements(site, each_mbps)
        switches = _switches(plan, site)
        for wing in site.wings:
            if wing.design not in landings:
                landings[wing.design] = plan.landings_of(wing)
            parts = list(_wing_parts(plan, wing, switches, landings[wing.design]))
            elements += [part for part in parts if isinstance(part, Element)]
            cells += [part for part in parts if isinstance(part, ServedCell)]
    found = {element.kind for element in elements}
    uplinks = [element.capacity_mbps for element in elements if element.kind == "uplink"]
    return Topology(
        schema=SCHEMA,
        plan_id=plan.plan_id,
        marking=plan.marking,
        capacities={
            kind: Capacity(capacity_mbps=mbps, source=source)
            for kind, (mbps, source) in (
                ("uplink", (min((m for m in uplinks if m), default=0), _UPLINK_SOURCE)),
                *_CAPACITIES.items(),
            )
            if kind in found
        },
        elements=tuple(elements),
        cells=tuple(cells),
    )


def access_points_of(plan: Plan, prison_id: str) -> dict[str, tuple[str, BuiltPoint]]:
    """Return the access points of a prison by their names in a topology, each with its wing's key.

    So that what a device read of one can be placed.
    """
    site = plan.site(prison_id)
    return {
        name: (planned.wing.key, point)
        for planned in (site.wings if site else ())
        for name, point in access_points_in(planned, plan.designs[planned.design]).items()
    }


def access_points_in(planned: WingPlan, design: WingDesign) -> dict[str, BuiltPoint]:
    """Return the access points of a wing by their names in a topology, in the design's order."""
    points = [point for point in design.points if point.option in WIRELESS]
    return {point_id(planned.wing, point): point for point in points}


def point_id(wing: Wing, point: BuiltPoint) -> str:
    """Return what an access point or a splitter is called beyond its wing."""
    return f"{wing.prison_id}/{wing.wing}/{point.name}"


def write_topology(plan: Plan, path: Path) -> None:
    """Write the plan's topology as JSON; the same plan gives the same bytes."""
    write_text(path, msgspec.json.encode(topology_of(plan)).decode() + "\n")


def cell_key(wing: Wing, key: str) -> str:
    """Return the whole location key of a cell: a survey writes it whole, a layout from the wing."""
    return key if key.startswith(f"{wing.prison_id}-") else wing.key_of(key)


def design_as_named(plan: Plan, wing_plan: WingPlan) -> WingDesign:
    """Return a wing's design with the location keys of its cells, where an import said them.

    A design is shared by all wings of its shape, and calls their cells by landing and number.
    """
    wing, design = wing_plan.wing, plan.designs[wing_plan.design]
    if not wing.cell_keys:
        return design
    content = msgspec.to_builtins(design, builtin_types=(Decimal,))
    return msgspec.convert(_as_named(content, _keys_in(wing)), type(design))


def network_as_named(plan: Plan, wing_plan: WingPlan) -> Network:
    """Return a wing's network with the location keys of its cells, where an import said them."""
    network, keys = plan.network_of(wing_plan), _keys_in(wing_plan.wing)
    spaces = (
        replace(s, location_key=keys.get(s.location_key, s.location_key)) for s in network.spaces
    )
    return replace(network, spaces=tuple(spaces)) if keys else network


def _keys_in(wing: Wing) -> dict[str, str]:
    """Return the imported location key of each cell by what its layout calls it."""
    return {
        f"{landing}-{number:03d}": key
        for landing, keys in enumerate(wing.cell_keys, start=1)
        for number, key in enumerate(keys, start=1)
    }


def _as_named(content: Any, keys: Mapping[str, str]) -> Any:
    """Return plain values with each cell of a layout, also amid words, called by its key."""
    if isinstance(content, str):
        return _LAYOUT_CELL.sub(lambda found: keys.get(found[0], found[0]), content)
    if isinstance(content, list | tuple):
        return [_as_named(each, keys) for each in content]
    if isinstance(content, dict):
        return {_as_named(key, keys): _as_named(value, keys) for key, value in content.items()}
    return content


def uplink_mbps(demand: float) -> float:
    """Return the smallest circuit that carries a demand, or the demand beyond the largest."""
    return next((float(mbps) for mbps in _CIRCUITS_MBPS if mbps >= demand), round(demand, 1))


def _demand_mbps(plan: Plan) -> float:
    """Return what one cell asks of the uplink at the busiest moment, in the fuller direction.

    A circuit carries both directions at once, unlike the air.
    """
    assumptions = Assumptions({assumption.key: assumption for assumption in plan.assumptions})
    services = services_of(assumptions, "likely")
    down_mbps = sum(service.concurrency * service.down_mbps for service in services)
    up_mbps = sum(service.concurrency * service.up_mbps for service in services)
    return max(down_mbps, up_mbps)


def _site_elements(site: SitePlan, each_mbps: float) -> tuple[Element, Element]:
    prison_id = site.prison.prison_id
    uplink = Element(
        id=f"{prison_id}/uplink",
        kind="uplink",
        parent="",
        prison_id=prison_id,
        capacity_mbps=uplink_mbps(each_mbps * site.cells),
    )
    core = Element(
        id=f"{prison_id}/core", kind="core_switch", parent=uplink.id, prison_id=prison_id
    )
    return uplink, core


def _switches(plan: Plan, site: SitePlan) -> Switches:
    """Return the names of a prison's switches; a wing's cables may end in those of another.

    Where idle ports of a switch that stands already suffice, that switch is the element.
    """
    found: Switches = {}
    for wing_plan in site.wings:
        wing, numbers = wing_plan.wing, count(1)
        for distributor in plan.designs[wing_plan.design].distributors:
            for switch in range(1, max(1, distributor.switches) + 1):
                name = f"{wing.prison_id}/{wing.wing}/SW-{next(numbers):02d}"
                found[wing.key, distributor.name, switch] = name
    return found


def _wing_parts(
    plan: Plan, wing_plan: WingPlan, switches: Switches, landings: Mapping[str, int]
) -> Iterator[Element | ServedCell]:
    """Yield the distributors, switches, access points and cells of a wing.

    `landings` gives that of each cell, by its key in the design.
    """
    wing, design = wing_plan.wing, plan.designs[wing_plan.design]
    place = f"{wing.prison_id}/{wing.wing}"
    for number, distributor in enumerate(design.distributors, start=1):
        rack = Element(
            id=f"{place}/FD-{number:02d}",
            kind="distributor",
            parent=f"{wing.prison_id}/core",
            prison_id=wing.prison_id,
            wing=wing.wing,
        )
        yield rack
        for switch in range(1, max(1, distributor.switches) + 1):
            yield Element(
                id=switches[wing.key, distributor.name, switch],
                kind="switch",
                parent=f"{wing.prison_id}/core",
                prison_id=wing.prison_id,
                wing=wing.wing,
                needs=(rack.id,),
            )
    for point in design.points:
        yield from _point_parts(wing, point, switches, landings)


def _point_parts(
    wing: Wing,
    point: BuiltPoint,
    switches: Switches,
    landings: Mapping[str, int],
) -> Iterator[Element | ServedCell]:
    """Yield a point, if it is an element of its own, and the cells that it serves."""
    home = point.distributor_wing or wing.key
    element = switches[home, point.distributor, point.switch]
    if point.option in _KINDS:
        above, element = element, point_id(wing, point)
        kind = _KINDS[point.option]
        yield Element(id=element, kind=kind, parent=above, prison_id=wing.prison_id, wing=wing.wing)
    for number, cell in enumerate(point.cells):
        yield ServedCell(
            cell=cell_key(wing, cell),
            element=element,
            prison_id=wing.prison_id,
            wing=wing.wing,
            landing=str(landings[cell]),
            outlet=point.name if point.option == Option.OUTLETS else "",
            signal_dbm=point.signal_dbm[number] if point.signal_dbm else None,
        )

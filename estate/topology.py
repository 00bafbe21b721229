"""topology.json: what serves which cell, for the fleet. The one file that goes across.

Version 1. `elements` form a forest by `parent`: uplink, core switch, access switch, access
point. `cells` name the element that serves each: an access switch through the outlet in the
cell, or an access point. Capacities are planning values and say where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, pairwise
from math import ceil
from typing import TYPE_CHECKING

import msgspec

from estate.design import SWITCH_PORTS, Option
from estate.network import cells_on
from reports.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from estate.design import LandingDesign
    from estate.plan import Plan, SitePlan, WingPlan

SCHEMA = 1

# Element kind → capacity in Mbit/s and where the number is from.
_CAPACITIES = {
    "uplink": (1000, "assumed: the DfE capacity for a secondary school, by analogy"),
    "core_switch": (10_000, "10GBASE-SR towards the wings"),
    "switch": (10_000, "10GBASE-SR towards the core"),
    "access_point": (43, "half the rate of one HE20 MCS7 stream, 86.0 Mbit/s (computed)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A piece of the network; `parent` is what it hangs from, "" for a site's uplink."""

    id: str
    kind: str
    parent: str
    prison_id: str
    wing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCell:
    """A cell by its HMPPS location key, and the element that serves it."""

    cell: str
    element: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What one element of a kind carries, in Mbit/s, and the source of that."""

    capacity_mbps: int
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
    for site in plan.establishments:
        if site.excluded:
            continue
        elements += _site_elements(site)
        for wing in site.wings:
            parts = list(_wing_parts(plan, wing))
            elements += [part for part in parts if isinstance(part, Element)]
            cells += [part for part in parts if isinstance(part, ServedCell)]
    return Topology(
        schema=SCHEMA,
        plan_id=plan.plan_id,
        marking=plan.marking,
        capacities={
            kind: Capacity(capacity_mbps=mbps, source=source)
            for kind, (mbps, source) in _CAPACITIES.items()
        },
        elements=tuple(elements),
        cells=tuple(cells),
    )


def write_topology(plan: Plan, path: Path) -> None:
    """Write the plan's topology as JSON; the same plan gives the same bytes."""
    write_text(path, msgspec.json.encode(topology_of(plan)).decode() + "\n")


def _site_elements(site: SitePlan) -> tuple[Element, Element]:
    prison_id = site.prison.prison_id
    uplink = Element(id=f"{prison_id}/uplink", kind="uplink", parent="", prison_id=prison_id)
    core = Element(
        id=f"{prison_id}/core", kind="core_switch", parent=uplink.id, prison_id=prison_id
    )
    return uplink, core


def _wing_parts(plan: Plan, wing_plan: WingPlan) -> Iterator[Element | ServedCell]:
    """Yield the switches, access points and cells of a wing, switches filled in turn."""
    wing, design = wing_plan.wing, plan.designs[wing_plan.design]
    place = f"{wing.prison_id}/{wing.wing}"
    switches = int(design.shared["switch_48_poe"].likely)
    for number in range(1, switches + 1):
        yield Element(
            id=f"{place}/SW-{number:02d}",
            kind="switch",
            parent=f"{wing.prison_id}/core",
            prison_id=wing.prison_id,
            wing=wing.wing,
        )
    ports = sum(int(landing.choice.ports.likely) for landing in design.landings)
    each = min(SWITCH_PORTS, ceil(ports / switches))
    port, point = count(), count(1)
    for landing in design.landings:
        keys = _cell_keys(plan, wing_plan, landing)
        for group in served_together(landing):
            element = f"{place}/SW-{next(port) // each + 1:02d}"
            if landing.chosen != Option.OUTLETS:
                switch, element = element, f"{place}/AP-{next(point):03d}"
                yield Element(
                    id=element,
                    kind="access_point",
                    parent=switch,
                    prison_id=wing.prison_id,
                    wing=wing.wing,
                )
            for number in group:
                yield ServedCell(cell=keys[number - 1], element=element)


def _cell_keys(plan: Plan, wing_plan: WingPlan, landing: LandingDesign) -> list[str]:
    """Return the location keys of a landing's cells, of a surveyed one as the survey has them."""
    network = plan.networks.get(wing_plan.design)
    if network is None:
        place = f"{wing_plan.wing.key}-{landing.landing}"
        return [f"{place}-{number:03d}" for number in range(1, landing.cells + 1)]
    return [cell.location_key for cell in cells_on(network, landing.landing - 1)]


def served_together(landing: LandingDesign) -> Iterator[range]:
    """Yield the cell numbers that share a port, evenly spread over the landing's ports."""
    ports = int(landing.choice.ports.likely)
    bounds = [round(landing.cells * step / ports) for step in range(ports + 1)]
    for first, last in pairwise(bounds):
        yield range(first + 1, last + 1)

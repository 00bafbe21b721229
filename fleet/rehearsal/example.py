"""A small topology for a rehearsal without a plan: prisons that do not exist."""

from __future__ import annotations

from functools import partial
from itertools import product
from math import ceil
from string import ascii_uppercase
from typing import TYPE_CHECKING

from fleet.topology import Capacity, Element, ServedCell, Topology

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAN_ID = "rehearsal"
CELLS_PER_AP, APS_PER_LANDING, LANDINGS = 6, 2, 2
CELLS_PER_WING = CELLS_PER_AP * APS_PER_LANDING * LANDINGS
# The design's expectation in the cells along a landing, from the nearest to the farthest.
_SIGNAL_DBM = (-52.0, -55.0, -58.0, -61.0, -63.0, -65.0)
_MBPS = {"uplink": 1000, "core_switch": 10_000, "switch": 10_000, "access_point": 43}


def example_topology(*, devices: int, prisons: int) -> Topology:
    """Return prisons XAA, XAB, … whose wings have cells enough for the devices.

    A wing has two landings, a landing its own switch with two access points, and each of these
    serves six cells.
    """
    wings = max(1, ceil(ceil(devices / prisons) / CELLS_PER_WING))
    elements: list[Element] = []
    cells: list[ServedCell] = []
    letters = product(ascii_uppercase, repeat=2)
    for prison_id in (f"X{a}{b}" for (a, b), _ in zip(letters, range(prisons), strict=False)):
        uplink, core = f"{prison_id}/uplink", f"{prison_id}/core"
        elements.append(Element(id=uplink, kind="uplink", prison_id=prison_id))
        elements.append(Element(id=core, kind="core_switch", parent=uplink, prison_id=prison_id))
        for wing in _wing_names(wings):
            for part in _wing_parts(prison_id, wing):
                if isinstance(part, Element):
                    elements.append(part)
                else:
                    cells.append(part)
    source = "assumed for rehearsal"
    return Topology(
        plan_id=PLAN_ID,
        capacities={k: Capacity(capacity_mbps=mbps, source=source) for k, mbps in _MBPS.items()},
        elements=tuple(elements),
        cells=tuple(cells),
    )


def _wing_names(count: int) -> list[str]:
    names = [*ascii_uppercase, *map("".join, product(ascii_uppercase, repeat=2))]
    return names[:count]


def _wing_parts(prison_id: str, wing: str) -> Iterator[Element | ServedCell]:
    place = f"{prison_id}/{wing}"
    element = partial(Element, prison_id=prison_id, wing=wing)
    cell = partial(ServedCell, prison_id=prison_id, wing=wing)
    for landing in range(1, LANDINGS + 1):
        switch = f"{place}/SW-{landing:02d}"
        yield element(id=switch, kind="switch", parent=f"{prison_id}/core")
        for step in range(APS_PER_LANDING):
            point = f"{place}/AP-{(landing - 1) * APS_PER_LANDING + step + 1:03d}"
            yield element(id=point, kind="access_point", parent=switch)
            for nearness, signal_dbm in enumerate(_SIGNAL_DBM, start=1):
                number = step * CELLS_PER_AP + nearness
                yield cell(
                    cell=f"{prison_id}-{wing}-{landing}-{number:03d}",
                    element=point,
                    landing=str(landing),
                    signal_dbm=signal_dbm,
                )

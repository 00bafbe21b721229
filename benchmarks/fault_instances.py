"""Prisons with faults that are known: the yardstick of the diagnosis of silence.

Everything follows from the seed. A prison has an uplink, a core switch, switches in its wings and,
in some wings, access points; some wings also have risers and power supplies on which switches of
other wings depend. Faults are drawn among what silences enough devices; other devices are silent
at random.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from fleet.diagnosis import Sighting, read_priors
from fleet.topology import Element, ServedCell, Topology

# The smallest, a usual and the largest number of cells in a prison, and of a wing.
_CELLS = (120, 620, 1700)
_WING_CELLS = (40, 90, 200)
_PORTS = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A prison, who is silent in it, and what has failed.

    `alike` gives for every element the devices that it silences: elements with the same ones
    count as one.
    """

    topology: Topology
    sightings: tuple[Sighting, ...]
    faults: tuple[str, ...]
    alike: dict[str, frozenset[str]]


def instance(
    seed: int,
    *,
    faults: int | None = None,
    silences: tuple[int, int] = (5, 10**9),
    silent_share: float = 0.05,
) -> Instance:
    """Return a prison with so many faults, 1–5 at random by default, and random silence.

    A fault silences a number of devices within `silences`.
    """
    random = np.random.default_rng(seed)
    topology = _topology(random)
    alike = _behind(topology)
    count = int(random.integers(1, 6)) if faults is None else faults
    chosen = _chosen(random, alike, count=count, silences=silences)
    return _seen(random, topology, alike, chosen, silent_share)


def rare_instance(seed: int, *, silent_share: float = 0.05) -> Instance:
    """Return a prison in which each element has failed as often as the priors say."""
    random = np.random.default_rng(seed)
    topology, priors = _topology(random), read_priors()
    alike = _behind(topology)
    failed = {
        alike[name]: name
        for name in sorted(alike)
        if random.random() < priors.of(topology.by_id[name].kind).failed
    }
    return _seen(random, topology, alike, tuple(sorted(failed.values())), silent_share)


def _seen(
    random: np.random.Generator,
    topology: Topology,
    alike: dict[str, frozenset[str]],
    chosen: tuple[str, ...],
    silent_share: float,
) -> Instance:
    cut = frozenset().union(*(alike[name] for name in chosen))
    sightings = tuple(
        Sighting(
            device=f"T-{cell.cell}",
            cell=cell.cell,
            prison_id=cell.prison_id,
            wing=cell.wing,
            landing=cell.landing,
            silent=f"T-{cell.cell}" in cut or bool(random.random() < silent_share),
        )
        for cell in topology.cells
    )
    return Instance(topology=topology, sightings=sightings, faults=chosen, alike=alike)


def _chosen(
    random: np.random.Generator,
    alike: dict[str, frozenset[str]],
    *,
    count: int,
    silences: tuple[int, int],
) -> tuple[str, ...]:
    """Return faults of which each silences enough devices that no other does.

    A fault in the shadow of another silences nobody, and nothing could find it.
    """
    least, most = silences
    able = sorted(name for name, devices in alike.items() if least <= len(devices) <= most)
    chosen: list[str] = []
    for name in random.permutation(able).tolist():
        tried = [*chosen, name]
        if len(tried) <= count and all(_alone(alike, one, tried) >= least for one in tried):
            chosen = tried
    return tuple(sorted(chosen))


def _alone(alike: dict[str, frozenset[str]], fault: str, faults: list[str]) -> int:
    """Return how many devices only this one of several faults silences."""
    others = frozenset[str]().union(*(alike[name] for name in faults if name != fault))
    return len(alike[fault] - others)


def _topology(random: np.random.Generator) -> Topology:
    left = int(random.triangular(*_CELLS))
    elements = [
        Element(id="XXI/uplink", kind="uplink", prison_id="XXI"),
        Element(id="XXI/core", kind="core_switch", parent="XXI/uplink", prison_id="XXI"),
    ]
    cells: list[ServedCell] = []
    supplies = [f"XXI/power-{number}" for number in range(1, int(random.integers(2, 6)))]
    if with_supplies := random.random() < 0.5:  # noqa: PLR2004 - one prison in two
        elements += [Element(id=name, kind="power", prison_id="XXI") for name in supplies]
    wing_number = 0
    while left > 0:
        wing_number += 1
        size = min(left, int(random.triangular(*_WING_CELLS)))
        left -= size
        wing = chr(ord("A") + wing_number - 1) if wing_number <= 26 else f"W{wing_number}"  # noqa: PLR2004
        needs = (str(random.choice(supplies)),) if with_supplies else ()
        made, served = _wing(random, wing, size, needs=needs)
        elements += made
        cells += served
    return Topology(elements=tuple(elements), cells=tuple(cells))


def _wing(
    random: np.random.Generator, wing: str, size: int, *, needs: tuple[str, ...]
) -> tuple[list[Element], list[ServedCell]]:
    """Return the elements and cells of a wing: outlets, or access points of some cells each."""
    each = 1 if random.random() < 0.5 else int(random.integers(2, 13))  # noqa: PLR2004 - one in two
    place, elements, cells = f"XXI/{wing}", list[Element](), list[ServedCell]()
    if random.random() < 0.5:  # noqa: PLR2004 - one wing in two
        riser = Element(id=f"{place}/riser", kind="riser", prison_id="XXI", wing=wing)
        elements.append(riser)
        needs = (*needs, riser.id)
    landings = int(random.integers(2, 5))
    switch = ""
    for number, first in enumerate(range(0, size, each)):
        if number % _PORTS == 0:
            switch = f"{place}/SW-{number // _PORTS + 1:02d}"
            elements.append(
                Element(
                    id=switch,
                    kind="switch",
                    parent="XXI/core",
                    prison_id="XXI",
                    wing=wing,
                    needs=needs,
                )
            )
        server = switch
        if each > 1:
            server = f"{place}/AP-{number + 1:03d}"
            elements.append(
                Element(id=server, kind="access_point", parent=switch, prison_id="XXI", wing=wing)
            )
        for cell in range(first, min(first + each, size)):
            landing = str(1 + cell * landings // size)
            key = f"XXI-{wing}-{landing}-{cell + 1:03d}"
            cells.append(
                ServedCell(cell=key, element=server, prison_id="XXI", wing=wing, landing=landing)
            )
    return elements, cells


def _behind(topology: Topology) -> dict[str, frozenset[str]]:
    """Return the devices that each element silences."""
    behind: defaultdict[str, set[str]] = defaultdict(set)
    for cell in topology.cells:
        waiting = [cell.element]
        while waiting:
            element = topology.by_id[waiting.pop()]
            behind[element.id].add(f"T-{cell.cell}")
            waiting += [name for name in (element.parent, *element.needs) if name]
    return {name: frozenset(devices) for name, devices in behind.items()}

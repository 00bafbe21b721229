"""What serves which cell: the network as it was planned or built, read from topology.json.

Elements form a forest by `parent`; an element may also need others, such as the riser that its
cable runs in or the power that feeds it. When anything that an element needs fails, all that
hangs from it falls silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from fleet.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Element:
    """A piece of the network; `parent` is what it hangs from, "" for a site's uplink.

    `kind` is uplink, core_switch, switch, access_point, riser, distributor or power; kinds that
    we do not know are kept. `needs` names further elements without which it does not work;
    `capacity_mbps` is what this one carries, where it is not that of its kind.
    """

    id: str
    kind: str
    parent: str = ""
    prison_id: str = ""
    wing: str = ""
    needs: tuple[str, ...] = ()
    capacity_mbps: float | None = None


@dataclass(frozen=True, kw_only=True)
class ServedCell:
    """A cell by its location key, where it is, and the element that serves it.

    `signal_dbm` is the signal that the design expects from an access point, None for an outlet.
    """

    cell: str
    element: str
    prison_id: str = ""
    wing: str = ""
    spur: str = ""
    landing: str = ""
    signal_dbm: float | None = None


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What one element of a kind carries, in Mbit/s, and the source of that."""

    capacity_mbps: float
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Topology:
    """The elements of all sites, and the cells that each serves. It has no cycle."""

    schema: int = SCHEMA
    plan_id: str = ""
    capacities: Mapping[str, Capacity] = field(default_factory=dict)
    elements: tuple[Element, ...] = ()
    cells: tuple[ServedCell, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Element]:
        """Return the elements by their ids."""
        return {element.id: element for element in self.elements}

    @cached_property
    def cell_by_key(self) -> Mapping[str, ServedCell]:
        """Return the cells by their location keys."""
        return {cell.cell: cell for cell in self.cells}

    def path(self, element_id: str) -> Iterator[Element]:
        """Yield an element and what it hangs from, up to the uplink; nothing for an unknown one."""
        element = self.by_id.get(element_id)
        while element is not None:
            yield element
            element = self.by_id.get(element.parent)

    def capacity_mbps(self, element_id: str) -> float | None:
        """Return what an element or its kind carries in Mbit/s, None where that is not stated."""
        element = self.by_id[element_id]
        if element.capacity_mbps is not None:
            return element.capacity_mbps
        capacity = self.capacities.get(element.kind)
        return capacity.capacity_mbps if capacity else None


def read_topology(path: Path) -> Topology:
    """Return the topology of a file.

    Raises
    ------
    InputError
        When the file is missing, is no topology of a schema that we read, or contradicts itself;
        every fault is listed.
    """
    try:
        topology = msgspec.json.decode(path.read_bytes(), type=Topology)
    except OSError as error:
        hint = "wingspan estate plan writes one; a rehearsal brings its own"
        raise InputError(f"cannot read {path}", hint=hint) from error
    except msgspec.MsgspecError as error:
        hint = "make it anew: wingspan estate plan"
        raise InputError(f"{path} is not a topology", hint=hint) from error
    if topology.schema != SCHEMA:
        what = f"{path} has schema {topology.schema}, and this program reads {SCHEMA}"
        raise InputError(what, hint="make it anew with the same version: wingspan estate plan")
    problems = [
        Problem(path.name, place, what, "make it anew: wingspan estate plan")
        for place, what in _faults(topology)
    ]
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{count} in {path.name}", problems=problems)
    return topology


def _faults(topology: Topology) -> Iterator[tuple[str, str]]:
    """Yield what contradicts itself: where, and what."""
    for name in _twice(element.id for element in topology.elements):
        yield f"element {name}", "there are two of it"
    for key in _twice(cell.cell for cell in topology.cells):
        yield f"cell {key}", "it is served twice"
    for element in topology.elements:
        for other in (element.parent, *element.needs):
            if other and other not in topology.by_id:
                yield f"element {element.id}", f"it needs {other}, which is not there"
    for cell in topology.cells:
        if cell.element not in topology.by_id:
            yield f"cell {cell.cell}", f"{cell.element} serves it, which is not there"
    for name in _on_a_cycle(topology):
        yield f"element {name}", "it needs itself, by way of others"


def _twice(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return sorted({name for name in names if name in seen or seen.add(name)})  # type: ignore[func-returns-value]


def _on_a_cycle(topology: Topology) -> list[str]:
    """Return elements of which some chain of needs leads back to itself, or to such a one."""
    waiting = {
        element.id: {n for n in (element.parent, *element.needs) if n in topology.by_id}
        for element in topology.elements
    }
    wanted_by: dict[str, list[str]] = {name: [] for name in waiting}
    for name, needs in waiting.items():
        for need in needs:
            wanted_by[need].append(name)
    settled = [name for name, needs in waiting.items() if not needs]
    while settled:
        done = settled.pop()
        for name in wanted_by[done]:
            waiting[name].discard(done)
            if not waiting[name]:
                settled.append(name)
    return sorted(name for name, needs in waiting.items() if needs)

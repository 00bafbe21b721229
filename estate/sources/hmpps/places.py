"""The places of a prison, by its certificate above all, and where the files differ on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from estate.column import starts_on
from estate.sources.hmpps.export import Capacity, Kind
from estate.sources.hmpps.prison import first_stated
from estate.sources.register import CROWDING_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from estate.model import Establishment
    from estate.sources.hmpps.prison import Node, PrisonCells
    from estate.sources.hmpps.statements import PrisonStatements

_SHOWN_MAX = 5  # Locations named in a note; more are counted.

_POPULATION = "; population: "  # Ends the source of places, before that of the population.

_OF_CELL: tuple[Callable[[Capacity], int | None], ...] = (
    lambda capacity: capacity.certified_normal_accommodation,
    lambda capacity: capacity.working_capacity,
    lambda capacity: capacity.max_capacity,
)
_LABELS = ("certified normal accommodation", "working capacity", "maximum capacity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Places of a prison; None where nothing states them.

    `approved_on` is the day of the certificate, None where there is none.
    """

    certified_normal_accommodation: int | None
    working_capacity: int | None
    maximum_capacity: int | None
    operational_capacity: int | None
    approved_on: date | None


def places_of(prison: PrisonStatements, cells: PrisonCells) -> Places:
    """Return the places of a prison by its certificate, else its summary, else its cells."""
    summed = (*(_total(cells, of) for of in _OF_CELL), None)
    sources = [_certified(prison), _summarised(prison), summed]
    numbers = [first_stated(stated) for stated in zip(*sources, strict=True)]
    return Places(
        certified_normal_accommodation=numbers[0],
        working_capacity=numbers[1],
        maximum_capacity=numbers[2],
        operational_capacity=numbers[3],
        approved_on=prison.certificates[0].approved_on if prison.certificates else None,
    )


def _certified(prison: PrisonStatements) -> tuple[int | None, ...]:
    if not prison.certificates:
        return (None,) * 4
    stated = prison.certificates[0].certificate
    return (
        stated.total_cna,
        stated.total_working_capacity,
        stated.total_max_capacity,
        stated.signed_operation_capacity,
    )


def _summarised(prison: PrisonStatements) -> tuple[int | None, ...]:
    if not prison.summaries:
        return (None,) * 4
    stated = prison.summaries[0]
    return (
        None,  # A summary does not say the certified normal accommodation.
        stated.working_capacity,
        stated.max_capacity,
        stated.signed_operational_capacity,
    )


def _total(cells: PrisonCells, of: Callable[[Capacity], int | None]) -> int | None:
    """Return the sum over the planned cells, None unless each states its number."""
    numbers = [of(cell.capacity) for cell in cells.cells]
    stated = [number for number in numbers if number is not None]
    return sum(stated) if numbers and len(stated) == len(numbers) else None


def certificate_label(approved_on: date) -> str:
    """Return what a certificate is called as a source."""
    return f"HMPPS cell certificate {approved_on.isoformat()}"


def register_texts(entry: Establishment, places: Places) -> tuple[dict[str, str], list[str]]:
    """Return the new texts of a prison's row in the register by column, and remarks on them.

    Only a certificate changes the register, and only one that is not older than its figures. A
    population that is too large for the newly signed capacity must be out of date and goes.
    """
    approved_on, capacity = places.approved_on, places.operational_capacity
    if approved_on is None:
        return {}, ["no certificate gives its places a date, so the register stays as it is"]
    if entry.capacity_dated and starts_on(entry.capacity_dated) > approved_on:
        remark = f"the register's figures of {entry.capacity_dated} are newer than the certificate"
        return {}, [f"{remark}, so they stay as they are"]
    figures = {
        "baseline_cna": places.certified_normal_accommodation,
        "operational_capacity": capacity,
    }
    texts = {column: str(figure) for column, figure in figures.items() if figure}
    if not texts:
        return {}, ["the certificate states no places, so the register stays as it is"]
    remarks, source, population = [], certificate_label(approved_on), entry.population
    origin = entry.capacity_source.partition(_POPULATION)[2]
    origin = origin or f"{entry.capacity_source} {entry.capacity_dated}".strip()
    if population is not None and capacity and population > CROWDING_MAX * capacity:
        texts["population"] = ""
        remarks.append(
            f"the population of {population:,} ({origin}) is above {CROWDING_MAX:g} times the "
            f"signed operational capacity of {capacity:,}, so it is out of date and now blank"
        )
    elif population is not None:
        source += f"{_POPULATION}{origin}"
    return {**texts, "capacity_source": source, "capacity_dated": approved_on.isoformat()}, remarks


def differences(prison: PrisonStatements, cells: PrisonCells) -> Iterator[str]:
    """Yield where the certificate and the other files, or its cells and its totals, differ."""
    if not prison.certificates:
        return
    certified = {s.path for s in prison.statements if s.document.kind is Kind.CERTIFICATE}
    if certified:
        yield from _strays(prison, cells, certified)
        for label, total, of in zip(_LABELS, _certified(prison), _OF_CELL, strict=False):
            summed = _total(cells, of)
            if total is not None and summed is not None and total != summed:
                yield f"the certificate's {label} is {total:,}, but {summed:,} of its planned cells"
    _, _, most, signed = _certified(prison)
    if signed is not None and most is not None and signed > most:
        yield f"the signed operational capacity {signed:,} is above the maximum capacity {most:,}"


def _strays(prison: PrisonStatements, cells: PrisonCells, certified: set[str]) -> Iterator[str]:
    """Yield which cells the certificate and the other files do not both hold, or plan for."""
    stated = [s for s in prison.statements if s.document.kind is not Kind.CERTIFICATE]
    elsewhere = {statement.path for statement in stated}
    beside = {statement.parent for statement in stated}
    groups = {
        "planned though not on the certificate": [
            cell for cell in cells.cells if cell.path not in certified
        ],
        "planned though on the certificate only": [
            cell for cell in cells.cells if cell.path not in elsewhere and cell.parent in beside
        ],
        "on the certificate though not planned": [
            cell for cell in cells.unplanned if cell.is_certified_cell
        ],
    }
    for what, found in groups.items():
        if found:
            yield f"{what}: {_named(found)}"


def _named(nodes: Sequence[Node]) -> str:
    """Return the paths of the first few locations and the number of the others."""
    shown = ", ".join(node.path for node in nodes[:_SHOWN_MAX])
    return f"{shown} and {len(nodes) - _SHOWN_MAX} more" if nodes[_SHOWN_MAX:] else shown

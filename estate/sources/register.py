"""The register of prisons: what stands where, and what each prison is known to have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.model import Establishment, Evidence
from estate.sources.table import Row, read_table, require_sound, scan_table, write_rows
from estate.tables import REGISTER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from estate.errors import Problem

# The British Isles in WGS 84 degrees: Scilly to Shetland, Ireland's west coast excluded.
_LATITUDES = (49.8, 61.0)
_LONGITUDES = (-8.7, 2.0)

CROWDING_MAX = 1.5  # Population over operational capacity; more is a slip of the pen.


def read_register(path: Path, *, today: date | None = None) -> tuple[Establishment, ...]:
    """Return the prisons of a register, in the order of the file.

    Raises
    ------
    InputError
        When the file cannot be read, or breaks a rule of the table or one of these: both
        coordinates or neither, inside the British Isles; population at most 1.5 times the
        operational capacity; `counted_in` a prison of the register that stands for itself.
    """
    reading = scan_table(path, REGISTER, today=today)
    require_sound(path.name, [*reading.problems, *_contradictions(reading.rows)])
    return tuple(_establishment(row) for row in reading.rows)


def update_register(
    path: Path, changes: Mapping[str, Mapping[str, str]], *, today: date | None = None
) -> None:
    """Rewrite cells of a register: for each prison id, new texts by column.

    Every other cell, and every column that the register has beside the declared ones, stays.

    Raises
    ------
    InputError
        When the register has a fault.
    """
    rows = read_table(path, REGISTER, today=today)
    headings = list(rows[0].layout.headings)
    texts = (row.as_written() | dict(changes.get(row.text("prison_id"), {})) for row in rows)
    write_rows(path, headings, texts)


def crowding_problem(row: Row) -> Problem | None:
    """Return a problem if a row's population is absurd for its operational capacity."""
    population, capacity = row.integer("population"), row.integer("operational_capacity")
    if population is None or capacity is None or population <= CROWDING_MAX * capacity:
        return None
    what = f"population is {population:,} in an operational capacity of {capacity:,}"
    cure = f"check both: crowding is normal, but not above {CROWDING_MAX:g} times the capacity"
    return row.problem(what, cure, column="population")


def _contradictions(rows: Sequence[Row]) -> Iterator[Problem]:
    homes = {row.text("prison_id"): row.text("counted_in") for row in rows}
    for row in rows:
        yield from _place_problems(row)
        yield from _counting_problems(row, homes)
        crowding = crowding_problem(row)
        if crowding is not None:
            yield crowding


def _place_problems(row: Row) -> Iterator[Problem]:
    if not row.is_sound("latitude", "longitude"):
        return
    latitude, longitude = row.number_of("latitude"), row.number_of("longitude")
    if latitude is None and longitude is None:
        return
    if latitude is None or longitude is None:
        missing = "latitude" if latitude is None else "longitude"
        cure = "give both coordinates or neither"
        yield row.problem(f"{missing} is blank beside the other coordinate", cure, column=missing)
    elif not _in_british_isles(latitude, longitude):
        what = f"latitude {latitude:g}, longitude {longitude:g} is outside the British Isles"
        swapped = _in_british_isles(longitude, latitude)
        cure = "swap the two" if swapped else "give WGS 84 degrees, such as 53.795744, -1.576174"
        yield row.problem(what, cure, column="latitude")


def _in_british_isles(latitude: float, longitude: float) -> bool:
    south, north = _LATITUDES
    west, east = _LONGITUDES
    return south <= latitude <= north and west <= longitude <= east


def _counting_problems(row: Row, homes: Mapping[str, str]) -> Iterator[Problem]:
    prison_id, home = row.text("prison_id"), row.text("counted_in")
    if not home:
        return
    what = f"{prison_id} is counted in {home}"
    if home == prison_id or home not in homes:
        cure = "name another prison of the register, or leave it blank"
        yield row.problem(f"{what}, which is not another prison", cure, column="counted_in")
    elif homes[home]:
        cure = f"name {homes[home]} if its figures hold this prison's too"
        what = f"{what}, which is itself counted in {homes[home]}"
        yield row.problem(what, cure, column="counted_in")


def _establishment(row: Row) -> Establishment:
    return Establishment(
        prison_id=row.text("prison_id"),
        name=row.text("name"),
        area=row.text("area"),
        postcode=row.text("postcode"),
        latitude=row.number_of("latitude"),
        longitude=row.number_of("longitude"),
        category=row.text("category"),
        gender=row.text("gender"),
        operator=row.text("operator"),
        function=row.text("function"),
        year_opened=row.integer("year_opened"),
        baseline_cna=row.integer("baseline_cna"),
        operational_capacity=row.integer("operational_capacity"),
        population=row.integer("population"),
        capacity_dated=row.text("capacity_dated"),
        capacity_source=row.text("capacity_source"),
        counted_in=row.text("counted_in"),
        telephony=_evidence(row, "telephony"),
        data_cabling=_evidence(row, "data_cabling"),
        devices=_evidence(row, "devices"),
        source=row.text("source"),
        notes=row.text("notes"),
    )


def _evidence(row: Row, fact: str) -> Evidence:
    return Evidence(
        value=row.text(fact), source=row.text(f"{fact}_source"), dated=row.text(f"{fact}_dated")
    )

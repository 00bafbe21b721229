"""Faults that a location of an export shows by itself: its place in the tree, and its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.sources.hmpps.export import CELL, Capacity, TreeLocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from estate.sources.hmpps.export import Location, Placed

STATUSES = ("ACTIVE", "INACTIVE", "DRAFT", "NON_RESIDENTIAL", "ARCHIVED")
LOCKED = "LOCKED_"  # Begins a status while a request for approval is pending.

_CELL_PLACES_MAX = 99  # The service's own limit.
_PLACES_MAX = 10_000  # As in the register: the largest prison has 2,106 places.
_NAME_LENGTH_MAX = 80  # The service's own limit.
_TOP_TYPES = {"WING", "BLOCK"}

Fault = tuple[str, str, str]  # The JSON path below a location, what is wrong, and the cure.
_AGAIN = "export it again, unedited"


def location_faults(placed: Placed, prison_id: str) -> Iterator[Fault]:
    """Yield every fault of one location: its JSON path below the location, what, and the cure."""
    yield from _tree_faults(placed, prison_id)
    yield from _number_faults(placed)


def total_faults(stated: Mapping[str, int | None]) -> Iterator[Fault]:
    """Yield the faults among totals of a prison, by the names of their fields."""
    yield from _out_of_range(stated, high=_PLACES_MAX)
    yield from _excess(stated.get("totalWorkingCapacity"), stated.get("totalMaxCapacity"))
    yield from _excess(stated.get("workingCapacity"), stated.get("maxCapacity"))


def _tree_faults(placed: Placed, prison_id: str) -> Iterator[Fault]:
    """Yield where a location's own words contradict the tree in which it stands."""
    location = placed.location
    parent = placed.parent.location if placed.parent else None
    path, code = location.path, location.code
    if not path or not code:
        yield "", "its path or code is blank", _AGAIN
    elif parent is not None and path != f"{parent.path}-{code}":
        yield "", f"its path is {path!r} and its code {code!r} in {parent.path!r}", _AGAIN
    elif parent is None and path != code and not path.endswith(f"-{code}"):
        yield "", f"its path {path!r} does not end in its code {code!r}", _AGAIN
    yield from _level_faults(location, parent)
    if location.children and location.location_type == CELL:
        yield "", f"{path} is a cell and holds other locations", _AGAIN
    if location.location_type in _TOP_TYPES and path != code:
        yield "", f"the {location.location_type} {path} is not at the top", _AGAIN
    status = (location.status or "ACTIVE").removeprefix(LOCKED)
    if status not in STATUSES:
        yield ".status", f"status is {location.status!r}", f"give one of {', '.join(STATUSES)}"
    yield from _name_faults(location.local_name or "")
    if isinstance(location, TreeLocation):
        yield from _identity_faults(location, prison_id)


def _level_faults(location: Location, parent: Location | None) -> Iterator[Fault]:
    level = location.level
    if level is None:
        return
    if parent is not None and parent.level is not None and level != parent.level + 1:
        yield ".level", f"level is {level} in a location of level {parent.level}", _AGAIN
    elif (level == 1) != (location.path == location.code):
        yield ".level", f"level is {level} and the path {location.path!r}", _AGAIN


def _name_faults(name: str) -> Iterator[Fault]:
    if len(name) > _NAME_LENGTH_MAX:
        what = f"localName has {len(name)} characters, more than {_NAME_LENGTH_MAX}"
        yield ".localName", what, "shorten it"
    elif not " ".join(name.split()).isprintable() or name.startswith("="):
        yield ".localName", f"localName is {name!r}", "give words without control characters"


def _identity_faults(location: TreeLocation, prison_id: str) -> Iterator[Fault]:
    if location.prison_id not in {None, prison_id}:
        what = f"prisonId is {location.prison_id!r} in an export of {prison_id}"
        yield ".prisonId", what, "export each prison to a file of its own"
    elif location.key not in {None, f"{prison_id}-{location.path}"}:
        what = f"key is {location.key!r}, not '{prison_id}-{location.path}'"
        yield ".key", what, _AGAIN


def _number_faults(placed: Placed) -> Iterator[Fault]:
    capacity = getattr(placed.location, "capacity", None)
    if not isinstance(capacity, Capacity):
        return
    stated = {
        "certifiedNormalAccommodation": capacity.certified_normal_accommodation,
        "workingCapacity": capacity.working_capacity,
        "maxCapacity": capacity.max_capacity,
    }
    inner = ".capacity" if isinstance(placed.location, TreeLocation) else ""
    is_cell = placed.location.location_type == CELL
    high = _CELL_PLACES_MAX if is_cell else _PLACES_MAX
    found = [*_out_of_range(stated, high=high)]
    found += _excess(capacity.working_capacity, capacity.max_capacity)
    yield from ((f"{inner}{at}", what, cure) for at, what, cure in found)


def _out_of_range(stated: Mapping[str, int | None], *, high: int) -> Iterator[Fault]:
    for name, number in stated.items():
        if number is not None and not 0 <= number <= high:
            yield f".{name}", f"{name} is {number}", f"give a whole number from 0 up to {high:,}"


def _excess(working: int | None, most: int | None) -> list[Fault]:
    if working is None or most is None or working <= most:
        return []
    return [("", f"the working capacity {working} is above the maximum {most}", "correct either")]

"""JSON exports of HMPPS's locations service: what each location is, as one file states it.

Four exports are told apart by their content: the cell certificate, trees or lists of locations,
the residential summary and the residential hierarchy. Fields that are not declared here are not
read; among them are all that hold names of people or free text.

The shapes are those of ministryofjustice/hmpps-locations-inside-prison-api, revision 2f3fbc4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from estate.errors import Problem
from estate.sources.sheet import SIZE_MB_MAX, refusal

CELL, ROOM = "CELL", "ROOM"


class Kind(IntEnum):
    """The exports, in the order in which their statements are preferred."""

    CERTIFICATE = 1
    LOCATIONS = 2
    SUMMARY = 3
    HIERARCHY = 4

    @property
    def label(self) -> str:
        """Return what people call the export."""
        return _LABELS[self]


_LABELS = {
    Kind.CERTIFICATE: "cell certificate",
    Kind.LOCATIONS: "locations",
    Kind.SUMMARY: "residential summary",
    Kind.HIERARCHY: "residential hierarchy",
}


class Location(msgspec.Struct, rename="camel", kw_only=True):
    """What every export may say of a location; `children` and `path` bear other names in each."""

    code: str
    path: str
    location_type: str
    level: int | None = None
    local_name: str | None = None
    status: str | None = None
    accommodation_types: list[str] | None = None
    specialist_cell_types: list[str] | None = None
    converted_cell_type: str | None = None
    children: list[Any] | None = None


class Capacity(msgspec.Struct, rename="camel", kw_only=True):
    """Places of a location: certified normal accommodation, in use now, and at most."""

    certified_normal_accommodation: int | None = None
    working_capacity: int | None = None
    max_capacity: int | None = None


class CertificateLocation(Location, rename="camel", kw_only=True):
    """A CellCertificateLocationDto."""

    code: str = msgspec.field(name="locationCode")
    path: str = msgspec.field(name="pathHierarchy")
    children: list[Any] | None = msgspec.field(name="subLocations", default=None)
    certified_normal_accommodation: int | None = None
    working_capacity: int | None = None
    max_capacity: int | None = None

    @property
    def capacity(self) -> Capacity:
        """Return the places."""
        return Capacity(
            certified_normal_accommodation=self.certified_normal_accommodation,
            working_capacity=self.working_capacity,
            max_capacity=self.max_capacity,
        )


class TreeLocation(Location, rename="camel", kw_only=True):
    """A Location, alone, in a tree or in a summary."""

    code: str
    path: str = msgspec.field(name="pathHierarchy")
    children: list[Any] | None = msgspec.field(name="childLocations", default=None)
    prison_id: str | None = None
    key: str | None = None
    wing_structure: list[str] | None = None
    permanently_inactive: bool | None = None
    active: bool | None = None
    is_residential: bool | None = None
    capacity: Capacity | None = None


class HierarchyLocation(Location, rename="camel", kw_only=True):
    """A PrisonHierarchyDto, which does not say of which prison it is."""

    code: str = msgspec.field(name="locationCode")
    path: str = msgspec.field(name="fullLocationPath")
    children: list[Any] | None = msgspec.field(name="subLocations", default=None)


class Certificate(msgspec.Struct, rename="camel", kw_only=True):
    """A CellCertificateDto. `approved_date` is a date and time without a zone."""

    prison_id: str
    approved_date: str
    current: bool | None = None
    total_cna: int | None = msgspec.field(name="totalCertifiedNormalAccommodation", default=None)
    total_working_capacity: int | None = None
    total_max_capacity: int | None = None
    signed_operation_capacity: int | None = None
    locations: list[Any] | None = None


class PrisonSummary(msgspec.Struct, rename="camel", kw_only=True):
    """The prison's own figures in a ResidentialSummary."""

    working_capacity: int | None = None
    max_capacity: int | None = None
    signed_operational_capacity: int | None = None


class Summary(msgspec.Struct, rename="camel", kw_only=True):
    """A ResidentialSummary; its locations are read one by one."""

    prison_summary: PrisonSummary | None = None
    sub_locations: list[Any] | None = None


T = TypeVar("T", bound=msgspec.Struct)

_LOCATION_TYPES: Mapping[Kind, type[Location]] = {
    Kind.CERTIFICATE: CertificateLocation,
    Kind.LOCATIONS: TreeLocation,
    Kind.SUMMARY: TreeLocation,
    Kind.HIERARCHY: HierarchyLocation,
}
_SUMMARY_FIELDS = {"prisonSummary", "topLevelLocationType", "locationHierarchy", "subLocations"}
_CERTIFICATE_FIELDS = {"approvedDate", "certificationApprovalRequestId", "totalMaxCapacity"}

# msgspec's words for JSON's types, in ours.
_WORDS = {
    "int": "a whole number",
    "float": "a number with a fraction",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One export: a file is one, or a list of several. `place` is its JSON path in the file."""

    path: Path
    place: str
    kind: Kind
    content: Mapping[str, Any]

    @property
    def prison_id(self) -> str:
        """Return the prison that it names, "" where it names none."""
        below = self.content.get("subLocations")
        candidates = [self.content, self.content.get("parentLocation")]
        candidates += below[:1] if isinstance(below, list) else []
        named = [c.get("prisonId") for c in candidates if isinstance(c, dict)]
        return next((n for n in named if isinstance(n, str)), "")

    def problem(self, where: str, what: str, cure: str) -> Problem:
        """Return a problem at a JSON path within the document."""
        return Problem(self.path.name, f"{self.place}{where}", what, cure)


def read_documents(path: Path) -> tuple[tuple[Document, ...], tuple[Problem, ...]]:
    """Return the exports that a file holds, and what in it is none.

    Raises
    ------
    InputError
        When the file is missing, empty, too large, not UTF-8 or not JSON.
    """
    content = _content(path)
    placed = [("$", content)]
    if isinstance(content, list):
        placed = [(f"$[{at}]", item) for at, item in enumerate(content)]
    documents, problems = [], []
    for place, item in placed:
        kind = _kind(item) if isinstance(item, dict) else None
        if isinstance(item, dict) and kind is not None:
            documents.append(Document(path=path, place=place, kind=kind, content=item))
        else:
            what = "this is no cell certificate, location, residential summary or hierarchy"
            problems.append(Problem(path.name, place, what, "export it from the locations service"))
    if not placed:
        what, cure = "the list is empty", "export a prison that has locations"
        problems.append(Problem(path.name, "$", what, cure))
    return tuple(documents), tuple(problems)


def _kind(item: Mapping[str, Any]) -> Kind | None:
    fields = item.keys()
    if "fullLocationPath" in fields:
        return Kind.HIERARCHY
    if {"pathHierarchy", "prisonId"} <= fields:
        return Kind.LOCATIONS
    if "pathHierarchy" in fields:
        return None  # A part of a certificate, which says neither its prison nor its date.
    if not _CERTIFICATE_FIELDS.isdisjoint(fields):
        return Kind.CERTIFICATE
    return None if _SUMMARY_FIELDS.isdisjoint(fields) else Kind.SUMMARY


def _content(path: Path) -> object:
    text = _text(path)
    try:
        return msgspec.json.decode(text)
    except RecursionError as error:
        raise refusal(path, "it is nested too deeply", "export it again") from error
    except msgspec.MsgspecError as error:
        found = re.search(r"\(byte (\d+)\)", str(error))
        line = text.encode().count(b"\n", 0, int(found[1])) + 1 if found else 0
        place = f"line {line}" if found else ""
        what = f"it is not JSON ({error})"
        raise refusal(path, what, "export it again, whole and unedited", place=place) from error


def _text(path: Path) -> str:
    if path.is_dir():
        raise refusal(path, "it is a folder", "name a file in it")
    try:
        size = path.stat().st_size
        if size > SIZE_MB_MAX * 1e6:
            what = f"the file is {size / 1e6:,.1f} MB, more than {SIZE_MB_MAX:g} MB"
            raise refusal(path, what, "export one prison to a file")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise refusal(path, "there is no such file", "check the name and the folder") from error
    except OSError as error:
        what = f"it cannot be opened ({error.strerror or error})"
        raise refusal(path, what, "check that it is a file that you may read") from error
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"byte {error.start + 1} of the file (0x{content[error.start]:02x}) is not UTF-8"
        raise refusal(path, what, "save it as UTF-8", place=f"line {line}") from error
    if not text.strip():
        raise refusal(path, "the file is empty", "export it again")
    return text


def typed(
    document: Document, item: object, kind: type[T], *, where: str
) -> tuple[T | None, list[Problem]]:
    """Return an object of the export as its type, and every fault of its fields.

    A field with a fault is left out, so that the rest can be read; None where that cannot be.
    """
    fields = dict(item) if isinstance(item, dict) else item
    problems: list[Problem] = []
    dropped: set[str] = set()
    while True:
        try:
            return msgspec.convert(fields, kind), problems
        except msgspec.ValidationError as error:
            fault, _, at = str(error).partition(" - at ")
            inner = at.strip("`").removeprefix("$")
            missing = re.search(r"missing required field `(\w+)`", fault)
            if missing is None or missing[1] not in dropped:
                what, cure = _wording(fault), "export it again, unedited"
                problems.append(document.problem(f"{where}{inner}", what, cure))
            name = re.split(r"[.\[]", inner.removeprefix("."))[0]
            if not isinstance(fields, dict) or name not in fields:
                return None, problems
            del fields[name]
            dropped.add(name)


def _wording(fault: str) -> str:
    missing = re.search(r"missing required field `(\w+)`", fault)
    if missing:
        return f"{missing[1]} is missing"
    wanted, _, found = fault.replace("`", "").removeprefix("Expected ").partition(", got ")
    expected = " or ".join(_WORDS.get(word, word) for word in wanted.split(" | "))
    return f"there is {_WORDS.get(found, found)} where {expected} belongs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A location of a document, its JSON path there, and the location that it stands in."""

    location: Location
    where: str
    parent: Placed | None


def locations(
    document: Document, roots: Sequence[tuple[object, str]]
) -> Iterator[tuple[Placed | None, list[Problem]]]:
    """Yield every location of some trees, each before those in it, with the faults of its fields.

    A location that cannot be read is None; those in it follow all the same, without a parent.

    Parameters
    ----------
    roots
        The outermost locations as decoded, each with its JSON path in the document.
    """
    kind = _LOCATION_TYPES[document.kind]
    (children,) = (f.encode_name for f in msgspec.structs.fields(kind) if f.name == "children")
    stack: list[tuple[object, str, Placed | None]] = [(*root, None) for root in reversed(roots)]
    while stack:
        item, where, parent = stack.pop()
        location, problems = typed(document, item, kind, where=where)
        placed = None if location is None else Placed(location=location, where=where, parent=parent)
        yield placed, problems
        inside = item.get(children) if isinstance(item, dict) else None
        if isinstance(inside, list):
            paths = [(child, f"{where}.{children}[{at}]") for at, child in enumerate(inside)]
            stack += [(*path, placed) for path in reversed(paths)]

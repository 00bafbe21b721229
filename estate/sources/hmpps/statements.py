"""What exports of HMPPS's locations service state of each prison, and the faults in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from enum import IntEnum
from typing import TYPE_CHECKING

from estate.errors import InputError, Problem
from estate.sources.hmpps.export import (
    Capacity,
    Certificate,
    Document,
    Kind,
    Placed,
    PrisonSummary,
    Summary,
    TreeLocation,
    locations,
    read_documents,
    typed,
)
from estate.sources.hmpps.faults import LOCKED, location_faults, total_faults

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from estate.sources.hmpps.export import Location
    from estate.sources.hmpps.faults import Fault

    _Roots = list[tuple[object, str]]  # Outermost locations, each with its JSON path.


class Use(IntEnum):
    """What a cell is used for; of two statements the later in this order is believed."""

    ACTIVE = 0
    INACTIVE = 1
    DRAFT = 2
    NON_RESIDENTIAL = 3
    CONVERTED = 4
    ARCHIVED = 5


_BY_STATUS = {
    "ACTIVE": Use.ACTIVE,
    "INACTIVE": Use.INACTIVE,
    "DRAFT": Use.DRAFT,
    "NON_RESIDENTIAL": Use.CONVERTED,
    "ARCHIVED": Use.ARCHIVED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One location as one file states it; None and "" mean that the file does not say.

    `nested` says whether the file holds it within another location.
    """

    document: Document
    where: str
    nested: bool
    path: str
    code: str
    location_type: str
    name: str
    structure: tuple[str, ...]
    use: Use | None
    capacity: Capacity
    accommodation: tuple[str, ...]
    specialist: tuple[str, ...]

    @property
    def parent(self) -> str:
        """Return the path of the location that it stands in, "" at the top.

        It is shorter than the location's own whatever an export says, so no chain is a circle.
        """
        inside = self.code and self.path.endswith(f"-{self.code}")
        return self.path[: -len(self.code) - 1] if inside else ""

    def problem(self, what: str, cure: str) -> Problem:
        """Return a problem at the location's place in its file."""
        return self.document.problem(self.where, what, cure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A current certificate, the day of its approval, and the document it stands in."""

    certificate: Certificate
    approved_on: date
    document: Document


@dataclass(slots=True, kw_only=True)
class PrisonStatements:
    """All that the files state of one prison."""

    prison_id: str
    documents: list[Document] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    certificates: list[Approved] = field(default_factory=list)
    superseded: list[Document] = field(default_factory=list)
    summaries: list[PrisonSummary] = field(default_factory=list)


class Reader:
    """Reads exports and gathers what they state and every fault in them."""

    def __init__(self, *, known: Collection[str], today: date) -> None:
        self.known = known
        self.today = today
        self.prisons: dict[str, PrisonStatements] = {}
        self.problems: list[Problem] = []

    def read(self, paths: Sequence[Path], *, prison_id: str) -> None:
        """Read the exports in some files; `prison_id` is the prison of those that name none."""
        documents: list[Document] = []
        for path in dict.fromkeys(paths):
            try:
                found, problems = read_documents(path)
            except InputError as error:
                self.problems += error.problems
            else:
                self.problems += problems
                documents += found
        named = {document.prison_id for document in documents} - {""}
        refused: set[tuple[Path, str]] = set()
        for document in documents:
            prison = document.prison_id or prison_id or self._prison_of(document.path, named)
            if prison in self.known:
                self._read(document, prison)
            elif (document.path, prison) not in refused:  # A list may name it a thousand times.
                refused.add((document.path, prison))
                self.problems.append(self._unknown(document, prison))
        self._check_certificates()
        self._check_repeats()

    def _prison_of(self, path: Path, named: Collection[str]) -> str:
        """Return the prison in the file's name, else the only one that other files name."""
        words = {word for word in re.split(r"[^A-Za-z0-9]+", path.stem) if word in self.known}
        candidates = words or named
        return next(iter(candidates)) if len(candidates) == 1 else ""

    def _unknown(self, document: Document, prison_id: str) -> Problem:
        if not prison_id:
            what = "it does not say of which prison it is"
            return document.problem("", what, "name the prison with --prison, such as --prison MDI")
        near = get_close_matches(prison_id.upper(), sorted(self.known), n=1)
        cure = f"did you mean {near[0]}?" if near else "give a prison of the register"
        return document.problem("", f"the prison {prison_id!r} is unknown", cure)

    def _read(self, document: Document, prison_id: str) -> None:
        prison = self.prisons.setdefault(prison_id, PrisonStatements(prison_id=prison_id))
        prison.documents.append(document)
        roots: _Roots = [(document.content, "")]
        if document.kind is Kind.CERTIFICATE:
            roots = self._certificate_roots(document, prison)
        elif document.kind is Kind.SUMMARY:
            roots = self._summary_roots(document, prison)
        for placed, problems in locations(document, roots):
            self.problems += problems
            if placed is not None:
                self._add(document, location_faults(placed, prison_id), below=placed.where)
                prison.statements.append(_statement(document, placed))

    def _add(self, document: Document, faults: Iterable[Fault], *, below: str) -> None:
        problems = (document.problem(f"{below}{at}", what, cure) for at, what, cure in faults)
        self.problems += problems

    def _certificate_roots(self, document: Document, prison: PrisonStatements) -> _Roots:
        """Return the wings of a certificate; keep its totals. A superseded one is only noted."""
        certificate, problems = typed(document, document.content, Certificate, where="")
        self.problems += problems
        if certificate is not None and certificate.current is False:
            prison.superseded.append(document)
            return []
        if certificate is not None:
            totals = {
                "totalCertifiedNormalAccommodation": certificate.total_cna,
                "totalWorkingCapacity": certificate.total_working_capacity,
                "totalMaxCapacity": certificate.total_max_capacity,
                "signedOperationCapacity": certificate.signed_operation_capacity,
            }
            self._add(document, total_faults(totals), below="")
            day = self._day(document, certificate.approved_date)
            approved = Approved(certificate=certificate, approved_on=day, document=document)
            prison.certificates.append(approved)
        return _listed(document.content, "locations")

    def _summary_roots(self, document: Document, prison: PrisonStatements) -> _Roots:
        """Return the locations of a summary; keep the prison's own figures."""
        summary, problems = typed(document, document.content, Summary, where="")
        self.problems += problems
        if summary is not None and summary.prison_summary is not None:
            figures = summary.prison_summary
            stated = {
                "workingCapacity": figures.working_capacity,
                "maxCapacity": figures.max_capacity,
                "signedOperationalCapacity": figures.signed_operational_capacity,
            }
            self._add(document, total_faults(stated), below=".prisonSummary")
            prison.summaries.append(figures)
        above = document.content.get("parentLocation")
        roots: _Roots = [] if above is None else [(above, ".parentLocation")]
        return roots + _listed(document.content, "subLocations")

    def _day(self, document: Document, text: str) -> date:
        try:
            day = date.fromisoformat(text[:10])
        except ValueError:
            what = f"approvedDate is {text!r}"
            cure = "give a date and time such as 2026-07-01T12:00:00"
            self.problems.append(document.problem(".approvedDate", what, cure))
            return self.today
        if day > self.today:
            what = f"approvedDate is {text!r}, which is in the future"
            cure = f"give a date not after {self.today.isoformat()}"
            self.problems.append(document.problem(".approvedDate", what, cure))
        return day

    def _check_certificates(self) -> None:
        for prison in self.prisons.values():
            for approved in prison.certificates[1:]:
                first = prison.certificates[0].document
                what = f"this is a second current certificate of {prison.prison_id}"
                cure = f"keep one; the other is {first.path.name} {first.place}"
                self.problems.append(approved.document.problem("", what, cure))
            for approved in prison.certificates[:1]:
                if not prison.statements and not approved.document.content.get("locations"):
                    what = f"the certificate of {prison.prison_id} holds totals and no locations"
                    cure = "export it with its locations, or name the file that holds them as well"
                    self.problems.append(approved.document.problem(".locations", what, cure))
            if prison.superseded and not prison.certificates:
                what = f"the certificate of {prison.prison_id} is not the current one"
                cure = "export the current certificate"
                self.problems.append(prison.superseded[0].problem(".current", what, cure))

    def _check_repeats(self) -> None:
        for prison in self.prisons.values():
            first: dict[tuple[Path, str], Statement] = {}
            for statement in prison.statements:
                document = statement.document
                earlier = first.setdefault((document.path, statement.path), statement)
                if earlier is not statement:
                    place = f"{earlier.document.place}{earlier.where}"
                    what = f"{prison.prison_id}-{statement.path} stands at {place} already"
                    self.problems.append(statement.problem(what, "keep one of the two"))


def _listed(content: Mapping[str, object], name: str) -> _Roots:
    items = content.get(name)
    listed = items if isinstance(items, list) else []
    return [(item, f".{name}[{at}]") for at, item in enumerate(listed)]


def _statement(document: Document, placed: Placed) -> Statement:
    location = placed.location
    own = location if isinstance(location, TreeLocation) else None
    capacity = getattr(location, "capacity", None)
    return Statement(
        document=document,
        where=placed.where,
        nested=placed.parent is not None,
        path=location.path,
        code=location.code,
        location_type=location.location_type,
        name=" ".join((location.local_name or "").split()),
        structure=tuple((own.wing_structure if own else None) or ()),
        use=_use(location),
        capacity=capacity or Capacity(),
        accommodation=tuple(location.accommodation_types or ()),
        specialist=tuple(location.specialist_cell_types or ()),
    )


def _use(location: Location) -> Use | None:
    """Return the last in order of the uses that a location's fields mean."""
    uses = []
    if location.status is not None:
        uses.append(_BY_STATUS.get(location.status.removeprefix(LOCKED), Use.ACTIVE))
    if location.converted_cell_type is not None:
        uses.append(Use.CONVERTED)
    if set(location.accommodation_types or ()) == {"OTHER_NON_RESIDENTIAL"}:
        uses.append(Use.NON_RESIDENTIAL)
    if isinstance(location, TreeLocation):
        if location.is_residential is False:
            uses.append(Use.NON_RESIDENTIAL)
        if location.active is False:
            uses.append(Use.INACTIVE)
        if location.permanently_inactive:
            uses.append(Use.ARCHIVED)
    return max(uses, default=None)

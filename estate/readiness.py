"""Who could go first: the evidence ladder, each rung with its source and date."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from estate.model import DATA_CABLING, Evidence, Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estate.model import Establishment, Wing


class Rung(StrEnum):
    """The ladder from the best evidence down; unknown is not a rung but a gap in what we know."""

    DEVICES = "devices"
    DATA_CABLING = "data_cabling"
    TELEPHONY = "telephony"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


LABELS = {
    Rung.DEVICES: "devices live",
    Rung.DATA_CABLING: "in-cell data cabling",
    Rung.TELEPHONY: "in-cell telephony",
    Rung.NOTHING: "nothing in cell",
    Rung.UNKNOWN: "not known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The highest rung that a source supports, and what that source is."""

    rung: Rung
    source: str
    dated: str
    caution: str = ""
    grade: Grade = Grade.ASSUMED


_MOST = 0.5  # Of the cells: where most are cabled, the prison is.

_NOT_SURVEYED = "no cell has been surveyed."
_SCHEDULED = f"As a wing schedule states; {_NOT_SURVEYED}"
_NOT_SIGNED = "Drawn in the survey, and not all of it signed as measured."

_CAUTIONS = {
    Rung.DEVICES: "The source says that the site is served, not that every cell is.",
    Rung.DATA_CABLING: f"Designed in or reported for the site; {_NOT_SURVEYED}",
    Rung.TELEPHONY: "Medium and number of pairs are unknown until surveyed.",
    Rung.NOTHING: "The source denies telephony; data cabling and devices only by silence.",
    Rung.UNKNOWN: "No source speaks; this is not the same as nothing in cell.",
}


def readiness_of(prison: Establishment, wings: Sequence[Wing] = ()) -> Readiness:
    """Return the highest rung that the evidence of the site and of its wings supports.

    Data cabling that a wing schedule or survey states for most cells counts as much as a source
    that speaks of the site. "Nothing" needs a source that says so; where none speaks, the answer
    is unknown.
    """
    found = (
        _said(Rung.DEVICES, prison.devices)
        or _cabling_of(wings)
        or _said(Rung.DATA_CABLING, prison.data_cabling)
        or _said(Rung.TELEPHONY, prison.telephony)
    )
    if found is not None:
        return found
    if prison.telephony.value == "no":
        silent = "unknown" in (prison.data_cabling.value, prison.devices.value)
        return Readiness(
            rung=Rung.NOTHING,
            source=prison.telephony.source,
            dated=prison.telephony.dated,
            caution=_CAUTIONS[Rung.NOTHING] if silent else "",
            grade=prison.telephony.grade,
        )
    return Readiness(rung=Rung.UNKNOWN, source="", dated="", caution=_CAUTIONS[Rung.UNKNOWN])


def _said(rung: Rung, evidence: Evidence) -> Readiness | None:
    """Return a rung of which a source says that the prison has it, None where none says so."""
    if evidence.value != "yes":
        return None
    return Readiness(
        rung=rung,
        source=evidence.source,
        dated=evidence.dated,
        caution=_CAUTIONS[rung],
        grade=evidence.grade,
    )


def _cabling_of(wings: Sequence[Wing]) -> Readiness | None:
    """Return what wings show if most of the prison's cells have data cabling, else None."""
    cells = sum(wing.cells for wing in wings)
    cabled = [wing for wing in wings if wing.shape.cabling in DATA_CABLING]
    share = sum(wing.cells for wing in cabled) / cells if cells else 0.0
    if share <= _MOST:
        return None
    grade = max(wing.grade_of("cabling") for wing in cabled)
    is_drawn = all(wing.source == "survey" for wing in cabled)
    return Readiness(
        rung=Rung.DATA_CABLING,
        source=f"{'survey' if is_drawn else 'wing schedule'}: {share:.0%} of cells cabled",
        dated=max(wing.surveyed_on for wing in cabled),
        caution="" if grade == Grade.SURVEYED else _NOT_SIGNED if is_drawn else _SCHEDULED,
        grade=grade,
    )


def what_the_register_shows(prisons: Iterable[Establishment]) -> str:
    """Return what our register can and cannot show of the published count of cabled prisons.

    The count is from the Centre for Social Justice, Digital Technology in Prisons, January 2021.
    """
    named = [p for p in prisons if "yes" in (p.devices.value, p.data_cabling.value)]
    return (
        "In January 2021, 18 of 117 prisons had in-cell data cabling (Centre for Social Justice, "
        "Digital Technology in Prisons). The source does not name them. "
        f"This register names {len(named)} prisons where a source shows live devices or in-cell "
        "data cabling today; it cannot show which of the 18 they include, when each was cabled, "
        "or how many of a prison's cells the cabling reaches. A survey can."
    )

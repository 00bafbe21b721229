"""Bringing a survey into a workspace: all of it, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from estate.errors import Problem
from estate.sources.survey import Survey, scan_survey
from estate.sources.survey_layers import write_survey
from estate.sources.table import require_sound
from estate.survey.alike import gathered
from estate.survey.check import survey_problems
from estate.survey.known_cells import missing_keys, unknown_key_problems
from estate.survey.position import place_problems
from estate.survey.wings import by_wing, cells_of, prison_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from estate.model import Establishment
    from estate.sizing import Sizing


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedWing:
    """A wing of an imported survey; `cells_before` is None for one that was not known.

    `missing` has the location keys of its imported cells that the survey does not draw.
    """

    wing: str
    cells: int
    cells_before: int | None
    features: int
    signed: int
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did: the prison, what it now has, and the wings that are gone."""

    prison_id: str
    path: Path
    replaced: bool
    features: int
    signed: int
    half_signed: int
    wings: tuple[SurveyedWing, ...]
    gone: tuple[str, ...]


def import_survey(
    path: Path,
    *,
    into: Path,
    prisons: Mapping[str, Establishment],
    sizings: Mapping[str, Sizing],
    marking: str,
) -> Imported:
    """Put a survey into a folder as PRISON.gpkg, in place of an earlier one.

    `sizings` holds the wings of each prison as register and schedule have them.

    Raises
    ------
    InputError
        When the survey has any fault; every one is listed, those of many features that are alike
        in one line, and nothing is written.
    """
    reading = scan_survey(path)
    survey = reading.survey
    prison_id = prison_of(survey, known=prisons)
    problems = [*reading.problems, *survey_problems(survey, known=prisons)]
    parts = by_wing(survey, prison_id=prison_id)
    if prison_id:
        problems += place_problems(parts, prisons[prison_id])
        problems += _wing_problems(survey, parts, prison_id, sizings[prison_id])
    require_sound(path.name, gathered(problems))
    target = into / f"{prison_id}.gpkg"
    replaced = target.exists()
    into.mkdir(parents=True, exist_ok=True)
    write_survey(survey, target, prison=prisons[prison_id].name, marking=marking)
    before = {wing.wing: wing.cells for wing in sizings[prison_id].wings}
    missing = missing_keys(parts, sizings[prison_id])
    return Imported(
        prison_id=prison_id,
        path=target,
        replaced=replaced,
        features=len(survey),
        signed=_signed(survey),
        half_signed=sum(
            bool(f.text("surveyed_by")) != bool(f.text("surveyed_on")) for f in survey.features()
        ),
        wings=tuple(
            SurveyedWing(
                wing=code,
                cells=len(cells_of(part)),
                cells_before=before.get(code),
                features=len(part),
                signed=_signed(part),
                missing=missing.get(code, ()),
            )
            for code, part in parts.items()
        ),
        gone=tuple(code for code in before if code not in parts),
    )


def _signed(survey: Survey) -> int:
    return sum(feature.is_signed for feature in survey.features())


def _wing_problems(
    survey: Survey, parts: Mapping[str, Survey], prison_id: str, sizing: Sizing
) -> Iterator[Problem]:
    """Yield what contradicts the custodial tree as register and schedule have it.

    A prison of which every wing is scheduled has no others. Where wings were assumed to make up
    its places, any code may be one of them.
    """
    place = "layer spaces"
    if sizing.excluded:
        what = f"{prison_id} is not planned: {sizing.excluded}"
        yield Problem(survey.file, place, what, "correct inputs/register.csv first")
        return
    yield from unknown_key_problems(parts, sizing)
    if any(wing.source == "typology" for wing in sizing.wings):
        return
    codes = [wing.wing for wing in sizing.wings]
    for code in parts:
        if code not in codes:
            near = get_close_matches(code, codes, n=1)
            cure = f"did you mean {near[0]}?" if near else f"use one of {', '.join(codes)}"
            what = f"the wing schedule of {prison_id} has no wing {code}"
            yield Problem(survey.file, place, what, cure)

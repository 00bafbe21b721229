"""Design wings that a survey joins by a duct, as one problem and apart, and compare.

Usage: python -m benchmarks.blocks. The wings of a row are alike, drawn as a draft draws them, and
joined one after the other by 20 m of duct from where the way to the comms room enters them.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, replace
from itertools import pairwise
from time import process_time
from typing import TYPE_CHECKING

import shapely

from benchmarks.designs import shipped_catalogue
from benchmarks.measuring import aligned
from estate.cabling.cache import design_catalogue
from estate.model import Grade, Wing, WingShape
from estate.plan import Proof
from estate.problems import Wings, tasks_of
from estate.sizing import Sizing
from estate.sources.survey import Feature, Survey
from estate.survey import draft
from estate.survey.draft import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.catalogue import Catalogue
    from estate.model import Point

_PRISON, _AT = "LEI", (430_000.0, 433_000.0)
_BETWEEN_M = 20.0
_HEADINGS = (
    "wings",
    "cells each",
    "apart",
    "within",
    "as one",
    "within",
    "saved",
    "CPU s apart",
    "as one",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """So many wings of one shape."""

    wings: int
    shape: WingShape


def main() -> None:
    """Print a row for each kind of wing, with costs in pounds over the whole life."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    catalogue = shipped_catalogue()
    print(aligned(_HEADINGS, [_measured(row, catalogue) for row in _rows()]))


def _rows() -> Iterator[Row]:
    spurs = WingShape(
        typology="two_spur_block",
        layout=((15, 15), (15, 15)),
        material="concrete",
        thickness_mm=200,
        distance_to_comms_m=45.0,
    )
    brick = replace(spurs, layout=((15, 15),) * 3, material="brick", thickness_mm=215)
    gallery = replace(
        spurs, typology="radial_gallery", layout=((14,),) * 3, material="stone", thickness_mm=500
    )
    for shape, most in (
        (spurs, 6),
        (replace(spurs, layout=((20, 20),) * 3), 3),
        (brick, 3),
        (gallery, 2),
        (replace(gallery, layout=((28,),) * 5), 2),
    ):
        yield from (Row(wings=wings, shape=shape) for wings in (2, 3, 6) if wings <= most)


def _measured(row: Row, catalogue: Catalogue) -> tuple[str, ...]:
    """Return what the wings of a row cost apart and as one, how sure that is, and the seconds."""
    sizing = Sizing(wings=tuple(_wing("ABCDEF"[n], row.shape) for n in range(row.wings)))
    drawn = draft(sizing, at=_AT)
    (apart, apart_s), (whole, whole_s) = (
        _designed(sizing, survey, catalogue) for survey in (drawn, _joined(drawn, sizing))
    )
    saved = float((apart.cost_gbp - whole.cost_gbp) / apart.cost_gbp)
    return (
        f"{row.wings} x {row.shape.typology}, {row.shape.material}",
        f"{row.shape.cells}",
        f"{apart.cost_gbp:,.0f}",
        f"{apart.gap:.1%}",
        f"{whole.cost_gbp:,.0f}",
        f"{whole.gap:.1%}",
        f"{saved:.1%}",
        f"{apart_s:.1f}",
        f"{whole_s:.1f}",
    )


def _designed(sizing: Sizing, survey: Survey, catalogue: Catalogue) -> tuple[Proof, float]:
    """Return how good the designs of a survey are together, and the CPU seconds of all."""
    wings = Wings(sizings={_PRISON: sizing}).with_survey(survey, _PRISON, catalogue)
    begun_s = process_time()
    tasks = tasks_of(wings, {}, {_PRISON: design_catalogue(catalogue)})
    designs = [design for task in tasks for design in task.designs()]
    return Proof.of(designs), process_time() - begun_s


def _wing(code: str, shape: WingShape) -> Wing:
    return Wing(
        prison_id=_PRISON,
        wing=code,
        name=f"Wing {code}",
        shape=shape,
        cells_low=float(shape.cells),
        cells_high=float(shape.cells),
        grade=Grade.ASSUMED,
        assumed=(),
        power="unknown",
        asbestos="unknown",
        listed="unknown",
        decant_possible="unknown",
        surveyed_on="",
        source="typology",
        basis="benchmark",
    )


def _joined(survey: Survey, sizing: Sizing) -> Survey:
    """Return a survey with a duct from each wing to the next."""
    codes = [wing.wing for wing in sizing.wings]
    ends = {code: _inner_end(survey, code) for code in codes}
    ducts = []
    for one, other in pairwise(codes):
        facts = {"span_id": f"{one} to {other}", "wing": one, "floor": 0, "state": "new"}
        facts |= {"containment": "duct", "length_m": _BETWEEN_M}
        line = shapely.LineString([ends[one], ends[other]])
        ducts.append(Feature(layer="spans", facts={**BLANK["spans"], **facts}, geometry=line))
    return Survey(layers={**survey.layers, "spans": (*survey.layers["spans"], *ducts)})


def _inner_end(survey: Survey, code: str) -> Point:
    """Return the end of a wing's way to its comms room that is not at the rack."""
    (link,) = (s for s in survey.layers["spans"] if s.name == f"{_PRISON}-{code}/comms-link")
    (rack,) = (d for d in survey.layers["distributors"] if d.text("wing") == code)
    ends: list[Point] = list(link.geometry.coords)
    return max(ends, key=lambda end: float(shapely.Point(end).distance(rack.geometry)))


if __name__ == "__main__":
    main()

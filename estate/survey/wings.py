"""Which prison a survey is of, and which wing each of its features belongs to."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import shapely

from estate.sources.survey import Survey
from estate.survey.ground import plant_of_site
from estate.survey.routes import SNAP_M, rises_to
from estate.tables import SURVEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from estate.sources.survey import Feature

CELL = "cell"
_OF_A_WING = tuple(table.name for table in SURVEY if "wing" in table.names)


def cells_of(survey: Survey) -> list[Feature]:
    """Return the cells, in the order of the survey."""
    return [space for space in survey.layers["spaces"] if space.text("kind") == CELL]


def prison_of(survey: Survey, *, known: Collection[str]) -> str:
    """Return the prison that most location keys begin with, "" where none begins with any.

    An id may hold a hyphen, so the longest that fits is meant.
    """
    ids = sorted(known, key=lambda prison_id: (-len(prison_id), prison_id))
    found: Counter[str] = Counter()
    for space in survey.layers["spaces"]:
        key = space.text("location_key")
        found.update([p for p in ids if key.startswith(f"{p}-")][:1])
    return found.most_common(1)[0][0] if found else ""


def codes_below(space: Feature, *, prison_id: str) -> list[str]:
    """Return the codes of a location key below its prison: wing, landing, cell as a rule."""
    key = space.text("location_key")
    return key.removeprefix(f"{prison_id}-").split("-") if key.startswith(f"{prison_id}-") else []


def by_wing(survey: Survey, *, prison_id: str) -> dict[str, Survey]:
    """Return the part of a survey that each wing is, by its code.

    A feature that names no wing belongs to that of its location key, or else of the nearest
    cell. A wing has the distributors of others with it that its own spans lead to. What is of the
    site, as ducts between comms rooms are, is of no wing.
    """
    of_site = plant_of_site(survey)
    owner = Owners(survey, prison_id=prison_id)
    parts: defaultdict[str, defaultdict[str, list[Feature]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for layer in _OF_A_WING:
        for feature in survey.layers[layer]:
            code = owner.of(feature)
            if code and (layer, feature.name) not in of_site:
                parts[code][layer].append(feature)
    for layers in parts.values():
        layers["distributors"] += _met(survey.layers["distributors"], layers)
    return {
        code: Survey(
            layers={table.name: tuple(layers[table.name]) for table in SURVEY}, file=survey.file
        )
        for code, layers in parts.items()
    }


def _met(distributors: Iterable[Feature], layers: Mapping[str, Sequence[Feature]]) -> list[Feature]:
    """Return the distributors of other wings at which spans of this one end."""
    own = {feature.name for feature in layers["distributors"]}
    ends = [
        (floor, shapely.boundary(span.geometry))
        for span in layers["spans"]
        if span.geometry is not None
        for floor in ({span.floor, rises_to(span)} if _rises(span) else {span.floor})
    ]
    return [
        distributor
        for distributor in distributors
        if distributor.name not in own and distributor.geometry is not None
        if any(
            floor == distributor.floor and shapely.dwithin(end, distributor.geometry, SNAP_M)
            for floor, end in ends
        )
    ]


def _rises(span: Feature) -> bool:
    return span.text("containment") == "riser"


class Owners:
    """Tells the wing that draws a feature: the one that it states, or that of the nearest cell."""

    def __init__(self, survey: Survey, *, prison_id: str) -> None:
        self._prison_id = prison_id
        cells = [(cell.geometry, self._stated(cell)) for cell in cells_of(survey)]
        placed = [(geometry, code) for geometry, code in cells if geometry is not None and code]
        self._codes = [code for _, code in placed]
        self._tree = shapely.STRtree([geometry for geometry, _ in placed])

    def of(self, feature: Feature) -> str:
        """Return the code of a feature's wing, "" where nothing tells it."""
        stated = self._stated(feature)
        if stated or feature.geometry is None or not self._codes:
            return stated
        return self._codes[int(self._tree.nearest(feature.geometry))]

    def _stated(self, feature: Feature) -> str:
        if feature.text("wing") or feature.layer != "spaces":
            return feature.text("wing")
        return next(iter(codes_below(feature, prison_id=self._prison_id)), "")

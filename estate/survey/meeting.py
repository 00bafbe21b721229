"""Surveyed wings whose containment meets, and their networks under the names of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import networkx as nx

from estate.block import Block, Member
from estate.model import Junction, Wing
from estate.sources.survey import Survey
from estate.survey.networks import network_of, perimeter_of, storeys_of
from estate.survey.routes import trace
from estate.survey.wings import Owners, by_wing
from estate.tables import SURVEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from estate.sources.survey import Feature
    from estate.survey.routes import Routes


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """Wings of a survey, by location key, whose containment meets, and where each was drawn."""

    survey: Survey
    wings: Mapping[str, Wing]

    def traced(self, keys: Collection[str]) -> Block:
        """Return some of the wings as one block, without the containment of the others."""
        prison_id = next(iter(self.wings.values())).prison_id
        owners = Owners(self.survey, prison_id=prison_id)
        every = by_wing(self.survey, prison_id=prison_id)
        wings = [wing for key, wing in self.wings.items() if key in keys]
        parts = {wing.wing: every[wing.wing] for wing in wings}
        routes = trace(_union(self.survey, parts.values()))
        perimeter = perimeter_of(self.survey)
        return Block(
            members=tuple(
                Member(
                    key=wing.key,
                    shape=wing.shape,
                    network=replace(
                        network_of(part, _own(routes, part, parts.values())), perimeter=perimeter
                    ),
                    storeys=storeys_of(part),
                    met=tuple(
                        d.name for d in part.layers["distributors"] if owners.of(d) != wing.wing
                    ),
                )
                for wing in wings
                for part in (parts[wing.wing],)
            )
        )


def meetings_of(
    survey: Survey, parts: Mapping[str, Survey], wings: Iterable[Wing]
) -> Iterator[Meeting]:
    """Yield the wings of a sound survey whose containment meets, two or more at a time.

    `parts` has what is drawn of each wing, by its code.
    """
    known = {wing.wing: wing for wing in wings}
    drawn = {code: part for code, part in parts.items() if code in known}
    owner = {span.name: code for code, part in drawn.items() for span in part.layers["spans"]}
    routes = trace(_union(survey, drawn.values()))
    joints: defaultdict[str, set[str]] = defaultdict(set)
    for span in routes.spans:
        for end in (span.start, span.end):
            joints[end].add(owner[routes.origins[span.span_id].name])
    graph: nx.Graph[str] = nx.Graph()
    for codes in joints.values():
        nx.add_path(graph, sorted(codes))
    for group in nx.connected_components(graph):
        if len(group) > 1:
            met = {wing.key: wing for code, wing in known.items() if code in group}
            yield Meeting(survey=survey, wings=met)


def _union(survey: Survey, parts: Iterable[Survey]) -> Survey:
    """Return what is drawn of some wings, each feature once, in the order of the survey."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    for part in parts:
        for feature in part.features():
            names[feature.layer].add(feature.name)
    return Survey(
        layers={
            table.name: tuple(f for f in survey.layers[table.name] if f.name in names[table.name])
            for table in SURVEY
        },
        file=survey.file,
    )


def _own(routes: Routes, part: Survey, parts: Iterable[Survey]) -> Routes:
    """Return the routes that a wing draws; what others draw at their ends is a joint here."""
    drawn = {span.name for span in part.layers["spans"]}
    spans = tuple(s for s in routes.spans if routes.origins[s.span_id].name in drawn)
    ends = {end for span in spans for end in (span.start, span.end)}
    own = {point.name for point in _points(part)}
    foreign = {
        point.name: Junction(
            junction_id=point.name,
            floor=point.floor,
            at=(point.geometry.x, point.geometry.y),
            space_id="",
        )
        for other in parts
        for point in _points(other)
        if point.name in ends - own
    }
    junctions = tuple(j for j in routes.junctions if j.junction_id in ends)
    return replace(routes, junctions=(*junctions, *foreign.values()), spans=spans)


def _points(part: Survey) -> Iterator[Feature]:
    yield from part.layers["outlets"]
    yield from part.layers["distributors"]

"""The ground between buildings as a survey draws it: ducts, chambers, and what they lead to.

A building is what containment other than ducts joins, and a chamber is a joint of ducts. A duct
belongs to a wing where its run leads to a building without a distributor: it is that wing's way
to its comms room. Where a core is drawn, every other duct is of the site, and no cable of a wing
uses it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import networkx as nx

from estate.model import Grade, Point, Span
from estate.survey.routes import SNAP_M, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from estate.errors import Problem
    from estate.sources.survey import Feature, Survey
    from estate.survey.routes import Routes

_DUCT, _CORE = "duct", "campus_distributor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duct:
    """A length of duct from one joint to the next; `feature` is what the survey calls it.

    `ends` are buildings or chambers, `line` leads from the one to the other round its bends, and
    `cross_section_mm2` is None where it is not stated.
    """

    name: str
    feature: str
    ends: tuple[str, str]
    line: tuple[Point, ...]
    length_m: float
    exists: bool
    fill_percent: float | None
    cross_section_mm2: float | None
    grade: Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The perimeter or a building as the survey draws it, and its name if it has one."""

    kind: str
    name: str
    ring: tuple[Point, ...]
    grade: Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Ducts, chambers and buildings of a site; all points are in EPSG:27700.

    `doors` are the pairs of a chamber and a building at whose wall it is. `rooms` gives the
    building in which each distributor stands and `racks` where, `places` where each chamber is,
    and `cores` are the campus distributors.
    """

    ducts: tuple[Duct, ...]
    doors: tuple[tuple[str, str], ...]
    rooms: Mapping[str, str]
    racks: Mapping[str, Point]
    places: Mapping[str, Point]
    cores: tuple[str, ...]
    outlines: tuple[Outline, ...] = ()


def ground_of(survey: Survey) -> Ground:
    """Return the ground of a survey; features without geometry or name are left out."""
    return _Reading(survey).ground()


def plant_of_site(survey: Survey) -> frozenset[tuple[str, str]]:
    """Return layer and name of the spans and distributors that belong to no wing."""
    if not any(d.text("kind") == _CORE for d in survey.layers["distributors"]):
        return frozenset()
    return _Reading(survey).of_site


def ground_problems(survey: Survey) -> Iterator[Problem]:
    """Yield what is wrong with the ground of a survey: ducts that end in nothing, two cores."""
    cores = [d for d in survey.layers["distributors"] if d.text("kind") == _CORE]
    for core in cores[1:]:
        what = f"it is a campus_distributor, and so is {cores[0].name}: which is the core?"
        yield core.problem(what, "make it a building_distributor, or the other")
    if cores:
        yield from _Reading(survey).loose_ends()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The spans of a duct from one joint to the next, round its bends."""

    spans: tuple[Span, ...]

    @property
    def ends(self) -> tuple[str, str]:
        return self.spans[0].start, self.spans[-1].end

    @property
    def length_m(self) -> float:
        return round(sum(span.length_m for span in self.spans), 3)


def _runs(routes: Routes) -> dict[str, list[_Run]]:
    """Return the runs of each duct, by the feature's name, in the order of its line."""
    found: defaultdict[str, list[_Run]] = defaultdict(list)
    for span in routes.spans:
        if span.containment != _DUCT:
            continue
        name = routes.origins[span.span_id].name
        runs = found[name]
        if runs and span.start.startswith(f"{name}/bend-"):
            runs[-1] = _Run(spans=(*runs[-1].spans, span))
        else:
            runs.append(_Run(spans=(span,)))
    return found


def _placed(survey: Survey, layer: str) -> Iterator[Feature]:
    return (f for f in survey.layers[layer] if f.geometry is not None and f.name)


class _Reading:
    """A survey's ducts beside its other containment."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.routes = trace(survey)
        self.runs = _runs(self.routes)
        self.racks = {d.name: self.routes.joints[d.name] for d in _placed(survey, "distributors")}
        self.inside: nx.Graph[str] = nx.Graph(
            (span.start, span.end) for span in self.routes.spans if span.containment != _DUCT
        )
        self.inside.add_nodes_from(self.racks.values())

    def loose_ends(self) -> Iterator[Problem]:
        """Yield a problem for each duct of the site that ends in nothing."""
        met = Counter(end for span in self.routes.spans for end in (span.start, span.end))
        met.update(self.racks.values())
        for name, runs in self.runs.items():
            ends = (("start", runs[0].ends[0]), ("end", runs[-1].ends[1]))
            for which, end in ends if ("spans", name) in self.of_site else ():
                if met[end] == 1:
                    what = f"its {which} meets neither a span nor a distributor"
                    cure = f"end it within {SNAP_M:g} m of what it leads to, or delete it"
                    yield self.routes.origins[runs[0].spans[0].span_id].problem(what, cure)

    @cached_property
    def of_site(self) -> frozenset[tuple[str, str]]:
        """Return layer and name of the ducts and distributors that belong to no wing."""
        racked: set[str] = set()
        for part in nx.connected_components(self.inside):
            if not part.isdisjoint(self.racks.values()):
                racked |= part
        met: nx.Graph[tuple[str, str]] = nx.Graph()
        for name, runs in self.runs.items():
            ends = {end for run in runs for end in run.ends}
            met.add_node((_DUCT, name))
            met.add_edges_from(((_DUCT, name), ("", end)) for end in ends - racked)
        ducts: set[str] = set()
        for group in nx.connected_components(met):
            names = {name for kind, name in group if kind == _DUCT}
            joints = {name for kind, name in group if kind != _DUCT}
            if joints.isdisjoint(self.inside) and not racked.isdisjoint(self._ends(names)):
                ducts |= names
        racks = self._racks_of_site(ducts)
        return frozenset({("spans", d) for d in ducts} | {("distributors", r) for r in racks})

    def _ends(self, ducts: Collection[str]) -> set[str]:
        return {end for name in ducts for run in self.runs[name] for end in run.ends}

    def _racks_of_site(self, ducts: set[str]) -> set[str]:
        """Return the distributors at which only ducts of the site end, and a core outside wings.

        The core is a wing's where other containment than ducts leads to it; wings whose own ducts
        lead there have it beside their own.
        """
        others = self._ends(self.runs.keys() - ducts)
        cores = {d.name for d in _placed(self.survey, "distributors") if d.text("kind") == _CORE}
        alone = {n for n, node in self.racks.items() if not self.inside.degree(node)}
        ends = self._ends(ducts)
        return {n for n in alone if n in cores or self.racks[n] in ends - others}

    def ground(self) -> Ground:
        """Return the ground, its buildings named after a distributor in them if there is one."""
        chambers = self._chambers()
        walls = self.inside.copy()
        walls.remove_nodes_from(chambers)
        buildings: dict[str, str] = {}
        names = defaultdict(list)
        for name, node in sorted(self.racks.items()):
            names[node].append(name)
        for part in nx.connected_components(walls):
            named = sorted(chain.from_iterable(names[node] for node in part if node in names))
            buildings |= dict.fromkeys(part, f"building of {named[0] if named else min(part)}")

        def place(node: str) -> str:
            return chambers.get(node) or buildings.get(node, node)

        return Ground(
            ducts=tuple(self._ducts(place)),
            doors=tuple(
                sorted(
                    {
                        (name, buildings[beside])
                        for node, name in chambers.items()
                        if node in self.inside
                        for beside in self.inside[node]
                        if beside in buildings
                    }
                )
            ),
            rooms={name: place(node) for name, node in sorted(self.racks.items())},
            racks={name: self._points[name] for name in sorted(self.racks)},
            places={name: self._at(node) for node, name in sorted(chambers.items())},
            cores=tuple(
                d.name for d in _placed(self.survey, "distributors") if d.text("kind") == _CORE
            ),
            outlines=tuple(_outlines(self.survey)),
        )

    def _ducts(self, place: Callable[[str], str]) -> Iterator[Duct]:
        for feature, runs in sorted(self.runs.items()):
            for number, run in enumerate(runs, start=1):
                span, (start, end) = run.spans[0], run.ends
                yield Duct(
                    name=feature if len(runs) == 1 else f"{feature}#{number}",
                    feature=feature,
                    ends=(place(start), place(end)),
                    line=tuple(map(self._at, (*(s.start for s in run.spans), end))),
                    length_m=run.length_m,
                    exists=span.state == "existing",
                    fill_percent=span.fill_percent,
                    cross_section_mm2=span.cross_section_mm2,
                    grade=span.grade,
                )

    def _chambers(self) -> dict[str, str]:
        """Return the joints of two ducts or more, by node, each named after these."""
        met: defaultdict[str, list[str]] = defaultdict(list)
        for feature, runs in sorted(self.runs.items()):
            for end in chain.from_iterable(run.ends for run in runs):
                met[end].append(feature)
        racks = set(self.racks.values())
        found = {}
        for node, features in sorted(met.items()):
            if len(features) > 1 and node not in racks:
                east_m, north_m = self._at(node)
                joined = " and ".join(dict.fromkeys(features))
                found[node] = f"chamber of {joined} at {east_m:.0f} {north_m:.0f}"
        return found

    def _at(self, node: str) -> Point:
        return self._points[node]

    @cached_property
    def _points(self) -> dict[str, Point]:
        drawn = (*_placed(self.survey, "outlets"), *_placed(self.survey, "distributors"))
        fixed = {each.name: (each.geometry.x, each.geometry.y) for each in drawn}
        return fixed | {j.junction_id: j.at for j in self.routes.junctions}


def _outlines(survey: Survey) -> Iterator[Outline]:
    """Yield the perimeter and the buildings of a survey's layer `site`."""
    for site in survey.layers["site"]:
        if site.geometry is not None:
            yield Outline(
                kind=site.text("kind"),
                name=site.text("name"),
                ring=tuple(site.geometry.exterior.coords[:-1]),
                grade=site.grade,
            )

"""What is wrong with a survey as a whole: what does not meet, lead anywhere or belong."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain
from typing import TYPE_CHECKING

import networkx as nx
import shapely

from estate.errors import Problem
from estate.sources.survey import GEOMETRY, scan_survey
from estate.sources.table import require_sound
from estate.survey.alike import gathered
from estate.survey.ground import ground_problems
from estate.survey.overlaps import CELL_AREA_M2, overlap_problems
from estate.survey.places import DOOR_REACH_M, POINT_REACH_M, Places
from estate.survey.routes import SNAP_M, rises_to, trace
from estate.survey.walls import wall_problems
from estate.survey.wings import by_wing, cells_of, codes_below, prison_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from estate.sources.survey import Feature, Survey
    from estate.survey.routes import Routes

_CODES_MAX = 4  # Wing, spur, landing, cell.
_LENGTH_ROUNDED_M = 0.05  # A length may be this much shorter than its drawing.


def read_survey(path: Path, *, known: Collection[str], today: date | None = None) -> Survey:
    """Return a sound survey.

    Parameters
    ----------
    known
        Ids of the prisons that it may be of.

    Raises
    ------
    InputError
        When the file cannot be read or has any fault; it lists every one.
    """
    reading = scan_survey(path, today=today)
    problems = [*reading.problems, *survey_problems(reading.survey, known=known)]
    require_sound(path.name, gathered(problems))
    return reading.survey


def survey_problems(survey: Survey, *, known: Collection[str]) -> Iterator[Problem]:
    """Yield what is wrong with a survey whose features have been read.

    Parameters
    ----------
    known
        Ids of the prisons of the register.
    """
    prison_id = prison_of(survey, known=known)
    if not prison_id:
        what = "no cell has the location key of a prison of the register"
        yield Problem(survey.file, "layer spaces", what, "give keys such as LEI-A-1-001")
    places = Places(survey)
    yield from _key_problems(survey, prison_id)
    yield from _cell_problems(survey, places)
    for door in survey.layers["doors"]:
        yield from _door_problems(door, places)
    yield from overlap_problems(survey)
    yield from wall_problems(survey)
    yield from _point_problems(survey, places)
    for span in survey.layers["spans"]:
        yield from _span_problems(span)
    for cable in survey.layers["cables"]:
        yield from _length_problems(cable)
    yield from ground_problems(survey)
    for code, wing in by_wing(survey, prison_id=prison_id).items():
        yield from _route_problems(code, wing, places)


def _key_problems(survey: Survey, prison_id: str) -> Iterator[Problem]:
    """Yield each location key that has no place in the custodial tree of the prison."""
    keyed = [space for space in survey.layers["spaces"] if space.text("location_key")]
    counts = Counter(space.text("location_key") for space in keyed)
    for space in keyed:
        key, wing = space.text("location_key"), space.text("wing")
        codes = codes_below(space, prison_id=prison_id)
        if prison_id and not codes:
            cure = f"begin it with {prison_id}-, or survey one prison at a time"
            yield space.problem(f"its location_key {key} is not of {prison_id}", cure)
        elif codes and (not all(codes) or not 1 < len(codes) <= _CODES_MAX):
            what = f"its location_key {key} is not a landing and cell below a wing"
            yield space.problem(what, f"write it as {prison_id}-A-1-001")
        elif codes and wing and wing != codes[0]:
            what = f"its location_key {key} is not below its wing {wing}"
            yield space.problem(what, "correct either")
        if counts[key] > 1:
            what = f"{counts[key]} spaces have the location_key {key}"
            yield space.problem(what, "give each the key of its own cell")


def _cell_problems(survey: Survey, places: Places) -> Iterator[Problem]:
    entered = set(chain.from_iterable(map(places.sides, survey.layers["doors"])))
    for cell in cells_of(survey):
        if not cell.text("location_key"):
            what = "it is a cell and has no location_key"
            yield cell.problem(what, "give its key in the HMPPS locations service")
        if cell.name and cell.name not in entered:
            yield cell.problem("no door leads to it", "draw its door in the layer doors")
        if GEOMETRY in cell.faulty:
            continue
        area_m2, (low, high) = float(cell.geometry.area), CELL_AREA_M2
        if not low <= area_m2 <= high:
            what = f"it has {area_m2:,.1f} m2, not {low:g} to {high:g} as a cell has"
            yield cell.problem(what, "draw its clear outline in metres")


def _door_problems(door: Feature, places: Places) -> Iterator[Problem]:
    sides = places.sides(door)
    for name in sides:
        yield from _reach_problems(door, name, places, reach_m=DOOR_REACH_M)
    if len(set(sides)) < 2 and GEOMETRY not in door.faulty:  # noqa: PLR2004 - a door has two sides
        yield door.problem(
            "it does not join two spaces", "name from_space and to_space, or move it between two"
        )


def _reach_problems(
    feature: Feature, name: str, places: Places, *, reach_m: float
) -> Iterator[Problem]:
    """Yield what speaks against a feature standing in, or at, the space of that name."""
    space = places.by_name.get(name)
    if space is None:
        yield feature.problem(f"there is no space {name}", "give a space_id of the layer spaces")
    elif space.floor != feature.floor and "floor" not in space.faulty | feature.faulty:
        what = f"it is on floor {feature.floor} and {name} on floor {space.floor}"
        yield feature.problem(what, "correct either")
    elif space.geometry is not None and feature.geometry is not None:
        distance_m = float(space.geometry.distance(feature.geometry))
        if distance_m > reach_m:
            what = f"it stands {distance_m:,.1f} m from {name}"
            yield feature.problem(what, "move it there, or name the space that it is at")


def _point_problems(survey: Survey, places: Places) -> Iterator[Problem]:
    outlets, distributors = survey.layers["outlets"], survey.layers["distributors"]
    for point in (*outlets, *distributors, *survey.layers["access_points"]):
        name = places.around(point)
        if name:
            yield from _reach_problems(point, name, places, reach_m=POINT_REACH_M)
        elif point.layer == "outlets" and GEOMETRY not in point.faulty:
            yield point.problem("it stands in no space", "move it into its cell, or draw the cell")
    racks = {distributor.name for distributor in distributors if distributor.name}
    for outlet in outlets:
        if outlet.name in racks:
            yield outlet.problem("a distributor has the same name", "give either another")
    yield from _crowding_problems([*outlets, *distributors])


def _crowding_problems(points: Iterable[Feature]) -> Iterator[Problem]:
    """Yield points that a route could not tell apart."""
    placed = [p for p in points if p.geometry is not None and "floor" not in p.faulty]
    tree = shapely.STRtree([point.geometry for point in placed])
    for index, point in enumerate(placed):
        near = tree.query(point.geometry, predicate="dwithin", distance=SNAP_M).tolist()
        for other in sorted(o for o in near if o > index and placed[o].floor == point.floor):
            what = f"it stands within {SNAP_M:g} m of {placed[other].name}"
            yield point.problem(what, "move them apart, or keep one")


def _span_problems(span: Feature) -> Iterator[Problem]:
    riser, length_m = span.text("containment") == "riser", span.number_of("length_m")
    upper = span.integer("to_floor")
    if not span.faulty.isdisjoint({"containment", "floor", "to_floor", "length_m", GEOMETRY}):
        return
    if riser and length_m is None:
        yield span.problem("it is a riser without length_m", "give its length from floor to floor")
    if riser and rises_to(span) == span.floor:
        what = f"it is a riser from floor {span.floor} to the same"
        yield span.problem(what, "give the floor that it goes to as to_floor")
    if not riser and upper is not None and upper != span.floor:
        what = f"it goes from floor {span.floor} to {upper} and is no riser"
        yield span.problem(what, "make its containment riser, or clear to_floor")
    # A duct may be drawn to a room that only stands for the comms room, which is elsewhere.
    if not riser and span.text("containment") != "duct":
        yield from _length_problems(span)


def _length_problems(feature: Feature) -> Iterator[Problem]:
    length_m = feature.number_of("length_m")
    if length_m is None or feature.geometry is None:
        return
    drawn_m = float(feature.geometry.length)
    if length_m < drawn_m - _LENGTH_ROUNDED_M:
        what = f"its length_m is {length_m:g}, and it is drawn {drawn_m:.1f} m long"
        yield feature.problem(what, "correct it, or clear it to take the length drawn")


def _route_problems(code: str, wing: Survey, places: Places) -> Iterator[Problem]:
    cells = cells_of(wing)
    if not cells:
        what = f"the wing {code} has no cell"
        yield Problem(wing.file, "layer spaces", what, "draw its cells, or correct the wing")
        return
    routes = trace(wing)
    for loop in routes.loops:
        yield loop.problem("both of its ends meet the same joint", "draw it from one to another")
    if not wing.layers["distributors"]:
        what = f"no distributor is in wing {code}, nor at the end of any of its spans"
        yield Problem(wing.file, "layer distributors", what, "draw the rack, and the spans to it")
        return
    yield from _stray_problems(routes)
    joints = defaultdict(list)
    for outlet in wing.layers["outlets"]:
        joints[places.around(outlet)].append(routes.joints.get(outlet.name, ""))
    for cell in cells:
        if not cell.name:
            continue
        if cell.name not in joints:
            yield cell.problem("no outlet is in it", "draw where its outlet is, or would go")
        elif routes.reached.isdisjoint(joints[cell.name]):
            what = "it has no way along the spans to a distributor"
            yield cell.problem(what, "draw the spans that are missing, end to end")


def _stray_problems(routes: Routes) -> Iterator[Problem]:
    """Yield a problem for each run of spans that leads to no distributor."""
    graph: nx.Graph[str] = nx.Graph((span.start, span.end) for span in routes.spans)
    part = {
        node: number
        for number, nodes in enumerate(nx.connected_components(graph))
        for node in nodes
    }
    runs: defaultdict[int, dict[str, Feature]] = defaultdict(dict)
    for span in routes.spans:
        if span.start not in routes.reached:
            origin = routes.origins[span.span_id]
            runs[part[span.start]][origin.name] = origin
    for run in runs.values():
        first, *others = run.values()
        also = f", nor are {len(others)} that it meets" if others else ""
        what = f"it is not connected to a distributor{also}"
        yield first.problem(what, f"end it within {SNAP_M:g} m of the next span or rack")

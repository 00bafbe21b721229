"""What may serve the cells: outlets, access points, splitters and pairs, each with its price."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, hypot
from typing import TYPE_CHECKING

import numpy as np

from estate.cabling.options import Option
from estate.cabling.rules import optical_margin_db
from estate.cabling.wing import middle_of
from estate.model import Point

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from estate.cabling.containment import Tap
    from estate.cabling.standing import StandingLink
    from estate.cabling.wing import WingProblem
    from estate.radio.candidates import Candidate
    from estate.radio.serving import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePoint:
    """One thing that may serve cells, with all that it takes but its cable.

    `serves` gives the load of each cell that it may serve as a share of what the point bears.
    `node` is where its cable starts and `length_m` the drop to it; `anchor` is the node that its
    containment cannot do without, which for fibre from a comms room is the far end. `per_cell`
    is what a cell takes in addition to the point, and `reuses` what of it stands already.
    """

    name: str
    option: Option
    floor: int
    at: Point
    height_m: float | None
    space_id: str
    node: int
    anchor: int
    length_m: float
    items: dict[str, float]
    serves: dict[int, float]
    signal_dbm: dict[int, float] = field(default_factory=dict)
    per_cell: dict[int, dict[str, float]] = field(default_factory=dict)
    reuses: str = ""


def outlets_of(problem: WingProblem) -> Iterator[ServicePoint]:
    """Yield an outlet for each cell; a link that stands needs no cable and no drilling."""
    for number, (cell, tap) in enumerate(zip(problem.cells, problem.taps, strict=True)):
        outlet = next(iter(problem.outlets.get(cell.space_id, ())), None)
        link = problem.standing.cells.get(cell.space_id)
        node = problem.end_of(link, near=tap.node) if link else tap.node
        yield ServicePoint(
            name=outlet.outlet_id if outlet else f"outlet in {cell.location_key or cell.space_id}",
            option=Option.OUTLETS,
            floor=cell.floor,
            at=outlet.at if outlet else middle_of(cell),
            height_m=None,
            space_id=cell.space_id,
            node=node,
            anchor=node,
            length_m=0.0 if link else tap.length_m,
            items={"network_dock": 1.0} | (_finished(link) if link else _new(tap)),
            serves={number: 1.0},
            reuses=link.words if link else "",
        )


def _new(tap: Tap) -> dict[str, float]:
    return {"outlet_cat6a": 1.0} | _drilled(tap)


def _finished(link: StandingLink) -> dict[str, float]:
    """Return what a link that stands still wants: an outlet at its end, where it has none."""
    return {} if link.has_outlet else {"outlet_cat6a": 1.0}


def pairs_of(problem: WingProblem) -> Iterator[ServicePoint]:
    """Yield a pair for each cell whose telephony pair has passed a test at the rate needed."""
    for number, (cell, tap) in enumerate(zip(problem.cells, problem.taps, strict=True)):
        if problem.pair_mbps(cell) < problem.rules["pair.mbps_min"]:
            continue
        node = _nearest_room(problem, tap.node)
        yield ServicePoint(
            name=f"pair to {cell.location_key or cell.space_id}",
            option=Option.EXISTING_PAIRS,
            floor=cell.floor,
            at=middle_of(cell),
            height_m=None,
            space_id=cell.space_id,
            node=node,
            anchor=node,
            length_m=0.0,
            items={"network_dock": 1.0, "pair_modem": 1.0},
            serves={number: 1.0},
        )


def access_points_of(
    problem: WingProblem, candidates: Sequence[Candidate], reach: Reach
) -> Iterator[ServicePoint]:
    """Yield an access point at each candidate from which some cell is served.

    One that takes the link of a cell serves that landing alone: the link is then not wanted for
    the outlet of the cell as well, since a landing has one technology.
    """
    columns = {cell.space_id: number for number, cell in enumerate(problem.cells)}
    numbers = [columns[cell] for cell in reach.cells]
    taps = {c.space_id: tap for c, tap in zip(problem.cells, problem.taps, strict=True)}
    spots = {cell.space_id: _spot(problem, cell.space_id) for cell in problem.cells}
    loads, signal_dbm = reach.loads["likely"], reach.signal_dbm
    for row, candidate in enumerate(candidates):
        start, end = loads.indptr[row], loads.indptr[row + 1]
        found = sorted(
            (numbers[int(column)], column, float(load))
            for column, load in zip(loads.indices[start:end], loads.data[start:end], strict=True)
        )
        in_cell = candidate.kind == "cell"
        link = _link_to(problem, candidate)
        if link and in_cell:
            found = [each for each in found if problem.cells[each[0]].floor == candidate.floor]
        if not found:
            continue
        fitting = {"outlet_cat6a": 1.0}
        if in_cell:
            tap = taps[candidate.space_id]
            node, drop_m = tap.node, tap.length_m + _apart(spots[candidate.space_id], candidate.at)
            fitting = _new(tap)
        else:
            node, drop_m = problem.containment.nearest(candidate.floor, candidate.at)
        if link:
            node, drop_m, fitting = problem.end_of(link, near=node), 0.0, _finished(link)
        yield ServicePoint(
            name=candidate.candidate_id,
            option=Option.CELL_ACCESS_POINTS if in_cell else Option.LANDING_ACCESS_POINTS,
            floor=candidate.floor,
            at=candidate.at,
            height_m=candidate.height_m,
            space_id=candidate.space_id,
            node=node,
            anchor=node,
            length_m=round(drop_m, 3),
            items={"access_point": 1.0} | fitting,
            serves=heard_best({cell: load for cell, _, load in found}),
            signal_dbm={
                cell: round(float(signal_dbm[row, column]), 1) for cell, column, _ in found
            },
            reuses=link.words if link else "",
        )


def _link_to(problem: WingProblem, candidate: Candidate) -> StandingLink | None:
    """Return the link that stands to where an access point may hang."""
    if candidate.kind == "cell":
        return problem.standing.cells.get(candidate.space_id)
    place = problem.standing.places.get(candidate.candidate_id)
    return place.link if place else None


def heard_best(loads: Mapping[int, float]) -> dict[int, float]:
    """Return the cells that an access point hears best, as many as its airtime bears together.

    Their loads are rounded, so that a network drawn elsewhere on the map is the same problem.
    """
    left, found = 1.0, {}
    for cell, load in sorted(loads.items(), key=lambda pair: (round(pair[1], 4), pair[0])):
        left -= round(load, 4)
        if left < 0:
            break
        found[cell] = round(load, 4)
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpticalLanding:
    """Passive optical fibre for one landing: where it is split, and the ways to its cells."""

    node: int
    ways: tuple[int, ...]
    points: tuple[ServicePoint, ...]


def optical_of(problem: WingProblem, family: int) -> OpticalLanding | str:
    """Return the splitters of a landing, or why passive optical is not offered there.

    A splitter stands where the landing's containment begins; a drop of fibre runs from it to
    each cell and fibre from a comms room to it.
    """
    cells = [cell for cell, found in enumerate(problem.families) if found == family]
    distances, _ = problem.room_routes
    nearest = distances.min(axis=0)
    node = min({problem.taps[cell].node for cell in cells}, key=lambda n: (nearest[n], n))
    if not np.isfinite(nearest[node]):
        return "no containment leads from a comms room to it"
    lengths = [way.span.length_m for way in problem.containment.ways]
    drops, before = problem.containment.shortest([node], lengths)
    taps = [problem.taps[cell] for cell in cells]
    longest_m = float(nearest[node] + max(drops[0, tap.node] + tap.length_m for tap in taps))
    margin_db = optical_margin_db(longest_m, rules=problem.rules)
    if margin_db < 0:
        return f"the optical budget is {-margin_db:.1f} dB short over {longest_m:.0f} m"
    share = problem.rules["pon.cells_per_splitter"]
    feed = {"fibre_internal": round(float(nearest[node]), 3)}
    per_cell = {
        cell: {
            "pon_terminal": 1.0,
            "network_dock": 1.0,
            "fibre_drop": round(
                float(drops[0, problem.taps[cell].node]) + problem.taps[cell].length_m, 3
            ),
        }
        | _drilled(problem.taps[cell])
        for cell in cells
    }
    room = _nearest_room(problem, node)
    points = tuple(
        ServicePoint(
            name=f"splitter-{problem.landing_of(family)}-{number}",
            option=Option.PASSIVE_OPTICAL,
            floor=problem.landings[family],
            at=problem.containment.places[node],
            height_m=None,
            space_id="",
            node=room,
            anchor=node,
            length_m=0.0,
            items={"pon_splitter": 1.0} | feed,
            serves=dict.fromkeys(cells, round(1 / share, 6)),
            per_cell=per_cell,
        )
        for number in range(1, ceil(len(cells) / share) + 1)
    )
    return OpticalLanding(node=node, ways=_tree(problem, before[0], cells, lengths), points=points)


def _tree(
    problem: WingProblem, before: np.ndarray, cells: Sequence[int], weights: Sequence[float]
) -> tuple[int, ...]:
    """Return the ways of the shortest routes from a splitter to the cells, each once."""
    found: set[int] = set()
    done: set[int] = set()
    for node in sorted({problem.taps[cell].node for cell in cells}):
        here = node
        while here not in done and (previous := int(before[here])) >= 0:
            joined = problem.containment.ways_between(previous, here)
            found.add(min(joined, key=lambda way: (weights[way], problem.way_costs_gbp[way], way)))
            done.add(here)
            here = previous
    return tuple(sorted(found))


def _nearest_room(problem: WingProblem, node: int) -> int:
    distances, _ = problem.room_routes
    return problem.rooms[int(np.argmin(distances[:, node]))]


def _drilled(tap: Tap) -> dict[str, float]:
    return {"core_drill": float(tap.drills)} if tap.drills else {}


def _spot(problem: WingProblem, space_id: str) -> Point | None:
    outlet = next(iter(problem.outlets.get(space_id, ())), None)
    return outlet.at if outlet else None


def _apart(spot: Point | None, at: Point) -> float:
    """Return how far a cable runs on inside a cell from its outlet, in metres."""
    return 0.0 if spot is None else hypot(spot[0] - at[0], spot[1] - at[1])

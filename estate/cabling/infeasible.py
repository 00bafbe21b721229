"""Why a wing cannot be designed, in site words, and what would have to give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from estate.cabling.options import BUILT, LABELS
from estate.errors import NoPlanError, Problem

if TYPE_CHECKING:
    from estate.cabling.joint import Joint
    from estate.optimise import InfeasibleError, Remedy

_NAMED_MAX = 5


def no_design(joint: Joint, error: InfeasibleError) -> NoPlanError:
    """Return the error that names the cells at odds with the rules and the cheapest way out."""
    cells = _without_service(joint)
    if cells:
        return NoPlanError(
            f"no design keeps every rule for {_count(len(cells), of=len(joint.wing.cells))}",
            hint=_way_out(joint, cells),
            problems=_listed([_link_problem(joint, cell) for cell in cells]),
        )
    named = [_key(joint, int(cell)) for cell in error.culprits]
    what = f"no design keeps every rule for {_count(len(named), of=len(joint.wing.cells))} together"
    problems = [
        Problem("", f"cell {key}", "each could be served, and not all at once", "see what to try")
        for key in named
    ]
    return NoPlanError(what, hint=_remedies(joint, error), problems=_listed(problems))


def _count(cells: int, *, of: int) -> str:
    return f"{cells} of {of} cells" if cells else "the wing"


def _listed(problems: list[Problem]) -> list[Problem]:
    """Return the first of several problems, and how many more there are."""
    left = len(problems) - _NAMED_MAX
    if left <= 0:
        return problems
    more = Problem("", f"and {left} cells more", "likewise", "the same helps them")
    return [*problems[:_NAMED_MAX], more]


def _remedies(joint: Joint, error: InfeasibleError) -> str:
    """Return the least that would have to give, in site words."""
    ways = joint.wing.containment.ways

    def words(remedy: Remedy) -> str:
        match remedy.kind:
            case "length_limit":
                return f"allow links of {remedy.amount:.1f} m (permanent_link_m)"
            case "ports":
                return (
                    f"make room for {remedy.amount:g} more ports in {joint.hubs[remedy.index].name}"
                )
            case "cables":
                span = ways[remedy.index].span.span_id
                return f"make room for {remedy.amount:g} more cables along {span}"
            case _:
                point = joint.points[remedy.index].name
                return f"let {point} bear {remedy.amount:.0%} more (radio_airtime_max)"

    said = " and ".join(map(words, error.remedies))
    return said or "allow more switches in a cabinet, or draw another distributor in the survey"


def _without_service(joint: Joint) -> list[int]:
    """Return the cells that no offered point within the link limit could serve, the worst first.

    Each of them alone is a smallest conflict: with it there is no design.
    """
    served = {
        cell
        for point, length_m in zip(joint.points, joint.cables_m_min, strict=True)
        if length_m <= joint.limit_m
        for cell in point.serves
        if joint.is_offered(joint.wing.families[cell], point.option)
    }
    left = set(range(len(joint.wing.cells))) - served
    return sorted(left, key=lambda cell: (-_nearest(joint, cell)[0], cell))


def _nearest(joint: Joint, cell: int) -> tuple[float, str]:
    """Return the length from a cell's outlet to the nearest distributor, and its name."""
    wing, tap = joint.wing, joint.wing.taps[cell]
    lengths = [way.span.length_m for way in wing.containment.ways]
    distances, _ = wing.containment.shortest([hub.node for hub in joint.hubs], lengths)
    hub = int(np.argmin(distances[:, tap.node]))
    return float(distances[hub, tap.node]) + tap.length_m, joint.hubs[hub].name


def _link_problem(joint: Joint, cell: int) -> Problem:
    length_m, hub = _nearest(joint, cell)
    place = f"cell {_key(joint, cell)}"
    if not np.isfinite(length_m):
        what = "it has no way along containment to any distributor"
        return Problem("", place, what, "draw the missing span in the survey")
    via = joint.wing.containment.names[joint.wing.taps[cell].node]
    return Problem(
        "",
        place,
        f"it reaches no distributor within {joint.limit_m:g} m",
        f"the nearest is {length_m:,.1f} m away, {hub} via {via}",
    )


def _way_out(joint: Joint, cells: list[int]) -> str:
    longest_m = max(_nearest(joint, cell)[0] for cell in cells)
    if not np.isfinite(longest_m):
        return "draw the missing span in the survey, from the cell's outlet to a distributor"
    others = [
        LABELS[option]
        for option in BUILT
        if all((joint.wing.families[cell], option) in joint.refused for cell in cells)
    ]
    refused = f"; not offered there: {', '.join(others)}" if others else ""
    return (
        f"draw a distributor within {joint.limit_m:g} m of these cells, or allow links of "
        f"{longest_m:,.1f} m (permanent_link_m){refused}"
    )


def _key(joint: Joint, cell: int) -> str:
    space = joint.wing.cells[cell]
    return space.location_key or space.space_id

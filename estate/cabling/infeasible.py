"""Why a wing cannot be designed, in site words, and what would have to give."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from estate.cabling.options import BUILT, LABELS, WIRELESS
from estate.cabling.rules import limit_allowing_m
from estate.errors import NoPlanError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from estate.cabling.joint import Joint
    from estate.cabling.points import ServicePoint
    from estate.optimise import InfeasibleError, Remedy

_NAMED_MAX = 5


def no_design(joint: Joint, error: InfeasibleError) -> NoPlanError:
    """Return the error that names the cells at odds with the rules and the cheapest way out."""
    cells = _without_service(joint)
    if cells:
        return NoPlanError(
            f"no design keeps every rule for {_count(len(cells), of=len(joint.wing.cells))}",
            hint=_way_out(joint, cells),
            problems=(
                *_listed([_link_problem(joint, cell) for cell in cells]),
                *_not_offered(joint, cells),
            ),
        )
    named = [_key(joint, int(cell)) for cell in error.culprits]
    what = f"no design keeps every rule for {_count(len(named), of=len(joint.wing.cells))} together"
    within = " and ".join(_rule(joint, remedy) for remedy in error.remedies) or "every rule"
    at_once = f"each could be served, and not all at once within {within}"
    problems = [Problem("", f"cell {key}", at_once, "see what to try") for key in named]
    return NoPlanError(what, hint=_remedies(joint, error), problems=_listed(problems))


def _count(cells: int, *, of: int) -> str:
    return f"{cells} of {of} cells" if cells else "the wing"


def _listed(problems: list[Problem]) -> list[Problem]:
    """Return the first of several problems, and how many more there are."""
    left = len(problems) - _NAMED_MAX
    if left <= 0:
        return problems
    cells = "1 cell" if left == 1 else f"{left} cells"
    more = Problem("", f"and {cells} more", "likewise", "the same helps")
    return [*problems[:_NAMED_MAX], more]


def _rule(joint: Joint, remedy: Remedy) -> str:
    """Return the rule that would have to give, in site words."""
    match remedy.kind:
        case "length_limit":
            return f"links of {joint.limit_m:g} m (permanent_link_m, less for heat)"
        case "ports":
            return f"the ports of {joint.hubs[remedy.index].name}"
        case "cables":
            return f"the fill of {joint.wing.containment.ways[remedy.index].span.span_id}"
        case _:
            point = _posed(joint)[remedy.index]
            what = "airtime" if point.option in WIRELESS else "load"
            return f"the {what} of {point.name}"


def _remedies(joint: Joint, error: InfeasibleError) -> str:
    """Return the least that would have to give, in site words."""
    ways = joint.wing.containment.ways

    def words(remedy: Remedy) -> str:
        match remedy.kind:
            case "length_limit":
                return _longer_links(joint, remedy.amount)
            case "ports":
                hub, ports = joint.hubs[remedy.index].name, ceil(round(remedy.amount, 3))
                return (
                    f"make room for {ports} more ports in {hub} (its free ports and rack units in "
                    "the survey, else switches_per_cabinet)"
                )
            case "cables":
                span, cables = ways[remedy.index].span.span_id, ceil(round(remedy.amount, 3))
                return f"make room for {cables} more cables along {span} (its fill_percent)"
            case _:
                return _more_load(joint, _posed(joint)[remedy.index], remedy.amount)

    said = " and ".join(map(words, error.remedies))
    return said or "allow more switches in a cabinet, or draw another distributor in the survey"


def _longer_links(joint: Joint, length_m: float) -> str:
    """Return what to set so that links of a length are allowed, the derating for heat included."""
    assumptions = joint.wing.catalogue.assumptions
    temperature_c = assumptions["containment_temperature_c"].likely
    limit_m = limit_allowing_m(
        length_m, temperature_c=temperature_c, screened=True, rules=joint.wing.rules
    )
    links_m = ceil(round(length_m * 10, 6)) / 10
    return (
        f"allow links of {links_m:,.1f} m at {temperature_c:g} °C: a permanent_link_m of "
        f"{limit_m:.1f} in inputs/assumptions.csv"
    )


def _more_load(joint: Joint, point: ServicePoint, amount: float) -> str:
    """Return what to set so that a point bears its load and a share of it more."""
    if point.option not in WIRELESS:
        return f"let {point.name} bear {ceil(round(amount * 100, 3))}% more"
    share = joint.wing.catalogue.assumptions["radio_airtime_max"].likely * (1 + amount)
    share = ceil(round(share * 1000, 3)) / 1000
    if share > 1:
        return f"draw another place for an access point near {point.name}, which has no more time"
    return (
        f"let {point.name} be busy for {share:.1%} of the time: a radio_airtime_max of {share:g} "
        "in inputs/assumptions.csv"
    )


def _posed(joint: Joint) -> Sequence[ServicePoint]:
    """Return the points that a solver is given, in its order: those that some landing may have."""
    families = joint.wing.families
    return [
        point
        for point in joint.points
        if any(joint.is_offered(families[cell], point.option) for cell in point.serves)
    ]


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
    return Problem(
        "",
        place,
        f"it reaches no distributor within {joint.limit_m:g} m (permanent_link_m, less for heat)",
        f"the nearest is {length_m:,.1f} m away, {hub}",
    )


def _not_offered(joint: Joint, cells: list[int]) -> Iterator[Problem]:
    """Yield why cells that some way leads to could not be served otherwise: each reason once.

    Where the wired wing has no design its radio is not traced, and nothing is said of it.
    """
    said = set()
    reached = [cell for cell in cells if np.isfinite(_nearest(joint, cell)[0])]
    for option in BUILT:
        for cell in reached:
            why = joint.refused.get((joint.wing.families[cell], option))
            if why and (option, why) not in said and option not in WIRELESS:
                said.add((option, why))
                yield Problem("", LABELS[option], why, "not offered there")


def _way_out(joint: Joint, cells: list[int]) -> str:
    longest_m = max(_nearest(joint, cell)[0] for cell in cells)
    if not np.isfinite(longest_m):
        return "draw the missing span in the survey, from the cell's outlet to a distributor"
    return (
        f"draw a distributor within {joint.limit_m:g} m of these cells, or "
        f"{_longer_links(joint, longest_m)}"
    )


def _key(joint: Joint, cell: int) -> str:
    space = joint.wing.cells[cell]
    return space.location_key or space.space_id

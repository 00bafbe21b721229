"""Why a wing cannot be designed, in site words, and what would have to give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from estate.cabling.options import BUILT, LABELS
from estate.errors import NoPlanError

if TYPE_CHECKING:
    from estate.cabling.joint import Joint
    from estate.optimise import InfeasibleError

_NAMED_MAX = 5


def no_design(joint: Joint, error: InfeasibleError) -> NoPlanError:
    """Return the error that names the cells at odds with the rules and the cheapest way out."""
    cells = _without_service(joint)
    if not cells:
        named = ", ".join(_key(joint, int(cell)) for cell in error.culprits[:_NAMED_MAX])
        what = f"no design keeps every rule for the cells {named or 'of this wing'}: {error}"
        hint = "allow more switches in a cabinet, or draw another distributor in the survey"
        return NoPlanError(what, hint=hint)
    lines = [_link_words(joint, cell) for cell in cells[:_NAMED_MAX]]
    if len(cells) > _NAMED_MAX:
        lines.append(f"and {len(cells) - _NAMED_MAX} cells more")
    return NoPlanError("; ".join(lines), hint=_way_out(joint, cells))


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


def _link_words(joint: Joint, cell: int) -> str:
    length_m, hub = _nearest(joint, cell)
    key = _key(joint, cell)
    if not np.isfinite(length_m):
        return f"cell {key} has no way along containment to any distributor"
    via = joint.wing.containment.names[joint.wing.taps[cell].node]
    return (
        f"cell {key} reaches no distributor within {joint.limit_m:g} m; "
        f"nearest {length_m:.1f} m, {hub} via {via}"
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
        f"{longest_m:.1f} m (permanent_link_m){refused}"
    )


def _key(joint: Joint, cell: int) -> str:
    space = joint.wing.cells[cell]
    return space.location_key or space.space_id
